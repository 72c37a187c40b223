"""`feedback audit` and `feedback reviews`: what was decided, whether the record is whole, what to review."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.settings import home

audit_app = typer.Typer(help="The decision record: who decided what, why and when.", no_args_is_help=True)
reviews_app = typer.Typer(help="What stewards are to look at, and when.", no_args_is_help=True)

By = Annotated[str, typer.Option(help="Who decides (policies/stewards.yml); default: the user of this machine.")]
Why = Annotated[str, typer.Option(help="The reason that goes on record.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _console() -> Console:
    """Wide enough for reasons where nobody's window says otherwise."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, 140))


@audit_app.command("list", epilog="Example: `feedback audit list --kind policy --since 2026-11-01`")
def list_decisions(
    kind: Annotated[str, typer.Option(help="Only this kind, such as release, waive, sign_off or policy.")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day (ISO, UTC).", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Every decision in order: when, by whom, what and why."""
    from orchestration.auditing import show_decisions

    show_decisions(_console(), home(), kind, since and since.replace(tzinfo=UTC), is_json=json)


@audit_app.command("verify", epilog="Example: `feedback audit verify --head /backup/head.json`")
def verify(
    head: Annotated[Path | None, typer.Option(help="A copy of a head, of any time, that was kept elsewhere.")] = None,
) -> None:
    """Go through the whole record: what was edited, removed, reordered or cut off is told by entry; exit code 1 then.

    The head in the deployment says where the record ends. A copy of it on another machine also finds a record that
    somebody wrote anew from some entry on, head and all.
    """
    from orchestration.auditing import verify_record

    raise typer.Exit(verify_record(Console(highlight=False), home(), head))


@audit_app.command("head", epilog="Example: `feedback audit head > /backup/head.json`")
def show_head() -> None:
    """Print the head of the record (number, digest and time of its last entry), to be kept elsewhere."""
    from orchestration.auditing import print_head

    print_head(home())


@audit_app.command(
    "accept", epilog="Example: `feedback audit accept --by ben@example.com --why 'Disk lost; backup of May'`"
)
def accept(why: Annotated[str, typer.Option(help="What happened.")], by: By = "") -> None:
    """Go on after a loss at the end that no backup can mend; that, and what was lost, goes on record.

    Only where all entries that are there follow from each other. The role that `accept` needs is in
    policies/stewards.yml.
    """
    from orchestration.auditing import accept_loss

    accept_loss(Console(highlight=False), home(), by, why)


@reviews_app.command("list", epilog="Example: `feedback reviews list`")
def list_reviews(json: Json = False) -> None:
    """Every review by domain and role: who may do it, when it was done last, and by when it is due."""
    from orchestration.auditing import show_reviews

    show_reviews(_console(), home(), datetime.now(UTC), is_json=json)


@reviews_app.command("done", epilog="Example: `feedback reviews done support quality --by ana@example.com --why ok`")
def review_done(
    domain: Annotated[str, typer.Argument(help="A domain of `feedback reviews list`.")],
    role: Annotated[str, typer.Argument(help="What it was reviewed for: quality, lineage or compliance.")],
    why: Annotated[str, typer.Option(help="What was found.")],
    by: By = "",
) -> None:
    """Record that a review was done, with what was found."""
    from orchestration.auditing import record_review

    record_review(Console(highlight=False), home(), domain, role, by, why)
