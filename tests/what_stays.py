"""Searches of a whole process for the cells of an upload; `test_nothing_stays.py` runs them in a process of their own.

There they look through what the package made and not through what a thousand other tests left, and nothing that measures tests
holds an object longer than the code does.
"""

import gc
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app_session import AppSession
from mlpaygrade.app import benchmark as app_benchmark
from mlpaygrade.app import serving
from mlpaygrade.app.serving import LIMIT_SECONDS, Idle
from mlpaygrade.benchmarking.report import run_benchmark
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.known_titles import suggest_titles
from mlpaygrade.job.places import read_place
from mlpaygrade.job.relevance import relevance

MAIN = Path(__file__).resolve().parents[1] / "src" / "mlpaygrade" / "app" / "main.py"


def new_marker() -> str:
    """Letters that nothing else in the process holds."""
    return "".join(chr(ord("a") + byte % 26) for byte in secrets.token_bytes(20))


def upload(marker: str) -> str:
    """Rows whose cells hold the marker, none of them alone."""
    return (
        "Reference,Job title,Level,Company country,Department,Pay\n"
        f"ref{marker},Data q{marker} Engineer,Senior,Germany,dept{marker},p{marker} 85k EUR\n"
        f"ref{marker},Data Engineer,g{marker},c{marker},dept{marker},85000\n"
    )


PIECE = 20_000
"""Objects that are asked for what they refer to at once."""


def held(marker: str) -> list[str]:
    """What the process still holds with the marker in it, but for the marker itself and what running functions hold."""
    gc.collect()
    found: list[str] = []
    holders = gc.get_objects()
    for start in range(0, len(holders), PIECE):
        level = holders[start : start + PIECE]
        while level:
            level = look_into(gc.get_referents(*level), marker, found)
    return found


def look_into(values: Sequence[Any], marker: str, found: list[str]) -> list[Any]:
    """Add the texts with the marker to those that were found; returns what the collector does not list and may hold more."""
    deeper: list[Any] = []
    wanted = marker.encode()
    for value in values:
        kind = type(value)
        if kind is str:
            if marker in value and value != marker:
                found.append(value[:80])
        elif kind is bytes or kind is bytearray:
            if wanted in value:
                found.append(repr(value[:80]))
        elif kind is np.ndarray:
            if value.dtype == object:
                deeper.append(list(value.ravel()))
        elif kind in (tuple, dict, frozenset) and not gc.is_tracked(value):
            deeper.append(value)
        elif isinstance(value, str) and marker in value:
            found.append(value[:80])
    return deeper


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


LEFT: list[object] = []


def test_the_search_finds_what_is_held() -> None:
    for make in (lambda text: {"a": (text,)}, lambda text: np.array([text], dtype=object), lambda text: text.encode()):
        marker = new_marker()
        LEFT.append(make(f"x{marker}"))
        assert held(marker)
        LEFT.clear()
        assert not held(marker)


def test_no_cache_holds_cells_after_a_benchmark(predictor: Predictor) -> None:
    marker = new_marker()
    found = run_benchmark(upload(marker).encode(), predictor=predictor)
    assert f"ref{marker}" in found.content(".csv").decode("utf-8-sig")
    found.content(".xlsx")
    found.content(".html")
    del found
    assert not held(marker)


def test_no_cache_holds_a_job_that_was_asked_about(predictor: Predictor) -> None:
    marker = new_marker()
    predictor.answer(predictor.read_job(title=f"Data q{marker} Engineer", experience="SE", location="US"))
    relevance(f"x{marker}")
    suggest_titles(f"x{marker}", known=predictor.known_titles)
    read_place(f"x{marker}")
    assert not held(marker)


def test_a_session_of_the_page_takes_its_rows_with_it() -> None:
    testing = pytest.importorskip("streamlit.testing.v1")
    marker = new_marker()
    page = testing.AppTest.from_file(str(MAIN), default_timeout=120)
    page.query_params["page"] = "benchmark"
    page.run()
    page.text_area(key="benchmark.text").set_value(upload(marker)).run()
    assert not page.exception
    assert held(marker)
    del page
    assert not held(marker)


@pytest.mark.parametrize("way", ["upload", "paste"])
def test_an_idle_session_that_stays_open_holds_no_cell(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    marker, now = new_marker(), [0.0]
    idle = Idle(serving.forget_session, clock=lambda: now[0])
    monkeypatch.setattr(serving, "IDLE", idle)
    monkeypatch.setattr(app_benchmark, "IDLE", idle)
    with AppSession() as session:
        session.upload(upload(marker).encode()) if way == "upload" else session.paste(upload(marker))
        now[0] = LIMIT_SECONDS - 1
        idle.sweep()
        if way == "paste":
            session.state.clear()  # what the browser still holds is its own
        assert held(marker)
        now[0] = LIMIT_SECONDS
        idle.sweep()
        assert not held(marker)
        session.run()
        assert any("15 minutes without use" in note for note in session.browser.notes)
        assert not held(marker)
