"""The model registry: a challenger enters with every training, and becomes champion only by being better.

MLflow runs that hold a bundle become versions of one registered model under the aliases `champion` and `challenger`. The
judge is the paired bootstrap by posting, on postings that arrived after those of either bundle's training. Runs and models
are kept in a tracking server, a database, or the SQLite file in the folder of runs; no message shows a store's password.
"""

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import mlflow
from mlflow.exceptions import MlflowException

from mlpaygrade.dataset.postings import columns_of
from mlpaygrade.dataset.table import Table
from mlpaygrade.dataset.writing import alone
from mlpaygrade.errors import BundleError, InputError, ResourceError, shown_uri, why
from mlpaygrade.evaluation.drift import known_to
from mlpaygrade.evaluation.metrics import Difference, compare_predictions, decide
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.training.arrival import postings_by_arrival

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
            f"The store of runs {shown_uri(uri)} does not answer ({why(error, uri)}). Start it, correct MLFLOW_TRACKING_URI or "
            "unset it, or go without: --no-track."
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


MODEL: Final = "mlpaygrade"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
PREVIOUS: Final = "previous-champion"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and on what.

    differences: metric -> challenger minus champion; empty where there was no champion to beat.
    """

    promoted: bool
    challenger: str
    champion: str | None
    reason: str
    postings: int = 0
    differences: Mapping[str, Difference] = field(default_factory=dict)


def register_challenger(run_id: str, *, uri: str) -> str:
    """Register the model of a run and give it the alias `challenger`; returns its version. Raises InputError without one."""
    client = connect(uri)
    try:
        known = [one.version for one in client.search_model_versions(f"name = '{MODEL}'") if one.run_id == run_id]
        version = str(known[0] if known else mlflow.register_model(f"runs:/{run_id}/model", MODEL).version)
    except MlflowException as error:
        if error.error_code not in GONE:
            raise
        raise InputError(
            f"There is no run '{run_id}' with a model in {shown_uri(uri)}. Give the id that `train` printed."
        ) from error
    client.set_registered_model_alias(MODEL, CHALLENGER, version)
    return version


def promote(run_id: str | None, table: Table, *, uri: str) -> Verdict:
    """Make the challenger champion if it is significantly better; the old champion keeps the alias `previous-champion`.

    run_id: run of the challenger (default: the version with the alias). Better: the 95 % interval of the difference in RMSE
    of log pay lies below zero, and that of the pinball loss does not lie above. Raises InputError where no later postings
    are there to judge by.
    """
    client = connect(uri)
    challenger = register_challenger(run_id, uri=uri) if run_id else _version(client, CHALLENGER)
    if challenger is None:
        raise InputError(f"There is no challenger in {shown_uri(uri)}. Train one: mlpaygrade train --output runs/NAME.")
    champion = _version(client, CHAMPION)
    if champion == challenger:
        raise InputError(f"Version {challenger} is the champion already. Name the run of another model.")
    verdict = Verdict(True, challenger, None, "there was no champion to beat")
    if champion is not None:
        verdict = _judge(challenger, champion, table)
    for tag, value in _record(verdict, table).items():
        client.set_model_version_tag(MODEL, challenger, tag, value)
    if verdict.promoted:
        if champion is not None:
            client.set_registered_model_alias(MODEL, PREVIOUS, champion)
        client.set_registered_model_alias(MODEL, CHAMPION, challenger)
        if _version(client, CHALLENGER) == challenger:
            client.delete_registered_model_alias(MODEL, CHALLENGER)
    return verdict


def load_version(version: str, folder: Path) -> Predictor:
    """The predictor of a registered version's bundle, brought to `folder`; the registry is the one MLflow points at."""
    folder.mkdir(parents=True, exist_ok=True)
    local = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{MODEL}/{version}", dst_path=str(folder)))
    manifests = sorted(local.rglob("manifest.json"))
    if not manifests:
        raise InputError(f"Version {version} of '{MODEL}' holds no bundle. Register a run of `mlpaygrade train`.")
    try:
        return Predictor.load(manifests[0].parent)
    except BundleError as error:
        raise BundleError(
            f"Version {version} of '{MODEL}' cannot be judged: the bundle is damaged or of a release that this one cannot read. "
            "Judge it with that release, or set a new beginning: take its alias away, as docs/tracking.md says."
        ) from error


def judge_bundles(challenger: Predictor, champion: Predictor, table: Table) -> tuple[int, dict[str, Difference]]:
    """Challenger minus champion on the postings later than both were trained on. Raises InputError where there are none."""
    postings = postings_by_arrival(table)
    provenances = [one.bundle.provenance for one in (challenger, champion)]
    through = max(int(one["trained_through"]) for one in provenances)
    later = postings.take(~(known_to(provenances[0], postings) | known_to(provenances[1], postings)))
    if not len(later):
        raise InputError(
            f"Both models must be judged on later postings than either was trained on, and {table.path.name} holds none "
            f"(trained through {through}). Give a newer file with --data, or train the challenger with "
            f"--train-through {through - 1}."
        )
    columns = columns_of(later.jobs)
    return len(later), compare_predictions(challenger.predict(columns), champion.predict(columns), later)


def verdict_text(verdict: Verdict) -> str:
    """The verdict in a few lines."""
    word = "promoted to champion" if verdict.promoted else "refused"
    lines = [f"Version {verdict.challenger} is {word}: {verdict.reason}."]
    if verdict.differences:
        lines.append(f"Challenger minus champion on {verdict.postings:,} later postings, 95 % interval:")
    for name, one in verdict.differences.items():
        lines.append(f"  {name:<14}{one.difference:+.5g} [{one.low:+.5g}, {one.high:+.5g}]")
    return "\n".join(lines)


def _judge(challenger: str, champion: str, table: Table) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-registry-") as folder:
        new, old = (load_version(version, Path(folder) / version) for version in (challenger, champion))
        count, differences = judge_bundles(new, old, table)
    promoted, reason = decide(differences, champion=f"version {champion}")
    return Verdict(promoted, challenger, champion, reason, count, differences)


def _record(verdict: Verdict, table: Table) -> dict[str, str]:
    """What a registered version keeps of its verdict, as tags."""
    record = {"verdict": verdict.reason, "promoted": str(verdict.promoted)}
    if verdict.champion is not None:
        figures = {name: [one.difference, one.low, one.high] for name, one in verdict.differences.items()}
        record |= {
            "judged_against": verdict.champion,
            "judged_on": f"{verdict.postings} postings of data {table.sha256}",
            "challenger_minus_champion": json.dumps(figures),
        }
    return record


def _version(client: mlflow.MlflowClient, alias: str) -> str | None:
    try:
        return str(client.get_model_version_by_alias(MODEL, alias).version)
    except MlflowException as error:
        if error.error_code in GONE:  # neither the model nor the alias need exist yet
            return None
        raise
