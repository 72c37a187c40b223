"""What became of the days of a range, and of two states of the same days together."""

from orchestration.stages.tally import Tally


def test_a_day_is_made_where_either_state_was_and_left_where_neither_was() -> None:
    rollups = Tally(days={"2026-11-02": {"rolled_up": 5}}, current=["2026-11-01", "2026-11-03"], frozen=["2026-11-04"])
    traits = Tally(days={"2026-11-02": {"traces": 2}, "2026-11-03": {}}, current=["2026-11-01", "2026-11-04"])
    both = rollups | traits
    assert both.days == {"2026-11-02": {"rolled_up": 5, "traces": 2}, "2026-11-03": {}}
    assert (both.current, both.frozen) == (["2026-11-01"], ["2026-11-04"])
    assert both == traits | rollups


def test_notes_of_both_states_are_kept() -> None:
    first, second = Tally(notes={"2026-11-01": "withheld"}), Tally(notes={"2026-11-02": "late"})
    assert (first | second).notes == {"2026-11-01": "withheld", "2026-11-02": "late"}


def test_counts_are_summed_over_the_days() -> None:
    tally = Tally(days={"2026-11-01": {"landed": 2}, "2026-11-02": {"landed": 3, "held": 1}}, current=["2026-11-03"])
    assert tally.metadata() == {"landed": 5, "held": 1, "days": 2, "days_already_current": 1, "days_frozen": 0}
