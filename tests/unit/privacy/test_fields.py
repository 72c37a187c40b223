"""Values by treatment: templates keep the shape, generalising keeps the neighbourhood, pseudonyms keep the identity."""

from uuid import UUID

import pytest

from governance.privacy.fields import Treatments
from governance.privacy.policy import Treatment
from governance.privacy.templates import sql_template, url_template


@pytest.mark.parametrize(
    ("url", "template"),
    [
        ("/api/v2/users/4711/orders", "/api/v2/users/{id}/orders"),
        ("/a/fbd160cc-2914-4dfc-bdc4-4291b4992581", "/a/{id}"),
        ("/u/bob@x.org", "/u/{id}"),
        ("/u/bob%40x.org", "/u/{id}"),
        ("/cart/checkout", "/cart/checkout"),
        ("/oauth2/token", "/oauth2/token"),
        ("https://user:pa@ss@x.io/p", "https://x.io/p"),
        ("https://x.io?token=abc", "https://x.io?token="),
        ("/s?q=my+name&bob@x.org=1", "/s?q=&{name}="),
        ("?a=1", "?a="),
        ("a=1&b=2", "a=&b="),
        ("", ""),
    ],
)
def test_a_url_becomes_its_template_and_stays_it(url: str, template: str) -> None:
    assert url_template(url) == template
    assert url_template(template) == template


@pytest.mark.parametrize(
    ("statement", "template"),
    [
        ("SELECT * FROM t1 WHERE name = 'O''Brien' AND n = 42", "SELECT * FROM t1 WHERE name = ? AND n = ?"),
        ("INSERT INTO t VALUES ('a', 1.5, \"b\", -3)", "INSERT INTO t VALUES (?, ?, ?, ?)"),
        ("SELECT 1 -- for bob\nFROM t /* bob */", "SELECT ? \nFROM t "),
        ("WHERE name = 'cut off", "WHERE name = ?"),
        ("WHERE name = 'it\\'s' OR x = E'a\\\\'", "WHERE name = ? OR x = ?"),
        ("WHERE a = $1 AND b = $$bob$$", "WHERE a = $1 AND b = ?"),
        ('SELECT "order_id" FROM "t"', 'SELECT "order_id" FROM "t"'),
        ('{"find": "users", "filter": {"name": "bob"}}', '{"find": ?, "filter": {"name": ?}}'),
        ("WHERE m = bob%40x.org AND n = 5 % 42", "WHERE m = bob%40x.org AND n = ? % ?"),  # left to the scanner
        ("alter user bob identified by hunter2secret", "alter user bob identified by ?"),
        ("SET PASSWORD FOR bob = hunter2secret", "SET PASSWORD FOR bob = ?"),
        ("create user bob identified by 'x y'", "create user bob identified by ?"),
        (
            "alter user bob identified with native_password by hunter2x",
            "alter user bob identified with native_password by ?",
        ),
        ("alter role app with password hunter2", "alter role app with password ?"),
        ("set password for 'bob'@'%' = hunter2", "set password for ?@? = ?"),
        ("", ""),
    ],
)
def test_a_statement_keeps_its_shape_and_loses_its_literals(statement: str, template: str) -> None:
    assert sql_template(statement) == template


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("v2", "v2"),
        ("20260301", "20260301"),
        ("1.4.0-rc1 4111 1111 1111 1111", "1.4.0-rc1 <CARD>"),
        ("4111 1111 1111 1111", "<CARD>"),
        ("4111-1111-1111-1111", "<CARD>"),
        ("358-88-1258", "<SSN>"),
    ],
)
def test_a_version_stays_and_a_number_that_only_begins_like_one_does_not(version, shown, policy, keys) -> None:
    assert Treatments(policy, keys).apply([version], Treatment(action="version"))[version].text == shown


