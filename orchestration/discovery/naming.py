"""Names that may be shown: of files, keys, headers and services. Any of them can hold a person or a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from governance.keys import Keyring
from governance.privacy import PrivacyPolicy
from governance.privacy.policy import MALFORMED_KEY, shown_key
from governance.privacy.scanner import Scanner

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 _.()/-]{0,79}")
# A long number, a long run of letters and digits: an id or a secret, and no name that somebody gave.
_CODE = re.compile(r"\d{6}|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20}")
_PIECE = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W\d_]+")
# How sure the name model must be of a person: `Jane Doe` alone has 0.99, `customer mueller` 0.89, `Nezha` 0.06.
_PERSON = 0.3


class Names:
    """Tells which names may be shown, under the entities of a policy."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring) -> None:
        names = policy.names.model_copy(update={"prose": {"PERSON": _PERSON}})
        self._scanner = Scanner(policy.model_copy(update={"names": names}), keys)
        self._known: dict[str, bool] = {}
        self._vocabulary = {word for key in policy.attributes for word in _words(key)}

    def is_plain(self, name: str) -> bool:
        """Whether nothing in the name can be a person, an identifier or a secret."""
        if name not in self._known:
            self._known[name] = self._judged(name)
        return self._known[name]

    def _judged(self, name: str) -> bool:
        if not _PLAIN.fullmatch(name) or _CODE.search(name):
            return False
        spaced = " ".join(_CAMEL.sub(" ", name).split())
        told = dict.fromkeys((name, spaced, spaced.title()))
        return all(not result.found and not result.refusal for result in self._scanner.scan(told, "prose").values())

    def shown_key(self, key: str) -> str:
        """An attribute key as it may be written down: one made of words that the policy uses, or a plain one."""
        shown = shown_key(key)
        is_usual = all(word in self._vocabulary for word in _words(shown))
        return shown if is_usual or self.is_plain(shown) else MALFORMED_KEY

    def is_service(self, name: str) -> bool:
        """Whether the name of a service may be shown; a bare number is an id of something."""
        return any(map(str.isalpha, name)) and self.is_plain(name)

    def patterns(self, path: PurePosixPath) -> Iterator[str]:
        """Patterns for a file, the widest first: numbers as `*`, as digits, as they are.

        What may not be shown is `*` in all of them; the ending stays.
        """
        for numbers in ("*", "[0-9]", ""):
            yield "/".join(self._part(part, numbers) for part in path.parts)

    def _part(self, part: str, numbers: str) -> str:
        stem, dot, ending = _split(part)
        if not self.is_plain(stem):
            return f"*{dot}{ending}" if dot else "*"
        shown = {"*": "*", "[0-9]": ""}
        pieces = [
            (shown[numbers] or numbers * len(piece)) if numbers and piece.isdigit() else piece
            for piece in _PIECE.findall(stem)
        ]
        return re.sub(r"\*(?:[._-]?\*)+", "*", "".join(pieces)) + dot + ending


def _words(name: str) -> list[str]:
    return [word.lower() for word in _CAMEL.split(name) if word]


_ENDINGS = ("jsonl.gz", "json.gz", "csv.gz", "ndjson.gz", "jsonl", "ndjson", "json", "csv", "tsv", "log", "txt", "gz")


def _split(part: str) -> tuple[str, str, str]:
    for ending in _ENDINGS:
        if part.lower().endswith(f".{ending}"):
            return part[: -len(ending) - 1], ".", part[-len(ending) :]
    return part, "", ""


def common_folder(paths: Iterable[PurePosixPath], names: Names) -> PurePosixPath:
    """The deepest folder that holds all files and whose name may be shown."""
    parents = [path.parent.parts for path in paths]
    shared: list[str] = []
    for level in zip(*parents, strict=False):
        if len(set(level)) > 1 or not names.is_plain(level[0]):
            break
        shared.append(level[0])
    return PurePosixPath(*shared)
