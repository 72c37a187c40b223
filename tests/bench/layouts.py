"""Identifiers in the layouts in which systems and people write them: a seeded corpus with the span of each value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from random import Random
from urllib.parse import quote

from tests.bench.kinds import KINDS, Kind


@dataclass(frozen=True)
class Case:
    """A text, and the characters [start, end) of it that are a value of the type."""

    type: str
    layout: str
    text: str
    start: int
    end: int


def camel(words: list[str]) -> str:
    """customerId"""
    return words[0] + "".join(word.capitalize() for word in words[1:])


def pascal(words: list[str]) -> str:
    """CustomerId"""
    return "".join(word.capitalize() for word in words)


def snake(words: list[str]) -> str:
    """customer_id"""
    return "_".join(words)


def kebab(words: list[str]) -> str:
    """customer-id"""
    return "-".join(words)


def dotted(words: list[str]) -> str:
    """customer.id"""
    return ".".join(words)


def upper(words: list[str]) -> str:
    """CUSTOMER_ID"""
    return "_".join(words).upper()


def header(words: list[str]) -> str:
    """X-Customer-Id; what is a header's own name stays it"""
    name = "-".join(word.capitalize() for word in words)
    return name if name in ("Authorization", "Cookie", "Set-Cookie", "Host") else f"X-{name}"


def spaced(words: list[str]) -> str:
    """customer id"""
    return " ".join(words)


def title(words: list[str]) -> str:
    """Customer Id"""
    return " ".join(word.capitalize() for word in words)


Style = Callable[[list[str]], str]
Writing = Callable[[str], tuple[str, str, str]]


def bare(value: str) -> tuple[str, str, str]:
    """As it is."""
    return "", value, ""


def in_json(value: str) -> tuple[str, str, str]:
    """Inside a JSON string."""
    return "", json.dumps(value, ensure_ascii=False)[1:-1], ""


def in_json_twice(value: str) -> tuple[str, str, str]:
    """Inside JSON that is a string of JSON."""
    return in_json(in_json(value)[1])


def in_url(value: str) -> tuple[str, str, str]:
    """Percent-encoded as far as a query needs it."""
    return "", quote(value, safe="/:@,;()'!*.~-"), ""


def encoded(value: str) -> tuple[str, str, str]:
    """Percent-encoded in full."""
    return "", quote(value, safe=""), ""


def in_xml(value: str) -> tuple[str, str, str]:
    """With the entities of XML."""
    return "", escape(value), ""


def quoted_if_needed(value: str) -> tuple[str, str, str]:
    """In double quotes where a space, a separator or a quote is in it (logfmt, CSV, shell)."""
    inner = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return ('"', inner, '"') if any(sign in value for sign in ' ",;=#\n') else ("", value, "")


def single_quoted(value: str) -> tuple[str, str, str]:
    """As Python shows it."""
    return "'", value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n"), "'"


@dataclass(frozen=True)
class Layout:
    """Where the label stands ({label}), where the value ({value}), and how each is written there."""

    template: str
    styles: tuple[Style, ...]
    written: Writing = bare
    has_label: bool = True


