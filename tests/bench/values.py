"""Made-up values of every type of identifier, valid by their checksums; the same for the same random state."""

from __future__ import annotations

import base64
import json
from ipaddress import IPv6Address
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits

ALPHANUMERIC = ascii_letters + digits
_BASE64, _HEX, _URL_SAFE = ALPHANUMERIC + "+/", digits + "abcdef", ALPHANUMERIC + "-_"
_FIRST = "Ada Oluwaseun Priya Jean-Luc Zoë Mateo Björn Ingrid Wei Fatima Siobhán Nikolai Grace Tomasz Amélie".split()
_LAST = "Lovelace Adebayo Raman Dubois Müller García Lindqvist O'Connor Chen Haddad Kowalski Novak Hopper".split()
_STREETS = "Maple Church Station Mill Lincoln Park Oak High Victoria King Cedar Bridge Elm Queen".split()
_CITIES = "Springfield Portland Madison Dover Bristol Auburn Chester Salem Ashland Clayton".split()
_MONTHS = "January February March April May June July August September October November December".split()


def some(rng: Random, alphabet: str, size: int) -> str:
    """Characters of the alphabet."""
    return "".join(rng.choices(alphabet, k=size))


def key_of(rng: Random, alphabet: str, size: int) -> str:
    """As some, with a digit, an upper- and a lower-case letter for certain where the alphabet has them."""
    kinds = [kind for kind in (digits, ascii_uppercase, ascii_lowercase) if set(kind) <= set(alphabet)]
    body = [*(rng.choice(kind) for kind in kinds), *rng.choices(alphabet, k=size - len(kinds))]
    rng.shuffle(body)
    return "".join(body)


def number(rng: Random, size: int) -> str:
    """Digits, the first not zero."""
    return rng.choice("123456789") + some(rng, digits, size - 1)


def luhn(body: str) -> str:
    """The digits with their control digit."""
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body), start=0))
    doubled = [int(digit) * 2 if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(body))]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return body + str(-total % 10)


_ISSUERS = {
    "4": 16, "51": 16, "55": 16, "2221": 16, "2720": 16, "34": 15, "37": 15, "36": 14, "6011": 16, "65": 16,
    "3530": 16, "62": 16, "5018": 16,
}  # fmt: skip


def card(rng: Random) -> str:
    """A payment card of one of nine issuers, in groups or not."""
    prefix = rng.choice(sorted(_ISSUERS))
    digits_ = luhn(prefix + some(rng, digits, _ISSUERS[prefix] - len(prefix) - 1))
    separator = rng.choice(("", "", " ", "-"))
    if len(digits_) == 16:
        return separator.join(digits_[place : place + 4] for place in range(0, 16, 4))
    return separator.join((digits_[:4], digits_[4:10], digits_[10:]))


def card_digits(rng: Random) -> str:
    """A payment card as a number."""
    return "".join(filter(str.isdigit, card(rng)))


_BBAN = {
    "DE": "n" * 18, "FR": "n" * 10 + "c" * 11 + "nn", "GB": "aaaa" + "n" * 14, "ES": "n" * 20, "NL": "aaaa" + "n" * 10,
    "IT": "a" + "n" * 10 + "c" * 12, "CH": "n" * 5 + "c" * 12, "PL": "n" * 24, "NO": "n" * 11, "BE": "n" * 12,
    "MT": "aaaa" + "n" * 5 + "c" * 18, "SE": "n" * 20, "AT": "n" * 16,
}  # fmt: skip
_CLASSES = {"n": digits, "a": ascii_uppercase, "c": ascii_uppercase + digits}


def iban(rng: Random) -> str:
    """An IBAN of one of 13 countries, in groups of four or not, sometimes in lower case."""
    country = rng.choice(sorted(_BBAN))
    account = "".join(rng.choice(_CLASSES[kind]) for kind in _BBAN[country])
    control = 98 - int("".join(str(int(character, 36)) for character in f"{account}{country}00")) % 97
    whole = f"{country}{control:02}{account}"
    if rng.random() < 0.4:
        whole = " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))
    return whole.lower() if rng.random() < 0.1 else whole


