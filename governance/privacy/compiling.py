"""Patterns compiled by Hyperscan, and kept where FEEDBACK_CACHE says.

A process takes 2.4 s to compile them all, and 5 ms to read what another one compiled.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import hyperscan

from governance.privacy.patterns import Pattern
from governance.privacy.plain_text import in_single_bytes

_DIGEST = hashlib.sha256().digest_size


def database(name: str, expressions: Mapping[Pattern, str], flags: int) -> hyperscan.Database:
    """The expressions, compiled for texts in single bytes; the id of each is its place.

    Args:
        name: under which they are kept, in place of what was kept under it before.
    """
    texts = [in_single_bytes(expression) for expression in expressions.values()]
    own = [flags if pattern.is_case_sensitive else flags | hyperscan.HS_FLAG_CASELESS for pattern in expressions]
    folder = os.environ.get("FEEDBACK_CACHE")
    if not folder:
        return compiled(texts, own)
    kept = Path(folder) / "patterns" / hashlib.sha256(name.encode()).hexdigest()[:16]  # a name is no path
    source = hashlib.sha256(repr((version("hyperscan"), texts, own)).encode()).digest()
    found = _read(kept, source)
    if found is None:
        found = compiled(texts, own)
        with suppress(OSError):  # it can be compiled anew each time
            _keep(kept, source, hyperscan.dumpb(found))
    return found


def compiled(texts: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    """Expressions with the flags of each, compiled here and now; the id of each is its place."""
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(expressions=list(texts), ids=list(range(len(texts))), elements=len(texts), flags=list(flags))
    return made


def _read(kept: Path, source: bytes) -> hyperscan.Database | None:
    """What is kept, where it was made of `source`, is whole (Hyperscan reads damaged ones too) and of this machine."""
    try:
        content = kept.read_bytes()
        compiled = content[2 * _DIGEST :]
        if content[: 2 * _DIGEST] != source + hashlib.sha256(compiled).digest():
            return None
        found = hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK)
    except (OSError, hyperscan.error):
        return None
    found.scratch = hyperscan.Scratch(found)
    return found


def _keep(kept: Path, source: bytes, compiled: bytes) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = kept.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(source + hashlib.sha256(compiled).digest() + compiled)
    try:
        temporary.replace(kept)
    finally:
        temporary.unlink(missing_ok=True)
