"""What other programs make of the same deliveries (FEEDBACK_REAL_DATA/telemetry/deployments), through the real models.

All of them stand in one warehouse, which is built once. Every figure that differs is listed with both values; decision
0019 says why.
"""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.integration.delivery_world import Delivery, built
from tests.integration.pain_point_world import lake_of
from tests.integration.reading import asked, rows_of

csv.field_size_limit(10**8)
AS_OF = datetime(2024, 2, 1, tzinfo=UTC)
STAGES = ("coding", "pickup", "review", "deploy")


def table(folder, name):
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def moment(text):
    """DevLake's times: with a zone, or naive ones of UTC without leading zeros."""
    if not text:
        return None
    if "T" in text:
        return datetime.fromisoformat(text)
    day, clock = text.split(" ")
    return datetime(*map(int, day.split("-")), *map(int, clock.split(":")), tzinfo=UTC)


@pytest.fixture(scope="module")
def lead_times(real_data):
    return real_data / "telemetry" / "deployments" / "devlake_dora" / "change_lead_time"


@pytest.fixture(scope="module")
def pipelines(real_data):
    return real_data / "telemetry" / "deployments" / "devlake_dora" / "deployment_generator"


@pytest.fixture(scope="module")
def github(real_data):
    return real_data / "telemetry" / "deployments" / "devlake_github"


@pytest.fixture(scope="module")
def middleware(real_data):
    return json.loads((real_data / "telemetry/deployments/middleware_dora/leadtime_depfreq_cases.json").read_text())


@pytest.fixture(scope="module")
def warehouse(lead_times, pipelines, github, middleware, tmp_path_factory):
    made, folder = Delivery(), tmp_path_factory.mktemp("oracles")
    add_lead_times(made, lead_times)
    add_pipelines(made, pipelines)
    add_pages(made, github)
    add_middleware(made, middleware)
    tables = made.tables()
    for signal, frames in lake_of(inbox_of(github, folder / "inbox")).items():
        tables.setdefault(signal, []).extend(frames)
    return built(folder, tables, as_of=AS_OF)


def add_lead_times(made, folder):
    merged = {row["merge_commit_sha"]: row["merged_date"] for row in table(folder, "pull_requests")}
    # Its commits_diffs tell what a deployment contains. GitHub tells of the commit it ships: the last merge in it.
    ships = {}
    for row in table(folder, "commits_diffs"):
        shas = [row["commit_sha"], *filter(None, [ships.get(row["new_commit_sha"])])]
        ships[row["new_commit_sha"]] = max(shas, key=lambda sha: moment(merged[sha]))
    for row in table(folder, "pull_requests"):
        created, at = moment(row["created_date"]), moment(row["merged_date"])
        repository = row["base_repo_id"]
        made.add("pull_requests", pull_request_id=row["id"], repository=repository, service=repository,
                 author=row["author_id"] or None, status="merged" if at else "open", merged_at=at, created_at=created,
                 merge_commit_sha=row["merge_commit_sha"], event_at=at or created)  # fmt: skip
    for row in table(folder, "pull_request_commits"):
        at = moment(row["commit_authored_date"])
        made.add("commits", pull_request_id=row["pull_request_id"], sha=row["commit_sha"], authored_at=at, event_at=at)
    for row in table(folder, "pull_request_comments"):
        made.add("reviews", pull_request_id=row["pull_request_id"], reviewer=row["account_id"], status="commented",
                 event_at=moment(row["created_date"]))  # fmt: skip
    for row in table(folder, "cicd_deployment_commits"):
        environment = row["environment"] or None
        made.add("deployments", deployment_id=row["id"], service=row["repo_url"], environment=environment,
                 sha=ships.get(row["commit_sha"], row["commit_sha"]), created_at=moment(row["started_date"]),
                 status=row["result"].lower(), event_at=moment(row["finished_date"]))  # fmt: skip


