"""Compiled patterns are kept, and read again only where they are whole and those that are asked for."""

import hashlib

import hyperscan
import pytest

from governance.privacy import compiling
from governance.privacy.compiling import database
from governance.privacy.patterns import load_patterns

PATTERNS = {pattern.name: pattern for pattern in load_patterns()}
EMAIL, CARD = PATTERNS["email"], PATTERNS["card"]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The files that are kept; compiling is counted in `compiled`."""
    monkeypatch.setenv("FEEDBACK_CACHE", str(tmp_path))
    return lambda: [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.fixture
def compiled(monkeypatch):
    done, own = [], compiling.compiled
    monkeypatch.setattr(compiling, "compiled", lambda texts, flags: done.append(texts) or own(texts, flags))
    return done


def ends(found, text=b"write to joe@example.com"):
    heard = []
    found.scan(text, match_event_handler=lambda rank, start, end, flags, context: heard.append((rank, end)))
    return heard


def made(pattern=EMAIL, name="one"):
    return database(name, {pattern: "[a-z]+@[a-z]+"}, hyperscan.HS_FLAG_SINGLEMATCH)


def test_what_is_read_finds_what_was_compiled(kept, compiled):
    assert ends(made()) == ends(made()) != []
    assert len(compiled) == 1


def test_letters_are_alike_where_the_pattern_says_so(kept, compiled):
    for pattern, found in ((EMAIL, 1), (EMAIL.model_copy(update={"is_case_sensitive": True}), 0)):
        assert len(ends(made(pattern), b"MAIL JOE@EXAMPLE")) == found
    assert len(compiled) == 2


def test_what_another_version_compiled_is_compiled_anew(kept, compiled, monkeypatch):
    made()
    monkeypatch.setattr(compiling, "version", lambda package: "0.0.1")
    assert ends(made()) != []
    assert len(compiled) == 2


def test_what_was_compiled_for_another_machine_is_compiled_anew(kept, compiled):
    found = ends(made())
    (file,) = kept()
    content = bytearray(file.read_bytes())
    content[64 + 16] ^= 0xFF  # what Hyperscan says of the machine
    content[32:64] = hashlib.sha256(content[64:]).digest()
    file.write_bytes(content)
    assert ends(made()) == found
    assert len(compiled) == 2


def test_without_a_folder_each_process_compiles(monkeypatch, compiled):
    monkeypatch.delenv("FEEDBACK_CACHE")
    assert ends(made()) == ends(made()) != []
    assert len(compiled) == 2


def test_another_expression_takes_the_place_of_the_one_before(kept, compiled):
    made()
    other = database("one", {EMAIL: "to [a-z]"}, 0)
    assert ends(other) == [(0, 10)]
    assert len(kept()) == 1
    assert ends(made()) == ends(made())
    assert len(compiled) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[:100] + b"xx" + content[102:],
        lambda content: b"x" * len(content),
    ],
)
def test_a_damaged_file_is_compiled_anew(kept, compiled, damage):
    found = ends(made())
    (file,) = kept()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert ends(made()) == found
    assert file.read_bytes() == whole
    assert len(compiled) == 2


def test_what_is_kept_is_for_the_owner_alone_under_any_name(kept):
    made(name="../../names: of any kind")
    assert [oct(path.stat().st_mode & 0o777) for path in kept()] == ["0o600"]


def test_a_folder_that_takes_no_file_hinders_nothing(tmp_path, monkeypatch, compiled):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FEEDBACK_CACHE", str(tmp_path / "file"))
    assert ends(made(CARD)) == ends(made(CARD)) != []
    assert len(compiled) == 2
