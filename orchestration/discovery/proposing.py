"""What a field without a rule should become, from its shapes and from what was found in its values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from governance.privacy.policy import Treatment
from orchestration.discovery.shapes import Shapes

# From the most to the least that is taken away: where two sources disagree about a key, the stricter wins.
_STRICTNESS = ("drop", "pseudonymise", "scan", "sql", "url", "generalise", "version", "id", "keep")
_OFTEN = 0.2
_MOSTLY = 0.8
_FEW = 0.1  # of the values distinct: kinds, not people
_WORDS_OF_A_NAME = 4
_WRITTEN_BY_PEOPLE = ("tickets", "ticket_events", "deployments", "incidents")
_IDENTITY = re.compile(r"(?:^|[._-])(?:id|no|nr|number|code|uid|ref)$|[a-z]I[dD]$")


def propose(key: str, shapes: Shapes, entities: Mapping[str, int], *, signal: str) -> tuple[Treatment, str]:
    """A treatment and why.

    Args:
        entities: per entity, in how many of the distinct values it was found by a scan for names too.
    """
    action, reason = _decided(key, shapes, entities, signal)
    return Treatment.model_validate(action), reason


def _decided(key: str, shapes: Shapes, entities: Mapping[str, int], signal: str) -> tuple[str, str]:
    found = {entity: count / max(shapes.distinct, 1) for entity, count in entities.items() if count}
    if any(entity.startswith("SECRET") for entity in found):
        return "drop", "secrets were found in it"
    for entity, form in (("EMAIL", "e-mail"), ("IP", "IP address"), ("MAC", "MAC"), ("PHONE", "phone")):
        if shapes.share(form) >= _OFTEN:
            return f"pseudonymise {entity}", f"often an {form}" if form[0] in "eI" else f"often a {form}"
    if found.get("PERSON", 0) >= _OFTEN and shapes.words <= _WORDS_OF_A_NAME:
        return "pseudonymise USER", "often a person's name"
    if shapes.share("text") >= _OFTEN or shapes.share("JSON") >= _OFTEN:
        return ("scan prose" if signal in _WRITTEN_BY_PEOPLE else "scan"), "free text"
    if shapes.share("URL", "path") >= _OFTEN:
        return "url", "often an address or a path"
    return _by_variety(key, shapes, found)


def _by_variety(key: str, shapes: Shapes, found: Mapping[str, float]) -> tuple[str, str]:
    variety = shapes.distinct / max(shapes.values, 1)
    is_id = bool(_IDENTITY.search(key)) and variety > _FEW
    if is_id and shapes.share("uuid", "number", "code", "word", "hex", "dotted name") >= _MOSTLY:
        return "pseudonymise ACCOUNT", "an id, perhaps of a person or a customer; `id` if it is none"
    if found:
        return "scan", f"{', '.join(sorted(found))} found in it"
    if shapes.share("true or false", "decimal", "time") >= _MOSTLY:
        return "keep", "no person can be told from it"
    if shapes.share("number", "decimal") >= _MOSTLY and shapes.digits and shapes.digits[1] <= 5:
        return "keep", "small numbers"
    if shapes.share("uuid", "hex") >= _MOSTLY:
        return "id", "hexadecimal ids"
    return "scan", "nothing found in it, but it can hold anything"


def stricter(one: Treatment, other: Treatment) -> Treatment:
    """The treatment that takes more away."""
    return min((one, other), key=lambda what: (_STRICTNESS.index(what.action), what.action + what.detail))
