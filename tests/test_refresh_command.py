"""`mlpaygrade refresh`: killed after and before each result it resumes to the same end; what fails leaves what served alone."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.audit.summary import ArrivalOrder
from mlpaygrade.dataset.postings import build_postings, temporal
from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.table import Table, read_table, sidecar_path
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.evaluation.drift import known_to, rows_by_year
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import JobColumns
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training import contest
from mlpaygrade.training import refresh as module
from mlpaygrade.training.arrival import Division
from mlpaygrade.training.refresh import Outcome, Request, refresh
from mlpaygrade.training.run import Run, finished_run
from mlpaygrade.training.settings import Settings, read_settings

CONFIG = "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 1\n[calibration]\nfolds = 1\nwindow = 0.25\n"
STEPS = ("fetch", "check", "champion", "audit", "drift", "train", "compare", "candidate", "documentation", "promote")
METHODS = ("_drift", "_train", "_compare", "_assemble", "_document", "_promote")
BIAS = 0.4


class Worse(Predictor):
    """A model whose answers lie too high."""

    def predict(self, jobs: JobColumns) -> Prediction:
        made = super().predict(jobs)
        return Prediction(made.log_quantiles + np.float32(BIAS), made.log_members + np.float32(BIAS))


class KilledError(Exception):
    """As if the process ended here."""


def quiet(*_: object) -> None:
    return None


def write(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    sidecar_path(path).write_text(json.dumps({"synthetic": True, "sha256": sha256_of(path)}))
    return path


@pytest.fixture(scope="module", autouse=True)
def _only_the_model(only_the_model: Callable[[pytest.MonkeyPatch], None]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        only_the_model(patched)
        yield


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    return write(SyntheticMarket(seed=5, n_postings=1500).generate(), folder / "synthetic.csv")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = tmp_path_factory.mktemp("settings") / "tiny.toml"
    path.write_text(CONFIG)
    return read_settings(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows the years to 2023, with a part of a longer study."""
    folder = tmp_path_factory.mktemp("served")
    bundle = load_bundle()
    figures = {"rows": 1, "rmse_log": 0.4, "coverage_90": 0.9, "width_90_usd": 1}
    ageing = {
        "months": ["2024-01"],
        "epochs": 1,
        "epochs_of_the_served_model": 1,
        "policies": {},
        "by_age": [{"months_behind": 0, "old": figures, "fresh": figures}],
    }
    provenance = {**bundle.provenance, "synthetic": True, "data_sha256": "0" * 64, "newest_day": None}
    provenance = {**provenance, "trained_through": 2023, "rows_by_year": None}
    write_bundle(folder / "bundle", {**bundle.parts, "ageing.json": ageing}, provenance=provenance)
    return folder / "bundle"


@pytest.fixture(scope="module", autouse=True)
def _worse_champion(_only_the_model: None) -> Iterator[None]:
    """The served model answers too high wherever the two are compared, so that the new one is clearly better."""
    original = module.compare

    def compare(new: Predictor, old: Predictor | None, division: Division) -> dict[str, Any]:
        return original(new, Worse(old.bundle) if old else None, division)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "compare", compare)
        yield


@pytest.fixture(scope="module")
def whole(
    market: Path, settings: Settings, served: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Request, Outcome]:
    """A refresh that nothing interrupts, with a real training."""
    folder = tmp_path_factory.mktemp("whole")
    request = _request(market, settings, served, folder)
    return request, refresh(request, progress=quiet, say=quiet)


