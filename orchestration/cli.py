"""The `feedback` command. Exit codes: 0 done, 1 failed, 2 wrong use or policy, 3 blocked by the gate."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from governance.errors import FeedbackError, Interrupted, PolicyError
from orchestration.audit_commands import By, Why, audit_app, reviews_app
from orchestration.desk.commands import fields_app, quarantine_app, sign_off_app, waiver_app
from orchestration.moments import day_of, moment
from orchestration.settings import enter, home

if TYPE_CHECKING:
    from orchestration.simulation import Poison

app = typer.Typer(
    help="The open warehouse of platform feedback: from raw logs, traces and tickets to ranked pain points.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
source_app = typer.Typer(help="What is collected, from where.", no_args_is_help=True)
app.add_typer(source_app, name="source")


keys_app = typer.Typer(help="The keys that pseudonyms are made with.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")
app.add_typer(reviews_app, name="reviews")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(waiver_app, name="waiver")
app.add_typer(sign_off_app, name="sign-off")
app.add_typer(fields_app, name="fields")


class Format(StrEnum):
    """How `query` prints."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def main() -> None:
    """Run the command; an error a user can act on is one line on stderr."""
    try:
        enter(home())
        sys.exit(app(standalone_mode=False))  # the code of a typer.Exit, which is not raised in this mode
    except FeedbackError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        if isinstance(error, Interrupted):
            os._exit(error.exit_code)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except Exception as error:
        if not hasattr(error, "exit_code"):  # click's own errors: wrong use
            raise
        error.show()  # type: ignore[attr-defined]
        sys.exit(error.exit_code)


