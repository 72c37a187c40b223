"""What a candidate must pass besides its shape: checksums, decoders, ranges and lists of harmless words.

A check takes the text and the candidate's span and returns the span to replace (trimmed where the shape took too
much), or None: no finding. Checks are pure and cheap; the Hyperscan pass has already left out nearly all texts.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping

from governance.privacy.numeric import (
    Span,
    card,
    coordinate,
    iban,
    ipv4,
    ipv6,
    luhn,
    national_phone,
    nhs,
    phone,
    trunk_phone,
)

__all__ = ["CHECKS", "OWN_TOKEN", "Check", "Span"]

Check = Callable[[str, int, int], Span | None]

# Tokens and markers of this product: never found again, so that anonymising twice changes nothing.
OWN_TOKEN = re.compile(r"[a-z][a-z0-9]{1,15}_[0-9a-f]{4}_[0-9a-f]{16}")

# No value at all, whatever the label and the separator.
_NOTHING = frozenset(
    re.findall(
        r"\S+",
        "true false null none nil undefined empty n/a na redacted filtered masked hidden removed scrubbed",
    )
)
# What messages put behind `password:` or `user:` without meaning a value; never behind `=` or in quotes.
_PROSE = frozenset(
    re.findall(
        r"\S+",
        """yes no on off is are was not must should may can be has been required invalid valid expired missing incorrect
        wrong changed reset failed failure success successful ok error denied unknown disabled enabled rejected accepted
        revoked mismatch absent present hidden redacted masked filtered the a an and or for from with at by in of to
        created updated deleted opened closed started stopped timeout timed found unauthorized forbidden bearer basic
        token kind type authentication logged login logout bad optional string str bytes""",
    )
)
# Somebody else's placeholder, or this product's marker: <password>, ${PASSWORD}, {{ token }}, %{USER}, %s
_PLACEHOLDER = re.compile(
    r"<[A-Za-z][A-Za-z0-9 _:-]{0,40}>|\$?\{{1,2}[\w .:-]{1,64}\}{1,2}|%\{\w{1,64}\}|%[sdv]|[*•#_.<-]+|[xX]{3,}"
)
_FILE = re.compile(
    r"\.(?:js|py|go|java|cc?|cpp|rs|rb|php|html?|json|ya?ml|conf|log|txt|csv|jar|war|zip|gz|bz2|xz|tar|tgz|rpm|deb|"
    r"dll|so|exe|whl|img|iso|release|final|ga|beta|alpha|snapshot)$",
    re.I,
)
_ESCAPE = re.compile(r"[nrt]|u00[0-9a-fA-F]{2}|x[0-9a-fA-F]{2}")
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


def email(text: str, start: int, end: int) -> Span | None:
    """Not the password and host of a URL, not `git@`; the n or u003c of an escape before it is left out."""
    if start and text[start - 1] == "\\" and (escape := _ESCAPE.match(text, start, end)):
        start = escape.end()
    while start < end and text[start] in "'.-%+":
        start += 1
    local = re.split(r"@|%40|\\u0040", text[start:end])[0]
    if not local or local.lower() == "git" or OWN_TOKEN.fullmatch(local):
        return None
    before = text[max(0, start - 256) : start]
    return None if re.search(r":(?:\\?/){2}[^\s/\"'<>]{0,250}:[^\s/]{0,250}$", before) else (start, end)


def jwt(text: str, start: int, end: int) -> Span | None:
    """A token whose header decodes to a JSON object."""
    header = text[start:end].split(".", 1)[0]
    try:
        decoded = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (ValueError, binascii.Error):
        return None
    except RecursionError:  # nested deeper than any parser takes: whatever it is, it is nothing to read
        return start, end
    return (start, end) if isinstance(decoded, dict) else None


def basic(text: str, start: int, end: int) -> Span | None:
    """Base64 of `user:password`."""
    try:
        decoded = base64.b64decode(text[start:end] + "=" * (-(end - start) % 4))
    except (ValueError, binascii.Error):
        return None
    return (start, end) if b":" in decoded else None


def secret(text: str, start: int, end: int) -> Span | None:
    """Whatever a secret's label names, except the words and small counts that messages put there."""
    is_quoted = text[start - 1 : start] in ("'", '"')
    end = end if is_quoted else _trim(text, start, end)
    value = text[start:end]
    is_count = len(value) < 4 and value.isdigit() and not is_quoted
    return (
        None
        if is_count or _is_harmless(value, is_assigned=is_quoted or text[start - 1 : start] == "=")
        else (start, end)
    )


