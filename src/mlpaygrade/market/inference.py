"""How sure a figure is: bootstrap by advert, tests of "all groups are alike", Holm's correction, and the adjusted model.

Copies of one advert are drawn together, so intervals say how far a figure would move had other adverts been published; what
the collection of the adverts leaves out they do not tell. With thousands of adverts a small p says little: read the effect
sizes.

`AdjustedModel` says what each field does to pay while the others stay as they are: contrasts ("every posting moved from on
site to remote, all else as it is") and the share of variance that only a field explains. No penalty: what the data cannot tell
apart is reported as such instead of being shrunk. An association between fields of adverts, not the effect of changing a job.

    log middle of the band ~ year + title + country + moved + employment + level * remote + level * size

Errors of one advert's copies go together. Standard errors are the cluster-robust sandwich with each cluster's residual
divided by one minus its leverage (CR3, a jackknife), which keeps its word in small cells; see benchmarks/market_coverage.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from scipy import linalg, sparse, stats

from mlpaygrade.market.sample import Coded, FieldKey, Floats, Ints, Sample

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

    def normal(self, statistic: Callable[[Floats], Floats]) -> tuple[Floats, Floats, Floats]:
        """The statistic of the sample itself, and the ends of its `normal_interval`."""
        estimate = statistic(np.ones(len(self.advert)))
        return estimate, *normal_interval(self.run(statistic), estimate)


def bootstrap_of(sample: Sample, *, seed: int) -> Bootstrap:
    """The bootstrap for a sample, with as many replicates as its size calls for."""
    n = len(sample)
    replicates = next((count for limit, count in REPLICATES if n <= limit), REPLICATES[-1][1])
    return Bootstrap(advert=sample.advert, n_adverts=sample.n_adverts, replicates=replicates, seed=seed)


def percentile_interval(replicates: Floats, estimate: Floats) -> tuple[Floats, Floats]:
    """95 % percentile interval along axis 0, widened where needed to hold the estimate; NaN replicates are ignored."""
    flat = pd.DataFrame(replicates.reshape(len(replicates), -1))
    low, high = flat.quantile([0.025, 0.975]).to_numpy().reshape(2, *replicates.shape[1:])
    return np.fmin(low, estimate), np.fmax(high, estimate)


def normal_interval(replicates: Floats, estimate: Floats) -> tuple[Floats, Floats]:
    """Estimate plus and minus 1.96 bootstrap standard errors: for figures whose replicates are biased, such as shares of
    variance (a resample repeats adverts, so it always seems better explained)."""
    error = Z95 * pd.DataFrame(replicates.reshape(len(replicates), -1)).std().to_numpy().reshape(replicates.shape[1:])
    return estimate - error, estimate + error


def group_quantiles(
    values: Floats, codes: Ints, *, k: int, probabilities: tuple[float, ...] = (0.5,)
) -> Callable[[Floats], Floats]:
    """Weighted quantiles of `values` (n,) by `codes` (n,) in 0..k-1, prepared by one sort so that each resample is a few
    cumulative sums.

    A function of weights (n,) -> (k, len(probabilities)): the smallest value of a group at which its cumulative weight reaches
    the probability, NaN for a group without weight.
    """
    order = np.lexsort((values, codes))
    ordered, sizes = values[order], np.bincount(codes, minlength=k)
    ends = np.cumsum(sizes)
    starts = ends - sizes

    def quantiles(weights: Floats) -> Floats:
        total = np.concatenate([[0.0], np.cumsum(weights[order])])
        result = np.full((k, len(probabilities)), np.nan)
        mass = total[ends] - total[starts]
        some = mass > 0
        for column, probability in enumerate(probabilities):
            place = np.searchsorted(total, total[starts] + probability * mass - 1e-9, side="left") - 1
            result[some, column] = ordered[np.clip(place, starts, np.maximum(ends - 1, starts))[some]]
        return result

    return quantiles


def plain_quantiles(values: Floats, codes: Ints, *, k: int, probabilities: tuple[float, ...] = (0.5,)) -> Floats:
    """Ordinary (interpolated) quantiles by group, (k, len(probabilities)), NaN for an empty group."""
    found = pd.Series(values).groupby(codes).quantile(np.array(probabilities)).unstack()
    return found.reindex(range(k)).to_numpy()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Medians:
    """Medians by group (k,), their 95 % intervals, and those of the bootstrap (replicates, k)."""

    median: Floats
    low: Floats
    high: Floats
    replicates: Floats


def bootstrap_medians(
    values: Floats, codes: Ints, *, k: int, bootstrap: Bootstrap, posting: Ints | None = None
) -> Medians:
    """Medians of values (m,) by their codes. posting: of each value, where these are not the n postings themselves."""
    quantiles, median = group_quantiles(values, codes, k=k), plain_quantiles(values, codes, k=k)[:, 0]
    replicates = bootstrap.run(lambda weights: quantiles(weights if posting is None else weights[posting])[:, 0])
    low, high = percentile_interval(replicates, median)
    return Medians(median=median, low=low, high=high, replicates=replicates)


def group_squares(weights: Floats, codes: Ints, values: Floats, *, k: int) -> tuple[Floats, Floats]:
    """Weight of each group, and the weighted squares of its values about their mean, (k,) each."""
    mass = np.bincount(codes, weights=weights, minlength=k)
    sums = np.bincount(codes, weights=weights * values, minlength=k)
    mean = np.divide(sums, mass, out=np.zeros(k), where=mass > 0)
    squares = np.bincount(codes, weights=weights * (values - mean[codes]) ** 2, minlength=k)
    return mass.astype(np.float64), squares.astype(np.float64)


def between_share(codes: Ints, log_pay: Floats, *, k: int) -> Callable[[Floats], Floats]:
    """Function of weights: share of the variance of log pay that lies between groups (eta squared), shape ()."""

    def statistic(weights: Floats) -> Floats:
        _, within = group_squares(weights, codes, log_pay, k=k)
        _, total = group_squares(weights, np.zeros_like(codes), log_pay, k=1)
        return np.asarray(1 - within.sum() / total[0] if total[0] > 0 else np.nan)

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


Term = tuple[FieldKey, ...]
TERMS: Final[tuple[Term, ...]] = (
    ("year",),
    ("title",),
    ("country",),
    ("moved",),
    ("employment",),
    ("level", "remote"),
    ("level", "size"),
)
"""Fields that enter alone, and pairs that enter with their interaction."""
Column = tuple[tuple[FieldKey, int], ...]
"""One coefficient: the (field, code) whose presence it stands for; two for an interaction."""

_RANK: Final = 1e-9
_MOST_LEVERAGE: Final = 0.99
_CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A difference of log pay: estimate and standard error."""

    log_difference: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval, log."""
        return self.log_difference - Z95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval, log."""
        return self.log_difference + Z95 * self.error


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Design:
    """The regression's columns on distinct combinations of codes ("cells").

    columns: p coefficients after the intercept. matrix: sparse (n_cells, 1 + p). cell: int64 (n,), cell of each posting.
    """

    columns: tuple[Column, ...]
    matrix: sparse.csr_matrix
    cell: Ints

    def places(self, key: FieldKey) -> Ints:
        """Columns of the matrix in which a field takes part."""
        return np.array(
            [1 + i for i, column in enumerate(self.columns) if any(f == key for f, _ in column)], dtype=np.int64
        )

    def gram(self, weights: Floats, log_pay: Floats) -> tuple[Floats, Floats]:
        """X'WX (p+1, p+1) and X'Wy (p+1,) of posting weights (n,)."""
        n_cells = self.matrix.shape[0]
        mass = np.bincount(self.cell, weights=weights, minlength=n_cells)
        sums = np.bincount(self.cell, weights=weights * log_pay, minlength=n_cells)
        gram = (self.matrix.T @ sparse.diags(mass) @ self.matrix).toarray()
        return gram, np.asarray(self.matrix.T @ sums)


