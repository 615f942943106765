"""Tests of "all groups are alike" for skewed pay and unequal groups, with their effect sizes, and Holm's correction.

Enters: values and group codes, independent observations. Leaves: statistics. With thousands of adverts a small p says little;
the effect sizes are what to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlpaygrade.market.sample import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """groups, n: what was compared. epsilon2: share of rank variance between groups (Kruskal-Wallis). omega2: share of
    variance between groups, corrected for chance. kruskal_p, welch_p: raw p values."""

    groups: int
    n: int
    epsilon2: float
    omega2: float
    kruskal_p: float
    welch_p: float


def compare_groups(values: Floats, codes: Ints, *, k: int, smallest: int) -> GroupTest | None:
    """Kruskal-Wallis and Welch over the groups of at least `smallest` values; None where fewer than two are left.

    Welch, B. L. (1951), Biometrika 38. Epsilon squared: Tomczak and Tomczak (2014). Omega squared: Hays (1963).
    """
    sizes = np.bincount(codes, minlength=k)
    kept = sizes >= smallest
    if kept.sum() < 2:
        return None
    inside = kept[codes]
    values, codes = values[inside], np.unique(codes[inside], return_inverse=True)[1]
    sizes = np.bincount(codes)
    n, groups = len(values), len(sizes)
    means = np.bincount(codes, weights=values) / sizes
    squares = np.bincount(codes, weights=(values - means[codes]) ** 2)
    within = squares.sum() / (n - groups)
    between = float(np.sum(sizes * (means - values.mean()) ** 2))
    omega2 = (between - (groups - 1) * within) / (between + squares.sum() + within)
    h = _kruskal(values, codes, sizes)
    variances = squares / (sizes - 1)
    return GroupTest(
        groups=groups,
        n=n,
        epsilon2=max(0.0, (h - groups + 1) / (n - groups)),
        omega2=max(0.0, float(omega2)),
        kruskal_p=float(stats.chi2.sf(h, groups - 1)),
        welch_p=_welch(means, variances, sizes),
    )


def _kruskal(values: Floats, codes: Ints, sizes: Ints) -> float:
    """Kruskal and Wallis's H, corrected for ties."""
    n = len(values)
    ranks = stats.rankdata(values)
    sums = np.bincount(codes, weights=ranks)
    h = 12 / (n * (n + 1)) * float(np.sum(sums**2 / sizes)) - 3 * (n + 1)
    _, ties = np.unique(values, return_counts=True)
    correction = 1 - float(np.sum(ties.astype(np.float64) ** 3 - ties)) / (float(n) ** 3 - n)
    return h / correction if correction > 0 else 0.0


def _welch(means: Floats, variances: Floats, sizes: Ints) -> float:
    """p value of Welch's analysis of variance; 1 where a group has no spread."""
    if (variances <= 0).any():
        return 1.0
    k = len(means)
    weights = sizes / variances
    centre = float(weights @ means) / weights.sum()
    lack = float(np.sum((1 - weights / weights.sum()) ** 2 / (sizes - 1)))
    numerator = float(weights @ (means - centre) ** 2) / (k - 1)
    f = numerator / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(stats.f.sf(f, k - 1, (k**2 - 1) / (3 * lack)))


def skewness(values: NDArray[np.floating[Any]]) -> float:
    """Adjusted Fisher-Pearson skewness, as pandas and spreadsheets give it; NaN below three values or without spread."""
    if len(values) < 3 or np.ptp(values) == 0:
        return float("nan")
    return float(stats.skew(values, bias=False))


def two_sided_p(estimate: float, error: float) -> float:
    """p value of a normal estimate against zero; 1 where the error is 0."""
    return float(2 * stats.norm.sf(abs(estimate) / error)) if error > 0 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the chance of even one false alarm among all stays at the level."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(p) for p in adjusted]
