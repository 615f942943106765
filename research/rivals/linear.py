"""Linear rivals on one-hot fields: ridge and elastic net.

Enters: training rows. Leaves: point models; quantiles come from residuals.
"""

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy import sparse

from mlpaygrade.training.wide import CROSSINGS
from research.rivals.base import COLUMNS, END, Design, PointModel, Rival, Rows

if TYPE_CHECKING:
    from optuna import Trial

INTERACTIONS: Final = (*CROSSINGS, ("experience", END), ("location", END))
"""Pairs of columns whose joint values get a coefficient of their own: those of the network's wide part, and the band's end."""


def one_hot(design: Design, *, interactions: bool = False) -> sparse.csr_matrix:
    """A column for each id, word and number, and for each joint id of `INTERACTIONS` if asked; CSR float32 (n, width)."""
    blocks = [_indicator(design.categorical[:, j], size) for j, size in enumerate(design.sizes)]
    if interactions:
        for one, other in INTERACTIONS:
            width = design.sizes[COLUMNS.index(other)]
            joint = design.column(one) * width + design.column(other)
            blocks.append(_indicator(joint, design.sizes[COLUMNS.index(one)] * width))
    return sparse.hstack([*blocks, design.words, sparse.csr_matrix(design.numeric)], format="csr", dtype=np.float32)


def _indicator(ids: Any, size: int) -> sparse.csr_matrix:
    n = len(ids)
    return sparse.csr_matrix((np.ones(n, dtype=np.float32), ids, np.arange(n + 1)), shape=(n, size))


@dataclass(frozen=True, kw_only=True)
class _Linear(Rival):
    """A linear model of one-hot fields. interactions: whether pairs of fields get coefficients of their own."""

    alpha: float = 1.0
    interactions: bool = True

    @abstractmethod
    def _model(self) -> Any:
        """The unfitted regression."""

    def fit_point(self, rows: Rows) -> PointModel:
        """A linear model of mean log pay."""
        features = one_hot(rows.design, interactions=self.interactions)
        with warnings.catch_warnings():
            # A trial that has not quite converged is judged by its error like any other.
            warnings.filterwarnings("ignore", message="Objective did not converge")
            model = self._model().fit(features, rows.log_pay, sample_weight=rows.weight)
        return lambda design: np.asarray(
            model.predict(one_hot(design, interactions=self.interactions)), dtype=np.float64
        )


@dataclass(frozen=True, kw_only=True)
class Ridge(_Linear):
    """Ridge regression. alpha: penalty on squared coefficients."""

    alpha: float = 10.0

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            alpha=trial.suggest_float("alpha", 0.1, 300.0, log=True),
            interactions=trial.suggest_categorical("interactions", [False, True]),
        )

    def _model(self) -> Any:
        from sklearn.linear_model import Ridge as Model

        return Model(alpha=self.alpha, solver="sparse_cg", tol=1e-5)


@dataclass(frozen=True, kw_only=True)
class ElasticNet(_Linear):
    """Elastic net. alpha: penalty as a whole; l1_ratio: share of it on absolute coefficients."""

    alpha: float = 1e-4
    l1_ratio: float = 0.3

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            alpha=trial.suggest_float("alpha", 1e-5, 1e-2, log=True),
            l1_ratio=trial.suggest_float("l1_ratio", 0.02, 1.0),
            interactions=trial.suggest_categorical("interactions", [False, True]),
        )

    def _model(self) -> Any:
        from sklearn.linear_model import ElasticNet as Model

        return Model(alpha=self.alpha, l1_ratio=self.l1_ratio, max_iter=500, tol=1e-4, selection="cyclic")
