"""The rivals of the network: from a constant to boosted trees, behind one interface.

Enters: a rival's name. Leaves: its class, whose fields are its settings and whose `suggest` is its search space.
"""

from collections.abc import Mapping
from typing import Final

from research.rivals.base import FittedRival, Rival
from research.rivals.boosting import CatBoost, LightGBM, XGBoost
from research.rivals.forest import Forest
from research.rivals.linear import ElasticNet, Ridge
from research.rivals.simple import Backoff, Constant

RIVALS: Final[Mapping[str, type[Rival]]] = {
    "constant": Constant,
    "backoff": Backoff,
    "ridge": Ridge,
    "elasticnet": ElasticNet,
    "forest": Forest,
    "xgboost": XGBoost,
    "lightgbm": LightGBM,
    "catboost": CatBoost,
}
"""Every rival by the name that the command line uses, simplest first."""

LABELS: Final[Mapping[str, str]] = {
    "network": "Network",
    "constant": "Constant",
    "backoff": "Group median, back-off",
    "ridge": "Ridge",
    "elasticnet": "Elastic net",
    "forest": "Random forest",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
}
"""Name -> what a table calls it."""

__all__ = ["LABELS", "RIVALS", "FittedRival", "Rival"]
