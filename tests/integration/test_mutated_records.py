"""Records of every data set, one thing wrong in each: all are accounted for, with a reason where they are set aside.

Valid records of the simulated company are spoilt in their files, as their systems would send them, and go through
receiving, landing, anonymising and the gate.
"""

from __future__ import annotations

import copy
import csv
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from io import StringIO
from itertools import islice
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.policy import Names, PrivacyPolicy
from governance.quality import load_quality, load_source_suites
from governance.signals import MALFORMED_SCHEMA
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.simulation import load_scenario, simulate
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.counting import days_received
from orchestration.stages.gating import judge_dataset
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import ReceivedTally, receive

END = date(2026, 3, 31)
AS_OF = datetime(2026, 4, 1, 6, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
PLANTED = "jane.planted@gmail.com"  # may stand in no state behind anonymising, wherever it came in
ENDS = ("malformed", "duplicates", "held", "checked", "quarantined", "discarded", "withheld")
Unit = Any
Read = Callable[[Path], Iterator[Unit]]

_DEEP: Any = "deep"
for _ in range(60):
    _DEEP = [{"in": _DEEP}]

# What a value is replaced by: of the wrong type, too large, negative, a bad time, odd text, nested.
WRONG: Sequence[Any] = (
    *(None, "", " ", True, 0, -1, 1.5, 10**30, -(10**30), 2**63, -0.0, 1e308),
    *("not a time", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-30T23:59:60Z"),
    *("2026-03-30T24:00:00+14:00", "2026-03-30", "30/03/2026", "1774915200000000000000", "-1774915200", "1e9"),
    *("\u0661\u0662\u0663", "0x1F", "null", "NaN", "\u202egnp.exe", "\x00", "a\x00b", "\ufeffx", "e\u0301" * 50),
    *(
        "\U0001f469\u200d\U0001f467" * 20,
        "\r\n\t",
        "\u2028",
        "<b>&amp;</b>",
        "=cmd|' /C calc'!A0",
        "'; drop table t; --",
    ),
    *("x" * 40_000, "{" * 5_000, "(" * 5_000, "a@" * 3_000, PLANTED),
    *([], {}, [None], [[]], {"": None}, _DEEP, [1, "a", None, {}], {"value": {"stringValue": 5}}, ["x"] * 300),
)
# No JSON: in a page they would spoil all of it, which is one malformed file.
WRONG_IN_A_LINE: Sequence[Any] = (float("nan"), float("inf"), "\ud800", "a\udfff")
# In place of what holds the record; without it, as with an empty list, there would be none.
WRONG_ABOVE: Sequence[Any] = ("x", 5, True, 1.5)


@dataclass(frozen=True)
class Kind:
    """How the records of a dataset are written, and what of one is spoilt.

    Attributes:
        read: the valid ones of the simulated company, each with what it stands in.
        spoilt, record: the part of one that is spoilt, and the part that is the record.
        mark: makes the n-th copy another record than its original.
        write: the text of a file of them.
    """

    file: str
    read: Read
    spoilt: Callable[[Unit], Any]
    record: Callable[[Unit], Any]
    mark: Callable[[Unit, int], None]
    write: Callable[[list[Unit]], str]


def _part(*path: Any) -> Callable[[Unit], Any]:
    return lambda unit: reduce(getitem, path, unit)


def _numbered(*path: Any, of: str = "id", width: int = 0) -> Callable[[Unit, int], None]:
    """Gives the part that is reached by `path` an id of its own."""

    def mark(unit: Unit, number: int) -> None:
        record = _part(*path)(unit)
        own = f"{number + 1:0{width}x}" if width else 7_000_000 + number
        record[of] = str(own) if isinstance(record[of], str) else own

    return mark


def _of_lines(name: str, nested: tuple[str, str, str], *path: Any, of: str, width: int = 0) -> Kind:
    """Each span or log record in a line of its own, with its resource and scope."""
    outer, inner, leaf = nested
    record = (outer, 0, inner, 0, leaf, 0)

    def read(inbox: Path) -> Iterator[Unit]:
        for file in sorted(inbox.glob(f"otel/{name}-*.jsonl")):
            for line in map(json.loads, file.read_text().splitlines()):
                for resource in line[outer]:
                    for scope in resource[inner]:
                        for one in scope[leaf]:
                            yield {outer: [{**resource, inner: [{**scope, leaf: [one]}]}]}

    mark = _numbered(*record, *path, of=of, width=width)
    return Kind(f"{name}.jsonl", read, _part(), _part(*record), mark, lambda units: "\n".join(map(json.dumps, units)))


def _pages(pattern: str, key: str = "", with_one: str = "") -> Read:
    """Entries of pages; those that hold any `with_one`, each with one."""

    def read(inbox: Path) -> Iterator[Unit]:
        for file in sorted(inbox.glob(pattern)):
            page = json.loads(file.read_text())
            for unit in page[key] if key else page:
                if not with_one:
                    yield unit
                elif unit[with_one]:
                    yield {**unit, with_one: unit[with_one][:1]}

    return read


def _of_pages(file: str, read: Read, *path: Any, key: str = "", of: str = "id", width: int = 0) -> Kind:
    """Entries of a page, or what is in each at `path`: that is spoilt and numbered."""
    mark = _numbered(*path, of=of, width=width)

    def write(units: list[Unit]) -> str:
        return json.dumps({key: units} if key else units)

    return Kind(file, read, _part(*path[:1]), _part(*path), mark, write)


def _of_rows(file: str, pattern: str, of: str) -> Kind:
    """Rows of a table; one that lacks a cell is a short row."""

    def read(inbox: Path) -> Iterator[Unit]:
        for path in sorted(inbox.glob(pattern)):
            yield from csv.DictReader(path.read_text().splitlines())

    def write(units: list[Unit]) -> str:
        headers = max((list(unit) for unit in units), key=len)
        out = StringIO()
        csv.writer(out).writerows([headers, *([unit[name] for name in headers if name in unit] for unit in units)])
        return out.getvalue()

    return Kind(file, read, _part(), _part(), _numbered(of=of), write)


PULLS = "github/pulls-*.json"
KINDS: Mapping[str, Kind] = {
    "otel/spans": _of_lines("traces", ("resourceSpans", "scopeSpans", "spans"), of="spanId", width=16),
    "otel/logs": _of_lines("logs", ("resourceLogs", "scopeLogs", "logRecords"), "body", of="stringValue"),
    "zendesk/tickets": _of_pages("tickets.json", _pages("zendesk/tickets-*", "tickets"), key="tickets"),
    "zendesk/ticket_events": _of_pages(
        "ticket_events.json", _pages("zendesk/ticket_events-*", "ticket_events", "child_events"), key="ticket_events"
    ),
    "github/tickets": _of_pages("issues.json", _pages("github/issues.json")),
    "github/deployments": _of_pages("deployments.json", _pages("github/deployments-*.json", with_one="statuses")),
    "github/pull_requests": _of_pages("pulls.json", _pages(PULLS), of="number"),
    "github/commits": _of_pages("pulls.json", _pages(PULLS, with_one="commits"), "commits", 0, of="sha", width=40),
    "github/reviews": _of_pages("pulls.json", _pages(PULLS, with_one="reviews"), "reviews", 0),
    "github/ci_runs": _of_pages("runs.json", _pages("github/runs-*.json", "workflow_runs"), key="workflow_runs"),
    "pagerduty/incidents": _of_pages(
        "incidents.json", _pages("pagerduty/*.json", "incidents", "log_entries"), key="incidents"
    ),
    "business/outcomes": _of_rows("outcomes.csv", "business/*.csv", "Journey"),
    "surveys/surveys": _of_rows("answers.csv", "surveys/*.csv", "Response"),
}


def slots(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree that holds a value: what it is in, and its key or number there."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from slots(tree[key])


def spoil(unit: Unit, kind: Kind, chance: random.Random) -> None:
    """One thing less, or one thing wrong."""
    holder, key = chance.choice(list(slots(kind.spoilt(unit))))
    value, record = holder[key], kind.record(unit)
    if any(inner[place] is record for inner, place in slots([value])):
        holder[key] = chance.choice(WRONG_ABOVE)
    elif chance.random() < 0.15:
        del holder[key]
    elif isinstance(value, str) and chance.random() < 0.2:
        holder[key] = chance.choice((value[::-1], value * 50, f"{value} {PLANTED}", value[:-1]))
    elif isinstance(value, int) and chance.random() < 0.3:
        holder[key] = chance.choice((str(value), -value, value * 10**9))
    else:
        wrong = (*WRONG, *WRONG_IN_A_LINE) if kind.file.endswith(".jsonl") else WRONG
        holder[key] = copy.deepcopy(chance.choice(wrong))


def mutated(dataset: str, inbox: Path, count: int) -> list[Unit]:
    kind, chance = KINDS[dataset], random.Random(dataset)
    valid, units = list(islice(kind.read(inbox), max(3, count // 20))), []  # of few days, as each takes time
    for number in range(count):
        units.append(copy.deepcopy(valid[number % len(valid)]))
        kind.mark(units[-1], number)
        spoil(units[-1], kind, chance)
    return units


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("valid")
    simulate(load_scenario("default"), seed=3, end=END, days=5, scale=0.05, out=out)
    return out


@pytest.fixture(scope="module")
def policy() -> PrivacyPolicy:
    """The shipped one without the model of names, which takes most of the time and decides on no mutation."""
    shipped, no_names = load_privacy(), Names(model="none", prose={}, technical={})
    return shipped.model_copy(update={"names": no_names, "longest_text": 2_000})


def through_the_gate(dataset: str, count: int, inbox: Path, policy: PrivacyPolicy, folder: Path) -> ReceivedTally:
    """Spoilt records in a file, received, landed, anonymised and judged in a lake of their own."""
    source, lake = load_sources()[dataset.split("/")[0]], Lake(folder / "lake")
    file = folder / "inbox" / source.name / KINDS[dataset].file
    file.parent.mkdir(parents=True)
    file.write_text(KINDS[dataset].write(mutated(dataset, inbox, count)), encoding="utf-8")
    tally = receive(source, folder / "inbox", lake, KEYS, AS_OF, processes=1)
    suites = load_source_suites()
    for signal in source.signals:
        name, days = f"{source.name}/{signal}", list(days_received(lake, source.name, signal))
        land_days(lake, source, signal, days, AS_OF)
        anonymize_days(lake, name, days, policy, KEYS, AS_OF, 1)
        judge_dataset(lake, name, days, suites[name], load_quality(), AS_OF, 1)
    return tally


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.deep)])
@pytest.mark.parametrize("dataset", KINDS)
def test_every_mutated_record_is_accounted_for(
    dataset: str, count: int, inbox: Path, policy: PrivacyPolicy, tmp_path: Path
) -> None:
    tally = through_the_gate(dataset, count, inbox, policy, tmp_path)
    lake = Lake(tmp_path / "lake")
    assert tally.records + tally.malformed + tally.skipped >= count, "a record was neither read nor set aside"
    check_ledger(lake, tally)
    check_reasons(lake)
    check_nothing_planted_is_left(lake)


def check_ledger(lake: Lake, tally: ReceivedTally) -> None:
    counted = ledger(lake)
    assert counted["is_balanced"].all(ignore_nulls=False)
    totals = counted.select("pulled", *ENDS).fill_null(0).sum().row(0, named=True)
    assert totals["pulled"] == sum(totals[end] for end in ENDS) == tally.records + tally.malformed


def check_reasons(lake: Lake) -> None:
    malformed = lake.scan(lake.keys("received"), "malformed", MALFORMED_SCHEMA).collect()
    assert (malformed["reason"].str.len_chars() > 0).all(ignore_nulls=False)
    for key in lake.keys("held"):
        assert (lake.read(key)["held_reason"].str.len_chars() > 0).all(ignore_nulls=False)
    for key in lake.keys("quarantine"):
        verdict = lake.manifest(key)
        assert (lake.read(key)["expectations"].list.len() > 0).all(ignore_nulls=False)
        assert verdict
        assert (verdict.facts["blocked"] == "true") == bool(verdict.facts["reason"])


def check_nothing_planted_is_left(lake: Lake) -> None:
    for key in (key for state in ("anonymized", "checked", "quarantine") for key in lake.keys(state)):
        manifest = lake.manifest(key)
        for table in manifest.tables if manifest else ():
            assert PLANTED not in lake.read(key, table).write_json(), f"{key}: {table} holds a planted address"


def test_mutated_records_come_to_every_end_there_is(inbox: Path, policy: PrivacyPolicy, tmp_path: Path) -> None:
    through_the_gate("otel/logs", 300, inbox, policy, tmp_path)
    ends = ledger(Lake(tmp_path / "lake")).select("malformed", "held", "checked", "quarantined").sum()
    assert all(ends.row(0)), ends.to_dicts()
