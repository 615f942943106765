"""Calibration: coverage that is true under exchangeability, nesting, refusal of too little data, an oracle."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.errors import BundleError, DataError
from mlpaygrade.forecast.bundle import read_document
from mlpaygrade.forecast.calibration import INTERVALS, Calibration, CalibrationDocument, Truth, conformal_quantile
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, TARGETS, Prediction

NORMAL = np.array([-2.326, -1.96, -1.645, *np.linspace(-1.28, 1.28, 17), 1.645, 1.96, 2.326], dtype=np.float32)


def wrong_prediction(n: int, *, spread: float, shift: float) -> Prediction:
    """Quantiles that are biased and too narrow for a truth that is standard normal times 0.4 about 12."""
    quantiles = np.broadcast_to(12 + shift + spread * NORMAL, (n, len(TARGETS), len(LEVELS))).astype(np.float32)
    return Prediction(quantiles, np.full((n, 2), 12 + shift, dtype=np.float32))


def market(n: int, seed: int, *, abroad: float = 0.0) -> Truth:
    """Bands about 12; `abroad` widens those of group 1 of the first dimension (a fifth of the postings)."""
    rng = np.random.default_rng(seed)
    groups = np.column_stack([rng.random(n) < 0.2, rng.integers(4, size=n), np.zeros(n)]).astype(np.int64)
    noise = (0.4 + abroad * groups[:, :1]) * rng.normal(size=(n, 2))
    ends = np.sort(12 + noise, axis=1)
    return Truth(
        low_log=ends[:, 0], high_log=ends[:, 1], paired=np.ones(n, dtype=bool), groups=groups, weights=np.ones(n)
    )


def test_intervals_cover_what_they_state_after_calibrating_a_wrong_model() -> None:
    raw = wrong_prediction(2000, spread=0.2, shift=0.3)
    calibration = Calibration.fit(raw, market(2000, 1))
    test = market(20_000, 2)
    calibrated = calibration.apply(wrong_prediction(20_000, spread=0.2, shift=0.3), test.groups)
    rows = np.concatenate([test.low_log, test.high_log])
    quantiles = np.tile(calibrated.quantiles("any"), (2, 1))
    for percent, (low, high) in INTERVALS.items():
        covered = np.mean((rows >= quantiles[:, low]) & (rows <= quantiles[:, high]))
        assert covered == pytest.approx(percent / 100, abs=0.02)


def test_low_and_high_ends_are_calibrated_apart() -> None:
    raw, truth = wrong_prediction(2000, spread=0.2, shift=0.0), market(2000, 1)
    fixed = Truth(
        low_log=np.full(2000, 12.0),
        high_log=truth.high_log,
        paired=truth.paired,
        groups=truth.groups,
        weights=truth.weights,
    )
    widening = Calibration.fit(raw, fixed).widening
    low, high = TARGETS.index("low"), TARGETS.index("high")
    assert (widening[low] < 0).all()
    assert (widening[high] > 0).all()


def test_a_biased_model_is_paid_for_in_width_and_its_median_stays() -> None:
    raw, truth = wrong_prediction(2000, spread=0.2, shift=0.3), market(2000, 1)
    groups = np.zeros((2000, 3), dtype=np.int64)
    calibrated = Calibration.fit(raw, truth).apply(raw, groups)
    np.testing.assert_array_equal(calibrated.log_quantiles[..., MEDIAN], raw.log_quantiles[..., MEDIAN])
    straight = wrong_prediction(2000, spread=0.2, shift=0.0)
    honest = Calibration.fit(straight, truth).apply(straight, groups)
    low, high = INTERVALS[90]
    width, honest_width = (one.quantiles("any")[0, high] - one.quantiles("any")[0, low] for one in (calibrated, honest))
    assert width > honest_width


def test_a_group_that_spreads_wider_gets_wider_intervals_that_cover() -> None:
    raw = wrong_prediction(6000, spread=0.3, shift=0.0)
    truth, future = market(6000, 1, abroad=0.4), market(20_000, 2, abroad=0.4)
    calibrated = Calibration.fit(raw, truth).apply(wrong_prediction(20_000, spread=0.3, shift=0.0), future.groups)
    low, high = INTERVALS[90]
    quantiles = calibrated.quantiles("any")
    for group in (0, 1):
        mine = future.groups[:, 0] == group
        rows = np.concatenate([future.low_log[mine], future.high_log[mine]])
        inside = (rows >= np.tile(quantiles[mine, low], 2)) & (rows <= np.tile(quantiles[mine, high], 2))
        assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_a_group_of_few_postings_is_shrunk_towards_the_whole() -> None:
    raw, truth = wrong_prediction(1000, spread=0.4, shift=0.0), market(1000, 1)
    few = np.arange(1000) < 5
    groups = truth.groups.copy()
    groups[:, 2] = few
    outlying = Truth(
        low_log=truth.low_log + few,
        high_log=truth.high_log + few,
        paired=truth.paired,
        groups=groups,
        weights=truth.weights,
    )
    shift = Calibration.fit(raw, outlying).group_widening[2][1]
    assert 0 < np.abs(shift).max() < 0.25


@given(seed=st.integers(0, 1000), spread=st.floats(0.01, 2.0))
def test_calibrated_quantiles_never_cross(seed: int, spread: float) -> None:
    calibration = Calibration.fit(wrong_prediction(150, spread=spread, shift=0.1), market(150, seed))
    quantiles = calibration.apply(
        wrong_prediction(3, spread=spread, shift=0.1), np.zeros((3, 3), dtype=np.int64)
    ).log_quantiles
    assert (np.diff(quantiles, axis=-1) >= 0).all()


@given(st.lists(st.floats(-5, 5), min_size=20, max_size=200), st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.95]))
def test_the_conformal_quantile_is_the_textbook_order_statistic(scores: list[float], level: float) -> None:
    n = len(scores)
    rank = min(int(np.ceil(round(level * (n + 1), 9))), n)
    assert conformal_quantile(np.array(scores), level) == np.sort(scores)[rank - 1]


def test_too_few_postings_are_refused() -> None:
    with pytest.raises(DataError, match="at least 100 held-out postings"):
        Calibration.fit(wrong_prediction(99, spread=0.2, shift=0.0), market(99, 1))


def test_json_round_trip_and_damage() -> None:
    calibration = Calibration.fit(wrong_prediction(200, spread=0.2, shift=0.0), market(200, 1))
    again = Calibration.of_document(msgspec.convert(calibration.to_json(), CalibrationDocument))
    np.testing.assert_allclose(again.widening, calibration.widening, atol=1e-6)
    with pytest.raises(BundleError, match="calibration is damaged"):
        read_document("calibration.json", b'{"widening": [[1.0]]}')
