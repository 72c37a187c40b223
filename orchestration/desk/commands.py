"""`feedback quarantine`, `waiver`, `sign-off` and `fields`: the steward's desk in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from orchestration.moments import day_of, moment
from orchestration.settings import exclusive, home

if TYPE_CHECKING:
    from orchestration.desk.deciding import Desk, Ruling

quarantine_app = typer.Typer(
    help="Rows that failed the gate: look, release, discard, judge again.", no_args_is_help=True
)
waiver_app = typer.Typer(help="Failures that withhold nothing for a while.", no_args_is_help=True)
sign_off_app = typer.Typer(help="Assets that are published once a steward has signed them off.", no_args_is_help=True)
fields_app = typer.Typer(
    help="Fields that are withheld, new, gone or of another type; what happens to them.", no_args_is_help=True
)

_Dataset = Annotated[str, typer.Argument(help="`<source>/<signal>`, such as otel/spans.")]
_Day = Annotated[str, typer.Argument(help="A day (ISO) that the gate has judged.")]
_By = Annotated[
    str, typer.Option("--by", envvar="FEEDBACK_STEWARD", help="Who decides: a steward of policies/stewards.yml.")
]
_Why = Annotated[str, typer.Option("--why", help="The reason, for whoever asks later.")]
_Expectation = Annotated[str, typer.Option("--expectation", help="Only rows that failed it.")]
_Records = Annotated[list[str] | None, typer.Option("--record", help="Only this record id; can be given again.")]
_Asset = Annotated[str, typer.Argument(help="`marts/<model>`, see `feedback sign-off list`.")]
_Later = Annotated[bool, typer.Option("--later", help="Only record it: the next run, or the daemon, does the rest.")]
_Output = Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")]


@quarantine_app.command("list", epilog="Example: `feedback quarantine list otel/spans`")
def list_rows(
    dataset: Annotated[str, typer.Argument(help="Only of this dataset.")] = "", output: _Output = "table"
) -> None:
    """What waits for a decision, oldest first: rows by day and expectation, with owner and age."""
    from orchestration.desk.telling import list_quarantine

    list_quarantine(Console(), _desk(), _now(), dataset, output)


@quarantine_app.command("show", epilog="Example: `feedback quarantine show otel/spans 2026-11-20`")
def show(
    dataset: _Dataset,
    day: _Day,
    expectation: _Expectation = "",
    most: Annotated[int, typer.Option("--most", help="At most so many rows.")] = 20,
    output: _Output = "table",
) -> None:
    """Rows in quarantine, anonymised: what they failed and the columns that this is about."""
    from orchestration.desk.telling import show_rows

    show_rows(Console(), _desk(), dataset, day, expectation, most, output)


@quarantine_app.command(
    "release",
    epilog="Example: `feedback quarantine release otel/spans 2026-11-20 --by ana@example.com --why 'a batch job'`",
)
def release(
    dataset: _Dataset,
    day: _Day,
    by: _By,
    why: _Why,
    expectation: _Expectation = "",
    record: _Records = None,
    later: _Later = False,
) -> None:
    """Let rows in though they failed; what they touch is computed again. Without a choice: all rows of the day."""
    _rule("release", dataset, day, _ruling(by, why), expectation, record, is_later=later)


@quarantine_app.command(
    "discard",
    epilog="Example: `feedback quarantine discard otel/spans 2026-11-20 --by ana@example.com --why 'a load test'`",
)
def discard(
    dataset: _Dataset,
    day: _Day,
    by: _By,
    why: _Why,
    expectation: _Expectation = "",
    record: _Records = None,
    later: _Later = False,
) -> None:
    """Never count rows that failed: they leave quarantine, and the ledger counts them as discarded."""
    _rule("discard", dataset, day, _ruling(by, why), expectation, record, is_later=later)


@quarantine_app.command(
    "replay", epilog="Example: `feedback quarantine replay --by ana@example.com --why 'pattern mended'`"
)
def replay(by: _By, why: _Why) -> None:
    """Put what is held or in quarantine through today's policies and gate again; nothing new is read.

    Every day that was judged under others is replaced, with all that is made from it. What was decided stays decided.
    """
    from orchestration.desk.replaying import replay as put_through

    put_through(Console(highlight=False), _desk(), _ruling(by, why))


@quarantine_app.command(
    "revoke", epilog="Example: `feedback quarantine revoke 12 --by ana@example.com --why 'wrong day'`"
)
@waiver_app.command("revoke", epilog="Example: `feedback waiver revoke 12 --by ana@example.com --why 'mended'`")
def revoke(
    number: Annotated[int, typer.Argument(help="Number of the decision, see `feedback audit list`.")],
    by: _By,
    why: _Why,
    later: _Later = False,
) -> None:
    """Take a release, discard, waiver or request back: its days are judged again without it."""
    recorded = _desk().revoke(number, _ruling(by, why))
    _follow_up(f"Decision {number} is taken back (decision {recorded.number})", is_later=later)


@waiver_app.command("list", epilog="Example: `feedback waiver list`")
def waivers() -> None:
    """Every waiver and request with its state, the newest first."""
    from orchestration.desk.telling import list_waivers

    list_waivers(Console(), _desk(), _now())


@waiver_app.command(
    "request",
    epilog="Example: `feedback waiver request 'otel/*' spans_are_unique --first 2026-11-20 --last 2026-11-22 "
    "--expires 2026-12-01 --by ana@example.com --why 'agent sends twice'`",
)
def request(
    dataset: Annotated[str, typer.Argument(help="`<source>/<signal>`, or a pattern with *.")],
    expectation: Annotated[str, typer.Argument(help="What may fail; `feedback quarantine list` names them.")],
    first: Annotated[str, typer.Option("--first", help="First day of feedback it is about.")],
    last: Annotated[str, typer.Option("--last", help="Last day of feedback it is about.")],
    expires: Annotated[str, typer.Option("--expires", help="The day from which the failure withholds again.")],
    by: _By,
    why: _Why,
) -> None:
    """Ask that a failure withhold nothing for a while; another steward approves it."""
    days = (day_of(first, "--first"), day_of(last, "--last"))
    recorded = _desk().ask_for_waiver(dataset, expectation, days, day_of(expires, "--expires"), _ruling(by, why))
    Console(highlight=False).print(
        f"Request {recorded.number} waits: another steward says `feedback waiver approve {recorded.number}`."
    )


@waiver_app.command(
    "approve", epilog="Example: `feedback waiver approve 12 --by ben@example.com --why 'agreed until mended'`"
)
def approve(
    number: Annotated[int, typer.Argument(help="Number of the request.")], by: _By, why: _Why, later: _Later = False
) -> None:
    """Let a waiver come into force: its days are judged again, and are shown as waived."""
    recorded = _desk().approve_waiver(number, _ruling(by, why))
    _follow_up(f"Waiver {recorded.number} is in force", is_later=later)


@sign_off_app.command("list", epilog="Example: `feedback sign-off list`")
def sign_offs() -> None:
    """Every asset that needs a sign-off: what waits since when, who may sign it, what was signed last."""
    from orchestration.desk.signing import list_sign_offs

    list_sign_offs(Console(highlight=False), _desk())


@sign_off_app.command("show", epilog="Example: `feedback sign-off show marts/rpt_pain_points`")
def show_sign_off(asset: _Asset, output: _Output = "table") -> None:
    """The rows that wait for a sign-off, and how many of them are not as they were signed last."""
    from orchestration.desk.signing import show_waiting

    show_waiting(Console(highlight=False), _desk(), asset, output)


@sign_off_app.command(
    "give",
    epilog="Example: `feedback sign-off give marts/rpt_pain_points --by ben@example.com --why 'read, plausible'`",
)
def give(
    asset: _Asset,
    by: _By,
    why: _Why,
    state: Annotated[str, typer.Option("--state", help="Only if this state waits still, see `list`.")] = "",
) -> None:
    """Sign off what waits of an asset; it is published as it is. What changes later waits again."""
    from orchestration.desk.signing import sign_and_publish

    with exclusive(home()):
        recorded, is_published = sign_and_publish(home(), _desk(), asset, _ruling(by, why), state)
    told = "published" if is_published else "published by the run that is going on, or the next"
    Console(highlight=False).print(f"{asset} is signed off (decision {recorded.number}) and {told}.", soft_wrap=True)


@sign_off_app.command("revoke", epilog="Example: `feedback sign-off revoke 12 --by ana@example.com --why 'wrong'`")
def revoke_sign_off(
    number: Annotated[int, typer.Argument(help="Number of the decision, see `feedback sign-off list`.")],
    by: _By,
    why: _Why,
) -> None:
    """Take a sign-off back: what it signed is published no more."""
    from governance.sign_offs import SIGN_OFF
    from orchestration.desk.signing import publish_again

    with exclusive(home()):
        recorded = _desk().revoke(number, _ruling(by, why), SIGN_OFF)
        is_done = publish_again(home())
    told = (
        "its rows are in no file any more" if is_done else "the run that is going on, or the next, takes its rows away"
    )
    Console(highlight=False).print(
        f"Decision {number} is taken back (decision {recorded.number}); {told}.", soft_wrap=True
    )


@fields_app.command("list", epilog="Example: `feedback fields list otel/logs`")
def list_fields(
    dataset: Annotated[str, typer.Argument(help="Only of this dataset.")] = "", output: _Output = "table"
) -> None:
    """Fields that no rule names (withheld), and those that are new, gone or of another type; shapes, never values."""
    from orchestration.desk.telling import list_fields as tell_fields

    tell_fields(Console(), _desk(), dataset, output)


@fields_app.command(
    "classify",
    epilog="Example: `feedback fields classify otel/logs acme.tenant --as 'pseudonymise ACCOUNT' --by ben@example.com "
    "--why 'our number of a customer'`",
)
def classify(
    dataset: Annotated[str, typer.Argument(help="`<source>/<signal>` in which it was seen.")],
    field: Annotated[str, typer.Argument(help="Its name, as `feedback fields list` says it.")],
    treatment: Annotated[str, typer.Option("--as", help="What happens to it: see the head of policies/privacy.yml.")],
    by: _By,
    why: _Why,
    later: _Later = False,
) -> None:
    """Say what happens to a field: a line of `policies/fields/<source>.yml` in FEEDBACK_CONFIG, and on record.

    The days that are still in landing are anonymised and judged again; older ones stay without the field.
    """
    from orchestration.desk.telling import tell_classified

    told = tell_classified(_desk(), dataset, field, treatment, _ruling(by, why))
    _follow_up(told, is_later=later)


def _rule(
    kind: str, dataset: str, day: str, ruling: Ruling, expectation: str, records: list[str] | None, *, is_later: bool
) -> None:
    count = _desk().rule_on_rows(kind, dataset, day, ruling, expectation=expectation, records=records or ())
    _follow_up(f"{count:,} rows of {dataset} {day}: {kind} recorded", is_later=is_later)


def _follow_up(told: str, *, is_later: bool) -> None:
    console = Console(highlight=False)
    if is_later:
        console.print(f"{told}; the next `feedback run`, or the daemon within a minute, does the rest.")
        return
    from orchestration.running import run_after_decision

    run_after_decision(moment(""), is_plain=not console.is_terminal)
    console.print(f"{told}; the days it touches are judged again and published.")


def _desk() -> Desk:
    from governance.stewards import load_stewards
    from orchestration.deciding import decision_record
    from orchestration.desk.deciding import Desk
    from orchestration.lake import Lake

    return Desk(Lake(home().lake), decision_record(home()), load_stewards())


def _ruling(by: str, why: str) -> Ruling:
    from orchestration.desk.deciding import Ruling  # 0.1 s that `feedback metric` need not wait

    return Ruling(by, why, _now())


def _now() -> datetime:
    return datetime.now(UTC)
