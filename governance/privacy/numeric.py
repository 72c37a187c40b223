"""Checks of numbers and addresses: checksums, registered lengths, ranges, telephone plans (see checks.py)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from governance.privacy import phones

Span = tuple[int, int]

# Browsers whose versions have four numbers: Chrome/30.0.0.0
_PRODUCT = re.compile(r"(?:chrome|chromium|crios|safari|edga?|edge|opr|opera|version|firefox|browser|electron)/$", re.I)
# Registered lengths (SWIFT IBAN registry); a country that is not here has no IBAN.
_IBAN_LENGTHS: Mapping[str, int] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
# Prefixes and lengths of the issuers' numbers.
_CARD = re.compile(
    "|".join((
        "4[0-9]{15}",  # Visa
        "(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}",  # Mastercard
        "3[47][0-9]{13}",  # American Express
        "(?:30[0-5]|3[68][0-9])[0-9]{11}",  # Diners Club
        "(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}",  # Discover
        "35(?:2[89]|[3-8][0-9])[0-9]{12}",  # JCB
        "62[0-9]{14}(?:[0-9]{3})?",  # UnionPay
        "(?:50(?:18|20|38)|5893|6304|67(?:59|6[123]))[0-9]{12}",  # Maestro
    ))
)  # fmt: skip
# What a doubled digit adds to a Luhn sum.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NO_DIGITS = re.compile("[^0-9]+")


def _digits(text: str) -> str:
    return _NO_DIGITS.sub("", text)


def _luhn(digits: str) -> bool:
    values = [*map(int, digits)]
    return (sum(values[-1::-2]) + sum(_DOUBLED[value] for value in values[-2::-2])) % 10 == 0


def card(text: str, start: int, end: int) -> Span | None:
    """A payment card: issuer prefix, its length, Luhn."""
    digits = _digits(text[start:end])
    return (start, end) if _CARD.fullmatch(digits) and len(set(digits)) > 1 and _luhn(digits) else None


def luhn(text: str, start: int, end: int) -> Span | None:
    """A number that a label calls a card: Luhn alone; numbers behind it are left out."""
    for stop in _endings(text, start, end):
        digits = _digits(text[start:stop])
        if len(digits) >= 12 and _luhn(digits):
            return start, stop
    return None


def iban(text: str, start: int, end: int) -> Span | None:
    """An IBAN of a country that has one: registered length, mod 97; words behind it are left out."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
    if length is None:
        return None
    taken, stop = "", start
    for stop in range(start, end):
        taken += text[stop] if text[stop] not in " -" else ""
        if len(taken) == length:
            break
    if len(taken) != length or text[stop + 1 : stop + 2].isalnum():
        return None
    number = "".join(str(int(character, 36)) for character in taken[4:] + taken[:4])
    return (start, stop + 1) if int(number) % 97 == 1 else None


def ipv4(text: str, start: int, end: int) -> Span | None:
    """An address that can point to somebody: octets in range, not loopback, unspecified or a netmask, no browser's."""
    if text[start - 1 : start] == "/" and _PRODUCT.search(text, max(0, start - 20), start):
        return None
    octets = [int(octet) for octet in text[start:end].split(".")]
    is_nobody = octets[:3] == [127, 0, 0] or octets in ([0, 0, 0, 0], [255, 255, 255, 255]) or octets[:2] == [255, 255]
    return (start, end) if max(octets) <= 255 and not is_nobody else None


def ipv6(text: str, start: int, end: int) -> Span | None:
    """As ipv4; needs a digit, so that `Dead::Beef` stays a class name."""
    try:
        address = ipaddress.IPv6Address(text[start:end])
    except ValueError:
        return None
    is_nobody = address.is_loopback or address.is_unspecified or not any(map(str.isdigit, text[start:end]))
    return None if is_nobody else (start, end)


def phone(text: str, start: int, end: int) -> Span | None:
    """A number with a country code that a telephone network could route; numbers behind it are left out."""
    ends = _endings(text, start, _without_bracket(text, start, end))
    return next(((start, stop) for stop in ends if phones.is_international(text[start:stop])), None)


def national_phone(text: str, start: int, end: int) -> Span | None:
    """A number without a country code, where a label or its form already says that it is one."""
    end = _without_bracket(text, start, end)
    value = text[start:end]
    is_date = re.match(r"(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}", value)
    is_address = re.fullmatch(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", value)
    return (start, end) if 7 <= len(_digits(value)) <= 14 and not is_date and not is_address else None


def _endings(text: str, start: int, end: int) -> Iterator[int]:
    """Where a number can end: at the end of the candidate, or before one of its last groups of digits."""
    yield end
    for stop in range(end - 1, start + 6, -1):
        if text[stop - 1].isdigit() and not text[stop].isdigit():
            yield stop


def _without_bracket(text: str, start: int, end: int) -> int:
    is_closing = text[end - 1] == ")" and text.count(")", start, end) > text.count("(", start, end)
    return end - 1 if is_closing else end


def nhs(text: str, start: int, end: int) -> Span | None:
    """Ten digits, the last one by modulus 11."""
    digits = [int(digit) for digit in _digits(text[start:end])]
    control = 11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False)) % 11
    return (start, end) if len(digits) == 10 and control % 11 == digits[9] and control != 10 else None


def trunk_phone(text: str, start: int, end: int) -> Span | None:
    """A national number with the zero that is dialled before it.

    Its digits say no more: 97 % of all numbers of 9 to 12 digits are some country's.
    """
    return (start, end) if 9 <= len(_digits(text[start:end])) <= 12 else None


def coordinate(text: str, start: int, end: int) -> Span | None:
    """Degrees: at most 180."""
    return (start, end) if abs(float(text[start:end])) <= 180 else None
