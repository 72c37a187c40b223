"""Every pattern finds its example, leaves its counter-example alone, and takes time in proportion to the text."""

import re
import re._constants as sre  # the parser's own names; there is no public ones
import re._parser as sre_parser
import time
from contextlib import suppress

import pytest

from governance.errors import PolicyError
from governance.policy import config_file
from governance.privacy.patterns import Pattern, load_patterns
from governance.privacy.policy import load_privacy
from governance.privacy.recognizer import StructuredRecognizer, TooManyFindings

PATTERNS = load_patterns()
RECOGNIZER = StructuredRecognizer(PATTERNS)
by_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)


@by_pattern
def test_a_pattern_finds_its_example_through_the_prefilter(pattern: Pattern) -> None:
    assert StructuredRecognizer((pattern,)).find(pattern.example)


@by_pattern
def test_a_pattern_leaves_its_counter_example_alone(pattern: Pattern) -> None:
    assert StructuredRecognizer((pattern,)).find(pattern.counter_example) == []


@by_pattern
def test_an_example_in_the_middle_of_other_text_is_found_by_all_patterns_together(pattern: Pattern) -> None:
    text = f"grüße 👋 {pattern.example} \nend"
    found = [PATTERNS[finding.rank].entity for finding in RECOGNIZER.find(text)]
    assert pattern.entity in found


@by_pattern
def test_no_repeat_in_a_pattern_is_unbounded(pattern: Pattern) -> None:
    assert "∞" not in [_bound(repeat) for repeat in _repeats(sre_parser.parse(pattern.expression))]


@pytest.mark.parametrize(
    "unit", ["a", "a.", "1 ", "+1 (", "a@", 'pass="', "/home/", "eyJa.", "a:", "--password ", "<CARD>"]
)
def test_hostile_text_of_the_greatest_length_takes_seconds_at_most(unit: str) -> None:
    text = (unit * 262_144)[:262_144]
    started = time.process_time()
    with suppress(TooManyFindings):  # then its record is held
        RECOGNIZER.find(text)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("expression: '(open'", "does not compile"),
        ("expression: 'a{0,3}'", "matches empty text"),
        ("expression: '{{nowhere}}x'", "does not compile"),
        ("expression: 'abc'\n    check: luna", "did you mean luhn"),
    ],
)
def test_a_wrong_pattern_fails_at_load(line: str, fault: str, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "patterns.yml").write_text(
        "owner: a@b.co\nreason: test\nfragments: {}\npatterns:\n"
        f"  - name: mine\n    entity: CARD\n    {line}\n    example: a\n    counter_example: b\n"
    )
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=re.escape(fault)):
        load_patterns()


def test_a_pattern_of_an_entity_without_a_rule_fails_at_load(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    shipped = config_file("policies/privacy.yml").read_text()
    (folder / "privacy.yml").write_text(shipped.replace("  SECRET:JWT: remove\n", ""))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match="entities has no SECRET:JWT"):
        load_privacy()


def _repeats(parsed: object) -> list[tuple[int, object]]:
    found: list[tuple[int, object]] = []
    for operation, argument in parsed:  # type: ignore[attr-defined]
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            found.append(argument[:2])
            found += _repeats(argument[2])
        elif operation is sre.SUBPATTERN:
            found += _repeats(argument[3])
        elif operation is sre.BRANCH:
            found += [repeat for branch in argument[1] for repeat in _repeats(branch)]
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            found += _repeats(argument[1])
    return found


def _bound(repeat: tuple[int, object]) -> str:
    return "∞" if repeat[1] == sre.MAXREPEAT else "bounded"
