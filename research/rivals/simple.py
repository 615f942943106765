"""The rivals that anybody could compute by hand: a constant, and the median of like postings.

Enters: training rows. Leaves: point and quantile models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.distribution import LEVELS, MEDIAN
from research.rivals.base import (
    COLUMNS,
    END,
    Design,
    PointModel,
    QuantileModel,
    Rival,
    Rows,
    weighted_quantiles,
)

if TYPE_CHECKING:
    from optuna import Trial

BACKOFF: Final[tuple[tuple[str, ...], ...]] = (
    ("title", "experience", "location", "remote", "size", "employment", END),
    ("title", "experience", "location", END),
    ("title_family", "experience", "location", END),
    ("title", "experience", END),
    ("title_family", "experience", "location_continent", END),
    ("title_family", "experience", END),
    ("experience", END),
    (END,),
    (),
)
"""Columns that must agree, most specific first: the levels at which the product shows evidence, then the end alone."""

Statistic = Literal["median", "mean"]


@dataclass(frozen=True, kw_only=True)
class Backoff(Rival):
    """The centre of the training rows that agree in everything, or else in less and less.

    min_rows: a cell with fewer rows is not enough. statistic: median or mean of log pay.
    """

    min_rows: int = 10
    statistic: Statistic = "median"

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_rows=trial.suggest_int("min_rows", 3, 60, log=True),
            statistic=cast(Statistic, trial.suggest_categorical("statistic", ["median", "mean"])),
        )

    def fit_point(self, rows: Rows) -> PointModel:
        """The statistic of the first cell that is large enough."""
        cells = self._cells(rows)
        column = MEDIAN if self.statistic == "median" else len(LEVELS)
        return lambda design: _look_up(cells, design)[:, column]

    def fit_quantiles(self, rows: Rows) -> QuantileModel:
        """The quantiles of the same cell."""
        cells = self._cells(rows)
        return lambda design: _look_up(cells, design)[:, :-1]

    def _cells(self, rows: Rows) -> Mapping[tuple[str, ...], Mapping[bytes, NDArray[np.float64]]]:
        """Level -> key -> quantiles and mean, float64 (24,)."""
        found: dict[tuple[str, ...], dict[bytes, NDArray[np.float64]]] = {}
        for level in BACKOFF:
            keys = _keys(rows.design, level)
            order = np.lexsort(keys.T) if level else np.arange(len(keys))
            changes = np.flatnonzero((keys[order][1:] != keys[order][:-1]).any(axis=1)) + 1
            cells = [part for part in np.split(order, changes) if len(part) >= self.min_rows or not level]
            found[level] = {keys[part[0]].tobytes(): _summary(rows, part) for part in cells}
        return found


@dataclass(frozen=True, kw_only=True)
class Constant(Backoff):
    """The same answer for every job: mean and quantiles of each end over all training rows."""

    min_rows: int = 1
    statistic: Statistic = "mean"

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(half_life_years=trial.suggest_float("half_life_years", 0.05, 8.0, log=True))

    def _cells(self, rows: Rows) -> Mapping[tuple[str, ...], Mapping[bytes, NDArray[np.float64]]]:
        end = _keys(rows.design, (END,))
        by_end = {
            end[part[0]].tobytes(): _summary(rows, part)
            for value in np.unique(end)
            if len(part := np.flatnonzero(end == value))
        }
        return {(END,): by_end, (): {b"": _summary(rows, np.arange(len(end)))}}


def _keys(design: Design, level: tuple[str, ...]) -> NDArray[np.int32]:
    return np.ascontiguousarray(design.categorical[:, [COLUMNS.index(column) for column in level]])


def _summary(rows: Rows, part: NDArray[np.int64]) -> NDArray[np.float64]:
    values, weights = rows.log_pay[part], rows.weight[part]
    return np.append(weighted_quantiles(values, weights), np.average(values, weights=weights))


def _look_up(
    cells: Mapping[tuple[str, ...], Mapping[bytes, NDArray[np.float64]]], design: Design
) -> NDArray[np.float64]:
    """Summary of the most specific cell of each row, float64 (n, 24)."""
    result = np.empty((len(design), len(LEVELS) + 1))
    open_rows = np.ones(len(design), dtype=bool)
    for level, table in cells.items():
        keys = _keys(design, level)
        for i in np.flatnonzero(open_rows):
            if (summary := table.get(keys[i].tobytes())) is not None:
                result[i], open_rows[i] = summary, False
    return result
