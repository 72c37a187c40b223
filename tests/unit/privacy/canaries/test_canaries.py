"""Canaries: unmistakable, the same whenever they are made, hidden by our policy and found when it is broken."""

import re
from dataclasses import replace

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import Anonymizer
from governance.privacy.canaries import Canaries, Finder, tell
from governance.privacy.canaries.species import NAME, SPECIES, UNCLASSIFIED
from governance.privacy.canaries.values import Mint
from governance.privacy.patterns import Pattern
from governance.privacy.policy import Treatment
from governance.signals import SIGNALS

DAYS = [f"2026-03-{day:02}" for day in range(1, 8)]
OTHER = Keyring(b"p" * 32, b"j" * 32)


@pytest.fixture(scope="module")
def canaries(policy, keys):
    return Canaries(policy, keys)


@pytest.fixture(scope="module")
def anonymizer(policy, keys):
    return Anonymizer(policy, keys)


def harvested(policy, keys, signal="tickets", day=DAYS[0]):
    planted = Canaries(policy, keys).planted(f"any/{signal}", day)
    return planted.harvest(Anonymizer(policy, keys).anonymize(planted.frame, SIGNALS[signal]))


def without_patterns_for(policy, entity, keys):
    """The policy without every pattern that finds the canary of the entity, whatever it takes it for."""
    texts = [one for one in Canaries(policy, keys).of("any/tickets", DAYS[0]) if one.entity == entity]
    left = policy.patterns

    def hides(pattern):
        return any(
            found.start() < place + len(needle.text) and place < found.end()
            for one in texts
            for needle in one.needles[:1]
            for place in (one.text.lower().find(needle.text),)
            for found in pattern.compiled.finditer(one.text)
        )

    return policy.model_copy(update={"patterns": tuple(pattern for pattern in left if not hides(pattern))})


def without_names(policy):
    return policy.model_copy(update={"names": policy.names.model_copy(update={"model": "none"})})


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_entity_of_the_patterns_is_planted_in_every_signal(policy, canaries, signal):
    planted = {one.entity for one in canaries.of(f"any/{signal}", DAYS[0])}
    assert {pattern.entity for pattern in policy.patterns} <= planted


@pytest.mark.parametrize("signal", SIGNALS)
def test_our_policy_hides_every_canary_and_holds_none(policy, keys, canaries, anonymizer, signal):
    for day in DAYS:
        planted = canaries.planted(f"any/{signal}", day)
        judged = anonymizer.anonymize(planted.frame, SIGNALS[signal], planted=planted.frame.height)
        harvest = planted.harvest(judged)
        assert (tell(harvest.leaks), harvest.held) == ("", 0)
        assert harvest.counts["canaries"] == len(planted.canaries) == harvest.counts["canaries_masked"]
        assert harvest.real.records.height == 0
        assert harvest.real.withheld_fields == {}


@pytest.mark.parametrize("entity", sorted({species.entity for species in SPECIES}))
def test_an_entity_whose_patterns_are_gone_leaks_its_canary(policy, keys, entity):
    broken = without_names(without_patterns_for(policy, entity, keys))
    assert entity in {leak.entity for leak in harvested(broken, keys).leaks}


@pytest.mark.parametrize(
    ("change", "leak"),
    [
        # people's names in free text, where the column is only kept
        ({"description": "keep"}, "PERSON in description"),
        ({"description": "keep", "subject": "keep"}, "PERSON in description"),
    ],
)
def test_a_free_text_that_is_kept_leaks_names(policy, keys, change, leak):
    treatments = {column: Treatment.model_validate(how) for column, how in change.items()}
    columns = {**policy.columns, "tickets": {**policy.columns["tickets"], **treatments}}
    assert leak in tell(harvested(policy.model_copy(update={"columns": columns}), keys).leaks)


def test_an_identity_in_a_field_that_the_policy_keeps_is_not_promised_to_be_hidden(policy, keys):
    columns = {**policy.columns["tickets"], "requester": Treatment.model_validate("keep")}
    kept = policy.model_copy(update={"columns": {**policy.columns, "tickets": columns}})
    assert "requester" not in {one.place for one in Canaries(kept, keys).of("any/tickets", DAYS[0])}
    assert tell(harvested(kept, keys).leaks) == ""


