"""Where keys are kept: owner-only files or the environment; made on first use, never printed.

`id.key` names records and never changes. Each pseudonym key is a file `pseudonym-<made at>-<key id>.key`; the newest is
current, so rotating is one rename. `pseudonym-<made at>-<key id>.destroyed` stands where a key was destroyed: it is
written first, and whoever opens the folder after a kill finishes the destruction.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from governance.durability import alone, sync
from governance.errors import FeedbackError, UsageError, one_of
from governance.keys.files import KEY_BYTES, check_owner_only, read_key, wipe, write
from governance.keys.keyring import Keyring, key_id_of

PSEUDONYM_VARIABLE, ID_VARIABLE = "FEEDBACK_PSEUDONYM_KEY", "FEEDBACK_ID_KEY"

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"pseudonym-([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{4})\.(?:key|destroyed)")
_HOW = f"expected {2 * KEY_BYTES} hex digits, as `openssl rand -hex {KEY_BYTES}` prints"


@dataclass(frozen=True)
class KeptKey:
    """What may be shown of a pseudonym key.

    Attributes:
        made_at: UTC; of a key from the environment nobody knows it.
        place: its file, or the variable it comes from.
    """

    key_id: str
    made_at: datetime | None
    state: Literal["current", "older", "destroyed"]
    place: Path | str


@dataclass(frozen=True)
class _File:
    key_id: str
    made_at: datetime
    path: Path

    @property
    def tombstone(self) -> Path:
        return self.path.with_suffix(".destroyed")


class KeyStore:
    """The keys that a folder and the environment hold at this moment."""

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Read what is there; a destruction that was cut off is finished.

        Raises:
            FeedbackError: a variable holds no key, or a destroyed one; others can read or write a file or the folder.
        """
        self._folder = folder
        check_owner_only(folder, "chmod 700")
        self._adopt()
        files = _files(folder)
        self._destroyed = {file.key_id: file for file in files if file.path.suffix == ".destroyed"}
        keys = [file for file in files if file.path.suffix == ".key"]
        for file in keys:
            if file.key_id in self._destroyed:
                wipe(file.path)
        self._files = {file.key_id: file for file in keys if file.key_id not in self._destroyed}
        self._given = _given(environ, self._destroyed)
        self._given_id = _from_hex(ID_VARIABLE, environ[ID_VARIABLE]) if environ.get(ID_VARIABLE) else None

    @property
    def destroyed(self) -> frozenset[str]:
        """Ids of the keys that were destroyed."""
        return frozenset(self._destroyed)

    def listed(self) -> list[KeptKey]:
        """Every pseudonym key there is or was, the current one first, the destroyed ones last."""
        living = [KeptKey(key_id, None, "older", PSEUDONYM_VARIABLE) for key_id in self._given]
        files = [one for one in self._files.values() if one.key_id not in self._given]
        living += [KeptKey(one.key_id, one.made_at, "older", one.path) for one in files]
        current = [replace(key, state="current") for key in living[:1]]
        gone = [KeptKey(one.key_id, one.made_at, "destroyed", one.path) for one in self._destroyed.values()]
        return [*current, *living[1:], *gone]

    def keyring(self) -> Keyring:
        """The keys themselves.

        Raises:
            FeedbackError: a key is missing or damaged; there are two different id keys.
        """
        if missing := self.missing():
            others = {"id.key": f"set {ID_VARIABLE}"}
            lost = f"set {PSEUDONYM_VARIABLE}; where it is lost for ever, go on with `feedback keys rotate`"
            raise FeedbackError(
                f"{self._folder}: {missing[0]} is missing; restore it from your backup, or "
                f"{others.get(missing[0], lost)}"
            )
        read = {key_id: key for key_id, file in self._files.items() if (key := _pseudonym_key(file)) is not None}
        for key_id in read.keys() & self._given.keys():
            if read[key_id] != self._given[key_id]:
                raise UsageError(f"{PSEUDONYM_VARIABLE}: the id {key_id} of its key is taken; make another key")
        current, *older = {**self._given, **read}.values()
        return Keyring(current, self._id_key(), tuple(older), self.destroyed)

    def missing(self) -> list[str]:
        """Names of the kinds of keys that are not there."""
        kinds = {"pseudonym-*.key": self._given or self._files, "id.key": self._given_id or self._id_path.exists()}
        return [kind for kind, is_there in kinds.items() if not is_there]

    @property
    def is_new(self) -> bool:
        """Whether what is missing may be made. The id key is made last: without the other one, that one was lost."""
        return bool(self._given or self._files) or not (self._id_path.exists() or self._destroyed)

    def make(self, now: datetime) -> None:
        """Make the keys that are missing; kill-safe, see `is_new`."""
        for kind in self.missing():
            if kind == "id.key":
                write(self._id_path, secrets.token_bytes(KEY_BYTES))
            else:
                self._add(now, (), lambda key_id: None)

    def rotate(
        self, now: datetime, taken: Collection[str] = (), record: Callable[[str], object] = lambda key_id: None
    ) -> str:
        """Make a new key and make it the current one, in one rename; returns its id.

        Args:
            taken: ids that no new key may have, besides those of the keys here.
            record: is given the id before the key is there; where it raises, everything stays as it was.

        Raises:
            UsageError: the environment says which key is current.
        """
        if self._given:
            raise UsageError(
                f"{PSEUDONYM_VARIABLE} says which key is current; put a new one in front of it there, with a comma "
                f"between them ({_HOW})"
            )
        return self._add(now, taken, record)

    def destroy(self, key_id: str, now: datetime, given_up: Collection[str] = ()) -> None:
        """Destroy a key: from the moment its tombstone is written nothing can be made with it any more.

        Args:
            given_up: ids of keys that are lost already; their tombstone says that nobody waits for them.

        Raises:
            UsageError: there is no such key, it is current, or it comes from the environment.
        """
        self.check_destroyable(key_id, given_up)
        if key_id in self._destroyed:
            return
        file = self._files.get(key_id) or _File(key_id, now, self._path(now, key_id))
        write(file.tombstone, f"destroyed {now.astimezone(UTC).isoformat()}\n".encode())
        for path in self._folder.glob(f"pseudonym-*-{key_id}.key"):
            wipe(path)

    def check_destroyable(self, key_id: str, given_up: Collection[str] = ()) -> None:
        """The errors of `destroy`, before it."""
        states = {key.key_id: key.state for key in self.listed()}
        if key_id not in states and key_id not in given_up:
            raise UsageError(f"no pseudonym key {key_id}; {one_of(key_id, {*states, *given_up})}")
        if key_id in self._given:
            raise UsageError(f"key {key_id} comes from {PSEUDONYM_VARIABLE}; take it out there, then run this again")
        if states.get(key_id) == "current":
            raise UsageError(f"key {key_id} is the current one; run `feedback keys rotate` first")

    @property
    def _id_path(self) -> Path:
        return self._folder / "id.key"

    def _path(self, made_at: datetime, key_id: str) -> Path:
        return self._folder / f"pseudonym-{made_at.astimezone(UTC).strftime(_STAMP)}-{key_id}.key"

    def _add(self, now: datetime, taken: Collection[str], record: Callable[[str], object]) -> str:
        """Write a new key that is newer than every other, whatever the clock says."""
        newest = [file.made_at + timedelta(seconds=1) for file in (*self._files.values(), *self._destroyed.values())]
        used = {*taken, *self._files, *self._destroyed, *self._given}
        key = secrets.token_bytes(KEY_BYTES)
        while (key_id := key_id_of(key)) in used:
            key = secrets.token_bytes(KEY_BYTES)
        record(key_id)
        write(self._path(max([now, *newest]), key_id), key)
        return key_id

    def _adopt(self) -> None:
        """Give the key of a deployment from before there could be several its name: older than all there are."""
        first = self._folder / "pseudonym.key"
        if first.is_file():
            with suppress(FileNotFoundError):  # another process has done so meanwhile
                changed_at = datetime.fromtimestamp(first.stat().st_mtime, UTC)
                others = [file.made_at - timedelta(seconds=1) for file in _files(self._folder)]
                first.rename(self._path(min([changed_at, *others]), key_id_of(read_key(first))))
            sync(self._folder)

    def _id_key(self) -> bytes:
        if self._given_id is None:
            return read_key(self._id_path)
        if self._id_path.exists() and read_key(self._id_path) != self._given_id:
            raise UsageError(f"{ID_VARIABLE} is not the key in {self._id_path}; ids never rotate: remove one of them")
        return self._given_id


