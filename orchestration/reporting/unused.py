"""What is collected and never shows: fields that pass anonymisation though no published column is made from them."""

from __future__ import annotations

from collections.abc import Collection

from governance.privacy import PrivacyPolicy
from governance.signals import RESOURCE, SIGNALS

# Every record has these for the accounts and the order, whatever is computed.
_BOOKKEEPING = frozenset(("record_id", "event_at", "start_unix_nano", "time_unix_nano", "raw_bytes", "source"))


def unused_fields(used: Collection[tuple[str, str]], privacy: PrivacyPolicy) -> dict[str, list[str]]:
    """By signal, the fields that are kept and that no published column is made from; signals without any are left out.

    A field that models only join or filter by counts as not used.

    Args:
        used: the fields (signal, name) that published columns are made from.
    """
    found = {}
    for name, signal in SIGNALS.items():
        treatments = privacy.columns[name]
        kept = [
            column
            for column in signal.columns
            if column not in _BOOKKEEPING and (column not in treatments or treatments[column].action != "drop")
        ]
        if left := [column for column in kept if (name, column) not in used and column != RESOURCE]:
            found[name] = left
    return found
