"""`feedback anonymize`: JSON lines in, JSON lines without personal data and secrets out, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from governance.keys import Keyring
from governance.privacy import PrivacyPolicy
from governance.privacy.scanner import Reading, Scanner

READINGS: dict[str, Reading] = {"log": "technical", "attribute": "technical", "ticket": "prose"}
_AT_ONCE = 1 << 20
_EXPECTED = '{"id": ..., "kind": "log", "ticket" or "attribute", "text": "..."}'


class _Line(NamedTuple):
    """What a line asks for; without a reading it is refused."""

    identity: object
    reading: Reading | None = None
    text: str = ""
    refusal: str = ""


class TextFilter:
    """Anonymises lines `{"id", "kind": "log|ticket|attribute", "text"}` under one policy and key."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring, *, with_names: bool) -> None:
        self._scanner = Scanner(policy, keys, with_names=with_names)
        self.held = 0

    def answers(self, lines: list[bytes]) -> Iterator[dict[str, object]]:
        """One answer a line: `{"id", "text", "spans": [{"start", "end", "type"}]}`; offsets in characters of the input.

        What cannot be judged has no text but `held`, the reason; it is counted in `self.held`.
        """
        read = [_read(line) for line in lines]
        texts: dict[Reading, list[str]] = {}
        for line in read:
            if line.reading is not None:
                texts.setdefault(line.reading, []).append(line.text)
        scanned = {reading: self._scanner.scan(own, reading) for reading, own in texts.items()}
        for identity, reading, text, refusal in read:
            if reading is None:
                self.held += 1
                yield {"id": identity, "text": None, "spans": [], "held": refusal}
                continue
            result = scanned[reading][text]
            spans = [{"start": one.start, "end": one.end, "type": one.entity} for one in result.found]
            answer: dict[str, object] = {"id": identity, "text": result.text, "spans": spans}
            if result.refusal is not None:
                self.held += 1
                answer["held"] = result.refusal
            yield answer

    def run(self, source: BinaryIO, target: BinaryIO) -> None:
        """All lines of `source`, answered as they come: a program that waits for its answer gets it."""
        rest = b""
        while chunk := source.read1(_AT_ONCE):  # type: ignore[attr-defined]
            *lines, rest = (rest + chunk).split(b"\n")
            self._write(lines, target)
        self._write([rest], target)

    def _write(self, lines: list[bytes], target: BinaryIO) -> None:
        for answer in self.answers([line for line in lines if line.strip()]):
            target.write(json.dumps(answer, ensure_ascii=not _is_plain(answer["text"])).encode() + b"\n")
        target.flush()


def _is_plain(text: object) -> bool:
    """Whether the text can be written as UTF-8: half a surrogate pair cannot, and stays escaped."""
    try:
        str(text).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(line: bytes) -> _Line:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return _Line(None, refusal=f"no JSON; expected {_EXPECTED}")
    if not isinstance(record, dict):
        return _Line(None, refusal=f"no JSON object; expected {_EXPECTED}")
    text, identity, reading = record.get("text"), record.get("id"), READINGS.get(str(record.get("kind")))
    identity = identity if isinstance(identity, str | int | float | None) else None
    if reading is None:
        return _Line(identity, refusal=f"`kind` is none of {', '.join(READINGS)}")
    if isinstance(text, int | float) and not isinstance(text, bool):
        text = str(text)  # a card number sent as a number is one all the same
    if not isinstance(text, str):
        return _Line(identity, refusal=f"`text` is no text; expected {_EXPECTED}")
    return _Line(identity, reading, text)
