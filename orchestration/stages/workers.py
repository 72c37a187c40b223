"""Processes that compute beside this one, and write files; which of them belong to a partition, this one alone says.

Each keeps its parts of days: the texts that it has seen of one it still knows when it sees them again. They start
when there is work for them and live as long as this process, or until something fails.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from governance.errors import UsageError
from orchestration.garbage import collect_seldom
from orchestration.lake import Lake

Item = TypeVar("Item")
T = TypeVar("T")

# What takes seconds to import, and starts no thread that a copy would miss as polars does: imported once for all.
_PRELOADED = ("great_expectations.expectations", "presidio_analyzer", "presidio_anonymizer")
# Starting a process and loading the engines takes it 3 s: so many records of work are worth that.
_ENOUGH_RECORDS = 30_000
# Those that were started, by how many there are to be.
_started: dict[int, list[ProcessPoolExecutor]] = {}


def worker_count() -> int:
    """How many processes compute: FEEDBACK_PROCESSES, else one a processor, at most two.

    Raises:
        UsageError: FEEDBACK_PROCESSES is no number from 1 on.
    """
    told = os.environ.get("FEEDBACK_PROCESSES") or str(min(2, os.cpu_count() or 1))
    if not re.fullmatch(r"[1-9][0-9]?", told):
        raise UsageError(f"FEEDBACK_PROCESSES is {told!r}; allowed: 1 to 99; unset it for one a processor, at most two")
    return int(told)


def each_group(
    work: Callable[[str, Item], T],
    items: Mapping[str, Item],
    *,
    records: int,
    enough: int = _ENOUGH_RECORDS,
    turns: Mapping[str, int] | None = None,
    processes: int | None = None,
) -> Iterator[tuple[str, T]]:
    """The result of `work` for each item and its name, in order; here where there is little to do.

    Args:
        work: can be pickled, and depends on its arguments and what it was made with alone.
        records: how many records there are to work on.
        enough: so many are worth starting processes.
        turns: items with the same number go to the same process, which may know their texts; None: in turn.
    """
    if turns is None:
        turns = {name: place for place, name in enumerate(items)}
    count = worker_count() if processes is None else processes
    is_enough = _are_started() or (len(items) > 1 and records >= enough)  # or this one loads the engines too
    if count < 2 or not is_enough:
        yield from ((name, work(name, item)) for name, item in items.items())
        return
    pools = _pools(count)
    futures: list[tuple[str, Future[T]]] = [
        (name, pools[turns[name] % count].submit(work, name, item)) for name, item in items.items()
    ]
    yield from ((name, future.result()) for name, future in futures)


@contextmanager
def written_beside(lake: Lake, keys: Iterable[str]) -> Iterator[None]:
    """A block in which files of these partitions are written beside this process; where it fails, nothing writes on,
    and what was written stays only where a manifest names it: it can be raw, and nothing else would ever delete it.
    """
    try:
        yield
    except BaseException:
        stop()
        for key in keys:
            lake.sweep(key)
        raise


def start(prepare: Callable[[], None]) -> None:
    """Start the processes for work that is sure to come; `prepare` runs in each, and this one goes on meanwhile."""
    if worker_count() < 2:
        return
    pools = _pools(worker_count())

    def submit() -> None:  # waits 3 s until what they all need is imported; work that comes earlier waits for it
        with suppress(RuntimeError):  # this process ends, or something failed and they were stopped
            for pool in pools:
                pool.submit(prepare)

    # Waited for where this process ends meanwhile: a process that starts then would tell of it with a traceback.
    threading.Thread(target=submit).start()


def stop() -> None:
    """End the processes once each has done what it is at; what waits for its turn is dropped."""
    while _started:
        _, pools = _started.popitem()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _are_started() -> bool:
    return worker_count() > 1 and bool(_started)


def _pools(count: int) -> list[ProcessPoolExecutor]:
    if count not in _started:
        # Not forked: this process has threads, of polars and of Dagster, that a copy would not have.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_PRELOADED))
        _started[count] = [ProcessPoolExecutor(1, mp_context=context, initializer=_begin) for _ in range(count)]
    return _started[count]


def _begin() -> None:
    collect_seldom()
    _end_with_parent()


def _end_with_parent() -> None:
    """End this process when the one it works for has, however."""
    parent = multiprocessing.parent_process()  # not the server that forked it, which lives as long as its children

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
