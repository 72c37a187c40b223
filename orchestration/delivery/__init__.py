"""Telling teams what changed, by webhook or mail; nothing is told twice, and what could not be told is tried again."""

from orchestration.delivery.alerting import Delivery, Outcome, Pending, alert_teams, deliver

__all__ = ["Delivery", "Outcome", "Pending", "alert_teams", "deliver"]
