"""When rows arrived: the cut by a day of the calendar, and files whose order tells nothing."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.audit.summary import arrival_order, audit_table
from mlpaygrade.cli.audit_text import print_audit
from mlpaygrade.dataset.postings import arrived_by, build_postings, read_calendar, row_ages
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import TITLE, YEAR
from mlpaygrade.market.statistics import market_statistics
from mlpaygrade.testing.synthetic import SyntheticMarket

MARKET = SyntheticMarket(seed=5, n_postings=900).generate()


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    path = tmp_path / "calendar.csv"
    path.write_text(
        "snapshot_date,rows_2023,rows_2024,rows_all\n2023-06-04,2,0,2\n2024-02-04,3,1,4\n2024-02-11,3,2,5\n"
    )
    return path


def frame_of(years: list[int]) -> pd.DataFrame:
    return MARKET.head(len(years)).assign(**{YEAR: years})


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ([2024, 2024, 2024, 2023, 2023, 2023, 2022], [False, False, True, True, True, True, True]),
        ([2024, 2023, 2024, 2023, 2024, 2022, 2023], [False, True, False, True, True, True, True]),
    ],
    ids=["year by year", "years interleaved"],
)
def test_the_oldest_rows_of_each_year_had_arrived(calendar: Path, years: list[int], expected: list[bool]) -> None:
    frame = frame_of(years)
    assert arrived_by(frame, calendar, date(2024, 2, 10)).tolist() == expected
    assert arrived_by(frame, read_calendar(calendar), date(2024, 2, 4)).tolist() == expected
    assert arrived_by(frame, calendar, date(2024, 2, 11)).sum() == sum(expected) + 1
    assert arrived_by(frame, calendar, date(2023, 7, 1)).sum() == 3


def test_a_posting_has_arrived_when_both_its_rows_have(calendar: Path) -> None:
    row = MARKET.head(1).assign(**{YEAR: 2024, "salary_in_usd": 100_000})
    postings = build_postings(
        pd.concat([row.assign(salary_in_usd=150_000), row, row, row.assign(salary_in_usd=90_000)])
    )
    assert len(postings) == 2
    assert arrived_by(postings, calendar, date(2024, 2, 4)).tolist() == [False, False]
    assert arrived_by(postings, calendar, date(2024, 2, 11)).tolist() == [True, False]


def test_what_the_calendar_cannot_tell_is_an_error(calendar: Path) -> None:
    with pytest.raises(DataError, match="begins on 2023-06-04"):
        arrived_by(frame_of([2023]), calendar, date(2023, 6, 3))
    with pytest.raises(DataError, match="rows_2025"):
        arrived_by(frame_of([2025]), calendar, date(2025, 1, 5))
    assert arrived_by(frame_of([2025]), calendar, date(2024, 12, 31)).tolist() == [False]


def test_rows_are_as_old_as_they_stand_low_in_their_year() -> None:
    assert row_ages(frame_of([2024, 2023, 2024, 2023])).tolist() == [2, 2, 1, 1]


SHUFFLED = MARKET.sample(frac=1, random_state=3).reset_index(drop=True)
OTHERS = {
    "shuffled": (SHUFFLED, None),
    "shuffled inside the years": (SHUFFLED.sort_values(YEAR, ascending=False, kind="stable"), None),
    "sorted by title": (MARKET.sort_values([YEAR, TITLE], ascending=[False, True], kind="stable"), None),
    "reversed": (MARKET.iloc[::-1], "oldest first"),
    "as published": (MARKET, "newest first"),
    "newest half": (MARKET.head(len(MARKET) // 2), "newest first"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_order_of_arrival_is_told_by_neighbours_that_pair(name: str) -> None:
    frame, expected = OTHERS[name]
    found = arrival_order(frame.reset_index(drop=True))
    assert found.order == expected, found.why
    assert found.tells_time == (expected == "newest first")


def test_a_shuffled_file_is_said_to_be_one_and_no_claim_rests_on_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(
        frame=SHUFFLED, sha256="ab" * 32, path=Path("some.csv"), rows=len(SHUFFLED), notes=(), synthetic=False
    )
    print_audit(audit_table(table))
    said = capsys.readouterr().out
    assert "not in the order of arrival" in said
    assert "Rebuilt" not in said
    assert "newest first" not in said
    assert "file abababababab" in said
    shuffled, ordered = (market_statistics(build_postings(frame)) for frame in (SHUFFLED, MARKET))
    assert shuffled.numbers["time"].series is None
    assert any("order of arrival" in sentence for sentence in shuffled.document.section("time").cannot)
    assert ordered.numbers["time"].series is not None


def test_the_public_file_is_in_order(salaries_csv: Path) -> None:
    from mlpaygrade.dataset.table import read_table

    frame = read_table(salaries_csv).frame
    assert arrival_order(frame).order == "newest first"
    assert np.array_equal(np.sort(row_ages(frame)[frame[YEAR] == 2024]), np.arange(1, 6_028))
