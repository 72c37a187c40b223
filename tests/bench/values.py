"""Made-up values of every type of identifier, valid by their checksums; the same for the same random state."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

ALPHANUMERIC = ascii_letters + digits
_HEX = digits + "abcdef"
_FIRST = [
    "Ada",
    "Oluwaseun",
    "Priya",
    "Jean-Luc",
    "Zoë",
    "Mateo",
    "Björn",
    "Ingrid",
    "Wei",
    "Fatima",
    "Siobhán",
    "Nikolai",
    "Grace",
    "Tomasz",
    "Amélie",
]
_LAST = [
    "Lovelace",
    "Adebayo",
    "Raman",
    "Dubois",
    "Müller",
    "García",
    "Lindqvist",
    "O'Connor",
    "Chen",
    "Haddad",
    "Kowalski",
    "Novak",
    "Hopper",
]
_STREETS = [
    "Maple",
    "Church",
    "Station",
    "Mill",
    "Lincoln",
    "Park",
    "Oak",
    "High",
    "Victoria",
    "King",
    "Cedar",
    "Bridge",
    "Elm",
    "Queen",
]
_CITIES = ["Springfield", "Portland", "Madison", "Dover", "Bristol", "Auburn", "Chester", "Salem", "Ashland", "Clayton"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


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


def birth_date(rng: Random) -> str:
    """A date in one of seven spellings."""
    year, month, day = rng.randint(1930, 2012), rng.randint(1, 12), rng.randint(1, 28)
    name = _MONTHS[month - 1]
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"{day:02}/{month:02}/{year}",
        f"{day:02}.{month:02}.{year}",
        f"{month}/{day}/{year}",
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        f"{year}{month:02}{day:02}",
    )
    return rng.choice(forms)


def postal_code(rng: Random) -> str:
    """A postal code of the US, the UK, Germany, Canada or the Netherlands."""
    forms = (
        some(rng, digits, 5),
        f"{some(rng, digits, 5)}-{some(rng, digits, 4)}",
        f"SW{rng.randint(1, 19)} {rng.randint(1, 9)}AA",
        f"K{rng.randint(1, 9)}A {rng.randint(0, 9)}B{rng.randint(1, 9)}",
        f"{number(rng, 4)} AB",
    )
    return rng.choice(forms)


def street_us(rng: Random) -> str:
    """A street address as in the US."""
    kind = rng.choice(("Street", "St", "Ave", "Road", "Blvd", "Lane", "Drive"))
    street = f"{rng.randint(1, 9999)} {rng.choice(_STREETS)} {kind}"
    flat = rng.choice(("", "", f" Apt {rng.randint(1, 99)}", f", Suite {rng.randint(100, 999)}"))
    city = f", {rng.choice(_CITIES)}, {rng.choice(('IL', 'OR', 'TX', 'CA', 'NY'))} {number(rng, 5)}"
    return street + flat + rng.choice(("", city))


def street_uk(rng: Random) -> str:
    """A street address as in the UK."""
    kind = rng.choice(("Road", "Close", "Gardens", "Terrace", "Lane"))
    street = f"{rng.randint(1, 250)}{rng.choice(('', '', 'a', 'B'))} {rng.choice(_STREETS)} {kind}"
    return street + rng.choice(("", f", London {rng.choice(('NW1', 'SE15', 'E2'))} {rng.randint(1, 9)}XE"))


def street_de(rng: Random) -> str:
    """A street address as in Germany."""
    street = rng.choice(("Hauptstraße", "Bahnhofstr.", "Goetheweg", "Berliner Allee", "Am Marktplatz", "Lindenstrasse"))
    return f"{street} {rng.randint(1, 200)}{rng.choice(('', '', 'a'))}" + rng.choice(("", f", {number(rng, 5)} Berlin"))


def street_fr(rng: Random) -> str:
    """A street address as in France."""
    street = rng.choice(
        ("rue de la Paix", "avenue Victor Hugo", "boulevard Saint-Michel", "place du Marché", "rue Molière")
    )
    return f"{rng.randint(1, 200)}{rng.choice((', ', ' '))}{street}" + rng.choice(("", f", {number(rng, 5)} Lyon"))


def email(rng: Random) -> str:
    """An e-mail address."""
    name = rng.choice(_FIRST).lower().replace("ë", "e").replace("á", "a").replace("ö", "o").replace("é", "e")
    local = rng.choice(
        (
            f"{name}.{some(rng, 'abcdeilmnost', 6)}",
            f"{name}+{rng.randint(1, 99)}",
            f"{name}_{rng.randint(1, 99)}",
            f"{name[0]}{rng.randint(1, 99)}",
        )
    )
    return f"{local}@{rng.choice(('example.com', 'mail.example.co.uk', 'my-shop.io', 'web.de'))}"


def ipv4(rng: Random) -> str:
    """An address, private or public."""
    return rng.choice(
        (
            f"203.0.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
        )
    )


def ipv6(rng: Random) -> str:
    """An address in a long or a short spelling."""
    parts = [rng.randint(0x1000, 0xFFFF) for _ in range(4)]
    short = f"2001:db8::{parts[0]:x}:{parts[1]:x}"
    return rng.choice(
        (short, f"fe80::{parts[2]:x}:{parts[3]:x}", IPv6Address(short).exploded, IPv6Address(short).exploded.upper())
    )


def mac(rng: Random) -> str:
    """A hardware address."""
    pairs = [f"{rng.randint(0, 255):02x}" for _ in range(6)]
    return rng.choice((":".join(pairs), "-".join(pairs).upper()))


def uuid(rng: Random) -> str:
    """A random UUID in either case."""
    whole = "-".join(some(rng, _HEX, size) for size in (8, 4, 4, 4, 12))
    return whole.upper() if rng.random() < 0.4 else whole


def device(rng: Random) -> str:
    """A device's identifier: a UUID, 16 hexadecimal digits or a serial number."""
    return rng.choice(
        (uuid(rng), some(rng, _HEX, 15) + "7", f"R58M{some(rng, ascii_uppercase + digits, 4)}{some(rng, digits, 3)}")
    )


