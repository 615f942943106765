"""How two estimates differ, and how sure that is.

Enters: predictions of jobs by one ensemble. Leaves: `Difference`s with their interval, and the probability that one job pays more
than another. Says nothing about supported or unsupported jobs.

The interval comes from differences within each member: what all jobs have in common (the level of pay, the year) cancels, as it
does not when two separate intervals are compared. Widened by WIDENING, with which it held about nine in ten of the true
differences on the two synthetic markets that the factor was read from. It is about the typical pay of two kinds of job, not about
two single offers; for those there is `probability_pays_more`.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.distribution import LEVELS, Prediction

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
