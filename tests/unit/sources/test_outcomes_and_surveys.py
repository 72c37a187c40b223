"""Business outcomes and surveys as the shipped sources map them."""

from datetime import UTC, datetime

import pytest

from governance.sources import source_named

OUTCOMES = "Day,Journey,Service,Measure,Value,Unit,Of\n"
SURVEYS = "Response,Day,Survey,Audience,Team,Person,Question,Lowest,Highest,Score,Comment\n"
NO_SCALE = "score has no scale; map score_min and score_max, or say them under constants"


@pytest.fixture
def rows_of(read):
    """What the shipped source makes of a table."""

    def run(name, content):
        source = source_named(name)
        mapping = {"columns": source.columns, "constants": source.constants}
        return read("csv", content.encode(), signals=source.signals, **mapping)

    return run


def test_an_outcome_says_how_many_of_how_many(rows_of):
    (row,) = rows_of("business", OUTCOMES + "2026-05-04,place order,checkout,Conversion,948,count,1558\n").rows(
        "outcomes"
    )
    assert row["event_at"] == datetime(2026, 5, 4, tzinfo=UTC)
    said = ("journey", "service", "measure", "value", "unit", "population")
    assert [row[name] for name in said] == ["place order", "checkout", "conversion", 948.0, "count", 1558]
    assert row["reported_at"] == datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_corrected_figure_is_a_record_of_its_own_and_the_same_one_is_not(rows_of):
    first, corrected = (
        "2026-05-04,sign up,accounts,sign_up,9,count,12\n",
        "2026-05-04,sign up,accounts,sign_up,8,count,12\n",
    )
    rows = rows_of("business", OUTCOMES + first + first + corrected).rows("outcomes")
    assert len({row["record_id"] for row in rows}) == 2


def test_an_answer_has_its_score_with_the_scale(rows_of):
    line = 'R1,2026-05-04,pulse,User,,ann@example.com,Happy?,0,10,7.5,"Fine, mostly"\n'
    (row,) = rows_of("surveys", SURVEYS + line).rows("surveys")
    said = ("response_id", "respondent", "audience", "team", "score", "score_min", "score_max", "body")
    assert [row[name] for name in said] == ["R1", "ann@example.com", "user", None, 7.5, 0.0, 10.0, "Fine, mostly"]


def test_two_answers_of_one_respondent_are_two_records_and_read_again_the_same(rows_of):
    lines = "R1,2026-05-04,pulse,user,,,Happy?,0,10,7,\nR1,2026-05-04,pulse,user,,,Fast?,0,10,7,\n"
    ids = [[row["record_id"] for row in rows_of("surveys", SURVEYS + lines).rows("surveys")] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


@pytest.mark.parametrize(
    ("source", "line", "reasons"),
    [
        # accepted: anonymous, or words only
        ("surveys", "R1,2026-05-04,pulse,user,,,Why?,,,,Too slow", []),
        ("business", "2026-05-04,find product,,support_cost,12.5,EUR,", []),
        # malformed
        ("surveys", "R1,2026-05-04,pulse,user,,,Happy?,,,7,", [NO_SCALE]),
        ("surveys", "R1,2026-05-04,pulse,user,,,Happy?,0,10,very,", ["score is no number"]),
        ("surveys", "R1,,pulse,user,,,Happy?,0,10,7,", ["event_at is missing"]),
        ("surveys", "R1,2026-05-04,pulse", ["3 fields instead of 11"]),
        ("business", "2026-05-04,find product,search,conversion,nan,count,9", ["value is no number"]),
        ("business", "2026-05-04,find product,search,conversion,1e999,count,9", ["value is no number"]),
        ("business", "2026-05-04,find product,search,conversion,3,count,9.5", ["population is no whole number"]),
        ("business", "someday,find product,search,conversion,3,count,9", ["event_at is not readable as a time"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_set_aside_with_its_reason(rows_of, source, line, reasons):
    said = rows_of(source, (SURVEYS if source == "surveys" else OUTCOMES) + line + "\n")
    signal = source_named(source).signals[0]
    assert said.reasons == reasons
    assert len(said.rows(signal)) == (not reasons)
