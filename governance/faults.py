"""What is wrong with a policy, in the words of whoever writes it, and under which keys it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails

from governance.errors import one_of

Place = tuple[int | str, ...]

_NOT_OUR_WORDS = re.compile(r"^Input should be (valid )?")
_QUOTED, _FAMILY = re.compile(r"'([^']*)'"), re.compile(r"(datetime|date|int|float|bool)_")
# What is expected, by type of error; in braces what pydantic says of it.
_EXPECTED = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} letters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "string_type": "text",
    "finite_number": "a number",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "list_type": "a list",
    "tuple_type": "a list",
    "timezone_aware": "a time with its zone, such as 2026-11-23T12:00Z",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a day such as 2026-11-23",
    "datetime": "a time such as 2026-11-23T12:00Z",
}
# What is expected, by branch of a union as pydantic names it.
_BRANCHES = _KINDS | {"str": "text", "list[str]": "a list of texts", "list[int]": "a list of whole numbers"}


class Misplaced(ValueError):
    """What a check of several keys finds.

    Args:
        message: what was found, what is allowed.
        place: the keys and numbers that lead to what is at fault, from where the check looks.
    """

    def __init__(self, message: str, *place: int | str) -> None:
        super().__init__(message)
        self.place: Place = place


def no_numbers(annotation: Any, value: object, place: Place = ()) -> Iterator[InitErrorDetails]:
    """Where `value` has true, false or text in place of a number: pydantic would read one out of it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in (int, float):
        if isinstance(value, bool | str):
            yield InitErrorDetails(type=f"{annotation.__name__}_type", loc=place, input=value)
    elif origin is Annotated:
        yield from no_numbers(parts[0], value, place)
    elif origin in (Union, UnionType):
        wanted = [part for part in parts if part is not NoneType]
        if len(wanted) == 1 or set(wanted) == {int, float}:  # else text or true may be what is wanted
            yield from no_numbers(wanted[-1], value, place)
    elif isinstance(value, Mapping) and len(parts) == 2:
        for key, inner in value.items():
            yield from no_numbers(parts[1], inner, (*place, key if isinstance(key, int | str) else str(key)))
    elif isinstance(value, list | tuple) and parts:
        each = parts if origin is tuple and parts[-1] is not Ellipsis else repeat(parts[0])
        for number, (part, inner) in enumerate(zip(each, value, strict=False)):
            yield from no_numbers(part, inner, (*place, number))


def first_fault(error: ValidationError, model: type[BaseModel], document: object) -> tuple[Place, str]:
    """Where in `document` the first thing that `model` does not allow stands, and what is said of it."""
    first = _most_telling(error)
    loc: Place = tuple(part for part in first["loc"] if part != "[key]")  # said of a key itself
    name, kind, context = ".".join(map(str, loc)), first["type"], first.get("ctx", {})
    if kind == "missing":
        return loc, f"{name} is missing; add it"
    if kind == "extra_forbidden":
        return loc, f"{name} is no key here; {one_of(str(loc[-1]), sorted(_keys(model, loc[:-1])))}"
    found = "" if isinstance(first["input"], dict | list) else f" is {first['input']!r:.80}"
    if isinstance(own := context.get("error"), ValueError):
        said = f"{name or 'file'}{found}; {own}" if name or found else str(own)
        return (*loc, *(own.place if isinstance(own, Misplaced) else ())), said
    place = loc[: _depth(document, loc)]
    if place != loc:
        return place, f"{'.'.join(map(str, place))}{found}; expected {_any_of(_branches(error, place))}"
    return loc, f"{name or 'file'}{found}; {_allowed(first, context)}"


def _most_telling(error: ValidationError) -> Mapping[str, Any]:
    """The first fault; of a key that is missing, rather one beside it that may be it misspelt."""
    faults: list[Mapping[str, Any]] = list(error.errors())
    first = faults[0]
    beside = [one for one in faults if one["type"] == "extra_forbidden" and one["loc"][:-1] == first["loc"][:-1]]
    return beside[0] if beside and first["type"] == "missing" else first


def _depth(node: object, loc: Place) -> int:
    """How many parts of `loc` the document has; behind them pydantic names the branch of a union that it tried."""
    for depth, part in enumerate(loc):
        pairs = node.items() if isinstance(node, Mapping) else enumerate(node if isinstance(node, list | tuple) else ())
        items = {str(key): value for key, value in pairs}  # a key that is no text is told as text
        if str(part) not in items:
            return depth
        node = items[str(part)]
    return len(loc)


def _branches(error: ValidationError, place: Place) -> Iterator[str]:
    depth = len(place)
    tried = (one["loc"][depth] for one in error.errors() if one["loc"][:depth] == place and len(one["loc"]) > depth)
    return (_BRANCHES.get(str(name), str(name)) for name in dict.fromkeys(tried))


def _any_of(names: Iterator[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _allowed(fault: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    kind = fault["type"]
    if kind == "literal_error" and (names := _QUOTED.findall(context["expected"])):
        return one_of(str(fault["input"]), names)
    if kind == "string_pattern_mismatch" and "@" in context["pattern"]:
        return "expected an e-mail address such as ana@example.com"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format(**context)}"
    family = _FAMILY.match(kind)
    return f"expected {_KINDS[family[1]] if family else _NOT_OUR_WORDS.sub('', fault['msg'])}"


def _keys(model: type[BaseModel], loc: Place) -> set[str]:
    """The keys that are allowed at a place."""
    types = list(_models(model))
    for part in loc:
        fields = [field for one in types if (field := _fields(one).get(str(part)))]
        types = [inner for field in fields for inner in _models(field)] if fields else types
    return {name for one in types for name in _fields(one)}


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type such as `dict[str, A] | tuple[B, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