def ssn(rng: Random) -> str:
    """A social security number, with dashes."""
    area = rng.choice([area for area in range(1, 900) if area != 666])
    return f"{area:03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def ssn_any(rng: Random) -> str:
    """A social security number with dashes, spaces or nothing."""
    return ssn(rng).replace("-", rng.choice(("-", " ", "")))


def nino(rng: Random) -> str:
    """A national insurance number."""
    letters = rng.choice("ABCEGHJKLMOPRSTWXYZ") + rng.choice("ABCEGHJKLMPRSTWXYZ")
    if letters in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
        letters = "AB"
    pairs = [letters, *(some(rng, digits, 2) for _ in range(3)), rng.choice("ABCD")]
    return rng.choice(("", " ")).join(pairs)


def nhs(rng: Random) -> str:
    """An NHS number with its control digit."""
    while True:
        body = number(rng, 9)
        control = 11 - sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), body, strict=True)) % 11
        if control != 10:
            whole = body + str(control % 11)
            return rng.choice(("", " ", "-")).join((whole[:3], whole[3:6], whole[6:]))


def passport(rng: Random) -> str:
    """A passport number as several countries write them."""
    forms = (number(rng, 9), rng.choice(ascii_uppercase) + some(rng, digits, 8),
             rng.choice(ascii_uppercase) * 2 + some(rng, digits, 7), "C" + some(rng, "0123456789FGHJKLMNPRTVWXYZ", 3) + some(rng, digits, 5))  # fmt: skip
    return rng.choice(forms)


def licence(rng: Random) -> str:
    """A driving licence number as several states write them."""
    letter = rng.choice(ascii_uppercase)
    forms = (letter + some(rng, digits, 7), f"{letter}{some(rng, digits, 3)}-{some(rng, digits, 4)}-{some(rng, digits, 4)}",
             number(rng, 9), some(rng, ascii_uppercase, 5) + some(rng, digits, 6) + "AB9" + letter + "C", letter + some(rng, digits, 12))  # fmt: skip
    return rng.choice(forms)


def birth_date(rng: Random) -> str:
    """A date in one of seven spellings."""
    year, month, day = rng.randint(1930, 2012), rng.randint(1, 12), rng.randint(1, 28)
    name = _MONTHS[month - 1]
    forms = (f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{day:02}.{month:02}.{year}",
             f"{month}/{day}/{year}", f"{day} {name} {year}", f"{name} {day}, {year}", f"{year}{month:02}{day:02}")  # fmt: skip
    return rng.choice(forms)


def postal_code(rng: Random) -> str:
    """A postal code of the US, the UK, Germany, Canada or the Netherlands."""
    forms = (some(rng, digits, 5), f"{some(rng, digits, 5)}-{some(rng, digits, 4)}", f"SW{rng.randint(1, 19)} {rng.randint(1, 9)}AA",
             f"K{rng.randint(1, 9)}A {rng.randint(0, 9)}B{rng.randint(1, 9)}", f"{number(rng, 4)} AB")  # fmt: skip
    return rng.choice(forms)


def street_us(rng: Random) -> str:
    """A street address as in the US."""
    street = f"{rng.randint(1, 9999)} {rng.choice(_STREETS)} {rng.choice(('Street', 'St', 'Ave', 'Road', 'Blvd', 'Lane', 'Drive'))}"
    flat = rng.choice(("", "", f" Apt {rng.randint(1, 99)}", f", Suite {rng.randint(100, 999)}"))
    city = f", {rng.choice(_CITIES)}, {rng.choice(('IL', 'OR', 'TX', 'CA', 'NY'))} {number(rng, 5)}"
    return street + flat + rng.choice(("", city))


def street_uk(rng: Random) -> str:
    """A street address as in the UK."""
    street = f"{rng.randint(1, 250)}{rng.choice(('', '', 'a', 'B'))} {rng.choice(_STREETS)} {rng.choice(('Road', 'Close', 'Gardens', 'Terrace', 'Lane'))}"
    return street + rng.choice(("", f", London {rng.choice(('NW1', 'SE15', 'E2'))} {rng.randint(1, 9)}XE"))


