"""Names of people, places and organisations in free text: a small model that needs no download (MODEL_CARD.md)."""

from governance.privacy.names.model import NameFinding, NameModel
from governance.privacy.names.recognizer import NameRecognizer

__all__ = ["NameFinding", "NameModel", "NameRecognizer"]
