"""The stage: landing records in, records without personal data and secrets out, the rest held or withheld."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy.batch import Anonymized, Batch, Group
from governance.privacy.fields import Treatments
from governance.privacy.policy import PrivacyPolicy
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS
from governance.signals import Signal


class Anonymizer:
    """The stage under one policy and one keyring; pure: what became of a record depends on it and its thread alone."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring) -> None:
        self._policy = policy
        self._treatments = Treatments(policy, keys)

    def anonymize(
        self, frame: pl.DataFrame, signal: Signal, known: pl.DataFrame | None = None, *, planted: int = 0
    ) -> Anonymized:
        """Landing records of one signal without personal data and secrets.

        Args:
            frame: records in the signal's landing schema.
            known: what their threads are known to hold (MENTIONS_SCHEMA), see `mentions`; None: nothing but what
                the records themselves say.
            planted: so many records at the end are nobody's; they go the same way, and are not counted as findings.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        if known is None:
            known = self.mentions(frame, signal)
        return self.anonymize_together([Group(frame, known, planted)], signal)[0]

    def anonymize_together(self, groups: Sequence[Group], signal: Signal) -> list[Anonymized]:
        """What becomes of each group, as it would alone; small ones take a fraction of the time together.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        for group in groups:
            _check(group.frame, signal)
        return Batch(groups, signal, self._policy, self._treatments).anonymized()

    def mentions(self, frame: pl.DataFrame, signal: Signal) -> pl.DataFrame:
        """The values found in the records that must be masked wherever their threads repeat them (MENTIONS_SCHEMA).

        Raw values: they stay under landing's protection.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        return self.mentions_together([frame], signal)[0]

    def mentions_together(self, frames: Sequence[pl.DataFrame], signal: Signal) -> list[pl.DataFrame]:
        """The `mentions` of each of these, as alone; small ones take a fraction of the time together.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        for frame in frames:
            _check(frame, signal)
        none = pl.DataFrame(schema=MENTIONS_SCHEMA)
        if signal.name not in THREADS:
            return [none for _ in frames]
        return Batch([Group(frame, none) for frame in frames], signal, self._policy, self._treatments).mentions()


def anonymize(
    frame: pl.DataFrame, signal: Signal, policy: PrivacyPolicy, keys: Keyring, known: pl.DataFrame | None = None
) -> Anonymized:
    """One batch through a new `Anonymizer`; see its `anonymize`."""
    return Anonymizer(policy, keys).anonymize(frame, signal, known)


def _check(frame: pl.DataFrame, signal: Signal) -> None:
    for name, dtype in signal.landing_schema.items():
        found = frame.schema.get(name)
        if found != dtype:
            raise PolicyError(
                f"landing {signal.name}: column {name} is {found or 'missing'}; expected {dtype}; pull again"
            )
