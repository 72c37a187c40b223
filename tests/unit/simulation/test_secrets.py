"""Made-up secrets have the checksums and forms of real ones: else a recognizer would rightly let them pass."""

from __future__ import annotations

import base64
import ipaddress
import json
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.simulation.secrets import GENERATORS

SEEDS = st.integers(0, 2**32 - 1)


def made(kind: str, seed: int) -> str:
    return GENERATORS[kind](np.random.default_rng(seed))


@settings(max_examples=50)
@given(SEEDS)
def test_checksums_hold(seed: int) -> None:
    digits = [int(digit) for digit in made("card", seed)]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits))]
    assert sum(doubled) % 10 == 0
    iban = made("iban", seed)
    assert int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


@settings(max_examples=50)
@given(SEEDS)
def test_forms_hold(seed: int) -> None:
    assert ipaddress.ip_address(made("ipv4", seed)).version == 4
    assert ipaddress.ip_address(made("ipv6", seed)).compressed == made("ipv6", seed)
    header = made("jwt", seed).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["typ"] == "JWT"
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made("aws_key", seed))
    assert re.fullmatch(r"ghp_[A-Za-z0-9]{36}", made("github_token", seed))
    assert re.fullmatch(r"[a-z.]+\d+@mail\.example\.org", made("email", seed))
    assert re.fullmatch(
        r"-----BEGIN RSA PRIVATE KEY-----\n(.{64}\n){3}-----END RSA PRIVATE KEY-----", made("pem_key", seed)
    )
