"""Metrics are declared once, published with what they mean, and answer in the periods and dimensions asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from governance.access import Column, Publication, Role
from governance.errors import PolicyError, UsageError
from governance.metrics import Metric
from orchestration.lake import Lake
from orchestration.serving.catalogue import load_catalogue, require_declared_once
from orchestration.serving.metrics import Question, ask, list_metrics, part_periods
from orchestration.serving.publishing import publish
from orchestration.serving.telling import require_fitting
from orchestration.stages.field_lineage import Lineage
from orchestration.stages.publishing import note_definitions

AS_OF = datetime(2026, 1, 20, tzinfo=UTC)
META = {
    "unit": "requests",
    "owner": "platform@example.com",
    "direction": "up",
    "review": "weekly",
    "version": 1,
    "figure": "exact",
    "no_data": "nothing was seen",
    "do_not_use_for": "anything else",
}


def measure(name: str, expr: str, agg: str = "sum", *, last: bool = False) -> dict[str, Any]:
    snapshot = {"name": "day", "window_choice": "max", "window_groupings": []}
    return {"name": name, "agg": agg, "expr": expr, "non_additive_dimension": snapshot if last else None}


def percentile(name: str, *, is_discrete: bool) -> dict[str, Any]:
    params = {"percentile": 0.9, "use_discrete_percentile": is_discrete, "use_approximate_percentile": False}
    return {**measure(name, "request_count", "percentile"), "agg_params": params}


def simple(name: str, of: str, **meta: object) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "description": f"{name}, counted",
        "type": "simple",
        "type_params": {"measure": {"name": of}},
        "filter": None,
        "config": {"meta": {**META, **meta}},
        "original_file_path": "models/metrics/_days__metrics.yml",
    }


def ratio(name: str, numerator: str, denominator: str) -> dict[str, Any]:
    params = {"numerator": {"name": numerator}, "denominator": {"name": denominator}}
    return {**simple(name, ""), "type": "ratio", "type_params": params}


def manifest(folder: Path, *metrics: dict[str, Any], of_model: dict[str, object] | None = None) -> Path:
    model = {
        "name": "days",
        "node_relation": {"alias": "fct_days"},
        "defaults": {"agg_time_dimension": "day"},
        "dimensions": [
            {"name": "day", "type": "time", "expr": None},
            {"name": "service", "type": "categorical", "expr": None},
        ],
        "measures": [
            measure("all", "request_count"),
            measure("bad", "failed_count"),
            measure("busiest", "request_count", "max"),
            measure("left", "open_count", last=True),
            measure("half", "request_count", "median"),
            percentile("most", is_discrete=True),
            percentile("between", is_discrete=False),
        ],
    }
    histogram = {
        "alias": "fct_latency",
        "config": {"meta": {"metrics": [of_model] if of_model else []}},
        "patch_path": "feedback_warehouse://models/marts/_marts__models.yml",
    }
    path = folder / "manifest.json"
    path.write_bytes(
        orjson.dumps(
            {
                "metrics": {metric["name"]: metric for metric in metrics},
                "semantic_models": {"days": model},
                "nodes": {"model.fct_latency": histogram},
            }
        )
    )
    return path


P50 = {
    **META,
    "name": "median",
    "label": "Median",
    "description": "of durations",
    "form": "percentile",
    "percent": 50,
    "time": "day",
    "dimensions": ["service"],
}
METRICS = (
    simple("requests", "all"),
    simple("failed", "bad"),
    ratio("failed_ratio", "failed", "requests"),
    simple("peak", "busiest"),
    simple("open", "left"),
    simple("middle", "half"),
    simple("p90", "most"),
    simple("by_each", "all", always_by=["service"]),
)


@pytest.fixture
def catalogue(tmp_path: Path) -> list[Metric]:
    return load_catalogue(manifest(tmp_path, *METRICS, of_model=P50))


@pytest.fixture
def file(tmp_path: Path, catalogue: list[Metric]) -> Path:
    warehouse = tmp_path / "feedback.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("""
            create schema marts;
            create table marts.fct_days as select * from (values
                (date '2026-01-05', 'cart', 10, 1, 4), (date '2026-01-06', 'cart', 30, 0, 5),
                (date '2026-01-06', 'pay', 0, 0, 1), (date '2026-01-12', 'cart', 60, 9, 2),
            ) as d (day, service, request_count, failed_count, open_count);
            create table marts.fct_latency as select * from (values
                (date '2026-01-05', 'cart', 1280, 1), (date '2026-01-06', 'cart', 1344, 2),
                (date '2026-01-06', 'pay', 0, 7)
            ) as d (day, service, bucket, request_count);
        """)
    columns = ("day", "service", "request_count", "failed_count", "open_count")
    tables = (
        Publication("fct_days", "marts.fct_days", tuple(map(Column, columns))),
        Publication(
            "fct_latency", "marts.fct_latency", tuple(map(Column, ("day", "service", "bucket", "request_count")))
        ),
    )
    target = tmp_path / "published/clerk.duckdb"
    publish(warehouse, target, Role("clerk", "Clerks.", tables), AS_OF, catalogue)
    return target


FIRST, SECOND = date(2026, 1, 5), date(2026, 1, 12)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        (Question("requests"), [(100,)]),
        (Question("requests", ("service",)), [("cart", 100), ("pay", 0)]),
        (Question("requests", grain="week"), [(FIRST, 40), (SECOND, 60)]),
        (Question("requests", ("service",), "week", since=SECOND), [(SECOND, "cart", 60)]),
        (Question("requests", until=FIRST), [(10,)]),
        # a ratio of sums, not a mean of ratios; null where there is nothing to take a share of
        (Question("failed_ratio"), [(0.1,)]),
        (Question("failed_ratio", ("service",)), [("cart", 0.1), ("pay", None)]),
        (Question("peak", grain="month"), [(date(2026, 1, 1), 60)]),
        # what is open does not add up over days: it is what was open on the last one
        (Question("open", grain="week"), [(FIRST, 6), (SECOND, 2)]),
        (Question("open"), [(2,)]),
        # the median of everyday use; another percentile is one of the values
        (Question("middle"), [(20,)]),
        (Question("p90", ("service",)), [("cart", 60), ("pay", 0)]),
        # over services it says nothing: they are told, asked or not
        (Question("by_each"), [("cart", 100), ("pay", 0)]),
        (Question("by_each", ("service",)), [("cart", 100), ("pay", 0)]),
        (Question("by_each", grain="week"), [(FIRST, "cart", 40), (FIRST, "pay", 0), (SECOND, "cart", 60)]),
        (Question("by_each", only={"service": "cart"}), [(100,)]),
    ],
)
def test_a_metric_answers_by_dimension_and_period(
    file: Path, question: Question, rows: list[tuple[object, ...]]
) -> None:
    assert ask(file, question).rows() == rows


def test_a_percentile_of_a_week_is_that_of_its_days_together(file: Path) -> None:
    # 1280 / 64 = 20: 2^20 ns and the middle of its bucket; two of three requests took twice as long
    (row,) = ask(file, Question("median", ("service",), "week", since=FIRST)).rows()[:1]
    assert row[:2] == (FIRST, "cart")
    assert row[2] == pytest.approx(2 ** (21 + 0.5 / 64) / 1e6)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question("request"), "did you mean requests"),
        (Question("requests", ("region",)), "no dimension region; allowed: service"),
        (Question("requests", grain="fortnight"), "allowed: day, month, quarter, week, year"),
        (Question("requests", ("service", "service")), "--by service is given twice"),
        (Question("requests", since=date(2026, 2, 1), until=date(2026, 1, 31)), "no day is between them"),
    ],
)
def test_what_cannot_be_asked_is_told_with_what_can(file: Path, question: Question, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask(file, question)


def test_every_metric_says_what_it_means(file: Path) -> None:
    (found,) = (metric for metric in list_metrics(file) if metric["metric"] == "failed_ratio")
    assert found["owner"] == "platform@example.com"
    assert found["no_data"] == "nothing was seen"
    assert found["dimensions"] == ["service"]


def test_a_role_has_the_metrics_that_its_tables_are_enough_for(tmp_path: Path, catalogue: list[Metric]) -> None:
    warehouse = tmp_path / "small.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create schema marts; create table marts.fct_days (day date, service text, request_count int)"
        )
    tables = (Publication("fct_days", "marts.fct_days", tuple(map(Column, ("day", "service", "request_count")))),)
    publish(warehouse, tmp_path / "few.duckdb", Role("few", "Few.", tables), AS_OF, catalogue)
    assert [metric["metric"] for metric in list_metrics(tmp_path / "few.duckdb")] == [
        "by_each",
        "middle",
        "p90",
        "peak",
        "requests",
    ]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([simple("requests", "all", owner=None)], "metric requests: owner is None"),
        ([simple("requests", "all", direction="sideways")], "metric requests: direction is 'sideways'"),
        ([simple("requests", "all", unite="x")], "metric requests: unite"),
        ([simple("requests", "all", always_by=["region"])], "always_by names region, which is no .*allowed: service"),
        ([{**simple("requests", "all"), "type": "cumulative"}], "allowed: ratio, simple"),
        ([simple("median", "all")], "metric median is declared twice"),
        ([simple("requests", "between")], "metric requests: measure between needs agg_params.use_discrete_percentile"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path: Path, metrics: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        load_catalogue(manifest(tmp_path, *metrics, of_model=P50))


def test_a_metric_without_an_owner_is_refused(tmp_path: Path) -> None:
    metric = simple("requests", "all")
    del metric["config"]["meta"]["owner"]
    with pytest.raises(PolicyError, match="metric requests: owner is missing; add it"):
        load_catalogue(manifest(tmp_path, metric))


def test_a_changed_formula_needs_a_new_version(tmp_path: Path) -> None:
    lake, unchanged = Lake(tmp_path / "lake"), Lineage({})
    note_definitions(lake, load_catalogue(manifest(tmp_path, simple("requests", "all"))), unchanged, AS_OF)
    changed = load_catalogue(manifest(tmp_path, simple("requests", "busiest")))
    message = (
        "metric requests: its formula changed and its version is still 1; .* in dbt_project/models/metrics/_days__m"
    )
    with pytest.raises(PolicyError, match=message):
        note_definitions(lake, changed, unchanged, AS_OF)
    raised = load_catalogue(manifest(tmp_path, simple("requests", "busiest", version=2)))
    note_definitions(lake, raised, unchanged, AS_OF)


def test_what_its_columns_are_computed_by_is_part_of_a_formula(tmp_path: Path) -> None:
    lake, computed = Lake(tmp_path / "lake"), {"day": "d1", "service": "s1", "request_count": "r1", "open_count": "o1"}
    catalogue = load_catalogue(manifest(tmp_path, simple("requests", "all")))
    note_definitions(lake, catalogue, Lineage({}, {"marts.fct_days": computed}), AS_OF)
    other_column = Lineage({}, {"marts.fct_days": {**computed, "open_count": "o2"}})
    note_definitions(lake, catalogue, other_column, AS_OF)
    changed = Lineage({}, {"marts.fct_days": {**computed, "request_count": "r2"}})
    message = (
        r"metric requests: what fct_days.request_count is computed by.* changed and its version is still 1; .* raise"
    )
    with pytest.raises(PolicyError, match=message):
        note_definitions(lake, catalogue, changed, AS_OF)
    raised = load_catalogue(manifest(tmp_path, simple("requests", "all", version=2)))
    note_definitions(lake, raised, changed, AS_OF)


def test_a_formula_whose_columns_are_not_known_is_neither_remembered_nor_compared(tmp_path: Path) -> None:
    """What the transform stage keeps of them can be lost; the next run tells them anew."""
    lake, computed = Lake(tmp_path / "lake"), {"day": "d1", "service": "s1", "request_count": "r1", "*": "1"}
    catalogue, known = load_catalogue(manifest(tmp_path, simple("requests", "all"))), {"marts.fct_days": computed}
    for lineage in (Lineage({}), Lineage({}, known), Lineage({}), Lineage({}, known)):
        note_definitions(lake, catalogue, lineage, AS_OF)
    changed = Lineage({}, {"marts.fct_days": {**computed, "request_count": "r2"}})
    with pytest.raises(PolicyError, match=r"fct_days\.request_count is computed by"):
        note_definitions(lake, catalogue, changed, AS_OF)


@pytest.mark.parametrize(
    ("grain", "periods", "parts"),
    [
        ("day", ["2026-01-05", "2026-02-20"], []),
        ("week", ["2025-12-29", "2026-01-05", "2026-02-09", "2026-02-16"], ["2025-12-29", "2026-02-16"]),
        ("month", ["2026-01-01", "2026-02-01"], ["2026-01-01", "2026-02-01"]),
        ("quarter", ["2026-01-01"], ["2026-01-01"]),
        ("year", ["2026-01-01"], ["2026-01-01"]),
    ],
)
def test_a_period_is_whole_only_within_the_days_that_are_counted(
    grain: str, periods: list[str], parts: list[str]
) -> None:
    """From Monday, 5 January to Friday, 20 February 2026."""
    starts = [date.fromisoformat(start) for start in periods]
    found = part_periods(starts, grain, date(2026, 1, 5), date(2026, 2, 20))
    assert [str(start) for start in found] == parts
    assert part_periods(starts, grain, None, None) == []


@pytest.mark.parametrize(
    ("grain", "start", "last"),
    [("month", date(2026, 12, 1), date(2026, 12, 31)), ("quarter", date(2026, 10, 1), date(2026, 12, 31)),
     ("year", date(2026, 1, 1), date(2026, 12, 31)), ("month", date(2028, 2, 1), date(2028, 2, 29))],
)  # fmt: skip
def test_a_period_whose_last_day_is_counted_is_whole(grain: str, start: date, last: date) -> None:
    assert part_periods([start], grain, start, last) == []
    assert part_periods([start], grain, start, last - timedelta(days=1)) == [start]


@pytest.mark.parametrize(
    ("what", "name", "options", "output", "message"),
    [
        ("list", "", ["--by"], "table", "metric list: --by has no meaning there; allowed: --role, --format"),
        ("list", "requests", [], "table", "metric list: requests .* `feedback metric show requests`"),
        ("show", "requests", ["--grain"], "table", "metric show: --grain has no meaning there; allowed: --role"),
        ("show", "requests", [], "json", "metric show: --format has no meaning there"),
        ("requests", "service", ["--by"], "table", "metric requests: service has no meaning .* allowed: --by, --grain"),
    ],
)
def test_what_has_no_meaning_is_refused(what: str, name: str, options: list[str], output: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        require_fitting(what, name, options, output)


def test_what_has_a_meaning_is_not_refused() -> None:
    require_fitting("list", "", [], "json")
    require_fitting("show", "requests", [], "table")
    require_fitting("requests", "", ["--by", "--grain", "--since"], "csv")


METRIC, MODEL = "metrics:\n- {name: requests}\n", "semantic_models:\n- {name: days}\n"
OF_MODEL = "models:\n- {name: fct_days, config: {meta: {metrics: [{name: requests}]}}}\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.yml": METRIC + "- {name: requests}\n"}, "metric requests is declared 2 times, in a.yml and in a.yml"),
        ({"a.yml": METRIC, "x/b.yml": METRIC}, "metric requests is declared 2 times, in a.yml and in x/b.yml"),
        ({"a.yml": METRIC, "b.yml": OF_MODEL}, "metric requests is declared 2 times, in a.yml and in b.yml"),
        ({"a.yml": MODEL, "b.yml": MODEL + METRIC}, "semantic model days is declared 2 times, in a.yml and in b.yml"),
    ],
)
def test_a_name_that_is_declared_twice_is_refused_with_its_files(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(PolicyError, match=message):
        require_declared_once(tmp_path)


def test_a_name_may_be_that_of_a_metric_and_of_a_semantic_model(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(METRIC + MODEL.replace("days", "requests"))
    (tmp_path / "broken.yml").write_text("metrics: [")  # dbt's own message is better
    require_declared_once(tmp_path)
