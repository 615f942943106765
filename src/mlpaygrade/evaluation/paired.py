"""Is one model better than another on the same postings? The paired bootstrap, by posting.

Each difference (first minus second; below zero the first is better) has its 95 % interval. The two rows of a posting, and by
choice all copies of it or all postings of its week of arrival, are drawn together: they are not independent evidence. Both
models' fits are held fixed: the interval is about new postings, not about new training runs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.evaluation.metrics import pinball
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import Prediction

DRAWS: Final = 2_000
CONFIDENCE: Final = 0.95
_CELLS: Final = 4_000_000
"""Counts drawn at a time: draws x units."""

WEEKS_IN_YEAR: Final = 52.1775

Unit = Literal["posting", "copies", "week"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of two models in one metric, first minus second.

    low, high: its 95 % interval. better: share of resamples in which the first model is better. significant: the interval
    lies below zero.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    better: float

    @property
    def significant(self) -> bool:
        """Whether the first model is better beyond doubt."""
        return self.high < 0

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the difference."""
        return {**asdict(self), "significant": self.significant}


def row_losses(prediction: Prediction, postings: Postings) -> dict[str, NDArray[np.float64]]:
    """What each source row costs by metric, float64 (n_rows,) in the order of `row_values_usd`.

    rmse_log stands as the squared error; its root is taken of the mean.
    """
    index, usd = postings.row_values_usd()
    truth = np.log1p(usd)
    estimate = prediction.log_estimate[index]
    quantiles = prediction.quantiles("any")[index]
    lower, upper = (quantiles[:, k].astype(np.float64) for k in INTERVALS[90])
    low, high = np.expm1(lower), np.expm1(upper)
    return {
        "rmse_log": (truth - estimate) ** 2,
        "mae_usd": np.abs(usd - np.expm1(estimate)),
        "pinball_log": pinball(truth, quantiles),
        "score_90_usd": high - low + 20 * (np.maximum(low - usd, 0) + np.maximum(usd - high, 0)),
    }


def compare_predictions(
    first: Prediction,
    second: Prediction,
    postings: Postings,
    *,
    unit: Unit = "posting",
    mask: NDArray[np.bool_] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Difference]:
    """Differences by metric of two predictions for the same n postings; mask: bool (n,), the postings that count."""
    index, _ = postings.row_values_usd()
    kept = np.ones(len(index), dtype=bool) if mask is None else mask[index]
    group = _units(postings, unit)[index]
    one, other = row_losses(first, postings), row_losses(second, postings)
    return paired_bootstrap(
        {name: one[name][kept] for name in one},
        {name: other[name][kept] for name in other},
        group=group[kept],
        draws=draws,
        seed=seed,
    )


def _units(postings: Postings, unit: Unit) -> NDArray[np.int64]:
    """What is drawn together, as a number for each posting, int64 (n,)."""
    if unit == "posting":
        return np.arange(len(postings))
    return postings.signature() if unit == "copies" else np.floor(postings.time_years * WEEKS_IN_YEAR).astype(np.int64)


def paired_bootstrap(
    first: Mapping[str, NDArray[np.float64]],
    second: Mapping[str, NDArray[np.float64]],
    *,
    group: NDArray[np.int64],
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Difference]:
    """Resample groups of rows with both models' losses; arrays (n_rows,). Raises ValueError without a row."""
    if not len(group):
        raise ValueError("A paired bootstrap needs at least one row.")
    _, at = np.unique(group, return_inverse=True)
    units = int(at.max()) + 1
    metrics = list(first)
    losses = np.stack([losses[name] for name in metrics for losses in (first, second)] + [np.ones(len(group))], axis=1)
    totals = np.zeros((units, losses.shape[1]))
    np.add.at(totals, at, losses)
    rng = np.random.default_rng(seed)
    chunks = []
    for start in range(0, draws, step := max(1, _CELLS // units)):
        size = min(step, draws - start)
        drawn = rng.integers(units, size=(size, units))
        counts = np.zeros((size, units))
        np.add.at(counts, (np.arange(size)[:, None], drawn), 1.0)
        chunks.append(counts @ totals)
    resampled, whole = np.concatenate(chunks), totals.sum(axis=0)
    return {name: _difference(name, whole, resampled, column=2 * k) for k, name in enumerate(metrics)}


def decide(differences: Mapping[str, Difference], *, champion: str) -> tuple[bool, str]:
    """Whether a challenger replaces the champion, and why; differences: challenger minus champion by metric."""
    error, loss = differences["rmse_log"], differences["pinball_log"]
    if not error.significant:
        return False, f"its RMSE of log pay is not significantly below that of {champion}"
    if loss.low > 0:
        return False, f"its RMSE of log pay is below that of {champion}, but its pinball loss is above"
    return True, f"its RMSE of log pay is significantly below that of {champion}"


def _difference(metric: str, whole: NDArray[np.float64], resampled: NDArray[np.float64], *, column: int) -> Difference:
    def value(sums: NDArray[np.float64], at: int) -> NDArray[np.float64]:
        mean = sums[..., at] / sums[..., -1]
        return np.sqrt(mean) if metric.startswith("rmse") else mean

    spread = value(resampled, column) - value(resampled, column + 1)
    low, high = np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    first, second = float(value(whole, column)), float(value(whole, column + 1))
    return Difference(
        metric=metric,
        first=first,
        second=second,
        difference=first - second,
        low=float(low),
        high=float(high),
        better=float(np.mean(spread < 0)),
    )
