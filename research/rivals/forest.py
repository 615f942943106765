"""Random forest on one-hot fields, its quantiles from its leaves.

Enters: training rows. Leaves: point and quantile models. Source of the quantiles: Meinshausen 2006, quantile regression forests:
a training row weighs in an answer as often as it shares a leaf with it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mlpaygrade.forecast.distribution import LEVELS
from research.rivals.base import Design, PointModel, QuantileModel, Rival, Rows
from research.rivals.linear import one_hot

if TYPE_CHECKING:
    from optuna import Trial

THREADS: Final = 2
BATCH: Final = 256
"""Answers computed at a time; each needs a weight for every training row."""


@dataclass(frozen=True, kw_only=True)
class Forest(Rival):
    """Random forest. max_features: share of columns that a split may choose from."""

    trees: int = 200
    min_samples_leaf: int = 5
    max_features: float = 0.3
    seed: int = 0

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 40, log=True),
            max_features=trial.suggest_float("max_features", 0.05, 0.8, log=True),
        )

    def fit_point(self, rows: Rows) -> PointModel:
        """The forest's mean."""
        forest = self._grow(rows)
        return lambda design: np.asarray(forest.predict(_dense(design)), dtype=np.float64)

    def fit_quantiles(self, rows: Rows) -> QuantileModel:
        """Quantiles of the training rows in the leaves of an answer."""
        forest = self._grow(rows)
        order = np.argsort(rows.log_pay, kind="stable")
        values, weight = rows.log_pay[order], rows.weight[order]
        leaves = forest.apply(_dense(rows.design))[order]
        offset = np.concatenate([[0], np.cumsum(leaves.max(axis=0) + 1)])
        in_leaf = _memberships(leaves, offset).T.multiply(weight[None, :]).tocsr()
        total = np.maximum(np.asarray(in_leaf.sum(axis=1)).ravel(), 1e-12)
        in_leaf = sparse.diags(1 / total) @ in_leaf

        def quantiles(design: Design) -> NDArray[np.float64]:
            found = np.empty((len(design), len(LEVELS)))
            for start in range(0, len(design), BATCH):
                part = slice(start, start + BATCH)
                share = (_memberships(forest.apply(_dense(design.take(part))), offset) @ in_leaf).toarray()
                below = np.cumsum(share, axis=1)
                below /= below[:, -1:]
                found[part] = values[[np.searchsorted(row, LEVELS.astype(np.float64) - 1e-9) for row in below]]
            return found

        return quantiles

    def _grow(self, rows: Rows) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(
            n_estimators=self.trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            n_jobs=THREADS,
            random_state=self.seed,
        )
        return forest.fit(_dense(rows.design), rows.log_pay, sample_weight=rows.weight)


def _dense(design: Design) -> NDArray[np.float32]:
    return np.asarray(one_hot(design).toarray())


def _memberships(leaves: NDArray[np.int64], offset: NDArray[np.int64]) -> sparse.csr_matrix:
    """1 where a row lies in a leaf; leaves (n, trees) numbered within each tree. CSR (n, all leaves)."""
    n, trees = leaves.shape
    columns = (leaves + offset[:-1]).ravel()
    return sparse.csr_matrix((np.ones(n * trees), columns, np.arange(0, n * trees + 1, trees)), shape=(n, offset[-1]))
