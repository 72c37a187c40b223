"""policies/themes.yml says when texts become a theme; a wrong one is refused with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from governance.themes import ThemesPolicy, load_themes


def changed(section: str, **values: Any) -> dict[str, Any]:
    given = load_themes().model_dump()
    return {**given, section: {**given[section], **values}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (changed("discovery", min_authors=9), r"min_authors is 9, more than min_tickets \(5\).*lower it"),
        (changed("discovery", min_authors=1), "greater than or equal to 2"),  # a label would tell of one person
        (changed("discovery", max_texts=50_000), "less than or equal to 5000"),
        (changed("themes", similarity=1.4), "less than 1"),
        (changed("texts", words=3), "not permitted"),
    ],
)
def test_a_policy_that_cannot_hold_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ThemesPolicy.model_validate(given)


def test_words_are_ignored_whatever_their_case() -> None:
    given = {**load_themes().model_dump(), "ignored_words": "Hello  WORLD\nhello"}
    assert ThemesPolicy.model_validate(given).ignored == {"hello", "world"}
