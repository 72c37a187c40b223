import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.log_templates import TemplatePolicy
from governance.sampling import load_sampling_policy
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA
from orchestration.rollups.template_tree import PLACED_SCHEMA, SHAPES_SCHEMA, place
from orchestration.rollups.templates import id_of, shape

POLICY = load_sampling_policy().rollups.templates
NOTHING = pl.DataFrame(schema=KNOWN_TEMPLATES_SCHEMA)
WORDS = ["paid", "order", "<*>", "n_<*>", "s3", "of", "(", "x=<*>"]


def shapes(*texts: str, service: str = "cart") -> pl.DataFrame:
    """Each once, the first said most often."""
    rows = [(service, "INFO", text, len(texts) - number) for number, text in enumerate(texts)]
    return pl.DataFrame(rows, schema=SHAPES_SCHEMA, orient="row")


def known(*templates: tuple[str, str], first: str = "2026-01-01") -> pl.DataFrame:
    rows = [("cart", "INFO", template_id, text, first, first) for template_id, text in templates]
    dates = ("first_seen_on", "last_seen_on")
    read = pl.DataFrame(rows, {**KNOWN_TEMPLATES_SCHEMA, **dict.fromkeys(dates, pl.String)}, orient="row")
    return read.with_columns(pl.col(dates).str.to_date())


def placed(*texts: str, before: pl.DataFrame = NOTHING, policy: TemplatePolicy = POLICY) -> dict[str, tuple[str, str]]:
    found = place(shapes(*texts), before, policy, 500)
    return {row["shape"]: (row["template_id"], row["template"]) for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("texts", "template"),
    [
        # values with signs of their own
        (
            ("connection from <*> () at <*> for web", "connection from <*> (<*>) at <*> for web"),
            "connection from <*> <*> at <*> for web",
        ),
        (("no answer from any source [a_<*>]", "no answer from any source [b_<*>]"), "no answer from any source <*>"),
        # a digit is a value even where nothing was collapsed
        (("upload of the file to s3", "upload of the file to ec2"), "upload of the file to <*>"),
    ],
)
def test_shapes_that_differ_in_values_are_one_template(texts: tuple[str, ...], template: str) -> None:
    assert {found for _, found in placed(*texts).values()} == {template}
    assert len({found for found, _ in placed(*texts).values()}) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("payment of order <*> accepted", "payment of order <*> declined"),  # two plain words
        ("[instance: <*>] VM paused (lifecycle event)", "[instance: <*>] VM resumed (lifecycle event)"),
        ("disk: used <*> of <*> bytes now", "memory: used <*> of <*> bytes now"),  # a sign makes no value of a word
        ("read <*>", "read <*> again"),  # not as many words
        ("link of eth<*> at <*> is up", "link of wlan<*> at <*> is up"),  # the number is the value, not the word
        ("a_<*> b_<*> c d e", "x_<*> y_<*> c d e"),  # two of five differ
        ("took <*> for all of it", "gave <*> for all of it"),  # not the same first words
    ],
)
def test_shapes_that_say_different_things_are_not(texts: tuple[str, ...]) -> None:
    assert len({found for found, _ in placed(*texts).values()}) == len(texts)


def test_services_and_severities_have_templates_of_their_own() -> None:
    both = pl.concat([shapes("a b c d <*>"), shapes("a b c d x<*>", service="mail")])
    assert place(both, NOTHING, POLICY, 500)["template_id"].n_unique() == 2


def test_pseudonyms_and_placeholders_are_values() -> None:
    bodies = [
        "mail to account_ab12_0123456789abcdef was not sent",
        "mail to <PERSON> was not sent",
        "mail to <SECRET:token> was not sent",
        "mail to person_ab12_fedcba9876543210 was not sent",
    ]
    texts = pl.DataFrame({"body": bodies}).select(shape(pl.col("body"))).to_series().unique().to_list()
    assert {template for _, template in placed(*texts).values()} == {"mail to <*> was not sent"}


