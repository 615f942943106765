"""How fast the app comes up and answers, and how much memory twenty sessions take, in a real browser.

Enters: a Chromium (default: the one on the PATH). Leaves: `benchmarks/results/app.json` and a table on stdout. Starts its own
server; measures wall time in the browser, from the click to the frame in which the last part of the new answer stands.

    python benchmarks/app.py [--chromium /usr/bin/chromium] [--sessions 20] [--changes 60]
"""

import argparse
import json
import os
import platform
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "app.json"
ANSWERED = ".mp-ranges[aria-label^='What each field adds']"

CHANGE = """label => new Promise((done, failed) => {
  const heading = () => document.querySelector('.mp p.quiet')?.textContent;
  const last = () => [...document.querySelectorAll('.mp-ranges')].at(-1)?.textContent;
  const before = [heading(), last()];
  const start = performance.now();
  const watch = new MutationObserver(() => {
    if (heading() !== before[0] && last() !== before[1]) {
      watch.disconnect();
      requestAnimationFrame(() => done(performance.now() - start));
    }
  });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true});
  [...document.querySelectorAll('button')].find(one => one.textContent.trim() === label).click();
  setTimeout(() => failed(new Error('no new answer in 10 s')), 10000);
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--chromium", default=shutil.which("chromium"))
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--changes", type=int, default=60)
    given = options.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        cold = [cold_start(browser) for _ in range(3)]
        with server() as (url, process):
            page = opened(browser, url)
            changes = measured_changes(page, given.changes)
            typing = measured_typing(page)
            upload = measured_upload(browser, url)
        with server() as (url, process):
            one, many = memory(browser, url, process, given.sessions)
        browser.close()
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": round(os.getloadavg()[0], 1)},
        "cold_start_s": {"median": statistics.median(cold), "worst": max(cold)},
        "change_to_answer_ms": spread(changes),
        "typing_to_answer_ms": spread(typing) | {"of_which_pause": 200},
        "upload_of_10000_rows_s": upload,
        "resident_mib": {"one_session": one, f"{given.sessions}_sessions": many},
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def spread(times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "worst": round(ordered[-1], 1),
    }


@contextmanager
def server() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "src" / "mlpaygrade" / "app" / "main.py")]
    command += ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "PASSIVE"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}/", process
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no server at {url}")


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    page.wait_for_selector(ANSWERED, timeout=30_000)
    return page


def cold_start(browser: Browser) -> float:
    """From starting the process to the whole first answer in a browser without a cache, in seconds."""
    start = time.monotonic()
    with server() as (url, _process):
        page = opened(browser, url)
        seconds = time.monotonic() - start
        page.context.close()
    return round(seconds, 2)


def measured_changes(page: Page, count: int) -> list[float]:
    levels = ("Mid level", "Entry level", "Executive", "Senior")
    times = []
    for n in range(count):
        page.wait_for_timeout(300)
        times.append(float(page.evaluate(CHANGE, levels[n % len(levels)])))
    return times


def measured_typing(page: Page) -> list[float]:
    """From a new title in the field to its answer; the field waits for a pause of 200 ms before it asks."""
    box = page.get_by_role("textbox", name="Job title")
    shown = "title => document.querySelector('.mp p.job')?.textContent.startsWith(title + ',')"
    times = []
    for title in (
        "Data Engineer",
        "ML Engineer",
        "Data Analyst",
        "AI Architect",
        "Research Scientist",
        "Data Manager",
    ) * 3:
        page.wait_for_timeout(500)
        start = time.monotonic()
        box.fill(title)
        page.wait_for_function(shown, arg=title)
        times.append(1000 * (time.monotonic() - start))
    return times


def measured_upload(browser: Browser, url: str) -> float:
    """From choosing a file of 10,000 different rows to its summary, in seconds."""
    chance = random.Random(0)
    titles = (
        "Data Engineer",
        "Data Scientist",
        "Data Analyst",
        "ML Engineer",
        "AI Engineer",
        "BI Developer",
        "Data Architect",
    )
    countries = ("US", "GB", "DE", "IN", "CA", "FR", "ES", "BR", "AU", "NL")
    lines = ["Reference,Job title,Level,Company country,Remote,Company size,Year,Pay USD"]
    for n in range(10_000):
        level, size, remote = (
            chance.choice(["EN", "MI", "SE", "EX"]),
            chance.choice("SML"),
            chance.choice(["0", "50", "100"]),
        )
        job = (
            f"{chance.choice(titles)},{level},{chance.choice(countries)},{remote},{size},{chance.randrange(2020, 2025)}"
        )
        lines.append(f"R{n},{job},{chance.randrange(30_000, 300_000)}")
    page = browser.new_context().new_page()
    page.goto(f"{url}?page=benchmark")
    chooser = page.locator("input[type=file]")
    chooser.wait_for(state="attached")
    page.wait_for_timeout(1_000)
    start = time.monotonic()
    chooser.set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()})
    page.get_by_text("10,000 of 10,000").wait_for(timeout=60_000)
    return round(time.monotonic() - start, 2)


def memory(browser: Browser, url: str, process: "subprocess.Popen[bytes]", sessions: int) -> tuple[float, float]:
    """Resident memory of the server in MiB with one session and with many, each of which has changed its answer."""
    pages = [opened(browser, url)]
    pages[0].wait_for_timeout(2_000)
    one = resident_mib(process.pid)
    pages += [opened(browser, url) for _ in range(sessions - 1)]
    for page in pages:
        page.evaluate(CHANGE, "Mid level")
    pages[0].wait_for_timeout(2_000)
    return one, resident_mib(process.pid)


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
