"""What sqlfluff sees in place of dbt's adapter, which exists only while dbt runs: SQL of the macro's kind."""

from __future__ import annotations

from collections.abc import Callable

_COLUMNS = {"calendar": "event_date", "words_of": "word", "attributes_of": "*, attribute, attribute_value"}


def dispatch(macro: str) -> Callable[..., str]:
    """A stand-in for the macro that the engine's dialect would choose; its first argument is what it reads."""
    if macro in _COLUMNS:
        return lambda relation, *_: f"select {_COLUMNS[macro]} from {relation}"
    return lambda expression, *_: f"{macro}({expression})"
