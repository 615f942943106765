"""Rows that an employer uploads or pastes: from bytes to jobs, with every problem named by row and column.

Enters: the bytes of a delimited text with a header in plain words or in the dataset's names. Leaves: a `Sheet` of rows as they
were read, and of everything that could not be. Codes and plain words are both understood; whatever was read as something else
is said. Asks no model, keeps nothing on disk.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mlpaygrade.dataset.columns import match_columns, plain, shown
from mlpaygrade.dataset.reader import Limits, Rows, open_rows
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job.fields import CURRENCY, EMPLOYMENT, FEATURES, LABELS, REMOTE, RESIDENCE, SALARY, SIZE, TARGET, YEAR
from mlpaygrade.job.reference import rows as table_rows
from mlpaygrade.job.values import (
    COUNTRY_COLUMNS,
    Reading,
    clean_text,
    is_missing,
    plain_words,
    read_value,
    read_values,
)

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 1_000

REFERENCE: Final = "reference"
PAY: Final = "pay_usd"
BAND_LOW: Final = "band_low_usd"
BAND_HIGH: Final = "band_high_usd"
AMOUNTS: Final = (PAY, BAND_LOW, BAND_HIGH)
DOLLARS: Final = ("USD", "US$", "$", "US DOLLAR", "US DOLLARS")
_WANTED: Final = (REFERENCE, *FEATURES, TARGET, SALARY, CURRENCY, BAND_LOW, BAND_HIGH)

DEFAULTED: Final[Mapping[str, str | int]] = {REMOTE: 0, SIZE: "M", EMPLOYMENT: "FT"}
"""What an empty cell is read as; how often that happened is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in one cell. row: 1-based data row; 0 where the whole text is meant."""

    row: int
    column: str
    rule: str
    value: str
    remedy: str

    def __str__(self) -> str:
        where = f"Row {self.row:,}, {self.column}" if self.row else self.column
        return f"{where}: {self.rule}; got {self.value}. {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows as they were read: field -> value, `None` where it could not be; fields that the sheet lacks are missing.

    remarks[i]: how row i was read where that is not plain. given[i]: its title as written.
    """

    fields: tuple[str, ...]
    values: tuple[Mapping[str, str | int | None], ...]
    remarks: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A distinct text of one field as it was read."""

    value: str | int | None
    remark: str = ""
    defect: Defect | None = None


@dataclass(slots=True)
class _Reader:
    """Reads cells, each distinct text of a field once."""

    cells: dict[tuple[str, str], _Cell] = field(default_factory=dict)

    def read(self, name: str, text: str) -> _Cell:
        key = (name, text)
        if key not in self.cells:
            self.cells[key] = _read_cell(name, text)
        return self.cells[key]

    def read_countries(self, name: str, texts: Sequence[str]) -> None:
        """Read the texts of a column of countries, each as the others show it to be meant."""
        distinct = list(dict.fromkeys(text for text in texts if len(text) <= MAX_CELL))
        for text, reading in zip(distinct, read_values(name, distinct), strict=True):
            self.cells[name, text] = _read_cell(name, text, reading)


def template() -> str:
    """A file to start from: the header and three made-up rows, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([row["header"] for row in table_rows("benchmark_columns", room="benchmarking")])
    writer.writerow(
        ["A-1", "Data Engineer", "Senior", "United States", "", "On site", "Medium", "", "", 150000, 130000, 190000]
    )
    writer.writerow(
        ["A-2", "Data Analyst", "Entry level", "United Kingdom", "", "Hybrid", "Large", "Full time", "", 48000, "", ""]
    )
    writer.writerow(["A-3", "Machine Learning Engineer", "Mid level", "Germany", "", "", "", "", "", "", "", ""])
    return text.getvalue()


