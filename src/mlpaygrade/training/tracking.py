"""Finished runs in MLflow: parameters, metrics by slice, curves, figures, the bundle as a loadable model."""

import platform
import time
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Final

import mlflow
import pandas as pd
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from mlpaygrade.errors import ResourceError, shown_uri, why
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.training import pyfunc
from mlpaygrade.training.figures import run_figures
from mlpaygrade.training.importance import importance_figures
from mlpaygrade.training.registry import open_experiment
from mlpaygrade.training.run import Run
from mlpaygrade.training.steps import Result

EXPERIMENT: Final = "mlpaygrade"


def track_run(run: Run, *, uri: str) -> str:
    """Log a finished run and return its MLflow run id. Raises ResourceError where the store fails; the run's folder stands."""
    open_experiment(EXPERIMENT, uri=uri, folder=run.folder.resolve().parent)
    try:
        with mlflow.start_run(run_name=run.folder.name, tags=_tags(run.report)) as active:
            _log(run, active.info.run_id)
            return str(active.info.run_id)
    except MlflowException as error:
        raise ResourceError(
            f"The run could not be logged to {shown_uri(uri)} ({why(error, uri)}). Its report and bundle stand in {run.folder}; "
            "log it later as docs/tracking.md says."
        ) from error


def _tags(report: Result) -> dict[str, str]:
    return {
        "data_sha256": report["data_sha256"],
        "synthetic": str(report["synthetic"]),
        "commit": str(report["commit"]),
        "protocol": str(report["protocol"]),
        "version": report["version"],
        "python": platform.python_version(),
        **{f"library.{name}": version for name, version in report["libraries"].items()},
    }


def _log(run: Run, run_id: str) -> None:
    now = time.time_ns() // 1_000_000
    mlflow.MlflowClient().log_batch(
        run_id,
        metrics=[Metric(name, value, now, step) for name, value, step in _metrics(run.report)],
        params=[Param(name, str(value)) for name, value in _flat(run.report["settings"])],
    )
    for name in ("report.json", "drift.json"):
        if (run.folder / name).exists():
            mlflow.log_artifact(str(run.folder / name))
    if (run.folder / "figures").is_dir():
        mlflow.log_artifacts(str(run.folder / "figures"), "figures")
    figures = {**run_figures(run.report), **importance_figures(run.report["importance"])}
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"figures/{name}.png")
    sentences = {"importance": run.report["importance"], "residuals": run.report.get("residuals")}
    for name, part in sentences.items():
        if part:
            mlflow.log_text("\n".join(part["sentences"]), f"{name}.txt")
    mlflow.log_text(_environment(), "environment.txt")
    example = pd.DataFrame([_example(run)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")  # no field of a job may be missing
        mlflow.pyfunc.log_model(
            name="model",
            python_model=pyfunc.__file__,
            artifacts={"bundle": str(run.bundle.path)},
            signature=infer_signature(example, pyfunc.estimates_frame(Predictor(run.bundle), example)),
            input_example=example,
            pip_requirements=[f"mlpaygrade[tables]=={run.report['version']}", f"mlflow=={mlflow.__version__}"],
        )


def _environment() -> str:
    """Python, platform, and every installed distribution with its version, a line each."""
    found = {f"{one.name}=={one.version}" for one in metadata.distributions()}
    return "\n".join([f"# Python {platform.python_version()}, {platform.platform()}", *sorted(found, key=str.lower)])


def _example(run: Run) -> dict[str, object]:
    encoder = run.bundle.encoder
    values = (encoder.newest_year, "SE", "FT", encoder.titles[0], "US", 0, "US", "M")
    return dict(zip(FEATURES, values, strict=True))


def _metrics(report: Result) -> Iterator[tuple[str, float, int]]:
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


def _flat(document: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
