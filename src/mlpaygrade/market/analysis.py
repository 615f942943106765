"""What every section starts from, computed once, and the form in which a section answers.

Enters: a sample, a seed, perhaps a calendar of arrivals. Leaves: `Analysis`, `Section`. Answers nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.audit.pairing import ArrivalOrder
from mlpaygrade.dataset.calendar import Calendar
from mlpaygrade.job.fields import TARGET
from mlpaygrade.market.model import TERMS, AdjustedModel, Term, fit_adjusted
from mlpaygrade.market.resample import Bootstrap
from mlpaygrade.market.sample import FieldKey, Floats, Ints, Sample

FAMILY_TERMS: Final[tuple[Term, ...]] = (
    ("year",),
    ("country",),
    ("moved",),
    ("employment",),
    ("level",),
    ("family", "remote"),
    ("level", "size"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question about the market and its answer.

    answer: one sentence made from the numbers. effect, uncertainty: how large and how sure, in words. cannot: what the data
    cannot show. missing: what the file lacks for this section, else None. figures: plain JSON for charts and tables.
    """

    key: str
    title: str
    question: str
    answer: str
    effect: str
    uncertainty: str
    cannot: tuple[str, ...]
    n: Mapping[str, int]
    figures: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The section as plain JSON."""
        return {
            "key": self.key,
            "title": self.title,
            "question": self.question,
            "answer": self.answer,
            "effect": self.effect,
            "uncertainty": self.uncertainty,
            "cannot": list(self.cannot),
            "n": dict(self.n),
            "missing": self.missing,
            "figures": dict(self.figures),
        }


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
    def counts(self) -> dict[str, int]:
        """How much there is: rows, postings, adverts."""
        return {"rows": len(self.row_usd), "postings": len(self.sample), "adverts": self.sample.n_adverts}

    def counts_of(self, mask: NDArray[np.bool_]) -> dict[str, int]:
        """The same for a part of the postings."""
        return {
            "rows": int(mask.sum() + self.sample.postings.paired[mask].sum()),
            "postings": int(mask.sum()),
            "adverts": len(np.unique(self.sample.advert[mask])),
        }


def pair_codes(sample: Sample, one: FieldKey, two: FieldKey) -> tuple[Ints, int]:
    """Two fields as one code, `one * k_two + two`, and how many codes that makes."""
    first, second = sample.fields[one], sample.fields[two]
    return first.codes * len(second.keys) + second.codes, len(first.keys) * len(second.keys)


def span(low: float, high: float, *, digits: int = 4) -> list[float]:
    """An interval as JSON."""
    return [round(float(low), digits), round(float(high), digits)]


def number(value: float, *, digits: int = 0) -> float | None:
    """A rounded number as JSON, None where it is not a number."""
    if not np.isfinite(value):
        return None
    return float(round(float(value), digits)) if digits else float(round(float(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMoments:
    """Rows of one group: mean and standard deviation of their salaries in USD (NaN for one row), and how many."""

    mean: float
    deviation: float
    rows: int


def row_moments(rows: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[Any, ...], RowMoments]:
    """Codes of the columns -> moments of the salaries, in the order of the codes."""
    found = {}
    for code, part in rows.groupby(list(columns))[TARGET]:
        usd = part.to_numpy(dtype=np.float64)
        deviation = float(usd.std(ddof=1)) if len(usd) > 1 else np.nan
        key = tuple(code) if isinstance(code, tuple) else (code,)
        found[key] = RowMoments(mean=float(usd.mean()), deviation=deviation, rows=len(usd))
    return found