def test_a_template_keeps_its_id_when_it_generalises() -> None:
    first = placed("node_n<*> there is up and ready")["node_n<*> there is up and ready"]
    assert first == (id_of("cart", "INFO", "node_n<*> there is up and ready"), "node_n<*> there is up and ready")
    later = placed("node_m<*> there is up and ready", before=known(first))
    assert later == {"node_m<*> there is up and ready": (first[0], "<*> there is up and ready")}
    # what it was born with is still an instance of it
    again = placed("node_n<*> there is up and ready", before=known((first[0], "<*> there is up and ready")))
    assert again["node_n<*> there is up and ready"][0] == first[0]


def test_the_most_special_template_wins_then_the_oldest() -> None:
    before = known(("general", "job <*> of <*> done by me"), ("special", "job <*> of all_<*> done by me"))
    assert placed("job <*> of all_<*> done by me", before=before)["job <*> of all_<*> done by me"][0] == "special"
    twins = pl.concat([known(("young", "job <*> done"), first="2026-01-02"), known(("old", "job <*> done"))])
    assert placed("job <*> done", before=twins)["job <*> done"][0] == "old"


def test_a_word_that_many_templates_differ_in_becomes_variable() -> None:
    names = ("ann", "bob", "cid", "dot", "eve", "fay", "gus", "hal", "ivy", "joe")
    found = placed(*(f"welcome back {name}" for name in names))
    assert found["welcome back hal"][1] == "welcome back hal"
    assert found["welcome back ivy"][1] == "welcome back <*>"
    assert found["welcome back joe"] == found["welcome back ivy"]


def test_without_room_a_shape_has_no_template_but_known_ones_go_on() -> None:
    found = place(shapes("a", "b", "c", "d <*>"), known(("old", "d <*>")), POLICY, max_births=2)
    by_shape = dict(found.select("shape", "template").iter_rows())
    assert by_shape == {"a": "a", "b": "b", "c": None, "d <*>": "d <*>"}


def test_shapes_like_no_other_take_a_bounded_time() -> None:
    """After ten comparisons for one birth only look-ups are left: instances of what is there still find it."""
    strangers = [f"go {word}" for word in ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")]
    texts = [*strangers, "see node_a<*> on it now"]
    found = place(shapes(*texts), known(("old", "see node_b<*> on it now")), POLICY, max_births=1)
    assert found.filter(pl.col("template").is_not_null())["shape"].to_list() == ["go a"]
    fewer = place(shapes(*texts[1:]), known(("old", "see node_b<*> on it now")), POLICY, max_births=1)
    assert fewer.filter(pl.col("template").is_not_null())["shape"].to_list() == ["go b", "see node_a<*> on it now"]
    covered = place(shapes(*texts), known(("old", "see <*> on it now")), POLICY, max_births=1)
    assert covered.filter(pl.col("template_id") == "old")["shape"].to_list() == ["see node_a<*> on it now"]


def test_a_day_without_shapes_has_no_templates() -> None:
    assert place(shapes(), NOTHING, POLICY, 500).schema == PLACED_SCHEMA


SENTENCES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), unique=True, max_size=12)


@settings(deadline=None, max_examples=60)
@given(texts=SENTENCES, seed=st.integers(0, 5))
def test_the_order_of_rows_changes_nothing(texts: list[str], seed: int) -> None:
    day = shapes(*texts)
    shuffled = day.sample(fraction=1, shuffle=True, seed=seed) if texts else day
    assert place(shuffled, NOTHING, POLICY, 500).equals(place(day, NOTHING, POLICY, 500))


@settings(deadline=None, max_examples=60)
@given(texts=SENTENCES, days=st.integers(1, 3), seed=st.integers(0, 5))
def test_every_shape_is_an_instance_of_its_template_and_ids_are_never_used_twice(
    texts: list[str], days: int, seed: int
) -> None:
    """However the shapes are spread over days: each day knows what those before left."""
    rng, before = random.Random(seed), NOTHING
    for _ in range(days):
        found = placed(*rng.sample(texts, rng.randint(0, len(texts))), before=before)
        for text, (_, template) in found.items():
            pairs = zip(template.split(" "), text.split(" "), strict=True)
            assert all(own in ("<*>", other) for own, other in pairs), (template, text)
        templates = dict(found.values())
        assert len(templates) == len(set(found.values()))
        left = {**dict(before.select("template_id", "template").iter_rows()), **templates}
        before = known(*left.items())
        assert all(placed(text, before=before)[text][0] in left for text in found)  # never born again
