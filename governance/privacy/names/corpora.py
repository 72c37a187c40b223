"""The annotated texts the name model is trained and measured on: which, under which licence, and for what."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# file -> what it is for. All are licensed for training (MIT, CC-BY 3.0 and 4.0, CC0). A split corpus is parted by
# template (the text without its names): a template is trained on, chooses thresholds, or is reported, never two of it.
CORPORA = {
    "presidio_research_synth_v2": "split",
    "presidio_research_large": "split",
    "pii_anon_technology": "split",
    "pii_anon_adversarial": "split",
    "pii_anon_format_variations": "split",
    "wnut17_train": "train",
    "btc_a": "train",
    "btc_b": "train",
    "btc_g": "train",
    "btc_h": "train",
    "sec_filings_fin5": "train",
    "btc_e": "threshold",
    "wnut17_dev": "report",
}
_ENTITIES = {
    "PERSON": "PERSON",
    "PERSON_NAME": "PERSON",
    "LOCATION": "LOCATION",
    "GPE": "LOCATION",
    "STREET_ADDRESS": "LOCATION",
    "ORGANIZATION": "ORGANIZATION",
    "ORGANIZATION_NAME": "ORGANIZATION",
}


@dataclass(frozen=True)
class Text:
    """One annotated text; spans are (start, end, entity)."""

    corpus: str
    part: str  # train | threshold | report
    text: str
    spans: tuple[tuple[int, int, str], ...]


def annotated(folder: Path) -> Iterator[Text]:
    """Every annotated text of `folder`, in the order of the corpora.

    Raises:
        FileNotFoundError: a corpus is not there.
    """
    for corpus, part in CORPORA.items():
        for line in (folder / f"{corpus}.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            text = record["text"]
            spans = tuple(
                (span["start"], span["end"], _ENTITIES[span["type"]])
                for span in record["spans"]
                if span["type"] in _ENTITIES and not _is_handle(text, span["start"])
            )
            yield Text(corpus, _part(text, record["spans"]) if part == "split" else part, text, spans)


def _is_handle(text: str, start: int) -> bool:
    return text[start] == "@" or text[max(0, start - 2) : start].strip() == "@"


def _part(text: str, spans: list[dict[str, object]]) -> str:
    template = text
    for span in sorted(spans, key=lambda span: -int(str(span["start"]))):
        template = template[: int(str(span["start"]))] + "_" + template[int(str(span["end"])) :]
    place = int(hashlib.sha256(re.sub(r"\d+", "0", template).encode()).hexdigest()[:8], 16) % 10
    return "train" if place < 7 else "threshold" if place < 8 else "report"


def technical() -> Iterator[str]:
    """Text without names of people: the standard library's code and docstrings, and this product's own.

    Comments are left out: they thank people by name.
    """
    library = Path(sysconfig.get_paths()["stdlib"])
    files = [*sorted(library.glob("*.py"))[:170], *sorted((library / "asyncio").glob("*.py"))]
    files += sorted(Path(__file__).parents[3].glob("orchestration/**/*.py"))
    for path in files:
        source = path.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        lines = [line for line in source.splitlines() if "#" not in line and len(line.strip()) > 20]
        yield from (line.strip() for line in lines[:: max(1, len(lines) // 60)])
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                yield text[:400]
