"""Names of people: recall on text not trained on, and the share of technical characters masked at the same setting.

The setting is that of policies/privacy.yml for what people write (`names.prose`) and, for technical characters, that
of logs and attributes (`names.technical`) as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from governance.privacy.names import NameModel
from governance.privacy.names.corpora import Text, annotated
from governance.privacy.names.evaluate import masked_share, recall, technical_lines
from governance.privacy.policy import PrivacyPolicy
from tests.bench.measure import Measure

_MOST_TECHNICAL = 0.01
_NEWS = "btc_g"


def names(policy: PrivacyPolicy, folder: Path, *, is_quick: bool) -> Iterator[Measure]:
    """Person recall on unseen templates and on an unseen corpus, and what it costs in technical text.

    The shipped model has seen the news, so they are reported by one trained without them (two minutes; not if
    `is_quick`).
    """
    model = NameModel.load()
    level = policy.names.prose["PERSON"]
    texts = list(annotated(folder))
    report = [text for text in texts if text.part == "report"]
    templates = [text for text in report if text.corpus.startswith(("presidio", "pii"))]
    yield _recall("templates not trained on", model, templates, level, least=0.92)
    comments = [text for text in report if text.corpus.startswith("wnut17")]
    yield _recall("noisy comments not trained on, many in lower case", model, comments, level, least=None)
    if not is_quick:
        yield _recall("news not trained on", *_news(texts), level, least=0.88)
    lines = [line for source in technical_lines(folder).values() for line in source]
    for reading, at in (("people", level), ("logs", policy.names.technical["PERSON"])):
        share = masked_share(model, lines, at, "PERSON")
        met = share <= _MOST_TECHNICAL
        yield Measure(
            f"names: technical characters masked as read from {reading}", share, None, "share", "<= 0.01", met
        )


def _recall(name: str, model: NameModel, texts: list[Text], level: float, *, least: float | None) -> Measure:
    masked, there = recall(model, texts, "PERSON", level)
    share = masked / max(1, there)
    goal, met = (f">= {least}", share >= least) if least is not None else ("", None)
    return Measure(f"names: person recall, {name}", share, None, "share", goal, met)


def _news(texts: list[Text]) -> tuple[NameModel, list[Text]]:
    from governance.privacy.names.train import train

    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "names.npz"
        train(texts, target, without=frozenset({_NEWS}))
        return NameModel.load(target), [text for text in texts if text.corpus == _NEWS]
