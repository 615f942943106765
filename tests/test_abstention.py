"""Refusing to answer: the limit comes from the risk-coverage curve, and a refusal is the same everywhere."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade import Predictor
from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import read_document
from mlpaygrade.forecast.refusal import (
    COMMON_TITLE,
    MOST_REFUSED,
    AbstentionRule,
    choose_limit,
    log_interval_score,
    refusals,
)
from mlpaygrade.forecast.score import score_file
from mlpaygrade.job.fields import FEATURES

UNKNOWN = "Underwater Basket Weaver"


def test_the_limit_cuts_off_the_region_that_scores_badly() -> None:
    uncertainty = np.linspace(0, 1, 100_000)
    rule = choose_limit(uncertainty, np.where(uncertainty > 0.9995, 5.0, 1.0))
    # from here on those beyond score at least twice the mean: a quarter of 5.0, the rest 1.0
    assert 0.998 <= rule.limit < 0.9995
    spread = choose_limit(np.linspace(0, 1, 1000), np.where(np.linspace(0, 1, 1000) > 0.9, 5.0, 1.0))
    assert spread.curve["0.1"] < spread.curve["0"]


def test_at_most_a_few_in_a_thousand_are_refused() -> None:
    uncertainty = np.linspace(0, 1, 10_000)
    rule = choose_limit(uncertainty, np.where(uncertainty > 0.9, 5.0, 1.0))
    assert (uncertainty > rule.limit).mean() == pytest.approx(MOST_REFUSED, abs=1e-4)


def test_a_common_title_is_answered_however_far_the_members_differ() -> None:
    predictor = Predictor.load()
    adverts = predictor.bundle.evidence.adverts
    common = next(title for title, count in sorted(adverts.items()) if count >= COMMON_TITLE)
    job = predictor.read_job(title=common, experience="EX", location="TD").job
    bundle = replace(predictor.bundle)
    bundle.__dict__["abstention"] = AbstentionRule(limit=0.0, curve={})
    strict = Predictor(bundle)
    assert strict.answer(job).not_enough_data is None
    rare = strict.read_job(title="Quantum Data Scientist", experience="EX", location="TD").job
    assert strict.answer(rare).not_enough_data is not None


def test_the_first_rule_that_holds_is_the_reason_and_common_titles_are_the_exception() -> None:
    bundle = Predictor.load().bundle
    adverts, limit = bundle.evidence.adverts, bundle.abstention.limit
    rare = next(title for title in sorted(bundle.encoder.known_titles) if adverts.get(title, 0) < COMMON_TITLE)
    titles = ["Staff Nurse", "Kubernetes", rare, "Data Scientist"]

    def reasons(spread: float, limit: float, adverts: Mapping[str, int]) -> list[str | None]:
        return refusals(titles, [spread] * 4, encoder=bundle.encoder, adverts=adverts, limit=limit)

    trade, words, spread, common = reasons(limit + 0.1, limit, adverts)
    assert "another trade" in str(trade)
    assert "nor any of its words" in str(words)
    assert "members differ" in str(spread)
    assert common is None
    assert reasons(limit + 0.1, limit + 0.1, adverts) == [trade, words, None, None], "the limit is the bundle's"
    assert reasons(limit + 0.1, limit, {**adverts, "Kubernetes": COMMON_TITLE, "Staff Nurse": COMMON_TITLE - 1}) == [
        trade,
        None,
        spread,
        None,
    ]


def test_where_no_region_is_bad_only_untested_disagreement_is_refused() -> None:
    uncertainty = np.linspace(0, 1, 1000)
    assert choose_limit(uncertainty, np.ones(1000)).limit == 1.0


def test_the_interval_score_punishes_misses() -> None:
    score = log_interval_score(np.array([12.0, 13.0]), np.array([11.5, 11.5]), np.array([12.5, 12.5]))
    np.testing.assert_allclose(score, [1.0, 1.0 + 20 * 0.5])


def test_a_refusal_gives_no_figures_and_for_another_trade_no_nearest_job() -> None:
    predictor = Predictor.load()
    answer = predictor.answer(predictor.read_job(title=UNKNOWN, experience="SE", location="US"))
    assert answer.not_enough_data
    document = answer.to_json()
    assert document["estimate_usd"] is None
    assert document["intervals_usd"] is None
    assert answer.nearest is None


def test_an_unseen_title_of_known_words_is_answered() -> None:
    predictor = Predictor.load()
    answer = predictor.answer(predictor.read_job(title="Site Reliability Engineer", experience="SE", location="Chad"))
    assert answer.not_enough_data is None
    assert answer.to_json()["estimate_usd"] > 0


def test_score_refuses_as_predict_does(tmp_path: Path) -> None:
    header = ",".join(FEATURES)
    (tmp_path / "in.csv").write_text(f"{header}\n2024,SE,FT,{UNKNOWN},US,0,US,M\n2024,SE,FT,Data Analyst,US,0,US,M\n")
    summary = score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor=Predictor.load())
    assert summary.unanswered == 1
    first, second = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert "not enough data" in first
    assert ",,,,," in first
    assert ",,,,," not in second


def test_a_damaged_rule_is_refused() -> None:
    with pytest.raises(BundleError, match="abstention is damaged"):
        read_document("abstention.json", b'{"limit": "x"}')