def read_sheet(content: bytes, *, sheet: str | None = None) -> Sheet:
    """Read rows from the bytes of a text, workbook or Parquet file; `sheet` names one of a workbook.

    Raises DataError where they are no table of jobs at all; single cells become problems.
    """
    if not content.strip():
        raise DataError("There is nothing to read: the text is empty. Start from the template.")
    limits = Limits(content_bytes=MAX_BYTES, rows=MAX_ROWS, columns=MAX_COLUMNS)
    rows = open_rows(content, limits=limits, sheet=sheet)
    matched = match_columns(rows.header, wanted=_WANTED, required=_required())
    if matched.defects:
        defects = [replace(defect, column=headers().get(defect.column, defect.column)) for defect in matched.defects]
        raise DataError("The first line does not name the columns that are needed.", defects=defects)
    places, currency, said = _amount_columns(rows.header, matched.places)
    return _read_rows(rows, places, currency=currency, notes=[*rows.notes, *matched.unused_note(), *said])


def headers() -> Mapping[str, str]:
    """Field -> the header that a person reads."""
    return {row["field"]: row["header"] for row in table_rows("benchmark_columns", room="benchmarking")}


def _required() -> list[str]:
    return [row["field"] for row in table_rows("benchmark_columns", room="benchmarking") if row["required"] == "yes"]


def _amount_columns(
    header: Sequence[str], found: Mapping[str, int]
) -> tuple[dict[str, int], tuple[int, frozenset[str]] | None, list[str]]:
    """Field of a `Sheet` -> place; the currency's place with the amounts that it speaks of; what to say of that.

    An amount whose name says USD is in USD whatever a column of currencies says, as in the public dataset.
    """
    places = {name: place for name, place in found.items() if name not in (TARGET, SALARY, CURRENCY)}
    pay = found.get(TARGET, found.get(SALARY))
    if pay is not None:
        places[PAY] = pay
    open_ = frozenset(name for name in AMOUNTS if name in places and "usd" not in plain(header[places[name]]).split())
    if CURRENCY in found and open_:
        return places, (found[CURRENCY], open_), []
    said = [f"{shown(header[places[name]])!r} names no currency: read as US dollars" for name in sorted(open_)]
    return places, None, said


def _read_rows(
    rows: Rows, places: Mapping[str, int], *, currency: tuple[int, frozenset[str]] | None, notes: list[str]
) -> Sheet:
    reader = _Reader()
    blocks = list(rows.blocks())
    for name in places.keys() & set(COUNTRY_COLUMNS):
        at = places[name]
        reader.read_countries(name, [record[at] for block in blocks for record in block.rows if at < len(record)])
    values: list[Mapping[str, str | int | None]] = []
    remarks: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for block in blocks:
        for place, record in enumerate(block.rows):
            if not any(cell.strip() for cell in record):
                continue
            number = block.first + place
            row: dict[str, str | int | None] = {"row": number}
            said: list[str] = []
            if place in block.ragged:
                problems.append(_ragged(number, len(record), line=block.ragged[place], width=len(rows.header)))
                row.update(dict.fromkeys(places))
            else:
                for name, at in places.items():
                    cell = reader.read(name, record[at])
                    row[name] = cell.value
                    if cell.remark:
                        said.append(f"{headers()[name]}: {cell.remark}")
                    if cell.defect is not None:
                        problems.append(_problem(number, name, cell.defect))
                if currency is not None:
                    problems += _currency_problems(row, record[currency[0]], currency[1])
                problems += _band_problem(number, row)
            values.append(row)
            remarks.append(tuple(said))
    if not values:
        raise DataError("The header is there, and no row below it. Give at least one job.")
    notes += _default_notes(values, places)
    return Sheet(
        fields=tuple(places), values=tuple(values), remarks=tuple(remarks), problems=tuple(problems), notes=tuple(notes)
    )


def _ragged(number: int, fields: int, *, line: int, width: int) -> Problem:
    remedy = "Look for a missing or an extra separator, or a text with a separator that is not in quotes."
    rule = f"must have {width} fields like the header"
    return Problem(row=number, column="(row)", rule=rule, value=f"{fields} in line {line:,}", remedy=remedy)


def _currency_problems(row: dict[str, str | int | None], text: str, amounts: frozenset[str]) -> list[Problem]:
    """Amounts of a row in another currency than USD are told and not used."""
    code = clean_text(text)[0].upper()
    problems = []
    for name in sorted(amounts):
        if code not in DOLLARS and isinstance(row[name], int):
            rule = "must be in US dollars, as other currencies are not converted yet"
            remedy = "Convert it at a rate of your choice and name the column 'Pay USD', or leave it empty."
            value = f"{row[name]} {shown(code)}" if code else f"{row[name]} without a currency"
            problems.append(
                Problem(row=int(row["row"] or 0), column=headers()[name], rule=rule, value=value, remedy=remedy)
            )
            row[name] = None
    return problems


