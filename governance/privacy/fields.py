"""One field's distinct values under its treatment."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

from governance.keys import Keyring
from governance.privacy.found import Found, Scanned, counted
from governance.privacy.memory import Memory
from governance.privacy.policy import PrivacyPolicy, Treatment
from governance.privacy.pseudonyms import kind_of, stand_in
from governance.privacy.scanner import Scanner
from governance.privacy.templates import sql_template, url_template
from governance.privacy.threads import Mention, name_spelt

# What is an id and nothing else: hexadecimal digits, a number, two of them, or a UUID; of a second version, `~002`.
PLAIN_ID = (
    r"^(?:[0-9a-fA-F]{1,64}(?:[:/-][0-9a-fA-F]{1,64})?|-?[0-9]{1,40}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:~[0-9]{3})?$"
)
_PLAIN_ID = re.compile(PLAIN_ID)
# Only with a dot: 4111 1111 1111 1111 and 457-55-5462 begin with a number as well.
_VERSION = re.compile(r"v?[0-9]{1,8}(?:\.[0-9]{1,8}){1,4}(?![0-9.])")
# What a template would take apart before the scanner has seen what it is: the markers of a key, an @ in disguise.
_IN_DISGUISE = re.compile(r"-----BEGIN|&#?\w{2,20};|%25|\\(?:u00|x)[0-9a-f]", re.IGNORECASE)
_NAMED_ADDRESS = re.compile(r"([^<>]{0,256})<([^<>\s]{1,256}@[^<>\s]{1,256})>\s{0,8}")

# Treatments that do more than scan, which the scanner remembers.
_REMEMBERED = frozenset(("version", "url", "sql", "pseudonymise", "generalise"))


class Treatments:
    """Applies treatments to values; one per run of the stage, so that its scanner is made once."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring, *, with_names: bool = True) -> None:
        self._policy = policy
        self._keys = keys
        self._memory = Memory()
        self._scanner = Scanner(policy, keys, with_names=with_names, memory=self._memory)

    def apply(self, values: Iterable[str], treatment: Treatment) -> Mapping[str, Scanned]:
        """Each distinct value and what becomes of it; a text of None without refusal: dropped."""
        by_action: Mapping[str, Callable[[Iterable[str]], dict[str, Scanned]]] = {
            "keep": self._scanner.scan,
            "scan": partial(self._scanner.scan, reading="prose" if treatment.detail == "prose" else "technical"),
            "id": self._ids,
            "version": self._versions,
            "url": partial(self._reshaped, url_template),
            "sql": partial(self._reshaped, sql_template),
            "pseudonymise": partial(self._pseudonyms, treatment.detail),
            "generalise": partial(self._coarse, treatment.detail),
            "drop": lambda dropped: dict.fromkeys(dropped, Scanned(None, {})),
        }
        work = by_action[treatment.action]
        is_remembered = treatment.action in _REMEMBERED
        return self._memory.recall(str(treatment), values, work) if is_remembered else work(values)

    def propagate(self, text: str, known: tuple[Mention, ...], treatment: Treatment) -> Scanned:
        """A treated text with what its thread is known to hold replaced as well.

        A name that goes can give away another one beside it, so the text is treated again until nothing changes:
        anonymising twice changes nothing.
        """
        entities, before = Counter[str](), None
        while text != before:
            before = text
            for step in (partial(self._scanner.propagate, known=known), partial(self._applied, treatment)):
                result = step(text)
                if result.text is None:
                    return result
                entities.update(result.entities)
                text = result.text
        return Scanned(text, entities)

    def _applied(self, treatment: Treatment, value: str) -> Scanned:
        return self.apply([value], treatment)[value]

    def _ids(self, values: Iterable[str]) -> dict[str, Scanned]:
        scanned, texts = {}, []
        for value in values:
            if _PLAIN_ID.fullmatch(value):
                scanned[value] = Scanned(value, {})
            else:
                texts.append(value)
        return scanned | self._scanner.scan(texts)

    def _versions(self, values: Iterable[str]) -> dict[str, Scanned]:
        """The numbers at the front stay (1.2.3.4 is a version here), what follows them is scanned."""
        heads = {value: found[0] if (found := _VERSION.match(value)) else "" for value in values}
        rests = self._scanner.scan(value[len(head) :] for value, head in heads.items())
        scanned = {}
        for value, head in heads.items():
            rest = rests[value[len(head) :]]
            text = None if rest.text is None else head + rest.text
            scanned[value] = Scanned(text, rest.entities, rest.refusal)
        return scanned

    def _reshaped(self, reshape: Callable[[str], str], values: Iterable[str]) -> dict[str, Scanned]:
        # What is too long is left to the scanner, which refuses it.
        longest = self._policy.longest_text
        distinct = set(values)
        first = self._scanner.scan(value for value in distinct if _IN_DISGUISE.search(value))
        undisguised = {value: (first[value].text or "") if value in first else value for value in distinct}
        shaped = {value: text if len(value) > longest else reshape(text) for value, text in undisguised.items()}
        scanned = self._scanner.scan(shaped.values())
        return {value: _then(first.get(value), scanned[shape]) for value, shape in shaped.items()}

    def _pseudonyms(self, entity: str, values: Iterable[str]) -> dict[str, Scanned]:
        return {value: self._pseudonym(entity, value) for value in values}

    def _pseudonym(self, entity: str, value: str) -> Scanned:
        if not value.strip():
            return Scanned(value, {})
        named = _NAMED_ADDRESS.fullmatch(value)
        found = []
        if named:
            value = named[2]
            if name := named[1].strip(" \"'"):
                found.append(Found(0, len(name), "PERSON", name))
        # An account keeps its kind, so that spans and tickets agree; any other value says itself what it is.
        shown = kind_of("USER", value) if entity != "ACCOUNT" else entity
        entity = entity if shown == "USER" else shown
        token = stand_in(entity, value, self._keys, region=self._policy.phone_region, is_removed=False)
        found.append(Found(0, len(value), entity, value))
        if entity == "EMAIL" and (spelt := name_spelt(value)):
            found.append(Found(0, len(spelt), "PERSON", spelt))
        return Scanned(token, counted((entity,) if token != value else ()), None, tuple(found))

    def _coarse(self, how: str, values: Iterable[str]) -> dict[str, Scanned]:
        coarsen = {"network": _network, "hour": _hour, "magnitude": _magnitude}[how]
        return {value: Scanned(coarsen(value.strip()), {}) for value in values}


