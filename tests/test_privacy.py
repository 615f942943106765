"""Serving leaves nothing behind under HOME and asks no other host for anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

WATCH = """
import sys
asked = []
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        asked.append((event, arguments[0]))
sys.addaudithook(watch)
"""
REPORT = "\nassert not asked, asked\n"

PREDICTOR = """
from mlpaygrade import Predictor
predictor = Predictor.load()
predictor.answer(predictor.read_job(title="Data Scientist", experience="SE", location="US"))
"""
COMMAND = """
from mlpaygrade.cli import app
app(["predict", "--title", "Data Scientist", "--experience", "SE", "--location", "US", "--json"], standalone_mode=False)
"""
SERVICE = """
from starlette.testclient import TestClient
from mlpaygrade.service.guard import Settings
from mlpaygrade.service.web import web_app
job = {"title": "Data Scientist", "experience": "SE", "location": "US", "currency": "EUR"}
with TestClient(web_app(Settings())) as client:
    assert client.post("/v1/estimate", json=job).status_code == 200
    del job["currency"]
    assert client.post("/v1/explain", json=job).status_code == 200
    assert client.post("/v1/batch", content=b"{}", headers={"Content-Type": "application/x-ndjson"}).status_code == 200
"""
PAGE = """
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("src/mlpaygrade/app/main.py", default_timeout=60).run()
assert not page.exception
"""
FOREIGN_PAGE = """
from mlpaygrade.app.serving import look_nothing_up
look_nothing_up()
from streamlit.web.server.server_util import is_url_from_allowed_origins
assert not is_url_from_allowed_origins("https://elsewhere.example")
"""
STREAMLIT_STARTS = """
from streamlit import config
from streamlit.web import bootstrap
config.get_config_options(force_reparse=True, options_from_flags={"server.headless": True})
assert not config.get_option("browser.gatherUsageStats")
bootstrap._print_url(False)
"""


@pytest.mark.parametrize("serving", [PREDICTOR, COMMAND, SERVICE, PAGE, FOREIGN_PAGE, STREAMLIT_STARTS])
def test_serving_asks_no_host_and_writes_nothing_under_home(serving: str, tmp_path: Path) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment = {**given, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    script = WATCH + serving + REPORT
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert not list(tmp_path.rglob("*"))
