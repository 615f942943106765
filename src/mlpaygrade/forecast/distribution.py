"""What every model predicts: quantiles of log pay for three questions about a posting; and what follows from two or one of them.

`low` and `high` are the ends of the advertised band, `any` is one row drawn from the market (either end).

A `Difference` of two jobs has its interval from differences within each member: what all jobs have in common (the level of
pay, the year) cancels, as it does not when two separate intervals are compared. It is widened by WIDENING, with which it held
about nine in ten of the true differences on the two synthetic markets that the factor was read from. It is about the typical
pay of two kinds of job, not about two single offers; for those there is `probability_pays_more`.

An `ErrorBudget` says where the uncertainty of one estimate comes from, by the law of total variance in log dollars:

    variance of one figure = (half the distance between the two ends)^2      which end of its posting's band the figure is
                           + variance of the typical pay itself              what the model does not know of such jobs
                           + the rest                                        like jobs that pay differently, or post wider bands

The first is exact for a posting with both ends: the mean of the high end less that of the low end, halved and squared. The
whole is the calibrated distribution, so the parts never exceed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Target = Literal["low", "high", "any"]
TARGETS: Final[tuple[Target, ...]] = ("low", "high", "any")

LEVELS: Final = np.array([0.01, 0.025, 0.05, *np.arange(2, 19) / 20, 0.95, 0.975, 0.99], dtype=np.float32)
"""Quantile levels of every prediction, float32 (23,), symmetric about the median."""

MEDIAN: Final = len(LEVELS) // 2

LEVEL_WEIGHTS: Final = (np.gradient(LEVELS) / np.gradient(LEVELS).sum()).astype(np.float32)
"""Weights that integrate a quantile function over its levels: the mean of log pay."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions for n jobs.

    log_quantiles: float32 (n, 3, 23), log1p USD by `TARGETS` and `LEVELS`, nondecreasing in the last axis.
    log_members: float32 (n, members), each member's mean of log1p pay of one row; their mean is the estimate.
    """

    log_quantiles: NDArray[np.float32]
    log_members: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.log_quantiles)

    @property
    def log_estimate(self) -> NDArray[np.float64]:
        """Mean of the members, float64 (n,)."""
        return np.asarray(self.log_members.mean(axis=1, dtype=np.float64))

    @property
    def log_midpoint(self) -> NDArray[np.float64]:
        """log1p of the typical band's middle in USD, float64 (n,): halfway between the typical low and high end."""
        low, high = (
            self.quantiles(end).astype(np.float64) @ LEVEL_WEIGHTS.astype(np.float64) for end in ("low", "high")
        )
        return np.asarray(np.logaddexp(low, high) - np.log(2))

    def quantiles(self, target: Target) -> NDArray[np.float32]:
        """Log quantiles of one target, float32 (n, 23)."""
        return self.log_quantiles[:, TARGETS.index(target)]

    def moved(self, move_log: NDArray[np.float32]) -> "Prediction":
        """Each of n jobs moved by so much, float32 (n,), log dollars: every quantile and every member alike."""
        return Prediction(self.log_quantiles + move_log[:, None, None], self.log_members + move_log[:, None])

    def take(self, index: NDArray[np.integer] | slice) -> "Prediction":
        """The jobs at `index`."""
        return Prediction(self.log_quantiles[index], self.log_members[index])


def concatenate(parts: list[Prediction]) -> Prediction:
    """Predictions of several batches as one."""
    return Prediction(
        np.concatenate([part.log_quantiles for part in parts]), np.concatenate([part.log_members for part in parts])
    )


WIDENING: Final = 5.0
"""Members share their embeddings and all of their postings, so they agree more than networks fitted to other postings would.
By this factor their spread falls short of the error on the synthetic market, where the true differences are known
(`benchmarks/explain_quality.py` measures it); intervals are widened by it."""

GRID: Final = (np.arange(400) + 0.5) / 400
"""Levels at which two distributions are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Estimate of one job less that of another.

    usd, factor: difference in dollars and as a ratio. interval_90_usd: (low, high). clear: the interval excludes zero.
    """

    usd: float
    factor: float
    interval_90_usd: tuple[float, float]

    @property
    def clear(self) -> bool:
        """Whether the sign is beyond the model's doubt."""
        return self.interval_90_usd[0] > 0 or self.interval_90_usd[1] < 0


def differences(changed: Prediction, original: Prediction) -> list[Difference]:
    """Each of n jobs against the original (one job, or n), both predicted by the same members."""
    usd = np.expm1(changed.log_estimate)
    against = np.broadcast_to(np.expm1(original.log_estimate), usd.shape)
    members = np.expm1(changed.log_members.astype(np.float64)) - np.expm1(original.log_members.astype(np.float64))
    count = members.shape[1]
    reach = np.full(len(usd), np.inf)
    if count > 1:
        reach = WIDENING * student_t(0.95, count - 1) * members.std(axis=1, ddof=1)
    return [
        Difference(
            usd=float(new - old), factor=float(new / old), interval_90_usd=(float(new - old - r), float(new - old + r))
        )
        for new, old, r in zip(usd, against, reach, strict=True)
    ]


def probability_pays_more(log_quantiles: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Probability that one figure drawn from the first distribution exceeds one drawn from the second, in [0, 1].

    Both float (23,), at `LEVELS`. The draws are taken as independent once the fields of both jobs are known; ties count half.
    Beyond the outermost levels both distributions are taken to end.
    """
    one, two = (np.interp(GRID, LEVELS.astype(np.float64), q.astype(np.float64)) for q in (log_quantiles, other))
    below = np.searchsorted(np.sort(two), one, side="left") + np.searchsorted(np.sort(two), one, side="right")
    return float(below.mean() / (2 * len(two)))


def student_t(level: float, freedom: int) -> float:
    """Quantile of Student's t by the expansion of Fisher and Cornish (1960); within 0.2 % from 5 degrees of freedom on."""
    z, v = NormalDist().inv_cdf(level), float(freedom)
    terms = (
        z,
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
    )
    return sum(terms)


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
    low, high, one = (np.interp(GRID, LEVELS.astype(np.float64), q.astype(np.float64)) for q in log_quantiles)
    whole = float(one.var())
    band, model = float(max(high.mean() - low.mean(), 0.0) / 2) ** 2, model_log**2
    cut = min(1.0, whole / (band + model)) if band + model else 1.0
    market = max(whole - cut * (band + model), 0.0)
    total, *parts = (estimate_usd * float(np.sqrt(part)) for part in (whole, cut * band, market, cut * model))
    return ErrorBudget(total_usd=total, band_usd=parts[0], market_usd=parts[1], model_usd=parts[2])
