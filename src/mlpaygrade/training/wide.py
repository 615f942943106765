"""The wide part of the network: a ridge regression of log pay on fields, words and pairs of fields.

It is fitted in closed form and travels inside the network, where half of every answer is its own (`NetworkSettings.wide_share`):
a deep network and a linear model err differently, and their mean errs less than either (docs/experiments.md). The fit gives every
week of arrival an effect of its own, because adverts come in bursts from a few employers: a burst of thousands of rows then moves
the level by one week's share and not by its number of rows. The weeks' effects are taken out of what the deep part learns from.
Predicts no quantiles.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Ridge

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.encode import CATEGORICAL, Encoded, JobEncoder

CROSSINGS: Final = (
    ("title", "experience"),
    ("title", "location_group"),
    ("title_family", "experience"),
    ("title_family", "location_group"),
    ("title_family", "remote"),
    ("title_family", "size"),
    ("location", "experience"),
    ("location_continent", "experience"),
    ("location_group", "experience"),
    ("location_group", "remote"),
    ("location_group", "size"),
    ("experience", "remote"),
)
"""Pairs of columns whose joint values get a coefficient of their own."""

WEEKS_IN_YEAR: Final = 52
LEVEL_HALF_LIFE_WEEKS: Final = 26.0
"""The level is the mean of the weeks' effects, a week this many weeks older counting half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WideSettings:
    """penalty: on squared coefficients, those of the weeks too. half_life_years: age at which a posting weighs half."""

    penalty: float = 30.0
    half_life_years: float = 1.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WidePart:
    """coefficients: float64 (width,), log dollars, in the order of `wide_columns` and then of words. level: log1p USD."""

    coefficients: NDArray[np.float64]
    level: float

    def predict(self, encoder: JobEncoder, encoded: Encoded) -> NDArray[np.float64]:
        """Log estimates of one row of n jobs, float64 (n,)."""
        return np.asarray(wide_design(encoder, encoded) @ self.coefficients + self.level)


def wide_columns(encoder: JobEncoder) -> list[tuple[str, str | None, int]]:
    """Blocks of the table: (column, other column or None, number of ids), single columns first."""
    sizes = encoder.sizes()
    single = [(column, None, sizes[column]) for column in CATEGORICAL]
    return [*single, *((one, other, sizes[one] * sizes[other]) for one, other in CROSSINGS)]


def wide_design(encoder: JobEncoder, encoded: Encoded) -> sparse.csr_matrix:
    """One column for each id, each pair of ids and each word, CSR float64 (n, width); words count as often as they stand."""
    sizes, n = encoder.sizes(), len(encoded)

    def ids(column: str) -> NDArray[np.int32]:
        return encoded.categorical[:, CATEGORICAL.index(column)]

    blocks = []
    for one, other, width in wide_columns(encoder):
        joint = ids(one) if other is None else ids(one) * sizes[other] + ids(other)
        blocks.append(sparse.csr_matrix((np.ones(n), joint, np.arange(n + 1)), shape=(n, width)))
    known = encoded.words > 0
    place = (np.nonzero(known)[0], encoded.words[known])
    blocks.append(sparse.csr_matrix((np.ones(len(place[0])), place), shape=(n, len(encoder.words) + 1)))
    return sparse.hstack(blocks, format="csr")


def fit_wide(
    encoder: JobEncoder, encoded: Encoded, postings: Postings, weights: NDArray[np.float64], *, penalty: float
) -> tuple[WidePart, NDArray[np.float64]]:
    """The wide part, and by how much each posting's week pays above the level, log dollars, float64 (n,).

    encoded: of the postings. weights: float64 (n,), mean 1. Every source row counts.
    """
    week = arrival_week(postings.time_years)
    effects = sparse.csr_matrix((np.ones(len(week)), week, np.arange(len(week) + 1)))
    design = wide_design(encoder, encoded)
    index, usd = postings.row_values_usd()
    model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-5)
    model.fit(sparse.hstack([design, effects], format="csr")[index], np.log1p(usd), sample_weight=weights[index])
    width = design.shape[1]
    found = model.coef_[width:]
    recency = 0.5 ** ((len(found) - 1 - np.arange(len(found))) / LEVEL_HALF_LIFE_WEEKS)
    centre = float(np.average(found, weights=recency))
    part = WidePart(coefficients=model.coef_[:width], level=float(model.intercept_) + centre)
    return part, np.asarray((found - centre)[week])


def arrival_week(time_years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the week in which each posting arrived, int64 (n,), counted over weeks that have any, oldest 0."""
    return np.asarray(np.unique(np.floor(time_years * WEEKS_IN_YEAR), return_inverse=True)[1], dtype=np.int64)
