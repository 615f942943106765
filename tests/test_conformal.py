"""Calibration: coverage that is true under exchangeability, nesting, refusal of too little data, an oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.distribution import LEVELS, MEDIAN, TARGETS, Prediction
from mlpaygrade.evaluation.conformal import INTERVALS, Calibration, conformal_quantile
from mlpaygrade.schema import BundleError, DataError

NORMAL = np.array([-2.326, -1.96, -1.645, *np.linspace(-1.28, 1.28, 17), 1.645, 1.96, 2.326], dtype=np.float32)


def wrong_prediction(n: int, *, spread: float, shift: float) -> Prediction:
    """Quantiles that are biased and too narrow for a truth that is standard normal times 0.4 about 12."""
    quantiles = np.broadcast_to(12 + shift + spread * NORMAL, (n, len(TARGETS), len(LEVELS))).astype(np.float32)
    return Prediction(quantiles, np.full((n, 2), 12 + shift, dtype=np.float32))


def market(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    ends = np.sort(12 + 0.4 * rng.normal(size=(n, 2)), axis=1)
    return {"low_log": ends[:, 0], "high_log": ends[:, 1], "paired": np.ones(n, dtype=bool)}


def test_intervals_cover_what_they_state_after_calibrating_a_wrong_model() -> None:
    raw = wrong_prediction(2000, spread=0.2, shift=0.3)
    calibration = Calibration.fit(raw, **market(2000, 1))
    test = market(20_000, 2)
    calibrated = calibration.apply(wrong_prediction(20_000, spread=0.2, shift=0.3))
    rows = np.concatenate([test["low_log"], test["high_log"]])
    quantiles = np.tile(calibrated.quantiles("any"), (2, 1))
    for percent, (low, high) in INTERVALS.items():
        covered = np.mean((rows >= quantiles[:, low]) & (rows <= quantiles[:, high]))
        assert covered == pytest.approx(percent / 100, abs=0.02)
    assert calibrated.log_estimate[0] == pytest.approx(rows.mean(), abs=0.02)


def test_low_and_high_ends_are_calibrated_apart() -> None:
    calibration = Calibration.fit(wrong_prediction(2000, spread=0.2, shift=0.0), **market(2000, 1))
    calibrated = calibration.apply(wrong_prediction(1, spread=0.2, shift=0.0))
    low, high = calibrated.quantiles("low")[0, MEDIAN], calibrated.quantiles("high")[0, MEDIAN]
    truth = market(20_000, 3)
    assert low == pytest.approx(np.median(truth["low_log"]), abs=0.03)
    assert high == pytest.approx(np.median(truth["high_log"]), abs=0.03)


@given(seed=st.integers(0, 1000), spread=st.floats(0.01, 2.0))
def test_calibrated_quantiles_never_cross(seed: int, spread: float) -> None:
    calibration = Calibration.fit(wrong_prediction(150, spread=spread, shift=0.1), **market(150, seed))
    quantiles = calibration.apply(wrong_prediction(3, spread=spread, shift=0.1)).log_quantiles
    assert (np.diff(quantiles, axis=-1) >= 0).all()


@given(st.lists(st.floats(-5, 5), min_size=20, max_size=200), st.sampled_from([0.05, 0.25, 0.75, 0.95]))
def test_the_conformal_quantile_is_the_textbook_order_statistic(scores: list[float], level: float) -> None:
    n = len(scores)
    ordered = np.sort(scores)
    if level >= 0.5:
        rank = min(int(np.ceil(round(level * (n + 1), 9))), n)
    else:
        rank = max(int(np.ceil(round(level * (n + 1) - 1, 9))), 1)
    assert conformal_quantile(np.array(scores), level) == ordered[rank - 1]


def test_too_few_postings_are_refused() -> None:
    with pytest.raises(DataError, match="at least 100 held-out postings"):
        Calibration.fit(wrong_prediction(99, spread=0.2, shift=0.0), **market(99, 1))


def test_json_round_trip_and_damage() -> None:
    calibration = Calibration.fit(wrong_prediction(200, spread=0.2, shift=0.0), **market(200, 1))
    again = Calibration.from_json(calibration.to_json())
    np.testing.assert_array_equal(again.shifts, calibration.shifts)
    with pytest.raises(BundleError, match="calibration is damaged"):
        Calibration.from_json({"shifts": [[1.0]]})
