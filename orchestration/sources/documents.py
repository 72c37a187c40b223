"""Systems that answer with JSON documents (a page, an array, or one object a line): the loop they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.reading import DOCUMENT_LIMIT, json_values
from orchestration.sources.values import Json, MalformedRecord

# Yields (number of the entry, entry) of one JSON value; raises MalformedRecord where it is something else.
Entries = Callable[[Json, int], Iterator[tuple[int, Json]]]
# Adds the records of one entry; a record that cannot be taken is rejected there or raised.
ReadEntry = Callable[[Mapping[str, Json], Rows, int], None]


def read_entries(document: Document, pull: Pull, entries: Entries, read: ReadEntry) -> Iterator[Batch]:
    """Every entry of a document, in bounded batches."""
    rows = Rows(document, pull)
    for value in json_values(document, DOCUMENT_LIMIT):
        rows.consumed(value.size)
        if value.reason is not None:
            rows.reject(value.line, value.reason)
            continue
        try:
            for number, entry in entries(value.content, value.line):
                _read_one(entry, rows, number, read)
                if rows.is_full:
                    yield rows.batch()
        except MalformedRecord as reason:
            rows.reject(value.line, reason)
    yield rows.batch()


def numbered(content: Json, line: int) -> Iterator[tuple[int, Json]]:
    """The entries of an array counted from 1; an object alone (one a line) keeps its line."""
    if isinstance(content, list):
        yield from enumerate(content, start=1)
    else:
        yield line, content


def _read_one(entry: Json, rows: Rows, number: int, read: ReadEntry) -> None:
    try:
        if not isinstance(entry, Mapping):
            raise MalformedRecord("an entry is no object")
        read(entry, rows, number)
    except MalformedRecord as reason:
        rows.reject(number, reason)


def is_error(content: Json) -> bool:
    """Whether an answer says that something went wrong instead of what was asked for."""
    return isinstance(content, Mapping) and ("message" in content or "error" in content or "errors" in content)
