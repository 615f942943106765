"""The market's statistics as a document: what a bundle carries, the report prints and the app shows.

A section is one question with its answer in words and its figures; a figure holds a chart and the same numbers as a table,
which `numeric_table` gives as a file of numbers, one a column, its unit in the column's name. Readers need nothing of the
analysis, and no library of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from mlpaygrade.errors import BundleError
from mlpaygrade.rendering.charts import Chart
from mlpaygrade.rendering.words import counted

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

    @property
    def text(self) -> str:
        """In words: 2 rows, 1 posting, 1 advert."""
        parts = ((self.rows, "row"), (self.postings, "posting"), (self.adverts, "advert"))
        return ", ".join(counted(count, noun) for count, noun in parts)


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

    low_usd, high_usd: 95 % interval of the median. few: too few postings for one; these are then their lowest and highest.
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


Cell = str | float | None
_N: Final = r"([+−±-]?\s?\$?[\d,]+(?:\.\d+)?[KM]?(?:\s?%)?)"
_FORMS: Final = {
    ("",): re.compile(rf"(?:< )?{_N}(?: \(few\))?"),
    (" low", " high"): re.compile(rf"{_N} to {_N}"),
    ("", " low", " high"): re.compile(rf"{_N} \({_N} to {_N}\)"),
    ("", ", of"): re.compile(rf"{_N} of {_N}"),
    ("", ", of what"): re.compile(rf"{_N} \((.+)\)"),
}
"""Endings of the columns that a cell becomes -> how such cells are written."""
_NOTHING: Final = ("—", "", COMPARED)
_SCALE: Final = {"K": 1e3, "M": 1e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericTable:
    """A table whose cells are numbers, text or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def numeric_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> NumericTable:
    """The table with every column of numbers as numbers; a range becomes two columns."""
    names: list[str] = []
    parts: list[list[Cell]] = []
    before = ""
    for at, column in enumerate(columns):
        cells = [row[at] for row in rows]
        ends, unit, values = _column(cells)
        whose = f"{before}, {column}" if "interval" in column and before else column
        names += [f"{whose}{end}{unit if end != ', of what' else ''}" for end in ends]
        parts += [list(part) for part in zip(*values, strict=True)]
        before = column if "interval" not in column else before
    return NumericTable(columns=tuple(names), rows=tuple(zip(*parts, strict=True)) if rows else ())


def _column(cells: Sequence[str]) -> tuple[tuple[str, ...], str, list[tuple[Cell, ...]]]:
    """Endings, unit and values of a column: by the first form that all its cells have, else as text."""
    said = [cell for cell in cells if cell not in _NOTHING]
    for ends, form in _FORMS.items():
        found = [form.fullmatch(cell) for cell in said]
        units = {unit for match in found if match for unit in map(_unit, match.groups()[: _numbers(ends)])}
        if not said or None in found or len(units) > 1:
            continue
        (unit,) = units
        below = " (0.001: at most)" if any(cell.startswith("<") for cell in said) else ""
        read = {cell: _values(match.groups(), ends) for cell, match in zip(said, found, strict=True) if match}
        return ends, unit + below, [read.get(cell, (None,) * len(ends)) for cell in cells]
    return ("",), "", [(cell if cell not in _NOTHING else None,) for cell in cells]


def _numbers(ends: tuple[str, ...]) -> int:
    return sum(end != ", of what" for end in ends)


def _values(groups: Sequence[str], ends: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(text if end == ", of what" else _number(text) for text, end in zip(groups, ends, strict=True))


def _unit(text: str) -> str:
    return ", USD" if "$" in text else ", %" if text.endswith("%") else ""


def _number(text: str) -> float:
    bare = re.sub(r"[^\d.]", "", text)
    value = round(float(bare) * _SCALE.get(text[-1], 1), 6) * (-1 if text[0] in "−-" else 1)
    return int(value) if value.is_integer() else value
