"""Accuracy by groups of jobs: every row counts once in each grouping, and an answer backs off to what was tested enough."""

import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.evaluation.groups import group_metrics
from mlpaygrade.forecast.accuracy import ALL, GROUPINGS, accuracy_of, country_group, group_names
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction
from mlpaygrade.forecast.evidence import count_cells
from mlpaygrade.job.fields import EXPERIENCE, FEATURES, LOCATION
from mlpaygrade.testing.synthetic import SyntheticMarket


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=7, n_postings=500).generate())


def wide_prediction(postings: Postings, *, too_high: float) -> Prediction:
    """One distribution for all, `too_high` log dollars above the mean of the rows."""
    _, usd = postings.row_values_usd()
    log_pay = np.log1p(usd)
    quantiles = np.quantile(log_pay, LEVELS) + too_high
    shape = (len(postings), len(TARGETS), len(LEVELS))
    members = np.full((len(postings), 2), log_pay.mean() + too_high, dtype=np.float32)
    return Prediction(np.broadcast_to(quantiles, shape).astype(np.float32), members)


def test_every_row_counts_once_in_each_grouping(postings: Postings) -> None:
    groups = group_metrics(wide_prediction(postings, too_high=0.0), postings, evidence=count_cells(postings))
    rows = len(postings.row_values_usd()[0])
    assert groups[ALL]["n"] == rows
    for grouping in GROUPINGS:
        dimensions = tuple(grouping)
        mine = [
            figures["n"]
            for name, figures in groups.items()
            if name != ALL and tuple(part.split("=")[0] for part in name.split("|")) == dimensions
        ]
        assert sum(mine) == rows, grouping


def test_the_figures_of_a_group_are_those_of_its_rows(postings: Postings) -> None:
    prediction = wide_prediction(postings, too_high=0.1)
    groups = group_metrics(prediction, postings, evidence=count_cells(postings))
    assert groups[ALL]["mean_error_log"] == pytest.approx(0.1, abs=1e-3)
    senior = np.flatnonzero((postings.jobs[EXPERIENCE] == "SE").to_numpy())
    index, usd = postings.take(senior).row_values_usd()
    error = prediction.take(senior).log_estimate[index] - np.log1p(usd)
    found = groups["experience_level=SE"]
    assert found["n"] == len(usd)
    assert found["mean_error_log"] == pytest.approx(error.mean(), abs=1e-4)
    assert found["rmse_log"] == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-4)
    assert groups[ALL]["coverage_90"] > groups[ALL]["coverage_50"]


def test_an_answer_backs_off_to_a_group_with_enough_tested_rows(postings: Postings) -> None:
    fields = dict(zip(FEATURES, postings.jobs[list(FEATURES)].iloc[0], strict=True)) | {
        LOCATION: "DE",
        EXPERIENCE: "EX",
    }
    crossed, group = group_names(fields, support="any")[0], f"country_group={country_group('DE')}"
    assert crossed == "country_group=Europe|experience_level=EX"
    many, few = {"n": 200}, {"n": 199}
    assert accuracy_of({ALL: many, group: many, crossed: many}, fields) == (crossed, many)
    assert accuracy_of({ALL: many, group: many, crossed: few}, fields) == (group, many)
    assert accuracy_of({ALL: few, group: few}, fields) == (ALL, few)
    assert accuracy_of({}, fields) is None


def test_the_united_states_stand_apart_from_their_continent() -> None:
    assert country_group("US") != country_group("CA")
