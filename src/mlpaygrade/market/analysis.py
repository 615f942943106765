"""What every section starts from, computed once, and the form in which it answers. Answers nothing itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.audit.summary import ArrivalOrder
from mlpaygrade.dataset.postings import Calendar
from mlpaygrade.job.fields import TARGET
from mlpaygrade.market.document import Counts, Figure, Section
from mlpaygrade.market.inference import (
    TERMS,
    AdjustedModel,
    Bootstrap,
    Effect,
    Medians,
    Term,
    bootstrap_medians,
    fit_adjusted,
)
from mlpaygrade.market.sample import MIN_CELL, FieldKey, Floats, Ints, Sample
from mlpaygrade.market.wording import Change
from mlpaygrade.rendering.charts import Chart

FAMILY_TERMS: Final[tuple[Term, ...]] = (
    ("year",),
    ("country",),
    ("moved",),
    ("employment",),
    ("level",),
    ("family", "remote"),
    ("level", "size"),
)
Span = tuple[float, float]
Numbers_co = TypeVar("Numbers_co", covariant=True)
Line = TypeVar("Line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Generic[Numbers_co]):
    """What a section says, and the numbers it is made of. n: what it rests on, None for the whole file.

    missing: what the file lacks for it, which leaves the rest empty.
    """

    n: Counts | None = None
    numbers: Numbers_co | None = None
    answer: str = "This file cannot say."
    effect: str = "None."
    uncertainty: str = "None."
    cannot: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    not_to_conclude: Sequence[str] = ()
    missing: str | None = None

    def section(self, key: str, title: str, question: str, *, whole: Counts) -> Section:
        """The section as the document keeps it, without charts that have nothing to show."""
        return Section(
            key=key,
            title=title,
            question=question,
            answer=self.answer,
            effect=self.effect,
            uncertainty=self.uncertainty,
            cannot=tuple(self.cannot),
            n=self.n or whole,
            figures=tuple(figure for figure in self.figures if getattr(figure.chart, "marks", True)),
            not_to_conclude=tuple(self.not_to_conclude),
            missing=self.missing,
        )


def figure(
    key: str,
    title: str,
    alt: str,
    chart: Chart,
    lines: Iterable[Line],
    *columns: tuple[str, Callable[[Line], str]],
    open_table: bool = False,
) -> Figure:
    """A chart and its table: a row for each line, its columns as (heading, what stands in the cell)."""
    names, cells = zip(*columns, strict=True)
    rows = tuple(tuple(cell(line) for cell in cells) for line in lines)
    return Figure(key=key, title=title, alt=alt, columns=names, rows=rows, chart=chart, open=open_table)


def change_of(effect: Effect | None) -> Change | None:
    """An effect on log pay as a relative change, rounded; None stays None."""
    if effect is None:
        return None
    return Change.of(*np.expm1([effect.log_difference, effect.low, effect.high]).tolist())


@dataclass(frozen=True, kw_only=True)
class Group:
    """Postings of one value of a field. few: too few to say more of. adjusted: against the commonest value, the reference."""

    label: str
    postings: int
    adverts: int
    few: bool
    reference: bool
    median_usd: float | None
    interval_usd: Span | None
    adjusted: Change | None


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
        """Median middle of the band by group in USD, with its bootstrap."""
        return bootstrap_medians(self.sample.middle_usd, codes, k=k, bootstrap=self.bootstrap)

    def groups(self, key: FieldKey, *, model: AdjustedModel | None = None) -> tuple[Group, ...]:
        """The values of a field in the order of their codes. model: that adjusts, by default the one with single titles."""
        field = self.sample.fields[key]
        k, main = len(field.keys), field.commonest()
        medians, effects = self.medians(field.codes, k=k), (model or self.model).effects(key)
        adverts = np.bincount(field.codes[self.sample.first_of_advert], minlength=k)
        return tuple(
            Group(
                label=field.labels[code],
                postings=n,
                adverts=int(adverts[code]),
                few=n < MIN_CELL,
                reference=code == main,
                median_usd=None if n < MIN_CELL else number(medians.median[code]),
                interval_usd=None if n < MIN_CELL else span(medians.low[code], medians.high[code]),
                adjusted=None if n < MIN_CELL else change_of(effects[code]),
            )
            for code, n in enumerate(field.counts().tolist())
        )

    @property
    def bootstrapped(self) -> str:
        """How intervals were made."""
        return f"Bootstrap by advert ({self.bootstrap.replicates} samples)"


def pair_codes(sample: Sample, one: FieldKey, two: FieldKey) -> tuple[Ints, int]:
    """Two fields as one code, `one * k_two + two`, and how many codes that makes."""
    first, second = sample.fields[one], sample.fields[two]
    return first.codes * len(second.keys) + second.codes, len(first.keys) * len(second.keys)


def span(low: float, high: float) -> Span:
    """Two amounts, in whole dollars."""
    return float(round(low)), float(round(high))


def rounded_quartiles(quartiles: Floats) -> tuple[float, float, float]:
    """Three amounts, in whole dollars."""
    low, middle, high = (float(round(usd)) for usd in quartiles.tolist())
    return low, middle, high


def number(value: float, *, digits: int = 0) -> float | None:
    """A rounded number, None where it is not a number."""
    return float(round(float(value), digits)) if np.isfinite(value) else None


def row_moments(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean and standard deviation of the salaries (USD, NaN for one row) and count of rows, by the columns' codes."""
    return rows.groupby(list(columns))[TARGET].agg(["mean", "std", "size"])
