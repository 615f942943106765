"""Metrics against values worked out by hand."""

import numpy as np
import pytest

from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.evaluation.metrics import MIN_SLICE, evaluate, interval_metrics, pinball, point_metrics, slices
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction
from mlpaygrade.testing.synthetic import SyntheticMarket


def test_point_metrics_by_hand() -> None:
    truth, estimate = np.log1p([100_000.0, 200_000.0]), np.log1p([110_000.0, 180_000.0])
    figures = point_metrics(truth, estimate)
    assert figures["mae_usd"] == pytest.approx(15_000)
    assert figures["bias_usd"] == pytest.approx(-5_000)
    assert figures["r2_usd"] == pytest.approx(1 - (10_000**2 + 20_000**2) / (2 * 50_000**2))


def test_pinball_is_zero_only_for_a_point_that_is_right() -> None:
    right = np.full((1, len(LEVELS)), 12.0)
    assert pinball(np.array([12.0]), right)[0] == 0
    assert pinball(np.array([12.1]), right)[0] == pytest.approx(0.1 * LEVELS.mean(), rel=1e-5)


def test_coverage_and_interval_score_by_hand() -> None:
    quantiles = np.log1p(np.linspace(50_000, 150_000, len(LEVELS)))[None].repeat(2, axis=0)
    figures = interval_metrics(np.log1p([100_000.0, 400_000.0]), quantiles)
    assert figures["coverage_90"] == 0.5
    low, high = np.expm1(quantiles[0, 2]), np.expm1(quantiles[0, -3])
    assert figures["width_90_usd"] == pytest.approx(high - low)
    assert figures["score_90_usd"] == pytest.approx(high - low + 0.5 * 20 * (400_000 - high))


def test_rows_count_both_ends_and_slices_add_up() -> None:
    postings = build_postings(SyntheticMarket(seed=1, n_postings=800).generate())
    shape = (len(postings), len(TARGETS), len(LEVELS))
    report = evaluate(
        Prediction(np.full(shape, 11.8, np.float32), np.full((len(postings), 1), 11.8, np.float32)), postings
    )
    assert report["rows"]["n"] == (postings.rows >= 0).sum()
    assert report["postings"]["n"] == postings.paired.sum()
    for dimension in ("market", "income group"):
        counts = [item["n"] for item in report["slices"] if item["dimension"] == dimension]
        assert report["rows"]["n"] - MIN_SLICE < sum(counts) <= report["rows"]["n"]


def test_country_groups_set_the_united_states_apart_from_their_continent() -> None:
    postings = build_postings(SyntheticMarket(seed=1, n_postings=800).generate())
    found = {value: mask for dimension, value, mask in slices(postings, {}) if dimension == "country group"}
    assert (found["United States"] == (postings.jobs["company_location"] == "US")).all()
    assert np.sum(list(found.values()), axis=0).tolist() == [1] * len(postings)
    canada = (postings.jobs["company_location"] == "CA").to_numpy()
    assert canada.any()
    assert found["North America without United States"][canada].all()
