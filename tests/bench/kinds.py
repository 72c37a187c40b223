"""What is looked for: per type of identifier the labels that systems and people put before it, and made-up values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.bench import numbers, secrets, values

NEUTRAL = ("value", "input", "data", "arg", "payload", "info")


@dataclass(frozen=True)
class Kind:
    """One type of identifier.

    Attributes:
        labels: what stands before it, in words; each layout joins them in its own way.
        make: a value.
        is_labelled: whether it takes the label to tell it; else it is found by its own form.
        frames: what surrounds the value wherever it stands.
        collection: the segment before it in the path of a URL, where it is put there.
        not_in: layouts in which it does not occur, or cannot be told from something else.
    """

    labels: tuple[str, ...]
    make: Callable[[Random], str]
    is_labelled: bool = True
    frames: tuple[str, ...] = ("{}",)
    collection: str = ""
    not_in: frozenset[str] = frozenset()


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


# A row of a table is a label beside a value, and a header is a label beside a label: words need another sign.
_WORDS = frozenset(("table",))
# Whoever writes `is` in a sentence gives a number; a login, a secret or a name there can be any word.
_NO_SENTENCE = _WORDS | {"sentence"}
# Several lines, or a form that a URL's query has no place for.
_NO_URL = frozenset(("access log", "url query", "encoded url", "form", "url path"))
_NO_LINE = _NO_URL | {"header", "csv", "xml attribute", "table", "syslog", "stack trace", "java", "sentence"}
_NO_NUMBER = frozenset(("json number",))


def _free(make: Callable[[Random], str], *labels: str, not_in: frozenset[str] = frozenset()) -> Kind:
    return Kind((*labels, *NEUTRAL), make, is_labelled=False, not_in=not_in)


KINDS: Mapping[str, Kind] = {
    # people
    "email": _free(values.email, "email", "contact"),
    "phone, international": _free(numbers.phone_international, "phone", "mobile"),
    "phone, national": Kind(
        _labels(
            "phone, phone number, mobile, tel, telephone, fax, cell phone, telefon, handynummer, "
            "téléphone, teléfono, msisdn"
        ),
        numbers.phone_national,
    ),
    "phone, US": _free(numbers.phone_us, "phone", "contact"),
    "person, labelled": Kind(
        _labels(
            "first name, last name, full name, customer name, card holder name, given name, "
            "display name, vorname, nachname, prénom, apellido"
        ),
        values.person,
        not_in=_NO_SENTENCE,
    ),
    "birth date": Kind(
        _labels("date of birth, dob, birth date, birthday, geburtsdatum, date de naissance, fecha de nacimiento"),
        values.birth_date,
    ),
    "street, US": _free(values.street_us, "address", "street", "ship to", not_in=_NO_URL),
    "street, UK": _free(values.street_uk, "address", "street", not_in=_NO_URL),
    "street, German": _free(values.street_de, "adresse", "anschrift", not_in=_NO_URL),
    "street, French": _free(values.street_fr, "adresse", "rue", not_in=_NO_URL),
    "postal code": Kind(
        _labels("zip, zip code, postal code, postcode, plz, postleitzahl, code postal, código postal"),
        values.postal_code,
    ),
    "user": Kind(
        _labels(
            "user, username, user name, login, user id, login name, account name, benutzer, "
            "benutzername, usuario, utilisateur, actor"
        ),
        values.user,
        not_in=_NO_SENTENCE,
    ),
    "user in a home folder": Kind(
        NEUTRAL,
        values.home,
        is_labelled=False,
        frames=("/home/{}/x.log", "C:\\Users\\{}\\AppData", "/Users/{}/Library", "file:///home/{}/x"),
        not_in=frozenset(("url path",)),
    ),
    "customer id": Kind(
        _labels(
            "customer id, customer number, customer no, client id, cust id, kundennummer, "
            "numéro client, número de cliente, tenant id, member id, subscriber id"
        ),
        values.account,
        collection="customers",
    ),
    "employee id": Kind(
        _labels(
            "employee id, employee number, emp id, staff id, personalnummer, badge number, empleado id, mitarbeiter nr"
        ),
        values.account,
        collection="employees",
    ),
    "account id": Kind(
        _labels("account id, account, acct id, account code, patient id, student id, loyalty number, policy number"),
        values.account,
        collection="accounts",
        not_in=_NO_SENTENCE,
    ),
    # money and the state
    "card": _free(numbers.card, "card", "pan", "card number", "payment"),
    "iban": _free(numbers.iban, "iban", "account"),
    "bank account": Kind(
        _labels(
            "bank account, bank account number, account number, acct no, kontonummer, "
            "numéro de compte, número de cuenta, checking account"
        ),
        numbers.bank_account,
    ),
    "routing number": Kind(_labels("routing number, aba, aba number, routing, bank routing number"), numbers.routing),
    "sort code": Kind(_labels("sort code, bank sort code"), numbers.sort_code),
    "ssn": _free(numbers.ssn, "ssn", "id", not_in=_NO_NUMBER),
    "ssn, labelled": Kind(
        _labels("ssn, social security number, social security no, us ssn, social security"), numbers.ssn_any
    ),
    "nino": _free(numbers.nino, "nino", "ni number", "national insurance number"),
    "nhs number": Kind(_labels("nhs number, nhs, nhs no, nhs id"), numbers.nhs),
    "passport": Kind(
        _labels(
            "passport, passport number, passport no, reisepass, reisepassnummer, "
            "numéro de passeport, pasaporte, passport id"
        ),
        numbers.passport,
    ),
    "driving licence": Kind(
        _labels(
            "driver license, driving licence, drivers license number, dl number, license number, "
            "führerschein, permis de conduire, driver licence no"
        ),
        numbers.licence,
    ),
    "tax and national id": Kind(
        _labels("tax id, national id, tin, itin, cpf, dni, steuer id, identity card, personal id, tax number"),
        numbers.tax_id,
    ),
    # devices and places
    "ipv4": _free(values.ipv4, "client", "ip", "remote addr"),
    "ipv6": _free(values.ipv6, "client", "ip", "remote addr"),
    "mac": _free(values.mac, "mac", "hwaddr"),
    "imei": Kind(_labels("imei, imei number, device imei"), numbers.imei),
    "device id": Kind(
        _labels(
            "device id, device uuid, android id, serial number, device identifier, udid, "
            "device serial, hardware id, geräte id"
        ),
        values.device,
    ),
    "advertising id": Kind(_labels("idfa, gaid, advertising id, ad id, aaid, idfv"), values.uuid),
    "host": Kind(
        _labels("host, hostname, host name, computer name, fqdn, machine name, server name, workstation"),
        values.host,
        not_in=_NO_SENTENCE,
    ),
    "latitude, longitude": Kind(_labels("lat, latitude, lng, longitude, lon, geo lat"), values.latitude),
    "coordinates": Kind(_labels("gps, coordinates, location, lat lng, coords, geo, position"), values.coordinates),
    # secrets
    "jwt": _free(secrets.jwt, "token", "jwt"),
    "bearer token": Kind(
        ("authorization", *NEUTRAL),
        secrets.opaque,
        is_labelled=False,
        frames=("Bearer {}", "bearer {}"),
        not_in=_NO_URL | {"csv"},
    ),
    "basic credentials": Kind(
        ("authorization", *NEUTRAL), secrets.basic, is_labelled=False, frames=("Basic {}",), not_in=_NO_URL | {"csv"}
    ),
    "password": Kind(
        _labels(
            "password, passwd, pwd, pass, db password, user password, passwort, kennwort, "
            "contraseña, mot de passe, passphrase, new password"
        ),
        secrets.password,
        not_in=_NO_SENTENCE,
    ),
    "api key": Kind(
        _labels(
            "api key, api token, access token, secret key, client secret, auth token, refresh token, "
            "private key, app secret, access key, signing key, webhook secret, encryption key"
        ),
        secrets.opaque,
    ),
    "cookie": Kind(_labels("cookie, set cookie"), secrets.cookie, not_in=_NO_LINE | {"brackets", "braces", "env"}),
    "session id": Kind(
        _labels("session id, session, jsessionid, phpsessid, session token, sid, session key, sessid"),
        secrets.session,
        not_in=_NO_SENTENCE,
    ),
    "pem key": Kind(NEUTRAL, secrets.pem, is_labelled=False, not_in=_NO_LINE),
    "ssh key": Kind(NEUTRAL, secrets.ssh_key, is_labelled=False, not_in=_NO_URL),
    "connection string": Kind(
        NEUTRAL,
        secrets.credentials,
        is_labelled=False,
        frames=(
            "postgres://{}@db:5432/orders",
            "amqp://{}@mq/",
            "mongodb+srv://{}@c0.example.net/x",
            "redis://{}@cache:6379",
            "https://{}@git.example.com/r.git",
        ),
    ),
    "url secret": Kind(
        NEUTRAL,
        secrets.random_key,
        is_labelled=False,
        frames=(
            "https://x.io/o?sv=1&sig={}",
            "https://x.io/cb?access_token={}",
            "https://x.io/reset?token={}&n=1",
            "https://x.io/v?code={}",
        ),
        not_in=frozenset(("url path",)),
    ),
    "random key": _free(secrets.random_key, "x value", "cfg"),
    "azure secret": _free(secrets.azure_secret),
    "aws secret": Kind(_labels("aws secret access key, secret access key, aws secret key, secret"), secrets.aws_secret),
    "one-time code": Kind(
        _labels("otp, pin, cvv, cvc, verification code, security code, mfa code"),
        lambda rng: values.number(rng, rng.choice((4, 6))),
    ),
    **{vendor.replace("_", " "): _free(partial(secrets.vendor_key, vendor=vendor)) for vendor in secrets.VENDOR_KEYS},
}
