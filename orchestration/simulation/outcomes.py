"""What the business measures of each journey and day: fewer come through while a service on the way fails or lags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import prod
from pathlib import Path

from orchestration.simulation.calendar import DAY, Window
from orchestration.simulation.company import trees
from orchestration.simulation.faults import Fault
from orchestration.simulation.files import write_csv
from orchestration.simulation.scenario import Scenario
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.traffic import BY_WEEKDAY, Active
from orchestration.simulation.truth import Truth

_FILE = "business/outcomes.csv"
_HEADER = ("Day", "Journey", "Service", "Measure", "Value", "Unit", "Of")
_LOST_BY_SLOWNESS = 0.2  # of those who would have come through
_SUPPORT_FACTOR = 1.5  # how much more support costs while customers write about a fault
_CURRENCY = "EUR"


@dataclass(frozen=True)
class Journey:
    """What somebody comes for: the request that decides it, how many try on a day, and the share that succeeds."""

    name: str
    service: str
    measure: str
    request: str
    tries: int
    ratio: float
    support_cost: float  # a day


JOURNEYS: tuple[Journey, ...] = (
    Journey("place order", "checkout", "conversion", "POST /checkout", 1900, 0.62, 140),
    Journey("fill cart", "cart", "conversion", "POST /cart/items", 2600, 0.41, 60),
    Journey("find product", "search", "conversion", "GET /search", 3100, 0.37, 40),
    Journey("sign up", "accounts", "sign_up", "POST /login", 420, 0.28, 70),
    Journey("renew subscription", "billing", "renewal", "POST /subscription", 160, 0.86, 90),
    Journey("export orders", "export", "conversion", "POST /exports", 300, 0.93, 80),
)


def write_outcomes(
    out: Path, scenario: Scenario, faults: Sequence[Active], window: Window, seed: int, scale: float, truth: Truth
) -> None:
    """One table of all days: what each journey came to, and what its support cost."""
    rows = list(_rows(scenario, faults, window, seed, scale))
    for row in rows:
        truth.count("outcomes", str(row[0]))
    write_csv(out / _FILE, _HEADER, rows)
    truth.file(_FILE, "outcomes", rows=len(rows), lines=len(rows) + 1)
    for fault in truth.faults:
        own = next(active for active in faults if active.fault.name == fault.name)
        lost = {journey.name: _lost(own, journey, scenario, faults, window, scale) for journey in JOURNEYS}
        fault.journeys = {name: round(count, 1) for name, count in lost.items() if count}


def _rows(
    scenario: Scenario, faults: Sequence[Active], window: Window, seed: int, scale: float
) -> Iterator[tuple[str | int | float | None, ...]]:
    rng = stream(seed, Stream.OUTCOMES)
    for number in range(window.days):
        day = window.day(number)
        start = window.start_ns + number * DAY
        for journey in JOURNEYS:
            cost = journey.support_cost * scale
            for active in faults:
                if active.fault.service == journey.service and active.fault.tickets:
                    cost *= 1 + _share_of_day(active, start) * _SUPPORT_FACTOR
            tries = _tries(journey, day, scale)
            came = int(rng.binomial(tries, journey.ratio * _kept(faults, journey, scenario, start)))
            spent = round(cost * float(rng.lognormal(0, 0.08)), 2)
            yield str(day), journey.name, journey.service, journey.measure, came, "count", tries
            yield str(day), journey.name, journey.service, "support_cost", spent, _CURRENCY, None


def _tries(journey: Journey, day: date, scale: float) -> int:
    return round(journey.tries * scale * BY_WEEKDAY[day.weekday()])


def _share_of_day(active: Active, start: int) -> float:
    """The share of the day that begins at `start` (ns) on which a fault goes on."""
    return max(0, min(active.end_ns, start + DAY) - max(active.start_ns, start)) / DAY


def _kept(faults: Sequence[Active], journey: Journey, scenario: Scenario, start: int) -> float:
    """The share of a day's successes that come in spite of the faults."""
    return prod(1 - _share_of_day(active, start) * _loss(active.fault, journey, scenario) for active in faults)


def _lost(
    own: Active, journey: Journey, scenario: Scenario, faults: Sequence[Active], window: Window, scale: float
) -> float:
    """The successes of a journey that a fault costs in the window: with all the others, less with all."""
    others = [active for active in faults if active is not own]
    return sum(
        _tries(journey, window.day(number), scale)
        * journey.ratio
        * (_kept(others, journey, scenario, start) - _kept(faults, journey, scenario, start))
        for number, start in ((number, window.start_ns + number * DAY) for number in range(window.days))
    )


def _loss(fault: Fault, journey: Journey, scenario: Scenario) -> float:
    """The share of a journey's successes that a fault costs while it lasts."""
    tree = next(tree for tree in trees() if tree.request.root.name == journey.request)
    met = [node.operation for node in tree.nodes if node.operation.service == fault.service]
    if not any(fault.operation in (None, one.name) and fault.dependency in (None, one.dependency) for one in met):
        return 0.0
    flags = (flag.variants for flag in scenario.flags if (flag.service, flag.key) == (fault.service, fault.flag))
    seen = next(flags, {}).get(fault.variant or "", 1.0) * fault.share
    lost = {"latency": _LOST_BY_SLOWNESS, "error": fault.strength.ratio or 0.0}
    return seen * lost.get(fault.kind, 0.0)
