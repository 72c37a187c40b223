"""Assets that are published only once a steward has signed them off: which, and what was signed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import polars as pl

from governance.access import AccessPolicy
from governance.audit import Recorded
from governance.errors import PolicyError, UsageError, one_of
from governance.quality.rulings import DISCARD, RELEASE, standing_decisions
from governance.stewards import StewardsPolicy

SIGN_OFF = "sign_off"

# When and by which run rows were made: what is signed are the rows.
_ORIGIN = ("run_id", "as_of")


def assets_to_sign(stewards: StewardsPolicy, access: AccessPolicy) -> list[str]:
    """The published assets (`marts/<model>`, sorted) that policies/stewards.yml asks a sign-off for.

    Raises:
        PolicyError: `sign_off` names what no role's file has: nobody would ever be asked.
    """
    published = {table.relation.replace(".", "/") for table in access.tables.values()}
    for name in stewards.sign_off:
        if not any(fnmatchcase(asset, name) for asset in published):
            raise PolicyError(
                f"policies/stewards.yml: sign_off names {name}, which policies/access.yml publishes to nobody; "
                f"{one_of(name, published)}"
            )
    return sorted(asset for asset in published if stewards.needs_sign_off(asset))


def state_of(rows: pl.DataFrame) -> str:
    """Names the rows of an asset, in whatever order, and its columns; what says when they were made is left out."""
    columns = str(rows.drop(_ORIGIN, strict=False).schema)
    return hashlib.sha256("\n".join([columns, *sorted(rows_of(rows))]).encode()).hexdigest()[:16]


def rows_of(rows: pl.DataFrame) -> list[str]:
    """Each row as a text, without what says when it was made."""
    return rows.drop(_ORIGIN, strict=False).write_ndjson().splitlines()


def signed_states(decisions: Iterable[Recorded]) -> Mapping[str, Mapping[str, Recorded]]:
    """By asset, its states that are signed off, each with the decision; those taken back are not among them."""
    signed: dict[str, dict[str, Recorded]] = defaultdict(dict)
    for one in standing_decisions(decisions):
        if one.decision.kind == SIGN_OFF:
            signed[str(one.decision.what["asset"])][str(one.decision.what["state"])] = one
    return signed


def check_signer(stewards: StewardsPolicy, who: str, asset: str, decisions: Sequence[Recorded]) -> None:
    """Refuse who let in or threw away rows since the asset was signed last: figures are seen by a second person too.

    Args:
        decisions: all there are, in order.

    Raises:
        UsageError: `who` did, and the policy asks for two.
    """
    if not stewards.two_person:
        return
    for one in reversed(decisions):
        said = one.decision
        if said.kind == SIGN_OFF and said.what["asset"] == asset:
            return
        if said.kind in (RELEASE, DISCARD) and said.who.casefold() == who.casefold():
            raise UsageError(
                f"{asset}: {who} decided on rows that it counts (decision {one.number}, {said.kind}) since it was "
                "signed last; ask another steward, or set two_person in policies/stewards.yml to false"
            )
