"""The rivals: each answers as the network does, honestly spread, and what they share is right where the answer is known."""

import dataclasses

import numpy as np
import optuna
import pytest
from scipy import stats

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.job.fields import LOCATION, RESIDENCE, TITLE
from mlpaygrade.testing.synthetic import SyntheticMarket
from research.rivals import RIVALS, Rival
from research.rivals.base import (
    ANCHORS,
    END,
    HIGH_END,
    LOW_END,
    UNKNOWN_END,
    from_anchors,
    mixture_quantiles,
    training_rows,
    weighted_quantiles,
)
from research.rivals.boosting import CatBoost, LightGBM, XGBoost
from research.rivals.forest import Forest
from research.rivals.simple import Backoff, Constant

SMALL: dict[str, Rival] = {
    **{name: kind() for name, kind in RIVALS.items()},
    "forest": Forest(trees=15),
    "xgboost": XGBoost(rounds=30, learning_rate=0.15),
    "lightgbm": LightGBM(rounds=30, learning_rate=0.15),
    "catboost": CatBoost(rounds=30, learning_rate=0.15, depth=4),
}
NORMAL = stats.norm.ppf(LEVELS.astype(np.float64))


@pytest.fixture(scope="module")
def market() -> tuple[Postings, Postings]:
    postings = build_postings(SyntheticMarket(seed=4, n_postings=900).generate())
    cut = len(postings) - 150
    return postings.take(np.arange(cut)), postings.take(np.arange(cut, len(postings)))


@pytest.mark.parametrize("name", list(RIVALS))
def test_every_rival_answers_like_the_network(name: str, market: tuple[Postings, Postings]) -> None:
    train, test = market
    jobs = test.jobs.copy()
    jobs.loc[0, [TITLE, LOCATION, RESIDENCE]] = ["Quantum Pay Wizard", "NP", "NP"]
    test = dataclasses.replace(test, jobs=jobs)
    prediction = SMALL[name].fit(train).predict(test)
    assert prediction.log_quantiles.shape == (len(test), 3, len(LEVELS))
    assert np.isfinite(prediction.log_quantiles).all()
    assert (np.diff(prediction.log_quantiles, axis=-1) >= 0).all()
    _, usd = train.row_values_usd()
    assert prediction.log_quantiles.min() >= np.float32(np.log1p(usd.min()))
    assert prediction.log_quantiles.max() <= np.float32(np.log1p(usd.max()))
    low, high = prediction.quantiles("low")[:, MEDIAN], prediction.quantiles("high")[:, MEDIAN]
    assert np.mean(high > low) > 0.8
    alone = SMALL[name].fit(train, quantiles=False)
    np.testing.assert_allclose(alone.log_estimate(test), prediction.log_estimate, atol=1e-5)
    with pytest.raises(ValueError, match="quantiles=True"):
        alone.predict(test)


@pytest.mark.parametrize("name", [name for name in RIVALS if name != "constant"])
def test_every_rival_learns_something(name: str, market: tuple[Postings, Postings]) -> None:
    train, test = market
    rows = {rival: evaluate(SMALL[rival].fit(train).predict(test), test)["rows"] for rival in (name, "constant")}
    assert rows[name]["rmse_log"] < 0.95 * rows["constant"]["rmse_log"]
    assert rows[name]["pinball_log"] < 0.95 * rows["constant"]["pinball_log"]


@pytest.mark.parametrize("name", list(RIVALS))
def test_the_settings_to_start_from_lie_in_the_search_space(name: str) -> None:
    start = RIVALS[name]()
    assert RIVALS[name].suggest(optuna.trial.FixedTrial(dataclasses.asdict(start))) == start


def test_training_rows_know_their_end_and_newer_ones_weigh_more(market: tuple[Postings, Postings]) -> None:
    train, _ = market
    rows = training_rows(train, JobEncoder.fit(train.jobs), half_life_years=0.5)
    end = rows.design.column(END)
    singles = int((~train.paired).sum())
    assert [int((end == code).sum()) for code in (UNKNOWN_END, LOW_END, HIGH_END)] == [
        singles,
        len(train) - singles,
        len(train) - singles,
    ]
    paired = np.flatnonzero(train.paired)
    np.testing.assert_allclose(rows.log_pay[end == LOW_END], train.low_log[paired])
    np.testing.assert_allclose(rows.log_pay[end == HIGH_END], train.high_log[paired])
    age = train.time_years[paired].max() - train.time_years[paired]
    weight = rows.weight[end == LOW_END]
    np.testing.assert_allclose(weight / weight[-1], 0.5 ** (age / 0.5) / 0.5 ** (age[-1] / 0.5))


