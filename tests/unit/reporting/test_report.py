"""The status report, read without JavaScript."""

import base64
import hashlib
import re

import duckdb
import pytest

from governance.errors import FeedbackError
from orchestration.reporting.data import read_report_data
from orchestration.reporting.report import build_report
from orchestration.reporting.scripts import chart_scripts

SECTIONS = ("pain-points", "services", "budgets", "tickets", "changes", "gate", "ledger", "costs", "definitions")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(scope="module")
def page(data, as_of, scripts):
    return build_report(data, as_of, scripts)


@pytest.fixture(scope="module")
def words(page):
    """What a reader sees, as one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture(scope="module")
def empty_page(made, as_of, scripts):
    return build_report(made({}), as_of, scripts)


def test_page_is_below_two_megabytes_and_the_same_every_time(page, data, as_of, scripts):
    assert len(page.encode()) < 2_000_000
    assert build_report(data, as_of, scripts) == page


def test_what_draws_the_charts_is_put_together_once_for_each_version(scripts, page, monkeypatch, tmp_path):
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda: "draws otherwise")
    assert chart_scripts(scripts) in page
    assert chart_scripts(tmp_path) == "draws otherwise"
    monkeypatch.setattr("orchestration.reporting.scripts.version", lambda _: "another")
    assert chart_scripts(scripts) == "draws otherwise"


def test_nothing_is_loaded_from_outside(page):
    markup = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:|steward\.html["'])""", markup)
    assert "default-src 'none'" in page


def test_security_policy_allows_exactly_the_scripts_of_the_page(page):
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    hashes = {"sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts}
    assert set(re.findall(r"'(sha256-[^']+)'", page)) == hashes
    assert len(hashes) == 2


def test_every_section_and_pain_point_has_its_anchor(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(SECTIONS) <= set(ids)
    assert {f"pp-{rank}" for rank in range(1, 13)} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_every_chart_has_a_table_beside_it(page):
    for figure in re.finditer(r"<figure\b.*?</figure>", page, flags=re.S):
        following = page[figure.end() : figure.end() + 600]
        assert "<table" in following, figure.group()[:80]


@pytest.mark.parametrize(
    "sentence",
    [
        "12 pain points found, 11 of them ongoing. The worst: Checkout is slow since deployment 4711",
        "3 fixes shipped: 1 helped, 1 did not, for 1 it is too early to tell.",
        "As of 2026-11-21 00:00 UTC",
        "42 days, 2026-10-10 to 2026-11-20 (UTC days)",
        "every one of them is accounted for. 6 more records came when their day was closed and count nowhere.",
        "In none of these counts are zendesk tickets: 6 records of 2 days, 2026-10-10 to 2026-10-11.",
        "✗ 1 day withheld otel logs 2026-11-09",
        "severity is known",
        "no data: not measurable",  # never a zero
        "no data: still open",
        "590 ms before: 210 ms",
        "Deployment 4730 shipped on 2026-11-12 and helped.",
        "was open, rank 1",
        "new on the list",
        "rank 1 to 2 with one weight 25 % lower or higher, most with minutes per ticket",
        "✓ helped",
        "✗ did not help",
        "✗ overdue",
        "fits no pain point that is found",
        "1 initiative is overdue.",
        "from the list to a decision 7 days 3 days 3 of 4 ended 8 days 3 of 3 ended 4 of 7 0",
        "list 2 days no data: no time is known no data: no time is known no data: none ended 1",
        "checkout otel spans 42,000 10,500 31,500 84 MB 21 MB 63 MB 75 % EUR 1.26 EUR 0.84",
        "payment requests-succeed payments 98 % 30 days 1,000 30 -50 % ✗ page ✗ ticket",  # one mark a severity
        "catalog requests-succeed storefront 98 % 30 days 900 9 50 % printer",  # the least left first, nothing fires
        "printer requests-succeed not known 98 % 30 days 0 0 no data: no requests",
        "Days with a deployment per week 2.5 high (weekly) 12 complete weeks 0 0",
        "first commit to production 27 h 43 min high 61 changes 4 0",
        "Deployments with an incident 6.2 % high 48 deployments 0 0",
        "from a failed deployment no data: too many go on none 3 incidents put down to one 0 2",
        "Evidence of pain point 1, 12 of 16, the others are in the published files",
        "deployment 4711 (2.14.0) checkout began it 2026-11-02 09:00 UTC",
        "log template step 14 took long checkout shows it 14 records 2026-11-02 09:00 UTC 2026-11-21 00:00 UTC",
        "incident PX-20 payment shows it 2026-11-02 09:00 UTC no data: still open",
        "search otel spans 42,000 no data: not sampled yet",  # one day is not known, so the sum is not
    ],
)
def test_page_says(words, sentence):
    assert sentence in words


def test_traces_are_not_on_the_page_that_everybody_reads(page):
    assert "0d0c86c6" not in page


def test_run_and_definitions_are_named(words):
    assert "run 5f1c09aa" in words
    assert "rpt_pain_points 12 d41d8cd98f00" in words


def test_empty_warehouse_says_why_instead_of_zero(empty_page):
    for reason in (
        "no pain point was found in these days",
        "nothing was decided, and no deployment ended a pain point",
        "no trace passed the gate",
        "no objective is about a service with traces",
        "no ticket passed the gate",
        "no deployment passed the gate",
        "no change arrived in the last weeks",
        "the gate has judged no day",
        "nothing has been read yet",
        "no trace and no log record has been counted yet",
    ):
        assert f"No data because {reason}" in empty_page
    assert "data-chart=" not in empty_page
    assert len(empty_page) < 100_000  # no chart, no library


def test_text_of_records_cannot_become_markup(made, as_of, scripts):
    texts = dict.fromkeys(("title", "reason", "service", "operation", "owner_team", "status", "trend"), HOSTILE)
    row = {"rank": 1, "pain_point_id": "a", **texts}
    day = {"service": HOSTILE, "event_date": as_of.date(), "p95_ms": 1.0}
    marts = {"pain_points": [row], "health_daily": [day], "health": [{"service": HOSTILE}]}
    page = build_report(made(marts), as_of, scripts)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_without_a_price_there_is_no_money(made, as_of, scripts):
    row = {"source": "otel", "signal": "logs", "service": "a", "event_date": as_of.date(), "record_count": 1}
    page = build_report(made({"costs": [row]}), as_of, scripts)
    assert "What collecting costs" in page
    assert '<th scope="col" class="n">Costs</th>' not in page
    assert "no data: the source does not say" in page


def test_missing_mart_is_named():
    with duckdb.connect() as connection, pytest.raises(FeedbackError, match=r"marts\.rpt_pain_points is not as"):
        read_report_data(connection)
