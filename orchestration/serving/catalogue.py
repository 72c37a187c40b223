"""The catalogue of metrics, read from the dbt project, with the SQL of each.

What MetricFlow can express is declared as its semantic models and metrics (dbt_project/models/metrics): simple metrics,
also those that do not add up over time, and ratios. What it cannot is declared under `meta.metrics` of the model it is
computed from, with a `form`. The SQL is made here, once, when the roles' files are published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from governance.errors import PolicyError, one_of
from governance.metrics import Metric, about
from orchestration.settings import PROJECT

Node = Mapping[str, Any]

_AGGREGATIONS = {
    "sum": "sum({})",
    "min": "min({})",
    "max": "max({})",
    "average": "avg({})",
    "median": "median({})",
    "count": "count({})",
    "count_distinct": "count(distinct {})",
}
_PLAIN = (
    "select {{keys}}, {value} as value"
    ' from (select {{select_keys}}, * from "{table}" where {{where}}) group by {{keys}}'
)
# Of every period the rows of its last (or first) day alone: open tickets of a week are those at its end.
_SNAPSHOT = (
    "select {{keys}}, {value} as value from (select *, {choice}({time}) over (partition by {{period_keys}}) as at_time"
    ' from (select {{select_keys}}, * from "{table}" where {{where}})) where {time} = at_time group by {{keys}}'
)
_PROJECT = "dbt_project"
_OWN = ("name", "label", "description", "form", "time", "dimensions")


def load_catalogue(manifest: Path) -> list[Metric]:
    """Every metric of the project, by name.

    Args:
        manifest: dbt's manifest.json.

    Raises:
        PolicyError: a metric lacks something, is declared twice, or is of a kind that is not supported.
    """
    project = orjson.loads(manifest.read_bytes())
    metrics = sorted([*_semantic(project), *_of_models(project)], key=lambda metric: metric.name)
    names = [metric.name for metric in metrics]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PolicyError(f"metric {twice[0]} is declared twice; a name is one definition: rename or remove one")
    return metrics


def require_declared_once(folder: Path) -> None:
    """Look into the YAML files below a folder themselves: dbt keeps the last of a name, and says nothing of the others.

    Raises:
        PolicyError: two metrics, or two semantic models, have one name; it says which, and in which files.
    """
    reader, places = YAML(typ="safe"), dict[tuple[str, str], list[str]]()
    for file in sorted(folder.rglob("*.yml")):
        text = file.read_text(encoding="utf-8")
        if "metrics:" not in text and "semantic_models:" not in text:
            continue  # most files, and the longest ones
        with suppress(YAMLError):  # dbt says what is wrong with it
            for one in _declared(reader.load(text) or {}):
                places.setdefault(one, []).append(str(file.relative_to(folder)))
    for (kind, name), files in places.items():
        if len(files) > 1:
            raise PolicyError(
                f"{_PROJECT}/{folder.name}: {kind} {name} is declared {len(files)} times, in {' and in '.join(files)};"
                " a name is one definition: rename or remove one"
            )


def _declared(said: Node) -> Iterator[tuple[str, str]]:
    """Kind and name of what a YAML file declares."""
    for kind, label in (("metrics", "metric"), ("semantic_models", "semantic model")):
        yield from ((label, one.get("name", "?")) for one in said.get(kind) or ())
    for model in said.get("models") or ():
        told = model.get("config", {}).get("meta", {}).get("metrics", ())
        yield from (("metric", one.get("name", "?")) for one in told)


def _semantic(project: Node) -> Iterator[Metric]:
    declared = {metric["name"]: metric for metric in project["metrics"].values()}
    measures = {
        measure["name"]: (model, measure)
        for model in project["semantic_models"].values()
        for measure in model["measures"]
    }
    for name, metric in declared.items():
        parts = [measures[measure] for measure in _measures(metric, declared)]
        model = parts[0][0]
        if any(other["name"] != model["name"] for other, _ in parts):
            raise PolicyError(
                f"metric {name}: its measures are of two semantic models; give them one model that has both"
            )
        dimensions = {one["name"]: one["expr"] or one["name"] for one in model["dimensions"] if one["type"] != "time"}
        times = {one["name"]: one["expr"] or one["name"] for one in model["dimensions"] if one["type"] == "time"}
        time = times[model["defaults"]["agg_time_dimension"]]
        values = [_aggregation(name, measure) for _, measure in parts]
        value = values[0] if len(values) == 1 else f"{values[0]} * 1.0 / nullif({values[1]}, 0)"
        table = model["node_relation"]["alias"]
        snapshot = parts[0][1]["non_additive_dimension"]
        form = _SNAPSHOT if snapshot else _PLAIN
        choice = snapshot["window_choice"] if snapshot else ""
        yield Metric(
            name=name,
            label=metric["label"],
            description=metric["description"],
            about=about(name, metric["config"]["meta"]),
            table=table,
            time=time,
            dimensions=tuple(dimensions),
            columns=(time, *dimensions.values(), *_columns(values)),
            declared_in=f"{_PROJECT}/{metric['original_file_path']}",
            query=form.format(value=value, table=table, time=time, choice=choice),
        )


def _aggregation(name: str, measure: Node) -> str:
    """How rows become one value; percentiles are nearest-rank (discrete) ones."""
    expression = measure["expr"] or measure["name"]
    if measure["agg"] != "percentile":
        return _AGGREGATIONS[measure["agg"]].format(expression)
    told = measure["agg_params"] or {}
    if not told.get("use_discrete_percentile"):
        raise PolicyError(f"metric {name}: measure {measure['name']} needs agg_params.use_discrete_percentile: true")
    return f"quantile_disc({expression}, {told['percentile']})"


def _columns(expressions: Iterable[str]) -> Iterator[str]:
    """The columns that these expressions read."""
    from sqlglot import exp, parse_one  # a tenth of a second, which the code location need not wait for

    for expression in expressions:
        yield from (column.name for column in parse_one(expression, dialect="duckdb").find_all(exp.Column))


def _measures(metric: Node, declared: Mapping[str, Node]) -> list[str]:
    """The measures of a metric: one, or numerator and denominator."""
    told = metric["type_params"]
    if metric["filter"]:
        raise PolicyError(f"metric {metric['name']}: has a filter; put the condition into a measure's expr")
    if metric["type"] == "simple":
        return [told["measure"]["name"]]
    if metric["type"] == "ratio":
        sides = (declared[told[side]["name"]] for side in ("numerator", "denominator"))
        return [name for side in sides for name in _measures(side, declared)]
    raise PolicyError(f"metric {metric['name']}: type {metric['type']}; {one_of(metric['type'], ('simple', 'ratio'))}")


def _of_models(project: Node) -> Iterator[Metric]:
    for node in project["nodes"].values():
        for said in node["config"].get("meta", {}).get("metrics", ()):
            name, form = said.get("name", "?"), said.get("form", "")
            if form not in _FORMS:
                raise PolicyError(f"metric {name}: form {form or 'is missing'}; {one_of(form, _FORMS)}")
            own, columns, query = _FORMS[form](node["alias"], said)
            yield Metric(
                name=name,
                label=said.get("label", name),
                description=said.get("description", ""),
                about=about(name, {key: value for key, value in said.items() if key not in (*_OWN, *own)}),
                table=node["alias"],
                time=said["time"],
                dimensions=tuple(said["dimensions"]),
                columns=(said["time"], *said["dimensions"], *columns),
                declared_in=f"{_PROJECT}/{node['patch_path'].partition('://')[2]}",
                query=query,
            )


def _percentile(table: str, said: Node) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """A percentile of a histogram that has `bucket` and `request_count`, by the project's own macro."""
    percent = int(said["percent"])
    macros = _macros("percentile.sql")
    measured = macros.percentiles("counted", ["{keys}"], [percent])  # type: ignore[attr-defined]  # a macro of the file
    counted = f'select {{select_keys}}, bucket, request_count as span_count from "{table}" where {{where}}'
    query = f"with counted as ({counted}) select {{keys}}, p{percent}_ms as value from ({measured})"
    return ("percent",), ("bucket", "request_count"), " ".join(query.split())


