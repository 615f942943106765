"""What the faults on purpose rest on: planted mistakes that fit the code, and a few of the odd files at every command."""

import sys
from pathlib import Path
from unittest import mock

import pytest

from mlpaygrade import Predictor

BENCHMARKS = str(Path(__file__).resolve().parents[1] / "benchmarks")


def test_every_planted_mistake_still_fits_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import mutants

    assert mutants.misfits() == []


def test_commands_agree_on_odd_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "argv", sys.argv)
    import odd_files

    with mock.patch.object(Predictor, "load", return_value=Predictor.load()):
        wrong = [f"{n}: {what}" for n in range(20) for what in odd_files.judged(n, tmp_path)]
    assert wrong == []
