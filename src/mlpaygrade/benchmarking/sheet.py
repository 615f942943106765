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

from mlpaygrade.benchmarking.amounts import BAND_HIGH, BAND_LOW, amount_columns, read_amount
from mlpaygrade.dataset.columns import match_columns
from mlpaygrade.dataset.reader import Limits, Rows, open_rows
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job.fields import (
    CURRENCY,
    EMPLOYMENT,
    FEATURES,
    LABELS,
    LOCATION,
    REMOTE,
    RESIDENCE,
    SALARY,
    SIZE,
    TARGET,
    YEAR,
)
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
        distinct = [text for text in texts if len(text) <= MAX_CELL]
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
    return _read_rows(rows, matched.places, notes=[*rows.notes, *matched.unused_note()])


def headers() -> Mapping[str, str]:
    """Field -> the header that a person reads."""
    return {row["field"]: row["header"] for row in table_rows("benchmark_columns", room="benchmarking")}


def _required() -> list[str]:
    return [row["field"] for row in table_rows("benchmark_columns", room="benchmarking") if row["required"] == "yes"]


def _read_rows(rows: Rows, found: Mapping[str, int], *, notes: list[str]) -> Sheet:
    places = {name: place for name, place in found.items() if name in (REFERENCE, *FEATURES)}
    amounts, currency = amount_columns(rows.header, found)
    reader = _Reader()
    for name, texts in _country_texts(rows, places).items():
        reader.read_countries(name, texts)
    values: list[Mapping[str, str | int | None]] = []
    remarks: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for block in rows.blocks():
        for at, record in enumerate(block.rows):
            if not any(cell.strip() for cell in record):
                continue
            number = block.first + at
            row: dict[str, str | int | None] = {"row": number}
            cells: dict[str, _Cell] = {}
            if at in block.ragged:
                problems.append(_ragged(number, len(record), line=block.ragged[at], width=len(rows.header)))
                cells = dict.fromkeys([*places, *(column.field for column in amounts)], _Cell(None))
            else:
                cells = {name: reader.read(name, record[place]) for name, place in places.items()}
                beside = None if currency is None else record[currency]
                country = cells[LOCATION].value
                for column in amounts:
                    code = str(country) if country else None
                    amount = read_amount(record[column.place], column, currency=beside, country=code)
                    cells[column.field] = _Cell(amount.usd, amount.remark, amount.defect)
            row.update((name, cell.value) for name, cell in cells.items())
            problems += [_problem(number, name, cell.defect) for name, cell in cells.items() if cell.defect is not None]
            problems += _band_problem(number, row)
            values.append(row)
            remarks.append(tuple(f"{headers()[name]}: {cell.remark}" for name, cell in cells.items() if cell.remark))
    if not values:
        raise DataError("The header is there, and no row below it. Give at least one job.")
    notes += _default_notes(values, places)
    fields = (*places, *(column.field for column in amounts))
    return Sheet(
        fields=fields, values=tuple(values), remarks=tuple(remarks), problems=tuple(problems), notes=tuple(notes)
    )


def _country_texts(rows: Rows, places: Mapping[str, int]) -> dict[str, list[str]]:
    """The different texts of the columns of countries."""
    found: dict[str, dict[str, None]] = {name: {} for name in places if name in COUNTRY_COLUMNS}
    for block in rows.blocks():
        good = [row for at, row in enumerate(block.rows) if at not in block.ragged]
        for name, texts in found.items():
            texts.update(dict.fromkeys(row[places[name]] for row in good))
    return {name: list(texts) for name, texts in found.items()}


def _ragged(number: int, fields: int, *, line: int, width: int) -> Problem:
    remedy = "Look for a missing or an extra separator, or a text with a separator that is not in quotes."
    rule = f"must have {width} fields like the header"
    return Problem(row=number, column="(row)", rule=rule, value=f"{fields} in line {line:,}", remedy=remedy)


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
    if name in (*DEFAULTED, RESIDENCE, YEAR) and is_missing(name, clean_text(text)[0]):
        return _Cell("")
    reading = reading or read_value(name, text)
    if reading.defect is None:
        namibia = ('read "NA" as Namibia; leave the cell empty if the country is not known',)
        said = namibia if name in COUNTRY_COLUMNS and reading.value == "NA" else ()
        return _Cell(reading.value, "; ".join((*reading.notes, *said)))
    return _in_words(name, clean_text(text)[0]) or _Cell(None, defect=_plain_defect(name, reading.defect))


def _plain_defect(column: str, defect: Defect) -> Defect:
    """The defect in the words of the template instead of the dataset's codes."""
    if column in LABELS and "empty" not in defect.rule:
        words = ", ".join(label.split(" (")[0] for label in LABELS[column].values())
        remedy = "Write one of these words, or the code of the public dataset."
        return replace(defect, rule=f"must be one of {words}", remedy=remedy)
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
