"""Anonymize: personal data and secrets stop here."""
