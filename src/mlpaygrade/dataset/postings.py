"""Rows rebuilt into postings: one advertised job with the two ends of its band, in order of arrival.

Enters: a validated frame in file order (newest row first). Leaves: `Postings`, oldest first.
Does not validate values, does not know families or regions. Strong evidence, not documentation, says that
two neighbouring rows are one posting; `audit` prints that evidence for any file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import COLUMNS, CURRENCY, FEATURES, TARGET, YEAR

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
        if value == year.max():
            if newest is not None and newest.year == value:
                span = newest.timetuple().tm_yday / 366
            elif (before := int(np.sum(year == value - 1))) > 0:
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
