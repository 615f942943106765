"""Conformal calibration of predicted quantiles in log dollars.

Enters: predictions for postings that the model has not seen, and what those postings paid. Leaves: `Calibration`, a shift of
each quantile of each target. Each shift is the one-sided conformalised quantile correction of Romano, Patterson and Candes
(2019, theorem 2) with the finite-sample correction, counted in postings, so intervals are nested and their two tails are
calibrated apart. Marginal coverage under exchangeability with the calibration postings; does not correct for drift after them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.distribution import LEVELS, MEDIAN, TARGETS, Prediction
from mlpaygrade.schema import BundleError, DataError

INTERVALS: Final[Mapping[int, tuple[int, int]]] = {
    percent: (
        int(np.argmin(np.abs(LEVELS - (1 - percent / 100) / 2))),
        int(np.argmin(np.abs(LEVELS - (1 + percent / 100) / 2))),
    )
    for percent in (50, 80, 90)
}
"""Central intervals: percent -> positions of their two ends in `LEVELS`."""

MIN_POSTINGS: Final = 100
"""Fewer calibration postings than this cannot support a 90 % interval worth stating."""


def conformal_quantile(
    scores: NDArray[np.floating],
    level: float,
    *,
    weights: NDArray[np.floating] | None = None,
    count: float | None = None,
) -> float:
    """One-sided conformal quantile of scores: at least `level` of future scores lie below (for level >= 0.5),
    at most `level` lie below (for level < 0.5).

    scores, weights: float (n,). count: independent units behind the scores (default n).
    """
    n = float(len(scores) if count is None else count)
    corrected = (level * (n + 1)) / n if level >= 0.5 else (level * (n + 1) - 1) / n
    order = np.argsort(scores)
    share = np.cumsum(np.ones(len(scores)) if weights is None else weights[order])
    share /= share[-1]
    side = np.searchsorted(share, min(max(corrected, 0.0), 1.0) - 1e-12)
    return float(scores[order[min(int(side), len(scores) - 1)]])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibration:
    """Shifts in log dollars.

    shifts: float64 (3, 23) by `TARGETS` and `LEVELS`. estimate_shift: added to the estimate.
    postings: how many postings stand behind them.
    """

    shifts: NDArray[np.float64]
    estimate_shift: float
    postings: int

    @classmethod
    def fit(
        cls,
        prediction: Prediction,
        *,
        low_log: NDArray[np.float64],
        high_log: NDArray[np.float64],
        paired: NDArray[np.bool_],
    ) -> Self:
        """Calibrate on n held-out postings; arrays (n,). Raises DataError with fewer than MIN_POSTINGS paired ones."""
        if (count := int(paired.sum())) < MIN_POSTINGS:
            raise DataError(
                f"Calibration needs at least {MIN_POSTINGS} held-out postings with both band ends; there are {count}. "
                "Give more data, or a larger calibration window."
            )
        row = np.concatenate([np.arange(len(paired)), np.flatnonzero(paired)])
        value = {
            "low": (np.flatnonzero(paired), low_log[paired], count),
            "high": (np.flatnonzero(paired), high_log[paired], count),
            "any": (row, np.concatenate([high_log, low_log[paired]]), len(paired)),
        }
        shifts = np.empty((len(TARGETS), len(LEVELS)))
        for t, target in enumerate(TARGETS):
            index, truth, units = value[target]
            scores = truth[:, None] - prediction.quantiles(target)[index]
            shifts[t] = [conformal_quantile(scores[:, k], float(tau), count=units) for k, tau in enumerate(LEVELS)]
        index, truth, _ = value["any"]
        return cls(
            shifts=shifts,
            estimate_shift=float(np.mean(truth - prediction.log_estimate[index])),
            postings=len(paired),
        )

    def apply(self, prediction: Prediction) -> Prediction:
        """The calibrated prediction; quantiles stay nondecreasing, measured outwards from the median."""
        moved = prediction.log_quantiles + self.shifts.astype(np.float32)
        moved[..., MEDIAN:] = np.maximum.accumulate(moved[..., MEDIAN:], axis=-1)
        moved[..., MEDIAN::-1] = np.minimum.accumulate(moved[..., MEDIAN::-1], axis=-1)
        return Prediction(moved, prediction.log_members + np.float32(self.estimate_shift))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the calibration."""
        return {"shifts": self.shifts.tolist(), "estimate_shift": self.estimate_shift, "postings": self.postings}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The calibration that `to_json` described. Raises BundleError where a part is missing."""
        try:
            shifts = np.array(document["shifts"], dtype=np.float64).reshape(len(TARGETS), len(LEVELS))
            return cls(
                shifts=shifts, estimate_shift=float(document["estimate_shift"]), postings=int(document["postings"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The bundle's calibration is damaged ({error}). Install or train it again.") from error
