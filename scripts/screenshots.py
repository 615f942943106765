"""Pictures of every page for the documentation, from the bundled model: docs/images/*.png.

Enters: a Chromium (default: the one on the PATH). Leaves: a picture of each page, light and wide, and of some dark and narrow.

    python scripts/screenshots.py [--chromium /usr/bin/chromium]
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 300_000
PICTURES = (
    ("estimate", "?title=Machne+Lerning+Engineer&offer=180000", 1280, 1180, "light"),
    ("estimate-phone", "?title=Data+Analyst&level=MI&country=GB", 390, 1250, "dark"),
    ("compare", "?page=compare&offer1=150000", 1280, 1400, "light"),
    ("career", "?page=career&title=Data+Analyst&level=MI", 1280, 1250, "light"),
    ("benchmark", "?page=benchmark", 1280, 1150, "light"),
    ("market", "?page=market", 1280, 1150, "light"),
    ("model", "?page=model", 1280, 1050, "dark"),
)
"""Name, address, width, height, theme."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--chromium", default=shutil.which("chromium"))
    given = options.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "src" / "mlpaygrade" / "app" / "main.py")]
    command += ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with (
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server,
        sync_playwright() as play,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            browser = play.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
            for name, address, width, height, theme in PICTURES:
                picture(
                    browser,
                    f"http://127.0.0.1:{port}/{address}",
                    IMAGES / f"{name}.png",
                    size=(width, height),
                    theme=theme,
                )
            browser.close()
        finally:
            server.terminate()


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no server at {url}")


def picture(browser: Browser, url: str, path: Path, *, size: tuple[int, int], theme: str) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("h1", timeout=30_000)
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')")
    if path.stem == "benchmark":
        page.locator("input[type=file]").set_input_files(
            {"name": "staff.csv", "mimeType": "text/csv", "buffer": staff()}
        )
        page.get_by_text("Row by row").wait_for(timeout=30_000)
    page.wait_for_timeout(2_500)
    page.screenshot(path=path)
    context.close()
    if path.stat().st_size > MOST_BYTES:
        raise RuntimeError(f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are wanted")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def staff() -> bytes:
    """Made-up rows, one of them with a mistake."""
    lines = ["Reference,Job title,Level,Company country,Remote,Pay USD,Band low USD,Band high USD"]
    for n in range(40):
        title = ("Data Engineer", "Data Analyst", "Data Scientist", "ML Engineer")[n % 4]
        level = ("Senior", "Mid level", "Entry level", "Senior", "Mid level")[n % 5]
        lines.append(f"E-{n + 1},{title},{level},United States,On site,{85_000 + 2_500 * (n * 7 % 40)},110000,190000")
    lines.append("E-41,Data Architect,Guru,Canada,Hybrid,120000,,")
    return "\n".join(lines).encode()


if __name__ == "__main__":
    main()
