"""`feedback ui` on a deployment's data, and a browser that looks at it."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

# A job waits for the run that has the deployment; on a machine that others use as well that took two minutes.
_PATIENCE = 600_000


@contextmanager
def served(deployment):
    """The address of `feedback ui`, while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [deployment.command, "ui", "--port", str(port)],
        env=deployment.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
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


class Page:
    """One page of the UI, what it said on the console, and whom it asked besides the UI."""

    def __init__(self, page, address):
        self._page, self._address = page, address
        self.outside, self.errors = [], []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if self._is_here(request.url) else self.outside.append(request.url))

    def _is_here(self, url):
        return url.startswith((self._address, self._address.replace("http", "ws"), "data:", "blob:", "file:"))

    def show(self, path, *texts):
        """Open a page and wait until it says all of these."""
        self._page.goto(path if "://" in path else self._address + path)
        return self.says(*texts)

    def says(self, *texts):
        for text in texts:
            self._page.wait_for_function("text => document.body.innerText.includes(text)", arg=text, timeout=_PATIENCE)
        return self

    def fill(self, config):
        """Replace what the launchpad's editor holds."""
        self._page.wait_for_selector(".CodeMirror", timeout=120_000)
        self._page.evaluate("text => document.querySelector('.CodeMirror').CodeMirror.setValue(text)", config)
        return self

    def press(self, name):
        self._page.get_by_role("button", name=name).last.click(timeout=60_000)
        return self

    def picture(self, path):
        self._page.wait_for_timeout(1_000)  # what fades in has faded in
        self._page.screenshot(path=path)
        return self


@contextmanager
def looking(address, width=1600, height=1000):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield Page(browser.new_page(viewport={"width": width, "height": height}), address)
        finally:
            browser.close()
