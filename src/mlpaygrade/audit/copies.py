"""Exact copies in a file, and what they do to a naive split.

`Copies` says how many rows repeat another one, what a random split of rows puts on both sides, and how many postings of the
newest year stood before with the same job and band. Removes nothing: a copy may be a reposted advert, or another person with
the same pay.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.audit.pairing import row_codes
from mlpaygrade.dataset.postings import Postings
from mlpaygrade.dataset.split import random_rows
from mlpaygrade.job.fields import COLUMNS, FEATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSplitLeak:
    """What a random split of rows leaks, averaged over `draws` splits; each share in 0..1 is of the test rows.

    twin_share: an exact copy stands in the training rows. other_end_share: no copy, but the other end of the row's own band.
    other_end_of_rest_share: the same among the rows without a copy. clean_share: neither. same_job_share: some training row
    agrees in all features, which is no leak but how little such a test asks of a model. None where there is nothing to divide by.
    """

    test_share: float
    draws: int
    test_rows: int
    twin_share: float
    other_end_share: float
    other_end_of_rest_share: float | None
    clean_share: float
    same_job_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Rows that repeat others.

    rows: rows equal in every column to one further up; share: the same in 0..1. rows_with_twin: rows that are not the only one
    of their kind. recurring_share: postings of the newest work year whose job and band, the year apart, stood in earlier years;
    None where the file has one year. random_split: None where the file is too small to split.
    """

    rows: int
    share: float
    rows_with_twin: int
    newest_year: int
    recurring_share: float | None
    random_split: RandomSplitLeak | None


def find_copies(frame: pd.DataFrame, postings: Postings, *, test_share: float = 0.2, draws: int = 5) -> Copies:
    """Copies in a validated frame, and what a random split of its rows would leak.

    postings: those of the frame, all of them.
    """
    kind = row_codes(frame, COLUMNS)
    newest = int(postings.year.max())
    past = postings.year < newest
    signature = postings.signature()
    recurring = np.isin(signature[~past], signature[past])
    return Copies(
        rows=len(frame) - int(kind.max()) - 1,
        share=(len(frame) - int(kind.max()) - 1) / len(frame),
        rows_with_twin=int((np.bincount(kind)[kind] > 1).sum()),
        newest_year=newest,
        recurring_share=float(recurring.mean()) if past.any() else None,
        random_split=_leak(frame, postings, test_share=test_share, draws=draws) if len(frame) >= 10 else None,
    )


def _leak(frame: pd.DataFrame, postings: Postings, *, test_share: float, draws: int) -> RandomSplitLeak:
    kind, job = row_codes(frame, COLUMNS), row_codes(frame, FEATURES)
    other_end = np.full(len(frame), -1, dtype=np.int64)
    pairs = postings.rows[postings.paired]
    other_end[pairs[:, 0]], other_end[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    shares = []
    for seed in range(draws):
        split = random_rows(len(frame), test_share=test_share, seed=seed)
        trained = np.zeros(len(frame) + 1, dtype=bool)  # one more, for the other end that is not there (-1)
        trained[split.train] = True
        twin = _met(kind, trained[:-1])[split.test]
        other = trained[other_end[split.test]]
        same_job = _met(job, trained[:-1])[split.test]
        shares.append([twin.mean(), (other & ~twin).mean(), (~other & ~twin).mean(), same_job.mean()])
    twin_share, other_share, clean_share, same_share = np.mean(shares, axis=0).tolist()
    return RandomSplitLeak(
        test_share=test_share,
        draws=draws,
        test_rows=len(split.test),
        twin_share=twin_share,
        other_end_share=other_share,
        other_end_of_rest_share=other_share / (1 - twin_share) if twin_share < 1 else None,
        clean_share=clean_share,
        same_job_share=same_share,
    )


def _met(group: NDArray[np.int64], trained: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any training row is of the row's group, bool (n,)."""
    met = np.zeros(int(group.max()) + 1, dtype=bool)
    met[group[trained]] = True
    return met[group]
