"""The command line as its users meet it: separate processes, exit codes, clean stdout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlpaygrade", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


JOB = ("--title", "Data Scientist", "--experience", "SE", "--location", "US")


def test_predict_prints_the_promised_json_and_nothing_else() -> None:
    done = run("predict", *JOB, "--remote", "100", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= {"job", "estimate_usd", "band_usd", "intervals_usd", "support", "model", "notes"}
    assert set(answer["intervals_usd"]) == {"50", "80", "90"}
    assert answer["band_usd"]["low"] <= answer["band_usd"]["high"]
    assert answer["model"]["measured_coverage"]["protocol"]


def test_predict_says_where_an_offer_stands_and_what_the_spread_is_made_of() -> None:
    done = run("predict", *JOB, "--offer", "150000", "--json")
    answer = json.loads(done.stdout)
    assert answer["offer"]["usd"] == 150_000
    assert 0.01 < answer["offer"]["percentile"] < 0.99
    assert sum(answer["error_budget"][part]["share"] for part in ("band", "market", "model")) == pytest.approx(
        1, abs=0.002
    )
    told = run("predict", *JOB, "--offer", "150000").stdout
    assert f"about {round(100 * (1 - answer['offer']['percentile']))} of 100 such jobs are advertised for more" in told
    assert "Low end, 90 %" in told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("predict", "--title", "x", "--experience", "Guru", "--location", "US"), 2, "experience level must be one of"),
        (("predict", *JOB, "--offer", "-5"), 2, "Pay is above zero"),
        (("predict", *JOB, "--bundle", "nowhere"), 4, "There is no bundle"),
        (("predict", "--experience", "SE"), 2, "--title"),
        (("score", "nowhere.csv", "--output", "out.csv"), 3, "must exist"),
        (("train", "--output", "run", "--data", "nowhere.csv"), 5, "nowhere.csv"),
        (("train", "--output", "run", "--config", "nowhere.toml"), 2, "cannot be read"),
    ],
)
def test_mistakes_end_in_a_message_and_their_exit_code(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_score_exits_with_three_when_rows_have_no_answer(tmp_path: Path) -> None:
    header = "work_year,experience_level,employment_type,job_title,employee_residence,remote_ratio,company_location,company_size"
    (tmp_path / "in.csv").write_text(
        f"{header}\n2024,SE,FT,Data Analyst,US,0,US,M\n2024,??,FT,Data Analyst,US,0,US,M\n"
    )
    done = run("score", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"))
    assert done.returncode == 3
    assert "1 of 2 rows answered" in done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


def test_a_synthetic_bundle_says_so(tiny_run) -> None:
    done = run("predict", *JOB, "--bundle", str(tiny_run.bundle.path))
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC" in done.stderr


def test_train_and_track_end_to_end(synthetic_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = tmp_path / "c.toml"
    config.write_text(
        "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 1\n[calibration]\nfolds = 2\nwindow = 0.15\n"
    )
    done = run(
        "train", "--data", str(synthetic_csv), "--config", str(config), "--output", str(tmp_path / "runs" / "one")
    )
    assert done.returncode == 0, done.stderr
    assert "Protocol: trained on work years to 2023" in done.stdout
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    (found,) = mlflow.search_runs(experiment_names=["mlpaygrade"], output_format="list")
    assert found.data.params["network.members"] == "2"
    assert found.data.metrics["network.rows.rmse_log"] > 0
    assert found.data.tags["data_sha256"]
    assert (tmp_path / "runs" / "one" / "bundle" / "manifest.json").is_file()
