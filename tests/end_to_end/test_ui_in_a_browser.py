"""The Dagster UI shows the asset graph in a real browser, without console errors and without outside requests."""

import pytest

from tests.end_to_end.browsing import CHROMIUM, looking, served


@pytest.fixture(scope="module")
def ui(company):
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with served(company) as address:
        yield address


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/asset-groups", "anonymize"),
        ("/assets/checked/otel/spans?view=checks", "spans_have_a_service"),
        ("/assets/published/analyst", "Freshness policy"),
    ],
)
def test_a_page_of_the_ui_shows_what_a_steward_looks_for(ui, tmp_path, path, shown):
    with looking(ui) as page:
        page.show(path, shown).picture(tmp_path / "ui.png")
    assert (page.outside, page.errors) == ([], [])
    assert (tmp_path / "ui.png").stat().st_size > 10_000
