"""Days of arrival: an edition's calendar dates and orders its postings, and divides them into training and test."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings, by_arrival, dated_by, decimal_year, read_calendar
from mlpaygrade.dataset.sources import edition_named as edition
from mlpaygrade.evaluation.leakage import check_split, check_time
from mlpaygrade.job.fields import YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket

CALENDARS = Path(__file__).parent.parent / "src" / "mlpaygrade" / "dataset" / "tables" / "calendars"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return SyntheticMarket(seed=3, n_postings=400).generate()


def calendar_of(frame: pd.DataFrame) -> str:
    """Rows of the two newest years arrive in three steps; the last ones of the older year come with the newer year's."""
    newest = int(frame[YEAR].max())
    older, newer = ((frame[YEAR] == year).sum() for year in (newest - 1, newest))
    return (
        f"snapshot_date,rows_{newest - 1},rows_{newest}\n"
        f"{newest - 1}-01-01,0,0\n"
        f"{newest - 1}-07-01,{older - 20},0\n"
        f"{newest}-03-01,{older},{newer // 2}\n"
        f"{newest}-06-01,{older},{newer}\n"
    )


@pytest.fixture
def dated(frame: pd.DataFrame, tmp_path: Path) -> Postings:
    (tmp_path / "calendar.csv").write_text(calendar_of(frame), encoding="utf-8")
    return dated_by(build_postings(frame), read_calendar(tmp_path / "calendar.csv"))


def test_postings_stand_in_order_of_arrival_and_lose_no_row(frame: pd.DataFrame, dated: Postings) -> None:
    postings = build_postings(frame)
    assert (np.diff(dated.time_years) >= 0).all()
    pd.testing.assert_frame_equal(dated.to_rows(), postings.to_rows())


def test_a_split_by_arrival_parts_postings_by_their_day(frame: pd.DataFrame, dated: Postings) -> None:
    newest, postings = int(frame[YEAR].max()), dated
    split = by_arrival(postings, day=date(newest, 3, 1))
    check_split(postings, split)
    check_time(postings, split)
    assert postings.time_years[split.test].min() == decimal_year(date(newest, 6, 1))
    late = postings.take(split.train)
    assert {newest - 1, newest} <= set(late.year[late.time_years == decimal_year(date(newest, 3, 1))].tolist())


def test_the_edition_of_2025_is_known_with_its_calendar_and_its_test_day() -> None:
    known = edition("2025-01")
    assert known.test_after == date(2024, 9, 29)
    calendar = read_calendar(CALENDARS / known.calendar)
    assert calendar.days[-1] == known.newest
    assert sum(int(counts[calendar.days.index(known.test_after)]) for counts in calendar.rows.values()) > 48_000


def test_a_day_is_a_decimal_year() -> None:
    assert decimal_year(date(2024, 1, 1)) == pytest.approx(2024, abs=0.002)
    assert decimal_year(date(2023, 7, 2)) == pytest.approx(2023.5, abs=0.002)
