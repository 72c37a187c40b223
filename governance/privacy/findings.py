"""What was found and replaced, counted by field and entity: for stewards, and to see when a source drifts.

Counts alone: no value, and no key of an attribute that could itself name a person.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import polars as pl

from governance.privacy.policy import shown_key

# One row per field and entity. `field` is a column or `attributes.<key>`; `value_count` says how many values of the
# field were looked at, whatever was found in them.
FINDINGS_SCHEMA = pl.Schema(
    {
        "field": pl.String,
        "entity": pl.String,
        "finding_count": pl.Int64,  # found in the text itself
        "propagated_count": pl.Int64,  # masked because another text of the thread gave it away
        "value_count": pl.Int64,
    }
)
# The entity of values that were left out because no rule names their attribute.
WITHHELD = "WITHHELD"


class FindingCounts:
    """The counts of one batch while it is anonymised; a record that is held in the end is counted all the same."""

    def __init__(self) -> None:
        self._values: Counter[str] = Counter()
        self._found: Counter[tuple[str, str]] = Counter()
        self._propagated: Counter[tuple[str, str]] = Counter()

    def looked_at(self, field: str, count: int) -> None:
        """`count` values of the field were looked at."""
        self._values[field] += count

    def found(self, field: str, entity: str, count: int) -> None:
        """`count` values of the entity were replaced in the field."""
        self._found[field, entity] += count

    def propagated(self, field: str, entity: str, count: int) -> None:
        """`count` values of the entity were replaced in the field because another text of the thread holds them."""
        self._propagated[field, entity] += count

    def withheld(self, key: str, count: int) -> None:
        """`count` values of an attribute were left out."""
        self.looked_at(attribute_field(key), count)
        self._found[attribute_field(key), WITHHELD] += count

    def __add__(self, other: FindingCounts) -> FindingCounts:
        """The counts of two batches together."""
        both = FindingCounts()
        for one in (self, other):
            both._values.update(one._values)
            both._found.update(one._found)
            both._propagated.update(one._propagated)
        return both

    def table(self) -> pl.DataFrame:
        """The counts as FINDINGS_SCHEMA, without those of nothing."""
        rows = [
            (field, entity, self._found[field, entity], self._propagated[field, entity], self._values[field])
            for field, entity in sorted({*+self._found, *+self._propagated})
        ]
        return pl.DataFrame(rows, FINDINGS_SCHEMA, orient="row")


@lru_cache(maxsize=4_096)
def attribute_field(key: str) -> str:
    """The name under which an attribute is counted."""
    return f"attributes.{shown_key(key)}"


def by_entity(findings: pl.DataFrame) -> dict[str, int]:
    """Replacements by entity, propagated ones included and withheld values not."""
    totals = (
        findings.filter(pl.col("entity") != WITHHELD)
        .group_by("entity")
        .agg((pl.col("finding_count") + pl.col("propagated_count")).sum())
    )
    return dict(totals.sort("entity").iter_rows())
