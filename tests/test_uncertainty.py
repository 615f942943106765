"""The error budget of one estimate: parts that add up, grow with what they stand for, and never exceed the whole."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade import Predictor
from mlpaygrade.app.answer import spread
from mlpaygrade.cli.predict import estimate_text
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, SOURCES, TARGETS, ErrorBudget, error_budget
from mlpaygrade.testing.synthetic import Truth, width_shares, widths

NORMAL = np.array([NormalDist().inv_cdf(float(level)) for level in LEVELS])


def quantiles(*, half: float, sigma: float) -> np.ndarray:
    """Low and high ends `half` to either side of 12; one figure with the spread `sigma`."""
    return 12 + np.array([[-half], [half], [0.0]]) + sigma * NORMAL


@pytest.fixture(scope="module")
def estimate() -> Answer:
    predictor = Predictor.load()
    return predictor.answer(predictor.read_job(title="AI Engineer", experience="MI", location="DE"))


@given(half=st.floats(-0.5, 2.0), sigma=st.floats(0.0, 1.5), model=st.floats(0.0, 2.0))
def test_parts_are_not_negative_and_add_up_even_where_they_would_exceed_the_whole(
    half: float, sigma: float, model: float
) -> None:
    budget = error_budget(quantiles(half=half, sigma=sigma), estimate_usd=100_000, model_log=model)
    parts = budget.parts_usd()
    assert tuple(parts) == tuple(SOURCES)
    assert min(parts.values()) >= 0
    assert sum(usd**2 for usd in parts.values()) == pytest.approx(budget.total_usd**2, rel=1e-9, abs=1e-6)
    assert sum(budget.shares().values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in budget.shares().values())


@given(less=st.floats(0.0, 0.9), more=st.floats(0.01, 1.0))
def test_the_models_part_grows_with_disagreement_and_the_whole_stays(less: float, more: float) -> None:
    low, high = (
        error_budget(quantiles(half=0.2, sigma=0.4), estimate_usd=100_000, model_log=model)
        for model in (less, less + more)
    )
    assert high.model_usd > low.model_usd
    assert high.shares()["model"] > low.shares()["model"]
    assert high.total_usd == low.total_usd


def test_by_hand() -> None:
    budget = error_budget(quantiles(half=0.1, sigma=0.0), estimate_usd=100_000, model_log=0.0)
    assert budget == ErrorBudget(total_usd=0, band_usd=0, market_usd=0, model_usd=0)
    assert budget.shares() == {"band": 0, "market": 1, "model": 0}
    budget = error_budget(quantiles(half=0.12, sigma=0.4), estimate_usd=100_000, model_log=0.05)
    assert budget.band_usd == pytest.approx(12_000)
    assert budget.model_usd == pytest.approx(5_000)
    assert budget.total_usd == pytest.approx(40_000, rel=0.03)  # the outermost quantiles end the distribution
    assert budget.to_json()["band"] == {"usd": 12_000, "share": pytest.approx(0.09, abs=0.01)}


@pytest.mark.parametrize("level", ["EN", "SE"])
def test_the_band_is_the_true_one_on_the_synthetic_market(level: str) -> None:
    """Of a posting with both ends the law of total variance is exact: half the mean width, squared."""
    predictor = Predictor.load()
    job = predictor.read_job(title="Data Scientist", experience=level, location="US", year=2024).job
    truth = Truth(single_scale=0.0)
    frame = pd.DataFrame([job.fields()])
    true = np.stack(
        [truth.quantile(frame, LEVELS.astype(float).tolist(), end=end)[0] for end in ("low", "high", "row")]
    )
    budget = error_budget(true, estimate_usd=1.0, model_log=0.0)
    assert budget.band_usd == pytest.approx(float(widths() @ width_shares(level)) / 2, rel=0.01)
    rest = budget.total_usd**2 - budget.band_usd**2
    assert budget.market_usd**2 == pytest.approx(rest)


def test_it_is_the_answers_own(estimate: Answer) -> None:
    budget = estimate.error_budget
    assert budget is not None
    low, high = estimate.intervals_usd[90]
    assert 0 < budget.total_usd < high - low
    half_band = (estimate.band_high_usd - estimate.band_low_usd) / 2
    assert budget.band_usd == pytest.approx(half_band, rel=0.2)
    assert estimate.log_quantiles[TARGETS.index("high"), MEDIAN] > estimate.log_quantiles[TARGETS.index("low"), MEDIAN]


def test_terminal_and_app_show_it_and_say_nothing_where_it_is_not_known(estimate: Answer) -> None:
    shown, page = estimate_text(estimate), spread(estimate)
    for words in SOURCES.values():
        assert words in shown
        assert words.capitalize() in page
    unknown = dataclasses.replace(estimate, error_budget=None)
    assert "strays" not in estimate_text(unknown)
    assert spread(unknown) == ""
    assert unknown.to_json()["error_budget"] is None
