"""A simulated company: writes what its systems would have written, with known things going wrong.

    from datetime import date
    from pathlib import Path
    from orchestration.simulation import load_scenario, simulate

    simulate(load_scenario("default"), seed=7, end=date(2026, 3, 31), days=42, out=Path("inbox"))

writes six weeks of whole UTC days, the last one `end`, into `inbox/`, and what is true about them into `truth.json`
beside it. Same arguments, same bytes; memory depends neither on `days` nor on `scale`.

What is written, each as the real system writes it:

    otel/traces-<day>.jsonl[.gz]           OTLP/JSON, one export request per line (OpenTelemetry Collector)
    otel/logs-<day>.jsonl[.gz]
    zendesk/tickets-NNNN.json              cursor export: a ticket once per version
    zendesk/ticket_events-NNNN.json        comments and changes of status
    zendesk/users-NNNN.json                who wrote them, and whether as end-user or agent
    github/deployments-<service>.json      deployments with their statuses
    github/issues.json                     issues and pull requests
    github/pulls-<service>.json            pull requests with their commits and reviews
    github/runs-<service>.json             CI runs, the last attempt of each; attempts-<service>.json: those before it
    pagerduty/incidents-NNNN.json          incidents with log entries
    business/outcomes.csv                  what each journey came to on a day, and what supporting it cost
    surveys/answers.csv                    what engineers and users answered

How to write a scenario. A scenario is a YAML file; `scenarios/default.yml` is one with a comment on every part. It
says how much happens in an ordinary day (`accounts`, `traces_per_day`, `tickets_per_day`), which feature flags there
are (`flags`), and then what goes wrong (`faults`), what only looks as if (`noise`, `deployments`) and what must not
get through (`canaries`, `poison`). A mistake in it is one line naming file, line, key and what is allowed.

A fault has a `name`, a `service` and a `kind`:

    latency       `strength: {added_ms: 380}` or `{factor: 3}`: the operation's own work takes longer, callers wait
    error         `strength: {ratio: 0.3}` of its calls fail; 95 % of errors reach each caller
    log           `strength: {ratio: 0.3}` of its calls write `log`; nothing else shows
    ticket_theme  only customers notice: `tickets: {per_day: 5, ...}`

It can be narrowed to an `operation`, a `dependency`, a `version`, a `flag` with `variant`, the accounts of a `plan`, or
a `share` of the calls (see company.py for names). Without `operation` and `dependency` it hits all operations the
service serves itself. It lasts `from` .. `to`; without `from` it begins with `caused_by.deployment`; without `to` it
lasts to the end, or until `cured_by`, a deployment with `helps: true` (with `helps: false` a fix that changes nothing).
`log` is a line each hit call writes, `tickets` who notices (`share` of the accounts hit a day), `incident` how people
met it, `planned` what they decided to do. A fault with `version` hits only requests served by that version; a
deployment with `share: 0.3` reaches only that share of them. An error of a dependency's calls can have `retries`: each
is tried so many times more.

Tickets and comments name people, as their writers do (people.py). truth.json lists these names with the canaries, as
`person` with `is_structured: false`, the first 2,000 of a run; a scenario's canaries can be of type `person` too.

Templates know {account} {dependency} {id} {ms} {number} {operation} {order} {service} {sku} {version}.
"""

from __future__ import annotations

from orchestration.simulation.run import simulate
from orchestration.simulation.scenario import Poison, Scenario, load_scenario
from orchestration.simulation.truth import Truth

__all__ = ["Poison", "Scenario", "Truth", "load_scenario", "simulate"]
