"""The evidence that neighbouring rows are the two ends of one advertised band, for any file of the dataset's columns.

Enters: a validated frame in file order. Leaves: `PairingEvidence`: how many rows have a neighbour that agrees with them, how
many of those pairs name the higher salary first, and both after shuffling, when only chance is left. Builds no postings;
that is the part of `postings`. The evidence is of the file's order: it cannot say why a file is so ordered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import KEY, pair_rows
from mlpaygrade.job.fields import TARGET, YEAR

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearEvidence:
    """One work year. Shares in 0..1; None where there is no pair to judge.

    in_pairs_share: rows in neighbouring pairs that agree. in_pairs_shuffled_share: the same once the year's rows are shuffled.
    ordered_share: pairs whose first salary is at least the second. ordered_shuffled_share: the same once rows are shuffled
    among their agreeing neighbours.
    """

    year: int
    rows: int
    pairs: int
    in_pairs_share: float
    in_pairs_shuffled_share: float
    ordered_share: float | None
    ordered_shuffled_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingEvidence:
    """The whole file; shares as in `YearEvidence`.

    pairs: neighbouring pairs that agree in `KEY`, whatever they pay. ordered: those whose first salary is at least the second;
    equal: those whose two salaries are equal. postings, paired_share: what the greedy pass makes of the file, and how many of
    its postings have both ends. high_to_low: 5, 50 and 95 % quantile of high end over low end, None without pairs.
    """

    rows: int
    pairs: int
    in_pairs_share: float
    in_pairs_shuffled_share: float
    ordered: int
    equal: int
    ordered_share: float | None
    ordered_shuffled_share: float | None
    postings: int
    paired_share: float
    high_to_low: tuple[float, float, float] | None
    years: tuple[YearEvidence, ...]


def pairing_evidence(frame: pd.DataFrame, *, seed: int = 0) -> PairingEvidence:
    """The evidence of a validated frame in file order; `seed` draws the two shuffles."""
    key = row_codes(frame, KEY)
    salary = frame[TARGET].to_numpy()
    year = frame[YEAR].to_numpy(dtype=np.int64)
    rng = np.random.default_rng(seed)
    run, first = _runs(key)
    within_runs = salary[np.lexsort((rng.random(len(frame)), run))]
    shuffled = np.lexsort((rng.random(len(frame)), year))
    by_chance = year[shuffled][_runs(key[shuffled])[1]]
    ordered, ordered_shuffled = salary[first] >= salary[first + 1], within_runs[first] >= within_runs[first + 1]
    years = []
    for value in np.unique(year).tolist():
        rows, of_year = int((year == value).sum()), year[first] == value
        years.append(
            YearEvidence(
                year=value,
                rows=rows,
                pairs=int(of_year.sum()),
                in_pairs_share=2 * int(of_year.sum()) / rows,
                in_pairs_shuffled_share=2 * int((by_chance == value).sum()) / rows,
                ordered_share=_share(ordered[of_year]),
                ordered_shuffled_share=_share(ordered_shuffled[of_year]),
            )
        )
    postings = pair_rows(frame)
    high, low = (salary[postings[postings[:, 1] >= 0, end]] for end in (0, 1))
    quantiles = np.quantile(high / low, [0.05, 0.5, 0.95]).tolist() if len(high) else None
    return PairingEvidence(
        rows=len(frame),
        pairs=len(first),
        in_pairs_share=2 * len(first) / len(frame),
        in_pairs_shuffled_share=2 * len(by_chance) / len(frame),
        ordered=int(ordered.sum()),
        equal=int((salary[first] == salary[first + 1]).sum()),
        ordered_share=_share(ordered),
        ordered_shuffled_share=_share(ordered_shuffled),
        postings=len(postings),
        paired_share=len(high) / len(postings),
        high_to_low=(quantiles[0], quantiles[1], quantiles[2]) if quantiles else None,
        years=tuple(years),
    )


def row_codes(frame: pd.DataFrame, columns: Sequence[str]) -> Positions:
    """A number for each row, int64 (n,), equal exactly where rows agree in all `columns`; numbered by first appearance."""
    codes = np.zeros(len(frame), dtype=np.int64)
    for column in columns:
        here, values = pd.factorize(frame[column])
        codes = pd.factorize(codes * (len(values) + 1) + here)[0]
    return codes


def _runs(key: Positions) -> tuple[Positions, Positions]:
    """Runs of equal neighbours: the run of each row (n,), and where its pairs begin, two by two from the top (n_pairs,)."""
    begins = np.append(True, key[1:] != key[:-1])
    run = np.cumsum(begins) - 1
    place = np.arange(len(key)) - np.flatnonzero(begins)[run]
    return run, np.flatnonzero((place % 2 == 0) & (place + 1 < np.bincount(run)[run]))


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None
