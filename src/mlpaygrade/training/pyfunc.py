"""The bundle as an MLflow model: the dataset's feature columns in, estimates in USD out.

Enters: a folder of a bundle, jobs. Leaves: estimates. MLflow keeps this very file with a model and runs it on load, so nothing is
pickled, and a machine that only predicts needs no training library beside MLflow itself.
"""

from typing import Any

import mlflow
import numpy as np
import pandas as pd

from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import MEDIAN
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES


class PayModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """A predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Open the bundle that was logged as an artifact."""
        self.predictor = Predictor.load(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Estimate every row."""
        del context, params
        return estimates_frame(self.predictor, model_input)


def estimates_frame(predictor: Predictor, jobs: pd.DataFrame) -> pd.DataFrame:
    """Estimates of jobs in codes: estimate, band and 90 % interval, USD."""
    prediction = predictor.predict({column: jobs[column].to_numpy() for column in FEATURES})
    low, high = INTERVALS[90]
    columns = {
        "estimate_usd": prediction.log_estimate,
        "band_low_usd": prediction.quantiles("low")[:, MEDIAN],
        "band_high_usd": prediction.quantiles("high")[:, MEDIAN],
        "lower_90_usd": prediction.quantiles("any")[:, low],
        "upper_90_usd": prediction.quantiles("any")[:, high],
    }
    return pd.DataFrame({name: np.expm1(np.asarray(value, dtype=np.float64)) for name, value in columns.items()})


mlflow.models.set_model(PayModel())  # how MLflow finds the model in this file; it changes nothing else
