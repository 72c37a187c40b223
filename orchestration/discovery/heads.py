"""The beginnings of files: a bounded part of each, cut where a record ends, however large or broken the file is."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import orjson

_CHUNK = 2**16
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# What opens, closes or quotes in JSON; strings are matched whole, so that a bracket inside one is none.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"|"|[{}\[\]]', re.DOTALL)
_DEPTH = 64  # records lie no deeper
_CLOSERS = {ord("{"): b"}", ord("["): b"]"}


@dataclass(frozen=True)
class Head:
    """The first bytes of a file, unpacked.

    Attributes:
        content: whole records only, where the file is longer.
        is_whole: the content is all there is.
        reason: why there is nothing to read; never what was in it.
    """

    content: bytes = field(default=b"", repr=False)
    is_whole: bool = True
    reason: str | None = None


def walk(root: Path, refused: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Every regular file below `root` (or `root` itself), by path; hidden ones and linked folders are passed over.

    `refused` is told of each folder that cannot be read.
    """
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root, onerror=refused, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and path.is_file():
                yield path


def read_head(path: Path, limit: int) -> Head:
    """At most about `limit` bytes of a file, unpacked where it is gzip, and cut behind the last whole record."""
    try:
        with path.open("rb") as raw:
            content, is_whole = _read(raw, limit)
    except PermissionError:
        return Head(reason="not readable for this user")
    except OSError:
        return Head(reason="could not be opened")
    if not content:
        return Head(reason="empty" if is_whole else "gzip that is cut off or damaged from its beginning")
    if content[:2] in _UTF16:
        return Head(reason="UTF-16; expected UTF-8")
    if b"\x00" in content[:_CHUNK] and content[:1] not in (b"{", b"["):
        return Head(reason="binary")
    return Head(content if is_whole else _cut(content.removeprefix(_BOM)), is_whole)


def _read(raw: IO[bytes], limit: int) -> tuple[bytes, bool]:
    start = raw.read(2)
    raw.seek(0)
    stream = gzip.GzipFile(fileobj=raw) if start == _GZIP else raw
    parts: list[bytes] = []
    size = 0
    try:
        while size < limit:
            part = stream.read1(_CHUNK) if isinstance(stream, gzip.GzipFile) else stream.read(_CHUNK)
            if not part:
                return b"".join(parts), True
            parts.append(part)
            size += len(part)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass  # what was whole before it is looked at
    return b"".join(parts), False


def _cut(content: bytes) -> bytes:
    """Without the record that the limit cut through."""
    text = content.lstrip()
    first, _, rest = text.partition(b"\n")
    if text[:1] in (b"{", b"[") and not (rest and _is_json(first)):
        return _closed(text)
    end = content.rfind(b"\n") + 1
    if text[:1] in (b"{", b"["):
        return content[:end]
    # In a table the last line may end inside quotes: then its record began further up.
    is_open = content.count(b'"', 0, end) % 2
    while end and is_open:
        before = content.rfind(b"\n", 0, end - 1) + 1
        is_open ^= content.count(b'"', before, end) % 2
        end = before
    return content[:end]


def _closed(content: bytes) -> bytes:
    """A JSON document that was cut off: its whole entries, and what closes it again."""
    stack: list[int] = []
    best: tuple[int, int, bytes] | None = None  # depth, end, what closes it
    for found in _STRUCTURE.finditer(content):
        sign = found[0]
        if sign == b'"':
            break  # a string that the limit cut through
        if sign in (b"{", b"["):
            stack.append(sign[0])
        elif sign in (b"}", b"]") and stack:
            stack.pop()
            is_entry = 0 < len(stack) <= _DEPTH and stack[-1] == ord("[") and sign == b"}"
            if is_entry and (best is None or len(stack) <= best[0]):
                best = (len(stack), found.end(), b"".join(_CLOSERS[opener] for opener in reversed(stack)))
    return content[: best[1]] + best[2] if best else b""


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
