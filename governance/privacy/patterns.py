"""The patterns of structured identifiers: policies/patterns.yml, typed, expanded and compiled."""

from __future__ import annotations

import re
from functools import cached_property

from pydantic import model_validator

from governance.errors import PolicyError, one_of
from governance.policy import Policy, Strict, load_policy
from governance.privacy.checks import CHECKS
from governance.privacy.heads import Head, head

# Between the texts of one call of Presidio. The recognizer looks at each side alone, so nothing matches across it.
SEPARATOR = "\x1e"

_REPEAT = re.compile(r"\{(\d+),(\d+)\}")
_REFERENCE = re.compile(r"\{\{(\w+)\}\}")


class Pattern(Strict):
    """One pattern of one entity; `expression` has its fragments filled in."""

    name: str
    entity: str
    expression: str
    is_case_sensitive: bool = False
    check: str | None = None
    example: str
    counter_example: str

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression; ASCII classes, so that it means the same to Hyperscan."""
        return re.compile(self.expression, re.ASCII if self.is_case_sensitive else re.ASCII | re.IGNORECASE)

    @property
    def prefilter(self) -> str:
        """The expression for a Hyperscan pass that only tells whether `compiled` may match somewhere.

        Hyperscan approximates what it does not know, but would unroll repeats: upper bounds are dropped. Named groups
        become plain, a reference back to a group becomes anything.
        """
        loose = _REPEAT.sub(lambda found: found[0] if int(found[2]) <= 3 else f"{{{found[1]},}}", self.expression)
        loose = re.sub(r"\(\?P=\w+\)", "[ -]", loose)
        return re.sub(r"\(\?P<\w+>", "(?:", loose)

    @cached_property
    def head(self) -> Head:
        """The beginning of the expression for Hyperscan: each match of `compiled` begins inside one of the head's."""
        return head(self.expression, re.RegexFlag(self.compiled.flags & (re.ASCII | re.IGNORECASE)))

    @property
    def has_values(self) -> bool:
        """Whether one of its groups holds what is replaced; otherwise the whole match is."""
        return any(name.startswith("value") for name in self.compiled.groupindex)


class _PatternFile(Policy):
    fragments: dict[str, str]
    patterns: tuple[Pattern, ...]

    @model_validator(mode="after")
    def _are_usable(self) -> _PatternFile:
        for pattern in self.patterns:
            where = f"policies/patterns.yml: patterns.{pattern.name}"
            if pattern.check is not None and pattern.check not in CHECKS:
                raise PolicyError(f"{where}.check is {pattern.check}; {one_of(pattern.check, CHECKS)}")
            try:
                whole = _expand(pattern, self.fragments)
                expanded = whole.compiled
                _ = whole.head  # knows no possessive quantifier, for instance
            except (re.error, KeyError) as error:
                raise PolicyError(f"{where}.expression does not compile ({error}); correct it there") from None
            others = expanded.groups - sum(name.startswith("value") for name in expanded.groupindex)
            if others not in (0, expanded.groups):
                raise PolicyError(f"{where}.expression has value groups and others; write the others (?:...)")
            if expanded.match("") is not None:
                raise PolicyError(f"{where}.expression matches empty text; make one part of it mandatory")
        return self


def load_patterns() -> tuple[Pattern, ...]:
    """The patterns in the order of the file, fragments filled in; the first of two that overlap decides.

    Raises:
        PolicyError: an expression does not compile, a check does not exist.
    """
    file = load_policy("patterns", _PatternFile)
    return tuple(_expand(pattern, file.fragments) for pattern in file.patterns)


def _expand(pattern: Pattern, fragments: dict[str, str]) -> Pattern:
    expression = pattern.expression
    while _REFERENCE.search(expression):
        expression = _REFERENCE.sub(lambda found: fragments[found[1]], expression)
    return pattern.model_copy(update={"expression": expression})
