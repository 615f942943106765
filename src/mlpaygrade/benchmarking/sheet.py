"""Rows that an employer uploads or pastes: from bytes to jobs, with every problem named by row and column.

Enters: the bytes of a delimited text with a header in plain words or in the dataset's names. Leaves: a `Sheet` of rows as they
were read, and of everything that could not be. Codes and plain words are both understood; whatever was read as something else
is said. Asks no model, keeps nothing on disk.
"""

import csv
import io
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

from mlpaygrade.dataset.textfile import recognise
from mlpaygrade.errors import DataError, Defect, InputError
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EMPLOYMENT, LABELS, REMOTE, RESIDENCE, SIZE, TARGET, YEAR
from mlpaygrade.job.reference import fold, rows
from mlpaygrade.job.values import COUNTRY_COLUMNS, clean_text, is_missing, plain_words, read_value

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 1_000

REFERENCE: Final = "reference"
PAY: Final = "pay_usd"
BAND_LOW: Final = "band_low_usd"
BAND_HIGH: Final = "band_high_usd"
AMOUNTS: Final = (PAY, BAND_LOW, BAND_HIGH)

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


def template() -> str:
    """A file to start from: the header and three made-up rows, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([row["header"] for row in rows("benchmark_columns", room="benchmarking")])
    writer.writerow(
        ["A-1", "Data Engineer", "Senior", "United States", "", "On site", "Medium", "", "", 150000, 130000, 190000]
    )
    writer.writerow(
        ["A-2", "Data Analyst", "Entry level", "United Kingdom", "", "Hybrid", "Large", "Full time", "", 48000, "", ""]
    )
    writer.writerow(["A-3", "Machine Learning Engineer", "Mid level", "Germany", "", "", "", "", "", "", "", ""])
    return text.getvalue()


def read_sheet(content: bytes) -> Sheet:
    """Read rows from bytes. Raises DataError where they are no table of jobs at all; single cells become problems."""
    if len(content) > MAX_BYTES:
        raise DataError(
            f"At most {MAX_BYTES // 1024 // 1024} MB are read at a time; got {len(content) / 1024 / 1024:.1f} MB. Split the file."
        )
    if not content.strip():
        raise DataError("There is nothing to read: the text is empty. Start from the template.")
    records, notes = _records(content)
    header = records[0][1]
    places, header_notes = _read_header(header)
    body = records[1:]
    if not body:
        raise DataError("The header is there, and no row below it. Give at least one job.")
    return _read_rows(body, places, width=len(header), notes=[*notes, *header_notes])


def _records(content: bytes) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The records that are not blank with their number, the header first as 0, and how the text was decoded."""
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-") as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content)
        try:
            file = recognise(path)
            with file.open() as opened:
                text = opened.read()
        except DataError as error:
            raise DataError("These bytes cannot be read as a table.", defects=error.defects) from error
    notes = [note for note in file.notes if not note.startswith("fields are separated")]
    return _split(text.removeprefix("\ufeff").lstrip("\r\n")), notes


def _split(text: str) -> list[tuple[int, list[str]]]:
    first = text.split("\n", 1)[0][:65_536]
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in first.rstrip("\r") if char != "\t"):
        remedy = "Give a CSV file, as a spreadsheet saves it; other files cannot be read here."
        defect = Defect(column="(file)", rule="must be a text file", value="bytes that are no text", remedy=remedy)
        raise DataError("These bytes cannot be read as a table.", defects=[defect])
    delimiter = max((",", ";", "\t", "|"), key=lambda mark: _known_names(first, mark))
    records: list[tuple[int, list[str]]] = []
    try:
        for number, record in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)):
            if number == 0 and len(record) > MAX_COLUMNS:
                raise DataError(
                    f"A table of jobs has at most {MAX_COLUMNS} columns; got {len(record):,}. Look for a missing line break."
                )
            if any(cell.strip() for cell in record):
                records.append((number, record))
            if len(records) > MAX_ROWS + 1:
                raise DataError(f"At most {MAX_ROWS:,} rows are read at a time; this table has more. Split the file.")
    except csv.Error as error:
        remedy = "Look for a quote that is opened and not closed, or export the file again as CSV (UTF-8)."
        defect = Defect(column="(file)", rule="must be rows of separated fields", value=str(error), remedy=remedy)
        raise DataError("This text cannot be read as a table.", defects=[defect]) from error
    if not records:
        raise DataError("There is nothing to read: the text holds separators and blanks only. Start from the template.")
    return records


