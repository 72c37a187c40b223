"""OpenTelemetry's conventions and the fields of ticket systems are classified; a deployment adds its own."""

import importlib
import re
from pathlib import Path

import opentelemetry.semconv
import pytest

from governance.errors import PolicyError
from governance.privacy import PrivacyPolicy, load_privacy

STRICT = ("pseudonymise", "drop", "scan", "url", "sql", "id")

# What OpenTelemetry's conventions say of people, secrets, contents and free text: all names that match are no `keep`.
TELLING = (
    r"enduser\.(id|pseudo\.id)",
    r"user\.(id|name|email|full_name|hash)",
    r"(client|source|destination)\.(address|socket\.address)",
    r"(net\.(peer|host)\.ip|net\.sock\.(peer|host)\.addr|network\.(peer|local)\.address|http\.client_ip|k8s\.pod\.ip)",
    r"(mcp\.)?session\..*",
    r"geo\..*",
    r"device\.id|app\.installation\.id|hw\.serial_number|host\.mac|hw\.network\.physical_address",
    r"http\.(request|response)\.header\..*|rpc\..*metadata\..*",
    r"http\.(url|target)|url\.(full|path|query|fragment|original)|.*\.url\.full",
    r"http\.user_agent|user_agent\.original",
    r"db\.(statement|query\.text|user|connection_string)|db\.(query|operation)\.parameter\..*",
    r"messaging\.kafka\.message\.key|messaging\.rocketmq\.message\.keys",
    r"gen_ai\.(prompt|completion|input\.messages|output\.messages|system_instructions|conversation\.id)",
    r"gen_ai\.(tool\.call\.(arguments|result)|retrieval\..*|evaluation\.explanation)",
    r"process\.(command|command_line|command_args|owner|title|working_directory|environment_variable\..*)",
    r"process\.(real_user|saved_user|user)\..*|file\.owner\..*|vcs\.owner\.name|vcs\.change\.title",
    r"container\.(command|command_line|command_args|labels?\..*)|k8s\..*\.(label|annotation)s?\..*",
    r"exception\.(message|stacktrace)|code\.stacktrace|error\.message|log\.record\.original|otel\.status_description",
    r"tls\.client\.(certificate|certificate_chain|subject|hash\..*|ja3)",
    r"feature_flag\.context\.id|aws\.s3\.key|file\.(name|path|directory)|log\.file\.path",
)


def convention_names() -> dict[str, None]:
    """Every attribute name of the conventions, the older ones still on the wire too; templates with an example."""
    root = Path(opentelemetry.semconv.__path__[0])
    names = {}
    for file in sorted(root.rglob("*.py")):
        dotted = ".".join(file.relative_to(root).with_suffix("").parts)
        if not dotted.endswith("_attributes") and dotted not in ("trace", "resource"):
            continue
        module = importlib.import_module(f"opentelemetry.semconv.{dotted}")
        classes = [getattr(module, name) for name in ("SpanAttributes", "ResourceAttributes") if hasattr(module, name)]
        for holder in classes or [module]:
            for constant, name in vars(holder).items():
                if constant.isupper() and isinstance(name, str) and "://" not in name:
                    names[f"{name}.example" if constant.endswith("_TEMPLATE") else name] = None
    return names


@pytest.fixture(scope="module")
def names() -> dict[str, None]:
    return convention_names()


def written(policy: PrivacyPolicy, key: str) -> str:
    treatment = policy.attribute(key)
    return str(treatment or "withheld")


def test_every_attribute_of_the_conventions_has_a_treatment(policy: PrivacyPolicy, names: dict[str, None]) -> None:
    assert len(names) > 850
    assert [name for name in names if policy.attribute(name) is None] == []


@pytest.mark.parametrize("telling", TELLING)
def test_what_tells_of_people_is_never_kept_as_it_is(policy: PrivacyPolicy, names: dict[str, None], telling) -> None:
    meant = [name for name in names if re.fullmatch(telling, name)]
    assert meant
    assert {name: written(policy, name) for name in meant if written(policy, name).split()[0] not in STRICT} == {}


