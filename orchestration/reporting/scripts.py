"""The scripts that draw the report's charts: Vega, Vega-Lite and Vega-Embed, once for all charts (0.9 MB)."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from governance.durability import sync


def chart_scripts(folder: Path) -> str:
    """The scripts as one text, kept in `folder` by the version of what they come from: to put it together takes 1 s."""
    kept = folder / f"charts-{version('vl-convert-python')}.js"
    if not kept.is_file():
        import vl_convert

        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = kept.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(vl_convert.javascript_bundle(), encoding="utf-8")  # type: ignore[call-arg]  # see its stub
        sync(temporary)
        temporary.rename(kept)
    return kept.read_text(encoding="utf-8")
