"""The checks against leaks as training runs them: a leak planted into a real run stops it before a bundle is written."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, Split, build_postings, random_rows, temporal
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.evaluation.leakage import LeakageError, check_validation
from mlpaygrade.forecast.encode import Encoded, JobColumns, JobEncoder
from mlpaygrade.training import arrival
from mlpaygrade.training import fit as fitting
from mlpaygrade.training import forecaster as forecasting
from mlpaygrade.training import run as training
from mlpaygrade.training.forecaster import Forecaster, fit_calibration, fit_forecaster
from mlpaygrade.training.settings import Settings, read_settings

THROUGH = 2023


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(
        "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 1\n[calibration]\nfolds = 2\nwindow = 0.15\n"
    )
    return read_settings(path)


@pytest.fixture(scope="module")
def table(synthetic_csv: Path) -> Table:
    return read_table(synthetic_csv)


@pytest.fixture(scope="module")
def postings(table: Table) -> Postings:
    return build_postings(table.frame)


@pytest.fixture(scope="module")
def test(postings: Postings) -> Postings:
    return postings.take(temporal(postings, through=THROUGH).test)


@dataclasses.dataclass
class Fits:
    """What the network was fitted on and stopped by, call by call."""

    calls: list[tuple[Postings, Postings | None]] = dataclasses.field(default_factory=list)


@pytest.fixture(scope="module")
def honest(postings: Postings, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Forecaster, Fits]:
    """The forecaster of the years to 2023, and every fit behind it."""
    fits, real = Fits(), fitting.fit_network

    def spy(fitted_on: Postings, validation: Postings | None = None, **more: Any) -> Any:
        fits.calls.append((fitted_on, validation))
        return real(fitted_on, validation, **more)

    past = postings.take(temporal(postings, through=THROUGH).train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "fit_network", spy)
        made = fit_forecaster(past, settings=settings, work=tmp_path_factory.mktemp("work"), progress=lambda *_: None)
    return made, fits


class ReachedError(Exception):
    """Training came past every check that stands before the report."""


Start = Callable[..., None]


@pytest.fixture
def start(table: Table, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`train` with a given forecaster for its own; ends with a LeakageError, or with ReachedError once it would report."""

    def report(*_: Any, **__: Any) -> Any:
        raise ReachedError

    def begin(given: Forecaster, *, through: int | None) -> None:
        monkeypatch.setattr(training, "fit_forecaster", lambda *_, **__: given)
        monkeypatch.setattr(training, "tested", report)
        training.train(table, output=tmp_path, settings=settings, through=through, progress=lambda *_: None)

    return begin


def encoder_of_all(made: Forecaster, postings: Postings, settings: Settings) -> Forecaster:
    encoder = JobEncoder.fit(postings.jobs, min_count=settings.training.min_count)
    return dataclasses.replace(made, fitted=dataclasses.replace(made.fitted, encoder=encoder))


def pay_in_a_feature(made: Forecaster, postings: Postings, settings: Settings) -> Forecaster:
    past = postings.take(temporal(postings, through=THROUGH).train)

    @dataclasses.dataclass(frozen=True)
    class Sly(JobEncoder):
        def transform(self, jobs: JobColumns) -> Encoded:
            encoded = super().transform(jobs)
            numeric = np.array(encoded.numeric)
            numeric[:, 0] = past.high_log[: len(numeric)]
            return dataclasses.replace(encoded, numeric=numeric)

    own = {field.name: getattr(made.fitted.encoder, field.name) for field in dataclasses.fields(JobEncoder)}
    return dataclasses.replace(made, fitted=dataclasses.replace(made.fitted, encoder=Sly(**own)))


def calibrated_on_the_test(made: Forecaster, postings: Postings, settings: Settings) -> Forecaster:
    windows = [temporal(postings, through=THROUGH)]
    held_out = postings.take(windows[0].test)
    raw = made.fitted.predict(made.fitted.encoder.transform(held_out.jobs))
    calibration, groups = fit_calibration(raw, postings, windows, min_count=settings.training.min_count)
    return dataclasses.replace(made, calibration=calibration, groups=groups, raw=raw, held_out=held_out)


