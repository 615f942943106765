"""A whole run on a small synthetic market: report, bundle, parity, resume, honesty about synthetic data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade import Predictor
from mlpaygrade.dataset.postings import build_postings, columns_of
from mlpaygrade.dataset.table import read_table
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.bundle import load_bundle
from mlpaygrade.training import run as run_module
from mlpaygrade.training.measure import evaluate_bundle
from mlpaygrade.training.run import Run, train
from mlpaygrade.training.settings import Settings, read_settings

LeaveOut = Callable[[pytest.MonkeyPatch], None]


def test_the_run_reports_its_protocol_and_its_data(tiny_run) -> None:
    report = json.loads((tiny_run.folder / "report.json").read_text())
    assert report["protocol"] == "trained on work years to 2023, tested on every row of 2024"
    assert report["synthetic"]
    assert report["network"]["rows"]["rmse_log"] > 0
    ledger = {item["dimension"] for item in report["network"]["slices"]}
    assert ledger >= {
        "market",
        "country group",
        "year",
        "experience",
        "rests on",
        "closest advertised job",
        "order of arrival",
    }
    assert report["export_difference"] < 1e-4
    assert not (tiny_run.folder / "work").exists()


def test_the_bundle_is_trained_on_every_year_and_marked_synthetic(tiny_run) -> None:
    provenance = load_bundle(tiny_run.bundle.path).provenance
    assert provenance["trained_through"] == 2024
    assert provenance["synthetic"]


def test_quantiles_never_cross(tiny_run, synthetic_csv: Path) -> None:
    jobs = build_postings(read_table(synthetic_csv).frame).jobs
    prediction = Predictor(tiny_run.bundle).predict(columns_of(jobs))
    assert (np.diff(prediction.log_quantiles, axis=-1) >= 0).all()


def test_a_killed_run_resumes_and_leaves_the_old_bundle(
    *,
    tiny_run: Run,
    synthetic_csv: Path,
    small_settings: Settings,
    only_the_model: LeaveOut,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_the_model(monkeypatch)
    settings, table = small_settings, read_table(synthetic_csv)
    output = tmp_path / "run"
    (output / "bundle").mkdir(parents=True)
    for file in tiny_run.bundle.path.iterdir():
        (output / "bundle" / file.name).write_bytes(file.read_bytes())

    def killed_in_the_second_window(stage: str, *_: object) -> None:
        if "window 2" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(table, output=output, settings=settings, through=2023, progress=killed_in_the_second_window)
    assert load_bundle(output / "bundle").manifest == tiny_run.bundle.manifest

    stages: list[str] = []
    run = train(table, output=output, settings=settings, through=2023, progress=lambda stage, *_: stages.append(stage))
    assert not any("window 1" in stage for stage in stages), "the finished window was fitted again"
    assert run.bundle.provenance["trained_through"] == 2023


def test_stages_of_other_settings_are_not_taken_up(
    synthetic_csv: Path, small_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(members: int) -> bool:
        """A run that leaves a stage behind and is killed; whether it found one."""
        found: list[bool] = []

        def killed(*_: object, work: Path, **__: object) -> None:
            found.append((work / "stage").exists())
            (work / "stage").touch()
            raise KeyboardInterrupt

        monkeypatch.setattr(run_module, "fit_forecaster", killed)
        settings = replace(small_settings, network=replace(small_settings.network, members=members))
        with pytest.raises(KeyboardInterrupt):
            train(read_table(synthetic_csv), output=tmp_path / "run", settings=settings, progress=lambda *_: None)
        return found[0]

    assert [start(2), start(2), start(3), start(3), start(2)] == [False, True, False, True, False]


def test_evaluating_a_bundle_on_its_own_years_is_refused(tiny_run, synthetic_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no later advert"):
        evaluate_bundle(read_table(synthetic_csv), Predictor(tiny_run.bundle), output=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[network]\nmember = 3\n", "unknown key 'member'"),
        ("[nets]\n", "unknown key 'nets'"),
        ("[network]\nmembers = 'many'\n", "members must be of the kind"),
        ("network = 3\n", "must be a table"),
        ("[network\n", "is not TOML"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_settings(path)


def test_calibration_never_sees_the_test_year(
    *,
    old_run: Run,
    synthetic_csv: Path,
    small_settings: Settings,
    only_the_model: LeaveOut,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Changing every salary of the test year changes nothing of a bundle trained up to the year before."""
    only_the_model(monkeypatch)
    table = read_table(synthetic_csv)
    frame = table.frame.copy()
    frame.loc[frame["work_year"] == 2024, "salary_in_usd"] *= 2
    run = train(
        replace(table, frame=frame), output=tmp_path, settings=small_settings, through=2023, progress=lambda *_: None
    )
    for name in ("network.onnx", "calibration.json", "abstention.json"):
        assert run.bundle.part(name) == old_run.bundle.part(name)
    assert run.report["network"]["rows"] != old_run.report["network"]["rows"]
