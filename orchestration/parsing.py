"""Of which files dbt's manifest was made."""

from __future__ import annotations

import hashlib
from pathlib import Path

from orchestration.settings import PROJECT, Home

DBT_PROJECT = PROJECT / "dbt_project"


def manifest_of(deployment: Home) -> Path:
    """Where dbt leaves what it has parsed."""
    return deployment.root / "dbt" / "manifest.json"


def is_parsed(deployment: Home) -> bool:
    """Whether the manifest is that of the project as it is, and of this deployment.

    By content, as a version put back has older files; what dbt keeps of a parse is of no use under another path, of the
    deployment or of the project.
    """
    note = _note(deployment)
    return manifest_of(deployment).is_file() and note.is_file() and note.read_text() == _state(deployment)


def note_parsed(deployment: Home) -> None:
    """The manifest is that of the project as it is."""
    _note(deployment).write_text(_state(deployment))


def _note(deployment: Home) -> Path:
    return manifest_of(deployment).with_name("parsed_for")


def _state(deployment: Home) -> str:
    files = sorted(path for path in DBT_PROJECT.rglob("*") if path.suffix in {".sql", ".yml", ".csv"})
    contents = (f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    read = hashlib.sha256("\n".join(contents).encode()).hexdigest()
    return f"{deployment.warehouse}\n{DBT_PROJECT}\n{read}"
