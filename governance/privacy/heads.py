"""What a pattern begins with, as Hyperscan reads it: enough to tell where the pattern may match, and little more.

Hyperscan knows no look-around, and reports every end of every match. So an expression is rendered anew from its syntax
tree: look-ahead is left out, a look-behind on one character becomes that character, and the end is cut off where the
expression has asked for enough characters or could have ended. Every match of the expression begins inside a match of
its head.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

# A node of the syntax tree: its kind and what that kind says of it.
Node: TypeAlias = tuple[object, Any]
Nodes: TypeAlias = Sequence[Node]

# Four characters tell a candidate well enough: trying it costs less than a larger automaton (5 took twice as long). A
# digit tells half as much, as digits come in runs: cards are asked for by eight (12.5 to 5.8 µs a ticket).
_ENOUGH, _A_DIGIT, _ANOTHER = 8, 1, 2
# Hyperscan unrolls a bounded repeat; one of more is as good unbounded here.
_LONGEST_REPEAT = 32
_LOOKS_BEHIND = -1
_DIGIT: Node = (sre.IN, [(sre.RANGE, (ord("0"), ord("9")))])


@dataclass(frozen=True)
class Head:
    """The head of an expression.

    Attributes:
        expression: in Hyperscan's syntax.
        longest: how many characters it matches at most.
        start: in Python's syntax: where the expression can begin, by what stands before it and by its first character.
        is_run: it is a number of characters of one kind, so that a longer run of them holds many heads.
    """

    expression: str
    longest: int
    start: str
    is_run: bool


def head(expression: str, flags: re.RegexFlag) -> Head:
    """The head of a Python expression; flags: ASCII, and perhaps IGNORECASE."""
    nodes = list(parser.parse(expression, flags))
    taken, _, _ = _taken(nodes, _ENOUGH)
    own = _without_options_at_the_end(taken)
    kept = [*_before(nodes), *own]
    return Head(_rendered(kept), _width(kept, max), _start(nodes, flags), _is_run(own))


def _before(nodes: Nodes) -> list[Node]:
    """The first look-behind on a single character, as the character that is there, or the start of the text."""
    for kind, value in nodes:
        if kind not in (sre.ASSERT, sre.ASSERT_NOT) or value[0] != _LOOKS_BEHIND:
            break
        if len(value[1]) != 1 or value[1][0][0] is not sre.IN or value[1][0][1][0][0] is sre.NEGATE:
            continue
        characters = value[1][0][1]
        if kind is sre.ASSERT:
            return [(sre.IN, characters)]
        start, other = [(sre.AT, sre.AT_BEGINNING)], [(sre.IN, [(sre.NEGATE, None), *characters])]
        return [(sre.BRANCH, (None, [start, other]))]
    return []


def _is_run(nodes: Nodes) -> bool:
    shown = [(kind, value) for kind, value in nodes if kind not in (sre.ASSERT, sre.ASSERT_NOT)]
    if not shown:
        return False
    kind, value = shown[-1]
    if kind is sre.BRANCH:
        return any(_is_run(branch) for branch in value[1])
    if kind is sre.SUBPATTERN:
        return _is_run(value[3])
    is_repeat = len(shown) == 1 and kind in (sre.MAX_REPEAT, sre.MIN_REPEAT)
    return is_repeat and value[0] > 1 and [inner for inner, _ in value[2]] == [sre.IN]


def _start(nodes: Nodes, flags: re.RegexFlag) -> str:
    """The first character, in both cases where case is ignored: to a set of characters Python can skip."""
    looks = list(takewhile(lambda node: _width([node], max) == 0, nodes))
    case = "(?i:" if flags & re.IGNORECASE else "(?:"
    # Not what must follow: the places that are looked at can end before it.
    needed = [node for node in looks if node[0] is not sre.ASSERT or node[1][0] == _LOOKS_BEHIND]
    before = f"{case}{''.join(map(_python_look, needed))})"
    first = _first(nodes[len(looks) :])
    if first is None:
        return before
    own = re.compile(f"[{''.join(map(_python_item, first))}]", flags)
    characters = "".join(rf"\x{code:02x}" for code in range(128) if own.match(chr(code)))
    if own.match("\x80") or any(kind in (sre.LITERAL, sre.RANGE) and _last(value) > 127 for kind, value in first):
        characters += r"\x80-\U0010ffff"
    return f"[{characters}](?<={before}[{characters}])"


def _last(value: int | tuple[int, int]) -> int:
    return value if isinstance(value, int) else value[1]


def _first(nodes: Nodes) -> list[Node] | None:
    """The characters with which the nodes can begin; None: with any."""
    items: list[Node] = []
    for kind, value in nodes:
        inner: list[list[Node] | None]
        if kind is sre.LITERAL:
            return [*items, (kind, value)]
        if kind is sre.IN and (value[0][0] is not sre.NEGATE or not items):
            return [*items, *value]
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            inner, may_be_empty = [_first(value[2])], value[0] == 0
        elif kind is sre.SUBPATTERN:
            inner, may_be_empty = [_first(value[3])], _width(value[3]) == 0
        elif kind is sre.BRANCH:
            inner, may_be_empty = [_first(branch) for branch in value[1]], _width([(kind, value)]) == 0
        elif kind in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            continue
        else:
            return None
        for some in inner:
            if some is None or some[0][0] is sre.NEGATE:
                return None
            items += some
        if not may_be_empty:
            return items
    return None


def _python_look(node: Node) -> str:
    """A node without width in Python's syntax."""
    kind, value = node
    if kind in (sre.ASSERT, sre.ASSERT_NOT):
        sign = "=" if kind is sre.ASSERT else "!"
        return f"(?{'<' if value[0] == _LOOKS_BEHIND else ''}{sign}{''.join(map(_python_look, value[1]))})"
    if kind is sre.SUBPATTERN:
        _, _, without, inner = value
        return f"(?{'-i' if without & re.IGNORECASE else ''}:{''.join(map(_python_look, inner))})"
    if kind is sre.BRANCH:
        return f"(?:{'|'.join(''.join(map(_python_look, branch)) for branch in value[1])})"
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return f"(?:{''.join(map(_python_look, value[2]))}){{{value[0]},{value[1]}}}"
    if kind is sre.IN:
        return f"[{''.join(map(_python_item, value))}]"
    return _PLACES[value] if kind is sre.AT else _python_item(node)


