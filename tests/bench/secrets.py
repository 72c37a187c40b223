"""Made-up secrets: keys of vendors by their form, tokens, cookies, passwords."""

from __future__ import annotations

import base64
import json
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits

from tests.bench.values import ALPHANUMERIC, key_of, number, some, user, uuid

_BASE64, _HEX, _URL_SAFE = ALPHANUMERIC + "+/", digits + "abcdef", ALPHANUMERIC + "-_"


def jwt(rng: Random) -> str:
    """A signed token."""
    header = {"alg": rng.choice(("HS256", "RS256", "ES256")), "typ": "JWT", "kid": some(rng, _HEX, 8)}
    claims = {"sub": number(rng, 10), "iat": rng.randint(10**9, 2 * 10**9)}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join((*parts, some(rng, _URL_SAFE, 43)))


def basic(rng: Random) -> str:
    """user:password in base64."""
    return base64.b64encode(f"{user(rng)}:{password(rng)}".encode()).decode()


def password(rng: Random) -> str:
    """A password with odd characters."""
    return rng.choice(
        (
            key_of(rng, ALPHANUMERIC + "!?#@$*", 12),
            f"Winter{rng.randint(2000, 2030)}!",
            f"{some(rng, ascii_lowercase, 5)}{rng.randint(10, 999)}",
            f"{some(rng, ascii_lowercase, 8)}",
        )
    )


def opaque(rng: Random) -> str:
    """A key without a form of its own."""
    return rng.choice(
        (key_of(rng, ALPHANUMERIC, rng.choice((20, 32, 40))), some(rng, _HEX, 31) + "7", key_of(rng, _URL_SAFE, 24))
    )


def random_key(rng: Random) -> str:
    """A long key of all kinds of characters: told by its looks alone."""
    return key_of(rng, ALPHANUMERIC, rng.choice((40, 43, 48)))


def cookie(rng: Random) -> str:
    """The cookies of a request."""
    return f"theme=dark; sid={key_of(rng, ALPHANUMERIC, 20)}; _ga=GA1.2.{number(rng, 9)}.{number(rng, 10)}"


def session(rng: Random) -> str:
    """A session's identifier."""
    return rng.choice((key_of(rng, ALPHANUMERIC, 24), some(rng, _HEX, 31) + "4", uuid(rng)))


def pem(rng: Random) -> str:
    """A private key of three lines."""
    kind = rng.choice(("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""))
    lines = "\n".join(some(rng, _BASE64, 64) for _ in range(3))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def ssh_key(rng: Random) -> str:
    """A public key as in authorized_keys: it names one person's machine."""
    return f"{rng.choice(('ssh-rsa', 'ssh-ed25519'))} AAAA{some(rng, _BASE64, 120)}"


def credentials(rng: Random) -> str:
    """User and password of a connection string."""
    return f"{some(rng, 'abcdeilmnost', 5)}:{key_of(rng, ALPHANUMERIC, 12)}"


_VENDORS = {
    "aws_key": (("AKIA", "ASIA"), ascii_uppercase + "234567", 16),
    "gcp_key": (("AIza",), _URL_SAFE, 35),
    "github_token": (("ghp_", "gho_", "ghs_"), ALPHANUMERIC, 36),
    "gitlab_token": (("glpat-",), _URL_SAFE, 20),
    "stripe_key": (("sk_live_", "rk_test_", "pk_live_"), ALPHANUMERIC, 24),
    "slack_token": (("xoxb-", "xoxp-"), digits + "-" + ascii_letters, 40),
    "openai_key": (("sk-", "sk-proj-"), ALPHANUMERIC, 48),
    "anthropic_key": (("sk-ant-api03-",), _URL_SAFE, 80),
    "npm_token": (("npm_",), ALPHANUMERIC, 36),
    "pypi_token": (("pypi-AgEIcHlwaS5vcmc",), _URL_SAFE, 60),
    "sendgrid_key": (("SG.abcdefghijklmnopqrstuv.",), _URL_SAFE, 43),
    "twilio_key": (("SK", "AC"), _HEX, 32),
    "digitalocean_token": (("dop_v1_",), _HEX, 64),
    "huggingface_token": (("hf_",), ascii_letters, 34),
    "shopify_token": (("shpat_",), hexdigits, 32),
    "databricks_token": (("dapi",), _HEX, 32),
    "vault_token": (("hvs.",), _URL_SAFE, 90),
    "newrelic_key": (("NRAK-",), ascii_uppercase + digits, 27),
    "grafana_token": (("glsa_",), ALPHANUMERIC + "_", 41),
    "telegram_token": (("123456789:AA",), _URL_SAFE, 33),
}  # fmt: skip
VENDOR_KEYS = tuple(sorted(_VENDORS))


def vendor_key(rng: Random, vendor: str) -> str:
    """A key of one vendor, of the vendor's form."""
    prefixes, alphabet, size = _VENDORS[vendor]
    return rng.choice(prefixes) + some(rng, alphabet, size - 1) + rng.choice([one for one in alphabet if one.isalnum()])


def azure_secret(rng: Random) -> str:
    """A client secret of Azure."""
    return f"{some(rng, ALPHANUMERIC, 3)}8Q~{some(rng, ALPHANUMERIC, 34)}"


def aws_secret(rng: Random) -> str:
    """A secret access key of AWS."""
    return key_of(rng, _BASE64, 40)
