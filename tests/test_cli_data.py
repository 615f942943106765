"""`mlpaygrade data` as a user meets it: what goes to stdout, what to stderr, and the exit code."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlpaygrade import cli
from mlpaygrade.dataset import sources
from mlpaygrade.dataset.sources import Edition
from mlpaygrade.job.fields import COLUMNS, TARGET
from mlpaygrade.job.lookup import rows
from mlpaygrade.testing.synthetic import SyntheticMarket


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "synthetic.csv"
    return SyntheticMarket(seed=4, n_postings=400).write(path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    monkeypatch.setenv("MLPAYGRADE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLPAYGRADE_DATA", raising=False)

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlpaygrade", "data", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return command


def test_check_prints_every_defect_and_exits_with_3(run: Any, market: Path, tmp_path: Path) -> None:
    lines = market.read_text().splitlines()
    fields = [line.split(",") for line in lines]
    for row, column, value in ((3, "experience_level", "Guru"), (5, "company_location", "XX"), (9, TARGET, "-5")):
        fields[row][list(COLUMNS).index(column)] = value
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([*(",".join(row) for row in fields), "2024,SE"]) + "\n")
    code, out, err = run("check", bad)
    assert code == 3
    for part in ("Guru", "row 3", "XX", "row 5", "-5", "row 9", "2 fields"):
        assert part in out
    assert out.count("defect:") == 4
    assert "4 rules" in err
    assert "Traceback" not in err
    code, out, _ = run("check", bad, "--json")
    assert code == 3
    document = json.loads(out)
    assert not document["ok"]
    assert [defect["first_rows"] for defect in document["defects"] if defect["column"] == TARGET] == [[9]]


def test_check_of_a_good_file_says_so(run: Any, market: Path) -> None:
    code, out, err = run("check", market)
    assert (code, err) == (0, "")
    assert "No defects" in out
    assert "SYNTHETIC" in out


def test_check_of_jobs_needs_no_salaries(run: Any, market: Path, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    keep = [place for place, column in enumerate(COLUMNS) if "salary" not in column]
    lines = [line.split(",") for line in market.read_text().splitlines()]
    jobs.write_text("\n".join(",".join(line[place] for place in keep) for line in lines) + "\n")
    assert run("check", jobs)[0] == 3
    assert run("check", jobs, "--jobs-only")[0] == 0


def test_audit_prints_evidence_claims_and_the_synthetic_label(run: Any, market: Path) -> None:
    code, out, _ = run("audit", market)
    assert code == 0
    assert "SYNTHETIC" in out
    for heading in ("ends of advertised bands", "Copies", "By year", "What the brief claims", "Verdict"):
        assert heading in out
    assert "\x1b" not in out  # plain when it is no terminal


def test_audit_json_is_the_same_audit(run: Any, market: Path) -> None:
    code, out, _ = run("audit", market, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["synthetic"]
    assert document["rows"] == len(market.read_text().splitlines()) - 1
    assert [claim["id"] for claim in document["claims"]] == [row["id"] for row in rows("claims", room="audit")]
    assert {year["year"] for year in document["pairing"]["years"]} >= {2022, 2023, 2024}


def test_the_file_is_found_where_it_was_named(run: Any, market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("audit")
    assert code == 5
    assert "data fetch" in err
    monkeypatch.setenv("MLPAYGRADE_DATA", str(market))
    by_variable, by_option = run("check"), run("check", "--data", market)
    assert by_variable[0] == 0
    assert by_variable[1] == by_option[1] == run("check", market)[1]
    code, _, err = run("check", market, "--data", market)
    assert code == 2
    assert "not both" in err
    assert run("audit", market.with_name("none.csv"))[0] == 3


def test_fetch_prints_the_path_and_keeps_progress_off_stdout(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stub(edition: Edition, **arguments: Any) -> Path:
        assert edition.name == "2025-01"
        assert arguments["source"] == "github"
        arguments["on_progress"](0, 2_000)
        arguments["on_progress"](2_000, 2_000)
        arguments["on_note"]("Line ends were written as LF.")
        return Path("somewhere.csv")

    monkeypatch.setattr(sources, "fetch", stub)
    code, out, err = run("fetch", "--edition", "2025-01")
    assert (code, out) == (0, "somewhere.csv\n")
    assert "2.0/2.0 kB" in err
    assert "Line ends" in err


def test_fetch_offline_or_from_nowhere_says_what_to_do(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "fetch", partial(sources.fetch, base_url="http://127.0.0.1:9"))
    code, out, err = run("fetch")
    assert (code, out) == (5, "")
    assert "--data" in err
    code, _, err = run("fetch", "--source", "ftp")
    assert code == 2
    assert "github or kaggle" in err


def test_editions_are_listed_and_another_name_is_refused(run: Any) -> None:
    code, out, _ = run("editions")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["brief", "2025-01", "2025-08"]
    assert "151,445 rows" in out
    assert [one["rows"] for one in json.loads(run("editions", "--json")[1])] == [16_494, 74_301, 151_445]
    code, _, err = run("fetch", "--edition", "latest")
    assert code == 2
    assert "2025-08" in err


def process(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlpaygrade", "data", *map(str, words)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_output_that_cannot_be_written_is_one_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = process("editions", stdout=full)
    assert done.returncode == 6
    assert done.stderr.splitlines() == [
        "Error: No space left on device. Free space, or check the permissions of what is read and written."
    ]


def test_a_console_without_unicode_and_names_with_control_characters(tmp_path: Path) -> None:
    path = tmp_path / "é\x1b[31m.csv"
    path.write_text("job_title,é\x1b[1m\na,b\n")
    done = process("check", path, stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\xe9" in done.stdout
