"""Templates follow from the days before, and yet the order in which days are pulled changes nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.sampling import SamplingPolicy
from orchestration.lake import Lake
from orchestration.stages.rolling_up import roll_up_log_days
from orchestration.stages.sampling import sample_days
from orchestration.stages.template_history import following, past_inputs, stale_template_days

Frame = Callable[..., pl.DataFrame]
FIRST = date(1970, 1, 1) + timedelta(days=20_000)
DAYS = [(FIRST + timedelta(days=number)).isoformat() for number in range(10)]
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
DATASET = "otel/logs"


def lines_of(number: int) -> Iterator[str]:
    """What is logged on a day: steady lines, one that generalises over the days, one that comes and goes, new ones."""
    yield from ["service is up and ready"] * 30
    yield f"no answer from any host [{'abcdefghij'[number]}_{number}] today"
    yield from ["disk is nearly full"] * (number % 3)
    yield f"released {['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'][number]}"
    yield from ["queue is long"] * (40 if number == 8 else 2)


def check(lake: Lake, logs: Frame, day: str, lines: list[str]) -> None:
    at = (date.fromisoformat(day) - FIRST).days * 86_400 * 10**9
    rows = [{"record_id": f"{day}/{place}", "at": at + place, "body": body} for place, body in enumerate(lines)]
    with lake.replace(f"checked/{DATASET}/{day}", as_of=AS_OF) as out:
        out.write("records", logs(*rows))


@pytest.fixture
def pull(tmp_path: Path, logs: Frame, policy: SamplingPolicy) -> Callable[[str, list[list[str]]], Lake]:
    """A lake into which the days came in these portions."""

    def made(name: str, portions: list[list[str]]) -> Lake:
        lake = Lake(tmp_path / name)
        for days in portions:
            for day in days:
                check(lake, logs, day, list(lines_of(DAYS.index(day))))
            refresh(lake, days, policy)
        return lake

    return made


def refresh(lake: Lake, days: list[str], policy: SamplingPolicy) -> list[str]:
    """Roll up and sample; the days that were rolled up."""
    tally = roll_up_log_days(lake, "otel", days, policy, AS_OF)
    sample_days(lake, DATASET, days, policy, AS_OF)
    return sorted(tally.days)


def held(lake: Lake) -> dict[str, object]:
    """Everything that follows from the checked days, by partition and table; with what each was made from."""
    keys = [*lake.keys("rollups"), *lake.keys("sampled")]
    manifests = {key: lake.manifest(key) for key in keys}
    return {key: (made.tables, dict(made.inputs)) for key, made in manifests.items() if made}


@pytest.mark.parametrize(
    "portions",
    [
        [[day] for day in DAYS],
        [[day] for day in reversed(DAYS)],
        [DAYS[5:], DAYS[:5]],
        [[DAYS[9]], DAYS[:3], [DAYS[5]], [DAYS[4], DAYS[3]], DAYS[6:9]],
    ],
    ids=["day by day", "backwards", "halves", "mixed"],
)
def test_days_pulled_in_any_order_give_the_same_tables(
    pull: Callable[[str, list[list[str]]], Lake], policy: SamplingPolicy, portions: list[list[str]]
) -> None:
    in_one_range = pull("range", [DAYS])
    other = pull("other", portions)
    assert held(other) == held(in_one_range)
    assert list(stale_template_days(other, DATASET, policy.rollups)) == []


def test_ids_last_and_news_are_told(pull: Callable[[str, list[list[str]]], Lake]) -> None:
    lake = pull("lake", [DAYS])
    days = pl.concat([lake.read(f"rollups/{DATASET}/{day}", "template_days") for day in DAYS])
    hosts = days.filter(pl.col("template").str.starts_with("no answer"))
    assert hosts["template_id"].n_unique() == 1
    assert hosts["template"].unique().sort().to_list() == [
        "no answer from any host <*> today",
        "no answer from any host [a_<*>] today",
    ]
    new = days.filter("is_new").select("event_date", "template").rows()
    assert [(day.isoformat(), template) for day, template in new if not template.startswith("released")] == [
        (DAYS[1], "disk is nearly full")
    ]
    assert days.filter("is_rising").select("event_date", "template").rows() == [
        (date.fromisoformat(DAYS[8]), "queue is long")
    ]
    up = days.filter(pl.col("template") == "service is up and ready").sort("event_date")
    assert up["is_noise"].to_list()[:3] == [False] * 3
    assert up["is_noise"].to_list()[3:] == [True] * 7


def test_a_day_made_again_makes_later_ones_stale_only_where_they_are_compared(
    pull: Callable[[str, list[list[str]]], Lake], logs: Frame, policy: SamplingPolicy
) -> None:
    news = policy.rollups.news.model_copy(update={"compared_days": 2})
    short = policy.model_copy(update={"rollups": policy.rollups.model_copy(update={"news": news})})
    lake = pull("lake", [DAYS])
    refresh(lake, DAYS, short)
    # one line more of a template that goes on: other counts, nothing else to know
    check(lake, logs, DAYS[3], [*lines_of(3), "service is up and ready"])
    assert refresh(lake, [DAYS[3]], short) == DAYS[3:6]
    # a template more: every later day must know it
    check(lake, logs, DAYS[3], [*lines_of(3), "a line of its own"])
    assert refresh(lake, [DAYS[3]], short) == DAYS[3:]
    assert refresh(lake, DAYS, short) == []


def test_planning_sees_days_whose_past_is_gone(
    pull: Callable[[str, list[list[str]]], Lake], policy: SamplingPolicy
) -> None:
    lake = pull("lake", [DAYS])
    lake.remove(f"rollups/{DATASET}/{DAYS[7]}")
    assert list(stale_template_days(lake, DATASET, policy.rollups)) == DAYS[8:]
    lake.remove(f"checked/{DATASET}/{DAYS[9]}")  # frozen: it cannot be made again
    assert list(stale_template_days(lake, DATASET, policy.rollups)) == [DAYS[8]]


def test_what_has_expired_is_not_missed(pull: Callable[[str, list[list[str]]], Lake], policy: SamplingPolicy) -> None:
    lake = pull("lake", [DAYS])
    for day in DAYS[:5]:
        for state in ("checked", "rollups", "sampled"):
            lake.remove(f"{state}/{DATASET}/{day}")
    assert list(stale_template_days(lake, DATASET, policy.rollups)) == []
    assert refresh(lake, DAYS[5:], policy) == []


def test_what_the_gate_has_withheld_is_taken_back(
    pull: Callable[[str, list[list[str]]], Lake], policy: SamplingPolicy
) -> None:
    lake, other = pull("lake", [DAYS]), pull("other", [DAYS[1:]])
    lake.remove(f"checked/{DATASET}/{DAYS[0]}")
    with lake.replace(f"quarantine/{DATASET}/{DAYS[0]}", as_of=AS_OF) as out:
        out.facts = {"blocked": "true"}
    refresh(lake, DAYS[:1], policy)
    assert held(lake) == held(other)


def test_days_too_far_back_are_not_looked_at(
    pull: Callable[[str, list[list[str]]], Lake], policy: SamplingPolicy
) -> None:
    lake = pull("lake", [DAYS[:1]])
    limits = policy.rollups
    reach = limits.templates.forget_after_days
    later = FIRST + timedelta(days=reach)
    assert list(past_inputs(lake, DATASET, later.isoformat(), limits)) == [f"rollups/{DATASET}/known_templates"]
    assert past_inputs(lake, DATASET, (later + timedelta(days=1)).isoformat(), limits) == {}


def test_what_follows_a_day_is_every_later_one_with_rollups(pull: Callable[[str, list[list[str]]], Lake]) -> None:
    lake = pull("lake", [DAYS])
    assert following(lake, DATASET, [DAYS[7], "2030-01-01"]) == [*DAYS[7:], "2030-01-01"]
    assert following(lake, DATASET, []) == []
