"""Made-up personal data and secrets in the exact forms real ones have; none of them opens or reaches anything."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping

import numpy as np
import orjson

from orchestration.simulation.people import full_name

PERSON = "person"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALNUM = _UPPER + _UPPER.lower() + "0123456789"
_FIRST = ("anna", "boris", "chen", "diego", "emeka", "farah", "greta", "hiro", "ines", "jonas", "kavya", "liam")
_LAST = ("okafor", "lindqvist", "moreau", "tanaka", "novak", "haddad", "silva", "weber", "ivanova", "castillo")


def _pick(rng: np.random.Generator, alphabet: str, length: int) -> str:
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), length))


def _word(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def _email(rng: np.random.Generator) -> str:
    return f"{_word(rng, _FIRST)}.{_word(rng, _LAST)}{rng.integers(100, 99999)}@mail.example.org"


def _phone(rng: np.random.Generator) -> str:
    forms = (
        lambda: f"+49 30 {rng.integers(200, 999)}{rng.integers(10_000, 99_999)}",
        lambda: f"+1 212-{rng.integers(200, 999)}-{rng.integers(1000, 9999)}",
        lambda: f"+44 20 7946 {rng.integers(1000, 9999)}",
    )
    return forms[int(rng.integers(len(forms)))]()


def _ipv4(rng: np.random.Generator) -> str:
    return f"{rng.integers(11, 99)}.{rng.integers(1, 255)}.{rng.integers(1, 255)}.{rng.integers(1, 255)}"


def _ipv6(rng: np.random.Generator) -> str:
    groups = ":".join(f"{g:x}" for g in rng.integers(1, 65_536, 6))
    return str(ipaddress.IPv6Address(f"2a02:{rng.integers(16, 65_536):x}:{groups}"))


def _card(rng: np.random.Generator) -> str:
    digits = [4, *(int(d) for d in rng.integers(0, 10, 14))]
    total = sum(d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))  # Luhn, 15 digits given
    return "".join(map(str, [*digits, -total % 10]))


def _iban(rng: np.random.Generator) -> str:
    account = "".join(map(str, rng.integers(0, 10, 18)))
    check = 98 - int(account + "131400") % 97  # DE00 moved to the back, letters as numbers (ISO 13616)
    return f"DE{check:02d}{account}"


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def _jwt(rng: np.random.Generator) -> str:
    claims = {"sub": str(rng.integers(10**6, 10**9)), "iat": int(rng.integers(1_600_000_000, 1_800_000_000))}
    return f"{_b64({'alg': 'HS256', 'typ': 'JWT'})}.{_b64(claims)}.{_pick(rng, _ALNUM, 43)}"


def _pem(rng: np.random.Generator) -> str:
    body = "\n".join(_pick(rng, _ALNUM + "+/", 64) for _ in range(3))
    kind = "PRIVATE KEY"
    return f"-----BEGIN RSA {kind}-----\n{body}\n-----END RSA {kind}-----"


# A canary's whole value must be gone behind landing. In `password=...` and its like, the value is the secret alone.
GENERATORS: Mapping[str, Callable[[np.random.Generator], str]] = {
    "email": _email,
    "phone": _phone,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "card": _card,
    "iban": _iban,
    "jwt": _jwt,
    "bearer_token": lambda rng: _pick(rng, _ALNUM, 40),
    "aws_key": lambda rng: "AKIA" + _pick(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "github_token": lambda rng: "ghp_" + _pick(rng, _ALNUM, 36),
    "password": lambda rng: _pick(rng, _ALNUM, 10) + "!" + _pick(rng, "0123456789", 3),
    "cookie": lambda rng: _pick(rng, "0123456789abcdef", 32),
    "connection_string": lambda rng: (
        f"postgresql://svc_{_pick(rng, 'abcdef', 5)}:{_pick(rng, _ALNUM, 16)}"
        f"@db{rng.integers(1, 99)}.prod.example.net:5432/app"
    ),
    "pem_key": _pem,
    PERSON: full_name,
}
