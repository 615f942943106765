"""Splits: every posting on one side, copies together where time does not part them, no future in training."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpaygrade.dataset.postings import (
    Postings,
    Split,
    build_postings,
    geographic,
    random_rows,
    rolling_origin,
    stratified,
    temporal,
)
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import EXPERIENCE, LOCATION
from mlpaygrade.testing.synthetic import SyntheticMarket

SMALL = build_postings(SyntheticMarket(seed=5, n_postings=300).generate())


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=7, n_postings=1_500).generate())


def every_split(postings: Postings) -> list[Split]:
    return [
        temporal(postings, through=2022),
        temporal(postings, through=2023),
        geographic(postings, train_on_us=True),
        geographic(postings, train_on_us=False),
        *stratified(postings),
        *rolling_origin(postings, folds=4, window=0.1),
    ]


def test_no_posting_and_no_row_crosses_any_split(postings: Postings) -> None:
    for split in every_split(postings):
        train, test = postings.take(split.train), postings.take(split.test)
        assert not set(train.rows[train.rows >= 0]) & set(test.rows[test.rows >= 0]), split.name
        owner = {row: number for number, ends in enumerate(postings.rows.tolist()) for row in ends if row >= 0}
        sides = [{owner[row] for row in side.rows.ravel().tolist() if row >= 0} for side in (train, test)]
        assert not sides[0] & sides[1], split.name


def test_splits_of_the_whole_use_every_posting(postings: Postings) -> None:
    whole = [temporal(postings, through=2023), geographic(postings, train_on_us=True), *stratified(postings)]
    for split in whole:
        assert sorted([*split.train, *split.test]) == list(range(len(postings)))


def test_years_and_countries_are_on_the_side_they_belong_to(postings: Postings) -> None:
    split = temporal(postings, through=2022)
    assert postings.year[split.train].max() <= 2022 < postings.year[split.test].min()
    split = geographic(postings, train_on_us=True)
    location = postings.jobs[LOCATION].to_numpy()
    assert set(location[split.train]) == {"US"}
    assert "US" not in set(location[split.test])
    reverse = geographic(postings, train_on_us=False)
    np.testing.assert_array_equal(reverse.train, split.test)


@settings(max_examples=25)
@given(st.integers(2, 7), st.integers(0, 1_000))
def test_stratified_folds_test_each_posting_once_and_keep_copies_together(folds: int, seed: int) -> None:
    postings = SMALL
    signature = postings.signature()
    tested = np.zeros(len(postings), dtype=int)
    for split in stratified(postings, folds=folds, seed=seed):
        tested[split.test] += 1
        assert not set(signature[split.train]) & set(signature[split.test])
    assert (tested == 1).all()


def test_stratified_folds_are_alike_and_rare_levels_are_in_each(postings: Postings) -> None:
    assert len(np.unique(postings.signature())) < len(postings)  # there are copies to keep together
    level, us = postings.jobs[EXPERIENCE].to_numpy(), (postings.jobs[LOCATION] == "US").to_numpy()
    splits = stratified(postings)
    for split in splits:
        assert set(level[split.test]) == set(level)
        assert abs(us[split.test].mean() - us.mean()) < 0.05
        assert abs(len(split.test) / len(postings) - 1 / len(splits)) < 0.03
    again = stratified(postings)
    assert all((one.test == two.test).all() for one, two in zip(splits, again, strict=True))


def test_rolling_windows_follow_each_other_and_see_only_the_past(postings: Postings) -> None:
    splits = rolling_origin(postings, folds=5, window=0.1)
    for split in splits:
        assert split.train.max() < split.test.min()
        np.testing.assert_array_equal(split.train, np.arange(split.test.min()))
    for one, two in pairwise(splits):
        assert one.test.max() + 1 == two.test.min()
    assert splits[-1].test.max() == len(postings) - 1
    with pytest.raises(DataError, match="windows"):
        rolling_origin(postings, folds=10, window=0.2)


def test_one_sided_and_overlapping_splits_are_refused(postings: Postings) -> None:
    newest = int(postings.year.max())
    with pytest.raises(DataError, match="empty test"):
        temporal(postings, through=newest)
    with pytest.raises(DataError, match="empty training"):
        temporal(postings, through=1999)
    with pytest.raises(DataError, match="both sides"):
        Split(name="bad", train=np.array([1, 2]), test=np.array([2, 3]))


def test_random_rows_split_rows_and_do_cut_postings(postings: Postings) -> None:
    split = random_rows(len(postings.source), seed=1)
    assert sorted([*split.train, *split.test]) == list(range(len(postings.source)))
    side = np.isin(np.arange(len(postings.source)), split.test)
    ends = side[postings.rows[postings.paired]]
    assert (ends[:, 0] != ends[:, 1]).mean() > 0.2
