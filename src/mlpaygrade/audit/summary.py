"""What a file of the dataset's columns really is: its size, its order, its copies, its oddities, and the claims made of it.

An `Audit` is plain numbers in frozen dataclasses, the same for any file of the columns. Repairs nothing, drops nothing, judges
no model. Raw statistics of rows; `market` adjusts and explains.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mlpaygrade.audit.claims import ClaimResult, judge_claims, tukey_fence_usd
from mlpaygrade.audit.pairing import (
    ArrivalOrder,
    Copies,
    PairingEvidence,
    arrival_order,
    find_copies,
    pairing_evidence,
    row_codes,
)
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.job.fields import (
    CURRENCY,
    EMPLOYMENT,
    EXPERIENCE,
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
