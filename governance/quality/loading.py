"""The suites as they are in force: of a signal, and with what one source of it adds.

`expectations/<signal>.yml` is met by the records of every source. `expectations/<source>/<signal>.yml`, of the same
form, adds to it for one source; an expectation of the same name takes the other's place.
"""

from __future__ import annotations

from collections.abc import Mapping

from governance.errors import PolicyError, one_of
from governance.policy import config_file, config_files, config_folders, load, load_policy
from governance.quality.policy import QualityPolicy
from governance.quality.suites import Suite
from governance.signals import SIGNALS
from governance.sources import Source, load_sources

_FOLDER = "expectations"


def load_quality() -> QualityPolicy:
    """policies/quality.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("quality", QualityPolicy)


def load_suite(dataset: str) -> Suite:
    """The suite of a dataset (`<source>/<signal>`), or of a signal whatever its source.

    Raises:
        PolicyError: the suite of the signal is missing (then the gate stops), a file is wrong or of another signal, or
            a source replaces what none may do without.
    """
    source, _, signal = dataset.rpartition("/")
    suite = _read(signal)
    if not source or not config_file(f"{_FOLDER}/{dataset}.yml").is_file():
        return suite
    return _joined(suite, _read(dataset), dataset)


def load_suites() -> dict[str, Suite]:
    """The suite of every signal."""
    return {signal: load_suite(signal) for signal in SIGNALS}


def load_source_suites() -> dict[str, Suite]:
    """The suite of every dataset.

    Raises:
        PolicyError: see `load_suite`; or there is a suite of a source or dataset that does not exist, which would
            never be asked.
    """
    sources = load_sources()
    for folder in config_folders(_FOLDER):
        _check_asked(folder, sources)
    datasets = [f"{source.name}/{signal}" for source in sources.values() for signal in source.signals]
    return {dataset: load_suite(dataset) for dataset in datasets}


def _check_asked(folder: str, sources: Mapping[str, Source]) -> None:
    if folder not in sources:
        raise PolicyError(f"{_FOLDER}/{folder}: no source has this name; {one_of(folder, sources)}")
    for path in config_files(f"{_FOLDER}/{folder}"):
        signals = sources[folder].signals
        if path.stem not in signals:
            raise PolicyError(
                f"{_FOLDER}/{folder}/{path.name}: {folder} has no {path.stem}; {one_of(path.stem, signals)}"
            )


def _read(name: str) -> Suite:
    suite, signal = load(config_file(f"{_FOLDER}/{name}.yml"), Suite), name.rpartition("/")[2]
    if suite.signal != signal:
        raise PolicyError(f"{_FOLDER}/{name}.yml: signal is {suite.signal}; expected {signal}")
    return suite


def _joined(suite: Suite, own: Suite, dataset: str) -> Suite:
    """The suite of the signal with that of a source: replaced in its place by name, the rest behind."""
    added = {one.name: one.model_copy(update={"owner": own.owner_of(one)}) for one in own.expectations}
    for one in suite.expectations:
        if one.name in added and not suite.is_releasable(one):
            raise PolicyError(
                f"{_FOLDER}/{dataset}.yml: {one.name} holds for every source, as it "
                f"{'withholds a day' if one.blocking else 'is about privacy'}; give yours a name of its own"
            )
    replaced = [added.pop(one.name, one) for one in suite.expectations]
    return suite.model_copy(update={"expectations": (*replaced, *added.values())})
