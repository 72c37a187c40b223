"""A deployment's own spaCy model finds the names, by configuration alone: a file beside its privacy.yml."""

import json
from pathlib import Path

import pytest
import spacy

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.policy import config_file
from governance.privacy import PrivacyPolicy, load_privacy
from governance.privacy.scanner import Scanner
from orchestration.text_filter import TextFilter

KEYS = Keyring(b"p" * 32, b"i" * 32)
# What privacy.yml's section `names` shows: a model by its path, nothing but its entities.
CONFIGURATION = """
supported_languages: [en]
nlp_configuration:
  nlp_engine_name: spacy
  models: [{lang_code: en, model_name: MODEL}]
recognizer_registry:
  recognizers: [{name: SpacyRecognizer, type: predefined}]
"""
# No model of ours knows these; whoever finds them is the deployment's.
KNOWN = [
    {"label": "PERSON", "pattern": "zorblax quint"},
    {"label": "ORG", "pattern": "initech"},
    {"label": "GPE", "pattern": [{"LOWER": "upper"}, {"LOWER": "vogsphere"}]},
    {"label": "PERSON", "pattern": "qlix"},
    {"label": "ORG", "pattern": [{"TEXT": "qlix"}, {"IS_SPACE": True}, {"TEXT": "initech"}]},  # over a line's end
]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A spaCy pipeline on disk, made here: nothing is downloaded."""
    path = tmp_path_factory.mktemp("own") / "model"
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns(KNOWN)  # type: ignore[attr-defined]
    pipeline.to_disk(path)
    return path


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A deployment's privacy.yml with `names.model: FILE`, and that file beside it."""

    def deploy(file: str, configuration: str | None) -> PrivacyPolicy:
        shipped = config_file("policies/privacy.yml").read_text()
        assert "  model: shipped\n" in shipped
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "privacy.yml").write_text(shipped.replace("  model: shipped\n", f"  model: {file}\n"))
        if configuration is not None:
            (tmp_path / "policies" / file).write_text(configuration)
        monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
        return load_privacy()

    return deploy


def test_a_model_of_ones_own_finds_what_ours_does_not(deployed, model: Path) -> None:
    text = "asked zorblax quint of initech in Upper Vogsphere, a@b.co"
    assert "zorblax quint of initech" in str(Scanner(load_privacy(), KEYS).scan([text], "prose")[text].text)
    scanner = Scanner(deployed("own.yml", CONFIGURATION.replace("MODEL", str(model))), KEYS)
    result = scanner.scan([text, "nobody here"], "prose")[text]
    assert [(one.entity, one.value) for one in result.found] == [
        ("PERSON", "zorblax quint"),
        ("ORGANIZATION", "initech"),
        ("LOCATION", "Upper Vogsphere"),
        ("EMAIL", "a@b.co"),
    ]
    person = KEYS.pseudonym("PERSON", "zorblax quint")
    organisation, place = KEYS.pseudonym("ORGANIZATION", "initech"), KEYS.pseudonym("LOCATION", "upper vogsphere")
    assert result.text == f"asked {person} of {organisation} in {place}, {KEYS.pseudonym('EMAIL', 'a@b.co')}"


def test_the_levels_of_the_policy_hold_for_it(deployed, model: Path) -> None:
    policy = deployed("levels.yml", CONFIGURATION.replace("MODEL", str(model)))
    text = "zorblax quint of initech"  # spaCy's findings score 0.85; technical text asks for no organisation
    person = KEYS.pseudonym("PERSON", "zorblax quint")
    assert Scanner(policy, KEYS).scan([text], "technical")[text].text == f"{person} of initech"
    strict = policy.names.model_copy(update={"technical": {"PERSON": 0.9}})
    strict_policy = policy.model_copy(update={"names": strict})
    assert Scanner(strict_policy, KEYS).scan([text], "technical")[text].text == text


def test_anonymising_twice_with_it_changes_nothing(deployed, model: Path) -> None:
    policy = deployed("twice.yml", CONFIGURATION.replace("MODEL", str(model)))
    text = "zorblax quint, qlix and initech wrote to a@b.co"
    once = Scanner(policy, KEYS).scan([text], "prose")[text].text
    assert once is not None
    assert Scanner(policy, KEYS).scan([once], "prose")[once].text == once


def test_a_text_gives_the_same_alone_and_among_others_with_it(deployed, model: Path) -> None:
    policy = deployed("alone.yml", CONFIGURATION.replace("MODEL", str(model)))
    alone = Scanner(policy, KEYS).scan(["qlix"], "prose")["qlix"]
    assert alone.entities == {"PERSON": 1}
    assert Scanner(policy, KEYS).scan(["qlix", "initech"], "prose")["qlix"] == alone


def test_the_filter_uses_it(deployed, model: Path) -> None:
    policy = deployed("filter.yml", CONFIGURATION.replace("MODEL", str(model)))
    line = json.dumps({"id": 1, "kind": "ticket", "text": "thanks, zorblax quint"}).encode()
    (answer,) = TextFilter(policy, KEYS, with_names=True).answers([line])
    assert answer["spans"] == [{"start": 8, "end": 21, "type": "PERSON"}]
    (without,) = TextFilter(policy, KEYS, with_names=False).answers([line])
    assert without["spans"] == []


@pytest.mark.parametrize(
    ("file", "configuration"),
    [
        ("engine.yml", "nlp_configuration: {nlp_engine_name: abacus, models: [{lang_code: en, model_name: x}]}"),
        ("no_name.yml", "nlp_configuration: {nlp_engine_name: spacy, models: [{lang_code: en}]}"),
        ("key.yml", "nlp_konfiguration: {}"),
        ("list.yml", "- a\n- b"),
        ("broken.yml", "nlp_configuration: {"),
        ("models.yml", "nlp_configuration: [spacy]"),
        ("recognizer.yml", CONFIGURATION.replace("SpacyRecognizer", "NoSuchRecognizer")),
    ],
)
def test_a_configuration_that_presidio_cannot_load_is_named(deployed, model: Path, file, configuration) -> None:
    policy = deployed(file, configuration.replace("MODEL", str(model)))
    with pytest.raises(PolicyError, match=rf"{file}: Presidio cannot load it \(\w+\); try it with"):
        Scanner(policy, KEYS)


def test_a_configuration_that_is_not_there_is_named(deployed) -> None:
    policy = deployed("absent.yml", None)
    with pytest.raises(PolicyError, match=r"names.model is absent.yml; allowed: shipped, none, or a Presidio config"):
        Scanner(policy, KEYS)


def test_a_model_that_is_not_there_is_a_policy_error_not_a_download(deployed, monkeypatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr(spacy.cli, "download", asked.append)
    policy = deployed("nowhere.yml", CONFIGURATION.replace("MODEL", str(tmp_path / "nowhere")))
    with pytest.raises(PolicyError, match=r"nowhere\.yml"):
        Scanner(policy, KEYS)
    assert asked == []
