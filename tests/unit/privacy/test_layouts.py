"""Each type of identifier is masked in every layout in which systems and people write it."""

from __future__ import annotations

from collections import defaultdict

from governance.privacy import load_privacy
from governance.privacy.recognizer import StructuredRecognizer
from tests.bench.layouts import Case, cases


def _is_masked(case: Case, recognizer: StructuredRecognizer) -> bool:
    """At least 90 % of the characters of the value are in a finding."""
    found = recognizer.analyze(case.text, recognizer.supported_entities)
    covered = {place for one in found for place in range(one.start, one.end)}
    return len(covered & set(range(case.start, case.end))) >= 0.9 * (case.end - case.start)


def test_recall_of_each_type_over_all_layouts_is_at_least_99_percent() -> None:
    recognizer = StructuredRecognizer(load_privacy().patterns)
    masked: dict[str, list[bool]] = defaultdict(list)
    for case in cases(seed=7, repeats=12):
        masked[case.type].append(_is_masked(case, recognizer))
    recall = {kind: sum(results) / len(results) for kind, results in masked.items()}
    assert {kind: share for kind, share in recall.items() if share < 0.99} == {}
