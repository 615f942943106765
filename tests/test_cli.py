"""The command line as its users meet it: exit codes and clean stdout, in a process where that is the point."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import platformdirs
import pytest

from mlpaygrade.cli import main, run_app


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlpaygrade", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


Inside = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """A command in this process: exit code, stdout, stderr."""

    def run_inside(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlpaygrade", *arguments])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return run_inside


JOB = ("--title", "Data Scientist", "--experience", "SE", "--location", "US")


def test_predict_prints_the_promised_json_and_nothing_else() -> None:
    done = run("predict", *JOB, "--remote", "100", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= {"job", "estimate_usd", "band_usd", "intervals_usd", "support", "model", "notes"}
    assert set(answer["intervals_usd"]) == {"50", "80", "90"}
    assert answer["band_usd"]["low"] <= answer["band_usd"]["high"]
    assert answer["model"]["measured_coverage"]["protocol"]


def test_predict_says_where_an_offer_stands_and_what_the_spread_is_made_of(inside: Inside) -> None:
    _, out, _ = inside("predict", *JOB, "--offer", "150000", "--json")
    answer = json.loads(out)
    assert answer["offer"]["usd"] == 150_000
    assert 0.01 < answer["offer"]["percentile"] < 0.99
    assert sum(answer["error_budget"][part]["share"] for part in ("band", "market", "model")) == pytest.approx(
        1, abs=0.002
    )
    _, told, _ = inside("predict", *JOB, "--offer", "150000")
    above = round(100 * (1 - answer["offer"]["percentile"]))
    assert f"about {above} of 100 figures advertised for such jobs lie above it" in told
    assert "Low end, 90 %" in told


def test_a_mistake_ends_a_process_with_a_message_and_its_exit_code() -> None:
    done = run("predict", *JOB, "--offer", "-5")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Pay is above zero" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.filterwarnings("ignore")  # what the libraries of training say while they are imported
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("predict", "--title", "x", "--experience", "Guru", "--location", "US"), 2, "experience level must be one of"),
        (("predict", *JOB, "--offer", "-5"), 2, "Pay is above zero"),
        (("predict", *JOB, "--bundle", "nowhere"), 4, "There is no bundle"),
        (("predict", "--experience", "SE"), 2, "--title"),
        (("predict", *JOB, "--salaries", "15"), 2, "15 is not in the range"),
        (("predic", *JOB), 2, "Did you mean 'predict'?"),
        (("score", "nowhere.csv", "--output", "out.csv"), 3, "must exist"),
        (("train", "--output", "run", "--data", "nowhere.csv"), 5, "nowhere.csv"),
        (("train", "--output", "run", "--config", "nowhere.toml"), 2, "cannot be read"),
    ],
)
def test_mistakes_end_in_a_message_and_their_exit_code(
    *,
    arguments: tuple[str, ...],
    code: int,
    said: str,
    inside: Inside,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended, out, err = inside(*arguments)
    assert ended == code, err
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["mlpaygrade"])
    with pytest.raises(SystemExit) as ended:
        run_app(stopped)
    assert ended.value.code == 130
    assert capsys.readouterr().err.strip() == "Interrupted."


def test_score_exits_with_three_when_rows_have_no_answer(tmp_path: Path) -> None:
    header = "work_year,experience_level,employment_type,job_title,employee_residence,remote_ratio,company_location,company_size"
    (tmp_path / "in.csv").write_text(
        f"{header}\n2024,SE,FT,Data Analyst,US,0,US,M\n2024,??,FT,Data Analyst,US,0,US,M\n"
    )
    done = run("score", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"))
    assert done.returncode == 3
    assert "1 of 2 rows answered" in done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


def test_a_synthetic_bundle_says_so(tiny_run, inside: Inside) -> None:
    code, _, err = inside("predict", *JOB, "--bundle", str(tiny_run.bundle.path))
    assert code == 0, err
    assert "SYNTHETIC" in err


def test_a_process_without_a_console_does_its_work(synthetic_csv: Path) -> None:
    words = ["data", "audit", "--data", str(synthetic_csv)]
    again = "os.execv(sys.executable, [sys.executable, '-m', 'mlpaygrade', *sys.argv[1:]])"
    code = f"import os, sys; os.close(1); os.close(2); {again}"
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == 0


def test_a_user_without_a_home_is_told_what_to_set(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: object, **__: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("MLPAYGRADE_CACHE", raising=False)
    monkeypatch.delenv("MLPAYGRADE_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", homeless)
    for words in (["data", "editions"], ["data", "audit"]):
        code, _, said = inside(*words)
        assert code == 6
        assert "Set HOME or MLPAYGRADE_CACHE" in said


def test_the_list_of_commands_ends_no_sentence_short() -> None:
    from click.testing import CliRunner

    from mlpaygrade.cli import app

    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "the range of nine in ten, how strong that is, and where an offer stands." in shown
    assert "..." not in shown.replace("[ARGS]...", "")