LAYOUTS: Mapping[str, Layout] = {
    "json": Layout('{"level":"info","{label}":"{value}","took":12}', (camel, snake, pascal), in_json),
    "pretty json": Layout('{\n  "ctx": {\n    "{label}": "{value}"\n  }\n}', (camel, snake, kebab), in_json),
    "json number": Layout('{"{label}":{value},"took":12}', (camel, snake)),
    "escaped json": Layout('{"body":"{\\"{label}\\":\\"{value}\\",\\"took\\":12}"}', (camel, snake), in_json_twice),
    "python": Layout("call({'n': 1, '{label}': {value}})", (snake,), single_quoted),
    "java": Layout("Order[id=7, {label}={value}, total=12.50]", (camel,)),
    "logfmt": Layout("level=info {label}={value} took=12ms", (snake, camel, dotted), quoted_if_needed),
    "env": Layout("export {label}={value}\nexport TZ=UTC", (upper,), quoted_if_needed),
    "access log": Layout(
        '198.51.100.7 - - [10/Oct/2024:13:55:36 +0000] "GET /v1/x?n=1&{label}={value} HTTP/1.1" 200 12',
        (camel, snake, kebab), in_url,
    ),
    "url query": Layout("fetching https://api.example.com/v1/x?{label}={value}&page=2 failed", (camel, snake), in_url),
    "encoded url": Layout("next=https%3A%2F%2Fx.io%2Fp%3F{label}%3D{value}%26n%3D1", (camel, snake), encoded),
    "url path": Layout("GET /v2/{collection}/{value}/orders 200", (spaced,), encoded, has_label=False),
    "form": Layout("body: n=1&{label}={value}&submit=1", (camel, snake), in_url),
    "header": Layout("GET /v1/pay HTTP/1.1\r\nHost: api\r\n{label}: {value}\r\nAccept: */*\r\n", (header,)),
    "stack trace": Layout(
        "java.lang.IllegalStateException: cannot use {label}={value}\n    at org.shop.Pay.check(Pay.java:41)",
        (camel, snake),
    ),
    "mail": Layout("Hi,\n> On Monday you wrote:\n> {label}: {value}\n\nregards", (title, spaced)),
    "chat": Layout("[10:41] sure, {label}: {value} - can you look?", (spaced, title)),
    "sentence": Layout("Hello, my {label} is {value} and nothing works.", (spaced,)),
    "yaml": Layout("app:\n  {label}: {value}\n  retries: 3", (camel, snake, kebab), quoted_if_needed),
    "ini": Layout("[app]\n{label} = {value}\nretries = 3", (snake, dotted, kebab)),
    "xml": Layout("<r><{label}>{value}</{label}><n>1</n></r>", (camel, snake, pascal), in_xml),
    "xml attribute": Layout('<order {label}="{value}" n="1"/>', (camel, snake), in_xml),
    "syslog": Layout("<34>Oct 11 22:14:15 web1 app[311]: {label}={value}; ok", (snake, camel)),
    "csv": Layout("id,{label},took\n17,{value},12", (snake,), quoted_if_needed, has_label=False),
    "table": Layout("| {label} | {value} |", (title, spaced)),
    "arrow": Layout("set {label} -> {value}", (camel, spaced)),
    "brackets": Layout("rejected {label}=[{value}] for order", (camel, snake)),
    "braces": Layout("({label}: {value})", (spaced, camel)),
    "quoted": Layout('no such {label} "{value}"', (spaced, camel), in_json),
    "name and value": Layout('[{"name":"{label}","value":"{value}"},{"name":"n","value":"1"}]', (snake,), in_json),
    "next line": Layout("{label}:\n  {value}\n", (title,)),
    "cdata": Layout("<r><{label}><![CDATA[{value}]]></{label}></r>", (camel,)),
    "table cells": Layout("<tr><td>{label}</td><td>{value}</td></tr>", (title,), in_xml),
    "backticks": Layout("{label}: `{value}`", (spaced,)),
    "markdown": Layout("- **{label}:** {value}\n- done", (title,)),
}  # fmt: skip


def cases(
    seed: int | str, repeats: int, kinds: Mapping[str, Kind] = KINDS, layouts: Mapping[str, Layout] = LAYOUTS
) -> Iterator[Case]:
    """Every type in every layout it occurs in, `repeats` times; the same for the same seed."""
    rng = Random(seed)
    for type_, kind in kinds.items():
        for name, layout in layouts.items():
            if name in kind.not_in or not (layout.has_label or kind.collection or not kind.is_labelled):
                continue
            if not layout.has_label and kind.is_labelled and "{collection}" not in layout.template:
                continue
            for _ in range(repeats):
                made = kind.make(rng)
                if name == "json number" and not (made.isdigit() and made[0] != "0"):
                    continue
                yield _case(rng, type_, kind, name, layout, made)


def _case(rng: Random, type_: str, kind: Kind, name: str, layout: Layout, value: str) -> Case:
    label = rng.choice(layout.styles)(rng.choice(kind.labels).split())
    before, after = rng.choice(kind.frames).split("{}")
    quote_before, whole, quote_after = layout.written(before + value + after)
    start_in_whole = len(layout.written(before)[1])
    inner = layout.written(value)[1]
    head, tail = (
        layout.template.replace("{label}", label).replace("{collection}", kind.collection or "lookup").split("{value}")
    )
    start = len(head) + len(quote_before) + start_in_whole
    return Case(type_, name, head + quote_before + whole + quote_after + tail, start, start + len(inner))