@app.command(epilog="Example: `feedback run --inbox ./exports --as-of 2026-11-23`")
def run(
    inbox: Annotated[
        Path | None, typer.Option(help="Folder with the files to read; default: the deployment's.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="The time the run stands for (ISO, UTC); default: this hour.")] = "",
    plain: Annotated[bool, typer.Option("--plain", help="One line per step, no progress bar.")] = False,
) -> None:
    """Run the whole flow: receive, anonymise, judge, sample, build the marts, publish, report."""
    from orchestration.running import run_flow  # imports Dagster: 2 s that other commands need not wait

    raise typer.Exit(run_flow(inbox or home().inbox, moment(as_of), is_plain=plain))


@app.command(epilog="Example: `feedback receive --inbox ./exports`")
def receive(
    inbox: Annotated[
        Path | None, typer.Option(help="Folder with the files to read; default: the deployment's.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="The time of pulling (ISO, UTC); default: this hour.")] = "",
) -> None:
    """Only read what came, each file and page once; `feedback run` does this first by itself."""
    from orchestration.inspection import receive_sources

    receive_sources(Console(highlight=False), home(), inbox or home().inbox, moment(as_of))


@app.command(epilog="Example: `feedback simulate --scenario default --seed 7 --days 42`")
def simulate(
    scenario: Annotated[str, typer.Option(help="A scenario's name or the path of its YAML.")] = "default",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    days: Annotated[int, typer.Option(min=1, help="How many days, the last one being --end.")] = 42,
    end: Annotated[str, typer.Option(help="Last whole day (ISO); default: yesterday.")] = "",
    scale: Annotated[float, typer.Option(min=0.001, help="1 is about 100k spans over 42 days.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="Inbox to write to; default: the deployment's.")] = None,
    poison: Annotated[str, typer.Option(help="DAY:SHARE: so many bad records more that day, such as 5:0.05.")] = "",
) -> None:
    """Write the files of a simulated company: telemetry, tickets, changes, incidents, outcomes, surveys, truth.json."""
    from orchestration.simulation import load_scenario
    from orchestration.simulation import simulate as generate

    target = out or home().inbox
    last = day_of(end, "--end") if end else datetime.now(UTC).date() - timedelta(days=1)
    bad = _poison(poison) if poison else None
    truth = generate(load_scenario(scenario), seed=seed, end=last, days=days, scale=scale, out=target, poison=bad)
    counts = ", ".join(f"{name.replace('_', ' ')} ({count:,})" for name, count in truth.totals.items())
    Console(highlight=False).print(
        f"Wrote records of {counts} to {target}.\nNext: [bold]feedback run[/]", soft_wrap=True
    )


@app.command(epilog='Example: `feedback query "select title from rpt_pain_points" --role analyst --format csv`')
def query(
    sql: Annotated[str, typer.Argument(help="One select statement.")],
    role: Annotated[str, typer.Option(help="Whose published file to read.")] = "analyst",
    output: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
) -> None:
    """Query what was published for a role."""
    from orchestration.serving.querying import query as answer

    sys.stdout.buffer.write(answer(home().published, role, sql, output.value))
    sys.stdout.buffer.flush()


@app.command(epilog="Example: `feedback metric request_latency_p95 --by service --grain week --since 2026-11-01`")
def metric(
    what: Annotated[str, typer.Argument(metavar="list|show|NAME", help="What there is, or a metric to measure.")],
    name: Annotated[str, typer.Argument(help="With show: which metric.")] = "",
    by: Annotated[list[str] | None, typer.Option(help="A dimension; several where given several times.")] = None,
    grain: Annotated[str | None, typer.Option(help="A row for each day, week, month, quarter or year.")] = None,
    since: Annotated[str | None, typer.Option(help="First day (ISO).")] = None,
    until: Annotated[str | None, typer.Option(help="Last day (ISO).")] = None,
    role: Annotated[str, typer.Option(help="Whose published file to read.")] = "analyst",
    output: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
) -> None:
    """Ask a metric of what was published for a role; `list` says which there are, `show NAME` what one means."""
    from orchestration.serving.metrics import Question
    from orchestration.serving.querying import published_file
    from orchestration.serving.telling import list_all, measure, require_fitting, show

    given = {"--by": by, "--grain": grain, "--since": since, "--until": until}
    require_fitting(what, name, [option for option, value in given.items() if value is not None], output.value)
    console, file = Console(highlight=False), published_file(home().published, role)
    if what == "list":
        list_all(console, file, output.value)
    elif what == "show":
        show(console, file, name)
    else:
        first, last = (
            None if text is None else day_of(text, option) for text, option in ((since, "--since"), (until, "--until"))
        )
        measure(console, file, Question(what, tuple(by or ()), grain, first, last), output.value)


@app.command(epilog="Example: `feedback explain request_latency_p95 --by service=checkout --at 2026-W48`")
def explain(
    what: Annotated[str, typer.Argument(metavar="METRIC|problem", help="A metric, or `problem` and a rank or id.")],
    name: Annotated[str, typer.Argument(metavar="[RANK|ID]", help="With problem: which, as lists show it.")] = "",
    by: Annotated[list[str] | None, typer.Option(help="DIMENSION=VALUE; several where given several times.")] = None,
    at: Annotated[str, typer.Option(help="A day, week or month: 2026-03-14, 2026-W12, 2026-03; default: all.")] = "",
    role: Annotated[str, typer.Option(help="Whose published file to read.")] = "analyst",
    output: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Where a figure comes from: definition, SQL, lineage, days and their gate, waivers, restatements, a few rows."""
    from orchestration.explaining.commands import explain_to
    from orchestration.serving.querying import published_file

    explain_to(Console(highlight=False), published_file(home().published, role), what, name, by or (), at, output)


@source_app.command("list", epilog="Example: `feedback source list`")
def list_sources() -> None:
    """Every source: type, signals, owner, purpose and where it is read."""
    from orchestration.inspection import show_sources

    show_sources(Console())


@source_app.command("check", epilog="Example: `feedback source check otel --inbox ./exports`")
def check_source(
    name: Annotated[str | None, typer.Argument(help="One source; default: all.")] = None,
    inbox: Annotated[Path | None, typer.Option(help="Folder with the files to read.")] = None,
) -> None:
    """Read each source's definition, find its files and say what would be received; nothing is kept."""
    from orchestration.inspection import check_sources

    raise typer.Exit(check_sources(Console(), inbox or home().inbox, name, moment("")))


@source_app.command("discover", epilog="Example: `feedback source discover ./exports --out my-config`")
def discover_source(
    target: Annotated[str, typer.Argument(metavar="DIR|SOURCE", help="A folder, a file, or a source's name.")],
    out: Annotated[Path | None, typer.Option(help="New folder for the proposed files; default: only tell.")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Records of each signal that the dry run anonymises.")] = 5_000,
    inbox: Annotated[Path | None, typer.Option(help="Where a named source's files lie.")] = None,
) -> None:
    """Look at a sample of your own data and propose sources, the treatment of each field and the services' owners."""
    from orchestration.discovery import discover

    console = Console(highlight=False)
    wide = console if console.is_terminal else Console(highlight=False, width=max(console.width, 140))
    discover(wide, target, inbox or home().inbox, out, sample, moment(""))


@app.command(
    epilog="""Example: `echo '{"id": 1, "kind": "log", "text": "user=bob from 203.0.113.9"}' | feedback anonymize`"""
)
def anonymize(
    policy: Annotated[Path | None, typer.Option(help="A privacy.yml; default: the deployment's.")] = None,
    no_names: Annotated[
        bool,
        typer.Option(
            "--no-names", help="Without the name model: names behind a label or a greeting are still replaced."
        ),
    ] = False,
) -> None:
    """Anonymise JSON lines from stdin: {"id","kind": "log|ticket|attribute","text"} to {"id","text","spans"}.

    One answer a line, in order, blank lines left out; spans are offsets into the input text. What cannot be judged
    comes back without text and with the reason under `held`; the exit code is then 1. Pseudonyms are made with the
    deployment's key.
    """
    from governance.privacy import load_privacy
    from orchestration.key_management import deployment_keys
    from orchestration.text_filter import TextFilter

    lines = TextFilter(load_privacy(policy), deployment_keys(home()), with_names=not no_names)
    lines.run(sys.stdin.buffer, sys.stdout.buffer)
    if lines.held:
        raise FeedbackError(f"stdin: lines held: {lines.held}; each says why under `held`")


@keys_app.command("list", epilog="Example: `feedback keys list`")
def list_keys() -> None:
    """Every pseudonym key by its id: when it was made, its state, and how many partitions were made with it."""
    from orchestration.key_management import show_keys

    show_keys(Console(), home())


@keys_app.command("rotate", epilog="Example: `feedback keys rotate`")
def rotate_keys(by: By = "", why: Why = "") -> None:
    """Make a new pseudonym key: days that are not in the lake yet are made with it, all others keep theirs.

    The same person has one token before and another after: joins across the two find nothing, and a figure that counts
    people over days of both (accounts touched, say) counts who is on both sides twice. Figures of one day stay exact.
    """
    from orchestration.key_management import rotate_keys as rotate

    rotate(Console(highlight=False), home(), by, why)


@keys_app.command("destroy", epilog="Example: `feedback keys destroy 1a2b`")
def destroy_key(
    key_id: Annotated[str, typer.Argument(help="An id of `feedback keys list`; not the current one.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: By = "",
    why: Why = "",
) -> None:
    """Destroy a pseudonym key for ever: its tokens cannot be linked to a person or to new data any more.

    They still join with each other. Its days are frozen: a new policy or a late record does not change them. The key is
    overwritten and removed here; delete it from your backups as well. Raw records lead to their tokens until they
    expire (policies/retention.yml).
    """
    from orchestration.key_management import destroy_key as destroy

    destroy(Console(highlight=False), home(), key_id, by, why, is_confirmed=yes)


@app.command(epilog="Example: `feedback leaks`")
def leaks(
    lift: Annotated[bool, typer.Option("--lift", help="Let days in again of which nothing is found any more.")] = False,
) -> None:
    """Look for planted canaries in every file behind the anonymisation, those looked through before included."""
    from orchestration.leaks.telling import tell_leaks

    raise typer.Exit(tell_leaks(Console(highlight=False), home(), moment(""), is_lifting=lift))


@app.command(epilog="Example: `feedback doctor`")
def doctor() -> None:
    """Check versions, keys, locks, freshness, disk and policies; each problem with its fix."""
    from orchestration.inspection import examine

    raise typer.Exit(examine(Console(), home()))


@app.command(epilog="Example: `feedback ui --port 3000`")
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI on this deployment's data."""
    from orchestration.running import serve_ui

    serve_ui(port)


def _poison(text: str) -> Poison:
    from orchestration.simulation import Poison

    try:
        day, share = text.split(":")
        return Poison(day=int(day), share=float(share))
    except ValueError:
        raise PolicyError(f"--poison {text}: expected DAY:SHARE such as 5:0.05 with 0 < SHARE <= 1") from None


if __name__ == "__main__":
    main()
