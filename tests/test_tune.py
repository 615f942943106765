"""Tuning: the newest year is never opened, a study is resumed and shared, and what it chose can be read back."""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.errors import DataError, InputError, ResourceError
from mlpaygrade.job.fields import YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.settings import Settings, read_settings
from research import tune as tuning
from research.contenders import NETWORK, TUNED, read_tuned, tuned_rivals
from research.rivals import RIVALS
from research.search import network_start, save_tuned, suggest_network
from research.tune import Tuned, tune

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("data") / "synthetic_market.csv"
    return read_table(SyntheticMarket(seed=2, n_postings=700).write(path))


def silent(*said: Any) -> None:
    pass


def test_nothing_of_the_newest_year_reaches_the_choice(table: Table, tmp_path: Path) -> None:
    frame = table.frame.copy()
    newest = frame[YEAR] == frame[YEAR].max()
    assert 100 < newest.sum() < len(frame)
    frame.loc[newest, "salary_in_usd"] = frame.loc[newest, "salary_in_usd"] * 3
    frame.loc[newest, "job_title"] = "Another Title"
    other = dataclasses.replace(table, frame=frame)
    one, two = (
        tune("backoff", given, trials=4, progress=silent, storage=str(tmp_path / f"{k}.log"))
        for k, given in enumerate((table, other))
    )
    assert one.settings == two.settings
    assert (one.rmse_log, one.pinball_log) == (two.rmse_log, two.pinball_log)


def test_a_study_goes_on_and_starts_from_the_defaults(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = str(tmp_path / "journal.log")
    first = tune("ridge", table, trials=2, progress=silent, storage=storage)
    judged: list[int] = []
    original = tuning._objective
    monkeypatch.setattr(
        tuning, "_objective", lambda trial, *rest: judged.append(trial.number) or original(trial, *rest)
    )
    second = tune("ridge", table, trials=5, progress=silent, storage=storage)
    assert judged == [2, 3, 4]
    assert second.trials == 5
    assert second.rmse_log <= first.rmse_log
    assert first.default_rmse_log == second.default_rmse_log
    assert second.rmse_log <= (second.default_rmse_log or 0)


@pytest.mark.parametrize("form", ["{}.log", "sqlite:///{}.db"])
def test_the_start_is_judged_again_where_its_process_was_killed(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    storage = form.format(tmp_path / "study")

    def killed(*_: Any) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_objective", killed)
        with pytest.raises(KeyboardInterrupt):
            tune("ridge", table, trials=2, progress=silent, storage=storage)
    found = tune("ridge", table, trials=2, progress=silent, storage=storage)
    assert found.trials == 2
    untouched = tune("ridge", table, trials=1, progress=silent, storage=str(tmp_path / "untouched.log"))
    assert found.default_rmse_log == untouched.default_rmse_log is not None


def test_workers_end_with_a_killed_parent(table: Table, tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from mlpaygrade.dataset.table import read_table\n"
        "from research.tune import tune\n"
        "if __name__ == '__main__':\n"
        "    tune('ridge', read_table(pathlib.Path(sys.argv[1])), trials=10**6, workers=2, storage=sys.argv[2],\n"
        "         progress=lambda *_: None)\n"
    )
    script, storage = tmp_path / "study.py", tmp_path / "journal.log"
    script.write_text(code)
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen([sys.executable, str(script), str(table.path), str(storage)], env=found) as process:
        try:
            _wait_until(lambda: storage.exists() and storage.read_bytes().count(b"settings") > 2)
        finally:
            process.kill()

    def silence() -> bool:
        before = storage.stat().st_size
        time.sleep(3)
        return storage.stat().st_size == before

    _wait_until(silence)


def _wait_until(reached: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_study_of_other_data_is_refused(table: Table, tmp_path: Path) -> None:
    storage = str(tmp_path / "journal.log")
    tune("constant", table, trials=1, progress=silent, storage=storage, study_name="one")
    other = dataclasses.replace(table, sha256="0" * 64)
    with pytest.raises(InputError, match="another --study name"):
        tune("constant", other, trials=1, progress=silent, storage=storage, study_name="one")


def test_several_processes_share_a_study_in_a_database(table: Table, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    found = tune("constant", table, trials=6, progress=silent, storage=url, workers=2)
    assert found.trials >= 6
    study = optuna.load_study(study_name=found.study["name"], storage=url)
    assert len({trial.params["half_life_years"] for trial in study.get_trials()}) == len(study.get_trials())


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"name": "perceptron"}, InputError, "no model"),
        ({"trials": 0}, InputError, "at least 1"),
        ({"storage": "nosuch://secret@host/db"}, ResourceError, "host/db cannot be opened"),
        ({"storage": "postgresql+psycopg2://me:secret@127.0.0.1:9/db"}, ResourceError, r"postgres\]"),
    ],
)
def test_bad_input_is_said_plainly(
    table: Table, arguments: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"name": "constant", "trials": 1, "storage": str(tmp_path / "j.log"), **arguments}
    with pytest.raises(error, match=said) as caught:
        tune(given.pop("name"), table, progress=silent, **given)
    assert "secret" not in str(caught.value)


