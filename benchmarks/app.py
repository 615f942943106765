"""How fast the app comes up and answers, and how much memory its readers take, in a real browser.

Writes `benchmarks/results/app.json` and prints it. Starts its own server; a change is timed in the browser, from the click or the
last letter to the frame in which the new answer's large figure stands. With `--beside FOLDER` another checkout is measured by the
same script in turns with this one, so that both meet the same other work on the machine.

    python benchmarks/app.py [--beside FOLDER] [--chromium /usr/bin/chromium] [--readers 20] [--changes 30] [--turns 3]
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

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "app.json"
FIGURE = ".mp-answer .large strong, .mp-facts .figure"
"""The large figure, on today's page and on that before the redesign."""

WATCH = """({label, title, figure}) => new Promise((done, failed) => {
  const shown = () => [document.querySelector('.mp p.job')?.textContent + document.querySelector('.mp p.quiet')?.textContent,
                       document.querySelector(figure)?.textContent];
  const before = shown(), start = performance.now();
  const watch = new MutationObserver(() => {
    const now = shown();
    if (now[0] !== before[0] && now[1] && now[1] !== before[1]) {
      watch.disconnect();
      requestAnimationFrame(() => done(performance.now() - start));
    }
  });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true});
  setTimeout(() => failed(new Error('no new answer in 10 s')), 10000);
  if (label) return [...document.querySelectorAll('button')].find(one => one.textContent.trim() === label).click();
  const box = document.querySelector('input[aria-label="Job title"]');
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, title);
  box.dispatchEvent(new Event('input', {bubbles: true}));
})"""
LEVELS = ("Mid level", "Entry level", "Executive", "Senior")
TITLES = ("Data Engineer", "ML Engineer", "Data Analyst", "AI Architect", "Research Scientist", "Data Manager")
IDLE = "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"

Measured = dict[str, list[float]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--beside", type=Path)
    options.add_argument("--chromium", default=shutil.which("chromium"))
    options.add_argument("--readers", type=int, default=20)
    options.add_argument("--changes", type=int, default=30)
    options.add_argument("--turns", type=int, default=3)
    given = options.parse_args()
    load = os.getloadavg()[0]
    roots = {"app": ROOT} | ({"before": given.beside} if given.beside else {})
    found: dict[str, Measured] = {name: {} for name in roots}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        for turn in range(given.turns):
            for name in roots if turn % 2 == 0 else reversed(roots):
                one_turn(browser, roots[name], found[name], readers=given.readers, changes=given.changes)
        browser.close()
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": round(load, 1)},
        "turns": given.turns,
        "readers": given.readers,
        **{name: {what: spread(figures) for what, figures in one.items()} for name, one in found.items()},
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def one_turn(browser: Browser, root: Path, found: Measured, *, readers: int, changes: int) -> None:
    """Measure one checkout once, into what was found of it before."""

    def note(name: str, *figures: float) -> None:
        found.setdefault(name, []).extend(figures)

    start = time.monotonic()
    with server(root) as (url, process):
        pages = [opened(browser, url)]
        note("start_to_answer_s", time.monotonic() - start)
        pages[0].wait_for_timeout(2_000)
        note("one_reader_mib", resident_mib(process.pid))
        start = time.monotonic()
        pages.append(opened(browser, url))
        note("open_to_answer_s", time.monotonic() - start)
        for n in range(changes):
            note("click_to_answer_ms", changed(pages[0], label=LEVELS[n % len(LEVELS)]))
        for n in range(changes):
            note("typing_to_answer_ms", changed(pages[0], title=TITLES[n % len(TITLES)]))
        pages += [opened(browser, url) for _ in range(readers - len(pages))]
        for page in pages[1:]:
            changed(page, label=LEVELS[0])
        pages[0].wait_for_timeout(2_000)
        note("all_readers_mib", resident_mib(process.pid))
        for page in pages:
            page.context.close()
        note("upload_of_10000_rows_s", uploaded(browser, url))


def spread(figures: list[float]) -> dict[str, float]:
    ordered = sorted(figures)
    shares = {
        "median": statistics.median(ordered),
        "p95": ordered[int(0.95 * (len(ordered) - 1))],
        "worst": ordered[-1],
    }
    return {"n": len(ordered)} | {name: round(value, 2 if value < 100 else 0) for name, value in shares.items()}


@contextmanager
def server(root: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(root / "src" / "mlpaygrade" / "app" / "main.py")]
    command += ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_WAIT_POLICY": "PASSIVE"}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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
    """A new reader's page, in a browser without a cache, with its first answer."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    page.wait_for_selector(FIGURE, timeout=30_000)
    return page


def changed(page: Page, *, label: str = "", title: str = "") -> float:
    """Milliseconds from a level's click, or a new title in the field, to its answer; the field waits for a pause of 200 ms."""
    page.wait_for_function(IDLE)
    page.wait_for_timeout(200)
    return float(page.evaluate(WATCH, {"label": label, "title": title, "figure": FIGURE}))


def uploaded(browser: Browser, url: str) -> float:
    """Seconds from choosing a file of 10,000 different rows to its summary."""
    chance = random.Random(0)
    titles = (*TITLES, "Data Architect")
    lines = ["Reference,Job title,Level,Company country,Remote,Company size,Year,Pay USD"]
    for n in range(10_000):
        level, size, remote = chance.choice(["EN", "MI", "SE", "EX"]), chance.choice("SML"), chance.choice([0, 50, 100])
        country = chance.choice(("US", "GB", "DE", "IN", "CA", "FR", "ES", "BR", "AU", "NL"))
        year, pay = chance.randrange(2020, 2025), chance.randrange(30_000, 300_000)
        lines.append(f"R{n},{chance.choice(titles)},{level},{country},{remote},{size},{year},{pay}")
    page = browser.new_context().new_page()
    page.goto(f"{url}?page=benchmark")
    chooser = page.locator("input[type=file]")
    chooser.wait_for(state="attached")
    page.wait_for_timeout(1_000)
    start = time.monotonic()
    chooser.set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()})
    page.get_by_text("10,000 of 10,000").wait_for(timeout=60_000)
    seconds = time.monotonic() - start
    page.context.close()
    return seconds


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
