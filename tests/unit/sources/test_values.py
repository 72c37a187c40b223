"""Single values are read strictly: exact, plausible or refused."""

import pytest

from orchestration.sources.values import AheadOfRun, MalformedRecord, at, first_at, identifier, timestamp, whole_number

LATEST = 1_800_000_000_000_000
MOMENT = 1_777_708_800_000_000  # 2026-05-02 08:00 UTC


@pytest.mark.parametrize(
    "said",
    [
        "2026-05-02T08:00:00Z",
        "2026-05-02T10:00:00+0200",
        "2026-05-02 08:00:00",
        "2026-05-02T08:00:00.000000000Z",
        1777708800,
        "1777708800",
        1777708800000,
        1777708800000000,
        "1777708800000000000",
        1777708800.0,
    ],
)
def test_a_time_is_the_same_moment_in_every_usual_form(said):
    assert timestamp(said, LATEST, "at") == MOMENT


@pytest.mark.parametrize("said", ["soon", "1999-12-31", "2100-01-01", True, [], 0, -5, "9" * 30])
def test_an_implausible_time_is_refused(said):
    with pytest.raises(MalformedRecord, match=r"^at "):
        timestamp(said, LATEST, "at")


def test_a_time_that_only_a_later_run_allows_says_which_it_is():
    with pytest.raises(AheadOfRun, match=r"^at is out of range$") as refused:
        timestamp(LATEST + 1, LATEST, "at")
    assert refused.value.microseconds == LATEST + 1
    with pytest.raises(MalformedRecord) as too_old:
        timestamp(0, LATEST, "at")
    assert not isinstance(too_old.value, AheadOfRun)


def test_no_time_is_none():
    assert [timestamp(said, LATEST, "at") for said in (None, "", " ")] == [None] * 3


@pytest.mark.parametrize(
    ("said", "number"), [("12", 12), ("9007199254740993", 9007199254740993), ("5.0", 5), (None, None)]
)
def test_a_whole_number_is_exact(said, number):
    assert whole_number(said, "n") == number


@pytest.mark.parametrize("said", ["1.5", "x", True, 1.5, str(2**63), "NaN", "1e400"])
def test_what_is_no_whole_number_is_refused(said):
    with pytest.raises(MalformedRecord):
        whole_number(said, "n")


def test_an_id_is_the_same_as_number_and_as_text():
    assert identifier(7, "id") == identifier("7", "id") == "7"
    for said in (None, "", True, 1.5, {}):
        with pytest.raises(MalformedRecord):
            identifier(said, "id")


def test_a_path_goes_through_objects_indexes_and_named_entries():
    node = {"a": {"b": [{"name": "x", "value": 1}, {"id": 5, "value": 2}]}, "a.b": 3, "c": ["d"]}
    assert [at(node, path) for path in ("a.b", "a.b.x", "c.0", "c.1", "z.y")] == [3, 1, "d", None, None]
    assert first_at(node, ["z", "c.0"]) == "d"
