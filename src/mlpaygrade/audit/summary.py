"""What a file of the dataset's columns really is: its size, its order, its copies, its oddities, and the claims made of it.

An `Audit` is plain numbers in frozen dataclasses, the same for any file of the columns. Repairs nothing, drops nothing,
judges no model. Raw statistics of rows; `market` adjusts and explains.

`PairingEvidence` says how many rows have a neighbour that agrees with them, how many of those pairs name the higher salary
first, and both after shuffling, when only chance is left; it cannot say why a file is so ordered. `Copies` says how many rows
repeat another one, what a random split of rows puts on both sides, and how many postings of the newest year stood before with
the same job and band. A copy may be a reposted advert, or another person with the same pay; none is removed.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.audit.claims import ClaimResult, judge_claims, tukey_fence_usd
from mlpaygrade.dataset.postings import KEY, Postings, build_postings, pair_rows, random_rows
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.job.fields import (
    COLUMNS,
    CURRENCY,
    EMPLOYMENT,
    EXPERIENCE,
    FEATURES,
    LABELS,
    LOCATION,
    RESIDENCE,
    SALARY,
    SIZE,
    TARGET,
    YEAR,
)

if TYPE_CHECKING:
    from mlpaygrade.dataset.table import Table


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
    return np.asarray(frame.groupby(list(columns), sort=False, dropna=False).ngroup(), dtype=np.int64)


def _runs(key: Positions) -> tuple[Positions, Positions]:
    """Runs of equal neighbours: the run of each row (n,), and where its pairs begin, two by two from the top (n_pairs,)."""
    begins = np.append(True, key[1:] != key[:-1])
    run = np.cumsum(begins) - 1
    place = np.arange(len(key)) - np.flatnonzero(begins)[run]
    return run, np.flatnonzero((place % 2 == 0) & (place + 1 < np.bincount(run)[run]))


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None


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
        twin = np.isin(kind[split.test], kind[split.train])
        other = trained[other_end[split.test]]
        same_job = np.isin(job[split.test], job[split.train])
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


SMALL_CELL: Final = 10
"""Cells with fewer rows are marked: their figures are mostly chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that share a year or a level: how many, their share in 0..1, and their mean."""

    name: str
    rows: int
    share: float
    mean_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of all rows, USD; skewness without unit, None where too few rows vary.

    above_fence: rows above the Tukey fence.
    """

    min_usd: float
    max_usd: float
    mean_usd: float
    median_usd: float
    deviation_usd: float | None
    skewness: float | None
    log_skewness: float | None
    fence_usd: float
    above_fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One employment type at one company size. small: fewer than `SMALL_CELL` rows. deviation_usd: None for a single row."""

    employment: str
    size: str
    rows: int
    mean_usd: float
    deviation_usd: float | None
    small: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """How salary and currency determine the target; shares in 0..1.

    usd_share: of all rows. usd_equal_share: of those, the ones whose two salaries are equal. determined_share: of all rows,
    those whose year, currency and salary never stand with another target. rate_share: of the other-currency rows whose year
    and currency stand more than once, those within a dollar, or 0.01 %, of one exchange rate. None where there are no such rows.
    """

    distinct: int
    usd_share: float
    usd_equal_share: float | None
    determined_share: float
    rate_rows: int
    rate_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Everything that is found out about a file.

    newest_first_share: neighbouring rows whose work year does not rise from the first to the second, in 0..1. newest_day: ISO
    date of the newest row where the file is a known one. arrival: whether the order of rows tells when they arrived.
    same_country_share: rows whose residence is the company's country.
    """

    file: str
    sha256: str
    known_as: str | None
    newest_day: str | None
    synthetic: bool
    notes: tuple[str, ...]
    rows: int
    missing: int
    distinct: dict[str, int]
    years: tuple[Group, ...]
    levels: tuple[Group, ...]
    target: Target
    newest_first_share: float | None
    arrival: ArrivalOrder
    pairing: PairingEvidence
    copies: Copies
    same_country_share: float
    currencies: Currencies
    cells: tuple[Cell, ...]
    claims: tuple[ClaimResult, ...]

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the audit; money in USD, shares in 0..1, claims in their own unit."""
        return {**asdict(self), "claims": [claim.to_json() for claim in self.claims]}


def audit_table(table: "Table") -> Audit:
    """Audit a file that passed the gate (with salaries)."""
    frame = table.frame
    known = known_file(table.sha256)
    postings = build_postings(frame)
    pairing = pairing_evidence(frame)
    falling = frame[YEAR].to_numpy()[1:] <= frame[YEAR].to_numpy()[:-1]
    return Audit(
        file=table.path.name,
        sha256=table.sha256,
        known_as=f"edition {known.name}" if known else None,
        newest_day=known.newest.isoformat() if known else None,
        synthetic=table.synthetic,
        notes=table.notes,
        rows=len(frame),
        missing=int(frame.isna().to_numpy().sum()),
        distinct={column: int(frame[column].nunique()) for column in frame.columns},
        years=_groups(frame, YEAR),
        levels=_groups(frame, EXPERIENCE),
        target=_target(frame[TARGET]),
        newest_first_share=float(falling.mean()) if len(falling) else None,
        arrival=arrival_order(frame, pairing),
        pairing=pairing,
        copies=find_copies(frame, postings),
        same_country_share=float((frame[RESIDENCE] == frame[LOCATION]).mean()),
        currencies=_currencies(frame),
        cells=_cells(frame),
        claims=judge_claims(frame),
    )


def _groups(frame: pd.DataFrame, column: str) -> tuple[Group, ...]:
    """Groups in the natural order of their codes, years ascending."""
    found = frame.groupby(column)[TARGET].agg(["size", "mean"])
    found = found.reindex([code for code in LABELS.get(column, found.index) if code in found.index])
    return tuple(
        Group(name=str(code), rows=int(rows), share=rows / len(frame), mean_usd=float(mean))
        for code, rows, mean in found.itertuples()
    )


def _target(salary: "pd.Series[float]") -> Target:
    fence = tukey_fence_usd(salary)
    return Target(
        min_usd=float(salary.min()),
        max_usd=float(salary.max()),
        mean_usd=float(salary.mean()),
        median_usd=float(salary.median()),
        deviation_usd=_number(salary.std()),
        skewness=_number(salary.skew()),
        log_skewness=_number(pd.Series(np.log1p(salary)).skew()),
        fence_usd=fence,
        above_fence=int((salary > fence).sum()),
    )


def _cells(frame: pd.DataFrame) -> tuple[Cell, ...]:
    """Cells that occur, highest deviation first, single rows last."""
    found = frame.groupby([EMPLOYMENT, SIZE])[TARGET].agg(["size", "mean", "std"]).reset_index()
    found = found.sort_values("std", ascending=False, kind="stable")
    return tuple(
        Cell(
            employment=str(employment),
            size=str(size),
            rows=int(rows),
            mean_usd=float(mean),
            deviation_usd=_number(deviation),
            small=bool(rows < SMALL_CELL),
        )
        for employment, size, rows, mean, deviation in found.itertuples(index=False)
    )


def _currencies(frame: pd.DataFrame) -> Currencies:
    usd = (frame[CURRENCY] == "USD").to_numpy()
    local, target = frame[SALARY].to_numpy(dtype=float), frame[TARGET].to_numpy(dtype=float)
    cause = row_codes(frame, (YEAR, CURRENCY, SALARY))
    effect = row_codes(frame.assign(cause=cause), ("cause", TARGET))
    effects_of_cause = np.bincount(cause[np.unique(effect, return_index=True)[1]])
    other = frame.loc[~usd, [YEAR, CURRENCY]].assign(rate=target[~usd] / local[~usd])
    by_kind = other.groupby([YEAR, CURRENCY])["rate"]
    rate, size = by_kind.transform("median").to_numpy(), by_kind.transform("size").to_numpy()
    often = size > 1
    away = np.abs(target[~usd] - local[~usd] * rate)[often]
    return Currencies(
        distinct=int(frame[CURRENCY].nunique()),
        usd_share=float(usd.mean()),
        usd_equal_share=float((local == target)[usd].mean()) if usd.any() else None,
        determined_share=float((effects_of_cause[cause] == 1).mean()),
        rate_rows=int(often.sum()),
        rate_share=float((away <= np.maximum(1.0, 1e-4 * target[~usd][often])).mean()) if often.any() else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (float, int, np.floating)) and np.isfinite(value) else None
