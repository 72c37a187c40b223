"""How log lines are put into templates, and when a template is news or noise: parts of policies/sampling.yml."""

from __future__ import annotations

from pydantic import Field

from governance.policy import Strict


class TemplatePolicy(Strict):
    """When two shapes of log lines are one template, and how long a template is known.

    Attributes:
        similarity: share of the words that must agree; how differences count is said in rollups/template_tree.py.
        depth: so many first words must be the same.
        word_variants: where so many templates differ in one word only, it is a variable for all that come after.
        forget_after_days: a template that was not met for longer is forgotten, and would be new again.
        max_known_per_service: of more, those met last are known.
    """

    similarity: float = Field(gt=0, le=1)
    depth: int = Field(ge=0, le=10)
    word_variants: int = Field(ge=2)
    forget_after_days: int = Field(ge=1, le=400)
    max_known_per_service: int = Field(ge=1)


class RisingPolicy(Strict):
    """A template rises when its records are `factor` times and `deviations` standard deviations more than expected."""

    factor: float = Field(ge=1)
    deviations: float = Field(gt=0)


class NoisePolicy(Strict):
    """What makes a template noise.

    Attributes:
        seen_share: share of the compared days it must have been met on.
        factor: it may be met so many times as often as expected, or as rarely.
        failing_deviations: so many standard deviations more failing traces than the service's other lines: no noise.
    """

    seen_share: float = Field(gt=0, le=1)
    factor: float = Field(gt=1)
    failing_deviations: float = Field(gt=0)


class NewsPolicy(Strict):
    """What a day's templates are compared with: `compared_days` days before, at least `min_days` with records."""

    compared_days: int = Field(ge=2, le=90)
    min_days: int = Field(ge=2, le=90)
    rising: RisingPolicy
    noise: NoisePolicy
