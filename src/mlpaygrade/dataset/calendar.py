"""When rows arrived: a calendar of snapshots, and the cut by one of its days.

A CSV with `snapshot_date` and `rows_YEAR` columns says how many rows of a work year stood in the public file on that day. The
oldest rows of a year stand last among its rows in every edition, whether the years follow one another or are interleaved; so
the last `rows_YEAR` rows of a year are those that had arrived.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, decimal_year
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job.fields import YEAR

if TYPE_CHECKING:
    import pandas as pd

SNAPSHOT: Final = "snapshot_date"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calendar:
    """Snapshots in order. days: their dates. rows: work year -> rows of it on each day, int64 (n_days,)."""

    days: tuple[date, ...]
    rows: Mapping[int, NDArray[np.int64]]


def read_calendar(path: Path | str) -> Calendar:
    """Read a calendar. Raises DataError where it is not one."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The calendar {path} cannot be read: {error}. Give a CSV file, or leave it out.") from error
    columns = [name for name in (lines[0] if lines else {}) if name and name.startswith("rows_") and name[5:].isdigit()]
    if not lines or SNAPSHOT not in lines[0] or not columns:
        raise DataError(
            f"The calendar {path} needs a column '{SNAPSHOT}' and columns such as 'rows_2023', and at least one line. "
            "Give such a file, or leave it out."
        )
    try:
        days = tuple(date.fromisoformat(line[SNAPSHOT]) for line in lines)
        rows = {int(name[5:]): np.array([int(line[name]) for line in lines], dtype=np.int64) for name in columns}
    except (TypeError, ValueError) as error:
        defect = Defect(
            column=SNAPSHOT,
            rule="must hold dates such as 2024-04-21 beside whole counts",
            value=str(error),
            remedy="Mend that line.",
        )
        raise DataError(f"The calendar {path} has an unreadable line.", defects=[defect]) from error
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise DataError(f"The calendar {path} must list its snapshots in order, each day once. Sort it by {SNAPSHOT}.")
    return Calendar(days=days, rows=rows)


def arrived_by(data: "Postings | pd.DataFrame", calendar: Calendar | Path | str, day: date) -> NDArray[np.bool_]:
    """Which postings (n,), or rows of a frame in file order (n,), stood in the public file on a day.

    The last snapshot not after `day` counts; a posting has arrived when both its rows have. Work years before the calendar's
    first are there from the start, those after `day` are not. Raises DataError where the calendar does not reach that far.
    """
    calendar = calendar if isinstance(calendar, Calendar) else read_calendar(calendar)
    at = int(np.searchsorted(np.array(calendar.days, dtype="datetime64[D]"), np.datetime64(day), side="right")) - 1
    if at < 0:
        raise DataError(
            f"The calendar begins on {calendar.days[0]}, after {day}. Give a later day, or another calendar."
        )
    frame = data.source if isinstance(data, Postings) else data
    age = row_ages(frame)
    work_year = frame[YEAR].to_numpy(dtype=np.int64)
    arrived = np.zeros(len(frame), dtype=bool)
    for year in np.unique(work_year).tolist():
        of_year = work_year == year
        if year in calendar.rows:
            arrived[of_year] = age[of_year] <= calendar.rows[year][at]
        elif year < min(calendar.rows):
            arrived[of_year] = True
        elif year <= day.year:
            raise DataError(
                f"The calendar has no column rows_{year}, and the data have rows of {year}. Give a newer calendar."
            )
    return arrived[data.rows[:, 0]] if isinstance(data, Postings) else arrived


def snapshot_of(postings: Postings, calendar: Calendar) -> NDArray[np.int64]:
    """Position of the first snapshot that held a posting (both its rows), int64 (n,); -1 where none tells.

    Postings that stood there on the first snapshot that counts their year at all are undated too if that was the calendar's
    first day, as they may be older.
    """
    newest_row = row_ages(postings.source)[
        postings.rows[:, 0]
    ]  # the high end stands above the low end, so it came last
    found = np.full(len(postings), -1, dtype=np.int64)
    for year, standing in calendar.rows.items():
        counts = np.maximum.accumulate(standing)  # a few rows were taken out again
        mine = postings.year == year
        first = np.searchsorted(counts, newest_row[mine], side="left")
        dated = (first < len(counts)) & ~((first == 0) & (counts[0] > 0))
        found[mine] = np.where(dated, first, -1)
    return found


def row_ages(frame: "pd.DataFrame") -> NDArray[np.int64]:
    """The place of each row among the rows of its work year, int64 (n,): 1 for the oldest. Rows stand newest first."""
    order = frame[YEAR].iloc[::-1]
    return np.asarray(order.groupby(order).cumcount().iloc[::-1] + 1, dtype=np.int64)


def dated_by(postings: Postings, calendar: Calendar) -> Postings:
    """The postings in order of arrival, each with the day of the first snapshot that held it as `time_years`.

    Those that the calendar cannot date keep their estimated date.
    """
    snapshot = snapshot_of(postings, calendar)
    days = np.array([decimal_year(day) for day in calendar.days])
    time_years = np.where(snapshot >= 0, days[snapshot], postings.time_years)
    order = np.argsort(time_years, kind="stable")
    return replace(postings, time_years=time_years).take(order)
