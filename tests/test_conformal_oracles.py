"""The calibration against two libraries for conformal prediction, MAPIE and crepes, on the same scores.

Numbers of postings are one short of a prime, so that no level falls exactly between two ranks, where either rank would do.
"""

from typing import Any

import crepes
import numpy as np
import pytest
from mapie.regression import ConformalizedQuantileRegressor
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from mlpaygrade.forecast.calibration import INTERVALS, Calibration, Truth
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, TARGETS, Prediction, Target

NORMAL = np.array([-2.326, -1.96, -1.645, *np.linspace(-1.28, 1.28, 17), 1.645, 1.96, 2.326])
ENDS: tuple[Target, ...] = ("low", "high")
"""Targets of which a posting shows one figure; of `any` it shows two, which the libraries would count as two postings."""


class Column(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted quantile regressor, for MAPIE: it predicts one column of what it is given."""

    fitted_ = True

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(self, X: Any, y: Any) -> "Column":
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(X)[:, self.column]


def predicted(n: int, *, seed: int, spread: bool = True) -> Prediction:
    """Biased quantiles that differ from posting to posting; without spread all 23 are one."""
    rng = np.random.default_rng(seed)
    middle, width = rng.normal(12.1, 0.2, (n, 1, 1)), rng.uniform(0.1, 0.5, (n, 1, 1)) * spread
    quantiles = np.broadcast_to(middle + width * NORMAL, (n, len(TARGETS), len(LEVELS))).astype(np.float32)
    return Prediction(quantiles, np.full((n, 2), 12.1, dtype=np.float32))


def paid(n: int, *, seed: int, second_group: int = 0) -> Truth:
    """Bands about 12; the last `second_group` postings are a group that pays and spreads otherwise."""
    ends = np.sort(np.random.default_rng(seed).normal(12, 0.4, (n, 2)), axis=1)
    groups = np.zeros((n, 3), dtype=np.int64)
    groups[n - second_group :, 0] = 1
    ends += groups[:, :1] * [0.3, 0.8]
    return Truth(
        low_log=ends[:, 0], high_log=ends[:, 1], paired=np.ones(n, dtype=bool), groups=groups, weights=np.ones(n)
    )


def salary(truth: Truth, target: Target) -> NDArray[np.float64]:
    return truth.low_log if target == "low" else truth.high_log


@pytest.mark.parametrize("n", [106, 256, 700])
@pytest.mark.parametrize("target", ENDS)
@pytest.mark.parametrize("percent", INTERVALS)
def test_intervals_agree_with_mapies_conformalised_quantile_regression(n: int, target: Target, percent: int) -> None:
    raw, truth = predicted(n, seed=1), paid(n, seed=2)
    ends = list(INTERVALS[percent])
    columns = raw.quantiles(target)[:, [*ends, MEDIAN]].astype(np.float64)
    mapie = ConformalizedQuantileRegressor(
        [Column(0), Column(1), Column(2)], confidence_level=percent / 100, prefit=True
    )
    mapie.conformalize(columns, salary(truth, target))
    _, theirs = mapie.predict_interval(columns, symmetric_correction=True)
    ours = Calibration.fit(raw, truth).apply(raw, truth.groups).quantiles(target)[:, ends]
    np.testing.assert_allclose(ours, theirs[:, :, 0], atol=1e-5)


@pytest.mark.parametrize("target", ENDS)
def test_every_central_interval_of_a_point_agrees_with_crepes(target: Target) -> None:
    """Quantiles that are all one leave split conformal prediction with absolute residuals."""
    raw, truth = predicted(256, seed=3, spread=False), paid(256, seed=4)
    point = raw.quantiles(target)[:, MEDIAN].astype(np.float64)
    crepe = crepes.ConformalRegressor().fit(salary(truth, target) - point)
    calibrated = Calibration.fit(raw, truth).apply(raw, truth.groups).quantiles(target)
    for k in range(MEDIAN):
        share = float(LEVELS[-1 - k]) - float(LEVELS[k])
        np.testing.assert_allclose(calibrated[:, [k, -1 - k]], crepe.predict_int(point, confidence=share), atol=1e-5)


@pytest.mark.parametrize("target", ENDS)
def test_groups_that_are_not_shrunk_agree_with_crepes_mondrian_regressor(target: Target) -> None:
    raw, truth = predicted(738 + 166, seed=5, spread=False), paid(738 + 166, seed=6, second_group=166)
    point, group = raw.quantiles(target)[:, MEDIAN].astype(np.float64), truth.groups[:, 0]
    crepe = crepes.ConformalRegressor().fit(salary(truth, target) - point, bins=group)
    calibrated = Calibration.fit(raw, truth, shrinkage=0.0).apply(raw, truth.groups).quantiles(target)
    for percent, ends in INTERVALS.items():
        theirs = crepe.predict_int(point, bins=group, confidence=percent / 100)
        np.testing.assert_allclose(calibrated[:, list(ends)], theirs, atol=1e-5)
