"""Policies are YAML files, typed, owned and reasoned; a wrong one fails at load, naming file, line, key and value."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from governance.errors import PolicyError, one_of
from governance.faults import first_fault, no_numbers

SHIPPED = Path(__file__).parent

_FOLDERS = ("policies", "policies/fields", "sources", "expectations")
_OF_FIXED_NAMES = ("policies", "expectations")
_NOTES = ("", ".md", ".rst", ".txt", ".bak", ".orig")  # what may lie beside policies and is no policy


class Strict(BaseModel):
    """Base of every policy model: immutable, and an unknown key is an error, as is true or "100" for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if wrong := list(no_numbers(annotation, value)):
            raise ValidationError.from_exception_data(cls.__name__, wrong)  # takes its place in that of the file
        return value


class Policy(Strict):
    """A policy file: whoever argues about it finds its owner and its reason in it."""

    owner: str
    reason: str

    @property
    def digest(self) -> str:
        """Hash of everything the policy says: goes into the manifest of each partition made under it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


Model = TypeVar("Model", bound=BaseModel)


def own_config() -> Path | None:
    """The folder FEEDBACK_CONFIG names; None where it is not set.

    Raises:
        PolicyError: there is no such folder.
    """
    if not (own := os.environ.get("FEEDBACK_CONFIG")):
        return None
    if not Path(own).is_dir():
        raise PolicyError(f"FEEDBACK_CONFIG is {own}: no such folder; correct it, or unset it to use the defaults")
    return Path(own)


def config_file(relative: str) -> Path:
    """Where `relative` (such as policies/access.yml) is read: FEEDBACK_CONFIG's file where there is one, else ours.

    So an upgrade of the product never conflicts with a steward's decisions.

    Raises:
        PolicyError: FEEDBACK_CONFIG names no folder; so do the functions below.
    """
    own = own_config()
    if own and (own / relative).is_file():
        return own / relative
    return SHIPPED / relative


def config_files(folder: str, suffix: str = ".yml") -> list[Path]:
    """Every file of a folder of policies, FEEDBACK_CONFIG's before the default of the same name, by name."""
    found = {path.name: path for path in sorted((SHIPPED / folder).glob(f"*{suffix}"))}
    if own := own_config():
        found |= {path.name: path for path in sorted((own / folder).glob(f"*{suffix}"))}
    return [found[name] for name in sorted(found)]


def config_folders(folder: str) -> list[str]:
    """The names of the folders in a folder of policies, FEEDBACK_CONFIG's and ours, sorted."""
    roots = [SHIPPED, *([own] if (own := own_config()) else [])]
    return sorted({path.name for root in roots for path in (root / folder).glob("*/") if path.is_dir()})


def check_own_files(named: Collection[str] = ()) -> None:
    """Look for files of FEEDBACK_CONFIG that lie among the policies and are never read.

    Args:
        named: the files beside the policies that one of them names.

    Raises:
        PolicyError: there is one; notes, backups and hidden files are none.
    """
    if not (own := own_config()):
        return
    for folder in _OF_FIXED_NAMES:
        known = {path.name for path in (SHIPPED / folder).glob("*.yml")} | set(named)
        for path in sorted((own / folder).glob("*.yml")):
            if path.name not in known:
                raise PolicyError(
                    f"{folder}/{path.name}: nothing reads a file of this name; {one_of(path.name, known)}"
                )
    for folder in _folders():
        for path in sorted((own / folder).glob("*")):
            is_note = path.name.startswith(".") or path.name.endswith("~") or path.suffix.lower() in _NOTES
            if path.suffix != ".yml" and path.is_file() and not is_note:
                raise PolicyError(f"{folder}/{path.name}: policies end in .yml; rename it, or keep it elsewhere")


def file_hashes() -> dict[str, str]:
    """SHA-256 (its first 16 hex digits) of every file in force that a steward edits, by its name below governance."""
    files = [(folder, path) for folder in _folders() for path in config_files(folder)]
    return {f"{folder}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()[:16] for folder, path in files}


def _folders() -> list[str]:
    return [*_FOLDERS, *(f"expectations/{name}" for name in config_folders("expectations"))]


def load(path: Path, model: type[Model]) -> Model:
    """The file at `path` as `model`.

    Raises:
        PolicyError: the file is missing, is no YAML, or says something the model does not allow.
    """
    try:
        file = path.stat()
    except FileNotFoundError:
        raise PolicyError(f"{path}: no such file; create it or unset FEEDBACK_CONFIG to use the default") from None
    loaded = _loaded(path, model, file.st_mtime_ns, file.st_size)
    assert isinstance(loaded, model)
    return loaded


@lru_cache(256)
def _loaded(path: Path, model: type[Model], changed_ns: int, size: int) -> Model:
    """The file as it is since it was changed."""
    try:
        text = path.read_text(encoding="utf-8")
        document = _document(text)
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        if isinstance(error, DuplicateKeyError):
            raise PolicyError(f"{where}: this key is there twice in one block; keep one of the two") from None
        raise PolicyError(f"{where}: not readable as YAML; check the indentation and quotes there") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        place, said = first_fault(error, model, document)
        # This reader knows the lines, but takes seven times as long.
        line = _line(YAML(typ="rt").load(text), place)
        raise PolicyError(f"{_shown(path)}:{line}: {said}") from None


def _document(text: str) -> Any:
    try:
        return YAML(typ="safe").load(text)  # libyaml, ten times as fast
    except YAMLError:
        return YAML(typ="safe", pure=True).load(text)  # allows `{at: day 2 10:30}`, as YAML 1.2 does


def load_policy(name: str, model: type[Model]) -> Model:
    """`policies/<name>.yml` as `model`, see `load`."""
    return load(config_file(f"policies/{name}.yml"), model)


def _line(node: Any, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) of the deepest part of `loc` that the document has."""
    line = getattr(getattr(node, "lc", None), "line", 0) or 0
    for part in loc:
        if not isinstance(node, dict | list):
            break
        if isinstance(node, list) and isinstance(part, str) and part in node:  # told by what it is
            part = node.index(part)
        try:
            marks = node.lc  # ruamel's containers carry their marks
            line = marks.key(part)[0] if isinstance(node, dict) else marks.item(part)[0]
            node = node[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return line + 1


def _shown(path: Path) -> str:
    return "/".join(path.parts[-2:])