def test_a_mixture_has_the_quantiles_of_the_mixture() -> None:
    low, high = 11.5 + 0.3 * NORMAL, 12.1 + 0.2 * NORMAL
    grid = np.linspace(9, 15, 200_001)
    below = (stats.norm.cdf(grid, 11.5, 0.3) + stats.norm.cdf(grid, 12.1, 0.2)) / 2
    expected = np.interp(LEVELS.astype(np.float64), below, grid)
    found = mixture_quantiles(low[None], high[None])[0]
    np.testing.assert_allclose(found[2:-2], expected[2:-2], atol=0.015)
    np.testing.assert_allclose(mixture_quantiles(low[None], low[None])[0], low, atol=1e-12)


def test_anchors_give_the_other_levels_of_a_normal_distribution_exactly() -> None:
    anchored = 11 + 0.4 * stats.norm.ppf(ANCHORS)
    np.testing.assert_allclose(from_anchors(anchored[None])[0], 11 + 0.4 * NORMAL, atol=1e-6)
    assert (np.diff(from_anchors(anchored[None, ::-1])) > 0).all()


def test_a_weight_of_three_counts_as_three_copies() -> None:
    rng = np.random.default_rng(0)
    values, copies = rng.normal(size=4_000), rng.integers(1, 4, 4_000)
    weighted = weighted_quantiles(values, copies.astype(np.float64))
    np.testing.assert_allclose(weighted, np.quantile(np.repeat(values, copies), LEVELS.astype(np.float64)), atol=0.02)


def test_backoff_takes_the_first_cell_that_is_large_enough(market: tuple[Postings, Postings]) -> None:
    train, _ = market
    fitted = Backoff(half_life_years=1e6, min_rows=30).fit(train, quantiles=False)
    common = train.jobs.drop(columns="work_year").value_counts().index[0]
    job = dict(zip(train.jobs.columns.drop("work_year"), common, strict=True))
    same = train.take((train.jobs[list(job)] == list(common)).all(axis=1).to_numpy() & train.paired)
    assert len(same) >= 30
    one = same.take(np.arange(1))
    by_hand = (np.median(same.low_log) + np.median(same.high_log)) / 2
    assert fitted.log_estimate(one)[0] == pytest.approx(by_hand, abs=0.01)
    stranger = dataclasses.replace(one, jobs=one.jobs.assign(**{TITLE: "Quantum Pay Wizard", LOCATION: "NP"}))
    assert fitted.log_estimate(stranger)[0] != fitted.log_estimate(one)[0]


def test_a_constant_with_a_short_memory_follows_the_newest_postings(market: tuple[Postings, Postings]) -> None:
    train, test = market
    newest = dataclasses.replace(
        train,
        low_usd=np.where(np.arange(len(train)) > 700, 300_000.0, 100_000.0),
        high_usd=np.where(np.arange(len(train)) > 700, 300_000.0, 100_000.0),
    )
    brief = Constant(half_life_years=0.01).fit(newest, quantiles=False).log_estimate(test)[0]
    lasting = Constant(half_life_years=100.0).fit(newest, quantiles=False).log_estimate(test)[0]
    assert brief > np.log(280_000)
    assert lasting < np.log(120_000)


def test_a_forest_of_single_leaves_has_the_quantiles_of_everything(market: tuple[Postings, Postings]) -> None:
    train, test = market
    forest = Forest(trees=3, min_samples_leaf=10**6, half_life_years=1e6)
    _, usd = train.row_values_usd()
    expected = np.quantile(np.log1p(usd), LEVELS.astype(np.float64), method="inverted_cdf")
    found = forest.fit(train).predict(test).quantiles("low")[0]
    np.testing.assert_allclose(found, expected, atol=0.01)
