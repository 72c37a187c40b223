"""When texts that are alike become a theme, and when a text belongs to one: policies/themes.yml."""

from __future__ import annotations

from pydantic import Field, model_validator

from governance.faults import Misplaced
from governance.policy import Policy, Strict, load_policy


class TextPolicy(Strict):
    """What is read of a text.

    Attributes:
        max_words: from its beginning.
        comments_below_words: a ticket with fewer words is read with its customers' comments of the day.
    """

    max_words: int = Field(ge=5, le=5000)
    comments_below_words: int = Field(ge=0)


class DiscoveryPolicy(Strict):
    """When texts without a theme become one.

    Attributes:
        window_days: how long a text waits for others like it.
        max_texts: of more, those that came last wait. Memory is 8 bytes times its square.
        min_tickets: so many distinct tickets at least.
        min_authors: by so many at least; no term of fewer describes a theme.
        cohesion: mean cosine of the texts of two groups at which they are still united.
    """

    window_days: int = Field(ge=1, le=180)
    max_texts: int = Field(ge=10, le=5000)
    min_tickets: int = Field(ge=2)
    min_authors: int = Field(ge=2)
    cohesion: float = Field(gt=0, lt=1)


class KnownPolicy(Strict):
    """When a text belongs to a theme, what themes are called by and how long they are known.

    Attributes:
        similarity: least cosine of a text and what a theme is recognised by.
        united_above: cosine of what two themes are recognised by from which they are one, the older.
        described_by_terms: most terms a theme is recognised by.
        label_terms: how many of them name it.
        forget_after_days: a theme that was not met for longer is forgotten.
        max_known: of more, those met last are known.
    """

    similarity: float = Field(gt=0, lt=1)
    united_above: float = Field(gt=0, le=1)
    described_by_terms: int = Field(ge=3, le=200)
    label_terms: int = Field(ge=1, le=6)
    forget_after_days: int = Field(ge=1, le=400)
    max_known: int = Field(ge=1, le=2000)


class ThemesPolicy(Policy):
    """How the themes of tickets are found; the parts say what is in them."""

    texts: TextPolicy
    discovery: DiscoveryPolicy
    themes: KnownPolicy
    ignored_words: str

    @model_validator(mode="after")
    def a_group_of_few_is_no_theme(self) -> ThemesPolicy:
        if self.discovery.min_authors > self.discovery.min_tickets:
            raise Misplaced(
                f"discovery.min_authors is {self.discovery.min_authors}, more than min_tickets"
                f" ({self.discovery.min_tickets}): nothing could become a theme; lower it",
                *("discovery", "min_authors"),
            )
        return self

    @property
    def ignored(self) -> frozenset[str]:
        """The words that say nothing."""
        return frozenset(self.ignored_words.lower().split())


def load_themes() -> ThemesPolicy:
    """policies/themes.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("themes", ThemesPolicy)
