"""Which postings train and which test: by day of arrival where that is recorded, else by work year.

Computes no pay and fits nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import (
    Calendar,
    Postings,
    Split,
    build_postings,
    by_arrival,
    dated_by,
    read_calendar,
    temporal,
)
from mlpaygrade.dataset.sources import calendar_path, known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import InputError


def postings_by_arrival(table: Table) -> Postings:
    """Postings of a table in order of arrival, dated by the calendar of its edition where there is one."""
    known = known_file(table.sha256)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    calendar = calendar_of(table)
    return postings if calendar is None else dated_by(postings, calendar)


def calendar_of(table: Table) -> Calendar | None:
    """The calendar of a table's edition; None where there is none."""
    known = known_file(table.sha256)
    path = None if known is None else calendar_path(known)
    return None if path is None else read_calendar(path)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Division:
    """Postings in order of arrival and the split that judges a model of them, with its protocol in words.

    split, protocol: None where nothing is left to test.
    """

    postings: Postings
    split: Split | None = None
    protocol: str | None = None

    @property
    def past(self) -> Postings:
        """The postings that train: one side of the split, or all."""
        return training_side(self.postings, self.split)


def divide(table: Table, *, through: int | None) -> Division:
    """How a table is divided into training and test.

    through: last work year to train on; without it the edition's own day divides, or else the newest year tests.
    Raises InputError for a year before the file's first.
    """
    known = known_file(table.sha256)
    if through is None and known is not None and known.test_after is not None:
        postings = postings_by_arrival(table)
        split = by_arrival(postings, day=known.test_after)
        protocol = f"trained on rows that had arrived by {known.test_after}, tested on every later one"
        return Division(postings=postings, split=split, protocol=protocol)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    years = sorted(set(postings.year.tolist()))
    if through is not None and through < years[0]:
        raise InputError(f"train-through must be at least {years[0]}, the file's first year; got {through}.")
    cut = years[-2] if through is None and len(years) > 1 else through
    if cut is None or cut >= years[-1]:
        return Division(postings=postings)
    later = f"{cut + 1}" if years[-1] == cut + 1 else f"{cut + 1} and later"
    protocol = f"trained on work years to {cut}, tested on every row of {later}"
    return Division(postings=postings, split=temporal(postings, through=cut), protocol=protocol)


def training_side(postings: Postings, split: Split | None) -> Postings:
    """The postings that train: one side of the split, or all."""
    return postings if split is None else postings.take(np.sort(split.train))


def recency_weights(time_years: NDArray[np.float64], *, half_life_years: float) -> NDArray[np.float64]:
    """Weight of each posting by age, float64 (n,), mean 1: halved for every `half_life_years`."""
    weights = 0.5 ** ((time_years.max() - time_years) / half_life_years)
    return np.asarray(weights / weights.mean())
