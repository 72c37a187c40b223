"""Names of people: recall on text not trained on, and the share of technical characters masked at the same setting.

The setting is that of policies/privacy.yml for what people write (`names.prose`) and, for technical characters, that
of logs and attributes (`names.technical`) as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from governance.privacy.names import NameModel
from governance.privacy.names.corpora import Text, annotated
from governance.privacy.names.evaluate import masked_share, recall, technical_lines
from governance.privacy.policy import PrivacyPolicy
from tests.bench.measure import Measure

_MOST_TECHNICAL = 0.01


def names(policy: PrivacyPolicy, folder: Path) -> Iterator[Measure]:
    """Person recall on unseen templates and on an unseen corpus, and what it costs in technical text."""
    model = NameModel.load()
    level = policy.names.prose["PERSON"]
    report = [text for text in annotated(folder) if text.part == "report"]
    kinds: tuple[tuple[str, list[Text], float], ...] = (
        ("templates", [text for text in report if text.corpus.startswith(("presidio", "pii"))], 0.92),
        ("corpus", [text for text in report if text.corpus.startswith("wnut17")], 0.88),
    )
    for name, texts, least in kinds:
        masked, there = recall(model, texts, "PERSON", level)
        share = masked / max(1, there)
        yield Measure(
            f"names: person recall, {name} not trained on", share, None, "share", f">= {least}", share >= least
        )
    lines = [line for source in technical_lines(folder).values() for line in source]
    for reading, at in (("people", level), ("logs", policy.names.technical["PERSON"])):
        share = masked_share(model, lines, at, "PERSON")
        met = share <= _MOST_TECHNICAL
        yield Measure(
            f"names: technical characters masked as read from {reading}", share, None, "share", "<= 0.01", met
        )
