"""Presidio's AnalyzerEngine as we use it: our recognizers, a no-op NLP engine, or whatever a deployment configures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from governance.errors import PolicyError
from governance.policy import config_file
from governance.privacy.patterns import Pattern

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer


@lru_cache(maxsize=4)
def structured_engine(patterns: tuple[Pattern, ...]) -> AnalyzerEngine:
    """An engine that finds what the patterns describe, and nothing else."""
    from governance.privacy.recognizer import StructuredRecognizer

    return _bare_engine(StructuredRecognizer(patterns))


@lru_cache(maxsize=4)
def names_engine(model: str) -> AnalyzerEngine | None:
    """An engine that finds names, as policies/privacy.yml says under `names.model`; None: names are not looked for.

    `shipped`: the product's own model. Anything but that and `none` is a Presidio configuration beside
    policies/privacy.yml (see AnalyzerEngineProvider: an NLP engine and recognizers, a spaCy model of your own for
    instance).

    Raises:
        PolicyError: the configuration does not exist, or Presidio cannot load it.
    """
    if model == "none":
        return None
    if model != "shipped":
        return _configured_engine(model)
    from governance.privacy.names import NameRecognizer

    return _bare_engine(NameRecognizer())


def _bare_engine(recognizer: EntityRecognizer) -> AnalyzerEngine:
    """No language model, no network: nothing but our recognizer."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    from governance.privacy.recognizer import NoContext

    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    nlp.load()
    registry = RecognizerRegistry(recognizers=[recognizer], supported_languages=["en"])
    return AnalyzerEngine(
        registry=registry, nlp_engine=nlp, supported_languages=["en"], context_aware_enhancer=NoContext()
    )


def _configured_engine(file: str) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngineProvider
    from spacy.util import is_package

    path = config_file(f"policies/{file}")
    if not path.is_file():
        raise PolicyError(
            f"policies/privacy.yml: names.model is {file}; allowed: shipped, none, or a Presidio configuration "
            f"in the folder policies of FEEDBACK_CONFIG; {file} is not there"
        )
    try:
        for model in _spacy_models(path):
            if not (Path(model).exists() or is_package(model)):  # Presidio would try to download it
                raise PolicyError(
                    f"{path}: the model {model} is neither a folder nor an installed package; give its path, or "
                    "install it"
                )
        return AnalyzerEngineProvider(analyzer_engine_conf_file=str(path)).create_engine()
    except PolicyError:
        raise
    except Exception as error:
        raise PolicyError(
            f"{path}: Presidio cannot load it ({type(error).__name__}); try it with "
            "presidio_analyzer.AnalyzerEngineProvider(analyzer_engine_conf_file=...).create_engine()"
        ) from error


def _spacy_models(file: Path) -> Iterator[str]:
    """The spaCy models that a Presidio configuration names."""
    configured = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    engine = (configured.get("nlp_configuration") if isinstance(configured, dict) else None) or {}
    for model in engine.get("models", ()) if engine.get("nlp_engine_name") in ("spacy", "transformers") else ():
        name = model.get("model_name")
        name = name.get("spacy") if isinstance(name, dict) else name
        if isinstance(name, str):
            yield name
