"""The proposals as files a steward can read, change and use: they load as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from governance.errors import UsageError
from governance.privacy.policy import FIELDS_FOLDER
from orchestration.discovery.discovering import Discovery, Field, Found
from orchestration.discovery.sampling import OWNER

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NO_TEXT = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
_SHOWN_SERVICES = 500


def write(discovery: Discovery, out: Path) -> list[str]:
    """Write the proposals below `out`; their names, relative to it.

    Raises:
        UsageError: `out` holds something already: it may be what a steward has decided.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: holds files already; give a new folder with --out DIR and compare the two")
    texts = dict(_texts(discovery))
    for name, text in texts.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _texts(discovery: Discovery) -> Iterator[tuple[str, str]]:
    for found in discovery.sources:
        if found.is_new:
            yield f"sources/{found.source.name}.yml", _source(found)
    for name in discovery.shadowed:
        yield f"sources/{name}.yml", _SHADOWED
    for found in discovery.sources:
        yield f"{FIELDS_FOLDER}/{found.source.name}.yml", _fields(found, discovery)
    yield "policies/owners.yml", _owners(discovery)


def _source(found: Found) -> str:
    source = found.source
    patterns = source.files.patterns if source.files else ()
    lines = [
        "# Proposed by `feedback source discover` from a sample. Look at every line that has a comment.",
        f"description: {_quoted(source.description)}",
        f"type: {source.type}",
        f"signals: [{', '.join(source.signals)}]",
        "",
        f"owner: {OWNER}  # REPLACE: who answers for this source",
        f"purpose: {_quoted(source.purpose)}  # REPLACE: what its data may be used for",
        f"schedule: {_quoted(source.schedule)}",
        "",
        "files:",
        f"  folder: {_quoted(source.files.folder if source.files else '.')}",
        f"  patterns:{'' if patterns else ' []'}",
        *(f"    - {_quoted(pattern)}" for pattern in patterns),
        *_mapping("columns", source.columns, found.notes),
        *_mapping("constants", source.constants, found.notes),
    ]
    return "\n".join(lines) + "\n"


def _mapping(title: str, pairs: Mapping[str, object], notes: Mapping[str, str]) -> list[str]:
    if not pairs:
        return []
    told = (f"  {column}: {_quoted(str(value))}  # {notes.get(column, '')}" for column, value in pairs.items())
    return ["", f"{title}:", *told]


_SHADOWED = f"""\
# The shipped source of this name would read files that belong to a proposed source, as something they are not: here it
# reads nothing. Delete this file once it has files of its own.
description: Reads nothing
type: otlp
signals: [logs]
owner: {OWNER}
purpose: None
files: {{folder: ., patterns: []}}
"""


def _fields(found: Found, discovery: Discovery) -> str:
    attributes = [one for one in found.fields if one.is_attribute]
    proposed = {one.name.lower(): one for one in attributes if one.proposal}
    decided = [one for one in attributes if not one.proposal]
    columns = [one for one in found.fields if not one.is_attribute]
    lines = [
        f"# Fields of the source {found.source.name}, proposed by `feedback source discover` from a sample of",
        f"# {found.sample.records:,} records. Behind each: why, what its values look like (never a value), in how many",
        "# records it is. The treatments stand at the head of policies/privacy.yml; a field without one is withheld.",
        f"owner: {OWNER}  # REPLACE: who decides about these fields",
        f"reason: {_quoted(f'Fields of the source {found.source.name} that privacy.yml does not name')}",
        "",
        "# No rule names these: each is withheld until somebody decides.",
        "attributes:" if proposed else "attributes: {}",
        *(
            f"  {_quoted(key)}: {discovery.proposals[key]}  # {discovery.why(one)}; {_told(one)}"
            for key, one in sorted(proposed.items())
        ),
        "",
        "# Decided already by policies/privacy.yml. To decide otherwise, write the line above with another treatment.",
        *_comments(decided),
        "",
        "# Columns of their own, decided by policies/privacy.yml under `columns`.",
        *_comments(columns),
    ]
    return "\n".join(lines) + "\n"


def _comments(fields: Sequence[Field]) -> list[str]:
    ordered = sorted(fields, key=lambda one: (one.signal, one.name))
    return [f"# {one.name}: {one.treatment or '(withheld)'}  # {_told(one)}" for one in ordered]


def _told(one: Field) -> str:
    found = ", ".join(f"{entity} {count}" for entity, count in sorted(one.entities.items()))
    return f"{one.shapes.described()}; in {one.records:,} {one.signal}" + (f"; found: {found}" if found else "")


def _owners(discovery: Discovery) -> str:
    hidden = f"\n# {discovery.hidden_services} more have names that hold an identifier and are not shown."
    lines = [
        "# A draft of who answers for which service: the services of the sample, with how often they occur in it."
        + (hidden if discovery.hidden_services else ""),
        "# Make a team of each that owns services; whatever nobody names belongs to the default.",
        f"owner: {OWNER}  # REPLACE",
        'reason: "A pain point without somebody who answers for it stays one."',
        "",
        "default: platform",
        "",
        "teams:",
        "  platform:  # REPLACE: the team of every service that nobody else owns",
        "    email: platform@example.com  # REPLACE",
        f"    services:{'' if discovery.services else ' []'}",
        *(
            f"      - {_quoted(service)}  # {', '.join(f'{count:,} {signal}' for signal, count in counts.items())}"
            for service, counts in list(discovery.services.items())[:_SHOWN_SERVICES]
        ),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """The text as a YAML scalar that stays a text, whatever is in it."""
    if _WORD.fullmatch(text) and text.lower() not in _NO_TEXT:
        return text
    signs = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in signs) + '"'
