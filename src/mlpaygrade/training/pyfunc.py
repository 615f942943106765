"""The bundle as an MLflow model: the dataset's feature columns in, estimates in USD out.

Enters: a folder of a bundle, jobs. Leaves: estimates. MLflow keeps this very file with a model and runs it on load, so nothing is
pickled, and a machine that only predicts needs no training library beside MLflow itself.
"""

from typing import Any

import mlflow
import pandas as pd

from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import answer_texts
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
    """Answers to jobs in words or codes: as `score` adds them to a file, figures missing where a job is refused."""
    added = answer_texts(predictor, {column: jobs[column].astype(str).to_numpy(dtype=object) for column in FEATURES})
    frame = pd.DataFrame(added)
    frame[list(FIGURES)] = frame[list(FIGURES)].astype(float).where(lambda usd: usd >= 0)
    return frame


mlflow.models.set_model(PayModel())  # how MLflow finds the model in this file; it changes nothing else