def test_an_entity_that_the_policy_does_not_name_is_not_planted(policy, keys):
    entities = {entity: how for entity, how in policy.entities.items() if entity != "HOST"}
    patterns = tuple(pattern for pattern in policy.patterns if pattern.entity != "HOST")
    changed = policy.model_copy(update={"entities": entities, "patterns": patterns})
    assert "HOST" not in {one.entity for one in Canaries(changed, keys).of("any/logs", DAYS[0])}


def test_an_entity_of_a_deployments_own_patterns_is_planted_by_its_example(policy, keys):
    own = Pattern(
        name="badge",
        entity="BADGE",
        expression=r"badge (?P<value>[A-Z]{2}-[0-9]{4})",
        example="seen badge QX-4711",
        counter_example="badge",
    )
    changed = policy.model_copy(
        update={"patterns": (*policy.patterns, own), "entities": {**policy.entities, "BADGE": "remove"}}
    )
    (planted,) = [one for one in Canaries(changed, keys).of("any/logs", DAYS[0]) if one.entity == "BADGE"]
    assert planted.text.startswith("seen badge QX-4711 ref ")
    assert tell(harvested(changed, keys, "logs").leaks) == ""
    broken = changed.model_copy(update={"patterns": policy.patterns})
    assert planted.needles[0].text in planted.text.lower()
    assert Canaries(broken, keys).of("any/logs", DAYS[0])  # its pattern is gone: nobody promises it any more


def test_an_unnamed_attribute_that_passes_is_a_leak(policy, keys):
    planted = Canaries(policy, keys).planted("any/logs", DAYS[0])
    open_to_all = policy.model_copy(update={"attributes": {**policy.attributes, "*": Treatment(action="keep")}})
    passed = Anonymizer(open_to_all, keys).anonymize(planted.frame, SIGNALS["logs"])
    assert tell(planted.harvest(passed).leaks) == "UNCLASSIFIED in attributes.feedback.canary.unclassified"


def test_the_same_key_dataset_and_day_give_the_same_canaries_and_no_others_do(policy, keys):
    def texts(keys, dataset, day):
        return {one.text for one in Canaries(policy, keys).of(dataset, day)}

    first = texts(keys, "any/logs", DAYS[0])
    assert first == texts(keys, "any/logs", DAYS[0])
    for other in ((OTHER, "any/logs", DAYS[0]), (keys, "other/logs", DAYS[0]), (keys, "any/logs", DAYS[1])):
        assert not first & texts(*other)


def test_canaries_outlive_a_rotation_of_the_pseudonym_key(policy, keys):
    rotated = replace(keys, pseudonym_key=b"q" * 32)
    assert Canaries(policy, rotated).of("any/logs", DAYS[0]) == Canaries(policy, keys).of("any/logs", DAYS[0])


@pytest.mark.parametrize("species", SPECIES, ids=lambda species: species.name)
def test_what_is_looked_for_is_long_and_ascii_and_holds_its_stem(species, keys):
    for needle in Mint(species, keys).value("any/logs", DAYS[0]).needles:
        assert len(needle.text) >= 13
        assert needle.text.isascii()
        assert len(needle.stem) >= 6
        assert needle.text[needle.offset :].startswith(needle.stem)
        assert needle.text == needle.text.lower()


@pytest.mark.parametrize("species", [*SPECIES, NAME, UNCLASSIFIED], ids=lambda species: species.name)
def test_every_value_looks_as_all_values_of_its_species_do_and_its_stem_alone_does_not(species, keys):
    mint = Mint(species, keys)
    shapes = [re.compile(shape) for shape in mint.shapes]
    for day in DAYS:
        for needle in mint.value("any/logs", day).needles:
            assert [shape for shape in shapes if shape.fullmatch(needle.text)]
    assert not [stem for stem in mint.stems for shape in shapes if shape.search(stem)]


def test_no_name_escapes_the_shipped_model(anonymizer, policy):
    """400 deployments' names: one that the model misses would withhold days for nothing."""
    frames = []
    for number in range(400):
        mint = Mint(NAME, Keyring(b"p" * 32, number.to_bytes(32, "big")))
        frames += [mint.value("any/tickets", day) for day in DAYS[:3]]
    texts = [NAME.prose.replace("~", value.text) for value in frames]
    rows = [{"record_id": f"{number:04x}", "description": text} for number, text in enumerate(texts)]
    frame = pl.DataFrame(rows, schema=SIGNALS["tickets"].landing_schema)
    said = anonymizer.anonymize(frame, SIGNALS["tickets"]).records["description"].str.to_lowercase()
    missed = [value.text for value, text in zip(frames, said, strict=True) if value.needles[0].text in text]
    assert missed == []