def _band_problem(number: int, row: dict[str, str | int | None]) -> list[Problem]:
    """An own band whose ends are swapped is told and not used."""
    low, high = row.get(BAND_LOW), row.get(BAND_HIGH)
    if not (isinstance(low, int) and isinstance(high, int) and low > high):
        return []
    row[BAND_LOW] = row[BAND_HIGH] = None
    rule = f"must not lie below {headers()[BAND_LOW]}"
    remedy = "Swap the two, or correct one of them."
    return [Problem(row=number, column=headers()[BAND_HIGH], rule=rule, value=f"{low} and {high}", remedy=remedy)]


def _default_notes(values: Sequence[Mapping[str, str | int | None]], places: Mapping[str, int]) -> list[str]:
    notes = []
    for column, default in DEFAULTED.items():
        empty = sum(1 for row in values if row.get(column) == "")
        label = LABELS[column][default].split(" (")[0]
        if column not in places:
            notes.append(f"There is no column '{headers()[column]}': every row is read as {label}.")
        elif empty:
            notes.append(f"{headers()[column]} is empty in {empty:,} rows: read as {label}.")
    if RESIDENCE not in places:
        notes.append(
            f"There is no column '{headers()[RESIDENCE]}': employees are read as living in the company's country."
        )
    return notes


def _problem(number: int, name: str, defect: Defect) -> Problem:
    value = defect.value if len(defect.value) <= 80 else defect.value[:77] + "..."
    return Problem(row=number, column=headers()[name], rule=defect.rule, value=value, remedy=defect.remedy)


def _read_cell(name: str, text: str, reading: Reading | None = None) -> _Cell:
    """One cell: "" where it is empty and may be, None with a defect where it cannot be read. reading: where it is known."""
    if len(text) > MAX_CELL:
        remedy = "Look for a missing quote or a shifted column."
        return _Cell(
            None,
            defect=Defect(
                column=name, rule=f"must be at most {MAX_CELL:,} characters", value=repr(text[:40]), remedy=remedy
            ),
        )
    if name == REFERENCE:
        return _Cell(clean_text(text)[0])
    column = TARGET if name in AMOUNTS else name
    optional = name in (*AMOUNTS, *DEFAULTED, RESIDENCE, YEAR)
    if optional and is_missing(column, clean_text(text)[0]):
        return _Cell("")
    reading = reading or read_value(column, text)
    if reading.defect is None:
        namibia = ('read "NA" as Namibia; leave the cell empty if the country is not known',)
        said = namibia if column in COUNTRY_COLUMNS and reading.value == "NA" else ()
        return _Cell(reading.value, "; ".join((*reading.notes, *said)))
    known = None if is_missing(column, clean_text(text)[0]) else _in_words(column, clean_text(text)[0])
    return known or _Cell(None, defect=_plain_defect(column, reading.defect))


def _plain_defect(column: str, defect: Defect) -> Defect:
    """The defect in the words of the template instead of the dataset's codes."""
    if column in LABELS and "empty" not in defect.rule:
        words = ", ".join(label.split(" (")[0] for label in LABELS[column].values())
        remedy = "Write one of these words, or the code of the public dataset."
        return replace(defect, rule=f"must be one of {words}", remedy=remedy)
    if column in COUNTRY_COLUMNS and "empty" not in defect.rule:
        return replace(defect, rule="must be a country's English name or two-letter code")
    return defect


def _in_words(column: str, text: str) -> _Cell | None:
    """A value written in plain words, where they say exactly one thing."""
    folded = " ".join(text.casefold().replace("-", " ").split())
    if column in LABELS:
        for code, label in LABELS[column].items():
            if folded in (label.casefold(), label.split(" (")[0].casefold()):
                return _Cell(code)
        code_text = plain_words().get((column, folded))
        for code, label in LABELS[column].items():
            if code_text == str(code):
                return _Cell(code, f'read "{text}" as {label}')
    return None