@dataclass(frozen=True, eq=False, kw_only=True)
class AdjustedModel:
    """A fitted model. coefficients: (p+1,). covariance: (p+1, p+1), cluster-robust. inverse: (p+1, p+1),
    of X'X. estimable: (p+1, p+1), projection on what the data can tell. residual: (n,), log pay."""

    sample: Sample
    design: Design
    coefficients: Floats
    covariance: Floats
    inverse: Floats
    estimable: Floats
    residual: Floats
    r2: float

    @property
    def degrees(self) -> int:
        """Adverts left over after the coefficients; without any the fit says nothing of its own quality."""
        return self.sample.n_adverts - len(self.design.columns) - 1

    @property
    def r2_beyond_chance(self) -> float | None:
        """R2 less what as many columns of noise would explain; None without degrees of freedom."""
        if self.degrees < 1:
            return None
        return max(0.0, 1 - (1 - self.r2) * (self.sample.n_adverts - 1) / self.degrees)

    def vector(self, key: FieldKey, code: int, *, given: Mapping[FieldKey, int] | None = None) -> Floats:
        """The linear contrast, (p+1,): every posting moved from the field's reference to `code`, other fields as they are.

        given: fix another field, as in "remote against on site, for seniors".
        """
        given = given or {}
        vector = np.zeros(1 + len(self.design.columns))
        for place, column in enumerate(self.design.columns):
            parts = dict(column)
            if parts.get(key) != code:
                continue
            others = [(other, other_code) for other, other_code in column if other != key]
            share = 1.0
            for other, other_code in others:
                share *= (
                    float(given[other] == other_code) if other in given else self.sample.fields[other].share[other_code]
                )
            vector[1 + place] = share
        return vector

    def effect(
        self, key: FieldKey, code: int, *, against: int | None = None, given: Mapping[FieldKey, int] | None = None
    ) -> Effect | None:
        """Difference of log pay between two codes of a field (default: against its reference).

        None where the data cannot tell it apart from another field.
        """
        vector = self.vector(key, code, given=given)
        if against is not None:
            vector = vector - self.vector(key, against, given=given)
        return self._effect(vector)

    def effects_against_average(self, key: FieldKey) -> list[Effect | None]:
        """Effect of each code against the average over the postings, in the order of the codes."""
        vectors = np.stack([self.vector(key, code) for code in range(len(self.sample.fields[key].keys))])
        return [self._effect(vector) for vector in vectors - self.sample.fields[key].share @ vectors]

    def _effect(self, vector: Floats) -> Effect | None:
        if np.abs(vector @ self.estimable - vector).max() > 1e-6:
            return None
        variance = float(vector @ self.covariance @ vector)
        return Effect(log_difference=float(vector @ self.coefficients), error=float(np.sqrt(max(variance, 0.0))))

    def effects(self, key: FieldKey) -> list[Effect | None]:
        """Effect of each code of a field against the commonest one, in the order of the codes."""
        return [self.effect(key, code) for code in range(len(self.sample.fields[key].keys))]


