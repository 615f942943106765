"""Runs in MLflow: parameters, metrics by slice, curves, figures, the bundle as a loadable model.

Enters: a finished run. Leaves: an MLflow run id. `MLFLOW_TRACKING_URI` points elsewhere; by default everything lands in a SQLite
database and an artifact folder beside the run's folder. Trains nothing.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import mlflow
import pandas as pd
from mlflow.entities import Metric, Param
from mlflow.models import infer_signature

from mlpaygrade.distribution import MEDIAN
from mlpaygrade.evaluation.conformal import INTERVALS
from mlpaygrade.experiments.figures import run_figures
from mlpaygrade.experiments.importance import importance_figures
from mlpaygrade.experiments.train import Run
from mlpaygrade.predictor import Predictor
from mlpaygrade.schema import FEATURES

EXPERIMENT: Final = "mlpaygrade"


class PayModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """The bundle as an MLflow model: the dataset's feature columns in, estimates in USD out."""

    def load_context(self, context: Any) -> None:
        """Open the bundle that was logged as an artifact."""
        self.predictor = Predictor.load(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Estimate every row."""
        del context, params
        return estimates_frame(self.predictor, model_input)


def estimates_frame(predictor: Predictor, jobs: pd.DataFrame) -> pd.DataFrame:
    """Estimates of jobs in codes: estimate, band and 90 % interval, USD."""
    import numpy as np

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


def tracking_uri(folder: Path) -> str:
    """Where runs are logged: `MLFLOW_TRACKING_URI`, else a SQLite database beside the run's folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve().parent / 'mlflow.db'}"


def track_run(run: Run) -> str:
    """Log a finished run and return its MLflow run id."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    local = not os.environ.get("MLFLOW_TRACKING_URI")  # asked first: set_tracking_uri sets it
    mlflow.set_tracking_uri(tracking_uri(run.folder))
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        location = (run.folder.resolve().parent / "mlartifacts").as_uri() if local else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)
    tags = {
        "data_sha256": run.report["data_sha256"],
        "commit": str(run.report["commit"]),
        "protocol": str(run.report["protocol"]),
    }
    with mlflow.start_run(run_name=run.folder.name, tags=tags) as active:
        run_id: str = active.info.run_id
        mlflow.MlflowClient().log_batch(
            run_id,
            metrics=[Metric(name, value, 0, step) for name, value, step in _metrics(run.report)],
            params=[Param(name, str(value)) for name, value in _flat(run.report["settings"])],
        )
        mlflow.log_artifact(str(run.folder / "report.json"))
        figures = {**run_figures(run.report), **importance_figures(run.report["importance"])}
        for name, figure in figures.items():
            mlflow.log_figure(figure, f"figures/{name}.png")
        mlflow.log_text("\n".join(run.report["importance"]["sentences"]), "importance.txt")
        predictor = Predictor(run.bundle)
        example = pd.DataFrame([_example(run)])
        mlflow.pyfunc.log_model(
            name="model",
            python_model=PayModel(),
            artifacts={"bundle": str(run.bundle.path)},
            signature=infer_signature(example, estimates_frame(predictor, example)),
            input_example=example,
            pip_requirements=[f"mlpaygrade=={run.report['version']}", "pandas"],
        )
    return run_id


def _example(run: Run) -> dict[str, Any]:
    encoder = run.bundle.encoder
    values = (encoder.newest_year, "SE", "FT", encoder.titles[0], "US", 0, "US", "M")
    return dict(zip(FEATURES, values, strict=True))


def _metrics(report: Mapping[str, Any]) -> Iterator[tuple[str, float, int]]:
    """(name, value, step) of every figure, slice and epoch."""
    for part in ("validation", "network", "ridge"):
        for group in ("rows", "postings"):
            for name, value in report.get(part, {}).get(group, {}).items():
                yield f"{part}.{group}.{name}", float(value), 0
    for item in report.get("network", {}).get("slices", []):
        for name, value in item.items():
            if isinstance(value, int | float):
                yield f"slice.{_safe(item['dimension'])}.{_safe(item['value'])}.{name}", float(value), 0
    for name, segment in report["importance"]["segments"].items():
        for player, usd in segment["mean_abs_usd"].items():
            yield f"importance.{_safe(name)}.{player}", float(usd), 0
    for name, values in report.get("training_history", {}).items():
        for epoch, value in enumerate(values, start=1):
            yield f"epoch.{name}", float(value), epoch


def _safe(text: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in text)


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
