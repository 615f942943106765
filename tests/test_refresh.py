"""A refresh: a newer file with new titles and higher pay: its drift is said, it is trained on, and enters as the challenger."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.table import read_table, sidecar_path
from mlpaygrade.job.fields import SALARY, TARGET, TITLE, YEAR
from mlpaygrade.training.run import Run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own modules warn while they are imported
    from mlpaygrade.training.registry import CHALLENGER, CHAMPION, MODEL, connect

NEW_TITLES = 40
RAISE = 1.03


@pytest.fixture(scope="module")
def newer_csv(synthetic_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same file with a year 2025 on top: rows of 2024 again, a tenth under new titles, all paid three percent more."""
    frame = read_table(synthetic_csv).frame
    top = frame[frame[YEAR] == 2024].copy()
    top[YEAR] = 2025
    top[[SALARY, TARGET]] = (top[[SALARY, TARGET]] * RAISE).round().astype(int)
    rng = np.random.default_rng(0)
    renamed = top.index[rng.random(len(top)) < 0.1]
    names = [f"Orbital Data Engineer {k}" for k in range(NEW_TITLES)]
    top.loc[renamed, TITLE] = rng.choice(names, len(renamed))
    path = tmp_path_factory.mktemp("newer") / "synthetic_newer.csv"
    pd.concat([top, frame], ignore_index=True).to_csv(path, index=False)
    # Taken for real, it would not be compared with a synthetic market.
    sidecar_path(path).write_text(json.dumps({"synthetic": True, "sha256": sha256_of(path)}))
    return path


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    code = "from mlpaygrade.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], check=False, capture_output=True, text=True, cwd=folder, env=environment
    )


@pytest.fixture(scope="module")
def one_window(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "one_window.toml"
    path.write_text(small_config.read_text().replace("folds = 2", "folds = 1"))
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_newer_file_is_trained_on_tracked_and_becomes_the_challenger(
    old_run: Run, newer_csv: Path, one_window: Path, tmp_path: Path
) -> None:
    command = ["train", "--data", str(newer_csv), "--config", str(one_window), "--output", "runs/new"]
    done = run(*command, "--train-through", "2024", "--old-bundle", str(old_run.bundle.path), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Protocol: trained on work years to 2024" in done.stdout
    assert (tmp_path / "runs" / "new" / "bundle" / "manifest.json").is_file()
    report = json.loads((tmp_path / "runs" / "new" / "drift.json").read_text())
    assert report["later_years"] == [2024, 2025]
    later = read_table(newer_csv).frame.query("work_year > 2023")
    assert 0 < report["new_titles"]["count"] <= later[TITLE].nunique()
    assert any(name.startswith("Orbital") for name, _ in report["new_titles"]["most_frequent"])
    assert report["error"]["rmse_log"]["promised"] is not None
    assert "new titles" in done.stderr
    assert "registered as version 1, the challenger" in done.stderr
    client = connect(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    version = client.get_model_version_by_alias(MODEL, CHALLENGER)
    assert "drift.json" in {item.path for item in client.list_artifacts(version.run_id)}
    tracked = client.get_run(version.run_id).data
    assert tracked.params["network.members"] == "2"
    assert tracked.metrics["network.rows.rmse_log"] > 0
    assert tracked.tags["data_sha256"]

    first = run("promote", "--data", str(newer_csv), folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert client.get_model_version_by_alias(MODEL, CHAMPION).version == version.version