def test_one_year_is_not_enough(table: Table, tmp_path: Path) -> None:
    frame = table.frame[table.frame[YEAR] == 2024].reset_index(drop=True)
    with pytest.raises(DataError, match="at least two years"):
        tune("constant", dataclasses.replace(table, frame=frame), trials=1, progress=silent)


def test_a_rivals_settings_are_read_back_as_they_were_chosen(tmp_path: Path) -> None:
    rival = RIVALS["lightgbm"].suggest(_drawn())
    path = tmp_path / "tuned.toml"
    for name, settings in (("lightgbm", dataclasses.asdict(rival)), ("constant", {"half_life_years": 0.3})):
        save_tuned(_outcome(name, settings), folder=tmp_path, rivals=path)
    read = tuned_rivals(path)
    assert set(read) == set(RIVALS)
    assert read["constant"] == dataclasses.replace(RIVALS["constant"](), half_life_years=0.3)
    for field, value in dataclasses.asdict(read["lightgbm"]).items():
        assert value == pytest.approx(getattr(rival, field), rel=1e-5)
    assert read_tuned(path)["lightgbm"]["study"]["name"] == "test"
    path.write_text("[constant.settings]\nhalf_lives = 3\n")
    with pytest.raises(InputError, match="half_lives"):
        tuned_rivals(path)


def test_the_networks_settings_are_a_file_that_train_reads(tmp_path: Path) -> None:
    base = read_settings(None)
    drawn = suggest_network(_drawn(), base)
    path = save_tuned(_outcome(NETWORK, drawn.to_json()), folder=tmp_path, rivals=tmp_path / "tuned.toml")
    read = read_settings(path)
    assert read.network.hidden == drawn.network.hidden
    assert read.training.epochs == drawn.training.epochs
    assert read.calibration == base.calibration
    assert read.training.learning_rate == pytest.approx(drawn.training.learning_rate, rel=1e-5)


def test_the_networks_search_starts_where_its_settings_are() -> None:
    base = Settings()
    drawn = suggest_network(optuna.trial.FixedTrial(network_start(base)), base)
    assert drawn == base


def test_the_packaged_settings_fit_the_rivals_and_name_their_study() -> None:
    entries = read_tuned(TUNED)
    assert set(entries) == set(tuned_rivals()) == set(RIVALS)
    for name, entry in entries.items():
        assert entry["study"]["years"].endswith("2023"), name
        assert entry["study"]["trials"] >= 20, name


def _drawn() -> optuna.Trial:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1)).ask()


def _outcome(name: str, settings: dict[str, Any]) -> Tuned:
    return Tuned(
        name=name,
        settings=settings,
        rmse_log=0.35,
        pinball_log=0.09,
        default_rmse_log=None,
        trials=3,
        pruned=1,
        seconds=1.5,
        study={"name": "test", "postings": 12},
    )


def test_a_rolling_windows_score_is_the_row_wise_rmse(table: Table) -> None:
    from mlpaygrade.dataset.postings import build_postings, rolling_origin
    from research.contenders import RivalContender

    past = tuning.training_years(build_postings(table.frame))
    split = rolling_origin(past, folds=3, window=0.12)[-1]
    assert split.test.max() == len(past) - 1
    contender = RivalContender(label="ridge", rival=RIVALS["ridge"](), config=Settings())
    error, loss = tuning.fold_scores(contender, past, split, quantiles=False)
    test = past.take(split.test)
    estimate = contender.fit(past.take(split.train), quantiles=False).log_estimate(test)
    squares = [(test.high_log - estimate) ** 2, (test.low_log - estimate)[test.paired] ** 2]
    assert error == pytest.approx(float(np.sqrt(np.mean(np.concatenate(squares)))))
    assert np.isnan(loss)