def load_keyring(folder: Path, *, has_data: Callable[[], bool] = lambda: False) -> Keyring:
    """The keyring of the deployment whose keys are in `folder`, made with fresh keys on first use.

    Args:
        has_data: whether anything was made with the deployment's keys; asked only where one is missing.

    Raises:
        FeedbackError: a key is missing that something was made with, is damaged, or can be read by others.
    """
    make_missing(folder, has_data)
    return KeyStore(folder).keyring()


def make_missing(folder: Path, has_data: Callable[[], bool]) -> None:
    """Make the keys that are missing, unless one of them was lost, see `load_keyring`."""
    if not KeyStore(folder).missing():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync(folder.parent)
    with alone(folder):
        store = KeyStore(folder)
        if store.is_new and not has_data():
            store.make(datetime.now(UTC))


def _files(folder: Path) -> list[_File]:
    """The files of pseudonym keys, the newest first."""
    files = []
    for path in sorted(folder.glob("pseudonym-*"), reverse=True):
        if match := _NAME.fullmatch(path.name):
            with suppress(ValueError):  # digits that are no time
                files.append(_File(match[2], datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC), path))
    return files


def _given(environ: Mapping[str, str], destroyed: Collection[str]) -> dict[str, bytes]:
    """The keys of the environment by id, the current one first."""
    text = environ.get(PSEUDONYM_VARIABLE, "").strip()
    keys = [_from_hex(PSEUDONYM_VARIABLE, part) for part in text.split(",")] if text else []
    given = {key_id_of(key): key for key in keys}
    if len(given) < len(set(keys)):
        raise UsageError(f"{PSEUDONYM_VARIABLE}: two of its keys have the same id; make another key")
    if gone := sorted(given.keys() & set(destroyed)):
        raise UsageError(f"{PSEUDONYM_VARIABLE}: key {gone[0]} was destroyed; take it out, make another ({_HOW})")
    return given


def _from_hex(variable: str, text: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", text.strip()):
        raise UsageError(f"{variable}: a key of {len(text.strip())} characters; {_HOW}")
    return bytes.fromhex(text.strip())


def _pseudonym_key(file: _File) -> bytes | None:
    """The key in a file; None where it has been destroyed since the folder was read."""
    try:
        key = read_key(file.path)
    except FileNotFoundError:
        return None
    if key_id_of(key) == file.key_id:
        return key
    if file.tombstone.exists():
        return None
    raise FeedbackError(f"{file.path}: not the key that its name says; restore it from your backup")
