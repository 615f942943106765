"""The evidence that neighbouring rows are the two ends of one advertised band, for any file of the dataset's columns.

`PairingEvidence` says how many rows have a neighbour that agrees with them, how many of those pairs name the higher salary
first, and both after shuffling, when only chance is left. `dataset.postings` builds the postings. The evidence is of the file's
order: it cannot say why a file is so ordered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import KEY, pair_rows
from mlpaygrade.job.fields import FEATURES, TARGET, YEAR

Positions = NDArray[np.int64]

BEYOND_CHANCE: Final = 0.25
"""A file whose rows pair with neighbours no more than this share of rows above chance is in no order of arrival. The public
editions lie 0.88 and 0.95 above chance, a shuffled one 0.01 below."""
SORTED_STEPS: Final = 30
SORTED_SHARE: Final = 0.97


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


@dataclass(frozen=True, slots=True)
class ArrivalOrder:
    """Whether the order of rows tells when they arrived. order: None where it does not. why: what was seen."""

    order: Literal["newest first", "oldest first"] | None
    why: str

    @property
    def tells_time(self) -> bool:
        """Whether postings rebuilt from the file as it stands are in order of arrival."""
        return self.order == "newest first"


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


def arrival_order(frame: pd.DataFrame, evidence: PairingEvidence | None = None) -> ArrivalOrder:
    """Whether a validated frame stands in an order of arrival, by how often its neighbours pair.

    evidence: of this frame, where it is at hand. Bands of one advert arrive together; in a shuffled file neighbours pair as by
    chance, in a reversed one the lower end comes first, and a sorted one has a field that only rises or only falls.
    """
    evidence = evidence or pairing_evidence(frame)
    if evidence.in_pairs_share < evidence.in_pairs_shuffled_share + BEYOND_CHANCE:
        return ArrivalOrder(
            None,
            f"{evidence.in_pairs_share:.0%} of the rows pair with a neighbour and {evidence.in_pairs_shuffled_share:.0%} would "
            "in any order: the file is shuffled, or does not hold both ends of bands",
        )
    if column := _sorted_by(frame):
        return ArrivalOrder(None, f"the file is sorted by {column}")
    if (evidence.ordered_share or 0.0) < 0.5:
        return ArrivalOrder("oldest first", "of neighbours that pair the lower end comes first: the file is reversed")
    return ArrivalOrder("newest first", "neighbours pair, the higher end first, as in the public file")


def _sorted_by(frame: pd.DataFrame) -> str | None:
    """The field whose value only rises or only falls inside the years, where it changes often enough to tell."""
    same_year = frame[YEAR].to_numpy()[1:] == frame[YEAR].to_numpy()[:-1]
    for column in FEATURES:
        codes = pd.factorize(frame[column], sort=True)[0]
        steps = np.diff(codes)[same_year]
        steps = steps[steps != 0]
        if len(steps) >= SORTED_STEPS and not 1 - SORTED_SHARE < float((steps > 0).mean()) < SORTED_SHARE:
            return column
    return None


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