def host(rng: Random) -> str:
    """A machine's name."""
    n = rng.randint(1, 99)
    return rng.choice(
        (
            f"web-{n}.corp.example.com",
            f"db{n}.internal",
            f"DESKTOP-{some(rng, ascii_uppercase, 4)}{n}",
            f"ip-10-0-3-{n}",
            f"laptop-{some(rng, 'aeilmnost', 5)}{n}",
        )
    )


def latitude(rng: Random) -> str:
    """Degrees with a fraction."""
    return f"{rng.uniform(-80, 80):.{rng.randint(3, 7)}f}"


def coordinates(rng: Random) -> str:
    """Two of them."""
    return f"{rng.uniform(-80, 80):.5f}{rng.choice((', ', ','))}{rng.uniform(-179, 179):.5f}"


def user(rng: Random) -> str:
    """A login."""
    name = some(rng, "abcdeilmnost", 6)
    return rng.choice(
        (
            f"{name}_{rng.randint(1, 99)}",
            name,
            f"{name[:2]}.{name}",
            f"{name}{rng.randint(1, 999)}",
            f"{name[0]}{name}-x",
            name.title(),
        )
    )


def home(rng: Random) -> str:
    """A login that names a home folder."""
    return rng.choice(
        (
            some(rng, "abcdeilmnost", 6),
            f"{some(rng, 'abcdeilmnost', 5)}.{some(rng, 'aeo', 3)}",
            f"u{rng.randint(1, 999)}x",
        )
    )


def account(rng: Random) -> str:
    """The identifier of a customer, an employee or an account."""
    return rng.choice(
        (
            number(rng, 6),
            f"C-{number(rng, 5)}",
            f"acct_{some(rng, _HEX, 10)}1",
            f"EMP{number(rng, 4)}",
            f"{rng.choice(ascii_uppercase)}{number(rng, 7)}",
            uuid(rng),
        )
    )


def person(rng: Random) -> str:
    """First and last name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def first_name(rng: Random) -> str:
    """A first name."""
    return rng.choice(_FIRST)
