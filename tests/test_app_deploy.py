"""What a host of the app installs: pinned like everything else, enough for every page, and nothing of the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlpaygrade.app.serving import PAGES

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "src" / "mlpaygrade" / "app"
PIN = re.compile(r"^([\w.-]+==\S+)", re.MULTILINE)
NOT_NEEDED = ("pydantic", "rich", "scipy", "matplotlib", "tensorflow", "sklearn", "mlflow", "shap")

OPEN_ALL = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from streamlit.testing.v1 import AppTest
for page in {pages!r}:
    app = AppTest.from_file({main!r}, default_timeout=60)
    app.query_params["page"] = page
    app.run()
    assert not app.exception and not app.error, (page, [error.value for error in app.error])
    print(app.title[0].value)
"""


def pins(path: Path) -> set[str]:
    return set(PIN.findall(path.read_text(encoding="utf-8")))


def test_the_host_installs_versions_that_the_tests_run_on() -> None:
    host = pins(APP / "requirements.txt")
    assert host
    assert host <= pins(ROOT / "requirements" / "dev.txt")
    assert "--hash=sha256:" in (APP / "requirements.txt").read_text(encoding="utf-8")


def test_the_host_installs_what_is_asked_for_and_no_more_than_the_app_needs() -> None:
    asked = {
        line.strip()
        for line in (APP / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    }
    host = {pin.partition("==")[0] for pin in pins(APP / "requirements.txt")}
    assert asked <= host
    assert not host & set(NOT_NEEDED)


@pytest.mark.parametrize("missing", [NOT_NEEDED])
def test_every_page_opens_without_the_libraries_of_the_command_line(missing: tuple[str, ...]) -> None:
    script = OPEN_ALL.format(missing=missing, pages=list(PAGES), main=str(APP / "main.py"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert len(done.stdout.split("\n")) > len(PAGES)
