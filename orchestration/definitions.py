"""The whole flow, in order, one folder under `defs` per stage:

ingest      pull every source once (`received`), split it by UTC day (`landing`)
anonymize   landing -> anonymized; what could not be judged -> held
gate        anonymized -> checked | quarantine; too many failures withhold the day
sample      checked -> traits, rollups (exact) and sampled (weighted)
transform   checked, rollups, sampled -> dbt marts
publish     marts -> one masked file per role
alert, report, retain   freshness to teams; the status report; expiry
"""

import gc
from pathlib import Path

import dagster as dg

from orchestration.garbage import collect_seldom
from orchestration.settings import enter, home


@dg.definitions
def defs() -> dg.Definitions:
    enter(home())
    # What hundreds of modules leave when they load is no garbage: looking for it took a fifth of the time.
    gc.disable()
    try:
        return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    finally:
        collect_seldom()
        gc.enable()
