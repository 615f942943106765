"""Tracking: a run in MLflow carries all that it rests on, its model is loaded by alias, a store that is away is said at once."""

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlpaygrade import Predictor
from mlpaygrade.dataset.table import read_table
from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.training.registry import CHALLENGER, MODEL, register_challenger
from mlpaygrade.training.run import finished_run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own modules warn while they are imported
    import mlflow.pyfunc

    from mlpaygrade.training.registry import connect, open_experiment, store_uri
    from mlpaygrade.training.tracking import track_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def _no_store_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it itself


@pytest.fixture(scope="module")
def tracked(tiny_run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """(client, run id) of the tiny run in a store of its own."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    return connect(uri), track_run(finished_run(tiny_run.folder), uri=uri)


def artifacts(client: Any, run_id: str, path: str | None = None) -> set[str]:
    return {item.path for item in client.list_artifacts(run_id, path)}


def test_a_tracked_run_carries_what_it_rests_on(tiny_run, tracked: tuple[Any, str]) -> None:
    client, run_id = tracked
    run, report = client.get_run(run_id), tiny_run.report
    assert run.info.status == "FINISHED"
    assert run.data.params["network.members"] == "4"
    assert set(run.data.params) >= {"training.seed", "calibration.window"}
    assert run.data.tags["data_sha256"] == report["data_sha256"]
    assert run.data.tags["commit"] == str(report["commit"])
    assert run.data.tags["library.keras"] == importlib.metadata.version("keras")
    assert run.data.metrics["network.rows.rmse_log"] == report["network"]["rows"]["rmse_log"]
    for item in report["network"]["slices"]:
        name = "".join(letter if letter.isalnum() else "_" for letter in item["value"])
        dimension = item["dimension"].replace(" ", "_")
        assert run.data.metrics[f"slice.{dimension}.{name}.rmse_log"] == item["rmse_log"]
    curve = client.get_metric_history(run_id, "epoch.loss")
    assert [point.step for point in curve] == list(range(1, report["epochs"] + 1))
    assert [point.value for point in curve] == report["training_history"]["loss"]


def test_its_artifacts_hold_plots_sentences_and_the_environment(tiny_run, tracked: tuple[Any, str]) -> None:
    client, run_id = tracked
    assert artifacts(client, run_id) >= {"report.json", "environment.txt", "importance.txt", "residuals.txt", "figures"}
    pictures = {path.removeprefix("figures/") for path in artifacts(client, run_id, "figures")}
    assert pictures >= {"training_curve.png", "coverage_90.png", "importance_bar.png"}
    assert pictures >= {"residuals_by_estimate.png", "residuals_normal.png", "residuals_by_experience.png"}
    environment = mlflow.artifacts.load_text(f"runs:/{run_id}/environment.txt")
    assert f"mlflow=={mlflow.__version__}\n" in environment
    kept = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/report.json"))
    assert kept["residuals"]["groups"] == tiny_run.report["residuals"]["groups"]


def test_the_model_is_loaded_by_alias_and_answers_as_the_bundle(
    tiny_run, tracked: tuple[Any, str], synthetic_csv: Path
) -> None:
    client, run_id = tracked
    assert register_challenger(run_id, uri=mlflow.get_tracking_uri()) == "1"
    assert client.get_model_version_by_alias(MODEL, CHALLENGER).run_id == run_id
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@{CHALLENGER}")
    assert list(model.metadata.get_input_schema().input_names()) == list(FEATURES)
    assert list(model.input_example.columns) == list(FEATURES)
    assert len(model.predict(model.input_example)) == 1
    jobs = read_table(synthetic_csv).frame[list(FEATURES)].head(20)
    expected = Predictor(tiny_run.bundle).predict({column: jobs[column].to_numpy() for column in FEATURES})
    np.testing.assert_allclose(model.predict(jobs)["estimate_usd"], np.expm1(expected.log_estimate), rtol=0, atol=0.51)
    with pytest.raises(Exception, match="company_size"):
        model.predict(pd.DataFrame(jobs).drop(columns="company_size"))


def test_the_model_needs_no_training_library(tracked: tuple[Any, str]) -> None:
    _, run_id = tracked
    uri = mlflow.get_tracking_uri()
    code = (
        "import sys, mlflow\n"
        f"mlflow.set_tracking_uri({uri!r})\n"
        f"model = mlflow.pyfunc.load_model('runs:/{run_id}/model')\n"
        "model.predict(model.input_example)\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'shap', 'lightgbm'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_nothing_but_a_finished_run_is_logged_later(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        finished_run(tmp_path)


def test_a_server_that_is_away_is_said_before_the_training(synthetic_csv: Path, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://me:secret@127.0.0.1:{unused.getsockname()[1]}"
        code = "from mlpaygrade.cli import main; main()"
        command = [sys.executable, "-c", code, "train", "--data", str(synthetic_csv), "--output", str(tmp_path / "run")]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        )
    assert done.returncode == ResourceError.exit_code, done.stderr
    assert "does not answer" in done.stderr
    assert "--no-track" in done.stderr
    assert "secret" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_artifacts_stand_beside_the_runs_whatever_database_is_used(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'elsewhere' / 'mlflow.db'}"
    open_experiment("test", uri=uri, folder=tmp_path / "runs")
    location = connect(uri).get_experiment_by_name("test").artifact_location
    assert location == (tmp_path / "runs" / "mlartifacts").as_uri()


def test_mlflow_writes_nothing_of_its_own_among_the_data(tmp_path: Path) -> None:
    from mlflow.environment_variables import (
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR,
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
    )

    connect(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get()
    assert not MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get()


def test_the_variable_comes_before_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_uri(tmp_path) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert store_uri(tmp_path) == "http://tracking:5000"


def test_two_first_trainings_at_once_both_open_a_new_database(tmp_path: Path) -> None:
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from pathlib import Path\n"
        "from mlpaygrade.training.registry import open_experiment\n"
        "folder = Path(sys.argv[1])\n"
        "open_experiment('mlpaygrade', uri=f'sqlite:///{folder}/mlflow.db', folder=folder)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        said = process.communicate()[1]
        assert process.returncode == 0, said
    assert not (tmp_path / "mlflow.db.lock").exists()
