"""`feedback source discover`: from a stranger's files to sources, classified fields and owners to approve.

heads (bounded beginnings of files) -> recognising (what they are) -> mapping (tables) -> sampling (records by the
connectors) -> shapes and proposing (fields) -> discovering (all of it, with a dry run) -> writing and report.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.console import Console

from governance.errors import UsageError
from governance.policy import SHIPPED, config_files
from governance.privacy import load_privacy
from governance.sources import load_sources, source_named
from orchestration.discovery.discovering import Discoverer, Discovery
from orchestration.discovery.report import show
from orchestration.discovery.writing import write

__all__ = ["discover"]


def discover(console: Console, target: str, inbox: Path, out: Path | None, rows: int, as_of: datetime) -> Discovery:
    """Look at `target`, a folder, a file or a configured source's name; write proposals to `out` and print a report.

    Args:
        inbox: where a configured source's files lie.
        rows: at most so many records of each source and signal are anonymised, in memory.

    Raises:
        UsageError: there is no such folder or source, nothing in it can be read, or `out` holds files already.
    """
    path = Path(target)
    discoverer = Discoverer(load_privacy(), as_of, rows)
    if path.exists():
        shipped = {file.stem for file in config_files("sources") if file.is_relative_to(SHIPPED)}
        sources = load_sources()
        own = {name: source for name, source in sources.items() if name not in shipped}
        found = discoverer.folder(path, {name: sources[name] for name in shipped & sources.keys()}, own)
    elif "/" in target:
        raise UsageError(f"{target}: no such folder or file")
    else:
        found = discoverer.source(source_named(target), inbox)
    if found.seen and not found.seen.files:
        raise UsageError(f"{target}: no file is there; give a folder with files of OTLP, JSON, JSON lines or CSV")
    written = write(found, out) if out and found.sources else []
    show(console, found, target, out, written, as_of)
    if not found.sources:
        count = found.seen.files if found.seen else 0
        raise UsageError(
            f"{target}: {count} files, none of which holds records that are not read yet; see the reasons above"
        )
    return found