def _python_item(node: Node) -> str:
    kind, value = node
    if kind is sre.LITERAL:
        return rf"\u{value:04x}"
    if kind is sre.RANGE:
        return rf"\u{value[0]:04x}-\u{value[1]:04x}"
    return "^" if kind is sre.NEGATE else _CLASSES[value]


def _taken(nodes: Nodes, enough: int) -> tuple[list[Node], int, bool]:
    """The first nodes, as many as it takes to tell `enough`; how much they tell; whether any was cut.

    What stands behind a cut must be left out.
    """
    taken: list[Node] = []
    width = 0
    for place, (kind, value) in enumerate(nodes):
        left = enough - width
        if left <= 0:
            return taken, width, True
        if kind is sre.BRANCH:
            branches = [_taken(branch, left) for branch in value[1]]
            cut = [branch for branch, _, is_cut in branches if is_cut]
            whole = [branch for branch, _, is_cut in branches if not is_cut]
            least = min(asked for _, asked, _ in branches)
            if cut and whole:  # what follows belongs to the whole ones alone
                rest, _, _ = _taken(nodes[place + 1 :], left - least)
                cut.append([(sre.BRANCH, (None, whole)), *rest])
            node, asked, is_cut = (kind, (None, cut or whole)), least, bool(cut)
        elif kind is sre.SUBPATTERN:
            inner, asked, is_cut = _taken(value[3], left)
            node = (kind, (*value[:3], inner))
        else:
            node, asked, is_cut = _cut_repeat((kind, value), left)
        taken.append(node)
        width += asked
        if is_cut:
            return taken, width, True
    return taken, width, False


