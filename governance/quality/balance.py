"""Every record is accounted for: the equations between the counts of one partition's stages."""

from __future__ import annotations

from collections.abc import Mapping

# What came in = the sum of what became of it.
EQUATIONS: Mapping[str, tuple[str, ...]] = {
    "pulled": ("malformed", "duplicates", "landed"),
    "landed": ("held", "anonymized"),
    "canaries": ("canaries_masked", "canaries_held", "canaries_leaked"),
    "anonymized": ("checked", "quarantined", "discarded", "withheld"),
    "checked": ("sampled", "sampled_out"),
}


def applicable(counts: Mapping[str, int]) -> list[str]:
    """The equations all of whose terms are known: a stage that has not run cannot be out of balance."""
    return [total for total, parts in EQUATIONS.items() if {total, *parts} <= counts.keys()]


def unbalanced(counts: Mapping[str, int]) -> list[str]:
    """The known equations that do not hold, as `landed 10 = held 1 + anonymized 8`."""
    wrong = [total for total in applicable(counts) if counts[total] != sum(counts[part] for part in EQUATIONS[total])]
    return [
        f"{total} {counts[total]} = {' + '.join(f'{part} {counts[part]}' for part in EQUATIONS[total])}"
        for total in wrong
    ]
