"""What a stage did over a range of days, as counts by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of one dataset by day; days left as they were are named with the reason."""

    days: dict[str, Mapping[str, int]] = field(default_factory=dict)
    current: list[str] = field(default_factory=list)  # made from the same inputs before
    frozen: list[str] = field(default_factory=list)  # input expired or key destroyed: left as it is
    notes: dict[str, str] = field(default_factory=dict)  # day -> why it needs somebody's attention

    def __or__(self, other: Tally) -> Tally:
        """What became of the same days in two states: made where either was, left where neither was."""
        days: dict[str, Mapping[str, int]] = {
            day: {**self.days.get(day, {}), **other.days.get(day, {})} for day in sorted({*self.days, *other.days})
        }
        frozen = sorted({*self.frozen, *other.frozen} - days.keys())
        current = sorted({*self.current, *other.current} - days.keys() - set(frozen))
        return Tally(days, current, frozen, {**self.notes, **other.notes})

    @property
    def total(self) -> dict[str, int]:
        """The counts summed over the days."""
        total: Counter[str] = Counter()
        for counts in self.days.values():
            total.update(counts)
        return dict(total)

    def metadata(self) -> dict[str, int]:
        """The counts as asset metadata: numbers only, no content."""
        return {
            **self.total,
            "days": len(self.days),
            "days_already_current": len(self.current),
            "days_frozen": len(self.frozen),
        }
