"""Which client each stage gets. No secret is a resource field: the UI shows fields."""

from collections.abc import Callable

import dagster as dg

from governance.keys import Keyring
from orchestration.key_management import deployment_keys
from orchestration.lake import Lake
from orchestration.settings import Home, home


@dg.resource(description="The directory of this deployment.")
def home_resource() -> Home:
    return home()


@dg.resource(description="Where states live.")
def lake_resource() -> Lake:
    return Lake(home().lake)


@dg.resource(description="Reads the keys for pseudonyms and record ids; made on first use.")
def keyring_resource() -> Callable[[], Keyring]:
    return lambda: deployment_keys(home())  # a step reads them itself: one may be destroyed while a run goes on


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        resources={"home": home_resource, "lake": lake_resource, "keys": keyring_resource},
        executor=dg.in_process_executor,  # one process per step would import everything again for each
    )