def _cut_repeat(node: Node, enough: int) -> tuple[Node, int, bool]:
    kind, value = node
    if kind not in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return node, _width([node], weigh=_told), False
    least, _, inner = value
    one = _width(inner, weigh=_told)
    if least * one < enough:
        return node, least * one, False
    times = min(least, -(-enough // one))
    if times == 1:
        inner, one, _ = _taken(inner, enough)
    return (kind, (times, times, inner)), times * one, True


def _width(
    nodes: Nodes, of: Callable[[Iterable[int]], int] = min, weigh: Callable[[Node], int] = lambda node: 1
) -> int:
    """The least number of characters that the nodes match, or with `max` the greatest; or what these weigh."""
    width = 0
    for node in nodes:
        kind, value = node
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            width += of(value[:2]) * _width(value[2], of, weigh)
        elif kind is sre.SUBPATTERN:
            width += _width(value[3], of, weigh)
        elif kind is sre.BRANCH:
            width += of(_width(branch, of, weigh) for branch in value[1])
        elif kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN, sre.GROUPREF):
            width += weigh(node)
    return width


def _told(node: Node) -> int:
    """How much one character tells of what it may belong to."""
    return _A_DIGIT if node == _DIGIT else _ANOTHER


def _without_options_at_the_end(nodes: Nodes) -> list[Node]:
    kept = list(nodes)
    while kept:
        kind, value = kept.pop()
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, _, inner = value
            if least:
                inner = _without_options_at_the_end(inner) if least == 1 else inner
                return [*kept, (kind, (least, least, inner))]
        elif kind is sre.SUBPATTERN:
            if inner := _without_options_at_the_end(value[3]):
                return [*kept, (kind, (*value[:3], inner))]
        elif kind is sre.BRANCH:
            branches = [_without_options_at_the_end(branch) for branch in value[1]]
            if all(branches):
                return [*kept, (kind, (None, branches))]
        elif kind not in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            return [*kept, (kind, value)]
    return kept


def _rendered(nodes: Nodes) -> str:
    return "".join(_RENDERED[kind](value) for kind, value in nodes)


def _character(code: int) -> str:
    return rf"\x{min(code, 0xFF):02x}"  # one byte a character, see plain_text.in_single_bytes


def _class(items: Nodes) -> str:
    return f"[{''.join(_IN_CLASS[kind](value) for kind, value in items)}]"


def _repeat(value: tuple[int, int, Nodes]) -> str:
    least, most, inner = value
    return f"(?:{_rendered(inner)}){{{least},{'' if most > _LONGEST_REPEAT else most}}}"


_CLASSES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_IN_CLASS: Mapping[object, Callable[[Any], str]] = {
    sre.NEGATE: lambda _: "^",
    sre.CATEGORY: lambda category: _CLASSES[category],
    sre.LITERAL: _character,
    sre.RANGE: lambda ends: f"{_character(ends[0])}-{_character(ends[1])}",
}
_PLACES = {sre.AT_BOUNDARY: r"\b", sre.AT_NON_BOUNDARY: r"\B", sre.AT_BEGINNING: "^"}
_RENDERED: Mapping[object, Callable[[Any], str]] = {
    sre.LITERAL: _character,
    sre.NOT_LITERAL: lambda code: f"[^{_character(code)}]",
    sre.ANY: lambda _: r"[^\n]",
    sre.IN: _class,
    sre.MAX_REPEAT: _repeat,
    sre.MIN_REPEAT: _repeat,
    sre.SUBPATTERN: lambda value: f"(?:{_rendered(value[3])})",
    sre.BRANCH: lambda value: f"(?:{'|'.join(map(_rendered, value[1]))})",
    sre.GROUPREF: lambda _: "[ -]",  # a separator that comes again
    sre.ASSERT: lambda _: "",
    sre.ASSERT_NOT: lambda _: "",
    sre.AT: lambda place: _PLACES[place],
}
