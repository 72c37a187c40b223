"""A pattern tried only where its head is finds what it finds when it is tried everywhere."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.privacy.locating import Locator
from governance.privacy.patterns import load_patterns
from governance.privacy.plain_text import in_single_bytes, plain
from tests.bench.layouts import cases
from tests.bench.unseen import unseen_cases

PATTERNS = load_patterns()
TEXTS = "\n".join(plain(case.text)[0] for case in [*cases(31, 1), *unseen_cases(31, 1)])
LOCATORS = {}
LONG = "." * 400 + "\n"  # short texts are not located


def spans(pattern, text):
    if pattern.name not in LOCATORS:
        LOCATORS[pattern.name] = Locator(pattern)
    locator = LOCATORS[pattern.name]
    for judge in (re.Match.span, lambda match: match.span() if match.end() % 2 else None, lambda match: None):
        assert located(locator, text, judge) == everywhere(pattern.compiled, text, judge)
    return [match.span() for match in pattern.compiled.finditer(text)]


def located(locator, text, judge):
    return list(locator.spans(text, in_single_bytes(text), judge))


def everywhere(expression, text, judge):
    """Where a pattern matches; behind a refused match from its value on, which can be the label of another."""
    found, position = [], 0
    while match := expression.search(text, position):
        if judge(match):
            found.append(match.span())
        behind = max(match.start(match.lastgroup), match.start() + 1) if match.lastgroup else match.end()
        position = match.end() if judge(match) else behind
    return found


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_every_match_is_located(pattern):
    assert spans(pattern, f"{LONG}before\n{pattern.example}\nbehind {pattern.counter_example} {pattern.example}")
    for start in range(0, len(TEXTS), 20_000):
        spans(pattern, TEXTS[start : start + 20_000])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_pattern_can_match_is_located_in_any_company(data):
    pattern = data.draw(st.sampled_from(PATTERNS))
    matching = st.from_regex(pattern.compiled).map(lambda text: text[:400])
    noise = st.sampled_from(["", " ", "=", "é", "ß→", "\n", "a", "1", '"', "user=", "\x00"])
    parts = data.draw(st.lists(st.one_of(matching, noise), min_size=1, max_size=6))
    spans(pattern, LONG + "".join(parts).encode("utf-8", "ignore").decode())