def test_most_of_the_conventions_is_kept_since_it_says_nothing_of_people(policy: PrivacyPolicy, names) -> None:
    kept = [name for name in names if written(policy, name) == "keep"]
    assert len(kept) > len(names) / 2


@pytest.mark.parametrize(
    ("key", "treatment"),
    [
        # counts and kinds whose names sound like secrets or people
        ("gen_ai.usage.input_tokens", "keep"),
        ("gen_ai.usage.cache_read.input_tokens", "keep"),
        ("gen_ai.token.type", "keep"),
        ("gen_ai.request.max_tokens", "keep"),
        ("process.session_leader.pid", "keep"),
        ("app.session_count", "scan"),
        ("enduser.role", "keep"),
        ("url.path", "url"),
        ("http.response.header.content-type", "keep"),
        # secrets and sessions in names of one's own
        ("app.session_id", "drop"),
        ("app.SessionID", "drop"),
        ("app.access_token", "drop"),
        ("app.accessToken", "drop"),
        ("payment.card_number", "drop"),
        ("app.customer_id", "pseudonymise ACCOUNT"),
        ("app.remote_addr", "pseudonymise IP"),
        # attributes of a span's event are treated like the attribute
        ("event.exception.message", "scan"),
        ("event.enduser.id", "pseudonymise USER"),
        ("event.gen_ai.prompt", "drop"),
        ("event.session.id", "drop"),
        ("event.name", "keep"),
        ("event.never.heard.of", "withheld"),
    ],
)
def test_names_that_sound_alike_are_told_apart(policy: PrivacyPolicy, key: str, treatment: str) -> None:
    assert written(policy, key) == treatment


PEOPLE, PROSE = "pseudonymise USER", "scan prose"


