"""Conformal calibration of predicted quantiles in log dollars, for the whole and for groups.

Enters: predictions for postings that the model has not seen, and what those postings paid. Leaves: `Calibration`, shifts of
every quantile of every target. Each shift is the one-sided conformalised quantile correction of Romano, Patterson and
Candes (2019, theorem 2) with the finite-sample correction, counted in postings; so intervals are nested and their two tails
are calibrated apart. Groups (Mondrian conformal prediction, Vovk et al. 2003) get a further shift, shrunk towards none by the
number of postings behind it. Coverage holds under exchangeability with the calibration postings; drift after them is not
corrected, `backtest` measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.distribution import LEVELS, MEDIAN, TARGETS, Prediction
from mlpaygrade.evaluation.groups import DIMENSIONS, GROUPS
from mlpaygrade.schema import BundleError, DataError

if TYPE_CHECKING:
    from mlpaygrade.data.postings import Postings

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

SHRINKAGE: Final = 100.0
"""A group's own shift counts n / (n + SHRINKAGE), n its calibration postings."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Truth:
    """What n held-out postings paid: low_log, high_log float64 (n,), paired bool (n,); groups int64 (n, dimensions);
    weights float64 (n,), how much each counts (recency)."""

    low_log: NDArray[np.float64]
    high_log: NDArray[np.float64]
    paired: NDArray[np.bool_]
    groups: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, postings: "Postings", groups: NDArray[np.int64], *, weights: NDArray[np.float64] | None = None) -> Self:
        """The truth of postings; without weights all count alike."""
        return cls(
            low_log=postings.low_log,
            high_log=postings.high_log,
            paired=postings.paired,
            groups=groups,
            weights=np.ones(len(postings)) if weights is None else weights,
        )


def conformal_quantile(
    scores: NDArray[np.floating],
    level: float,
    *,
    weights: NDArray[np.floating] | None = None,
    count: float | None = None,
) -> float:
    """One-sided conformal quantile of scores: at least `level` of future scores lie below it (for level >= 0.5), or at
    most `level` do (for level < 0.5).

    scores, weights: float (n,). count: independent units behind the scores (default n).
    """
    n = float(len(scores) if count is None else count)
    corrected = (level * (n + 1)) / n if level >= 0.5 else (level * (n + 1) - 1) / n
    order = np.argsort(scores)
    share = np.cumsum(np.ones(len(scores)) if weights is None else weights[order])
    share /= share[-1]
    position = np.searchsorted(share, min(max(corrected, 0.0), 1.0) - 1e-12)
    return float(scores[order[min(int(position), len(scores) - 1)]])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibration:
    """Shifts in log dollars.

    shifts: float64 (3, 23) by `TARGETS` and `LEVELS`. group_shifts: for each dimension, float64 (groups, 3, 23).
    postings: how many postings stand behind them. The point estimate is left as it is: the mean error of a window says little
    about the next one (docs/experiments.md).
    """

    shifts: NDArray[np.float64]
    group_shifts: tuple[NDArray[np.float64], ...]
    postings: int

    @classmethod
    def fit(cls, prediction: Prediction, truth: Truth, *, shrinkage: float = SHRINKAGE) -> Self:
        """Calibrate on n held-out postings. Raises DataError with fewer than MIN_POSTINGS paired ones."""
        paired = np.flatnonzero(truth.paired)
        if len(paired) < MIN_POSTINGS:
            raise DataError(
                f"Calibration needs at least {MIN_POSTINGS} held-out postings with both band ends; there are {len(paired)}. "
                "Give more data, or a larger calibration window."
            )
        rows = np.concatenate([np.arange(len(truth.paired)), paired])
        values = {
            "low": (paired, truth.low_log[paired]),
            "high": (paired, truth.high_log[paired]),
            "any": (rows, np.concatenate([truth.high_log, truth.low_log[paired]])),
        }
        shifts = np.empty((len(TARGETS), len(LEVELS)))
        group_shifts = tuple(np.zeros((groups, *shifts.shape)) for groups in GROUPS)
        for t, target in enumerate(TARGETS):
            index, value = values[target]
            scores = value[:, None] - prediction.quantiles(target)[index]
            shifts[t] = _quantiles(scores, truth.weights[index], units=_units(index))
            scores = scores - shifts[t]
            for dimension, found in enumerate(group_shifts):
                group = truth.groups[index, dimension]
                for number in range(len(found)):
                    mine = group == number
                    units = _units(index[mine])
                    if units and units < _units(index):
                        own = _quantiles(scores[mine], truth.weights[index[mine]], units=units)
                        found[number, t] = own * units / (units + shrinkage)
                scores = scores - found[group, t]
        return cls(
            shifts=shifts,
            group_shifts=group_shifts,
            postings=len(truth.paired),
        )

    def apply(self, prediction: Prediction, groups: NDArray[np.int64]) -> Prediction:
        """The calibrated prediction of n jobs; quantiles stay nondecreasing, measured outwards from the median.

        groups: int64 (n, dimensions) as `calibration_groups` gives them.
        """
        moved = prediction.log_quantiles + self.shifts.astype(np.float32)
        for dimension, shifts in enumerate(self.group_shifts):
            moved += shifts[groups[:, dimension]].astype(np.float32)
        moved[..., MEDIAN:] = np.maximum.accumulate(moved[..., MEDIAN:], axis=-1)
        moved[..., MEDIAN::-1] = np.minimum.accumulate(moved[..., MEDIAN::-1], axis=-1)
        return Prediction(moved, prediction.log_members)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the calibration."""
        return {
            "shifts": np.round(self.shifts, 6).tolist(),
            "group_shifts": {
                name: np.round(shifts, 6).tolist() for name, shifts in zip(DIMENSIONS, self.group_shifts, strict=True)
            },
            "postings": self.postings,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The calibration that `to_json` described. Raises BundleError where a part is missing."""
        try:
            shape = (len(TARGETS), len(LEVELS))
            return cls(
                shifts=np.array(document["shifts"], dtype=np.float64).reshape(shape),
                group_shifts=tuple(
                    np.array(document["group_shifts"][name], dtype=np.float64).reshape(groups, *shape)
                    for name, groups in zip(DIMENSIONS, GROUPS, strict=True)
                ),
                postings=int(document["postings"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The bundle's calibration is damaged ({error}). Install or train it again.") from error


def _quantiles(scores: NDArray[np.floating], weights: NDArray[np.float64], *, units: int) -> NDArray[np.float64]:
    """One-sided conformal quantile of each column at its level, float64 (23,). scores (n, 23)."""
    return np.array(
        [conformal_quantile(scores[:, k], float(level), weights=weights, count=units) for k, level in enumerate(LEVELS)]
    )


def _units(index: NDArray[np.integer]) -> int:
    """Distinct postings among rows."""
    return len(np.unique(index))