def build_design(sample: Sample, *, terms: Sequence[Term] = TERMS) -> Design:
    """Dummy columns against the commonest code of every field; columns of combinations that do not occur are left out."""
    keys: list[FieldKey] = list(dict.fromkeys(key for term in terms for key in term))
    fields = [sample.fields[key] for key in keys]
    code, cell = joint_cells(fields)
    at = dict(zip(keys, code, strict=True))
    references = {field.key: field.commonest() for field in fields}
    pairs = (term for term in terms if len(term) == 2)
    every = dict.fromkeys([*((key,) for key in keys), *pairs])
    columns = [column for term in every for column in _columns(term, at, sample=sample, references=references)]
    names, masks = [name for name, _ in columns], [mask for _, mask in columns]
    n_cells = len(code[0])
    places = np.concatenate([np.zeros(n_cells, dtype=np.int64), *[np.full(len(m), 1 + i) for i, m in enumerate(masks)]])
    cells = np.concatenate([np.arange(n_cells), *masks])
    matrix = sparse.csr_matrix((np.ones(len(cells)), (cells, places)), shape=(n_cells, 1 + len(names)))
    return Design(columns=tuple(names), matrix=matrix, cell=cell)


def _columns(
    term: Term, at: Mapping[FieldKey, Ints], *, sample: Sample, references: Mapping[FieldKey, int]
) -> list[tuple[Column, Ints]]:
    """Columns of a field, or of the interaction of two, with the cells in which each is 1."""
    levels = [[(key, c) for c in range(len(sample.fields[key].keys)) if c != references[key]] for key in term]
    found = [
        (column, np.flatnonzero(np.logical_and.reduce([at[key] == code for key, code in column])))
        for column in product(*levels)
    ]
    return [(column, cells) for column, cells in found if len(term) == 1 or len(cells)]