@pytest.mark.parametrize("change", [str, str.upper, str.lower, str.title, lambda text: f"x={text};"])
def test_a_canary_is_found_in_any_case_and_company(canaries, change):
    planted = canaries.of("any/logs", DAYS[0])
    finder = Finder(canaries, lambda: planted)
    found = finder.find(pl.Series([None, "nothing", *(change(one.text) for one in planted)]))
    assert found == set(planted)


@pytest.mark.parametrize("change", [str, str.upper, str.lower])
@pytest.mark.parametrize("around", [b"", b"\x00\xff", "\u00e9\u20ac".encode(), b"x\n"])
def test_a_canary_is_found_in_bytes_of_whatever_encoding_and_file(canaries, change, around):
    planted = canaries.of("any/logs", DAYS[0])
    finder = Finder(canaries, lambda: planted)
    assert finder.find(around.join([b"", *(change(one.text).encode() for one in planted), b""])) == set(planted)
    stems = [stem.encode() for stem in canaries.stems]
    assert finder.find(around.join([b"nothing", *stems])) == set()


@pytest.mark.parametrize("blank", [b" ", b"\xa0", b"\xff"])
def test_each_canary_is_found_in_bytes_by_itself_whatever_its_blanks_are(canaries, blank):
    planted = canaries.of("any/logs", DAYS[0])
    finder = Finder(canaries, lambda: planted)
    missed = [one for one in planted if one not in finder.find(b"x\xe9" + one.text.encode().replace(b" ", blank))]
    assert missed == []


def test_bytes_of_more_than_one_search_takes_are_searched_to_their_end(canaries, monkeypatch):
    monkeypatch.setattr("governance.privacy.canaries.looking._MOST_AT_ONCE", 1_000)
    planted = canaries.of("any/logs", DAYS[0])
    finder = Finder(canaries, lambda: planted)
    one = planted[0]
    for before in (*range(960, 1_001), 5_000):
        assert finder.find(b"\x00" * before + one.text.encode() + b"\x00" * 700) == {one}


@pytest.mark.parametrize("entity", ["CARD", "IBAN", "PHONE"])
def test_a_number_is_found_without_its_blanks(canaries, entity):
    planted = [one for one in canaries.of("any/logs", DAYS[0]) if one.entity == entity and one.place == "body"]
    finder = Finder(canaries, lambda: planted)
    assert finder.find(pl.Series([planted[0].text.replace(" ", "")])) == set(planted)


def test_the_canary_of_another_day_is_not_taken_for_one_of_these(canaries):
    finder = Finder(canaries, lambda: canaries.of("any/logs", DAYS[0]))
    assert finder.find(pl.Series([one.text for one in canaries.of("any/logs", DAYS[1])])) == set()


def test_values_are_made_only_where_something_looks_like_one(canaries):
    def never():
        raise AssertionError("nothing looked like a canary")

    stems = [f"2026-03-01T10:00:{stem}" for stem in canaries.stems]
    assert Finder(canaries, never).find(pl.Series(["2026-03-01 ref 0123", None, *stems])) == set()
    for one in canaries.of("other/logs", DAYS[1]):
        with pytest.raises(AssertionError):
            Finder(canaries, never).find(pl.Series([one.text]))


def test_no_representation_shows_a_value(canaries):
    shown = repr(canaries.of("any/tickets", DAYS[0])).lower()
    assert not [one for one in canaries.of("any/tickets", DAYS[0]) for n in one.needles if n.text in shown]


def test_a_record_without_an_id_is_parted_from_the_canaries_and_kept(policy, keys, anonymizer):
    planted = Canaries(policy, keys).planted("any/logs", DAYS[0])
    own = pl.DataFrame([{"body": "ready"}, {"body": "x" * (policy.longest_text + 1)}], planted.frame.schema)
    made = anonymizer.anonymize(pl.concat([own, planted.frame]), SIGNALS["logs"], planted=planted.frame.height)
    real = planted.harvest(made).real
    assert (real.records["body"].to_list(), real.held.height) == (["ready"], 1)
