"""`feedback run` and `feedback ui`: the Dagster jobs of the flow, run in this process on the deployment's instance."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from governance.errors import FeedbackError, GateBlocked, Interrupted, UsageError
from governance.sources import load_sources
from orchestration.deciding import rulings_at
from orchestration.inspection import check_access, load_policies
from orchestration.interruption import interruptible
from orchestration.key_management import deployment_keys
from orchestration.lake import Lake
from orchestration.progress import listening
from orchestration.settings import PROJECT, exclusive, home
from orchestration.stages import workers
from orchestration.stages.engines import load_engines
from orchestration.stages.planning import ranges, stale_days

# So many days are worth processes of their own before it is known how much is in them.
_MANY_DAYS = 7
# What later steps import (2 s), while this process waits for those beside it.
_NEEDED_LATER = ("scipy.special", "sklearn.feature_extraction.text", "sklearn.cluster", "altair")


def run_flow(inbox: Path, as_of: datetime, *, is_plain: bool) -> int:
    """Run the whole flow over `inbox` and print what came of it; returns the exit code.

    Raises:
        UsageError: the inbox does not exist.
        FeedbackError: a step failed.
        GateBlocked: the gate let nothing in at all.
        Interrupted: by a signal.
    """
    if not inbox.is_dir():
        raise UsageError(f"inbox {inbox}: no such folder; give --inbox DIR or write one with `feedback simulate`")
    load_policies()
    os.environ["FEEDBACK_INBOX"] = str(inbox.resolve())
    console = Console(stderr=True, highlight=False)
    plain = is_plain or not console.is_terminal
    with _reading_ahead(inbox, as_of) as reading, _steps(console, is_plain=plain) as execute:
        check_access(home())  # the models are parsed by now
        _start_early(reading)
        execute("receive", as_of, None)
        _bring_up_to_date(execute, as_of)
    _show_result()
    return 0


def _start_early(reading: subprocess.Popen[bytes]) -> None:
    """Start the workers of a first run whose inbox takes longer to read than Dagster to import: mostly there is much.

    Looking through what a year received takes long as well, and for one more day workers cost 7 s of a processor.
    """
    if not (home().lake / "checked").is_dir() and reading.poll() is None:
        workers.start(load_engines)


def run_after_decision(as_of: datetime, *, is_plain: bool) -> None:
    """Refresh the days that a decision or another policy makes stale, and publish; nothing new is read.

    Raises:
        FeedbackError: a step failed.
        GateBlocked: the gate let nothing in at all.
        Interrupted: by a signal.
    """
    load_policies()
    console = Console(stderr=True, highlight=False)
    with _steps(console, is_plain=is_plain or not console.is_terminal) as execute:
        _bring_up_to_date(execute, as_of)


def _bring_up_to_date(execute: _Executor, as_of: datetime) -> None:
    lake, deployment = Lake(home().lake), home()
    destroyed, rulings = deployment_keys(deployment).destroyed, rulings_at(deployment, as_of)
    stale = stale_days(lake, load_sources().values(), destroyed, rulings)
    if len(stale) > _MANY_DAYS:
        workers.start(load_engines)  # while this process finds out what is due
        if workers.worker_count() > 1:
            threading.Thread(target=_import_what_follows, daemon=True).start()
    for first, last in ranges(stale):
        execute("refresh_days", as_of, (first, last))
    if not lake.keys("checked"):
        raise GateBlocked(_nothing(lake))
    execute("publish", as_of, None)


def _import_what_follows() -> None:
    for name in _NEEDED_LATER:
        import_module(name)


def serve_ui(port: int) -> None:
    """Replace this process by `dg dev` on this deployment; only this machine can reach it."""
    dg = Path(sys.executable).with_name("dg")
    os.chdir(PROJECT)  # where dg finds pyproject.toml
    os.execv(dg, [str(dg), "dev", "--host", "127.0.0.1", "--port", str(port)])


@contextmanager
def _reading_ahead(inbox: Path, as_of: datetime) -> Iterator[subprocess.Popen[bytes]]:
    """Read the inbox on the second core while this process imports Dagster: 10 s of 100 for the simulated company.

    Whatever the child could not do, the receive job does; the lock of the deployment keeps the two apart.
    """
    deployment_keys(home())  # made by one of them, not by both
    words = ["-m", "orchestration.cli", "receive", "--inbox", str(inbox), "--as-of", as_of.isoformat()]
    child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def _steps(console: Console, *, is_plain: bool) -> Iterator[_Executor]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=is_plain, transient=True) as progress:
        yield _Executor(console, progress, is_plain=is_plain)


class _Executor:
    """Runs a job of the code location and tells about its steps."""

    def __init__(self, console: Console, progress: Progress, *, is_plain: bool) -> None:
        import dagster as dg

        from orchestration.definitions import defs

        self._console, self._progress, self._is_plain = console, progress, is_plain
        self._definitions = defs() if callable(defs) else defs
        self._instance = dg.DagsterInstance.get()

    def __call__(self, job_name: str, as_of: datetime, days: tuple[str, str] | None) -> None:
        job, run_id = self._definitions.resolve_job_def(job_name), str(uuid4())
        tags = {"feedback/as_of": as_of.isoformat()}
        label = job_name.replace("_", " ")
        if days:
            tags |= {
                "dagster/asset_partition_range_start": days[0],
                "dagster/asset_partition_range_end": days[1],
            }
            label += f" {days[0]} to {days[1]}"
        bar = self._progress.add_task(label, total=len(job.nodes))

        def tell(step: str) -> None:
            self._progress.update(bar, advance=1, description=f"{label}: {step.replace('__', '/')}")
            if self._is_plain:
                self._console.print(f"{label}: {step.replace('__', '/')} done")

        # dbt tells its own story on stdout; it is in the deployment's dbt log as well
        with listening(tell), redirect_stdout(StringIO()):
            try:
                result = interruptible(
                    lambda: job.execute_in_process(
                        instance=self._instance,
                        run_id=run_id,
                        tags=tags,
                        raise_on_error=False,
                        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                    )
                )
            except Interrupted:
                self._cancel(run_id)
                raise
        self._progress.update(bar, completed=len(job.nodes), description=label)
        if not result.success:
            raise FeedbackError(
                f"{job_name}: {_failure(result)}; run {result.run_id[:8]} in `feedback ui` has the steps"
            )

    def _cancel(self, run_id: str) -> None:
        """Let the UI show the run as canceled, not as one that goes on for ever."""
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            self._instance.report_run_canceled(run)


def _failure(result: object) -> str:
    """The failed steps, each with the message of its cause."""
    told = []
    for event in result.all_events:  # type: ignore[attr-defined]
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error.cause is not None:
                error = error.cause
            message = error.message.strip().partition(": ")[2]
            told.append(f"{event.step_key.replace('__', '/')}: {message}")
    return "; ".join(told) or "it failed before its first step"


def _nothing(lake: Lake) -> str:
    if not lake.keys("received") and lake.keys("retention"):
        return "all that was received is older than policies/retention.yml keeps it; files that are new will be read"
    if not lake.keys("received"):
        return "no file of the inbox belongs to a source; see `feedback source check`"
    if not lake.keys("landing"):
        return "nothing in the inbox could be read as a record; see `feedback source check`"
    return "the gate withheld every day; see the checks with `feedback ui`"


def _show_result() -> None:
    from orchestration.reporting.summary import show_summary

    console = Console(highlight=False)
    with exclusive(home()):  # it reads the warehouse, which another run may be writing
        show_summary(
            console if console.is_terminal else Console(highlight=False, width=max(console.width, 110)), home()
        )
