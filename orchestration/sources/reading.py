"""Files of the inbox as documents, and their bytes as lines or JSON values: bounded, whatever the file is."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import orjson

from governance.errors import UsageError
from governance.sources import Files
from orchestration.sources.connector import Document, Pull
from orchestration.sources.values import Json

LINE_LIMIT = 16 * 2**20
DOCUMENT_LIMIT = 64 * 2**20
_CHUNK = 2**20
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# A pair, a lone surrogate, or any other escape: the last one is matched so that an escaped backslash is stepped over.
_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)


class Line(NamedTuple):
    """One line with its line end, or the reason why it cannot be read."""

    number: int
    content: bytes = b""
    reason: str | None = None


class Value(NamedTuple):
    """One JSON value of a document, or the reason why there is none.

    Attributes:
        line: where it begins, counted from 1.
        size: bytes it took.
        message: instead of the content, what the reader of typed lines made of it.
    """

    line: int
    size: int
    content: Json = None
    reason: str | None = None
    message: object = None


def files(pull: Pull) -> Iterator[Document]:
    """The source's files in the inbox, by path; hidden files are somebody's unfinished business.

    Raises:
        UsageError: there is no inbox.
    """
    where = pull.source.files
    if where is None:
        return
    if not pull.inbox.is_dir():
        raise UsageError(f"{pull.inbox}: no such folder; name the folder your files are in with --inbox")
    for path in matching(pull.inbox, where):
        try:
            yield document(path, display(path.relative_to(pull.inbox)))
        except FileNotFoundError:  # moved away since it was listed: whoever moved it knows
            continue
        except PermissionError:
            raise UsageError(f"{path}: not readable for this user; allow it or move the file away") from None


def matching(inbox: Path, where: Files) -> list[Path]:
    """The files below the inbox that the patterns name, hidden ones left out, by path."""
    folder = inbox / where.folder
    found = {path for pattern in where.patterns for path in folder.glob(pattern) if path.is_file()}
    shown = [path for path in found if not any(part.startswith(".") for part in path.relative_to(inbox).parts)]
    return sorted(shown, key=lambda path: path.relative_to(inbox).as_posix())


def display(path: Path) -> str:
    """A path that any terminal and database takes: a name can hold bytes that are no text, and control characters."""
    text = os.fsencode(path.as_posix()).decode(errors="replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def document(path: Path, name: str) -> Document:
    """The file at `path` as it is now."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Document(digest.hexdigest()[:32], name, size, partial(_open_prefix, path, size))


def page(name: str, body: bytes) -> Document:
    """An answer of a server as a document."""
    return Document(hashlib.sha256(body).hexdigest()[:32], name, len(body), lambda: io.BufferedReader(io.BytesIO(body)))


def prefix_id(document: Document, size: int) -> str:
    """The id a document of only the first `size` bytes would have."""
    digest = hashlib.sha256()
    with document.opened() as file:
        while size > 0 and (chunk := file.read(min(size, _CHUNK))):
            digest.update(chunk)
            size -= len(chunk)
    return digest.hexdigest()[:32]


class _Prefix(io.RawIOBase):
    """The first `size` bytes of a file: a collector may append while it is read."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview[int], /) -> int:  # type: ignore[override]  # any writable buffer
        read = self._file.readinto(buffer[: self._left]) or 0
        self._left -= read
        return read

    def close(self) -> None:
        self._file.close()
        super().close()


def _open_prefix(path: Path, size: int) -> io.BufferedReader:
    return io.BufferedReader(_Prefix(path, size), _CHUNK)


def lines(document: Document, limit: int = LINE_LIMIT) -> Iterator[Line]:
    """The lines of a document, unpacked and without the byte order mark; gzip is told by its magic, not by its name."""
    with document.opened() as raw:
        start = raw.peek(2)[:2]
        if start in _UTF16:
            yield Line(1, reason="UTF-16; expected UTF-8")
            return
        stream = gzip.GzipFile(fileobj=raw) if start == _GZIP else raw
        for number in count(1):
            try:
                content = stream.readline(limit + 1)
                is_too_long = len(content) > limit and not content.endswith(b"\n")
                while is_too_long and (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    pass
            except (EOFError, zlib.error, gzip.BadGzipFile):
                yield Line(number, reason="gzip is cut off or damaged; what was whole before is kept")
                return
            if not content:
                return
            if is_too_long:
                yield Line(number, reason=f"longer than {limit // 2**20} MiB")
            else:
                yield Line(number, content.removeprefix(_BOM) if number == 1 else content)


def json_values(
    document: Document, limit: int = LINE_LIMIT, typed: Callable[[bytes], object | None] = lambda line: None
) -> Iterator[Value]:
    """The JSON values of a document: one a line, or one over many lines.

    Args:
        typed: reads a line as something better than plain JSON; None where it cannot.
    """
    is_first = True
    for line in lines(document, limit):
        text = line.content.strip()
        if not text and line.reason is None:
            continue
        if line.reason is None and (message := typed(text)) is not None:
            is_first = False
            yield Value(line.number, len(text), message=message)
            continue
        value = parse(text, line.number) if line.reason is None else Value(line.number, 0, None, line.reason)
        if is_first and value.reason and text[:1] in (b"{", b"["):
            if whole := _whole(document, limit):
                yield whole
                return
            if len(text) == 1:  # printed over many lines and broken: one document, one reason
                yield value
                return
        is_first = False
        yield value


def parse(text: bytes, line: int = 1) -> Value:
    """One JSON value; a lone surrogate becomes U+FFFD, since no database stores it."""
    try:
        return Value(line, len(text), orjson.loads(text))
    except orjson.JSONDecodeError:
        pass
    try:
        text.decode()
    except UnicodeDecodeError:
        return Value(line, len(text), None, "invalid UTF-8")
    try:
        repaired = _SURROGATES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)
        return Value(line, len(text), orjson.loads(repaired))
    except orjson.JSONDecodeError:
        return Value(line, len(text), None, "invalid JSON")


def _whole(document: Document, limit: int) -> Value | None:
    """The document as one JSON value; None where it is none, or larger than DOCUMENT_LIMIT."""
    parts: list[bytes] = []
    size = 0
    for line in lines(document, limit):
        size += len(line.content)
        if line.reason or size > DOCUMENT_LIMIT:
            return None
        parts.append(line.content)
    value = parse(b"".join(parts))
    return None if value.reason else value
