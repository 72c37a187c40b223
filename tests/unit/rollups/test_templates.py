import polars as pl
import pytest

from orchestration.rollups.templates import NO_BODY, id_of, shape, with_shapes

A, B = "0123456789abcdef", "fedcba9876543210"


def template(body: str | None) -> str:
    return str(pl.DataFrame({"body": [body]}, schema={"body": pl.String}).select(shape(pl.col("body"))).item())


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        (("paid 12 ms", "paid 3.5 s", "paid 1,200.50 ms"), "paid <*>"),
        (("retry 1 of 3", "retry -2 of 3"), "retry <*> of <*>"),
        ((f"login of account_ab12_{A}", f"login of account_ab12_{B}"), "login of <*>"),
        (("key <SECRET:aws_access_key> used", "key <SECRET:token> used"), "key <*> used"),
        (("Dear <PERSON>, hello", "Dear <ORGANISATION>, hello"), "Dear <*>, hello"),
        (
            ("order 123e4567-e89b-12d3-a456-426614174000 lost", "order 00000000-e89b-12d3-a456-426614174999 lost"),
            "order <*> lost",
        ),
        (("commit a1b2c3d4e5", "commit 9f8e7d6c5b"), "commit <*>"),
        (("charge 8Kz3LmQ9", "charge Xy12ab9"), "charge <*>"),
        (('coupon "SAVE10" invalid', 'coupon "half price" invalid'), "coupon <*> invalid"),
        (("open '/etc/x' failed", "open 'C:\\x y' failed"), "open <*> failed"),
        (("read /var/lib/a.txt", "read /srv/b/c.json"), "read <*>"),
        (("from 10.0.0.1:443", "from 2001:db8:0:1:1:1:1:1"), "from <*>"),
        (("at 2026-03-01T10:00:00.123Z x", "at 2025-12-31T23:59:59Z x"), "at <*> x"),
        (("since Mon Jul 17 10:00:01", "since Tue Aug  1 09:12:44"), "since <*>"),
        (("call https://a.example/x?y=1", "call http://b.example"), "call <*>"),
        (("user=root in", "user=guest in"), "user=<*> in"),
        (("ids 1, 2, 3", "ids 4"), "ids <*>"),
        (("failed\n  at a.b(C.java:1)", "failed\r\n  at d"), "failed"),  # the first line of a stack trace
        (('{"level": "info", "message": "took 5 ms"}', '{"msg": "took 7 ms", "t": 1}'), "took <*>"),
        (('level=info msg="took 5 ms" t=1', 'ts=2 msg="took 9 ms"'), "took <*>"),
        (('{"a": "x", "b": 1}', '{"a": "y", "b": 22}'), "{a: <*>, b: <*>}"),
        (('GET "/a/1"', 'GET "/b"'), "GET <*>"),
    ],
)
def test_lines_that_differ_in_values_share_a_template(bodies: tuple[str, ...], expected: str) -> None:
    assert {template(body) for body in bodies} == {expected}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("payment accepted", "payment declined"),
        ("s3 upload failed", "ec2 upload failed"),  # a digit in a name is not an id
        ('"GET /cart HTTP/1.1" 200', '"POST /cart HTTP/1.1" 200'),
        ("can't reach stock", "can't reach mail, won't retry"),  # an apostrophe is not a quote
        ("read/write failed", "read only"),
    ],
)
def test_lines_that_differ_in_words_do_not(one: str, other: str) -> None:
    assert template(one) != template(other)


@pytest.mark.parametrize("body", [None, "", " \n "])
def test_a_record_without_text_has_a_template_too(body: str | None) -> None:
    assert template(body) == NO_BODY


def test_a_template_is_short() -> None:
    assert len(template("word " * 100_000)) <= 300


def test_broken_json_is_text() -> None:
    assert template('{"message": "cut of') == '{message: "cut of'


def test_every_record_has_its_shape_in_its_place() -> None:
    logs = pl.DataFrame({"body": ["a 1", None, "b", "a 2"]})
    assert with_shapes(logs)["shape"].to_list() == ["a <*>", NO_BODY, "b", "a <*>"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("cart", "INFO", "a <*>"), "3fb086c7c93520a1"),
        (("cart", "WARN", "a <*>"), "abf0ab57241b79d9"),
        ((None, None, "a <*>"), "771d05f00d3c1385"),
    ],
)
def test_ids_are_the_same_for_ever(parts: tuple[str | None, str | None, str], expected: str) -> None:
    assert id_of(*parts) == expected
