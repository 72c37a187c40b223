"""A scenario that cannot be is refused in one line that says where, what and what is allowed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from governance.errors import PolicyError
from orchestration.simulation.calendar import Window, iso, parse_when
from orchestration.simulation.scenario import SHIPPED, load_scenario

_FAULT = "description: x\nfaults:\n  - name: a\n    kind: latency\n    service: checkout\n"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_scenarios_load(path: Path) -> None:
    assert load_scenario(path.stem).description == load_scenario(path).description


WRONG = [
    # a name that is nearly right
    (_FAULT.replace("checkout", "chekout") + "    from: day 1", "faults.0.service", "did you mean checkout?"),
    (_FAULT + "    operation: PlaceOrders\n    from: day 1", "operation PlaceOrders of checkout", "PlaceOrder"),
    (_FAULT + "    dependency: orders\n    from: day 1", "dependency orders of checkout", "orders-db"),
    # no time, or none that can be read
    (_FAULT + "    strength: {added_ms: 5}", "faults.0", "expected `from`"),
    (_FAULT + "    from: tuesday", "faults.0.from is 'tuesday'", "day 12 10:00"),
    # strength that does not go with the kind
    (_FAULT + "    from: day 1\n    strength: {ratio: 0.5}", "faults.0", "added_ms or factor"),
    (_FAULT + "    from: day 1\n    strength: {added_ms: 5, factor: 2}", "faults.0", "added_ms or factor"),
    (_FAULT.replace("latency", "log") + "    from: day 1\n    strength: {ratio: 0.5}", "faults.0", "expected `log`"),
    # a flag nobody evaluates
    (
        _FAULT + "    from: day 1\n    strength: {factor: 2}\n    flag: f\n    variant: b",
        "flag f of checkout",
        "`flags`",
    ),
    # a version no deployment brings
    (_FAULT + "    from: day 1\n    strength: {factor: 2}\n    version: 9.9.9", "version 9.9.9", "none"),
    # templates
    ("description: x\nnoise: [{service: cart, template: 'a {b}', per_day: 1}]", "noise.0.template", "{b}"),
    ("description: x\nnoise: [{service: cart, template: a}]", "noise.0", "per_request and per_day"),
    # canaries
    ("description: x\ncanaries: [{signal: logs, field: body, type: mail}]", "canaries.0", "email"),
    ("description: x\ncanaries: [{signal: logs, field: text, type: email}]", "field text of logs", "body"),
    ("description: x\nflags: [{service: cart, key: a, variants: {b: 0.4}}]", "flags.0.variants", "add up to 1"),
    ("description: x\ncolour: red", "colour is no key here", "allowed: accounts"),
]


@pytest.mark.parametrize(("text", "where", "allowed"), WRONG)
def test_a_wrong_scenario_is_one_clear_line(tmp_path: Path, text: str, where: str, allowed: str) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_scenario(file)
    message = str(caught.value)
    assert "mine.yml:" in message
    assert where in message
    assert allowed in message
    assert "\n" not in message


def test_an_unknown_scenario_names_those_there_are() -> None:
    with pytest.raises(PolicyError, match="did you mean default"):
        load_scenario("defalt")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("day 0", "2026-03-01T00:00:00Z"),
        ("day 12 10:05", "2026-03-13T10:05:00Z"),
        ("day -1 23:00", "2026-03-31T23:00:00Z"),  # the last day
        ("2026-03-05T10:00:00+02:00", "2026-03-05T08:00:00Z"),
        (date(2026, 3, 5), "2026-03-05T00:00:00Z"),  # YAML's own dates and times
        (datetime(2026, 3, 5, 1, tzinfo=UTC), "2026-03-05T01:00:00Z"),
    ],
)
def test_times_are_relative_to_the_window_or_absolute(told: object, expected: str) -> None:
    window = Window(date(2026, 3, 31), 31)
    assert iso(window.ns(parse_when(told))) == expected
