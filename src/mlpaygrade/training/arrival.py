"""Which postings train and which test: by day of arrival where that is recorded, else by work year.

Computes no pay and fits nothing.
"""

from importlib import resources
from pathlib import Path

import numpy as np

from mlpaygrade.dataset.calendar import dated_by, read_calendar
from mlpaygrade.dataset.editions import known_file
from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.dataset.split import Split, by_arrival, temporal
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import InputError


def postings_by_arrival(table: Table) -> Postings:
    """Postings of a table in order of arrival, dated by the calendar of its edition where there is one."""
    known = known_file(table.sha256)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    if known is None or not known.calendar:
        return postings
    tables = resources.files("mlpaygrade.dataset") / "tables" / "calendars"
    return dated_by(postings, read_calendar(Path(str(tables / known.calendar))))


def postings_and_split(table: Table, *, through: int | None) -> tuple[Postings, Split | None, str | None]:
    """Postings, the split that judges a model of them, and its protocol in words; no split where nothing is left to test.

    through: last work year to train on; without it the edition's own day divides, or else the newest year tests.
    Raises InputError for a year before the file's first.
    """
    known = known_file(table.sha256)
    if through is None and known is not None and known.test_after is not None:
        postings = postings_by_arrival(table)
        split = by_arrival(postings, day=known.test_after)
        return postings, split, f"trained on rows that had arrived by {known.test_after}, tested on every later one"
    postings = build_postings(table.frame, newest=known.newest if known else None)
    years = sorted(set(postings.year.tolist()))
    if through is not None and through < years[0]:
        raise InputError(f"train-through must be at least {years[0]}, the file's first year; got {through}.")
    cut = years[-2] if through is None and len(years) > 1 else through
    if cut is None or cut >= years[-1]:
        return postings, None, None
    later = f"{cut + 1}" if years[-1] == cut + 1 else f"{cut + 1} and later"
    protocol = f"trained on work years to {cut}, tested on every row of {later}"
    return postings, temporal(postings, through=cut), protocol


def training_side(postings: Postings, split: Split | None) -> Postings:
    """The postings that train: one side of the split, or all."""
    return postings if split is None else postings.take(np.sort(split.train))
