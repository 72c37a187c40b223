"""Records that say as little as the gate allows: whatever one leaves out, nothing of the rest is held up by it."""

import csv
import itertools
import json

import duckdb
import pytest
import yaml

EARLY, NOON, LATE = (f"2026-10-26T{hour}:00:00Z" for hour in ("08", "12", "16"))

NEXT_DAY = "2026-10-27T12:00:00Z"
# Of these one record comes again with another day; their ids are made of what they are about.
CORRECTED = ("commits", "reviews", "surveys")

# No day knows the ids of another: such a span is one of both.
SPAN = {
    "trace_id": "a" * 32,
    "span_id": "b" * 16,
    "event_at": NOON,
    "duration_ns": "5",
    "service": "search",
    "service_version": "1.0",
    "kind": "server",
    "operation": "Find",
    "http.request.method": "GET",
}

# Of each signal: what a record must say and every kind of it, then what it may say.
SAID = {
    "deployments": (
        {
            "deployment_id": ["d"],
            "event_at": [NOON],
            "status": ["created", "in_progress", "success", "failure", "inactive"],
        },
        {
            "created_at": EARLY,
            "service": "search",
            "service_version": "1.0",
            "environment": "production",
            "sha": "a" * 40,
        },
    ),
    "incidents": (
        {
            "incident_id": ["i"],
            "event_at": [NOON],
            "entry_type": ["trigger", "acknowledge", "mitigate", "resolve", "note"],
            "status": ["", "triggered", "acknowledged", "resolved"],
        },
        {"started_at": EARLY, "created_at": EARLY, "service": "search", "urgency": "high", "title": "Search is slow"},
    ),
    "tickets": (
        {"ticket_id": ["t"], "event_at": [NOON], "created_at": [EARLY], "status": ["new", "solved", "closed"]},
        {"subject": "Search is slow", "service": "search", "account_id": "4711", "priority": "high", "closed_at": NOON},
    ),
    "ticket_events": (
        {
            "ticket_id": ["t1", "nobody"],
            "event_at": [NOON],
            "event_type": ["comment", "status"],
            "status": ["open", "solved"],
        },
        {"author_role": "agent", "body": "We look at it", "author": "agent-7"},
    ),
    "pull_requests": (
        {"pull_request_id": ["r"], "event_at": [NOON], "created_at": [EARLY], "status": ["open", "closed", "merged"]},
        {
            "merged_at": NOON,
            "service": "search",
            "first_commit_at": EARLY,
            "first_review_at": NOON,
            "approved_at": NOON,
            "closed_at": NOON,
            "head_sha": "a" * 40,
            "merge_commit_sha": "b" * 40,
            "additions": "5",
            "repository": "shop/search",
            "title": "Faster",
        },
    ),
    "commits": (
        {"sha": ["a" * 40, "c"], "event_at": [EARLY]},
        {"authored_at": EARLY, "service": "search", "pull_request_id": "r1", "repository": "shop/search"},
    ),
    "reviews": (
        {
            "review_id": ["v"],
            "event_at": [NOON],
            "pull_request_id": ["r1", "nobody"],
            "status": ["approved", "changes_requested", "commented", "dismissed"],
        },
        {"service": "search", "repository": "shop/search", "sha": "a" * 40},
    ),
    "ci_runs": (
        {
            "run_id": ["c"],
            "event_at": [LATE],
            "attempt": ["1", "2"],
            "status": ["queued", "in_progress", "completed"],
            "conclusion": ["success", "failure", "cancelled"],
        },
        {
            "created_at": EARLY,
            "started_at": NOON,
            "completed_at": LATE,
            "service": "search",
            "sha": "a" * 40,
            "workflow": "build",
            "branch": "main",
            "repository": "shop/search",
        },
    ),
    "outcomes": (
        {
            "event_at": ["2026-10-26"],
            "journey": ["j", "search"],
            "value": ["0.5"],
            "measure, unit": [("conversion", "count"), ("renewal", "ratio"), ("support_cost", "EUR")],
        },
        {"service": "search", "segment": "pro", "population": "50", "reported_at": NOON},
    ),
    "surveys": (
        {"event_at": [NOON], "survey": ["q"], "audience": ["developer", "user"]},
        {
            "response_id": "1",
            "team": "web",
            "service": "search",
            "question": "How is it?",
            "score": "3",
            "score_min": "1",
            "score_max": "5",
            "body": "Search is slow",
        },
    ),
}


def records(signal):
    """Of each kind one that says no more than it must, one more thing, all, and all but one."""
    must, may = SAID[signal]
    subsets = [{}, may, *({name: may[name]} for name in may), *({n: may[n] for n in may if n != name} for name in may)]
    number = itertools.count(1)
    for values in itertools.product(*must.values()):
        kind = {}
        for names, value in zip(must, values, strict=True):
            kind |= dict(zip(names.split(", "), value if isinstance(value, tuple) else [value], strict=True))
        for subset in subsets:
            # One letter: an id that is numbered, each record's own.
            numbered = {k: f"{v}{next(number)}" if len(v) == 1 and k.endswith("_id") else v for k, v in kind.items()}
            yield {**numbered, **subset}


