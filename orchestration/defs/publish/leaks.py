"""The search for canaries, before anything is published and after everything is."""

from collections.abc import Iterator

import dagster as dg

from governance.errors import FeedbackError
from governance.policy import load_policy
from governance.privacy import PrivacyPolicy, load_privacy
from orchestration.defs.partitions import as_of, guarded_steps
from orchestration.reporting.data import MARTS
from orchestration.stages.leak_checking import READ, TO_BE_READ, LeakCheck, check_leaks

CHECK = "no_canary_is_found"


def leaks(name: str, deps: list[list[str]], read: tuple[str, ...], description: str) -> dg.AssetsDefinition:
    """The search at one point of the flow; a find in the folders `read` stops it there."""
    key = dg.AssetKey(["leaks", name])

    @dg.multi_asset(
        name=f"leaks__{name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey(dep) for dep in deps],
                group_name="publish",
                kinds={"python"},
                owners=[load_policy("privacy", PrivacyPolicy).owner],  # its patterns take 0.5 s to be checked
                description=f"{description} One find withholds the day it was planted in.",
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, blocking=True, description="No planted value is found unmasked.")
        ],
        required_resource_keys={"home", "lake", "keys"},
        op_tags={"dagster/priority": "-1"},  # behind whatever else can run
    )
    @guarded_steps
    def look(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        resources = context.resources
        lake, home, keys = resources.lake, resources.home, resources.keys()
        found = check_leaks(lake, home, load_privacy(), keys, as_of(context), read=read)
        yield from _results(key, found)

    return look


def _results(key: dg.AssetKey, found: LeakCheck) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What the search came to, as Dagster keeps it.

    Raises:
        FeedbackError: a find is urgent; nothing behind it may run.
    """
    counts = {"finds": len(found.scan.finds), "files": found.scan.files, "files_read": found.scan.read}
    yield dg.MaterializeResult(asset_key=key, metadata=counts)
    yield dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=key,
        passed=not found.scan.finds,
        severity=dg.AssetCheckSeverity.ERROR if found.urgent else dg.AssetCheckSeverity.WARN,
        metadata={"found": found.told or "none", **counts},
    )
    if found.urgent:
        raise FeedbackError(
            f"canaries leaked ({found.told}); their days are withheld from the next run on: "
            "correct what let them pass, then `feedback run`; `feedback leaks` looks again"
        )


before_publishing = leaks(
    "before_publishing",
    [["marts", mart] for mart, _ in MARTS.values()],
    TO_BE_READ,
    "Canaries found in anything written so far: lake, warehouse, logs and events, decoded.",
)
after_publishing = leaks(
    "after_publishing",
    # Not of published/*: those are skipped where nothing new passed the gate, and would take this with them.
    [["report", "status"]],
    READ,
    "Canaries found in what readers have now: published files and reports; and in what was written since.",
)
