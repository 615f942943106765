"""The market's statistics as a document: what a bundle carries, the report prints and the app shows.

A section is one question with its answer in words and its figures; a figure holds a chart and the same numbers as a table.
Readers need nothing of the analysis, and no library of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from mlpaygrade.errors import BundleError
from mlpaygrade.rendering.charts import Chart

FORMAT: Final = 2
"""Raised when the document changes its shape."""
PART: Final = "market.json"
"""Its name in a bundle."""
MOST_LINES: Final = 24
"""At most so many lines in one chart; the table has them all."""
COMPARED: Final = "compared with"
"""Stands in a table for the difference of a group from itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a figure rests on: rows of the file, postings, different adverts."""

    rows: int
    postings: int
    adverts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One chart. alt: what it shows, in words. columns, rows: the same numbers as a table. open: the table matters most."""

    key: str
    title: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Chart
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question about the market and its answer.

    answer: one sentence made from the numbers. effect, uncertainty: how large and how sure, in words. cannot: what the data
    cannot show. not_to_conclude: conclusions to warn of. missing: what the file lacks for this section, else None.
    """

    key: str
    title: str
    question: str
    answer: str
    effect: str
    uncertainty: str
    cannot: tuple[str, ...]
    n: Counts
    figures: tuple[Figure, ...] = ()
    not_to_conclude: tuple[str, ...] = ()
    missing: str | None = None


class Period(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Half a year ("2024 H1") or a year ("2022") of a series, with the middle pay and how sure it is.

    low_usd, high_usd: 95 % interval of the median. few: too few postings for one; these are then
    their lowest and highest.
    """

    name: str
    postings: int
    median_usd: float
    low_usd: float
    high_usd: float
    few: bool


class TitleSeries(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a title pays in a country (ISO 3166-1 alpha-2). adverts: different ones. newest: "2025-01", or a year.

    quartiles_usd: None for very few postings. interval_usd: of the median, 95 %, None for few.
    """

    title: str
    country: str
    postings: int
    adverts: int
    newest: str
    quartiles_usd: tuple[float, float, float] | None
    interval_usd: tuple[float, float] | None
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDocument:
    """The sections in their order, and what they rest on. dated: the series in time goes by a calendar.

    series: pay of every title in every country, most postings first; none in a bundle of before they were kept.
    """

    format: int
    counts: Counts
    years: tuple[int, int]
    seed: int
    replicates: int
    dated: bool
    sections: tuple[Section, ...]
    series: tuple[TitleSeries, ...] = ()

    def section(self, key: str) -> Section:
        """The section with that key."""
        return next(section for section in self.sections if section.key == key)


def read_document(content: Mapping[str, object]) -> MarketDocument:
    """Read a bundle's part. Raises BundleError where it is of another format or damaged."""
    if content.get("format") != FORMAT:
        raise BundleError(
            f"The part '{PART}' must be of format {FORMAT}; got {content.get('format')}. Export the bundle again."
        )
    try:
        return msgspec.convert(content, MarketDocument)
    except msgspec.ValidationError as error:
        raise BundleError(f"The part '{PART}' is damaged: {error}. Export the bundle again.") from error