def write_source(config, inbox, name, signal, files):
    """A source of rows of one signal, and its files by name."""
    columns = sorted({column for rows in files.values() for row in rows for column in row})
    source = {
        "description": f"Sparse {name}",
        "type": "csv",
        "signals": [signal],
        "owner": "support@example.com",
        "purpose": "to learn of what is left out",
        "files": {"folder": f"sparse/{name}", "patterns": ["*.csv"]},
        "columns": {column: column for column in columns if "." not in column},
    }
    (config / "sources" / f"{name}.yml").write_text(yaml.safe_dump(source))
    (inbox / "sparse" / name).mkdir(parents=True)
    for file_name, rows in files.items():
        with (inbox / "sparse" / name / f"{file_name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def sparse(new_deployment, tmp_path_factory):
    """A deployment that has read the records above, every signal from two systems with the same ids."""
    config, inbox = (tmp_path_factory.mktemp(name) for name in ("config", "inbox"))
    (config / "sources").mkdir()
    for signal in SAID:
        rows = list(records(signal))
        again = [max(rows, key=len) | {"event_at": NEXT_DAY}] if signal in CORRECTED else []
        for system in (f"{signal}_here", f"{signal}_there"):
            write_source(config, inbox, system, signal, {"records": rows, "corrected": again})
    write_source(
        config, inbox, "spans_here", "spans", {"records": [SPAN], "corrected": [SPAN | {"event_at": NEXT_DAY}]}
    )
    deployment = new_deployment("sparse", FEEDBACK_CONFIG=str(config))
    deployment.printed = deployment.run("--inbox", inbox, check=False)
    return deployment


def in_warehouse(deployment, sql):
    with duckdb.connect(str(deployment.root / "warehouse" / "feedback.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def told_of(deployment, name):
    """What became of a test of the models."""
    (results,) = (deployment.root / "dbt").rglob("run_results.json")
    told = {one["unique_id"].split(".")[2]: one["status"] for one in json.loads(results.read_bytes())["results"]}
    return told[name]


def test_records_that_leave_out_what_they_may_are_published(sparse):
    assert sparse.printed.returncode == 0, sparse.printed.stdout[-3000:] + sparse.printed.stderr[-3000:]


def test_none_of_them_is_lost_and_no_day_withheld(sparse):
    sql = "select sum(pulled), sum(withheld), bool_and(is_balanced) from fct_ledger where signal in (select unnest(?))"
    with_signals = sql.replace("?", str(list(SAID)))
    assert sparse.rows(with_signals) == [
        (
            2 * (sum(len(list(records(signal))) for signal in SAID) + len(CORRECTED)),
            0,
            True,
        )
    ]


@pytest.mark.parametrize(
    ("signal", "table", "ids"),
    [
        ("deployments", "fct_deployments", "(source, deployment_id)"),
        ("incidents", "fct_incidents", "(source, incident_id)"),
        ("tickets", "fct_tickets", "(source, ticket_id)"),
        ("pull_requests", "fct_changes", "(source, pull_request_id)"),
        ("ci_runs", "fct_ci_runs", "(source, ci_run_id, attempt)"),
    ],
)
def test_each_that_passed_the_gate_is_in_its_mart(sparse, signal, table, ids):
    checked = sparse.rows(f"select sum(checked) from fct_ledger where signal = '{signal}'")[0][0]
    assert sparse.rows(f"select count(distinct {ids}), count(*) from {table}") == [(checked, checked)]


@pytest.mark.parametrize("signal", CORRECTED)
def test_a_record_that_came_again_with_another_day_counts_once_on_the_later_and_a_steward_is_warned(sparse, signal):
    both = f"select record_id from lake.{signal} group by source, record_id having count(distinct event_at) = 2"
    counted = f"select count(*), min(occurred_at)::date::varchar from staging.stg_lake__{signal} where record_id in"
    assert in_warehouse(sparse, f"{counted} ({both})") == [(2, NEXT_DAY[:10])]
    assert told_of(sparse, f"{signal}_have_one_time") == "warn"


def test_a_span_that_came_again_with_another_day_is_one_of_both_and_a_steward_is_warned(sparse):
    days = in_warehouse(sparse, "select event_date::varchar from lake.spans order by 1")
    assert days == [(NOON[:10],), (NEXT_DAY[:10],)]
    assert told_of(sparse, "requests_have_an_attribute_once") == "pass"
    assert told_of(sparse, "requests_have_one_time") == "warn"
