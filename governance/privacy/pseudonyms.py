"""What stands in for a value: a keyed pseudonym of its canonical form, or a marker that says what was removed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from governance.keys import Keyring
from governance.privacy import phones
from governance.privacy.checks import OWN_TOKEN
from governance.privacy.numeric import phone
from governance.privacy.plain_text import decoded, plain

# An address as it is nearly always written, which is its one form too; any other is parsed.
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
_ENCODED_AT = re.compile(r"%40|\\u0040", re.IGNORECASE)


def stand_in(entity: str, value: str, keys: Keyring, *, region: str, is_removed: bool) -> str:
    """`<ENTITY>` where values of the entity are removed, else the pseudonym of the canonical value."""
    if is_removed:
        return f"<{entity}>"
    if OWN_TOKEN.fullmatch(value) and value.split("_")[1] in keys.own_ids:
        return value
    value = plain(value)[0]
    value = original[0] if (original := decoded(value)) else value
    entity = kind_of(entity, value)
    return keys.pseudonym(entity, canonical(entity, value, region))


def kind_of(entity: str, value: str) -> str:
    """What the value itself is, where it shows: a login that is an e-mail address gets that address's pseudonym."""
    if entity != "USER":
        return entity
    value = value.strip()
    if _EMAIL.fullmatch(_ENCODED_AT.sub("@", value)):
        return "EMAIL"
    if _PLAIN_IPV4.fullmatch(value) or _address(value) is not None:
        return "IP"
    return "PHONE" if value.startswith("+") and phone(value, 0, len(value)) else "USER"


def canonical(entity: str, value: str, region: str) -> str:
    """The one form of all spellings of a value, so that a person has one pseudonym in logs, traces and tickets."""
    form = _FORMS.get(entity)
    return form(value.strip(), region) if form else value.strip()


def _email(value: str, region: str) -> str:
    return _ENCODED_AT.sub("@", value).lower()


def _phone(value: str, region: str) -> str:
    """E.164; a number without a country code is read as one of `region`."""
    return phones.e164(value, region) or _digits(value, region)


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _ip(value: str, region: str) -> str:
    return value if _PLAIN_IPV4.fullmatch(value) else str(_address(value) or value)


def _mac(value: str, region: str) -> str:
    return re.sub(r"[:.-]", "", value).lower()


def _digits(value: str, region: str) -> str:
    return "".join(character for character in value if character.isdigit())


def _login(value: str, region: str) -> str:
    return value.lower()


def _name(value: str, region: str) -> str:
    return " ".join(value.casefold().split())


_FORMS: Mapping[str, Callable[[str, str], str]] = {
    "EMAIL": _email,
    "PHONE": _phone,
    "IP": _ip,
    "MAC": _mac,
    "IMEI": _digits,
    "CARD": _digits,
    "SSN": _digits,
    "USER": _login,
    "HOST": _login,
    "DEVICE": _login,
    "PERSON": _name,
    "LOCATION": _name,
    "ORGANIZATION": _name,
}
