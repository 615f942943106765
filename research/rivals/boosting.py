"""Boosted trees with their own handling of categories: XGBoost, LightGBM, CatBoost.

Enters: training rows. Leaves: point and quantile models. The ordered field (years back) and the words of the title go in as
numbers, every other field as a category. Quantiles are learnt at nine levels by each library's quantile loss.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from research.rivals.base import (
    ANCHORS,
    COLUMNS,
    Design,
    PointModel,
    QuantileModel,
    Rival,
    Rows,
    from_anchors,
)

if TYPE_CHECKING:
    import pandas as pd
    from optuna import Trial

THREADS: Final = 2
ORDERED: Final = "years_back"
CATEGORIES: Final = tuple(j for j, column in enumerate(COLUMNS) if column != ORDERED)
"""Positions of the categories in the matrix of `_matrix`, which begins with `COLUMNS`."""


def _matrix(design: Design) -> NDArray[np.float32]:
    """Ids, words and number as one matrix, float32 (n, 15 + words + 1)."""
    return np.column_stack([design.categorical, design.words.toarray(), design.numeric]).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class XGBoost(Rival):
    """XGBoost, histogram method, native categories."""

    rounds: int = 300
    learning_rate: float = 0.05
    max_depth: int = 6
    min_child_weight: float = 5.0
    subsample: float = 0.8
    column_share: float = 0.8
    l2: float = 3.0
    max_cat_to_onehot: int = 8
    seed: int = 0

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            rounds=trial.suggest_int("rounds", 80, 1000, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
            max_depth=trial.suggest_int("max_depth", 3, 9),
            min_child_weight=trial.suggest_float("min_child_weight", 1.0, 50.0, log=True),
            subsample=trial.suggest_float("subsample", 0.5, 1.0),
            column_share=trial.suggest_float("column_share", 0.3, 1.0),
            l2=trial.suggest_float("l2", 0.3, 50.0, log=True),
            max_cat_to_onehot=trial.suggest_categorical("max_cat_to_onehot", [1, 8, 400]),
        )

    def fit_point(self, rows: Rows) -> PointModel:
        """Trees on squared error."""
        return self._fit(rows, {"objective": "reg:squarederror"})

    def fit_quantiles(self, rows: Rows) -> QuantileModel:
        """Trees on the pinball loss of nine levels."""
        model = self._fit(rows, {"objective": "reg:quantileerror", "quantile_alpha": ANCHORS})
        return lambda design: from_anchors(model(design))

    def _fit(self, rows: Rows, objective: dict[str, Any]) -> PointModel:
        import xgboost

        parameters = {
            **objective,
            "tree_method": "hist",
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bytree": self.column_share,
            "lambda": self.l2,
            "max_cat_to_onehot": self.max_cat_to_onehot,
            "nthread": THREADS,
            "seed": self.seed,
            "verbosity": 0,
        }

        def matrix(design: Design, **labels: Any) -> Any:
            data = _matrix(design)
            kinds = ["c" if j in CATEGORIES else "q" for j in range(data.shape[1])]
            return xgboost.DMatrix(data, feature_types=kinds, enable_categorical=True, nthread=THREADS, **labels)

        data = matrix(rows.design, label=rows.log_pay, weight=rows.weight)
        booster = xgboost.train(parameters, data, num_boost_round=self.rounds)
        return lambda design: np.asarray(booster.predict(matrix(design)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class LightGBM(Rival):
    """LightGBM, native categories."""

    rounds: int = 300
    learning_rate: float = 0.05
    leaves: int = 31
    min_data_in_leaf: int = 20
    subsample: float = 0.8
    column_share: float = 0.8
    l2: float = 3.0
    cat_smooth: float = 10.0
    cat_l2: float = 10.0
    seed: int = 0

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            rounds=trial.suggest_int("rounds", 80, 1000, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
            leaves=trial.suggest_int("leaves", 6, 96, log=True),
            min_data_in_leaf=trial.suggest_int("min_data_in_leaf", 5, 100, log=True),
            subsample=trial.suggest_float("subsample", 0.5, 1.0),
            column_share=trial.suggest_float("column_share", 0.3, 1.0),
            l2=trial.suggest_float("l2", 0.3, 50.0, log=True),
            cat_smooth=trial.suggest_float("cat_smooth", 1.0, 200.0, log=True),
            cat_l2=trial.suggest_float("cat_l2", 1.0, 200.0, log=True),
        )

    def fit_point(self, rows: Rows) -> PointModel:
        """Trees on squared error."""
        return self._fit(rows, {"objective": "regression"})

    def fit_quantiles(self, rows: Rows) -> QuantileModel:
        """Trees on the pinball loss of nine levels, a model each."""
        models = [self._fit(rows, {"objective": "quantile", "alpha": float(level)}) for level in ANCHORS]
        return lambda design: from_anchors(np.column_stack([model(design) for model in models]))

    def _fit(self, rows: Rows, objective: dict[str, Any]) -> PointModel:
        import lightgbm

        parameters = {
            **objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "bagging_fraction": self.subsample,
            "bagging_freq": 1,
            "feature_fraction": self.column_share,
            "lambda_l2": self.l2,
            "cat_smooth": self.cat_smooth,
            "cat_l2": self.cat_l2,
            "num_threads": THREADS,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "verbose": -1,
        }
        data = lightgbm.Dataset(
            _matrix(rows.design),
            label=rows.log_pay,
            weight=rows.weight,
            categorical_feature=list(CATEGORIES),
            params={"verbose": -1},
        )
        booster = lightgbm.train(parameters, data, num_boost_round=self.rounds)
        return lambda design: np.asarray(booster.predict(_matrix(design), num_threads=THREADS), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class CatBoost(Rival):
    """CatBoost, ordered target statistics of categories and of their combinations."""

    rounds: int = 500
    learning_rate: float = 0.05
    depth: int = 6
    l2: float = 3.0
    random_strength: float = 1.0
    one_hot_max_size: int = 8
    seed: int = 0

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Settings drawn from the search space."""
        return cls(
            half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
            min_count=trial.suggest_int("min_count", 1, 10),
            rounds=trial.suggest_int("rounds", 100, 1000, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.015, 0.15, log=True),
            depth=trial.suggest_int("depth", 4, 8),
            l2=trial.suggest_float("l2", 0.5, 50.0, log=True),
            random_strength=trial.suggest_float("random_strength", 0.1, 10.0, log=True),
            one_hot_max_size=trial.suggest_categorical("one_hot_max_size", [2, 8, 32]),
        )

    def fit_point(self, rows: Rows) -> PointModel:
        """Trees on squared error."""
        return self._fit(rows, "RMSE")

    def fit_quantiles(self, rows: Rows) -> QuantileModel:
        """Trees on the pinball loss of nine levels at once."""
        model = self._fit(rows, f"MultiQuantile:alpha={','.join(map(str, ANCHORS))}")
        return lambda design: from_anchors(model(design))

    def _fit(self, rows: Rows, loss: str) -> PointModel:
        from catboost import CatBoostRegressor

        model = CatBoostRegressor(
            loss_function=loss,
            iterations=self.rounds,
            learning_rate=self.learning_rate,
            depth=self.depth,
            l2_leaf_reg=self.l2,
            random_strength=self.random_strength,
            one_hot_max_size=self.one_hot_max_size,
            cat_features=list(CATEGORIES),
            thread_count=THREADS,
            random_seed=self.seed,
            allow_writing_files=False,
            verbose=False,
        )
        model.fit(_table(rows.design), rows.log_pay, sample_weight=rows.weight)
        return lambda design: np.asarray(model.predict(_table(design)), dtype=np.float64)


def _table(design: Design) -> "pd.DataFrame":
    """The matrix with integer categories, which CatBoost asks for."""
    import pandas as pd

    return pd.DataFrame(_matrix(design)).astype(dict.fromkeys(CATEGORIES, np.int32))
