"""The status report of the simulated company in a real browser: it draws, it asks nobody, it fits."""

from pathlib import Path

import pytest

from tests.end_to_end.browsing import CHROMIUM, FLAGS

VIEWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One opened page: what it said on the console and whom it asked."""

    def __init__(self, browser, path, **settings):
        self.said, self.asked = [], []
        self.context = browser.new_context(**settings)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.route("**/*", self._only_itself)
        self.page.goto(path.as_uri())

    def _only_itself(self, route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def drawn(self):
        self.page.wait_for_selector("html[data-charts=drawn]", timeout=30_000)
        return self


@pytest.fixture(scope="module")
def report(company):
    return company.root / "reports" / "status.html"


@pytest.fixture
def visit(browser, report):
    visits = []

    def open_(**settings):
        visits.append(Visit(browser, report, **settings))
        return visits[-1]

    yield open_
    for opened in visits:
        opened.context.close()


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_report_draws_and_asks_nobody(visit, width, scheme, tmp_path):
    opened = visit(viewport={"width": width, "height": 900}, color_scheme=scheme).drawn()
    figures = opened.page.locator("figure[data-chart]").count()
    assert figures == 3
    assert opened.page.locator("figure[data-chart] .plot svg").count() == figures
    assert (opened.said, opened.asked) == ([], [])
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    picture = tmp_path / f"status-{width}-{scheme}.png"
    opened.page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 10_000


def test_report_is_below_two_megabytes(report):
    assert Path(report).stat().st_size < 2_000_000


def test_report_reads_without_javascript(visit):
    opened = visit(java_script_enabled=False)
    assert opened.page.locator("#pain-points article").count() > 0
    assert opened.page.get_by_text("the table below has the same figures").first.is_visible()
    assert opened.page.locator("#ledger table").is_visible()
    assert not opened.page.get_by_label("Find a pain point").is_visible()  # it would do nothing


def test_keyboard_reaches_the_report_first_and_sees_where_it_is(visit):
    opened = visit().drawn()
    opened.page.keyboard.press("Tab")
    link = opened.page.locator("a:focus")
    assert link.inner_text() == "Skip to the report"
    assert link.bounding_box()["x"] >= 0
    assert link.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_search_leaves_what_was_asked_for(visit):
    opened = visit().drawn()
    rows = opened.page.locator("#t-services tbody tr")
    name = rows.first.locator("th").inner_text()
    opened.page.get_by_label("Find a service").fill(name)
    left = [row.inner_text() for row in rows.all() if row.is_visible()]
    assert left
    assert all(name in row for row in left)
    assert "shown" in opened.page.locator("#s-services").inner_text()


def test_report_prints_light_with_its_charts(visit, tmp_path):
    opened = visit(color_scheme="dark").drawn()
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = tmp_path / "status.pdf"
    opened.page.pdf(path=printed)
    assert printed.stat().st_size > 10_000
