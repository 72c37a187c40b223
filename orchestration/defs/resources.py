"""Which client each stage gets. No secret is a resource field: the UI shows fields."""

import dagster as dg

from governance.keys import Keyring, load_keyring
from orchestration.lake import Lake
from orchestration.settings import Home, home


@dg.resource(description="The directory of this deployment.")
def home_resource() -> Home:
    return home()


@dg.resource(description="Where states live.")
def lake_resource() -> Lake:
    return Lake(home().lake)


@dg.resource(description="Keys for pseudonyms and record ids, made on first use.")
def keyring_resource() -> Keyring:
    return load_keyring(home().keys)


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        resources={"home": home_resource, "lake": lake_resource, "keys": keyring_resource},
        executor=dg.in_process_executor,  # one process per step would import everything again for each
    )