@pytest.fixture
def trained(whole: tuple[Request, Outcome], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Trainings are copies of that one; the list counts them."""
    done: list[str] = []

    def copy(table: Table, *, output: Path, **_: object) -> Run:
        done.append(output.name)
        shutil.copytree(whole[0].output / output.name, output)
        return finished_run(output)

    monkeypatch.setattr(module, "train", copy)
    return done


@pytest.fixture
def request_(market: Path, settings: Settings, served: Path, tmp_path: Path) -> Request:
    return _request(market, settings, served, tmp_path)


def _request(market: Path, settings: Settings, served: Path, folder: Path) -> Request:
    """A refresh in a checkout with a document."""
    shutil.copytree(served, folder / "bundle")
    checkout = folder / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    (checkout / "README.md").write_text("old\n")
    (checkout / "scripts" / "docs.py").write_text(
        "import sys, pathlib\n"
        "bundle, into = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4])\n"
        "into.mkdir(parents=True, exist_ok=True)\n"
        "(into / 'README.md').write_text(f'{(bundle / \"manifest.json\").stat().st_size > 0}\\n')\n"
    )
    return Request(
        data=str(market), output=folder / "run", champion=folder / "bundle", settings=settings, checkout=checkout
    )


def dying_after(step: str) -> Callable[[str], None]:
    def say(text: str) -> None:
        if text == f"{step}: done":
            raise KilledError

    return say


def dying_in(do: Callable[[object], object]) -> Callable[[object], None]:
    def die(self: object) -> None:
        do(self)
        raise KilledError

    return die


def test_killed_at_any_moment_it_resumes_to_the_same_end(
    request_: Request,
    served: Path,
    whole: tuple[Request, Outcome],
    trained: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = load_bundle(served).manifest
    expected = whole[1]
    assert expected.promoted, expected.text
    moments = 0
    for step in STEPS:
        method = next((name for name in METHODS if STEPS[4 + METHODS.index(name)] == step), None)
        if method is not None:  # killed after its work, before its result is written
            with monkeypatch.context() as patched:
                patched.setattr(module._Refresh, method, dying_in(getattr(module._Refresh, method)))
                with pytest.raises(KilledError):
                    refresh(request_, progress=quiet, say=quiet)
            moments += 1
        if step != "promote":
            assert load_bundle(request_.champion).manifest == before
        with pytest.raises(KilledError):
            refresh(request_, progress=quiet, say=dying_after(step))
        moments += 1
    assert moments == 16
    said: list[str] = []
    outcome = refresh(request_, progress=quiet, say=said.append)
    assert said == [f"{step}: done before" for step in STEPS]
    assert len(trained) == 1
    assert load_bundle(request_.champion).manifest == load_bundle(whole[0].champion).manifest
    assert load_bundle(request_.champion).has("ageing.json")
    assert outcome.text.replace(str(request_.champion), "") == expected.text.replace(str(whole[0].champion), "")
    assert "**Promoted**" in outcome.text
    assert request_.checkout is not None
    assert (request_.checkout / "README.md").read_text() == "True\n"

    again = refresh(replace(request_, output=request_.output.with_name("again")), progress=quiet, say=quiet)
    assert not again.promoted
    assert "no advert is new to the served model" in again.text


@pytest.mark.parametrize("method", ["_drift", "_compare", "_assemble", "_document"])
def test_a_failing_step_leaves_what_served(
    method: str, request_: Request, served: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(self: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module._Refresh, method, fail)
    with pytest.raises(OSError, match="No space"):
        refresh(request_, progress=quiet, say=quiet)
    assert load_bundle(request_.champion).manifest == load_bundle(served).manifest
    assert {path.name for path in request_.champion.iterdir()} == {path.name for path in served.iterdir()}
    assert request_.checkout is not None
    assert (request_.checkout / "README.md").read_text() == "old\n"


def test_a_model_that_is_no_better_does_not_serve(
    request_: Request, served: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads('{"protocol": "p", "promoted": false, "reason": "it is not better"}')
    monkeypatch.setattr(module, "compare", lambda *_: found)
    outcome = refresh(request_, progress=quiet, say=quiet)
    assert not outcome.promoted
    assert "**Not promoted**: it is not better. The served model stays." in outcome.text
    assert (request_.output / "summary.md").read_text() == outcome.text
    assert load_bundle(request_.champion).manifest == load_bundle(served).manifest


def test_the_new_model_is_signed_with_the_key_that_was_named(
    request_: Request, trained: list[str], keys: dict[str, Path]
) -> None:
    with pytest.raises(InputError, match="private key"):
        refresh(replace(request_, sign_with=keys["ours.pub"]), progress=quiet, say=quiet)
    assert trained == []
    assert refresh(replace(request_, sign_with=keys["ours.pem"]), progress=quiet, say=quiet).promoted
    assert load_bundle(request_.champion, public_key=keys["ours.pub"]).manifest.signature


def test_a_shuffled_file_withholds_claims_of_time(request_: Request, market: Path, tmp_path: Path) -> None:
    frame = read_table(market).frame.sample(frac=1.0, random_state=0)
    outcome = refresh(
        replace(request_, data=str(write(frame, tmp_path / "synthetic_shuffled.csv"))), progress=quiet, say=quiet
    )
    assert not outcome.promoted
    assert "no order of arrival" in outcome.text
    assert not list(request_.output.glob("train-*"))


def test_a_champion_meets_a_challenger_that_knows_at_least_as_much(
    market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read_table(market)
    postings = build_postings(table.frame)
    day = SimpleNamespace(test_after=date(2024, 1, 1))
    own = Division(postings=postings, split=temporal(postings, through=2023), protocol="by the edition's day")
    monkeypatch.setattr(contest, "known_file", lambda _: day)
    monkeypatch.setattr(contest, "divide", lambda *_, **__: own)
    monkeypatch.setattr(contest, "MIN_NEW", 10)
    arrival = ArrivalOrder("newest first", "")

    def divided(rows_of_2024: int) -> Division:
        past = rows_by_year(postings.take(postings.year <= 2023))
        champion = {"synthetic": True, "data_sha256": "0" * 64, "rows_by_year": past | {"2024": rows_of_2024}}
        found = contest.prepare_contest(table, champion, arrival=arrival).division
        assert found is not None
        assert found.split is not None
        assert not known_to(champion, postings)[found.split.test].any()
        return found

    assert divided(0).protocol == own.protocol
    later = divided(300)
    assert later.protocol != own.protocol
    assert later.split is not None
    champion_knows = rows_by_year(later.past).get("2024", 0)
    assert champion_knows > 300, "the challenger would be staler than the champion"


def test_a_wrong_file_or_both_sources_are_refused(request_: Request, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{YEAR}\n2024\n")
    with pytest.raises(DataError):
        refresh(replace(request_, data=str(bad)), progress=quiet, say=quiet)
    with pytest.raises(InputError, match="not both"):
        refresh(replace(request_, edition="brief"), progress=quiet, say=quiet)
