"""The walk through the weeks: every prediction from the past alone, resumable, both variants judged on the same rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.errors import DataError
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.settings import NetworkSettings, Settings, TrainingSettings
from research import backtest as walking
from research.backtest import HALF_LIVES, backtest
from research.backtest_run import backtest_figure, backtest_text

TINY = Settings(network=NetworkSettings(members=2, hidden=(8,)), training=TrainingSettings(epochs=1))


def test_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "WITHOUT_CALENDAR", 6)
    monkeypatch.setattr(walking, "BLOCK", 3)
    postings = build_postings(SyntheticMarket(seed=3, n_postings=2500).generate())
    trained: list[np.ndarray] = []
    real = walking.fit_network

    def spy(train, **settings):
        trained.append(train.rows)
        return real(train, **settings)

    monkeypatch.setattr(walking, "fit_network", spy)

    def walk():
        return backtest(
            postings, settings=TINY, calendar=None, first_year=2024, work=tmp_path / "w", progress=lambda *_: None
        )

    result = walk()
    assert len(trained) == 3
    assert set(result.weeks) == set(HALF_LIVES)
    rows = {figures["rows"] for figures in result.summary.values()}
    late = postings.take(np.maximum.accumulate(postings.year) >= 2024)
    assert rows == {float((late.rows >= 0).sum())}
    for rows_of_one in trained:
        assert rows_of_one[rows_of_one >= 0].min() > postings.rows[-1].max(), "the newest posting was trained on"
    assert walk().to_json() == result.to_json()
    assert len(trained) == 3, "finished blocks were fitted again"
    json.dumps(result.to_json(), allow_nan=False)
    assert "cover" in backtest_text(result)
    assert len(backtest_figure(result).axes) == 4


def test_too_little_past_is_refused(tmp_path: Path) -> None:
    postings = build_postings(SyntheticMarket(seed=3, n_postings=700).generate())
    with pytest.raises(DataError, match="to train on before its burn-in"):
        backtest(postings, settings=TINY, calendar=None, first_year=2023, work=tmp_path, progress=lambda *_: None)
