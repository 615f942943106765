"""Nothing of an upload stays in the process: neither in a cache of the package nor in a session that has ended."""

import gc
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlpaygrade.benchmarking.report import run_benchmark
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job import taxonomy
from mlpaygrade.job.memory import remembered, remembering
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


def held(marker: str) -> list[str]:
    """What the process still holds with the marker in it, but for the marker itself and what running functions hold."""
    gc.collect()
    found: list[str] = []
    for holder in gc.get_objects():
        seen = [holder]
        while seen:
            for value in parts_of(seen.pop()):
                if is_text(value):
                    text = value if isinstance(value, str) else bytes(value).decode("latin-1")
                    if marker in text and text != marker:
                        found.append(f"{type(holder).__name__}: {text[:80]}")
                elif not gc.is_tracked(value) and isinstance(value, tuple | dict | frozenset | np.ndarray):
                    seen.append(value)
    return found


def parts_of(value: object) -> list[Any]:
    """What an object refers to; the collector does not see into arrays of objects."""
    if isinstance(value, np.ndarray):
        return list(value.ravel()) if value.dtype == object else []
    return gc.get_referents(value)


def is_text(value: object) -> bool:
    return isinstance(value, str | bytes | bytearray)


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
    taxonomy.suggest_titles(f"x{marker}", known=predictor.known_titles)
    taxonomy.read_place(f"x{marker}")
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


def test_a_memory_lasts_for_one_call() -> None:
    asked: list[str] = []

    @remembered
    def read(text: str) -> int:
        asked.append(text)
        return len(text)

    def twice() -> Iterator[int]:
        yield read("a")
        yield read("a")

    assert list(twice()) == [1, 1]
    assert asked == ["a", "a"]
    with remembering():
        list(twice())
        with remembering():
            list(twice())
    assert asked == ["a"] * 3
    list(twice())
    assert asked == ["a"] * 5
