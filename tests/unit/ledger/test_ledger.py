"""Every record is accounted for, also after the states that counted it have expired."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.quality import unbalanced
from orchestration.lake import Lake
from orchestration.ledger import COUNTS, LEDGER_SCHEMA, ledger

PULLED = {"pulled": 10, "malformed": 1, "duplicates": 2, "conflicts": 1, "landed": 7}
CANARIES = {"canaries": 43, "canaries_masked": 42, "canaries_held": 1, "canaries_leaked": 0}
ANONYMIZED = {**PULLED, "anonymized": 6, "held": 1, **CANARIES}
JUDGED = {**ANONYMIZED, "checked": 5, "released": 1, "quarantined": 1, "discarded": 0, "withheld": 0}
WITHHELD = {**ANONYMIZED, "checked": 0, "released": 0, "quarantined": 1, "discarded": 0, "withheld": 5}
SIZES = {
    "sampled_bytes": 600,
    "sampled_out_bytes": 900,
    "cut_error_traces": 0,
    "cut_slow_traces": 1,
    "cut_rare_traces": 2,
    "cut_new_template_traces": 0,
}
SAMPLED = {"sampled": 2, "sampled_out": 3, **SIZES}

LANDING, ANON, CHECKED, QUARANTINE, SAMPLE = (
    f"{state}/otel/spans/2026-01-01" for state in ("landing", "anonymized", "checked", "quarantine", "sampled")
)


def lake_with(root: Path, partitions: dict[str, dict[str, int]], blocked: str = "false") -> Lake:
    lake = Lake(root)
    for key, counts in partitions.items():
        with lake.replace(key, as_of=datetime(2026, 1, 2, tzinfo=UTC)) as out:
            out.counts = dict(counts)
            if key.startswith("quarantine/"):
                out.facts = {"blocked": blocked, "reason": ""}
    return lake


def test_a_day_that_went_through_is_one_balanced_row(tmp_path: Path) -> None:
    lake = lake_with(
        tmp_path, {LANDING: PULLED, ANON: ANONYMIZED, CHECKED: JUDGED, QUARANTINE: JUDGED, SAMPLE: SAMPLED}
    )
    frame = ledger(lake)
    assert frame.schema == LEDGER_SCHEMA
    assert frame.rows() == [
        (
            "otel",
            "spans",
            date(2026, 1, 1),
            10,
            1,
            2,
            1,
            7,
            1,
            6,
            5,
            1,
            1,
            0,
            0,
            2,
            3,
            *SIZES.values(),
            43,
            42,
            1,
            0,
            None,
            True,
            False,
        )
    ]


NOT_LATE = {"too_late"}
NOT_SAMPLED = set(SAMPLED) | NOT_LATE
NOT_JUDGED = {"checked", "released", "quarantined", "discarded", "withheld"} | NOT_SAMPLED


@pytest.mark.parametrize(
    ("partitions", "unknown", "verdict"),
    [
        # stages that have not run are unknown, not zero
        ({LANDING: PULLED}, {"held", "anonymized"} | CANARIES.keys() | NOT_JUDGED, (True, None)),
        # landing and anonymized have expired: what they counted has not
        ({CHECKED: JUDGED, QUARANTINE: JUDGED}, NOT_SAMPLED, (True, False)),
        ({SAMPLE: SAMPLED}, set(COUNTS) - SAMPLED.keys(), (None, None)),
        # a row lost on the way
        ({LANDING: PULLED | {"landed": 6}, ANON: ANONYMIZED}, NOT_JUDGED, (False, None)),
        ({CHECKED: JUDGED, SAMPLE: SAMPLED | {"sampled_out": 2}}, NOT_LATE, (False, False)),
        # a canary nobody knows of
        ({LANDING: PULLED, ANON: ANONYMIZED | {"canaries": 44}}, NOT_JUDGED, (False, None)),
    ],
)
def test_the_ledger_knows_what_it_does_not_know(
    tmp_path: Path, partitions: dict[str, dict[str, int]], unknown: set[str], verdict: tuple[bool | None, bool | None]
) -> None:
    (row,) = ledger(lake_with(tmp_path, partitions)).iter_rows(named=True)
    assert {count for count in COUNTS if row[count] is None} == unknown
    assert (row["is_balanced"], row["is_withheld"]) == verdict


def test_a_withheld_day_balances_without_checked_rows(tmp_path: Path) -> None:
    (row,) = ledger(lake_with(tmp_path, {ANON: ANONYMIZED, QUARANTINE: WITHHELD}, "true")).iter_rows(named=True)
    assert (row["checked"], row["withheld"], row["is_balanced"], row["is_withheld"]) == (0, 5, True, True)


def test_what_came_too_late_is_no_term_of_the_balance(tmp_path: Path) -> None:
    late = "late/otel/spans/2026-01-01"
    (row,) = ledger(lake_with(tmp_path, {LANDING: PULLED, late: {"too_late": 3}})).iter_rows(named=True)
    assert (row["pulled"], row["too_late"], row["is_balanced"]) == (10, 3, True)
    (row,) = ledger(lake_with(tmp_path / "all of it expired", {late: {"too_late": 3}})).iter_rows(named=True)
    assert (row["pulled"], row["too_late"], row["is_balanced"], row["is_withheld"]) == (None, 3, None, None)


def test_an_empty_lake_has_an_empty_ledger(tmp_path: Path) -> None:
    assert ledger(Lake(tmp_path)).schema == LEDGER_SCHEMA


def test_what_is_out_of_balance_is_said_in_figures() -> None:
    assert unbalanced({"landed": 10, "held": 1, "anonymized": 8}) == ["landed 10 = held 1 + anonymized 8"]


@given(st.tuples(*[st.integers(0, 100)] * 5), st.integers(-3, 3))
def test_only_exact_sums_balance(parts: tuple[int, int, int, int, int], off: int) -> None:
    malformed, duplicates, held, quarantined, withheld = parts
    anonymized = 7 + quarantined + withheld
    landed = anonymized + held + off
    counts = {"pulled": landed + malformed + duplicates, "malformed": malformed, "duplicates": duplicates,
              "landed": landed, "held": held, "anonymized": anonymized, "checked": 7, "quarantined": quarantined,
              "withheld": withheld}  # fmt: skip
    assert bool(unbalanced(counts)) is (off != 0)
