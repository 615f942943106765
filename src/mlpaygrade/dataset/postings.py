"""Rows rebuilt into postings (one advertised job with the two ends of its band) in order of arrival; dates; splits.

Strong evidence, not documentation, says that two neighbouring rows are one posting; `audit` prints that evidence for any
file. A calendar (a CSV with `snapshot_date` and `rows_YEAR`) says how many rows of a work year stood in the public file on a
day: the last `rows_YEAR` rows of a year are those that had arrived, in either order of the years. Copies of one posting (same
job, same band) stay on one side of a split wherever time does not part them. `random_rows` alone splits rows, to show how
much that flatters.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job.fields import COLUMNS, CURRENCY, EXPERIENCE, FEATURES, LOCATION, TARGET, YEAR

if TYPE_CHECKING:
    import pandas as pd


KEY: Final = (*FEATURES, CURRENCY)
"""Two rows of one posting agree in all of these."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Postings:
    """Postings in order of arrival, oldest first.

    jobs: frame (n, 8), columns `FEATURES`, index 0..n-1.
    low_usd, high_usd: float64 (n,), the ends of the band; equal where only one row stands (`paired` is False),
        because the one figure is then all that is known.
    paired: bool (n,), whether both ends were posted.
    time_years: float64 (n,), estimated date as a decimal year, nondecreasing within a work year.
    rows: int64 (n, 2), source rows of the high and the low end; -1 where there is no second row.
    source: the frame that the rows index, untouched.
    """

    jobs: pd.DataFrame
    low_usd: NDArray[np.float64]
    high_usd: NDArray[np.float64]
    paired: NDArray[np.bool_]
    time_years: NDArray[np.float64]
    rows: NDArray[np.int64]
    source: pd.DataFrame

    def __len__(self) -> int:
        return len(self.low_usd)

    @property
    def year(self) -> NDArray[np.int64]:
        """Work year of each posting, int64 (n,)."""
        return self.jobs[YEAR].to_numpy(dtype=np.int64)

    @property
    def low_log(self) -> NDArray[np.float64]:
        """log1p of the low end, float64 (n,)."""
        return np.log1p(self.low_usd)

    @property
    def high_log(self) -> NDArray[np.float64]:
        """log1p of the high end, float64 (n,)."""
        return np.log1p(self.high_usd)

    @property
    def midpoint_usd(self) -> NDArray[np.float64]:
        """Middle of the band in USD, float64 (n,)."""
        return (self.low_usd + self.high_usd) / 2

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Self:
        """The postings at `index` (positions or a mask), in that order."""
        return type(self)(
            jobs=self.jobs.iloc[np.flatnonzero(index) if index.dtype == bool else index].reset_index(drop=True),
            low_usd=self.low_usd[index],
            high_usd=self.high_usd[index],
            paired=self.paired[index],
            time_years=self.time_years[index],
            rows=self.rows[index],
            source=self.source,
        )

    def row_values_usd(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Every source row of these postings: (posting position, salary in USD), each (n_rows,), high ends first."""
        index = np.concatenate([np.arange(len(self)), np.flatnonzero(self.paired)])
        return index, np.concatenate([self.high_usd, self.low_usd[self.paired]])

    def to_rows(self) -> pd.DataFrame:
        """The source rows of these postings in file order; of all postings, the file itself."""
        kept = np.sort(self.rows[self.rows >= 0])
        return self.source.iloc[kept]

    def signature(self) -> NDArray[np.int64]:
        """Group number of each posting, int64 (n,): equal for exact copies (same job, same band)."""
        keyed = self.jobs.drop(columns=YEAR).assign(low=self.low_usd, high=self.high_usd)
        return np.asarray(keyed.groupby(list(keyed.columns), sort=False).ngroup(), dtype=np.int64)


def pair_rows(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Greedy pass from the top: a row and the next one that agrees in `KEY` and pays no more are one posting.

    Returns int64 (n_postings, 2) of row positions in file order, the second -1 for a single row.
    """
    n = len(frame)
    codes = np.column_stack([pd.factorize(frame[column])[0] for column in KEY])
    salary = frame[TARGET].to_numpy()
    agree = np.append((codes[1:] == codes[:-1]).all(axis=1) & (salary[:-1] >= salary[1:]), False)
    # Inside a run of agreeing neighbours the greedy pass pairs every second position.
    position = np.arange(n)
    run_start = np.maximum.accumulate(np.where(agree & ~np.append(False, agree[:-1]), position, -1))
    first = agree & ((position - run_start) % 2 == 0)
    second = np.append(False, first[:-1])
    starts = position[~second]
    return np.column_stack([starts, np.where(first[~second], starts + 1, -1)])


def decimal_year(day: date) -> float:
    """A day as a decimal year, at its noon."""
    first, following = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.year + ((day - first).days + 0.5) / (following - first).days


def decimal_years(year: NDArray[np.int64], *, newest: date | None = None) -> NDArray[np.float64]:
    """Date of each posting as a decimal year, from its work year and its place among that year's postings.

    year: int64 (n,) in order of arrival. newest: day of the last posting; without it the last year is taken
    to have arrived at the rate of the year before. Within a year arrivals are taken as evenly spread.
    """
    result = np.empty(len(year))
    for value in np.unique(year):
        index = np.flatnonzero(year == value)
        span = 1.0
        if value == year.max() and newest is not None and newest.year == value:
            span = newest.timetuple().tm_yday / 366
        elif value == year.max() and (before := int(np.sum(year == value - 1))) > 0:
            span = min(1.0, len(index) / before)
        result[index] = value + span * (np.arange(len(index)) + 0.5) / len(index)
    return result


def build_postings(frame: pd.DataFrame, *, newest: date | None = None) -> Postings:
    """Postings of a validated frame in file order (newest first).

    frame: columns `COLUMNS`. Lossless: `build_postings(frame).to_rows()` equals `frame`.
    Raises DataError where columns are missing or there is no row.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing or frame.empty:
        what = f"lacks {', '.join(missing)}" if missing else "has no rows"
        raise DataError(f"Postings need the dataset's columns and at least one row; the table {what}.")
    pairs = pair_rows(frame)[::-1]
    salary = frame[TARGET].to_numpy(dtype=np.float64)
    paired = pairs[:, 1] >= 0
    jobs = frame[list(FEATURES)].iloc[pairs[:, 0]].reset_index(drop=True)
    return Postings(
        jobs=jobs,
        high_usd=salary[pairs[:, 0]],
        low_usd=salary[np.where(paired, pairs[:, 1], pairs[:, 0])],
        paired=paired,
        time_years=decimal_years(jobs[YEAR].to_numpy(dtype=np.int64), newest=newest),
        rows=pairs,
        source=frame,
    )


def columns_of(jobs: pd.DataFrame) -> Mapping[str, NDArray[np.object_]]:
    """A frame of jobs as plain arrays, for layers that know no pandas."""
    return {column: jobs[column].to_numpy(dtype=object) for column in FEATURES}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Split:
    """Positions of postings, int64: `train` and `test`, disjoint."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.train) or not len(self.test):
            empty = "training" if not len(self.train) else "test"
            raise DataError(f"The split '{self.name}' has an empty {empty} set. Give a file that holds both sides.")
        if len(np.intersect1d(self.train, self.test)):
            raise DataError(f"The split '{self.name}' puts postings on both sides.")


def temporal(postings: Postings, *, through: int) -> Split:
    """Train on work years up to `through`, test on the later ones."""
    return _parted(f"through {through}", postings.year <= through)


def by_arrival(postings: Postings, *, day: date) -> Split:
    """Train on postings that had arrived by a day, test on what arrived later. postings: dated (`market.arrivals.dated_by`)."""
    return _parted(f"arrived by {day}", postings.time_years <= decimal_year(day))


def geographic(postings: Postings, *, train_on_us: bool) -> Split:
    """Train on US companies and test on the others, or the reverse."""
    us = postings.jobs[LOCATION].to_numpy() == "US"
    return _parted("US to international" if train_on_us else "international to US", us == train_on_us)


def _parted(name: str, past: NDArray[np.bool_]) -> Split:
    return Split(name=name, train=np.flatnonzero(past), test=np.flatnonzero(~past))


def stratified(postings: Postings, *, folds: int = 5, seed: int = 0) -> list[Split]:
    """Folds alike in experience level and US share; copies of a posting stay together, rare levels in every fold."""
    group = postings.signature()
    _, first = np.unique(group, return_index=True)
    us = (postings.jobs[LOCATION] == "US").map({True: "US", False: "abroad"})
    stratum = (postings.jobs[EXPERIENCE] + "/" + us).to_numpy()[first]
    rng = np.random.default_rng(seed)
    fold_of_group = np.empty(len(first), dtype=np.int64)
    for value in np.unique(stratum):
        index = rng.permutation(np.flatnonzero(stratum == value))
        fold_of_group[index] = (np.arange(len(index)) + rng.integers(folds)) % folds
    fold = fold_of_group[np.unique(group, return_inverse=True)[1]]
    return [_parted(f"stratified {k + 1}/{folds}", fold != k) for k in range(folds)]


def rolling_origin(postings: Postings, *, folds: int, window: float) -> list[Split]:
    """Walk forward: the newest `folds` windows in order of arrival, each tested by what came before it.

    window: share of all postings in one window. Oldest fold first.
    """
    n = len(postings)
    size = max(1, round(window * n))
    starts = [n - size * (folds - k) for k in range(folds)]
    if starts[0] <= 0:
        raise DataError(f"{folds} windows of {size} postings need more than the {n} postings there are.")
    return [
        Split(name=f"origin {k + 1}/{folds}", train=np.arange(start), test=np.arange(start, start + size))
        for k, start in enumerate(starts)
    ]


def random_rows(n_rows: int, *, test_share: float = 0.2, seed: int = 0) -> Split:
    """The naive split of source rows (not postings). It leaks: only for showing by how much."""
    order = np.random.default_rng(seed).permutation(n_rows)
    cut = round(n_rows * (1 - test_share))
    return Split(name="random rows", train=order[:cut], test=order[cut:])


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
        rule = "must hold dates such as 2024-04-21 beside whole counts"
        defect = Defect(column=SNAPSHOT, rule=rule, value=str(error), remedy="Mend that line.")
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
    newest_row = row_ages(postings.source)[postings.rows[:, 0]]  # the high end stands above the low one: it came last
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
