"""The app in a real browser: one server for all tests, a fresh page for each, and what that page complained about.

Enters: the chromium fixture. Leaves: `app_url`, `open_page`. A page that logged an error to its console fails its test.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from looking import OpenPage, settle
from playwright.sync_api import Browser, Page, expect, sync_playwright

MAIN = Path(__file__).resolve().parents[2] / "src" / "mlpaygrade" / "app" / "main.py"


@pytest.fixture(scope="session")
def app_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", str(MAIN), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    root = MAIN.parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=output) as server,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"The app's server ended:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The app's server did not come up:\n{log.read_text()}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """For one file of tests: its event loop must not run on in tests that start one of their own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, app_url: str) -> Iterator[OpenPage]:
    """Open an address of the app: open_page("?page=model", width=390, theme="dark")."""
    complaints: list[str] = []
    contexts = []

    def opened(address: str = "", *, width: int = 1440, theme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{app_url}/{address}")
        expect(page.locator("h1")).to_be_visible(timeout=20_000)
        settle(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
