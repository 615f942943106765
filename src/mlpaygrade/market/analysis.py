"""What every section starts from, computed once, and the form in which it answers. Answers nothing itself."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.audit.pairing import ArrivalOrder
from mlpaygrade.dataset.postings import Calendar
from mlpaygrade.job.fields import TARGET
from mlpaygrade.market import wording
from mlpaygrade.market.document import COMPARED, Counts, Figure, Section
from mlpaygrade.market.inference import (
    TERMS,
    AdjustedModel,
    Bootstrap,
    Effect,
    Term,
    fit_adjusted,
    group_quantiles,
    percentile_interval,
    plain_quantiles,
)
from mlpaygrade.market.sample import MIN_CELL, Coded, FieldKey, Floats, Ints, Sample
from mlpaygrade.rendering.charts import Mark

FAMILY_TERMS: Final[tuple[Term, ...]] = (
    ("year",),
    ("country",),
    ("moved",),
    ("employment",),
    ("level",),
    ("family", "remote"),
    ("level", "size"),
)
DASH: Final = "—"
INTERVAL: Final = "95 % interval"
"""The heading of a column of intervals."""
Span = tuple[float, float]
Numbers = TypeVar("Numbers")
Numbers_co = TypeVar("Numbers_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Generic[Numbers_co]):
    """A section and the numbers that it is made of; None where the file lacks what it needs."""

    section: Section
    numbers: Numbers_co | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a section asks."""

    key: str
    title: str
    question: str

    def answered(
        self,
        numbers: Numbers,
        *,
        answer: str,
        effect: str,
        uncertainty: str,
        cannot: Sequence[str],
        n: Counts,
        figures: Sequence[Figure],
        not_to_conclude: Sequence[str] = (),
    ) -> Finding[Numbers]:
        """The finding with its numbers, words and figures."""
        section = Section(
            key=self.key,
            title=self.title,
            question=self.question,
            answer=answer,
            effect=effect,
            uncertainty=uncertainty,
            cannot=tuple(cannot),
            n=n,
            figures=tuple(figures),
            not_to_conclude=tuple(not_to_conclude),
        )
        return Finding(section=section, numbers=numbers)

    def open(self, missing: str, *, n: Counts) -> Finding[Numbers]:
        """The finding that the file cannot say, and why."""
        section = Section(
            key=self.key,
            title=self.title,
            question=self.question,
            answer="This file cannot say.",
            effect="None.",
            uncertainty="None.",
            cannot=(),
            n=n,
            missing=missing,
        )
        return Finding(section=section, numbers=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A relative change with the ends of its 95 % interval: 0.1 is 10 % more."""

    change: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """+12 %."""
        return wording.signed_percent(self.change)

    @property
    def ends(self) -> str:
        """+8 % to +16 %."""
        return f"{wording.signed_percent(self.low)} to {wording.signed_percent(self.high)}"

    @property
    def interval(self) -> str:
        """95 % interval +8 % to +16 %."""
        return wording.interval(wording.signed_percent(self.low), wording.signed_percent(self.high))

    def mark(self, label: str, series: str, text: str = "") -> Mark:
        """The change as a line of a forest."""
        said = text or f"{label}, {series.lower()}: {self.text} ({INTERVAL} {self.ends})"
        return Mark(label=label, series=series, value=self.change, low=self.low, high=self.high, text=said)


def change_of(effect: Effect | None) -> Change | None:
    """An effect on log pay as a relative change, rounded; None stays None."""
    if effect is None:
        return None
    change, low, high = (
        round(float(np.expm1(log)), 4) + 0.0 for log in (effect.log_difference, effect.low, effect.high)
    )
    return Change(change=change, low=low, high=high)


def change_cells(change: Change | None, *, reference: bool = False) -> tuple[str, str]:
    """A change and its interval as two cells of a table."""
    if reference:
        return COMPARED, DASH
    return (change.text, change.ends) if change else (DASH, DASH)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Medians:
    """Median pay by group (k,) in USD, its 95 % interval, and the bootstrap's medians (replicates, k)."""

    median: Floats
    low: Floats
    high: Floats
    replicates: Floats

    def usd(self, group: int) -> float | None:
        """A group's median, None where it has none."""
        return number(self.median[group])

    def interval_usd(self, group: int) -> Span:
        """Its interval."""
        return span(self.low[group], self.high[group], digits=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Analysis:
    """A sample with its bootstrap, its fitted models and its rows, shared by the sections."""

    sample: Sample
    bootstrap: Bootstrap
    calendar: Calendar | None
    arrival: ArrivalOrder
    seed: int

    @cached_property
    def model(self) -> AdjustedModel:
        """The adjusted model with single titles."""
        return fit_adjusted(self.sample, terms=TERMS)

    @cached_property
    def family_model(self) -> AdjustedModel:
        """The adjusted model with title families, which interact with remote work."""
        return fit_adjusted(self.sample, terms=FAMILY_TERMS)

    @cached_property
    def row_usd(self) -> Floats:
        """Salary of every source row, (n_rows,), file order."""
        return self.sample.rows[TARGET].to_numpy(dtype=np.float64)

    @property
    def counts(self) -> Counts:
        """How much there is."""
        return Counts(rows=len(self.row_usd), postings=len(self.sample), adverts=self.sample.n_adverts)

    def counts_of(self, mask: NDArray[np.bool_]) -> Counts:
        """The same for a part of the postings."""
        return Counts(
            rows=int(mask.sum() + self.sample.postings.paired[mask].sum()),
            postings=int(mask.sum()),
            adverts=len(np.unique(self.sample.advert[mask])),
        )

    def medians(self, codes: Ints, *, k: int) -> Medians:
        """Median middle of the band by group, with its bootstrap."""
        middle = self.sample.middle_usd
        median = plain_quantiles(middle, codes, k=k)[:, 0]
        quantiles = group_quantiles(middle, codes, k=k)
        replicates = self.bootstrap.run(lambda weights: quantiles(weights)[:, 0])
        low, high = percentile_interval(replicates, median)
        return Medians(median=median, low=low, high=high, replicates=replicates)

    @property
    def bootstrapped(self) -> str:
        """How intervals were made."""
        return f"Bootstrap by advert ({self.bootstrap.replicates} samples)"


def pair_codes(sample: Sample, one: FieldKey, two: FieldKey) -> tuple[Ints, int]:
    """Two fields as one code, `one * k_two + two`, and how many codes that makes."""
    first, second = sample.fields[one], sample.fields[two]
    return first.codes * len(second.keys) + second.codes, len(first.keys) * len(second.keys)


def enough(field: Coded, code: int) -> bool:
    """Whether a group has postings enough to judge."""
    return bool(field.counts()[code] >= MIN_CELL)


def span(low: float, high: float, *, digits: int = 4) -> Span:
    """An interval, rounded."""
    return round(float(low), digits), round(float(high), digits)


def number(value: float, *, digits: int = 0) -> float | None:
    """A rounded number, None where it is not a number."""
    return float(round(float(value), digits)) if np.isfinite(value) else None


def usd_text(value: float | None) -> str:
    """An amount; a dash where there is none."""
    return DASH if value is None else wording.dollars(value)


def span_text(ends: Sequence[float] | None) -> str:
    """From one amount to another; a dash where there is none."""
    return DASH if ends is None else f"{wording.dollars(ends[0])} to {wording.dollars(ends[1])}"


def postings_text(postings: int, *, few: bool) -> str:
    """How many postings a cell has, and whether these are few."""
    return f"{postings:,}" + (" (few)" if few else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMoments:
    """Rows of one group: mean and standard deviation of their salaries in USD (NaN for one row), and how many."""

    mean: float
    deviation: float
    rows: int


def row_moments(rows: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[Hashable, ...], RowMoments]:
    """Codes of the columns -> moments of the salaries, in the order of the codes."""
    found: dict[tuple[Hashable, ...], RowMoments] = {}
    for code, part in rows.groupby(list(columns))[TARGET]:
        usd = part.to_numpy(dtype=np.float64)
        deviation = float(usd.std(ddof=1)) if len(usd) > 1 else np.nan
        key = tuple(code) if isinstance(code, tuple) else (code,)
        found[key] = RowMoments(mean=float(usd.mean()), deviation=deviation, rows=len(usd))
    return found
