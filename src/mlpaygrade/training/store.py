"""Where runs and models are kept: a tracking server, a database, or the SQLite file in the folder of runs.

Enters: a folder of runs, `MLFLOW_TRACKING_URI`. Leaves: an MLflow client whose store has answered. Logs nothing.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import mlflow
from mlflow.exceptions import MlflowException

from mlpaygrade.dataset.lock import alone
from mlpaygrade.errors import ResourceError
from mlpaygrade.training.store_address import shown, why

RUNS: Final = Path("runs")
SERVERS: Final = ("http://", "https://", "databricks")
"""Beginnings of the addresses that keep the artifacts themselves."""
QUIET: Final = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
"""A server's addresses would stand among the data on stdout."""
PATIENCE: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""MLflow's own would try a server that is away for five minutes."""
GONE: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow calls a run, model or alias that is not there."""


def store_uri(folder: Path = RUNS) -> str:
    """Where runs and models are kept: `MLFLOW_TRACKING_URI`, else the SQLite database of the folder of runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / 'mlflow.db'}"


def connect(uri: str) -> mlflow.MlflowClient:
    """The client of a store, after asking it something. Raises ResourceError where it does not answer."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        with _impatient(), _alone_in(uri):
            mlflow.set_tracking_uri(uri)
            client = mlflow.MlflowClient(uri, uri)
            client.search_experiments(max_results=1)
    except Exception as error:  # MLflow, SQLAlchemy and its drivers raise classes that share no base
        raise ResourceError(
            f"The store of runs {shown(uri)} does not answer ({why(error, uri)}). Start it, correct MLFLOW_TRACKING_URI or unset "
            "it, or go without: --no-track."
        ) from error
    return client


def open_experiment(name: str, *, uri: str, folder: Path) -> None:
    """Make `name` the experiment of what is logged next. Artifacts go to FOLDER/mlartifacts, or where a server keeps them."""
    client = connect(uri)
    if client.get_experiment_by_name(name) is None:
        location = None if uri.startswith(SERVERS) else (folder.resolve() / "mlartifacts").as_uri()
        try:
            client.create_experiment(name, artifact_location=location)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # made by another process in between
                raise
    mlflow.set_experiment(name)


@contextmanager
def _alone_in(uri: str) -> Iterator[None]:
    """While a SQLite file is opened, which makes its tables: two first trainings at once would make them twice."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    with alone(database.with_name(f"{database.name}.lock"), on_wait=lambda: None):
        yield


@contextmanager
def _impatient() -> Iterator[None]:
    missing = {name: value for name, value in PATIENCE.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
