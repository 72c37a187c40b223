"""Stock Presidio: AnalyzerEngine with its default recognizers on a blank spaCy pipeline, and AnonymizerEngine."""

from __future__ import annotations


class Stock:
    """Presidio as it comes, without a language model and without the network."""

    def __init__(self) -> None:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
        from presidio_anonymizer import AnonymizerEngine

        class Blank(SpacyNlpEngine):
            def load(self) -> None:
                self.nlp = {"en": spacy.blank("en")}

        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        engine = Blank()
        engine.load()
        self._analyzer, self._anonymizer = AnalyzerEngine(nlp_engine=engine), AnonymizerEngine()

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """What it finds."""
        return [(one.start, one.end, one.entity_type) for one in self._analyzer.analyze(text, "en")]

    def run(self, texts: list[str]) -> None:
        """Analyse and anonymise."""
        for text in texts:
            self._anonymizer.anonymize(text, self._analyzer.analyze(text, "en"))
