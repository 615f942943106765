"""How a model ages: every model answers later months only, old and fresh ones the same adverts, and answers say what age cost."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.errors import DataError
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
from mlpaygrade.forecast.distribution import LEVELS, Prediction
from mlpaygrade.forecast.encode import JobColumns, JobEncoder
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.remarks import age_note
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.settings import NetworkSettings, Settings, TrainingSettings
from research import ageing
from research.ageing import ageing_text, pooled, walk

TINY = Settings(network=NetworkSettings(members=2, hidden=(8,)), training=TrainingSettings(epochs=1))
MONTHS = 3


class Quantiles:
    """In place of a network: the quantiles of its past, for every job alike."""

    def __init__(self, past: Postings) -> None:
        self.encoder = JobEncoder.fit(past.jobs, min_count=5)
        self.log = np.quantile(past.low_log, LEVELS).astype(np.float32)

    def forecast(self, jobs: JobColumns) -> Prediction:
        count = len(jobs["job_title"])
        return Prediction(np.broadcast_to(self.log, (count, 3, len(LEVELS))), np.zeros((count, 2), dtype=np.float32))


def test_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postings = build_postings(SyntheticMarket(seed=3, n_postings=3000).generate())
    trained: list[int] = []

    def fit(past: Postings, **_: object) -> Quantiles:
        trained.append(len(past))
        return Quantiles(past)

    monkeypatch.setattr(ageing, "fit_network", fit)

    def once():
        return walk(postings, settings=TINY, calendar=None, months=MONTHS, work=tmp_path, progress=lambda *_: None)

    found = once()
    assert len(trained) == MONTHS + ageing.BURN_IN
    assert trained == sorted(set(trained)), "each month's network knows more than the one before"
    assert once() == found
    assert len(trained) == MONTHS + ageing.BURN_IN, "finished months were fitted again"
    assert len(found["months"]) == MONTHS
    json.dumps(found, allow_nan=False)

    by_month, by_age = found["by_month"], found["by_age"]
    assert {one["rows"] for one in found["policies"].values()} == {sum(one["rows"] for one in by_month["monthly"])}
    assert by_month["monthly"][0] == by_month["never"][0] == by_month["quarterly"][0], "they begin as one model"
    assert by_month["quarterly"] == by_month["never"], "three months are one quarter"
    assert by_month["monthly"][1] != by_month["never"][1]
    assert by_age[0]["old"] == by_age[0]["fresh"]
    assert [one["pairs"] for one in by_age] == [3, 2, 1]
    assert all(one["old"]["rows"] == one["fresh"]["rows"] for one in by_age)
    text = ageing_text({**found, "epochs": 1, "epochs_of_the_served_model": 16})
    assert "refreshed never" in text
    assert "1 epochs (the served model: 16)" in text


def test_figures_of_months_pool_by_row() -> None:
    months = [dict.fromkeys(ageing.SHOWN, value) | {"rows": rows} for value, rows in ((1.0, 30.0), (3.0, 10.0))]
    whole = pooled(months)
    assert whole["rows"] == 40
    assert whole["mae_usd"] == pytest.approx(1.5)
    assert whole["rmse_log"] == pytest.approx(np.sqrt(3.0), abs=1e-5)


def test_too_few_months_are_refused(tmp_path: Path) -> None:
    postings = build_postings(SyntheticMarket(seed=3, n_postings=60).generate())
    with pytest.raises(DataError, match="fewer --months"):
        walk(postings, settings=TINY, calendar=None, months=3, work=tmp_path, progress=lambda *_: None)


def document(old: float, fresh: float, months_behind: int) -> dict[str, object]:
    figures = [
        {"rows": 1, "rmse_log": rmse, "coverage_90": 0.9 - abs(rmse - fresh), "width_90_usd": 1}
        for rmse in (old, fresh)
    ]
    row = {"months_behind": months_behind, "old": figures[0], "fresh": figures[1]}
    first = {"months_behind": 0, "old": figures[1], "fresh": figures[1]}
    return {
        "months": ["2024-01", "2025-01"],
        "epochs": 1,
        "epochs_of_the_served_model": 1,
        "policies": {},
        "by_age": [first, row],
    }


def note_of(aged: dict[str, Any]) -> str:
    (note,) = age_note(aged, newest="January 2025")
    return note


def test_a_note_says_how_old_the_adverts_are_and_what_age_has_cost() -> None:
    assert age_note(None, newest="January 2025") == ()
    assert age_note(document(0.4, 0.4, 0), newest="January 2025") == ()
    note = note_of(document(0.44, 0.40, 12))
    assert note.startswith("age: the newest advert is of January 2025.")
    assert "adverts of January 2024 to January 2025" in note
    assert "12 months old erred 10% more than a fresh one" in note
    assert "held 86 of 100 (fresh: 90)" in note
    assert "5 months old erred no more than" in note_of(document(0.4001, 0.40, 5))
    assert "erred 5% less" in note_of(document(0.38, 0.40, 6))


def test_answers_of_a_bundle_that_was_aged_say_so(tmp_path: Path) -> None:
    bundle = load_bundle()
    parts = {**bundle.parts, "ageing.json": document(0.44, 0.40, 12)}
    aged = Predictor(write_bundle(tmp_path / "bundle", parts, provenance=bundle.provenance))
    read = aged.read_job(title="Data Scientist", experience="SE", location="US")
    assert any(note.startswith("age: ") for note in aged.answer(read).notes)