def add_pipelines(made, folder):
    begun = {row["id"]: moment(row["created_date"]) for row in table(folder, "cicd_pipelines")}
    for row in table(folder, "cicd_deployment_commits"):
        created, ended = begun[row["cicd_deployment_id"]], moment(row["finished_date"])
        shared = {"deployment_id": row["id"], "service": row["repo_url"], "created_at": created,
                  "environment": row["environment"] or None, "sha": row["commit_sha"]}  # fmt: skip
        made.add("deployments", **shared, status="created", event_at=created)
        made.add("deployments", **shared, status=row["result"].lower(), event_at=ended or created)


def add_pages(made, folder):
    """Deployments of github-pages as they are, and again as if they were to production."""
    for environment in ("github-pages", "production"):
        for row in table(folder / "snapshot_tables", "cicd_deployment_commits"):
            made.add("deployments", deployment_id=f"{row['id']} {environment}", service="OpenBIC",
                     sha=row["commit_sha"], environment=environment, created_at=moment(row["created_date"]),
                     status=row["original_status"].lower(), event_at=moment(row["finished_date"]))  # fmt: skip


def inbox_of(folder, inbox):
    """GitHub's own answers as files of the inbox."""
    (inbox / "github").mkdir(parents=True)
    runs, pulls = (
        [json.loads(row["data"]) for row in table(folder / "raw_tables", f"_raw_github_api_{name}")]
        for name in ("runs", "pull_requests")
    )
    (inbox / "github" / "runs.json").write_text(json.dumps({"workflow_runs": runs}))
    (inbox / "github" / "pulls.json").write_text(json.dumps(pulls))
    return inbox


def add_middleware(made, cases):
    for place, told in enumerate(cases["weighted_lead_time"]["input"]):
        coding, pickup, rework, merge, deploy = (told[part] for part in PARTS)
        for number in range(told["pr_count"]):
            start = datetime(2024, 1, 1 + place, number, tzinfo=UTC)
            add_change(made, "weighted", (coding, pickup, rework + merge, deploy), start)
    for place, (seconds, count) in enumerate(cases["avg_ignores_zero_pr_rows"]["input"]):
        for _ in range(count):
            add_change(made, "sparse", (0, seconds, 0, 0), datetime(2024, 1, 1 + place, tzinfo=UTC))
    for case in cases["deployment_frequency"]:
        first, last = map(datetime.fromisoformat, case["interval"])
        for text in case["conducted_at"]:
            at = datetime.fromisoformat(text)
            if first <= at <= last:
                made.add("deployments", deployment_id=f"{case['name']} {text}", service=case["name"], created_at=at,
                         status="success", event_at=at)  # fmt: skip


def add_change(made, service, stages, start):
    """A pull request that went through its stages in so many seconds each, and its deployment."""
    coding, pickup, review, deploy = (timedelta(seconds=seconds) for seconds in stages)
    number = len(made.records["pull_requests"])
    created = start + coding
    merged = created + pickup + review
    made.add("pull_requests", pull_request_id=f"{service}#{number}", repository=service, service=service, author="a",
             status="merged", first_commit_at=start, created_at=created, first_review_at=created + pickup,
             merged_at=merged, merge_commit_sha=f"m{number}", event_at=merged)  # fmt: skip
    made.add("deployments", deployment_id=f"{service} {number}", service=service, created_at=merged, sha=f"m{number}",
             status="success", event_at=merged + deploy)  # fmt: skip


# (pull request, what): DevLake's value, ours.
#   coding of pr2    opened before its first commit: nothing there, no time coded before it was opened here
#   pr0              the first deployment of all has none before it to compare with there; here it counts
#   cycle            of what never arrived, or before it was merged: until the merge there; nothing here
LEAD_TIMES_THAT_DIFFER = {
    ("pr2", "coding"): ("", "0"),
    ("pr0", "deploy"): ("", "610681"),
    ("pr0", "cycle"): ("44640", ""),
    ("pr3", "cycle"): ("10203", ""),
    ("pr4", "cycle"): ("11764", ""),
    ("pr5", "cycle"): ("13204", ""),
}


