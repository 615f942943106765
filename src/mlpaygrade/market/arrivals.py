"""When rows arrived: a calendar of snapshots, or, without one, only their order.

Enters: a CSV with `snapshot_date` and `rows_YEAR` columns: how many rows of a work year stood there on that day. Leaves: the
snapshot at which each posting was first there. Within a year the oldest rows came first. Computes no pay.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job.fields import YEAR
from mlpaygrade.market.sample import Ints

SNAPSHOT: Final = "snapshot_date"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calendar:
    """Snapshots in order. days: their dates. rows: work year -> rows of it on each day, int64 (n_days,), nondecreasing."""

    days: tuple[date, ...]
    rows: Mapping[int, Ints]


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
    return Calendar(days=days, rows={year: np.maximum.accumulate(counts) for year, counts in rows.items()})


def snapshot_of(postings: Postings, calendar: Calendar) -> Ints:
    """Position of the first snapshot that held a posting (both its rows), int64 (n,); -1 where none tells.

    Postings that stood there on the first snapshot that counts their year at all are undated too if that was the calendar's
    first day, as they may be older.
    """
    work_year = postings.source[YEAR].to_numpy()
    # Rows stand newest first; the age of a row among its year's rows, 1 = oldest.
    age = np.zeros(len(work_year), dtype=np.int64)
    for year in np.unique(work_year):
        places = np.flatnonzero(work_year == year)
        age[places] = np.arange(len(places), 0, -1)
    newest_row = age[postings.rows[:, 0]]  # the high end stands above the low end, so it came last
    found = np.full(len(postings), -1, dtype=np.int64)
    for year, counts in calendar.rows.items():
        mine = postings.year == year
        first = np.searchsorted(counts, newest_row[mine], side="left")
        dated = (first < len(counts)) & ~((first == 0) & (counts[0] > 0))
        found[mine] = np.where(dated, first, -1)
    return found
