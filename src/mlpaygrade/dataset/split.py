"""Training and test sets that no posting crosses.

Enters: `Postings`. Leaves: `Split`s of posting positions. `random_rows` alone splits rows, and exists only to show
how much that flatters. Copies of one posting (same job, same band) stay on one side wherever time does not part
them; in time they may recur, as they do in the market, and `audit` counts them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, decimal_year
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import EXPERIENCE, LOCATION


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
    past = postings.year <= through
    return Split(name=f"through {through}", train=np.flatnonzero(past), test=np.flatnonzero(~past))


def by_arrival(postings: Postings, *, day: date) -> Split:
    """Train on postings that had arrived by a day, test on what arrived later. postings: dated (`market.arrivals.dated_by`)."""
    past = postings.time_years <= decimal_year(day)
    return Split(name=f"arrived by {day}", train=np.flatnonzero(past), test=np.flatnonzero(~past))


def geographic(postings: Postings, *, train_on_us: bool) -> Split:
    """Train on US companies and test on the others, or the reverse."""
    us = postings.jobs[LOCATION].to_numpy() == "US"
    name = "US to international" if train_on_us else "international to US"
    return Split(name=name, train=np.flatnonzero(us == train_on_us), test=np.flatnonzero(us != train_on_us))


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
    return [
        Split(name=f"stratified {k + 1}/{folds}", train=np.flatnonzero(fold != k), test=np.flatnonzero(fold == k))
        for k in range(folds)
    ]


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