def test_lead_times_are_those_of_devlake(warehouse, lead_times):
    """Its minutes are whole ones, rounded up; here they keep their fraction."""
    found = rows_of(warehouse, "fct_changes", "pull_request_id")
    different, reasons = {}, {}
    for theirs in table(lead_times, "project_pr_metrics"):
        name = theirs["id"]
        ours = found[name,]
        reasons[name] = ours["no_lead_time_reason"]
        for what in (*STAGES, "cycle"):
            value = ours["lead_time_minutes" if what == "cycle" else f"{what}_minutes"]
            shown = "" if value is None else str(math.ceil(value))
            if shown != theirs[f"pr_{what}_time"]:
                different[name, what] = (theirs[f"pr_{what}_time"], shown)
        if name != "pr0":
            assert (ours["deployment_id"] or "") == theirs["deployment_commit_id"]
            assert ours["deployed_at"] == moment(theirs["pr_deployed_date"])
        assert ours["first_review_at"] == moment(theirs["first_comment_date"])
        assert ours["first_commit_at"] == moment(theirs["first_commit_authored_date"])
    assert different == LEAD_TIMES_THAT_DIFFER
    assert reasons == {"pr0": "no_review", "pr1": None, "pr2": None, "pr3": "wrong_order", "pr4": "open", "pr5": "open"}
    assert found["pr6",]["waiting_for"] == "review"  # not merged: it has no row there


def test_deployments_are_those_of_devlake_but_for_their_environment(warehouse, pipelines):
    """It knows deployments by the names of pipelines; an environment that is not given is production here alone."""
    found = rows_of(warehouse, "fct_deployments", "deployment_id")
    oracle = table(pipelines, "cicd_deployment_commits")
    for row in oracle:
        ours, ended = found[row["id"],], moment(row["finished_date"])
        assert (ours["finished_at"] is not None) == (row["result"] == "SUCCESS")
        assert ended is None or ended in (ours["finished_at"], ours["failed_at"])
        assert ours["incident_count"] is None  # nobody told of incidents
    counted = [row for row in oracle if row["result"] == "SUCCESS" and row["environment"] == "PRODUCTION"]
    assert (len(counted), sum(found[row["id"],]["finished_at"] is not None for row in oracle)) == (0, 1)


def test_deployments_of_github_pages_are_none_to_production(warehouse, github):
    """DevLake counts whatever environment is configured and takes `inactive` for a success, ended when replaced."""
    oracle = table(github / "snapshot_tables", "cicd_deployment_commits")
    assert [row["result"] for row in oracle].count("SUCCESS") == 97
    found = {
        row["deployment_id"]: row
        for row in rows_of(warehouse, "fct_deployments", "deployment_id").values()
        if row["service"] == "OpenBIC"
    }
    assert {name.rpartition(" ")[2] for name in found} == {"production"}
    assert {row["finished_at"] for row in found.values()} == {None}  # no status says success: nothing is made up
    failed = {name.rpartition(" ")[0] for name, row in found.items() if row["failed_at"]}
    assert failed == {row["id"] for row in oracle if row["result"] == "FAILURE"}


# DevLake's result of a conclusion that is judged otherwise here: a cancelled build says nothing of what it built, a
# neutral one was content with it.
RESULTS_THAT_DIFFER = {("cancelled", "FAILURE"): None, ("neutral", ""): False}


