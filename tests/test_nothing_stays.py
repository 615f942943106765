"""Nothing of an upload stays in the process: neither in a cache of the package nor in a session that has ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlpaygrade.app import serving
from mlpaygrade.app.serving import LIMIT_SECONDS, Idle
from mlpaygrade.job.lookup import remembered, remembering


def test_uploads_are_forgotten_when_they_are_due_and_no_sooner() -> None:
    now, gone = [0.0], list[str]()
    idle = Idle(gone.append, clock=lambda: now[0])
    idle.hold("left")
    idle.hold("used")
    idle.use("never held")
    now[0] = LIMIT_SECONDS - 1
    idle.use("used")
    assert gone == []
    now[0] = LIMIT_SECONDS
    idle.use("another")  # any session's use finds what is due, and so does the timer
    assert gone == ["left"]
    assert [idle.was_forgotten("left"), idle.was_forgotten("left"), idle.was_forgotten("used")] == [True, False, False]
    now[0] = 2 * LIMIT_SECONDS
    idle.sweep()
    assert gone == ["left", "used"]
    assert idle._timer is None, "a timer runs though nothing is held"


def test_the_timer_wakes_when_the_oldest_upload_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[float, Any]] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, call: Any) -> None:
            started.append((seconds, call))

        start = cancel = lambda self: None

    monkeypatch.setattr(serving.threading, "Timer", Timer)
    now, gone = [0.0], list[str]()
    idle = Idle(gone.append, clock=lambda: now[0])
    idle.hold("a")
    now[0] = 60.0
    idle.hold("b")
    assert [seconds for seconds, _ in started] == [LIMIT_SECONDS, LIMIT_SECONDS - 60]
    now[0] = LIMIT_SECONDS
    started[-1][1]()
    assert gone == ["a"]
    assert started[-1][0] == 60


def test_many_uploads_in_one_session_do_not_pile_up() -> None:
    command = [sys.executable, str(Path(__file__).with_name("app_session.py")), "25"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 40


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


def test_no_cell_of_an_upload_stays_anywhere_in_a_process() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPCOVER", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", str(Path(__file__).with_name("what_stays.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "6 passed" in done.stdout
