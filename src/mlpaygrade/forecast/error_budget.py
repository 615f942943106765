"""Where the uncertainty of one estimate comes from: posted band, market, model.

Enters: the calibrated distribution of one job and how far its typical pay may be wrong. Leaves: an `ErrorBudget` in USD. Follows
the law of total variance for one advertised figure, in log dollars:

    variance of one figure = (half the distance between the two ends)^2      which end of its posting's band the figure is
                           + variance of the typical pay itself              what the model does not know of such jobs
                           + the rest                                        like jobs that pay differently, or post wider bands

The first is exact for a posting with both ends: the mean of the high end less that of the low end, halved and squared. The whole
is the calibrated distribution, so the parts never exceed it. `market.error_budget` measures the same for the market as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.distribution import LEVELS, TARGETS

GRID: Final = (np.arange(400) + 0.5) / 400
"""Levels at which a distribution is taken; beyond the outermost of `LEVELS` it is taken to end, as in `percentile`."""

SOURCES: Final[Mapping[str, str]] = {
    "band": "the width of a posted band",
    "market": "like jobs that pay differently",
    "model": "what the members of the network disagree about",
}
"""Part of the budget -> plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget:
    """Each source as one standard deviation, USD a year to either side of the typical pay (log dollars times the typical pay).

    They add up in squares: band_usd^2 + market_usd^2 + model_usd^2 = total_usd^2, up to rounding.
    """

    total_usd: float
    band_usd: float
    market_usd: float
    model_usd: float

    def parts_usd(self) -> dict[str, float]:
        """By `SOURCES`, in their order."""
        return {"band": self.band_usd, "market": self.market_usd, "model": self.model_usd}

    def shares(self) -> dict[str, float]:
        """Share of the variance of one figure, by `SOURCES`; in [0, 1], sum 1. All "market" where nothing varies."""
        squares = {name: usd**2 for name, usd in self.parts_usd().items()}
        whole = sum(squares.values())
        return (
            {name: square / whole for name, square in squares.items()}
            if whole
            else {"band": 0, "market": 1, "model": 0}
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON, whole dollars and shares."""
        shares = self.shares()
        return {
            "total_usd": round(self.total_usd),
            **{name: {"usd": round(usd), "share": round(shares[name], 3)} for name, usd in self.parts_usd().items()},
        }


def error_budget(log_quantiles: NDArray[np.floating], *, estimate_usd: float, model_log: float) -> ErrorBudget:
    """The budget of one job.

    log_quantiles: (3, 23) by `TARGETS` and `LEVELS`, calibrated, log dollars. model_log: standard deviation of the error of the
    typical pay, log dollars. Where band and model together exceed the whole, both are cut in proportion and nothing is left for
    the market: the whole was measured on held-out postings, the parts are read from the model.
    """
    low, high, one = (np.interp(GRID, LEVELS.astype(np.float64), q.astype(np.float64)) for q in _ordered(log_quantiles))
    whole = float(one.var())
    band, model = float(max(high.mean() - low.mean(), 0.0) / 2) ** 2, model_log**2
    cut = min(1.0, whole / (band + model)) if band + model else 1.0
    market = max(whole - cut * (band + model), 0.0)
    total, *parts = (estimate_usd * float(np.sqrt(part)) for part in (whole, cut * band, market, cut * model))
    return ErrorBudget(total_usd=total, band_usd=parts[0], market_usd=parts[1], model_usd=parts[2])


def _ordered(log_quantiles: NDArray[np.floating]) -> tuple[NDArray[np.floating], ...]:
    return tuple(log_quantiles[TARGETS.index(target)] for target in ("low", "high", "any"))
