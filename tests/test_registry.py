"""The registry: a challenger becomes champion only by being better on postings that neither bundle was trained on."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.dataset.postings import build_postings, columns_of
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.forecast.bundle import load_bundle
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import JobColumns
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training import registry
from mlpaygrade.training.registry import (
    CHALLENGER,
    CHAMPION,
    MODEL,
    PREVIOUS,
    judge_bundles,
    load_version,
    promote,
    register_challenger,
    verdict_text,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own modules warn while they are imported
    import mlflow.pyfunc


class _Model(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> pd.DataFrame:
        return model_input


class Shifted(Predictor):
    """The packaged bundle, its answers moved by `shift` in log dollars."""

    shift = 0.0

    def predict(self, jobs: JobColumns) -> Prediction:
        made, by = super().predict(jobs), np.float32(self.shift)
        return Prediction(made.log_quantiles + by, made.log_members + by)


def logged(folder: Path, *, uri: str) -> str:
    """A run with the packaged bundle as its model."""
    mlflow.set_tracking_uri(uri)
    if mlflow.get_experiment_by_name("test") is None:
        mlflow.create_experiment("test", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("test")
    with mlflow.start_run() as active:
        mlflow.pyfunc.log_model(
            name="model",
            python_model=_Model(),
            artifacts={"bundle": str(load_bundle().path)},
            pip_requirements=["pandas"],
        )
    return str(active.info.run_id)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Postings of the year after the packaged bundle's training."""
    market = SyntheticMarket(seed=3, n_postings=800)
    frame = market.generate()
    through = int(load_bundle().provenance["trained_through"])
    frame[YEAR] = frame[YEAR] + through + 1 - frame[YEAR].max()
    path = tmp_path_factory.mktemp("data") / "synthetic_next_year.csv"
    frame.to_csv(path, index=False)
    return read_table(path)


@pytest.fixture(scope="module")
def bias(table: Table) -> float:
    """How far the packaged bundle is off on that file: a champion moved further that way is worse."""
    postings = build_postings(table.frame)
    later = postings.take(postings.year > int(load_bundle().provenance["trained_through"]))
    index, usd = later.row_values_usd()
    estimate = Predictor.load().predict(columns_of(later.jobs)).log_estimate
    return float(np.mean(estimate[index] - np.log1p(usd)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_only_a_better_model_becomes_champion(
    table: Table, bias: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    with pytest.raises(InputError, match="no challenger"):
        promote(None, table, uri=uri)
    with pytest.raises(InputError, match="no run 'nonsense'"):
        register_challenger("nonsense", uri=uri)
    first = logged(tmp_path, uri=uri)
    assert register_challenger(first, uri=uri) == register_challenger(first, uri=uri) == "1"
    assert load_version("1", tmp_path / "first").bundle.manifest == load_bundle().manifest
    opening = promote(None, table, uri=uri)
    assert opening.promoted
    assert opening.champion is None

    shifts = {"1": 0.2 - bias, "2": 0.5 - bias, "3": -bias}

    def load_shifted(version: str, folder: Path) -> Predictor:
        predictor = Shifted.load()
        predictor.shift = shifts[version]
        return predictor

    monkeypatch.setattr(registry, "load_version", load_shifted)
    worse = promote(logged(tmp_path, uri=uri), table, uri=uri)
    assert not worse.promoted
    assert "refused" in verdict_text(worse)
    assert str(client.get_model_version_by_alias(MODEL, CHAMPION).version) == "1"
    assert str(client.get_model_version_by_alias(MODEL, CHALLENGER).version) == "2"
    record = client.get_model_version(MODEL, "2").tags
    assert (record["verdict"], record["promoted"], record["judged_against"]) == (worse.reason, "False", "1")
    assert table.sha256 in record["judged_on"]
    kept = json.loads(record["challenger_minus_champion"])["rmse_log"]
    assert kept == [getattr(worse.differences["rmse_log"], part) for part in ("difference", "low", "high")]

    better = promote(logged(tmp_path, uri=uri), table, uri=uri)
    assert better.promoted
    assert better.differences["rmse_log"].high < 0
    assert str(client.get_model_version_by_alias(MODEL, CHAMPION).version) == "3"
    assert str(client.get_model_version_by_alias(MODEL, PREVIOUS).version) == "1"
    with pytest.raises(InputError, match="champion already"):
        promote(str(client.get_model_version(MODEL, "3").run_id), table, uri=uri)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_champion_of_another_format_is_named(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    register_challenger(logged(tmp_path, uri=uri), uri=uri)
    for manifest in (tmp_path / "artifacts").rglob("manifest.json"):
        manifest.write_text('{"format": 0, "files": {}, "provenance": {}}')
    with pytest.raises(BundleError, match="Version 1 of 'mlpaygrade' cannot be judged"):
        load_version("1", tmp_path / "copy")


def test_without_later_postings_there_is_no_verdict(tmp_path: Path) -> None:
    frame = SyntheticMarket(seed=3, n_postings=200).generate()
    frame[YEAR] = frame[YEAR] + int(load_bundle().provenance["trained_through"]) - frame[YEAR].max()
    path = tmp_path / "same_years.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match="newer file"):
        judge_bundles(Predictor.load(), Predictor.load(), read_table(path))