def token(text: str, start: int, end: int) -> Span | None:
    """A secret in prose: a digit, an odd character or mixed case inside tells it from a word."""
    span = secret(text, start, end)
    if span is None:
        return None
    value = text[span[0] : span[1]].rstrip(".,!?:;")
    is_word = value.replace("-", "").replace("_", "").isalpha() and (
        value.islower() or value.istitle() or value.isupper()
    )
    return None if is_word and (len(value) < 24 or "-" in value) else span


def session(text: str, start: int, end: int) -> Span | None:
    """A session's identifier: six characters or more, one of them a digit."""
    span = secret(text, start, end)
    value = text[span[0] : span[1]] if span else ""
    is_identifier = len(value) >= 6 and (any(map(str.isdigit, value)) or len(value) >= 16) and " " not in value
    return span if is_identifier else None


def user(text: str, start: int, end: int) -> Span | None:
    """A login: one word, no placeholder, no word of a message."""
    is_quoted = text[start - 1 : start] in ("'", '"')
    if not is_quoted:
        while end > start and text[end - 1] in ".:,-!?)":
            end -= 1
    value = text[start:end]
    if OWN_TOKEN.search(value):  # what was in it is masked already
        return None
    shared = ("public", "default", "shared", "all", "git", "{id}", "{user}", ":id", "me", "0", "-1", "?")
    if _is_harmless(value, is_assigned=is_quoted) or value.lower() in shared or not any(map(str.isalnum, value)):
        return None
    return (start, end)


def person(text: str, start: int, end: int) -> Span | None:
    """A labelled name: letters, and no word that a message puts behind such a label."""
    value = text[start:end].strip()
    first = (re.findall(r"\w+", value) or [""])[0]
    is_prose = _is_harmless(value, is_assigned=False) or _is_harmless(first, is_assigned=False)
    is_name = any(map(str.isalpha, value)) and not is_prose and "{" not in value and not OWN_TOKEN.search(value)
    return (start, end) if is_name else None


# Whom a text greets, or who signs it, where that is nobody in particular.
_NOBODY = frozenset((
    "admin", "administrator", "agent", "all", "amigos", "anyone", "assistance", "billing", "care", "colleague",
    "colleagues", "customer", "customers", "damen", "desk", "dev", "developer", "devs", "everybody", "everyone",
    "folks", "friend", "friends", "guys", "helpdesk", "herren", "hiring", "hr", "it", "kunden", "kundin", "kunde",
    "ladies", "madam", "madame", "manager", "messieurs", "office", "ops", "people", "sales", "service", "sir", "sirs",
    "squad", "staff", "support", "team", "there", "todos", "tous", "user", "users", "valued", "world", "zusammen",
))  # fmt: skip


def addressee(text: str, start: int, end: int) -> Span | None:
    """A name in a greeting or under a text, not a word for nobody in particular."""
    words = re.findall(r"[^\W\d_]+", text[start:end].lower())
    return person(text, start, end) if _NOBODY.isdisjoint(words) else None


def _digits_in(value: str) -> int:
    return sum(map(value.count, "0123456789"))


def coded(text: str, start: int, end: int) -> Span | None:
    """A number that a label announces: five digits or more; words behind it are left out."""
    for stop in (end, *(end - len(tail) for tail in _tails(text[start:end]))):
        value = text[start:stop]
        if _digits_in(value) >= 5 and not value[-1].isspace() and not re.fullmatch(r"[0-9]{1,3}\.[0-9]+", value):
            is_word_behind = re.search(r"[ ][A-Za-z]{3,}$", value)
            if not is_word_behind:
                return (start, stop) if not _is_harmless(value, is_assigned=True) else None
    return None


def _tails(value: str) -> Iterator[str]:
    """What can be left out at the end: the last word, the last two, ..."""
    position = len(value)
    while (position := value.rfind(" ", 0, position)) > 0:
        yield value[position:]