@pytest.mark.parametrize("action", ["sql", "url"])
@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEzqkeymaterial123\n-----END RSA PRIVATE KEY-----",
        "mail joe%2540leakmail.com",
        "mail joe&#64;leakmail.com",
        "mail joe\\u0040leakmail.com",
    ],
)
def test_a_template_takes_nothing_apart_that_the_scanner_would_know_whole(action, text, policy, keys) -> None:
    shown = Treatments(policy, keys).apply([text], Treatment(action=action))[text]
    assert not any(part in str(shown.text) for part in ("keymaterial", "joe", "leakmail"))
    assert shown.entities


@pytest.mark.parametrize(
    ("how", "value", "coarse"),
    [
        ("network", "203.0.113.77", "203.0.113.0/24"),
        ("network", "203.0.113.0/24", "203.0.113.0/24"),
        ("network", "2001:db8:1:2::1", "2001:db8:1::/48"),
        ("network", "bob", None),
        ("hour", "2026-03-01T12:34:56+00:00", "2026-03-01T12:00:00+00:00"),
        ("hour", "1661145496154660034", "2022-08-22T05:00:00+00:00"),
        ("hour", "yesterday", None),
        ("magnitude", "4711", "1000-9999"),
        ("magnitude", "7.5", "0-9"),
        ("magnitude", "1000-9999", "1000-9999"),
        ("magnitude", "bob", None),
    ],
)
def test_generalising_keeps_the_neighbourhood_and_drops_what_it_cannot_read(how, value, coarse, policy, keys) -> None:
    result = Treatments(policy, keys).apply([value], Treatment(action="generalise", detail=how))[value]
    assert result.text == coarse


@pytest.mark.parametrize(
    ("detail", "value", "entity", "canonical"),
    [
        ("USER", "Alice@X.org", "EMAIL", "alice@x.org"),
        ("USER", "Alice <alice@x.org>", "EMAIL", "alice@x.org"),
        ("USER", "Alice", "USER", "alice"),
        ("USER", "+1 415 555 0132", "PHONE", "+14155550132"),
        ("IP", "2001:0DB8::0001", "IP", "2001:db8::1"),
        ("IP", "::ffff:203.0.113.7", "IP", "203.0.113.7"),
        ("IP", "[203.0.113.7]", "IP", "203.0.113.7"),
        ("IP", "२03.0.113.7\n", "IP", "203.0.113.7"),
        ("IP", "203.0.113.07", "IP", "203.0.113.07"),  # no address: as it is
        ("USER", "203.0.113.7", "IP", "203.0.113.7"),
        ("USER", "203.0.113.256", "USER", "203.0.113.256"),
        ("ACCOUNT", "acct-7", "ACCOUNT", "acct-7"),
        ("ACCOUNT", "ops@x.org", "ACCOUNT", "ops@x.org"),  # stays an account, as in every other signal
    ],
)
def test_a_pseudonym_says_what_the_value_is(detail, value, entity, canonical, policy, keys) -> None:
    result = Treatments(policy, keys).apply([value], Treatment(action="pseudonymise", detail=detail))[value]
    assert result.text == keys.pseudonym(entity, canonical)
    assert result.text not in (None, value)


def test_a_pseudonym_is_not_pseudonymised_again(policy, keys) -> None:
    token = keys.pseudonym("USER", "alice")
    result = Treatments(policy, keys).apply([token, ""], Treatment(action="pseudonymise", detail="USER"))
    assert [result[token].text, result[""].text] == [token, ""]


@pytest.mark.parametrize("base", ["4596332287467806", "-4596332287467806", "4596332287467806/7", str(UUID(int=7))])
def test_an_id_stays_one_where_it_is_that_of_a_second_version(base, policy, keys) -> None:
    result = Treatments(policy, keys).apply([base, f"{base}~002"], Treatment(action="id"))
    assert [one.text for one in result.values()] == [base, f"{base}~002"]


def test_what_only_looks_like_a_second_version_is_scanned(policy, keys) -> None:
    values = ["4596332287467806~02", "bob@x.org~002"]
    result = Treatments(policy, keys).apply(values, Treatment(action="id"))
    assert not {one.text for one in result.values()} & set(values)
