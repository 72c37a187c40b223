"""The status report as a reader meets it: in a real browser, light and dark, at a desk and on a phone."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}

pytestmark = [
    pytest.mark.xdist_group("company"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def report(company):
    return company.root / "reports" / "status.html"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


class Visit:
    """One reader: how the page is shown to them, and what the browser complained about."""

    def __init__(self, browser, file, scheme="light", size="wide"):
        self.requests, self.complaints = [], []
        self.page = browser.new_page(color_scheme=scheme, viewport=SIZES[size])
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())
        self.page.wait_for_load_state("networkidle")

    def ask(self, script):
        return self.page.evaluate(script)


@pytest.fixture
def visit(browser, report):
    made = []

    def go(**how):
        made.append(Visit(browser, report, **how))
        return made[-1]

    yield go
    for one in made:
        one.page.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_asks_nobody_and_complains_of_nothing(visit, report, scheme, size, tmp_path):
    reader = visit(scheme=scheme, size=size)
    assert reader.requests == [report.as_uri()]
    assert reader.complaints == []
    drawn = reader.ask("document.querySelectorAll('svg.marks').length")
    assert drawn > 0
    is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not reader.ask(is_wider), "the page scrolls sideways"
    kept = Path(os.environ.get("FEEDBACK_SCREENSHOTS", tmp_path))
    reader.page.screenshot(path=kept / f"report-{scheme}-{size}.png", full_page=True)


def test_page_is_small_enough_to_mail(report):
    assert report.stat().st_size < 2_000_000


def test_dark_is_dark_and_light_is_light(visit):
    brightness = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    light, dark = (sum(visit(scheme=scheme).ask(brightness)) for scheme in ("light", "dark"))
    assert light > 600
    assert dark < 200


def test_first_tab_offers_to_skip_to_the_content(visit):
    reader = visit()
    reader.page.keyboard.press("Tab")
    target = reader.ask("document.activeElement.getAttribute('href')")
    assert target.startswith("#")
    assert reader.ask(f"document.querySelector('{target}') !== null")
    assert reader.ask("document.activeElement.getBoundingClientRect().top") >= 0


def test_page_is_built_for_those_who_do_not_see_it(visit):
    reader = visit()
    assert reader.ask("document.documentElement.lang")
    assert reader.ask("document.title")
    assert reader.ask("document.querySelectorAll('h1').length") == 1
    levels = reader.ask("[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => Number(heading.tagName[1]))")
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
    assert reader.ask("[...document.querySelectorAll('table')].every(table => table.querySelector('th[scope]'))")
    ids = reader.ask("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))


def test_every_link_of_the_page_leads_somewhere(visit):
    broken = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1)))"
    assert visit().ask(f"{broken}.map(a => a.hash)") == []


def test_every_pain_point_has_an_address_of_its_own(visit, company):
    ids = visit().ask("[...document.querySelectorAll('[id]')].map(element => element.id)")
    first = [row[0] for row in company.rows("select pain_point_id from rpt_pain_points where rank <= 5")]
    assert first
    assert all(any(pain_point in anchor for anchor in ids) for pain_point in first)


def test_page_can_be_printed(visit):
    reader = visit(scheme="dark")
    reader.page.emulate_media(media="print", color_scheme="light")
    assert reader.ask("document.querySelector('h1').getBoundingClientRect().height") > 0
    assert len(reader.page.pdf()) > 10_000