def _survival(table: str, said: Node) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """A percentile of times of which some go on, by the project's own macro.

    Of `measure` the columns <measure>_minutes, no_<measure>_reason and open_minutes, unless `columns` names another for
    duration, reason or open.
    """
    percent, measure = int(said["percent"]), said.get("measure")
    usual = {"duration": f"{measure}_minutes", "reason": f"no_{measure}_reason", "open": "open_minutes"}
    columns = tuple({**usual, **said.get("columns", {})}.values())
    duration = "coalesce({}, case when {} = 'open' then {} end)".format(*columns)
    measured = _macros("reliability.sql").kaplan_meier("known", ["{keys}"], [percent])  # type: ignore[attr-defined]
    timed = f'select {{select_keys}}, {duration} as duration, {columns[0]} is not null as is_event from "{table}"'
    query = f"with timed as ({timed} where {{where}}), known as (select * from timed where duration is not null)"
    return (
        ("percent", "measure", "columns"),
        columns,
        " ".join(f"{query} select {{keys}}, p{percent} as value from ({measured})".split()),
    )


def _days_per_week(table: str, said: Node) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Median over complete weeks of the days on which something was; `event_column` counts it, on every day."""
    event, time = said["event_column"], said["time"]
    days = (
        f"select {{keys}}, {time} as day, max(case when {event} > 0 then 1 else 0 end) as is_hit"
        f' from (select {{select_keys}}, * from "{table}" where {{where}} and {event} is not null)'
        f" group by {{keys}}, {time}"
    )
    weeks = (
        "select {keys}, date_trunc('week', day) as week, sum(is_hit) as hits from days"
        " group by {keys}, date_trunc('week', day) having count(*) = 7"
    )
    value = "select {keys}, median(hits) as value from weeks group by {keys}"
    return ("event_column",), (event,), f"with days as ({days}), weeks as ({weeks}) {value}"


def _ratio(table: str, said: Node) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """`factor` times the sum of one column by that of another, over the rows in which both are known."""
    above, below = said["numerator"], said["denominator"]
    value = f"sum({above}) * {float(said.get('factor', 1))} / nullif(sum({below}), 0)"
    known = f"case when {above} is not null and {below} > 0 then {{}} end as {{}}"
    parts = ", ".join(known.format(column, column) for column in (above, below))
    query = f'select {{keys}}, {value} as value from (select {{select_keys}}, {parts} from "{table}" where {{where}})'
    return ("numerator", "denominator", "factor"), (above, below), f"{query} group by {{keys}}"


def _macros(file: str) -> object:
    return Environment(loader=FileSystemLoader(PROJECT / _PROJECT / "macros")).get_template(file).module


_FORMS = {"percentile": _percentile, "survival": _survival, "days_per_week": _days_per_week, "ratio": _ratio}