def host(text: str, start: int, end: int) -> Span | None:
    """A machine's name: a dot, dash or digit in it; no address (that is an IP), no word, not this machine itself."""
    value = text[start:end].rstrip(".")
    is_local = value.lower().split(".")[0] in ("localhost", "localdomain", "example", "host", "hostname")
    is_address = re.fullmatch(r"[0-9.]+", value) is not None
    has_form = any(character in ".-0123456789" for character in value) and any(map(str.isalpha, value))
    is_file = _FILE.search(value)
    if is_local or is_address or is_file or not has_form or _is_harmless(value, is_assigned=True):
        return None
    return start, start + len(value)


def identifier(text: str, start: int, end: int) -> Span | None:
    """What names one of many in a path: digits or an address; `v2`, `new` and `{id}` do not."""
    while end > start and text[end - 1] in ".,":
        end -= 1
    value = text[start:end]
    names_one = sum(map(str.isdigit, value)) >= 2 or "@" in value or "%40" in value
    is_file = re.search(r"\.[a-z]{2,4}$", value) and "@" not in value and "%40" not in value
    return (start, end) if names_one and not is_file and not _is_harmless(value, is_assigned=True) else None


def address(text: str, start: int, end: int) -> Span | None:
    """A labelled postal address: words and a number; no network, memory or mail address."""
    value = text[start:end].rstrip()
    words = re.findall(r"[^\W\d_]{3,}", value)
    is_postal = len(words) >= 1 and " " in value.strip() and any(map(str.isdigit, value))
    is_technical = re.search(r"0x[0-9a-f]|::|://|@|[0-9]{1,3}(?:\.[0-9]{1,3}){3}", value, re.IGNORECASE)
    return (start, start + len(value)) if is_postal and not is_technical else None


def random(text: str, start: int, end: int) -> Span | None:
    """A key by its looks: upper and lower case and digits mixed, 4.2 bits a character or more, no path, no UUID.

    Words and paths have less than 4.1 bits, and consist of words by half; hexadecimal ids have at most 4. Of a path
    each segment is looked at.
    """
    if OWN_TOKEN.search(text, start, end):
        return None
    slashes = text.count("/", start, end)
    if slashes <= 2 and _is_random(text[start:end]):
        return start, end
    for segment in re.finditer(r"[^/]{32,}", text[start:end]) if slashes else ():
        if _is_random(segment[0]):
            return start + segment.start(), start + segment.end()
    return None


def _is_random(value: str) -> bool:
    if not all(any(map(kind, value)) for kind in (str.isupper, str.islower, str.isdigit)):
        return False
    share = [value.count(character) / len(value) for character in set(value)]
    entropy = -sum(part * math.log2(part) for part in share)
    in_words = sum(map(len, re.findall(r"[A-Z]?[a-z]{4,}|[A-Z]{6,}", value)))
    return entropy >= 4.2 and in_words < len(value) / 2


def numbered(text: str, start: int, end: int) -> Span | None:
    """What a word of every day announces: three digits or more, or two behind letters; no word, no count of a few."""
    value = text[start:end]
    size = sum(map(str.isdigit, value))
    is_time = re.match(r"(?:19|20)[0-9]{2}-[0-9]{2}-", value)
    is_number = size >= 4 or (size >= 2 and not value.isdigit())
    return (start, end) if is_number and not is_time and not _is_harmless(value, is_assigned=True) else None


def _trim(text: str, start: int, end: int) -> int:
    """The end without the brackets and full stops that close the surroundings, not the value."""
    while end > start + 1:
        last, value = text[end - 1], text[start : end - 1]
        is_closing = last in _BRACKETS and value.count(_BRACKETS[last]) <= value.count(last)
        if not is_closing and not (last in ".:" and end == len(text)):
            break
        end -= 1
    return end


def _is_harmless(value: str, *, is_assigned: bool) -> bool:
    plain = value.strip(" .,:;!?()[]`").lower()
    if not plain or plain in _NOTHING or _PLACEHOLDER.fullmatch(value.strip(" \\\"'")):
        return True
    return OWN_TOKEN.fullmatch(value.strip()) is not None or (not is_assigned and plain in _PROSE)


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        address, addressee, basic, card, coded, coordinate, email, host, iban, identifier, ipv4, ipv6, jwt, luhn,
        national_phone, nhs, numbered, person, phone, random, secret, session, token, trunk_phone, user,
    )
}  # fmt: skip
