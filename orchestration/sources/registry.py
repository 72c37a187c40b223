"""Which connector reads which type of source."""

from __future__ import annotations

from governance.sources import Source
from orchestration.sources.connector import Connector
from orchestration.sources.github import GitHub
from orchestration.sources.otlp import Otlp
from orchestration.sources.pagerduty import PagerDuty
from orchestration.sources.tabular import Table, Tabular
from orchestration.sources.zendesk import Zendesk


def connector_for(source: Source) -> Connector:
    """A connector for one pull of `source`."""
    match source.type:
        case "otlp":
            return Otlp()
        case "zendesk":
            return Zendesk()
        case "github":
            return GitHub()
        case "pagerduty":
            return PagerDuty()
        case "csv" | "jsonl":
            return Tabular()
        case "sql":
            return Table()
