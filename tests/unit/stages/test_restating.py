"""A figure of the past that is other than it was published is told with both values and the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from governance.metrics import Metric
from orchestration.lake import Lake, Manifest
from orchestration.serving.behind import RESTATEMENTS_SCHEMA
from orchestration.stages.restating import FIGURES_SCHEMA, KEY, Published, changes, judged_days, restate
from tests.unit.explaining.test_explaining import CREATED, OF_EACH

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (9, 10, 11))
Row = tuple[str, str | None, str | None, date, float | None]
JUDGED: Mapping[str, object] = {
    "anonymized": "a1",
    "rulings": "r1",
    "policy": "p1",
    "landed": 9,
    "released": 0,
    "discarded": 0,
    "is_withheld": False,
}
RULED, LATE = {**JUDGED, "rulings": "r2"}, {**JUDGED, "anonymized": "a2", "landed": 10}
DAYS = {("zendesk", "tickets", day): JUDGED for day in (MONDAY, TUESDAY)}


def published(
    figures: Iterable[Row] = (("tickets", None, None, MONDAY, 4.0),),
    days: Mapping[tuple[str, str, date], Mapping[str, object]] | None = None,
    definition: str = "f1:m1",
    policies: str = "p1",
) -> Published:
    """A publication of one metric; its Monday and Tuesday were judged as JUDGED says."""
    figured = pl.DataFrame(list(figures), FIGURES_SCHEMA, orient="row")
    return Published(figured, {"tickets": definition}, DAYS if days is None else days, policies)


BEFORE = published()
NOW = published([("tickets", None, None, MONDAY, 5.0)])


def judged(day: date, judgement: Mapping[str, object], signal: str = "tickets") -> Published:
    """What is published now that a day was judged so."""
    return replace(NOW, days={**DAYS, ("zendesk", signal, day): judgement})


@pytest.mark.parametrize(
    ("now", "reason", "datasets"),
    [
        (judged(MONDAY, {**RULED, "released": 2}), "release", "zendesk/tickets"),
        (judged(MONDAY, {**RULED, "discarded": 2}), "discard", "zendesk/tickets"),
        (judged(MONDAY, {**RULED, "is_withheld": True}), "waiver", "zendesk/tickets"),
        (judged(MONDAY, LATE), "late data", "zendesk/tickets"),
        (judged(MONDAY, {**JUDGED, "anonymized": "a2"}), "new policy", "zendesk/tickets"),
        (judged(MONDAY, {**JUDGED, "policy": "p2"}), "new policy", "zendesk/tickets"),
        # a ticket of Monday that was solved on another day
        (judged(TUESDAY, LATE), "data of other days", "zendesk/tickets"),
        (judged(WEDNESDAY, JUDGED), "data of other days", "zendesk/tickets"),
        (judged(TUESDAY, {**RULED, "released": 1}), "release", "zendesk/tickets"),
        (judged(TUESDAY, LATE, "logs"), "other", ""),  # what it is not made of is no reason
        (replace(NOW, definitions={"tickets": "f2:m1"}), "new definition", ""),
        (replace(NOW, definitions={"tickets": "f1:m2"}), "new definition", ""),
        (replace(NOW, definitions={"tickets": "f1:m2"}, policies="p2"), "new policy", ""),
        (replace(NOW, policies="p2"), "new policy", ""),
        (NOW, "other", ""),
    ],
)
def test_the_reason_is_the_nearest_thing_that_changed(now: Published, reason: str, datasets: str) -> None:
    (row,) = changes(BEFORE, now, {"tickets": ["tickets"]}, WEDNESDAY).to_dicts()
    assert (row["value_before"], row["value_after"], row["reason"], row["datasets"]) == (4, 5, reason, datasets)


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ([("tickets", None, None, MONDAY, 4.0 + 1e-12)], []),  # sums of several threads
        ([("tickets", None, None, MONDAY, None)], [(None, None, MONDAY, 4, None)]),
        # gone while the days before are there: it has no row any more
        (
            [("tickets", None, None, date(2026, 3, 8), 1.0)],
            [(None, None, date(2026, 3, 8), None, 1), (None, None, MONDAY, 4, None)],
        ),
        ([("tickets", None, None, TUESDAY, 4.0)], [(None, None, TUESDAY, None, 4)]),  # Monday has expired
        ([], []),  # all has
        ([("tickets", None, None, MONDAY, 4.0), ("tickets", None, None, WEDNESDAY, 4.0)], []),  # not over then
        ([("tickets", None, None, MONDAY, 4.0), ("tickets", "plan", "pro", MONDAY, 4.0)], []),  # not asked then
        ([("tickets", None, None, MONDAY, 4.0), ("incidents", None, None, MONDAY, 4.0)], []),
    ],
)
def test_only_a_figure_that_was_published_and_has_not_expired_is_restated(
    figures: list[Row], told: list[tuple[object, ...]]
) -> None:
    found = changes(BEFORE, published(figures), {}, WEDNESDAY)
    assert found.select("dimension", "dimension_value", "event_date", "value_before", "value_after").rows() == told


def by_service(cart: float, pay: float, unknown: float) -> list[Row]:
    of_service = {"cart": cart, "pay": pay, None: unknown}
    return [
        ("tickets", None, None, MONDAY, sum(of_service.values())),
        *(("tickets", "service", service, MONDAY, value) for service, value in of_service.items()),
    ]


def test_what_moves_between_two_values_of_a_dimension_is_told_though_the_sum_stays() -> None:
    now = published(by_service(3, 2, 0), DAYS | {("zendesk", "tickets", MONDAY): {**RULED, "released": 2}})
    told = changes(published(by_service(2, 2, 1)), now, {}, WEDNESDAY)
    assert told.select("dimension", "dimension_value", "value_before", "value_after", "reason").rows() == [
        ("service", None, 1, 0, "release"),
        ("service", "cart", 2, 3, "release"),
    ]


def test_cases_that_go_on_are_told_over_all_dimensions_alone() -> None:
    now = published(by_service(3, 2, 1), DAYS | {("zendesk", "tickets", TUESDAY): LATE})
    told = changes(published(by_service(2, 2, 1)), now, {}, WEDNESDAY)
    assert told.select("dimension", "value_after", "reason").rows() == [(None, 6, "data of other days")]


class Company:
    """A warehouse that is published again and again."""

    def __init__(self, folder: Path) -> None:
        self.lake, self._file = Lake(folder / "lake"), folder / "feedback.duckdb"
        folder.mkdir(exist_ok=True)

    def publish(
        self, counts: Mapping[tuple[date, str], int], as_of: datetime, metric: Metric = CREATED
    ) -> pl.DataFrame:
        rows = ", ".join(f"(date '{day}', '{service}', {count}, 'd3f')" for (day, service), count in counts.items())
        columns = "t (event_date, service, created_count, definition_hash)"
        with duckdb.connect(str(self._file)) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(
                f"create or replace table marts.fct_ticket_days as select * from (values {rows}) as {columns}"
            )
        landed = sum(count for (day, _), count in counts.items() if day == MONDAY)
        inputs = {f"anonymized/zendesk/tickets/{MONDAY}": f"digest of {landed}"}
        with self.lake.replace(f"quarantine/zendesk/tickets/{MONDAY}", as_of=as_of, inputs=inputs) as out:
            out.counts = {"landed": landed, "released": 0, "discarded": 0}
            out.facts = {"blocked": "false"}
        return restate(self.lake, self._file, [metric], {}, judged_days(self.lake), as_of)

    def kept(self) -> tuple[Manifest, dict[str, pl.DataFrame]]:
        """What the last publication left: its record and its tables."""
        record = self.lake.manifest(KEY)
        assert record is not None
        return record, {table: self.lake.read(KEY, table) for table in record.tables}

    def keep(self, tables: Mapping[str, pl.DataFrame], facts: Mapping[str, str] | None = None) -> None:
        """Put this in the place of what the publication of the 11th left."""
        record, _ = self.kept()
        with self.lake.replace(KEY, as_of=moment(11), policy=record.policy) as out:
            for table, rows in tables.items():
                out.write(table, rows)
            out.facts = dict(record.facts if facts is None else facts)


def moment(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


FIGURES = {(MONDAY, "cart"): 2, (MONDAY, "pay"): 2, (TUESDAY, "pay"): 1}


def test_each_publication_is_compared_with_the_last_and_all_restatements_are_kept(tmp_path: Path) -> None:
    company = Company(tmp_path)
    assert company.publish(FIGURES, moment(11)).height == 0
    assert company.publish(FIGURES | {(MONDAY, "cart"): 3}, moment(12)).height == 2
    told = company.publish(FIGURES | {(MONDAY, "cart"): 3, (TUESDAY, "pay"): 2}, moment(13))
    assert told.select("dimension_value", "value_before", "value_after", "reason", "published_at").rows() == [
        (None, 4, 5, "late data", moment(12)),
        ("cart", 2, 3, "late data", moment(12)),
        (None, 1, 2, "other", moment(13)),
        ("pay", 1, 2, "other", moment(13)),
    ]
    assert company.publish(FIGURES, moment(12)).equals(told)  # what was known earlier is no change
    assert company.publish(FIGURES | {(MONDAY, "cart"): 3, (TUESDAY, "pay"): 2}, moment(13)).equals(told)


def test_figures_of_days_made_from_the_same_are_not_asked_again(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.publish(FIGURES, moment(11))
    _, tables = company.kept()
    company.keep({**tables, "figures": tables["figures"].with_columns(value=pl.lit(-1.0))})
    company.publish(FIGURES | {(TUESDAY, "pay"): 2}, moment(11))
    after = company.kept()[1]["figures"].select("event_date", "value")
    assert set(after.rows()) == {(MONDAY, -1.0), (TUESDAY, 2.0)}


@pytest.mark.parametrize(
    ("counts", "metric"),
    [
        (FIGURES, CREATED),  # the same
        ({**FIGURES, (WEDNESDAY, "pay"): 7}, CREATED),  # a day more
        ({**FIGURES, (MONDAY, "cart"): 9}, CREATED),  # another day in front
        ({**FIGURES, (MONDAY, "cart"): 1, (MONDAY, "pay"): 3}, CREATED),  # the same sum
        ({(MONDAY, "pay"): 4, (TUESDAY, "pay"): 1}, CREATED),  # a row less, the same sum
        ({(TUESDAY, "pay"): 1}, CREATED),  # a day less
        ({(MONDAY, "cart"): 2, (MONDAY, "pay"): 2}, CREATED),  # the last day less
        ({**FIGURES, (date(2026, 3, 8), "cart"): 2}, CREATED),  # an earlier day more
        (FIGURES, OF_EACH),  # another metric
        (FIGURES, CREATED.model_copy(update={"dimensions": ()})),
        (FIGURES, CREATED.model_copy(update={"query": CREATED.query.replace("sum", "max")})),
    ],
)
def test_what_is_kept_is_what_asking_everything_anew_gives(
    tmp_path: Path, counts: Mapping[tuple[date, str], int], metric: Metric
) -> None:
    company, anew = Company(tmp_path / "company"), Company(tmp_path / "anew")
    company.publish(FIGURES, moment(11))
    company.publish(counts, moment(12), metric)
    anew.publish(counts, moment(12), metric)
    for table in ("figures", "made"):
        columns = company.kept()[1][table].columns
        assert company.kept()[1][table].sort(columns).equals(anew.kept()[1][table].sort(columns))


def test_what_a_metric_is_always_by_is_told_and_never_added_up(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.publish(FIGURES, moment(11), OF_EACH)
    told = company.publish({(MONDAY, "cart"): 3, (MONDAY, "pay"): 1, (TUESDAY, "pay"): 1}, moment(12), OF_EACH)
    assert told.select("dimension", "dimension_value", "value_before", "value_after").rows() == [
        (None, "cart", 2, 3),
        (None, "pay", 2, 1),
    ]


def test_another_dimension_is_told_with_what_a_metric_is_always_by(tmp_path: Path) -> None:
    company = Company(tmp_path)
    about = OF_EACH.about.model_copy(update={"always_by": ("definition_hash",)})
    metric = OF_EACH.model_copy(update={"about": about, "dimensions": ("service", "definition_hash")})
    company.publish(FIGURES, moment(11), metric)
    told = company.publish(FIGURES | {(MONDAY, "cart"): 3}, moment(12), metric)
    places = told.select("dimension", "dimension_value", "value_before", "value_after").rows()
    assert places == [(None, "d3f", 4, 5), ("service", "cart, d3f", 2, 3)]


def test_what_was_added_up_by_an_earlier_version_is_not_compared(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.publish(FIGURES, moment(11))
    record, tables = company.kept()
    figures = tables["figures"].with_columns(pl.lit(OF_EACH.name).alias("metric"))
    company.keep({**tables, "figures": figures}, {OF_EACH.name: record.facts[CREATED.name]})
    assert company.publish(FIGURES, moment(12), OF_EACH).height == 0


def test_figures_that_were_kept_without_dimensions_are_compared_over_all(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.publish(FIGURES, moment(11))
    _, tables = company.kept()
    figures = tables["figures"].filter(pl.col("dimension").is_null()).drop("dimension", "dimension_value")
    restatements = tables["restatements"].drop("dimension", "dimension_value")
    company.keep({"figures": figures, "days": tables["days"], "restatements": restatements})
    told = company.publish(FIGURES | {(MONDAY, "cart"): 3}, moment(12))
    assert told.schema == RESTATEMENTS_SCHEMA
    assert told.select("dimension", "value_before", "value_after").rows() == [(None, 4, 5)]