def _then(first: Scanned | None, then: Scanned) -> Scanned:
    """What two scans found, one after the other; refused where the first was."""
    if first is None:
        return then
    if first.text is None:
        return first
    return Scanned(then.text, Counter(first.entities) + Counter(then.entities), then.refusal, first.found + then.found)


def _network(value: str) -> str | None:
    """203.0.113.7 -> 203.0.113.0/24, IPv6 -> /48; what is no address is dropped."""
    try:
        address = ipaddress.ip_interface(value.strip("[]"))
    except ValueError:
        return None
    width = min(address.network.prefixlen, 24 if address.version == 4 else 48)
    return str(ipaddress.ip_network(f"{address.ip}/{width}", strict=False))


def _hour(value: str) -> str | None:
    """A time in ISO form, or in s, ms, µs or ns since 1970, cut to its hour; anything else is dropped."""
    try:
        if value.isdigit():
            seconds = int(value[:10]) if len(value) in (10, 13, 16, 19) else -1
            time = datetime.fromtimestamp(seconds, UTC) if seconds >= 0 else None
        else:
            time = datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None
    return time.replace(minute=0, second=0, microsecond=0).isoformat() if time else None


def _magnitude(value: str) -> str | None:
    """4711 -> 1000-9999; what is no number is dropped."""
    if re.fullmatch(r"[0-9]{1,18}-[0-9]{1,18}", value):
        return value
    found = re.fullmatch(r"(-?)([0-9]{1,18})(?:\.[0-9]{1,18})?", value)
    if found is None:
        return None
    digits = len(str(int(found[2])))
    low = 0 if digits == 1 else 10 ** (digits - 1)
    return f"{found[1]}{low}-{10**digits - 1}"
