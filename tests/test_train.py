"""A whole run on a small synthetic market: report, bundle, parity, resume, honesty about synthetic data."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade import Predictor
from mlpaygrade.dataset.postings import build_postings, columns_of
from mlpaygrade.dataset.table import read_table
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.bundle import load_bundle
from mlpaygrade.training import forecaster as forecasting
from mlpaygrade.training.evaluate import evaluate_bundle
from mlpaygrade.training.run import train
from mlpaygrade.training.settings import read_settings


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
    tiny_run, synthetic_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(
        "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 2\n[calibration]\nfolds = 2\nwindow = 0.15\n"
    )
    settings, table = read_settings(config), read_table(synthetic_csv)
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


def test_stages_of_other_settings_are_not_taken_up(synthetic_csv: Path, tmp_path: Path) -> None:
    def start(members: int) -> list[str]:
        config = tmp_path / f"{members}.toml"
        config.write_text(
            f"[network]\nmembers = {members}\nhidden = [8]\n[training]\nepochs = 1\n[calibration]\nfolds = 2\nwindow = 0.15\n"
        )
        stages: list[str] = []

        def stop_late(stage: str, *_: object) -> None:
            stages.append(stage)
            if "window 2" in stage:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(
                read_table(synthetic_csv), output=tmp_path / "run", settings=read_settings(config), progress=stop_late
            )
        return stages

    assert any("window 1" in stage for stage in start(2))
    assert any("window 1" in stage for stage in start(3))


def test_evaluating_a_bundle_on_its_own_years_is_refused(tiny_run, synthetic_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no later advert"):
        evaluate_bundle(read_table(synthetic_csv), Predictor(tiny_run.bundle), output=tmp_path)


def test_the_same_seed_gives_the_same_network(synthetic_csv: Path) -> None:
    from mlpaygrade.training.fit import TrainingSettings, fit_network
    from mlpaygrade.training.network import NetworkSettings

    postings = build_postings(read_table(synthetic_csv).frame)
    small = NetworkSettings(members=2, hidden=(8,))

    def quantiles(seed: int) -> np.ndarray:
        fitted = fit_network(postings, network=small, training=TrainingSettings(seed=seed, epochs=1))
        return fitted.predict(fitted.encoder.transform(postings.jobs)).log_quantiles

    np.testing.assert_array_equal(quantiles(1), quantiles(1))
    assert not np.array_equal(quantiles(1), quantiles(2))


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
    synthetic_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changing every salary of the test year changes nothing of a bundle trained up to the year before."""
    table = read_table(synthetic_csv)
    seen: list[np.ndarray] = []
    real = forecasting.Calibration.fit

    def spy(prediction, truth):
        seen.append(truth.high_log)
        return real(prediction, truth)

    monkeypatch.setattr(forecasting.Calibration, "fit", spy)
    config = tmp_path / "c.toml"
    config.write_text(
        "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 1\n[calibration]\nfolds = 2\nwindow = 0.15\n"
    )
    networks = []
    for factor in (1, 2):
        frame = table.frame.copy()
        late = frame["work_year"] == 2024
        frame.loc[late, "salary_in_usd"] *= factor
        changed = type(table)(**{**{f: getattr(table, f) for f in table.__dataclass_fields__}, "frame": frame})
        run = train(
            changed,
            output=tmp_path / str(factor),
            settings=read_settings(config),
            through=2023,
            progress=lambda *_: None,
        )
        networks.append(run.bundle.part("network.onnx"))
        networks.append(run.bundle.part("calibration.json"))
    assert networks[0] == networks[2]
    assert networks[1] == networks[3]
    np.testing.assert_array_equal(seen[0], seen[1])
