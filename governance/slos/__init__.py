"""Service level objectives: policies/slos.yml, typed, and as the relations that models read.

The terms, the windows of the alerts and what they spend are those of https://sre.google/workbook/alerting-on-slos.
"""

from governance.slos.policy import AlertWindow, Maintenance, Objective, SlosPolicy
from governance.slos.relations import (
    MAINTENANCE_SCHEMA,
    SLO_ALERTS_SCHEMA,
    SLOS_SCHEMA,
    frames_of,
    load_slos,
    slo_frames,
)

__all__ = [
    "MAINTENANCE_SCHEMA",
    "SLOS_SCHEMA",
    "SLO_ALERTS_SCHEMA",
    "AlertWindow",
    "Maintenance",
    "Objective",
    "SlosPolicy",
    "frames_of",
    "load_slos",
    "slo_frames",
]