@pytest.mark.parametrize(
    ("system", "fields"),
    [
        (
            "Zendesk",
            {
                "requester_id": PEOPLE,
                "submitter_id": PEOPLE,
                "assignee_id": PEOPLE,
                "organization_id": "pseudonymise ACCOUNT",
                "external_id": "pseudonymise ACCOUNT",
                "recipient": "pseudonymise EMAIL",
                "collaborator_ids": "drop",
                "follower_ids": "drop",
                "email_cc_ids": "drop",
                "raw_subject": PROSE,
                "description": PROSE,
                "via.source.from.address": "pseudonymise EMAIL",
                "via.source.from.name": "drop",
                "via.channel": "keep",
                "satisfaction_rating.comment": PROSE,
                "satisfaction_rating.score": "keep",
                "custom_fields.360001234567": PROSE,
                "tags": "scan",
                "group_id": "id",
            },
        ),
        (
            "GitHub",
            {
                "user": PEOPLE,
                "user.login": PEOPLE,
                "creator": PEOPLE,
                "creator.login": PEOPLE,
                "assignee": PEOPLE,
                "assignees": "drop",
                "requested_reviewers": "drop",
                "merged_by": PEOPLE,
                "closed_by": PEOPLE,
                "title": PROSE,
                "body": PROSE,
                "html_url": "url",
                "head": "drop",
                "ref": "scan",
                "payload.who": "scan",
                "merge_commit_sha": "id",
                "author_association": "keep",
                "changed_files": "keep",
            },
        ),
        (
            "Jira",
            {
                "assignee": PEOPLE,
                "reporter": PEOPLE,
                "creator": PEOPLE,
                "fields.assignee": PEOPLE,
                "fields.reporter.displayName": PEOPLE,
                "fields.reporter.emailAddress": "pseudonymise EMAIL",
                "fields.creator.accountId": "pseudonymise ACCOUNT",
                "fields.summary": PROSE,
                "fields.description": PROSE,
                "fields.comment": "drop",
                "fields.worklog": "drop",
                "fields.status.name": "keep",
                "customfield_11200": PROSE,
                "fields": "drop",
            },
        ),
        (
            "ServiceNow",
            {
                "caller_id": PEOPLE,
                "opened_by": PEOPLE,
                "assigned_to": PEOPLE,
                "resolved_by": PEOPLE,
                "sys_created_by": PEOPLE,
                "watch_list": "drop",
                "company": "pseudonymise ACCOUNT",
                "location": "drop",
                "short_description": PROSE,
                "work_notes": PROSE,
                "close_notes": PROSE,
                "comments_and_work_notes": PROSE,
                "assignment_group": "keep",
                "sys_id": "id",
            },
        ),
        (
            "Freshdesk",
            {
                "requester_id": PEOPLE,
                "responder_id": PEOPLE,
                "cc_emails": "drop",
                "to_emails": "drop",
                "email": "pseudonymise EMAIL",
                "phone": "pseudonymise PHONE",
                "twitter_id": "drop",
                "company_id": "pseudonymise ACCOUNT",
                "subject": PROSE,
                "description_text": PROSE,
                "custom_fields": PROSE,
            },
        ),
        (
            "Intercom",
            {
                "contacts": "drop",
                "teammates": "drop",
                "conversation_parts": "drop",
                "source.author": "drop",
                "source.body": PROSE,
                "admin_assignee_id": PEOPLE,
                "conversation_rating": PROSE,
                "ticket_attributes": PROSE,
                "statistics": "keep",
            },
        ),
        (
            "Linear",
            {
                "assignee": PEOPLE,
                "creator": PEOPLE,
                "assignee.displayName": PEOPLE,
                "assignee.email": "pseudonymise EMAIL",
                "subscribers": "drop",
                "title": PROSE,
                "description": PROSE,
                "branchName": "scan",
                "priorityLabel": "keep",
            },
        ),
        (
            "PagerDuty",
            {
                "details": PROSE,
                "assignments": "drop",
                "acknowledgements": "drop",
                "last_status_change_by": PEOPLE,
                "log_entries": "drop",
                "conference_bridge": "drop",
                "incident_key": "scan",
                "incident_number": "id",
                "channel.summary": PROSE,
            },
        ),
        (
            "Opsgenie",
            {
                "owner": PEOPLE,
                "acknowledgedBy": PEOPLE,
                "closedBy": PEOPLE,
                "responders": "drop",
                "message": "scan",
                "description": PROSE,
                "details": PROSE,
                "alias": "scan",
                "tinyId": "id",
                "count": "keep",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fields_of_ticket_systems_that_carry_people_or_text_are_classified(
    policy: PrivacyPolicy, system: str, fields: dict[str, str]
) -> None:
    assert {key: written(policy, key) for key in fields} == fields


def fields_file(folder: Path, name: str, rules: str) -> None:
    (folder / "policies" / "fields").mkdir(parents=True, exist_ok=True)
    text = f"owner: stewards@example.com\nreason: Seen in a sample.\nattributes:\n{rules}"
    (folder / "policies" / "fields" / f"{name}.yml").write_text(text)


def test_a_deployment_adds_fields_without_copying_the_policy(tmp_path: Path, monkeypatch, policy) -> None:
    fields_file(tmp_path, "shop", "  acme.cart.size: keep\n  http.url: drop\n  'acme.*': scan\n  '*_token': keep\n")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    own = load_privacy()
    keys = ("acme.cart.size", "http.url", "acme.else", "acme.user_id", "acme.a_token", "still.unknown")
    assert [written(own, key) for key in keys] == [
        "keep",
        "drop",  # an exact key comes before the policy's
        "scan",
        "pseudonymise USER",  # a pattern decides only what the policy leaves open
        "drop",
        "withheld",
    ]
    assert own.digest != policy.digest


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("  acme.size: kepe\n", "kepe is no treatment; did you mean keep"),
        ("  Acme.Size: keep\n", "write acme.size"),
        ("  '*': keep\n", "would name every field"),
        ("  acme.size: scan\n", "acme.size has another treatment in a.yml"),
    ],
)
def test_a_wrong_fields_file_fails_at_load(tmp_path: Path, monkeypatch, rules: str, fault: str) -> None:
    fields_file(tmp_path, "a", "  acme.size: keep\n")
    fields_file(tmp_path, "b", rules)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=re.escape(fault)):
        load_privacy()
