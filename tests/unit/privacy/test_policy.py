"""The privacy policy withholds by default, refuses what would leak, and its digest covers all that decides."""

from pathlib import Path

import pytest

from governance.errors import PolicyError
from governance.policy import config_file
from governance.privacy import PrivacyPolicy, load_privacy


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("  EMAIL: pseudonymise", "  EMAIL: keep", "entities.EMAIL"),
        ("  SECRET:JWT: remove", "  SECRET:JWT: pseudonymise", "SECRET:JWT is pseudonymise; secrets are removed"),
        ("    body: scan\n    trace_id", "    trace_id", "logs.body must stand there"),
        ("    body: scan\n    trace_id", "    body: skan\n    trace_id", "skan is no treatment; did you mean scan?"),
        ("requester: pseudonymise USER", "requester: pseudonymise PERSON", "pseudonymise PERSON is not allowed"),
        ("phone_region: US", "phone_region: us", "phone_region"),
        ("    event_at: keep\n    raw_bytes", "    event_at: scan\n    raw_bytes", "spans.event_at is scan"),
        ("max_leak_rate: 0.002", "max_leak_rate: 2", "leak_check.max_leak_rate is 2"),
        ("sample_size: 200, ", "", "leak_check.sample_size"),
        ("factor: 2", "factor: 1", "drift.factor is 1"),
    ],
)
def test_a_wrong_policy_fails_at_load_saying_what_is_allowed(was, becomes, fault, tmp_path: Path, monkeypatch) -> None:
    shipped = config_file("policies/privacy.yml").read_text()
    assert was in shipped
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "privacy.yml").write_text(shipped.replace(was, becomes, 1))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=fault.replace("?", r"\?")):
        load_privacy()


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("http.route", "keep"),
        ("HTTP.Request.Header.Authorization", "drop"),
        ("http.request.header.x-forwarded-for", "pseudonymise"),
        ("app.payment.api_key", "drop"),
        ("db.system", "keep"),
        ("app.cart.size", "scan"),
        ("custom_fields.360001234567", "scan"),
        ("never.heard.of", None),
        ("app.bob@x.org", None),
        ("app.1234567", None),
    ],
)
def test_the_strictest_rule_decides_and_no_rule_means_withheld(
    key: str, action: str | None, policy: PrivacyPolicy
) -> None:
    treatment = policy.attribute(key)
    assert (treatment.action if treatment else None) == action


def test_the_digest_changes_with_the_policy_and_with_a_pattern(policy: PrivacyPolicy) -> None:
    other_rule = policy.model_copy(update={"phone_region": "DE"})
    other_pattern = policy.model_copy(update={"patterns": policy.patterns[1:]})
    assert len({policy.digest, other_rule.digest, other_pattern.digest}) == 3
    assert policy.pattern_digest == other_rule.pattern_digest != other_pattern.pattern_digest
    assert load_privacy().digest == policy.digest


def test_what_only_warns_is_no_part_of_the_digest_and_what_withholds_is(policy):
    def with_section(name, **changed):
        return policy.model_copy(update={name: getattr(policy, name).model_copy(update=changed)}).digest

    assert with_section("drift", factor=9.0) == policy.digest
    assert with_section("leak_check", max_leak_rate=0.5) != policy.digest
