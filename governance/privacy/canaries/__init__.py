"""Canaries: made-up personal data and secrets, planted in each partition and looked for in all that is written."""

from governance.privacy.canaries.looking import Finder, Texts
from governance.privacy.canaries.planting import Canaries, Canary, Harvest, Leak, Planted, tell

__all__ = ["Canaries", "Canary", "Finder", "Harvest", "Leak", "Planted", "Texts", "tell"]
