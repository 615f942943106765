"""Postings as the arrays that every market statistic starts from: log pay, coded fields with plain labels, adverts.

An advert is the set of postings that are exact copies of one another (same job, same band). A repost is no new evidence, so
intervals resample adverts, and tests count each advert once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LABELS, LOCATION, REMOTE, RESIDENCE, SIZE, TITLE, YEAR
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import family_name, title_family

FieldKey = Literal[
    "year", "level", "family", "title", "country", "remote", "size", "employment", "moved", "week", "paired"
]
MIN_CELL: Final = 10
"""A cell of fewer postings is marked, never ranked, and gets no interval."""

FIELD_LABELS: Final[Mapping[FieldKey, str]] = {
    "year": "Year",
    "level": "Experience level",
    "family": "Title family",
    "title": "Job title",
    "country": "Company's country",
    "remote": "Remote work",
    "size": "Company size",
    "employment": "Employment type",
}
FIELD_PHRASES: Final[Mapping[FieldKey, str]] = {
    "year": "the year",
    "level": "the experience level",
    "family": "the title family",
    "title": "the job title",
    "country": "the company's country",
    "remote": "remote work",
    "size": "the company's size",
    "employment": "the employment type",
}
"""The fields inside a sentence."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Coded:
    """One coded field of the postings.

    codes: int64 (n,), positions in `keys`. keys: the dataset's codes, in natural order where there is one, else the most
    frequent first. labels: the same in plain words.
    """

    key: FieldKey
    codes: Ints
    keys: tuple[str | int, ...]
    labels: tuple[str, ...]

    def counts(self) -> Ints:
        """Postings of each code, (k,)."""
        return np.bincount(self.codes, minlength=len(self.keys))

    @cached_property
    def share(self) -> Floats:
        """Share of the postings of each code, (k,)."""
        return self.counts() / len(self.codes)

    def commonest(self) -> int:
        """The code that others are compared with."""
        return int(self.counts().argmax())

    def code(self, key: str | int) -> int | None:
        """Position of one of the dataset's codes, None where the file has no such posting."""
        return self.keys.index(key) if key in self.keys else None


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """Postings as arrays; n postings in order of arrival, oldest first.

    log_middle: float64 (n,), natural log of the geometric middle of the band. middle_usd: float64 (n,), the arithmetic
    middle. advert: int64 (n,), number of the advert that a posting is a copy of. fields: the coded fields.
    """

    postings: Postings
    log_middle: Floats
    middle_usd: Floats
    advert: Ints
    fields: Mapping[FieldKey, Coded]

    def __len__(self) -> int:
        return len(self.log_middle)

    @cached_property
    def n_adverts(self) -> int:
        """How many different adverts there are."""
        return int(self.advert.max()) + 1

    @cached_property
    def first_of_advert(self) -> Ints:
        """The oldest posting of each advert, (n_adverts,)."""
        return np.unique(self.advert, return_index=True)[1]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The source rows of these postings, in file order."""
        return self.postings.to_rows().reset_index(drop=True)

    def with_field(self, field: Coded) -> "Sample":
        """The same postings with one more coded field."""
        return replace(self, fields={**self.fields, field.key: field})

    def take(self, index: NDArray[np.bool_]) -> "Sample":
        """The postings of a mask; codes that no longer occur are dropped from the fields."""
        return build_sample(self.postings.take(index))


def build_sample(postings: Postings) -> Sample:
    """Code the fields of the postings and number their adverts."""
    jobs = postings.jobs
    title = _coded("title", jobs[TITLE])
    family_of = [title_family(str(key)) for key in title.keys]
    family = pd.Series(np.array(family_of, dtype=object)[title.codes])
    moved = (jobs[RESIDENCE].to_numpy() != jobs[LOCATION].to_numpy()).astype(np.int64)
    countries = {code: country(str(code)).name for code in jobs[LOCATION].unique()}
    families: dict[str | int, str] = {family: family_name(family) for family in family_of}
    fields = (
        _coded("year", jobs[YEAR], {year: str(year) for year in sorted(jobs[YEAR].unique().tolist())}, ordered=True),
        _coded("level", jobs[EXPERIENCE], LABELS[EXPERIENCE], ordered=True),
        _coded("family", family, families),
        title,
        _coded("country", jobs[LOCATION], countries),
        _coded("remote", jobs[REMOTE], LABELS[REMOTE], ordered=True),
        _coded("size", jobs[SIZE], LABELS[SIZE], ordered=True),
        _coded("employment", jobs[EMPLOYMENT], LABELS[EMPLOYMENT], ordered=True),
        _coded("moved", pd.Series(moved), {0: "Same country", 1: "Another country"}, ordered=True),
    )
    return Sample(
        postings=postings,
        log_middle=(np.log(postings.low_usd) + np.log(postings.high_usd)) / 2,
        middle_usd=postings.midpoint_usd,
        advert=postings.signature(),
        fields={field.key: field for field in fields},
    )


def _coded(
    key: FieldKey, column: pd.Series, labels: Mapping[str | int, str] | None = None, *, ordered: bool = False
) -> Coded:
    """A column coded by the codes that occur: in the order of the labels, or else the most frequent first."""
    counted = column.value_counts()
    counts = dict(zip(counted.index.tolist(), counted.tolist(), strict=True))
    kept = [c for c in labels or {} if c in counts] if ordered else sorted(counts, key=lambda c: (-counts[c], str(c)))
    codes = pd.Categorical(column, categories=kept).codes.astype(np.int64)
    return Coded(key=key, codes=codes, keys=tuple(kept), labels=tuple(str((labels or {}).get(c, c)) for c in kept))
