"""Measure a name model: `python -m governance.privacy.names.evaluate FOLDER [MODEL]`, FOLDER holding the corpora.

Recall: names of which 90 % of the characters are masked, as whatever.
Technical: the share of characters masked in text without names of people.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from governance.privacy.names.corpora import Text, annotated
from governance.privacy.names.model import SHIPPED, NameModel

LEVELS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9)


def recall(model: NameModel, texts: Iterable[Text], entity: str, level: float) -> tuple[int, int]:
    """How many mentions of the entity are masked, of how many."""
    listed = list(texts)
    masked = mentions = 0
    for text, found in zip(listed, model.find([text.text for text in listed]), strict=True):
        covered = {place for name in found if name.score >= level for place in range(name.start, name.end)}
        for start, end, kind in text.spans:
            if kind == entity:
                mentions += 1
                masked += len(covered & set(range(start, end))) >= 0.9 * (end - start)
    return masked, mentions


def masked_share(model: NameModel, lines: list[str], level: float, entity: str | None = None) -> float:
    """The share of the characters that is masked."""
    found = model.find(lines)
    masked = sum(n.end - n.start for names in found for n in names if n.score >= level and entity in (None, n.entity))
    return masked / max(1, sum(map(len, lines)))


def technical_lines(folder: Path) -> dict[str, list[str]]:
    """Real text without names of people, by where it is from: for measuring only."""
    lines = {
        path.stem: path.read_text(encoding="utf-8", errors="replace").splitlines()
        for path in sorted(folder.glob("loghub_*.log"))
    }
    file = folder / "stackoverflow_ner_dev.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines["stackoverflow"] = [r["text"] for r in records if not any(s["type"] == "User_Name" for s in r["spans"])]
    return lines


def main() -> None:
    """Print recall and the technical characters masked, by level."""
    folder = Path(sys.argv[1])
    model = NameModel.load(Path(sys.argv[2]) if len(sys.argv) > 2 else SHIPPED)
    texts = list(annotated(folder))
    groups = sorted({(text.corpus, text.part) for text in texts if text.part != "train"} | {("btc_g", "train")})
    print(f"{'recall':42}", *(f"{level:6}" for level in LEVELS))
    for entity in ("PERSON", "LOCATION", "ORGANIZATION"):
        for corpus, part in groups:
            own = [text for text in texts if (text.corpus, text.part) == (corpus, part)]
            shares = [recall(model, own, entity, level) for level in LEVELS]
            if shares[0][1]:
                name = f"{entity} {corpus} {part} {shares[0][1]}"
                print(f"{name:42}", *(f"{found / mentions:6.3f}" for found, mentions in shares))
    for source, lines in technical_lines(folder).items():
        for entity in ("PERSON", "LOCATION", "ORGANIZATION"):
            masked = [masked_share(model, lines, level, entity) for level in LEVELS]
            print(f"{'masked ' + source + ' ' + entity:42}", *(f"{share:6.4f}" for share in masked))


if __name__ == "__main__":
    main()
