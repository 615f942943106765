"""Rows -> postings -> rows: lossless, and the same bands as a slow reading of the rule."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.dataset.postings import KEY, build_postings, decimal_years, pair_rows
from mlpaygrade.dataset.table import read_table
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import COLUMNS, CURRENCY, EXPERIENCE, FEATURES, TARGET, YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket

BASE: dict[str, Any] = {
    "work_year": 2024,
    "experience_level": "SE",
    "employment_type": "FT",
    "job_title": "Data Engineer",
    "salary": 100_000,
    "salary_currency": "USD",
    "salary_in_usd": 100_000,
    "employee_residence": "US",
    "remote_ratio": 0,
    "company_location": "US",
    "company_size": "M",
}


def frame_of(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{**BASE, **change} for change in changes], columns=list(COLUMNS))


# Few values, so that neighbours often agree and salaries often tie.
rows = st.fixed_dictionaries(
    {
        YEAR: st.sampled_from([2023, 2024]),
        EXPERIENCE: st.sampled_from(["EN", "SE"]),
        CURRENCY: st.sampled_from(["USD", "USD", "EUR"]),
        TARGET: st.sampled_from([90_000, 100_000, 110_000]),
    }
)
frames = st.lists(rows, min_size=1, max_size=40).map(lambda changes: frame_of(*changes))


def greedy(frame: pd.DataFrame) -> list[tuple[int, int]]:
    """The rule as the findings word it, one row after the other."""
    records = frame.to_dict("records")
    pairs, at = [], 0
    while at < len(records):
        here = records[at]
        after = records[at + 1] if at + 1 < len(records) else None
        if after and all(here[column] == after[column] for column in KEY) and here[TARGET] >= after[TARGET]:
            pairs.append((at, at + 1))
            at += 2
        else:
            pairs.append((at, -1))
            at += 1
    return pairs


@given(frames)
def test_pairs_are_those_of_a_slow_greedy_pass(frame: pd.DataFrame) -> None:
    assert [tuple(pair) for pair in pair_rows(frame).tolist()] == greedy(frame)


@given(frames)
def test_nothing_is_lost_between_rows_and_postings(frame: pd.DataFrame) -> None:
    postings = build_postings(frame)
    pd.testing.assert_frame_equal(postings.to_rows(), frame)
    used = postings.rows[postings.rows >= 0]
    assert sorted(used.tolist()) == list(range(len(frame)))
    index, usd = postings.row_values_usd()
    assert sorted(usd) == sorted(frame[TARGET])
    assert np.bincount(index).tolist() == (1 + postings.paired).tolist()


@given(frames)
def test_a_posting_is_one_job_with_its_low_end_at_most_its_high_end(frame: pd.DataFrame) -> None:
    postings = build_postings(frame)
    assert (postings.low_usd <= postings.high_usd).all()
    assert (postings.low_usd[~postings.paired] == postings.high_usd[~postings.paired]).all()
    for end in (0, 1):
        there = postings.rows[:, end] >= 0
        of_rows = frame.iloc[postings.rows[there, end]][list(FEATURES)].reset_index(drop=True)
        pd.testing.assert_frame_equal(of_rows, postings.jobs[there].reset_index(drop=True))
    assert (np.diff(postings.rows[:, 0]) < 0).all()  # the file's last row came first


def test_equal_salaries_pair_and_a_rising_one_does_not() -> None:
    assert pair_rows(frame_of({TARGET: 5}, {TARGET: 5})).tolist() == [[0, 1]]
    assert pair_rows(frame_of({TARGET: 5}, {TARGET: 6})).tolist() == [[0, -1], [1, -1]]
    assert pair_rows(frame_of({TARGET: 5}, {TARGET: 6}, {TARGET: 4})).tolist() == [[0, -1], [1, 2]]
    assert pair_rows(frame_of({TARGET: 9}, {TARGET: 8}, {TARGET: 7}, {TARGET: 6})).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("column", KEY)
def test_rows_that_differ_in_any_field_are_two_postings(column: str) -> None:
    other = {"work_year": 2023, "remote_ratio": 100}.get(column, "XX")
    assert len(build_postings(frame_of({}, {column: other}))) == 2


def test_subsets_keep_their_rows_and_positions_equal_masks() -> None:
    postings = build_postings(SyntheticMarket(seed=1, n_postings=200).generate())
    mask = postings.year == 2023
    by_mask, by_position = postings.take(mask), postings.take(np.flatnonzero(mask))
    np.testing.assert_array_equal(by_mask.rows, by_position.rows)
    pd.testing.assert_frame_equal(by_mask.jobs, by_position.jobs)
    rest = postings.take(~mask)
    both = pd.concat([by_mask.to_rows(), rest.to_rows()]).sort_index()
    pd.testing.assert_frame_equal(both, postings.source)
    backwards = postings.take(np.arange(len(postings))[::-1])
    assert backwards.jobs.index.tolist() == list(range(len(postings)))
    np.testing.assert_array_equal(backwards.high_usd, postings.high_usd[::-1])


def test_copies_share_a_signature_whatever_their_year_and_others_do_not() -> None:
    pair = ({TARGET: 9}, {TARGET: 5})
    older = tuple({**end, YEAR: 2023} for end in pair)
    frame = frame_of(*pair, *pair, *older, {TARGET: 9}, {TARGET: 6}, {**pair[0], EXPERIENCE: "EN"})
    postings = build_postings(frame)
    groups = postings.signature()[::-1].tolist()  # in file order
    assert len({*groups[:3]}) == 1
    assert len(set(groups)) == 3


def test_planted_bands_are_found_again() -> None:
    draw = SyntheticMarket(seed=3, n_postings=3_000, single_scale=0.0, copy_scale=0.0).draw()
    found = build_postings(draw.frame)
    planted = [tuple(np.flatnonzero(draw.posting == number)) for number in range(draw.posting.max() + 1)]
    agreed = {tuple(pair) for pair in found.rows.tolist()} & {pair for pair in planted if len(pair) == 2}
    assert len(agreed) > 0.98 * len(planted)


@given(st.lists(st.sampled_from([2022, 2023, 2024]), min_size=1, max_size=60))
def test_dates_rise_within_their_year(years: list[int]) -> None:
    year = np.array(years)
    dates = decimal_years(year)
    assert (np.floor(dates) == year).all()
    for value in set(years):
        assert (np.diff(dates[year == value]) > 0).all()


def test_the_newest_day_bounds_the_newest_year() -> None:
    year = np.repeat([2023, 2024], 100)
    dates = decimal_years(year, newest=date(2024, 4, 22))
    assert 2024 + 113 / 366 - 0.01 < dates.max() < 2024 + 113 / 366
    assert dates[year == 2023].max() > 2023.99


def test_a_frame_without_a_column_or_a_row_is_refused() -> None:
    with pytest.raises(DataError, match=CURRENCY):
        build_postings(frame_of({}).drop(columns=CURRENCY))
    with pytest.raises(DataError, match="no rows"):
        build_postings(frame_of({}).iloc[:0])


def test_public_file_is_8654_postings(salaries_csv: Path) -> None:
    frame = read_table(salaries_csv).frame
    postings = build_postings(frame)
    assert len(postings) == 8_654
    assert round(100 * postings.paired.mean(), 1) == 90.6
    pd.testing.assert_frame_equal(postings.to_rows(), frame)
