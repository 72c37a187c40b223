"""The shape of a URL or a statement, without the values in it."""

from __future__ import annotations

import re
from functools import lru_cache

from governance.privacy.checks import OWN_TOKEN

_URL = re.compile(
    r"(?P<origin>[A-Za-z][A-Za-z0-9+.-]{0,24}://[^/?#]{0,512}|//[^/?#]{0,512})?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?"
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_.\[\]-]{0,40}")

# What a segment of a path consists of when it names one thing, not a kind of thing: a number; hex; an upper-case
# code; three digits in a row; a number behind a dash. `v2` and `oauth2` are none.
_CODE = re.compile(r"[0-9._,-]+|[0-9A-Fa-f-]{6,}|[A-Z0-9]{6,}|[A-Za-z0-9_=~.-]{16,}", re.ASCII)
_NUMBERED = re.compile(r"[0-9]{3}|[_-][0-9]+$", re.ASCII)
_LITERAL = re.compile(
    r"""
    --[^\n]* | /\*.*?(?:\*/|\Z)                              # comments can quote anything
    | \$(?P<tag>\w{0,16})\$.*?(?:\$(?P=tag)\$|\Z)            # dollar-quoted
    | [NnXxEeBb]?'(?:[^'\\]|''|\\.?)*(?:'|\Z)               # text, also cut off
    | (?P<says>(?i:\bidentified\s{1,8}(?:with\s{1,8}\S{1,64}\s{1,8})?by\s|\bset\s{1,8}password\b[^=;]{0,80}=
        |\bwith\s{1,8}(?:encrypted\s{1,8})?password\s)\s{0,8})[^\s'"(,;]+  # a password without quotes
    | "(?P<quoted>(?:[^"\\]|""|\\.?)*)(?:"|\Z)              # a name, or text in some dialects
    | (?<![\w.$])(?!(?<=%)[0-9A-Fa-f]{2}(?!\d))[+-]?\d[\w.]*  # not of %40, which hides an address from the scanner
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def url_template(value: str) -> str:
    """`/users/4711?tab=3` -> `/users/{id}?tab=`; user and password before the host and the fragment are left out."""
    if "://" not in value and not value.startswith("/") and "=" in value and "?" not in value:
        return _query_names(value)
    found = _URL.match(value)
    if found is None:
        return "{url}"
    origin = re.sub(r"//.*@", "//", found["origin"] or "")
    path = "/".join("{id}" if _names_one(segment) else segment for segment in found["path"].split("/"))
    query = found["query"]
    return origin + path + (f"?{_query_names(query)}" if query else "")


@lru_cache(maxsize=16_384)  # paths repeat their parts
def _names_one(segment: str) -> bool:
    if "@" in segment or "%" in segment:
        return True
    if not any(map(str.isdigit, segment)) or OWN_TOKEN.fullmatch(segment):
        return False
    return _CODE.fullmatch(segment) is not None or _NUMBERED.search(segment) is not None


def sql_template(value: str) -> str:
    """The statement with `?` for every literal, comments left out."""

    def shape(found: re.Match[str]) -> str:
        if found[0].startswith(("--", "/*")):
            return ""
        if found["says"] is not None:
            return f"{sql_template(found['says'])}?"
        return found[0] if found["quoted"] is not None and _is_name(found) else "?"

    return _LITERAL.sub(shape, value)


def _is_name(found: re.Match[str]) -> bool:
    """In double quotes: a column's or a JSON key's name, not a value compared, listed or assigned."""
    before = found.string[max(0, found.start() - 8) : found.start()].rstrip()
    after = found.string[found.end() : found.end() + 4].lstrip()
    is_value = before.endswith(("=", "<", ">", "(", ",", ":")) or before.lower().endswith("like")
    return _PLAIN_COLUMN.fullmatch(found["quoted"]) is not None and (after.startswith(":") or not is_value)


def _query_names(query: str) -> str:
    names = (part.split("=", 1)[0] for part in re.split(r"[&;]", query.lstrip("?")))
    return "&".join(f"{name}=" if _PLAIN_NAME.fullmatch(name) else "{name}=" for name in names if name)
