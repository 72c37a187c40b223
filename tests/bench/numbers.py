"""Made-up numbers of cards, banks, states and phones, valid by their checksums."""

from __future__ import annotations

from random import Random
from string import ascii_uppercase, digits

from tests.bench.values import number, some


def luhn(body: str) -> str:
    """The digits with their control digit."""
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
    forms = (
        number(rng, 9),
        rng.choice(ascii_uppercase) + some(rng, digits, 8),
        rng.choice(ascii_uppercase) * 2 + some(rng, digits, 7),
        "C" + some(rng, "0123456789FGHJKLMNPRTVWXYZ", 3) + some(rng, digits, 5),
    )
    return rng.choice(forms)


def licence(rng: Random) -> str:
    """A driving licence number as several states write them."""
    letter = rng.choice(ascii_uppercase)
    forms = (
        letter + some(rng, digits, 7),
        f"{letter}{some(rng, digits, 3)}-{some(rng, digits, 4)}-{some(rng, digits, 4)}",
        number(rng, 9),
        some(rng, ascii_uppercase, 5) + some(rng, digits, 6) + "AB9" + letter + "C",
        letter + some(rng, digits, 12),
    )
    return rng.choice(forms)


def imei(rng: Random) -> str:
    """A phone's serial number."""
    return luhn("35" + some(rng, digits, 12))


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
    forms = (
        number(rng, 11),
        f"{number(rng, 2)}-{some(rng, digits, 7)}",
        f"{some(rng, digits, 8)}{rng.choice('TRWAGMYFPDXBNJZSQVHLCKE')}",
        f"9{some(rng, digits, 2)}-7{rng.randint(0, 9)}-{some(rng, digits, 4)}",
        f"{some(rng, digits, 3)}.{some(rng, digits, 3)}.{some(rng, digits, 3)}-{some(rng, digits, 2)}",
    )
    return rng.choice(forms)


def phone_international(rng: Random) -> str:
    """A number with its country code, in the spellings people use."""
    forms = (
        f"+49 30 {number(rng, 7)}",
        f"+4917{rng.randint(0, 9)}{number(rng, 7)}",
        f"+44 20 7{some(rng, digits, 3)} {some(rng, digits, 4)}",
        f"+33 6 {' '.join(some(rng, digits, 2) for _ in range(4))}",
        f"+1-{rng.randint(201, 989)}-{rng.randint(200, 999)}-{some(rng, digits, 4)}",
        f"+1 ({rng.randint(201, 989)}) {rng.randint(200, 999)}-{some(rng, digits, 4)}",
        f"+91 98{number(rng, 8)}",
        f"0049 30 {number(rng, 7)}",
        f"+34 6{number(rng, 8)}",
        f"+353 1 {some(rng, digits, 3)} {some(rng, digits, 4)}",
    )
    return rng.choice(forms)


def phone_national(rng: Random) -> str:
    """A number without a country code, which takes a label to tell."""
    forms = (
        f"030 {number(rng, 7)}",
        f"0171{number(rng, 7)}",
        f"020 7{some(rng, digits, 3)} {some(rng, digits, 4)}",
        f"089/{number(rng, 6)}",
        f"06 {' '.join(some(rng, digits, 2) for _ in range(4))}",
        number(rng, 10),
        f"(0{rng.randint(20, 99)}) {number(rng, 7)}",
        f"9{rng.randint(1, 9)} {some(rng, digits, 3)} {some(rng, digits, 2)} {some(rng, digits, 2)}",
    )
    return rng.choice(forms)


def phone_us(rng: Random) -> str:
    """A number as in the US, without the country code."""
    area, middle, last = rng.randint(201, 989), rng.randint(200, 999), some(rng, digits, 4)
    return rng.choice((f"({area}) {middle}-{last}", f"{area}-{middle}-{last}", f"{area}.{middle}.{last}"))
