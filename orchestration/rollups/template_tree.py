"""Templates of log lines: a prefix tree over the shapes that collapsing leaves.

Drain's method (He, Zhu, Zheng, Lyu 2017, https://doi.org/10.1109/ICWS.2017.13): shapes of as many words that begin
alike share a leaf; a shape joins the template of its leaf it is most similar to, and where they differ the template
becomes variable; else a template is born. Two things are not drain's. Plain words that differ never join ("VM paused",
"VM resumed"; "eth<*>", "wlan<*>"), and a plain word against one that is none counts twice: on loghub's labels 0.968 of
the lines are grouped right instead of 0.941. And a template keeps the id of its birth whatever becomes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl

from governance.log_templates import TemplatePolicy
from governance.sampling import require
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA
from orchestration.rollups.templates import VARIABLE, id_of

# One row per distinct shape of a service and severity.
SHAPES_SCHEMA = pl.Schema(
    {"service": pl.String(), "severity": pl.String(), "shape": pl.String(), "record_count": pl.Int64()}
)
# The same with what it is an instance of: null where the tree had no place left.
PLACED_SCHEMA = pl.Schema(
    {
        **{name: pl.String() for name in ("service", "severity", "shape")},
        "template_id": pl.String(),
        "template": pl.String(),
    }
)
_SIGNS = "()[]{}<>,.;:!?'\"=#*-"
_SCANS_PER_BIRTH = 10  # 20,000 shapes that are like no other: 2 s instead of 15
_ROOM = 1e-9  # (1 - 0.8) * 5 is a hair below 1


@dataclass(slots=True)
class _Template:
    """A template of a leaf; its words change while it generalises."""

    template_id: str
    words: tuple[str, ...]


@dataclass(slots=True)
class _Leaf:
    """The templates of as many words that begin alike, the oldest first; and again by where they are variable."""

    templates: list[_Template] = field(default_factory=list)
    by_variables: dict[tuple[int, ...], dict[tuple[str, ...], _Template]] = field(default_factory=dict)

    def add(self, template: _Template) -> _Template:
        self.templates.append(template)
        self._index(template)
        return template

    def generalise(self, template: _Template, words: tuple[str, ...]) -> None:
        self.by_variables[_variables(template.words)].pop(template.words, None)
        template.words = words
        self._index(template)

    def covering(self, words: tuple[str, ...]) -> _Template | None:
        """The template the words are an instance of as it is, of several the most special; one look-up per pattern."""
        for places in sorted(self.by_variables, key=lambda places: (len(places), places)):
            seen = list(words)
            for place in places:
                seen[place] = VARIABLE
            if (found := self.by_variables[places].get(tuple(seen))) is not None:
                return found
        return None

    def _index(self, template: _Template) -> None:
        self.by_variables.setdefault(_variables(template.words), {}).setdefault(template.words, template)


@dataclass(slots=True)
class _Tree:
    """The templates of one service and severity. `scans_left` bounds the time that shapes like no other take."""

    policy: TemplatePolicy
    births_left: int
    scans_left: int
    leaves: dict[tuple[int | str, ...], _Leaf] = field(default_factory=dict)

    def leaf_of(self, words: tuple[str, ...]) -> _Leaf:
        """The templates of as many words with the same first ones, whatever values these carry."""
        first = (VARIABLE if _has_value(word) else word for word in words[: self.policy.depth])
        return self.leaves.setdefault((len(words), *first), _Leaf())

    def place(self, shape: str, template_id: str) -> _Template | None:
        """The template of a shape, made more general where need be; born under `template_id`; None without room."""
        words = tuple(shape.split(" "))
        leaf = self.leaf_of(words)
        if (covering := leaf.covering(words)) is not None:
            return covering
        if not self.scans_left:
            return None
        self.scans_left -= 1
        found, variants = _nearest(leaf.templates, words, (1 - self.policy.similarity) * len(words) + _ROOM)
        if found is not None:
            pairs = zip(found.words, words, strict=True)
            leaf.generalise(found, tuple(own if own == other else VARIABLE for own, other in pairs))
            return found
        if not self.births_left:
            return None
        self.births_left -= 1
        for place, count in variants.most_common(1):
            if count >= self.policy.word_variants:
                words = (*words[:place], VARIABLE, *words[place + 1 :])
        return leaf.add(_Template(template_id, words))


def place(shapes: pl.DataFrame, known: pl.DataFrame, policy: TemplatePolicy, max_births: int) -> pl.DataFrame:
    """The template of every shape of a day; one row per shape (PLACED_SCHEMA).

    A pure function of both frames, whatever the order of their rows: known templates are fed first, oldest first, then
    the shapes, the most frequent first.

    Args:
        shapes: SHAPES_SCHEMA, without duplicates.
        known: the templates the days before left (KNOWN_TEMPLATES_SCHEMA).
        max_births: so many templates of a service and severity may be new; what fits none then, or after ten times as
            many comparisons with all of a leaf, has no template.
    """
    trees: dict[tuple[str | None, str | None], _Tree] = {}
    kept = require(known, KNOWN_TEMPLATES_SCHEMA, "place shapes, known").sort("first_seen_on", "template_id")
    for service, severity, template_id, template in kept.select(list(KNOWN_TEMPLATES_SCHEMA)[:4]).iter_rows():
        words = tuple(template.split(" "))
        tree = trees.setdefault((service, severity), _Tree(policy, max_births, _SCANS_PER_BIRTH * max_births))
        tree.leaf_of(words).add(_Template(template_id, words))
    ordered = require(shapes, SHAPES_SCHEMA, "place shapes").sort(
        "service", "severity", "record_count", "shape", descending=[False, False, True, False]
    )
    found = []
    for service, severity, shape in ordered.select(list(SHAPES_SCHEMA)[:3]).iter_rows():
        tree = trees.setdefault((service, severity), _Tree(policy, max_births, _SCANS_PER_BIRTH * max_births))
        found.append(tree.place(shape, id_of(service, severity, shape)))
    ids = pl.Series("template_id", [template and template.template_id for template in found], pl.String)
    texts = pl.Series("template", [template and " ".join(template.words) for template in found], pl.String)
    return require(ordered.with_columns(ids, texts), PLACED_SCHEMA, "placed shapes")


def _nearest(leaf: Iterable[_Template], words: tuple[str, ...], room: float) -> tuple[_Template | None, Counter[int]]:
    """The most similar template, of equal ones the most special and then the oldest; and for each place how many
    templates differ in nothing but a plain word there.
    """
    variants: Counter[int] = Counter()
    best, best_rank = None, (room, len(words) + 1)
    for template in leaf:
        cost, variant = _difference(template.words, words, room)
        if variant is not None:
            variants[variant] += 1
        if cost is not None and (rank := (cost, template.words.count(VARIABLE))) < best_rank:
            best, best_rank = template, rank
    return best, variants


def _difference(template: tuple[str, ...], words: tuple[str, ...], room: float) -> tuple[float | None, int | None]:
    """What the words are away from the template, None when more than `room`; and the place of the plain word that is
    all they differ in.
    """
    cost, variant = 0, None
    for place, own in enumerate(template):
        other = words[place]
        if own in (other, VARIABLE):
            continue
        plain = _is_plain(own) + _is_plain(other)
        if variant is not None or (plain == 2 and cost):
            return None, None
        if plain == 2:
            variant = place
            continue
        cost += 1 + plain
        if cost > room:
            return None, None
    return (cost, None) if variant is None else (None, variant)


def _variables(words: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(place for place, word in enumerate(words) if word == VARIABLE)


@lru_cache(maxsize=65_536)
def _is_plain(word: str) -> bool:
    """Letters only, whatever signs and values are around them."""
    return word.strip(_SIGNS).isalpha()


def _has_value(word: str) -> bool:
    return VARIABLE in word or any(character.isdigit() for character in word)
