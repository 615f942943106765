"""A comparison in MLflow: one parent run, and under it a run for each model with its settings, figures and slices.

Enters: the result of a comparison and its folder. Leaves: the id of the parent run.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import mlflow
from mlflow.entities import Metric, Param

from mlpaygrade.training.registry import open_experiment, store_uri

EXPERIMENT: Final = "mlpaygrade-compare"


def track_comparison(result: Mapping[str, Any], folder: Path, *, figures: Mapping[str, Any] | None = None) -> str:
    """Log a comparison; returns the parent run's id."""
    runs = folder.resolve().parent
    open_experiment(EXPERIMENT, uri=store_uri(runs), folder=runs)
    tags = {"data_sha256": result["data_sha256"], "protocol": result["protocol"], "stages": ",".join(result["stages"])}
    now = time.time_ns() // 1_000_000
    with mlflow.start_run(run_name=folder.name, tags=tags) as parent:
        parent_id: str = parent.info.run_id
        for file in ("compare.json", "compare.md"):
            mlflow.log_artifact(str(folder / file))
        for name, figure in (figures or {}).items():
            mlflow.log_figure(figure, f"figures/{name}.png")
        for name, settings in result["settings"].items():
            with mlflow.start_run(
                run_name=name, nested=True, tags={**tags, "model": name, "code": result["code"][name]}
            ) as run:
                mlflow.MlflowClient().log_batch(
                    run.info.run_id,
                    metrics=[Metric(key, value, now, 0) for key, value in _metrics(result["stages"], name)],
                    params=[Param(key, str(value)) for key, value in _flat(settings)],
                )
    return parent_id


def _metrics(stages: Mapping[str, Any], name: str) -> Iterator[tuple[str, float]]:
    """Every figure of one model by stage."""
    main = stages.get("main", {})
    if name in main.get("models", {}):
        one = main["models"][name]
        for part in ("rows", "postings"):
            for key, value in one[part].items():
                yield f"{part}.{key}", float(value)
        for group, figures in one["groups"].items():
            for key, value in figures.items():
                yield f"group.{group.replace(' ', '_')}.{key}", float(value)
        yield "seconds", float(one["seconds"])
    for metric, difference in main.get("differences", {}).get(name, {}).get("all", {}).items():
        for key in ("difference", "low", "high"):
            yield f"network_minus_this.{metric}.{key}", float(difference[key])
    for stage, found in stages.items():
        for part in ("models", "hidden", "seen"):
            figures = found.get(part, {}).get(name)
            if stage != "main" and figures is not None:
                for key, value in figures.items():
                    yield f"{stage}.{part}.{key}", float(value)


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value)
