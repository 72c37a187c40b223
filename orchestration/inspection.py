"""What `feedback source list | check`, `feedback receive` and `feedback doctor` do: all without Dagster."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.errors import FeedbackError, PolicyError, UsageError
from governance.keys import KeyStore, load_keyring
from governance.policy import check_own_files
from governance.sources import load_sources, source_named
from orchestration.deciding import decision_record
from orchestration.key_management import deployment_keys, partitions_by_key
from orchestration.lake import Lake
from orchestration.parsing import is_parsed, manifest_of
from orchestration.reporting.wording import counted
from orchestration.settings import Home, exclusive

_FREE_BYTES = 2 * 2**30


def show_sources(console: Console) -> None:
    """One row per source."""
    table = Table(title="Sources (governance/sources; add a YAML file to add one)")
    for heading in ("source", "type", "signals", "where", "owner", "schedule", "purpose"):
        table.add_column(heading, overflow="fold")
    for source in load_sources().values():
        files, database = source.files, source.database
        where = f"{files.folder}: {', '.join(files.patterns)}" if files else source.http.url if source.http else ""
        where = f"database of {database.url_env}" if database else where
        row = (source.name, source.type, ", ".join(source.signals), where, source.owner, source.schedule)
        table.add_row(*map(escape, (*row, source.purpose)))
    console.print(table)


def receive_sources(console: Console, deployment: Home, inbox: Path, as_of: datetime) -> None:
    """Read every new document of every source into the lake.

    Raises:
        UsageError: the inbox does not exist.
    """
    from orchestration.stages.receiving import receive

    if not inbox.is_dir():
        raise UsageError(f"inbox {inbox}: no such folder; give --inbox DIR or write one with `feedback simulate`")
    lake, keys = Lake(deployment.lake), deployment_keys(deployment)
    for source in load_sources().values():
        with exclusive(deployment):
            tally = receive(source, inbox, lake, keys, as_of)
        console.print(f"{source.name}: {tally.records:,} records in {tally.documents} files or pages, {tally.read} new")


def check_sources(console: Console, inbox: Path, name: str | None, as_of: datetime) -> int:
    """Read each source's files into a throw-away lake and tell what would be received; 1 where something is wrong.

    Raises:
        UsageError: the inbox does not exist.
        PolicyError: a source's YAML is wrong, or there is none of that name.
    """
    from orchestration.stages.receiving import receive

    if not inbox.is_dir():
        raise UsageError(f"inbox {inbox}: no such folder; give --inbox DIR or write one with `feedback simulate`")
    sources = [source_named(name)] if name else list(load_sources().values())
    table = Table(title=escape(f"What would be received from {inbox}"))
    for heading in ("source", "files", "records", "set aside", "verdict"):
        table.add_column(heading, overflow="fold")
    problems = 0
    with tempfile.TemporaryDirectory() as folder:
        keys = load_keyring(Path(folder) / "keys")
        for source in sources:
            if source.files is None:
                how = "over HTTP" if source.http else "a database"
                table.add_row(source.name, how, "-", "-", "defined; pulled by `feedback run`")
                continue
            tally = receive(source, inbox, Lake(Path(folder) / "lake"), keys, as_of)
            verdict = _verdict(tally.documents, tally.records, tally.malformed)
            problems += verdict.startswith("nothing could be read")
            table.add_row(source.name, *(f"{n:,}" for n in (tally.documents, tally.records, tally.malformed)), verdict)
    console.print(table)
    return 1 if problems else 0


def _verdict(documents: int, records: int, malformed: int) -> str:
    if not documents:
        return "no file of the inbox matches its folder and patterns"
    if not records:
        return "nothing could be read: are these files of this type?"
    return "reads well" if not malformed else "reads, with records set aside (counted in the ledger)"


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    name: str
    is_well: bool
    found: str
    fix: str = ""


def examine(console: Console, deployment: Home) -> int:
    """Print every finding with its fix; 0 where all is well, else 1."""
    findings = list(_findings(deployment))
    table = Table(title="feedback doctor")
    for heading in ("", "looked at", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.is_well else "[bold red]!![/]"
        table.add_row(mark, finding.name, escape(finding.found), escape(finding.fix))
    console.print(table)
    return 0 if all(finding.is_well for finding in findings) else 1


def _findings(deployment: Home) -> Iterator[Finding]:
    yield Finding(
        "Python",
        (3, 11) <= sys.version_info < (3, 14),
        sys.version.split()[0],
        "use Python 3.11, 3.12 or 3.13",
    )
    for package in ("dagster", "dbt-core", "duckdb", "great-expectations", "presidio-analyzer", "polars"):
        yield Finding(package, is_well=True, found=version(package))
    yield from _policies(deployment)
    yield _keys(deployment)
    yield _disk(deployment)
    yield _protection(deployment)
    yield from _ledger(deployment)
    yield _decisions(deployment)
    yield from _published(deployment)


def load_policies() -> None:
    """Load every kind of policy, the sources and suites.

    Raises:
        PolicyError: one of them is wrong, or a file among them is never read.
    """
    _check_files()
    for load in policy_loaders():
        load()


def policy_loaders() -> tuple[Callable[[], object], ...]:
    """What loads each kind of policy, the sources and suites."""
    from governance.access import load_access
    from governance.changes import load_changes
    from governance.costs import load_costs
    from governance.estimates import load_estimates_policy
    from governance.freshness import load_freshness
    from governance.initiatives import load_initiatives
    from governance.owners import load_owners
    from governance.privacy import load_privacy
    from governance.quality import load_quality, load_source_suites
    from governance.ranking import load_ranking
    from governance.retention import load_retention
    from governance.sampling import load_sampling_policy
    from governance.services import load_services
    from governance.slos import load_slos
    from governance.stewards import load_stewards
    from governance.subscriptions import load_subscriptions
    from governance.surveys import load_surveys
    from governance.themes import load_themes
    from governance.triage import load_triage

    return (
        *(load_sources, load_privacy, load_quality, load_source_suites, load_sampling_policy, load_ranking),
        *(load_owners, load_access, load_retention, load_freshness, load_subscriptions, load_slos),
        *(load_triage, load_initiatives, load_stewards, load_services, load_changes, load_themes),
        *(load_surveys, load_costs, load_estimates_policy),
    )


def _check_files() -> None:
    from governance.privacy import load_privacy

    model = load_privacy().names.model
    check_own_files({model} if model.endswith(".yml") else ())


def _policies(deployment: Home) -> Iterator[Finding]:
    """Each mistake once: what is wrong in one file is wrong for all that are read with it."""
    loaders = policy_loaders()
    checks = (_check_files, *loaders, lambda: check_access(deployment))
    wrong = dict.fromkeys(finding for check in checks if (finding := _mistake(check)))
    yield from wrong
    if not wrong:
        yield Finding("policies", is_well=True, found=f"{len(loaders)} kinds read without a mistake")


def _mistake(check: Callable[[], object]) -> Finding | None:
    try:
        check()
    except PolicyError as error:
        return Finding("policies", is_well=False, found=str(error), fix="correct what it names")
    except FeedbackError as error:
        found, _, fix = str(error).partition("; ")
        return Finding("models", is_well=False, found=found, fix=fix)
    return None


def check_access(deployment: Home) -> None:
    """Look whether the columns that access.yml names are those of the models; after an upgrade the next run tells them.

    Raises:
        PolicyError: there is no such column.
        FeedbackError: what dbt told of the models is not readable.
    """
    from governance.access import load_access
    from orchestration.serving.known_columns import known_columns, require_known_columns

    if is_parsed(deployment):
        require_known_columns(load_access(), known_columns(manifest_of(deployment)))


def _keys(deployment: Home) -> Finding:
    lake = Lake(deployment.lake)
    try:
        store = KeyStore(deployment.keys)
        if store.missing() and store.is_new and not lake.keys(""):
            return Finding("keys", is_well=True, found="none yet: made by the first run")
        keys = store.keyring()
    except FeedbackError as error:
        found, _, fix = str(error).partition("; ")
        return Finding("keys", is_well=False, found=found, fix=fix)
    counts = partitions_by_key(lake)
    if lost := sorted(counts.keys() - keys.own_ids):
        found = f"{counts[lost[0]]} partitions were made with pseudonym key {lost[0]}, which is missing"
        return Finding("keys", False, found, f"restore it from your backup, or feedback keys destroy {lost[0]}")
    found = f"pseudonym key {keys.key_id}, {len(keys.older)} older, {len(keys.destroyed)} destroyed"
    return Finding("keys", is_well=True, found=found)


def _disk(deployment: Home) -> Finding:
    place = next(path for path in (deployment.root, *deployment.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Finding("disk", free > _FREE_BYTES, f"{free / 2**30:.1f} GiB free", "free at least 2 GiB before a run")


def _protection(deployment: Home) -> Finding:
    if not deployment.root.is_dir():
        return Finding("deployment", is_well=True, found=f"{deployment.root}: none yet", fix="make run")
    is_private = not deployment.root.stat().st_mode & 0o077
    return Finding("deployment", is_private, str(deployment.root), f"chmod 700 {deployment.root}")


def _ledger(deployment: Home) -> Iterator[Finding]:
    from orchestration.ledger import came_too_late, cut_traces, ledger

    frame = ledger(Lake(deployment.lake))
    off = frame.filter(~frame["is_balanced"].fill_null(value=True)).height
    found = f"{frame.height} partitions, {off} out of balance"
    yield Finding("ledger", off == 0, found, "run `feedback run` again; a rerun repairs a killed one")
    yield from _unreadable(Lake(deployment.lake))
    if conflicts := int(frame["conflicts"].sum()):
        found = f"{counted(conflicts, 'id')} came with more than one content; the first counts, or each is a version"
        fix = "fct_ledger.conflicts says of which source, signal and day; ids are to be unique where they are given"
        yield Finding("conflicts", is_well=True, found=found, fix=fix)
    if (late := came_too_late(frame)).height:
        records = counted(int(late["too_late"].sum()), "record")
        days = counted(late["event_date"].n_unique(), "day")
        found = f"{records} of {days} in no figure: their days were closed when they came"
        fix = "bring them sooner, or keep received and landing longer (policies/retention.yml)"
        yield Finding("too late", is_well=True, found=found, fix=fix)
    if cut := cut_traces(frame):
        traces = f"{cut['failing']:,} failing and {cut['slow']:,} slow traces of {counted(cut['days'], 'day')}"
        found = f"{traces} are in every figure, and not in the sample"
        fix = "raise budget.per_day or lower the shares (policies/sampling.yml)"
        yield Finding("budget", is_well=True, found=found, fix=fix)


def _unreadable(lake: Lake) -> Iterator[Finding]:
    """What is still there of what was set aside when it was read."""
    found = (lake.manifest(key) for key in lake.keys("received"))
    counts = [manifest.counts.get("malformed", 0) for manifest in found if manifest]
    if any(counts):
        documents = counted(sum(map(bool, counts)), "document")
        told = f"{counted(sum(counts), 'line or record', 'lines or records')} of {documents} set aside as malformed"
        fix = (  # a file's name can name somebody: it stays where the raw records are
            "the steward's table `malformed` says why; lake/received/*/*/malformed-*.parquet also in which file and"
            " line: correct that, or the source's mapping"
        )
        yield Finding("unreadable", is_well=True, found=told, fix=fix)


def _decisions(deployment: Home) -> Finding:
    try:
        verified = decision_record(deployment).verify()
    except FeedbackError as error:
        return Finding("decisions", is_well=False, found=str(error), fix="correct FEEDBACK_DECISIONS_URL")
    found = f"{verified.entries:,} entries, {len(verified.problems):,} problems"
    return Finding("decisions", verified.is_good, found, "feedback audit verify; restore them from your backup")


def _published(deployment: Home) -> Iterator[Finding]:
    from governance.access import load_access

    try:
        roles = load_access().roles
    except FeedbackError:
        fix = "correct policies/access.yml"
        yield Finding("published", is_well=False, found="which roles there are is not known", fix=fix)
        return
    for role in roles:
        path = deployment.published / f"{role}.duckdb"
        found = f"{path.stat().st_size / 2**20:.1f} MiB" if path.exists() else "not yet"
        yield Finding(f"published/{role}", path.exists(), found, "feedback run")
