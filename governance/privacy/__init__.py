"""Anonymisation: what leaves landing, and in which form (policies/privacy.yml, policies/patterns.yml)."""

from governance.privacy.batch import Anonymized
from governance.privacy.enforce import Anonymizer, anonymize
from governance.privacy.policy import CODE_VERSION, PrivacyPolicy, load_privacy

__all__ = ["CODE_VERSION", "Anonymized", "Anonymizer", "PrivacyPolicy", "anonymize", "load_privacy"]