def street_de(rng: Random) -> str:
    """A street address as in Germany."""
    street = rng.choice(("Hauptstraße", "Bahnhofstr.", "Goetheweg", "Berliner Allee", "Am Marktplatz", "Lindenstrasse"))
    return f"{street} {rng.randint(1, 200)}{rng.choice(('', '', 'a'))}" + rng.choice(("", f", {number(rng, 5)} Berlin"))


def street_fr(rng: Random) -> str:
    """A street address as in France."""
    street = rng.choice(("rue de la Paix", "avenue Victor Hugo", "boulevard Saint-Michel", "place du Marché", "rue Molière"))
    return f"{rng.randint(1, 200)}{rng.choice((', ', ' '))}{street}" + rng.choice(("", f", {number(rng, 5)} Lyon"))


def phone_international(rng: Random) -> str:
    """A number with its country code, in the spellings people use."""
    forms = (f"+49 30 {number(rng, 7)}", f"+4917{rng.randint(0, 9)}{number(rng, 7)}", f"+44 20 7{some(rng, digits, 3)} {some(rng, digits, 4)}",
             f"+33 6 {' '.join(some(rng, digits, 2) for _ in range(4))}", f"+1-{rng.randint(201, 989)}-{rng.randint(200, 999)}-{some(rng, digits, 4)}",
             f"+1 ({rng.randint(201, 989)}) {rng.randint(200, 999)}-{some(rng, digits, 4)}", f"+91 98{number(rng, 8)}", f"0049 30 {number(rng, 7)}",
             f"+34 6{number(rng, 8)}", f"+353 1 {some(rng, digits, 3)} {some(rng, digits, 4)}")  # fmt: skip
    return rng.choice(forms)


def phone_national(rng: Random) -> str:
    """A number without a country code, which takes a label to tell."""
    forms = (f"030 {number(rng, 7)}", f"0171{number(rng, 7)}", f"020 7{some(rng, digits, 3)} {some(rng, digits, 4)}", f"089/{number(rng, 6)}",
             f"06 {' '.join(some(rng, digits, 2) for _ in range(4))}", number(rng, 10), f"(0{rng.randint(20, 99)}) {number(rng, 7)}",
             f"9{rng.randint(1, 9)} {some(rng, digits, 3)} {some(rng, digits, 2)} {some(rng, digits, 2)}")  # fmt: skip
    return rng.choice(forms)


def phone_us(rng: Random) -> str:
    """A number as in the US, without the country code."""
    area, middle, last = rng.randint(201, 989), rng.randint(200, 999), some(rng, digits, 4)
    return rng.choice((f"({area}) {middle}-{last}", f"{area}-{middle}-{last}", f"{area}.{middle}.{last}"))


def email(rng: Random) -> str:
    """An e-mail address."""
    name = rng.choice(_FIRST).lower().replace("ë", "e").replace("á", "a").replace("ö", "o").replace("é", "e")
    local = rng.choice((f"{name}.{some(rng, 'abcdeilmnost', 6)}", f"{name}+{rng.randint(1, 99)}", f"{name}_{rng.randint(1, 99)}", f"{name[0]}{rng.randint(1, 99)}"))
    return f"{local}@{rng.choice(('example.com', 'mail.example.co.uk', 'my-shop.io', 'web.de'))}"


