"""What a title pays in a country, and how that moved: half a year at a time where a calendar dates the postings, else by year.

Medians of what was advertised, with nothing held fixed: another mix of levels moves them too.
"""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from mlpaygrade.dataset.calendar import snapshot_of
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import LOCATION, TITLE
from mlpaygrade.market.analysis import Analysis, Medians, span
from mlpaygrade.market.document import Period, TitleSeries
from mlpaygrade.market.inference import plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints

LEAST: Final = 5
"""Fewer postings are counted, and no pay is said of them."""


def title_series(analysis: Analysis) -> tuple[TitleSeries, ...]:
    """The series of every title in every country, most postings first."""
    jobs = analysis.sample.postings.jobs
    pairs = pd.MultiIndex.from_arrays([jobs[TITLE].map(taxonomy.canonical_title), jobs[LOCATION]])
    codes, names = pd.factorize(pairs)
    codes = codes.astype(np.int64)
    k = len(names)
    middle = analysis.sample.middle_usd
    counts = np.bincount(codes, minlength=k)
    quartiles = plain_quantiles(middle, codes, k=k, probabilities=(0.25, 0.5, 0.75))
    medians = analysis.medians(codes, k=k)
    adverts = pd.Series(analysis.sample.advert).groupby(codes).nunique()
    dates, periods = _dates(analysis), _periods(analysis, codes)
    newest = pd.Series(dates).groupby(codes).max()
    found = [
        TitleSeries(
            title=str(title),
            country=str(country),
            postings=int(counts[n]),
            adverts=int(adverts[n]),
            newest=str(newest[n]),
            quartiles_usd=_three(quartiles[n]) if counts[n] >= LEAST else None,
            interval_usd=medians.interval_usd(n) if counts[n] >= MIN_CELL else None,
            periods=periods.get(n, ()),
        )
        for n, (title, country) in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.postings, one.title, one.country)))


def _dates(analysis: Analysis) -> list[str]:
    """The month of each posting, "2024-09"; its year where no calendar tells."""
    days = _days(analysis)
    years = analysis.sample.postings.year.tolist()
    return [str(year) if day is None else f"{day:%Y-%m}" for day, year in zip(days, years, strict=True)]


def _days(analysis: Analysis) -> list[date | None]:
    """The day of the first snapshot that held each posting; None where no calendar tells."""
    if analysis.calendar is None:
        return [None] * len(analysis.sample)
    days = analysis.calendar.days
    return [days[at] if at >= 0 else None for at in snapshot_of(analysis.sample.postings, analysis.calendar).tolist()]


def _periods(analysis: Analysis, pair: Ints) -> dict[int, tuple[Period, ...]]:
    """Pair -> its periods with postings enough to say something, in order of time."""
    years = analysis.sample.postings.year.tolist()
    named = [
        str(year) if day is None else f"{day.year} H{1 if day.month <= 6 else 2}"
        for day, year in zip(_days(analysis), years, strict=True)
    ]
    period, names = pd.factorize(np.array(named, dtype=object), sort=True)
    cells, codes = np.unique(pair * len(names) + period, return_inverse=True)
    counts = np.bincount(codes)
    medians = analysis.medians(codes.astype(np.int64), k=len(cells))
    ends = plain_quantiles(analysis.sample.middle_usd, codes, k=len(cells), probabilities=(0.0, 1.0))
    found: dict[int, tuple[Period, ...]] = {}
    for cell in np.flatnonzero(counts >= LEAST).tolist():
        n, at = divmod(int(cells[cell]), len(names))
        found[n] = (*found.get(n, ()), _period(str(names[at]), int(counts[cell]), medians, ends[cell].tolist(), cell))
    return found


def _period(name: str, postings: int, medians: Medians, ends: list[float], cell: int) -> Period:
    few = postings < MIN_CELL
    low, high = span(ends[0], ends[1], digits=0) if few else medians.interval_usd(cell)
    median = round(float(medians.median[cell]))
    return Period(name=name, postings=postings, median_usd=median, low_usd=low, high_usd=high, few=few)


def _three(quartiles: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(round(float(usd))) for usd in quartiles)
    return low, middle, high