def joint_cells(fields: Sequence[Coded]) -> tuple[list[Ints], Ints]:
    """Distinct combinations of fields: the code of each field in each cell, and the cell of each posting."""
    sizes = tuple(len(field.keys) for field in fields)
    distinct, cell = np.unique(np.ravel_multi_index(tuple(field.codes for field in fields), sizes), return_inverse=True)
    return [np.asarray(part) for part in np.unravel_index(distinct, sizes)], cell.astype(np.int64)


def fit_adjusted(sample: Sample, *, terms: Sequence[Term] = TERMS) -> AdjustedModel:
    """Least squares of log pay on the design, with cluster-robust covariance."""
    design = build_design(sample, terms=terms)
    log_pay = sample.log_middle
    gram, moments = design.gram(np.ones(len(sample)), log_pay)
    # On the space that the data span; columns are scaled to unit length first.
    scale = 1 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    inverse = np.asarray(linalg.pinvh(gram * np.outer(scale, scale), rtol=_RANK) * np.outer(scale, scale))
    coefficients = inverse @ moments
    residual = log_pay - np.asarray(design.matrix @ coefficients)[design.cell]
    total = float(np.sum((log_pay - log_pay.mean()) ** 2))
    covariance = _cluster_covariance(sample, design, inverse=inverse, residual=residual)
    return AdjustedModel(
        sample=sample,
        design=design,
        coefficients=coefficients,
        covariance=covariance,
        inverse=inverse,
        estimable=inverse @ gram,
        residual=residual,
        r2=float(1 - np.sum(residual**2) / total) if total > 0 else 0.0,
    )


def _cluster_covariance(sample: Sample, design: Design, *, inverse: Floats, residual: Floats) -> Floats:
    """Sandwich covariance by advert, each advert's scores divided by one minus its leverage."""
    n_cells = design.matrix.shape[0]
    parts = [design.matrix[start : start + _CHUNK] for start in range(0, n_cells, _CHUNK)]
    leverage_of_cell = np.concatenate([np.asarray(part.multiply(part @ inverse).sum(axis=1)).ravel() for part in parts])
    leverage = np.bincount(sample.advert, weights=leverage_of_cell[design.cell], minlength=sample.n_adverts)
    adjusted = residual / (1 - np.minimum(leverage, _MOST_LEVERAGE))[sample.advert]
    # Copies share their cell (but for the year), so scores are summed per (advert, cell) before they meet the matrix.
    pair, place = np.unique(sample.advert * n_cells + design.cell, return_inverse=True)
    sums = np.bincount(place, weights=adjusted)
    picked = sparse.csr_matrix((sums, (pair // n_cells, pair % n_cells)), shape=(sample.n_adverts, n_cells))
    scores = picked @ design.matrix
    meat = (scores.T @ scores).toarray()
    return np.asarray(inverse @ meat @ inverse)


def unique_share(model: AdjustedModel, key: FieldKey) -> tuple[float, float]:
    """What R2 loses without a field and its interactions, above what chance would lose, and its standard error by advert.

    Without the columns B the coefficients are b - G^-1[:, B] (G^-1[B, B])^-1 b_B. As both fits minimise their squares, the
    influence of a posting on the share is, to first order, the change of its own squared residual.
    """
    sample, design = model.sample, model.design
    places = design.places(key)
    block = model.inverse[np.ix_(places, places)]
    less = model.inverse[:, places] @ np.linalg.lstsq(block, model.coefficients[places], rcond=None)[0]
    without = sample.log_middle - np.asarray(design.matrix @ (model.coefficients - less))[design.cell]
    centred = (sample.log_middle - sample.log_middle.mean()) ** 2
    total = centred.mean()
    gain = without**2 - model.residual**2
    share = float(gain.mean() / total) if total > 0 else 0.0
    by_chance = (1 - model.r2) * len(places) / max(1, model.degrees)
    influence = (gain - share * centred) / max(total, 1e-300)
    # The infinitesimal jackknife: what the bootstrap tends to, without refitting a model hundreds of times.
    sums = np.bincount(sample.advert, weights=influence - influence.mean(), minlength=sample.n_adverts)
    return max(0.0, share - by_chance), float(np.sqrt(sums @ sums) / len(influence))
