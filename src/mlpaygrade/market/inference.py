"""How sure a figure is: the bootstrap by advert, tests of "all groups are alike" with effect sizes, and Holm's correction.

Copies of one advert are drawn together, so intervals say how far a figure would move had other adverts been published; what the
collection of the adverts leaves out they do not tell. With thousands of adverts a small p says little: read the effect sizes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlpaygrade.market.sample import Floats, Ints, Sample

REPLICATES: Final = ((20_000, 300), (120_000, 120), (2_000_000, 40))
"""(up to so many postings, so many bootstrap samples): larger files need fewer, as their figures move less."""
Z95: Final = 1.959964


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bootstrap:
    """A seeded bootstrap of one sample; every call of `run` sees the same resamples.

    advert: int64 (n,), cluster of each posting. replicates: how many resamples.
    """

    advert: Ints
    n_adverts: int
    replicates: int
    seed: int

    def run(self, statistic: Callable[[Floats], Floats]) -> Floats:
        """`statistic(weights)` of every resample, stacked: (replicates, ...). weights: float64 (n,), how often drawn."""
        rng = np.random.default_rng(self.seed)
        found = []
        for _ in range(self.replicates):
            drawn = np.bincount(rng.integers(0, self.n_adverts, self.n_adverts), minlength=self.n_adverts)
            found.append(statistic(drawn.astype(np.float64)[self.advert]))
        return np.stack(found)


def bootstrap_of(sample: Sample, *, seed: int) -> Bootstrap:
    """The bootstrap for a sample, with as many replicates as its size calls for."""
    n = len(sample)
    replicates = next((count for limit, count in REPLICATES if n <= limit), REPLICATES[-1][1])
    return Bootstrap(advert=sample.advert, n_adverts=sample.n_adverts, replicates=replicates, seed=seed)


def percentile_interval(replicates: Floats, estimate: Floats) -> tuple[Floats, Floats]:
    """95 % percentile interval along axis 0, widened where needed to hold the estimate; NaN replicates are ignored."""
    flat = replicates.reshape(len(replicates), -1)
    known = np.isfinite(flat).any(axis=0)
    ends = np.full((2, flat.shape[1]), np.nan)
    ends[:, known] = np.nanquantile(flat[:, known], [0.025, 0.975], axis=0)
    low, high = ends.reshape(2, *replicates.shape[1:])
    return np.fmin(low, estimate), np.fmax(high, estimate)


def normal_interval(replicates: Floats, estimate: Floats) -> tuple[Floats, Floats]:
    """Estimate plus and minus 1.96 bootstrap standard errors: for figures whose replicates are biased, such as shares of
    variance (a resample repeats adverts, so it always seems better explained)."""
    flat = replicates.reshape(len(replicates), -1)
    known = np.isfinite(flat).sum(axis=0) > 1
    errors = np.full(flat.shape[1], np.nan)
    errors[known] = Z95 * np.nanstd(flat[:, known], axis=0, ddof=1)
    error = errors.reshape(replicates.shape[1:])
    return estimate - error, estimate + error


def clustered_error(influence: Floats, advert: Ints, *, n_adverts: int) -> float:
    """Standard error of a mean-like statistic from the influence (n,) of each posting, summed by advert (the infinitesimal
    jackknife: what the bootstrap tends to, without refitting a model hundreds of times)."""
    sums = np.bincount(advert, weights=influence - influence.mean(), minlength=n_adverts)
    return float(np.sqrt(sums @ sums) / len(influence))


@dataclass(frozen=True, slots=True, eq=False)
class GroupQuantiles:
    """Weighted quantiles of values within groups, prepared by one sort so that each resample is a few cumulative sums.

    Call with weights (n,): float64 (k, len(probabilities)), NaN for a group without weight.
    """

    order: Ints
    values: Floats
    starts: Ints
    ends: Ints
    probabilities: tuple[float, ...]

    def __call__(self, weights: Floats) -> Floats:
        """Smallest value of each group at which the group's cumulative weight reaches the probability."""
        total = np.concatenate([[0.0], np.cumsum(weights[self.order])])
        result = np.full((len(self.starts), len(self.probabilities)), np.nan)
        mass = total[self.ends] - total[self.starts]
        some = mass > 0
        for column, probability in enumerate(self.probabilities):
            wanted = total[self.starts] + probability * mass
            place = np.searchsorted(total, wanted - 1e-9, side="left") - 1
            place = np.clip(place, self.starts, np.maximum(self.ends - 1, self.starts))
            result[some, column] = self.values[place[some]]
        return result


def group_quantiles(
    values: Floats, codes: Ints, *, k: int, probabilities: tuple[float, ...] = (0.5,)
) -> GroupQuantiles:
    """Prepare weighted quantiles of `values` (n,) by `codes` (n,) in 0..k-1."""
    order = np.lexsort((values, codes))
    sizes = np.bincount(codes, minlength=k)
    ends = np.cumsum(sizes)
    return GroupQuantiles(order, values[order], ends - sizes, ends, probabilities)


def plain_quantiles(values: Floats, codes: Ints, *, k: int, probabilities: tuple[float, ...] = (0.5,)) -> Floats:
    """Ordinary (interpolated) quantiles by group, (k, len(probabilities)), NaN for an empty group."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=k))
    result = np.full((k, len(probabilities)), np.nan)
    for group, part in enumerate(np.split(values[order], ends[:-1])):
        if len(part):
            result[group] = np.quantile(part, probabilities)
    return result


def between_share(codes: Ints, log_pay: Floats, *, k: int) -> Callable[[Floats], Floats]:
    """Function of weights: share of the variance of log pay that lies between groups (eta squared), shape ()."""

    def statistic(weights: Floats) -> NDArray[np.float64]:
        mass = np.bincount(codes, weights=weights, minlength=k)
        sums = np.bincount(codes, weights=weights * log_pay, minlength=k)
        total, n = sums.sum(), mass.sum()
        between = float(np.sum(np.divide(sums**2, mass, out=np.zeros(k), where=mass > 0)) - total**2 / n)
        spread = float(np.sum(weights * log_pay**2) - total**2 / n)
        return np.asarray(between / spread if spread > 0 else np.nan)

    return statistic


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

    Epsilon squared: Tomczak and Tomczak (2014). Omega squared: Hays (1963). Welch's p is 1 where a group has no spread.
    """
    sizes = np.bincount(codes, minlength=k)
    parts = [values[codes == code] for code in np.flatnonzero(sizes >= smallest)]
    if len(parts) < 2:
        return None
    n, groups = sum(map(len, parts)), len(parts)
    centre = np.concatenate(parts).mean()
    between = sum(len(part) * float(part.mean() - centre) ** 2 for part in parts)
    squares = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
    within = squares / (n - groups)
    spread = all(np.ptp(part) > 0 for part in parts)
    h, kruskal_p = stats.kruskal(*parts) if np.ptp(np.concatenate(parts)) > 0 else (0.0, 1.0)
    return GroupTest(
        groups=groups,
        n=n,
        epsilon2=max(0.0, (float(h) - groups + 1) / (n - groups)),
        omega2=max(0.0, (between - (groups - 1) * within) / (between + squares + within)) if squares + between else 0.0,
        kruskal_p=float(kruskal_p),
        welch_p=float(stats.f_oneway(*parts, equal_var=False).pvalue) if spread else 1.0,
    )


def skewness(values: Floats) -> float:
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