def test_builds_are_those_devlake_makes_of_githubs_answers(warehouse, github):
    found = rows_of(warehouse, "fct_ci_runs", "ci_run_id")
    oracle = {row["id"].rpartition(":")[2]: row for row in table(github / "snapshot_tables", "cicd_pipelines")}
    assert {key[0] for key in found} == set(oracle)
    for name, theirs in oracle.items():
        ours = found[name,]
        is_failed = {"SUCCESS": False, "FAILURE": True, "": None}[theirs["result"]]
        assert ours["is_failed"] == RESULTS_THAT_DIFFER.get((ours["conclusion"], theirs["result"]), is_failed)
        assert ours["started_at"] == moment(theirs["started_date"])
        if not ours["is_open"]:  # how long what goes on has taken it tells too, as if it were over
            assert ours["ended_at"] == moment(theirs["finished_date"])
            assert round(ours["run_minutes"] * 60) == int(theirs["duration_sec"])
    assert {row["is_open"] for row in found.values()} == {True, False}


def test_pull_requests_are_those_devlake_makes_of_githubs_answers(warehouse, github):
    found = rows_of(warehouse, "fct_changes", "source", "pull_request_id")
    oracle = {row["pull_request_key"]: row for row in table(github / "snapshot_tables", "pull_requests")}
    own = {key[1].rpartition("#")[2]: row for key, row in found.items() if key[0] == "github"}
    assert set(own) == set(oracle)
    for name, ours in own.items():
        assert ours["status"] == oracle[name]["status"].lower()
        for column in ("created", "merged", "closed"):
            assert ours[f"{column}_at"] == moment(oracle[name][f"{column}_date"])
        assert (ours["lead_time_minutes"], ours["deployed_at"]) == (None, None)


PARTS = ("first_commit_to_open", "first_response_time", "rework_time", "merge_time", "merge_to_deploy")
JANUARY = date(2024, 1, 1)


def seconds_of(warehouse, metric, service):
    return round(asked(warehouse, metric, "service", grain="month")[JANUARY, service] * 60, 3)


def test_stages_add_up_to_the_means_of_middleware(warehouse, middleware):
    """Its figures are means weighted by the number of pull requests; the mean of the rows here is the same one."""
    rows = [
        row for row in rows_of(warehouse, "fct_changes", "pull_request_id").values() if row["service"] == "weighted"
    ]
    expected = middleware["weighted_lead_time"]["expected"]
    assert len(rows) == expected["pr_count"]
    coding, pickup, rework, merge, deploy = (expected[part] for part in PARTS)
    for stage, mean in zip(STAGES, (coding, pickup, rework + merge, deploy), strict=True):
        assert sum(row[f"{stage}_minutes"] for row in rows) * 60 / len(rows) == pytest.approx(mean, abs=1e-4)
    # Here the figure is the median, which one change that took a year would leave as it is.
    assert seconds_of(warehouse, "lead_time_median", "weighted") == 17


def test_days_without_changes_count_as_none_as_in_middleware(warehouse, middleware):
    """[1, 1 pull request], [0, none], [3, 1]: 2, not 4/3."""
    expected = middleware["avg_ignores_zero_pr_rows"]["expected"]
    assert seconds_of(warehouse, "pickup_time_median", "sparse") == expected


def test_deployment_frequency_is_that_of_middleware(warehouse, middleware):
    """Deployments of a period and of each week, empty ones too, are equal. Its means of days, weeks and months are cut
    to whole numbers (3 in 4 days: 0 a day); here the frequency is the median of days with a deployment per week."""
    deployments = asked(warehouse, "deployments", "service", grain="week")
    frequencies = asked(warehouse, "deployment_frequency", "service", grain="week")
    for case in middleware["deployment_frequency"]:
        last = datetime.fromisoformat(case["interval"][1]).date()
        weeks = {
            str(week): value for (week, name), value in deployments.items() if name == case["name"] and week <= last
        }
        assert weeks == case.get("expected_weekly", weeks)
        assert sum(weeks.values()) == case["expected"]["total"]
        assert sum(weeks.values()) // len(weeks) == case["expected"]["avg_weekly"]
    # 18, 20 and twice 21 January are three days of one week.
    assert [frequencies[date(2024, 1, day), "across_weeks"] for day in (8, 15, 22)] == [0, 3, 0]