def calibration_of_the_test_under_an_honest_label(
    made: Forecaster, postings: Postings, settings: Settings
) -> Forecaster:
    planted = calibrated_on_the_test(made, postings, settings)
    return dataclasses.replace(made, calibration=planted.calibration)


def limit_of_refusal_tuned_on_the_test(made: Forecaster, postings: Postings, settings: Settings) -> Forecaster:
    windows = [temporal(postings, through=THROUGH)]
    held_out = postings.take(windows[0].test)
    raw = made.fitted.predict(made.fitted.encoder.transform(held_out.jobs))
    planted = forecasting.fit_abstention(raw, held_out)
    assert planted != made.abstention
    return dataclasses.replace(made, abstention=planted)


PLANTS: dict[str, tuple[Callable[[Forecaster, Postings, Settings], Forecaster], str]] = {
    "the target in a feature": (pay_in_a_feature, "No feature may hold the target"),
    "an encoder fitted on the test": (encoder_of_all, "fitted on training postings only"),
    "calibrated on the test": (calibrated_on_the_test, "must not be test postings"),
    "a limit of refusal tuned on the test": (limit_of_refusal_tuned_on_the_test, "limit of refusal must be"),
    "shifts tuned on the test": (calibration_of_the_test_under_an_honest_label, "must be what its held-out"),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_leak_planted_into_the_forecaster_stops_the_run(
    name: str, start: Start, postings: Postings, settings: Settings, honest: tuple[Forecaster, Fits]
) -> None:
    """Without --train-through too, where the network that is judged is not the one that ships."""
    plant, said = PLANTS[name]
    planted = plant(honest[0], postings, settings)
    for through in (THROUGH, None):
        with pytest.raises(LeakageError, match=said):
            start(planted, through=through)


def test_an_honest_forecaster_is_let_through(start: Start, honest: tuple[Forecaster, Fits]) -> None:
    for through in (THROUGH, None):
        with pytest.raises(ReachedError):
            start(honest[0], through=through)


def random_postings(postings: Postings, *, through: int) -> Split:
    return random_rows(len(postings))


def one_posting_of_the_future(postings: Postings, *, through: int) -> Split:
    split = temporal(postings, through=through)
    signature = postings.signature()
    single = [at for at in split.test if (signature == signature[at]).sum() == 1][-1]
    return Split(name=split.name, train=np.append(split.train, single), test=split.test[split.test != single])


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (random_postings, "Copies of a posting"),
        (one_posting_of_the_future, "Copies of a posting|Training must end before"),
    ],
)
def test_a_split_that_leaks_stops_the_run(
    split: Any, said: str, start: Start, honest: tuple[Forecaster, Fits], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "temporal", split)
    with pytest.raises(LeakageError, match=said):
        start(honest[0], through=THROUGH)


def test_what_stops_the_training_is_neither_fitted_on_nor_tested_on(
    honest: tuple[Forecaster, Fits], test: Postings, settings: Settings
) -> None:
    """Every fit that training made, as it made it; and each with the test planted as what stops it."""
    stopped = [(fitted_on, validation) for fitted_on, validation in honest[1].calls if validation is not None]
    assert len(stopped) == settings.calibration.folds
    for fitted_on, validation in stopped:
        check_validation(validation, fitted_on=fitted_on, test=test)
        with pytest.raises(LeakageError, match="must not be test"):
            check_validation(test, fitted_on=fitted_on, test=test)
        with pytest.raises(LeakageError, match="it is fitted on"):
            check_validation(fitted_on, fitted_on=fitted_on, test=test)
    (last,) = (fitted_on for fitted_on, validation in honest[1].calls if validation is None)
    check_validation(test, fitted_on=last, test=None)
