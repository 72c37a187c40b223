"""Telephone numbers by the rules of their countries (the `phonenumbers` package), each spelling read once."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber


@lru_cache(4_096)
def _read(value: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse("+" + value[2:] if value.startswith("00") else value, region)
    except phonenumbers.NumberParseException:
        return None


def is_international(value: str) -> bool:
    """Whether a telephone network could route the number, by its country code and length."""
    number = _read(value, None)
    return number is not None and phonenumbers.is_possible_number(number)


def e164(value: str, region: str) -> str | None:
    """`+4930901820` for every spelling of it; without a country code as a number of `region`; None: no number."""
    number = _read(value, region if value[:1] != "+" and value[:2] != "00" else None)
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}" if number else None
