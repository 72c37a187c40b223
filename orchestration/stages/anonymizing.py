"""anonymize: landing -> anonymized, and held for what could not be judged."""

from __future__ import annotations

from datetime import datetime

from governance.keys import Keyring
from governance.privacy import PrivacyPolicy, anonymize
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages.tally import Tally


def anonymize_days(
    lake: Lake, dataset: str, days: list[str], policy: PrivacyPolicy, keys: Keyring, as_of: datetime
) -> Tally:
    """Anonymise the days of a dataset (`<source>/<signal>`); the landing counts travel on, as landing expires first."""
    signal = SIGNALS[dataset.split("/")[1]]
    tally = Tally()
    for day in days:
        source_key, target, held = (f"{state}/{dataset}/{day}" for state in ("landing", "anonymized", "held"))
        landing = lake.manifest(source_key)
        if landing is None:
            if lake.exists(target):
                tally.frozen.append(day)
            continue
        inputs = {source_key: landing.digest}
        if lake.is_current(target, inputs, policy.digest):
            tally.current.append(day)
            continue
        result = anonymize(lake.read(source_key), signal, policy, keys)
        with lake.replace(held, as_of=as_of, inputs=inputs, policy=policy.digest, key_id=keys.key_id) as out:
            out.write("records", result.held)
        with lake.replace(target, as_of=as_of, inputs=inputs, policy=policy.digest, key_id=keys.key_id) as out:
            out.write("records", result.records)
            out.counts = {**landing.counts, "anonymized": result.records.height, "held": result.held.height}
            out.facts = {f"withheld field {name}": str(count) for name, count in sorted(result.withheld_fields.items())}
        tally.days[day] = out.counts
        if result.held.height:
            tally.notes[day] = f"{result.held.height} records held"
    return tally
