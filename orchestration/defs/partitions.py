"""What every asset shares: the unit of replacing and accounting, the time a run stands for, and one guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import dagster as dg
import polars as pl

from governance.errors import FeedbackError
from orchestration.deciding import record_policies
from orchestration.moments import moment
from orchestration.settings import exclusive, home
from orchestration.sources.values import EARLIEST


class Days(dg.DailyPartitionsDefinition):
    """Daily partitions whose keys are counted up from the first to the last.

    Dagster asks cron for each of 9,800, once for every partitioned asset that one without partitions reads: 1.2 s of
    each run.
    """

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """Every day (ISO) from the first to the last there is at `current_time`."""
        with dg.partition_loading_context(current_time, dynamic_partitions_store):
            last = self.get_last_partition_key()
        if last is None:
            return []
        return pl.date_range(self.start.date(), date.fromisoformat(last), eager=True).dt.to_string().to_list()


# Today is included: feedback of today is worth the most. What is received has a day here, however old it is.
DAYS = Days(start_date=EARLIEST, end_offset=1)
ONE_RUN = dg.BackfillPolicy.single_run()

AS_OF_TAG = "feedback/as_of"

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def as_of(context: dg.AssetExecutionContext) -> datetime:
    """The time the run stands for: its tag, else when the run was created; never the clock of a step."""
    if tag := context.run.tags.get(AS_OF_TAG):
        return moment(tag)
    record = context.instance.get_run_record_by_id(context.run_id)
    created = record.create_timestamp if record else datetime.now(UTC)
    return created.replace(tzinfo=UTC) if created.tzinfo is None else created.astimezone(UTC)


def guarded(body: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """One writer at a time, under policies that are on record, and no row content in Dagster.

    An unexpected error is told by type and place, never by its message: libraries quote values in theirs, and
    whatever an asset raises ends in the event log and the UI.
    """

    @wraps(body)
    def alone(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with exclusive(home()), _content_withheld(body.__name__):
            record_policies(home())
            return body(*args, **kwargs)

    return alone


def guarded_steps(body: Callable[Arguments, Iterator[Result]]) -> Callable[Arguments, Iterator[Result]]:
    """`guarded` for an asset that yields its results."""

    @wraps(body)
    def alone(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Iterator[Result]:
        with exclusive(home()), _content_withheld(body.__name__):
            record_policies(home())
            yield from body(*args, **kwargs)

    return alone


@contextmanager
def _content_withheld(name: str) -> Iterator[None]:
    try:
        yield
    except (FeedbackError, dg.DagsterError):
        raise
    except Exception as error:
        raise FeedbackError(f"{name}: {_place(error)}") from None


def _place(error: Exception) -> str:
    trace = error.__traceback__
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if "site-packages" not in code.co_filename:
            frames.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' > '.join(frames[-3:])}; its message is withheld because it can quote records"