def _known_names(line: str, delimiter: str) -> int:
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return 0
    return len({_plain(name) for name in names} & _names().keys())


@cache
def _names() -> Mapping[str, str]:
    """Every way a column may be called -> its field."""
    table = rows("benchmark_columns", room="benchmarking")
    return {
        _plain(name): row["field"]
        for row in table
        for name in (row["field"], row["header"], *filter(None, row["aliases"].split("|")))
    }


def headers() -> Mapping[str, str]:
    """Field -> the header that a person reads."""
    return {row["field"]: row["header"] for row in rows("benchmark_columns", room="benchmarking")}


def _plain(name: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in fold(name.strip("\ufeff"))).split())


def _read_header(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Field -> place in a row. Raises DataError where a needed column is missing or one is there twice."""
    places: dict[str, int] = {}
    unused: list[str] = []
    defects: list[Defect] = []
    for place, name in enumerate(header):
        known = _names().get(_plain(name))
        if known is None:
            unused.append(name.strip()[:40] or "(no name)")
        elif known in places:
            shown = f"columns {places[known] + 1} and {place + 1}"
            defects.append(
                Defect(column=headers()[known], rule="must be there once", value=shown, remedy="Remove one of them.")
            )
        else:
            places[known] = place
    needed = [
        row["header"]
        for row in rows("benchmark_columns", room="benchmarking")
        if row["required"] == "yes" and row["field"] not in places
    ]
    if needed:
        first = ", ".join(repr(name.strip()[:30]) for name in header[:8])
        remedy = "Name each of them in the first line; the template shows how."
        defects.append(
            Defect(column=", ".join(needed), rule="must be a column", value=first or "no columns", remedy=remedy)
        )
    if defects:
        raise DataError("The first line does not name the columns that are needed.", defects=defects)
    notes = [f"Columns not used: {', '.join(unused[:12])}{' and more' if len(unused) > 12 else ''}."] if unused else []
    return places, notes


def _read_rows(
    body: Sequence[tuple[int, Sequence[str]]], places: Mapping[str, int], *, width: int, notes: list[str]
) -> Sheet:
    reader = _Reader()
    values: list[Mapping[str, str | int | None]] = []
    remarks: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for number, record in body:
        row: dict[str, str | int | None] = {"row": number}
        said: list[str] = []
        if len(record) != width:
            problems.append(
                Problem(
                    row=number,
                    column="(row)",
                    rule=f"must have {width} fields like the header",
                    value=f"{len(record)}",
                    remedy="Look for a missing or an extra separator, or a text with a separator that is not in quotes.",
                )
            )
            values.append({**row, **dict.fromkeys(places)})
            remarks.append(())
            continue
        for name, place in places.items():
            cell = reader.read(name, record[place])
            row[name] = cell.value
            if cell.remark:
                said.append(f"{headers()[name]}: {cell.remark}")
            if cell.defect is not None:
                problems.append(_problem(number, name, cell.defect))
        problems += _band_problem(number, row)
        values.append(row)
        remarks.append(tuple(said))
    notes += _default_notes(values, places)
    return Sheet(
        fields=tuple(places), values=tuple(values), remarks=tuple(remarks), problems=tuple(problems), notes=tuple(notes)
    )


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


def _read_cell(name: str, text: str) -> _Cell:
    """One cell: "" where it is empty and may be, None with a defect where it cannot be read."""
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
    reading = read_value(column, text)
    if reading.defect is None:
        return _Cell(reading.value, "; ".join(reading.notes))
    return _in_words(column, clean_text(text)[0]) or _Cell(None, defect=_plain_defect(column, reading.defect))


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
    if column in COUNTRY_COLUMNS:
        try:
            reading = taxonomy.read_place(text)
        except InputError:
            return None
        if reading.code is not None:
            return _Cell(reading.code, reading.note or "")
    return None
