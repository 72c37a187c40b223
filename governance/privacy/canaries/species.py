"""What a canary of each entity looks like, and the sentences it stands in.

A value is written as a template: `<d4>` is drawn once for the deployment, `[d4]` for each partition and place (kind and
count), `%` is a check digit. What is looked for stands in braces: long enough that it occurs nowhere by chance. Where a
value is short by nature (a date of birth, a code), the reference behind it makes it so. `~` is the value's place in a
sentence. Whoever changes a species raises CODE_VERSION of the policy, so that days are planted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Species:
    """One form of one entity.

    Attributes:
        technical, prose: the sentence in logs and attributes, and in what people write.
        is_compact: it can also be written without blanks, and is looked for in that form as well.
    """

    name: str
    entity: str
    value: str
    technical: str
    prose: str
    is_compact: bool = False


# Read by the shipped name model as a name in whatever combination (tests/unit/privacy/canaries).
FIRST_NAMES = (
    *("Magdalena", "Katharine", "Elizabeth", "Alexandra", "Christina", "Stephanie", "Josephine"),
    *("Christopher", "Alexander", "Benjamin", "Nathaniel", "Jonathan", "Maximilian"),
)
MIDDLE_NAMES = (
    *("Louise", "Marie", "Anne", "Jane", "Helen"),
    *("Edward", "Thomas", "Henry", "Arthur", "George", "Robert"),
)
SURNAMES = (
    *("Anderson", "Bennett", "Davidson", "Eriksson", "Ferguson", "Gallagher", "Harrison", "Johansson"),
    *("Jefferson", "Kowalski", "Lindberg", "Martinez", "Nakamura", "Patterson", "Petersen"),
    *("Robinson", "Schneider", "Stevenson", "Thompson", "Vasquez", "Whitaker", "Williamson", "Zimmerman"),
    *("Morrison", "Sullivan", "Henderson", "Rodriguez", "Fernandez", "Andersen", "Gonzalez", "Hernandez"),
)

KINDS: Mapping[str, tuple[str, ...]] = {
    "a": tuple("abcdefghijkmnopqrstuvwxyz"),
    "d": tuple("0123456789"),
    "m": tuple("123456789"),
    "x": tuple("0123456789abcdef"),
    "u": tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "w": tuple("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"),
    "F": FIRST_NAMES,
    "M": MIDDLE_NAMES,
    "S": SURNAMES,
}

_REFERENCE = " ref <x6>[x10]"

SPECIES: tuple[Species, ...] = (
    Species(
        "email", "EMAIL", "ines.{<a8>[a8]}@mail.example.org", "delivery to ~ bounced", "please answer to ~ instead"
    ),
    Species(
        "phone", "PHONE", "{+49 151<d1> <d4> [d7]}", "sms to ~ not delivered", "you can call me at ~ after six", True
    ),
    Species("ipv6", "IP", "{2001:db8:<x4>:<x4>:[x4]:[x4]:[x4]:[x4]}", "peer ~ closed", "it fails from ~ at home"),
    Species("ipv4", "IP", f"{{198.18.[m2].[m2]{_REFERENCE}}}", "peer ~", "my address is ~"),
    Species("mac", "MAC", "{3e:<x2>:<x2>:[x2]:[x2]:[x2]}", "lease for ~ denied", "the router shows ~ only"),
    Species("imei", "IMEI", "{<d8>[d7]}", "imei=~ unknown", "my IMEI: ~ if it helps"),
    Species("user", "USER", "{<a6>[a8]}42", "login failed user=~ on console", "my username: ~ is rejected"),
    Species("account", "ACCOUNT", "{acct-<a4>[a10]}", "charge account_id=~ failed", "customer number: ~ on the bill"),
    Species("device", "DEVICE", "{4<x7>-[x4]-4[x3]-8[x3]-[x12]}", "idfa=~ seen", "the device id: ~ was lost"),
    Species("host", "HOST", "{web-<a6>[a8]}.corp.example.com", "auth rhost=~ refused", "hostname: ~ does not answer"),
    Species("address", "ADDRESS", "{[d3] <S1> [S1]-[S1] Road ref <x6>[x10]}", "shipping to ~", "I live at ~"),
    Species("postal_code", "POSTAL_CODE", f"{{94[d3]-[d4]{_REFERENCE}}}", "zip=~", "postcode: ~"),
    Species("birth_date", "BIRTH_DATE", f"{{193[d1]-0[m1]-1[d1]{_REFERENCE}}}", "dob=~", "my date of birth is ~"),
    Species("bank_account", "BANK_ACCOUNT", "{0<d8>[d9]}", "bank account ~ rejected", "my account number is ~ now"),
    Species("passport", "NATIONAL_ID", "{C<d1><u5>[d6]}", "passport_number=~ expired", "my passport number is ~ now"),
    Species("card", "CARD", "{4<d3> <d4> [d4] [d3]%}", "payment ~ declined", "I paid with ~ twice", True),
    Species("iban", "IBAN", "{DE%% <d4> <d4> [d4] [d4] [d2]}", "transfer to ~ failed", "send it to ~ please", True),
    Species("ssn", "SSN", f"{{5[m2]-[m2]-[m4]{_REFERENCE}}}", "ssn=~", "my SSN is ~"),
    Species("latitude", "COORDINATES", "{52.<d5>[d8]}", "lat=~ stored", "the map says lat: ~ for us"),
    Species("authorization", "SECRET:AUTHORIZATION", "{<w8>[w16]}", *("Authorization: ApiKey ~",) * 2),
    Species("basic", "SECRET:BASIC", "{<w8>[w16]}YTph", "sent Basic ~ and failed", "I send Basic ~ with curl"),
    Species("bearer", "SECRET:BEARER", "{<w8>[w16]}7Q", "sent Bearer ~ and failed", "I send Bearer ~ with curl"),
    Species("one_time_code", "SECRET:CODE", f"{{[d6]{_REFERENCE}}}", "otp=~", "verification code: ~"),
    Species("cookie", "SECRET:COOKIE", "{<w8>[w16]}", *("Cookie: theme=dark; sid=~",) * 2),
    Species("credentials", "SECRET:CREDENTIALS", "{<w8>[w12]}", *("to postgres://app:~@db:5432/orders",) * 2),
    Species("jwt", "SECRET:JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.{<w10>[w22]}", "got ~", "it says ~ to me"),
    Species(
        "private_key",
        "SECRET:PRIVATE_KEY",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA{<w12>[w32]}\n-----END RSA PRIVATE KEY-----",
        "loaded ~",
        "here is my key:\n~",
    ),
    Species("session", "SECRET:SESSION", "{<x8>[x24]}", "session_id=~ expired", "the page shows session_id=~ now"),
    Species("signature", "SECRET:URL", "{<w8>[w20]}", "GET /o?sv=2022&sig=~ failed", "I open /o?sv=2022&sig=~ daily"),
    Species("password", "SECRET:VALUE", "{<w6>[w10]}x7", 'retry with password="~" now', "my password is ~ since May"),
    Species("vendor_key", "SECRET:VENDOR_KEY", "{AKIA<u6>[u10]}", "key ~ is inactive", "we use ~ for uploads"),
    Species(
        "labelled_name", "PERSON", f"{{[F1] [M1] [S1]-[S1]{_REFERENCE}}}", 'customer_name="~" rejected', 'full name="~"'
    ),
)
# Only a name model finds these, and only where people write.
NAME = Species("name", "PERSON", f"{{[F1] [M1] [S1]-[S1]{_REFERENCE}}}", "", "My name is ~ and I cannot log in.")
# No pattern finds it: what hides it is that nothing unnamed passes.
UNCLASSIFIED = Species("unclassified", "UNCLASSIFIED", "{<a8>[a12]}", "", "")
