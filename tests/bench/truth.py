"""Which characters of real log lines are personal: the yardstick for what is masked without need.

The method: rules written from reading the log families of Loghub, Loki, Elastic, AWS and Nezha, not from the product's
patterns. Personal are network and hardware addresses, e-mail addresses, names of hosts and users where these
families write them, home folders, sessions, the ids in paths that name people, and the one card and street address
of Nezha's orders. Everything else is not: times, ports, ids of traces, blocks, requests and containers, versions of
browsers, class names, URLs. A rule that is missing here counts against whoever masks the value.
"""

from __future__ import annotations

import ipaddress
import re

_OCTETS = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_COLONS = re.compile(r"(?<![0-9A-Za-z:])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}(?:\.[0-9]{1,3}){0,3}(?![0-9A-Za-z:.])")
_BROWSER = re.compile(r"(?:Chrome|Safari|Version|Firefox|OPR|GSA|CriOS|Edge|FBAV|[Bb]rowser)/$")
# The group is what is personal.
_RULES = tuple(
    re.compile(rule)
    for rule in (
        r"([\w.+'-]+@[\w-]+(?:\.[\w-]+)+)",
        r"(?<![0-9A-Fa-f:-])((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2})(?![0-9A-Fa-f:-])",
        # hosts: after an address in brackets, in fields, in private domains
        r"(?:from|FROM) [0-9.]+ \(([\w.-]+)\)",
        r"(?:rhost=|[hH]ost:? ?[='\"]+|host\.name=|hostname[\\\"]+:[\\\"]+)([A-Za-z0-9][\w.-]*[A-Za-z][\w.-]*)",
        r"((?:[\w-]+\.)+(?:internal|corp|lan)(?:\.[\w-]+\.com)?)\b",
        r"([A-Za-z][\w-]*[0-9-][\w-]*(?:\.[\w-]+)*)/(?=[0-9]+(?:\.[0-9]+){3}\b)",
        # users: pam, sshd, su, Zookeeper's environment, Nezha's calls
        r"\b(?:user|logname|ruser)=([\w.@+-]+)",
        r"(?:for|invalid|illegal) user ([\w.@+-]+)",
        r"(?:password|publickey) for (?!invalid|illegal)([\w.@+-]+)",
        r"user\.name=([\w.-]+)",
        r"user_?[iI]d[\\\"]*[=:] ?[\\\"]*([0-9a-f-]{36})",
        r"(?:/home/|[Uu]sers[/\\]+)([\w.-]+)",
        r"/(?:user|player|profile)s?/([0-9a-f]{24})\b",
        # sessions
        r"(?:sessionid:? ?|session |client: ?)(0x[0-9a-f]{6,})",
        r"\b(?:sid|PHPSESSID|s)=([0-9a-f]{32})\b",
        r"\bstate=([\w-]{20,})",
        # Nezha's orders
        r"card_number[\\\"]+:[\\\"]+([0-9-]{15,19})",
        r"street_address:[\\\"]+([^\\\"]+)",
        r"zip_code:[\\\"]*([0-9]{5})",
    )
)


def personal(line: str) -> set[int]:
    """The places of a line's personal characters."""
    places: set[int] = set()
    for rule in _RULES:
        for found in rule.finditer(line):
            places.update(range(*found.span(1)))
    for shape in (_OCTETS, _COLONS):
        for found in shape.finditer(line):
            if _is_address(found[0]) and not _BROWSER.search(line[: found.start()]):
                places.update(range(*found.span()))
    return places


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
