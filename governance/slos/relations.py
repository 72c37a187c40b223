"""The objectives in force, and the relations that models read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import polars as pl

from governance.errors import PolicyError, one_of
from governance.owners import ANY, OwnersPolicy, load_owners
from governance.policy import load_policy
from governance.slos.policy import AlertWindow, Objective, SlosPolicy

_TIME = pl.Datetime("us", "UTC")
# One row per objective and day from which a definition of it is valid; `valid_to` is the day from which it is not.
# Patterns are regular expressions over the whole name; null: everything (service_pattern: the exact name alone).
SLOS_SCHEMA = pl.Schema(
    {
        "slo": pl.String(),
        "valid_from": pl.Date(),
        "valid_to": pl.Date(),
        "indicator": pl.String(),
        "service": pl.String(),
        "service_pattern": pl.String(),
        "except_services": pl.String(),
        "owner_team": pl.String(),
        "owner_email": pl.String(),
        "operation_pattern": pl.String(),
        "excluded_operations": pl.String(),
        "span_kind": pl.String(),
        "feature_flag": pl.String(),
        "feature_variant": pl.String(),
        "threshold_ms": pl.Float64(),
        "threshold_bucket": pl.Int32(),
        "effective_threshold_ms": pl.Float64(),
        "objective_ratio": pl.Float64(),
        "budget_ratio": pl.Float64(),
        "period_days": pl.Int32(),
        "digest": pl.String(),
    }
)
# One row per severity and long window.
SLO_ALERTS_SCHEMA = pl.Schema(
    {
        "severity": pl.String(),
        "long_minutes": pl.Int32(),
        "short_minutes": pl.Int32(),
        "spent_ratio": pl.Float64(),
        "at_least_requests": pl.Int32(),
        "digest": pl.String(),
    }
)
# One row per maintenance window.
MAINTENANCE_SCHEMA = pl.Schema(
    {
        "service_pattern": pl.String(),
        "starts_at": _TIME,
        "ends_at": _TIME,
        "reason": pl.String(),
        "approved_by": pl.String(),
    }
)


def load_slos() -> SlosPolicy:
    """policies/slos.yml; raises PolicyError where it is missing or wrong, or names what owners.yml does not know."""
    policy, owners = load_policy("slos", SlosPolicy), load_owners()
    for objective in policy.objectives:
        _check_owner(objective, owners)
    for window in policy.maintenance:
        _check_service(f"maintenance from {window.starts_at:%Y-%m-%d %H:%M}", window.service, owners)
    return policy


def slo_frames() -> dict[str, pl.DataFrame]:
    """The relations of the policy in force by name, see `frames_of`."""
    return frames_of(load_slos(), load_owners())


def frames_of(policy: SlosPolicy, owners: OwnersPolicy) -> dict[str, pl.DataFrame]:
    """The relations `slos`, `slo_alerts` and `maintenance_windows`, see their schemas."""
    alerts = [
        (*(getattr(one, name) for name in AlertWindow.model_fields), policy.alerts_digest) for one in policy.alerts
    ]
    windows = [
        (_expression([one.service]), one.starts_at, one.ends_at, one.reason, one.approved_by)
        for one in policy.maintenance
    ]
    return {
        "slos": pl.DataFrame([_row(one, policy, owners) for one in policy.objectives], schema=SLOS_SCHEMA),
        "slo_alerts": pl.DataFrame(alerts, schema=SLO_ALERTS_SCHEMA, orient="row"),
        "maintenance_windows": pl.DataFrame(windows, schema=MAINTENANCE_SCHEMA, orient="row"),
    }


def _row(objective: Objective, policy: SlosPolicy, owners: OwnersPolicy) -> dict[str, object]:
    is_exact = ANY not in objective.service
    team = objective.owner or (owners.owner_of(objective.service) if is_exact else None)
    later = [
        one.valid_from
        for one in policy.objectives
        if one.name == objective.name and one.valid_from > objective.valid_from
    ]
    same = {
        name: getattr(objective, name)
        for name in ("service", "valid_from", "span_kind", "feature_flag", "feature_variant", "period_days")
    }
    latency = {
        name: getattr(objective, name) for name in ("threshold_ms", "threshold_bucket", "effective_threshold_ms")
    }
    return {
        **same,
        **latency,
        "slo": objective.name,
        "valid_to": min(later, default=None),
        "indicator": objective.kind,
        "service_pattern": None if is_exact else _expression([objective.service]),
        "except_services": _expression(objective.except_services),
        "owner_team": team,
        "owner_email": owners.teams[team].email if team else None,
        "operation_pattern": _expression([objective.operation] if objective.operation else []),
        "excluded_operations": _expression(objective.exclude_operations),
        "objective_ratio": objective.objective,
        "budget_ratio": round(1 - objective.objective, 12),
        "digest": objective.digest,
    }


def _check_service(where: str, service: str, owners: OwnersPolicy) -> None:
    named = _named(owners)
    if service == ANY or any(_fits(service, name) or _fits(name, service) for name in named):
        return
    raise PolicyError(
        f"policies/slos.yml: {where}: service is {service}, which no team of owners.yml names;"
        f" {one_of(service, named)}, or a pattern that fits one of them"
    )


def _check_owner(objective: Objective, owners: OwnersPolicy) -> None:
    where = f"objective {objective.name}"
    _check_service(where, objective.service, owners)
    if objective.owner is None:
        return
    if objective.owner not in owners.teams:
        raise PolicyError(
            f"policies/slos.yml: {where}: owner is {objective.owner}, which is no team of owners.yml;"
            f" {one_of(objective.owner, owners.teams)}"
        )
    for service in sorted({name for name in _named(owners) if _fits(objective.service, name)} | {objective.service}):
        if any(_fits(excepted, service) for excepted in objective.except_services) or service == ANY:
            continue
        if (other := owners.owner_of(service)) != objective.owner:
            raise PolicyError(
                f"policies/slos.yml: {where}: service {service} has two owners, {objective.owner} here and {other} in"
                " owners.yml; name one in both, or leave owner out here"
            )


def _named(owners: OwnersPolicy) -> set[str]:
    return {service for team in owners.teams.values() for service in team.services}


def _fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; only * is special, as in owners.yml."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def _expression(patterns: Sequence[str]) -> str | None:
    """Names and patterns with * as one regular expression over the whole name; none: null."""
    parts = [".*".join(re.escape(part) for part in pattern.split(ANY)) for pattern in patterns]
    return f"(?s)^(?:{'|'.join(parts)})$" if parts else None