def ipv4(rng: Random) -> str:
    """An address, private or public."""
    return rng.choice((f"203.0.{rng.randint(0, 255)}.{rng.randint(1, 254)}", f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"))


def ipv6(rng: Random) -> str:
    """An address in a long or a short spelling."""
    parts = [rng.randint(0x1000, 0xFFFF) for _ in range(4)]
    short = f"2001:db8::{parts[0]:x}:{parts[1]:x}"
    return rng.choice((short, f"fe80::{parts[2]:x}:{parts[3]:x}", IPv6Address(short).exploded, IPv6Address(short).exploded.upper()))


def mac(rng: Random) -> str:
    """A hardware address."""
    pairs = [f"{rng.randint(0, 255):02x}" for _ in range(6)]
    return rng.choice((":".join(pairs), "-".join(pairs).upper()))


def imei(rng: Random) -> str:
    """A phone's serial number."""
    return luhn("35" + some(rng, digits, 12))


def uuid(rng: Random) -> str:
    """A random UUID in either case."""
    whole = "-".join(some(rng, _HEX, size) for size in (8, 4, 4, 4, 12))
    return whole.upper() if rng.random() < 0.4 else whole


def device(rng: Random) -> str:
    """A device's identifier: a UUID, 16 hexadecimal digits or a serial number."""
    return rng.choice((uuid(rng), some(rng, _HEX, 15) + "7", f"R58M{some(rng, ascii_uppercase + digits, 4)}{some(rng, digits, 3)}"))


def host(rng: Random) -> str:
    """A machine's name."""
    n = rng.randint(1, 99)
    return rng.choice((f"web-{n}.corp.example.com", f"db{n}.internal", f"DESKTOP-{some(rng, ascii_uppercase, 4)}{n}", f"ip-10-0-3-{n}", f"laptop-{some(rng, 'aeilmnost', 5)}{n}"))


def latitude(rng: Random) -> str:
    """Degrees with a fraction."""
    return f"{rng.uniform(-80, 80):.{rng.randint(3, 7)}f}"


def coordinates(rng: Random) -> str:
    """Two of them."""
    return f"{rng.uniform(-80, 80):.5f}{rng.choice((', ', ','))}{rng.uniform(-179, 179):.5f}"


def user(rng: Random) -> str:
    """A login."""
    name = some(rng, "abcdeilmnost", 6)
    return rng.choice((f"{name}_{rng.randint(1, 99)}", name, f"{name[:2]}.{name}", f"{name}{rng.randint(1, 999)}", f"{name[0]}{name}-x", name.title()))


def home(rng: Random) -> str:
    """A login that names a home folder."""
    return rng.choice((some(rng, "abcdeilmnost", 6), f"{some(rng, 'abcdeilmnost', 5)}.{some(rng, 'aeo', 3)}", f"u{rng.randint(1, 999)}x"))


def account(rng: Random) -> str:
    """The identifier of a customer, an employee or an account."""
    return rng.choice((number(rng, 6), f"C-{number(rng, 5)}", f"acct_{some(rng, _HEX, 10)}1", f"EMP{number(rng, 4)}", f"{rng.choice(ascii_uppercase)}{number(rng, 7)}", uuid(rng)))


def person(rng: Random) -> str:
    """First and last name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def first_name(rng: Random) -> str:
    """A first name."""
    return rng.choice(_FIRST)


def bank_account(rng: Random) -> str:
    """A bank account's number."""
    return number(rng, rng.choice((8, 10, 12)))


def routing(rng: Random) -> str:
    """A routing number with its control digit."""
    body = "0" + some(rng, "123", 1) + some(rng, digits, 6)
    total = sum(weight * int(digit) for weight, digit in zip((3, 7, 1, 3, 7, 1, 3, 7), body, strict=True))
    return body + str(-total % 10)


def sort_code(rng: Random) -> str:
    """The code of a British bank's branch."""
    return "-".join(some(rng, digits, 2) for _ in range(3))


def tax_id(rng: Random) -> str:
    """A tax or national identity number of one of several countries."""
    forms = (number(rng, 11), f"{number(rng, 2)}-{some(rng, digits, 7)}", f"{some(rng, digits, 8)}{rng.choice('TRWAGMYFPDXBNJZSQVHLCKE')}",
             f"9{some(rng, digits, 2)}-7{rng.randint(0, 9)}-{some(rng, digits, 4)}", f"{some(rng, digits, 3)}.{some(rng, digits, 3)}.{some(rng, digits, 3)}-{some(rng, digits, 2)}")  # fmt: skip
    return rng.choice(forms)


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
    return rng.choice((key_of(rng, ALPHANUMERIC + "!?#@$*", 12), f"Winter{rng.randint(2000, 2030)}!", f"{some(rng, ascii_lowercase, 5)}{rng.randint(10, 999)}", f"{some(rng, ascii_lowercase, 8)}"))


def opaque(rng: Random) -> str:
    """A key without a form of its own."""
    return rng.choice((key_of(rng, ALPHANUMERIC, rng.choice((20, 32, 40))), some(rng, _HEX, 31) + "7", key_of(rng, _URL_SAFE, 24)))


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
