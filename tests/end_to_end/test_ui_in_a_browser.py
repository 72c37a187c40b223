"""The Dagster UI shows the asset graph in a real browser, without console errors and without outside requests."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def ui(company):
    """`feedback ui` on the company's data; its address."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [company.command, "ui", "--port", str(port)],
        env=company.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, 15)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, 9)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/asset-groups", "anonymize"),
        ("/assets/checked/otel/spans?view=checks", "spans_have_a_service"),
        ("/assets/published/analyst", "Freshness policy"),
    ],
)
def test_a_page_of_the_ui_shows_what_a_steward_looks_for(ui, tmp_path, path, shown):
    from playwright.sync_api import sync_playwright

    outside, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if is_here(request.url, ui) else outside.append(request.url))
        page.goto(ui + path)
        page.wait_for_function("text => document.body.innerText.includes(text)", arg=shown, timeout=60_000)
        page.screenshot(path=tmp_path / "ui.png")
        browser.close()
    assert (outside, errors) == ([], [])
    assert (tmp_path / "ui.png").stat().st_size > 10_000


def is_here(url, address):
    return url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
