"""What every rival shares: the rows it learns from, and how its answers become a `Prediction`.

Enters: training postings. Leaves: a `FittedRival` that predicts like the network. A rival is told what the network is told: the
same encoding, the title's words, which end of its band a row is, and weights that favour newer postings. Calibrates nothing.

The two ends of a posting are predicted apart; one row of the market is an equal mixture of them. That is how the network is
asked, too: whether a posting will turn out to show one end or two is not known beforehand.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtri

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction
from mlpaygrade.forecast.encode import CATEGORICAL, JobEncoder
from mlpaygrade.training.arrival import recency_weights

if TYPE_CHECKING:
    from optuna import Trial

END: Final = "end"
COLUMNS: Final = (*CATEGORICAL, END)
"""Columns of `Design.categorical`."""

UNKNOWN_END, LOW_END, HIGH_END = 0, 1, 2

ANCHORS: Final = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
"""Levels at which boosted trees learn quantiles; the others are interpolated, linearly in the normal score."""

FOLDS: Final = 5
MIN_RESIDUALS: Final = 100
"""A level of experience with fewer residuals shares those of its end."""

PointModel = Callable[["Design"], NDArray[np.float64]]
"""Log pay, float64 (n,), for a design of n rows."""
QuantileModel = Callable[["Design"], NDArray[np.float64]]
"""Log quantiles by `LEVELS`, float64 (n, 23), for a design of n rows."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Design:
    """Encoded rows.

    categorical: int32 (n, 15) by `COLUMNS`, `end` last (0 unknown, 1 low, 2 high). words: CSR float32 (n, words), 1 where the
    title has the word. numeric: float32 (n, 1). sizes: number of ids of each categorical column.
    """

    categorical: NDArray[np.int32]
    words: sparse.csr_matrix
    numeric: NDArray[np.float32]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.categorical)

    def column(self, name: str) -> NDArray[np.int32]:
        """Ids of one categorical column, int32 (n,)."""
        return self.categorical[:, COLUMNS.index(name)]

    def take(self, index: NDArray[Any] | slice) -> "Design":
        """The rows at `index`."""
        return replace(self, categorical=self.categorical[index], words=self.words[index], numeric=self.numeric[index])

    def with_end(self, end: int) -> "Design":
        """The same rows asked about one end."""
        categorical = self.categorical.copy()
        categorical[:, COLUMNS.index(END)] = end
        return replace(self, categorical=categorical)

    @classmethod
    def of_jobs(cls, encoder: JobEncoder, postings: Postings) -> Self:
        """One row a posting, its end unknown."""
        encoded = encoder.transform(postings.jobs)
        known = encoded.words > 0
        words = sparse.csr_matrix(
            (np.ones(int(known.sum()), dtype=np.float32), (np.nonzero(known)[0], encoded.words[known] - 1)),
            shape=(len(encoded), len(encoder.words)),
        )
        words.data[:] = 1  # a word that a title repeats counts once
        sizes = encoder.sizes()
        return cls(
            categorical=np.column_stack([encoded.categorical, np.zeros(len(encoded), dtype=np.int32)]),
            words=words,
            numeric=encoded.numeric,
            sizes=(*(sizes[column] for column in CATEGORICAL), 3),
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """Training rows: their design, log1p pay, weights of mean 1 and a group that copies of a posting share; each (n,)."""

    design: Design
    log_pay: NDArray[np.float64]
    weight: NDArray[np.float64]
    group: NDArray[np.int64]

    def take(self, index: NDArray[Any]) -> "Rows":
        """The rows at `index`."""
        return Rows(
            design=self.design.take(index),
            log_pay=self.log_pay[index],
            weight=self.weight[index],
            group=self.group[index],
        )


def training_rows(postings: Postings, encoder: JobEncoder, *, half_life_years: float) -> Rows:
    """Every source row of the postings; where a posting shows one figure its end is unknown."""
    index, usd = postings.row_values_usd()
    weight = recency_weights(postings.time_years, half_life_years=half_life_years)[index]
    design = Design.of_jobs(encoder, postings).take(index)
    first = np.arange(len(index)) < len(postings)
    end = np.where(first, np.where(postings.paired[index], HIGH_END, UNKNOWN_END), LOW_END)
    design.categorical[:, COLUMNS.index(END)] = end
    return Rows(design=design, log_pay=np.log1p(usd), weight=weight / weight.mean(), group=postings.signature()[index])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedRival:
    """A fitted rival. `quantiles` is None where only point estimates were asked for."""

    encoder: JobEncoder
    point: PointModel
    quantiles: QuantileModel | None
    lowest_log: float
    highest_log: float

    def log_estimate(self, postings: Postings) -> NDArray[np.float64]:
        """Mean of the estimates for the low and the high end, log1p USD, float64 (n,), clamped to the pay seen in training."""
        design, back = _distinct(Design.of_jobs(self.encoder, postings))
        ends = [self.point(design.with_end(end)) for end in (LOW_END, HIGH_END)]
        return np.asarray(np.clip(np.mean(ends, axis=0), self.lowest_log, self.highest_log)[back])

    def predict(self, postings: Postings) -> Prediction:
        """Quantiles and estimate of n postings, uncalibrated. Raises ValueError where quantiles were not fitted."""
        if self.quantiles is None:
            raise ValueError("predict needs a rival fitted with quantiles=True; this one gives point estimates only.")
        design, back = _distinct(Design.of_jobs(self.encoder, postings))
        low, high = (np.sort(self.quantiles(design.with_end(end)), axis=1) for end in (LOW_END, HIGH_END))
        by_target = {"low": low, "high": high, "any": mixture_quantiles(low, high)}
        stacked = np.stack([by_target[target] for target in TARGETS], axis=1)
        clamped = np.clip(stacked, self.lowest_log, self.highest_log).astype(np.float32)
        return Prediction(clamped[back], self.log_estimate(postings)[:, None].astype(np.float32))


@dataclass(frozen=True, kw_only=True)
class Rival(ABC):
    """A rival's settings, and how it is fitted.

    half_life_years: age at which a posting weighs half. min_count: titles and countries seen less often share one id.
    native_quantiles: quantiles by the library's own quantile loss or its leaves; else those of out-of-fold residuals around the
    point estimate, by end and level of experience. Without a quantile loss of its own a rival ignores it.
    """

    half_life_years: float = 1.0
    min_count: int = 2
    native_quantiles: bool = True

    @classmethod
    @abstractmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""

    @abstractmethod
    def fit_point(self, rows: Rows) -> PointModel:
        """A model of mean log pay."""

    def fit_quantiles(self, rows: Rows) -> QuantileModel | None:
        """A model of quantiles of log pay of its own; None where the rival has none."""
        del rows
        return None

    def fit(self, train: Postings, *, quantiles: bool = True) -> FittedRival:
        """Fit on training postings; without `quantiles` only the point estimate."""
        encoder = JobEncoder.fit(train.jobs, min_count=self.min_count)
        rows = training_rows(train, encoder, half_life_years=self.half_life_years)
        point = self.fit_point(rows)
        distribution = None
        if quantiles:
            distribution = self.fit_quantiles(rows) if self.native_quantiles else None
            distribution = distribution or residual_quantiles(self, rows, point)
        return FittedRival(
            encoder=encoder,
            point=point,
            quantiles=distribution,
            lowest_log=float(rows.log_pay.min()),
            highest_log=float(rows.log_pay.max()),
        )


def residual_quantiles(rival: Rival, rows: Rows, point: PointModel) -> QuantileModel:
    """The point estimate plus quantiles of out-of-fold residuals of the same end and level of experience.

    Folds keep copies of a posting together.
    """
    groups = np.unique(rows.group)
    fold_of_group = np.random.default_rng(0).permutation(len(groups)) % FOLDS
    fold = fold_of_group[np.searchsorted(groups, rows.group)]
    residual = np.empty(len(rows.log_pay))
    for k in range(FOLDS):
        held_out = fold == k
        model = rival.fit_point(rows.take(~held_out))
        residual[held_out] = rows.log_pay[held_out] - model(rows.design.take(held_out))
    end, level = rows.design.column(END), rows.design.column("experience")
    table = np.empty((3, rows.design.sizes[COLUMNS.index("experience")], len(LEVELS)))
    everyone = weighted_quantiles(residual, rows.weight)
    for e in range(table.shape[0]):
        of_end = end == e
        shared = (
            weighted_quantiles(residual[of_end], rows.weight[of_end]) if of_end.sum() >= MIN_RESIDUALS else everyone
        )
        for code in range(table.shape[1]):
            cell = of_end & (level == code)
            enough = cell.sum() >= MIN_RESIDUALS
            table[e, code] = weighted_quantiles(residual[cell], rows.weight[cell]) if enough else shared
    return lambda design: point(design)[:, None] + table[design.column(END), design.column("experience")]


def weighted_quantiles(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of weighted values at `LEVELS`, float64 (23,); linear between the middles of the weights' steps."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order])
    middle = (share - weights[order] / 2) / share[-1]
    return np.interp(LEVELS.astype(np.float64), middle, values[order])


def from_anchors(anchored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles at `ANCHORS`, (n, 9), as quantiles at `LEVELS`, (n, 23), linear in the normal score of the level."""
    ordered = np.sort(anchored, axis=1)
    known, wanted = ndtri(ANCHORS), ndtri(LEVELS.astype(np.float64))
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    return np.asarray(ordered[:, right - 1] * (1 - share) + ordered[:, right] * share)


def mixture_quantiles(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of an equal mixture of two distributions given by theirs; all (n, 23) by `LEVELS`, nondecreasing."""
    levels = LEVELS.astype(np.float64)
    result = np.empty_like(low)
    for i, (one, other) in enumerate(zip(low, high, strict=True)):
        values = np.sort(np.concatenate([one, other]))
        below = sum(np.interp(values, quantiles, levels, left=0.0, right=1.0) for quantiles in (one, other)) / 2
        result[i] = np.interp(levels, below, values)
    return result


def _distinct(design: Design) -> tuple[Design, NDArray[np.int64]]:
    """Distinct rows, and the position of every row among them; the words follow from the title, which unseen ones lack."""
    words = np.asarray(design.words @ np.random.default_rng(0).random(design.words.shape[1]), dtype=np.float64)
    _, first, back = np.unique(
        np.column_stack([design.categorical, words]), axis=0, return_index=True, return_inverse=True
    )
    return design.take(first), back.reshape(-1)
