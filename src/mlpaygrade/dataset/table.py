"""The one gate: what of a CSV file may enter, and what is wrong with the rest.

Enters: a path to a file with the dataset's columns. Leaves: a `Table` (typed columns in the dataset's order, rows in
the file's order, its hash, and a note on everything that was repaired), or every defect found, each with column, first
rows and remedy. Drops no row and repairs nothing unsaid. Knows nothing of postings, splits or models.

A row is never handled alone. Each column is coded to its distinct texts while the file streams past,
`values.read_value` judges the distinct texts, and verdicts are mapped back to rows; a million rows take seconds and
little memory.
"""

import csv
import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from mlpaygrade.dataset.textfile import WHOLE_FILE, TextFile, recognise
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job import fields as schema
from mlpaygrade.job.values import INTEGER_COLUMNS, Reading, read_value

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS: Final = 2_000
"""Rows held as text at a time; small enough to stay in the processor's cache (20,000 took twice as long)."""
FIRST_ROWS: Final = 5
"""How many row numbers a defect carries."""
VALUES_PER_RULE: Final = 20
"""How many offending values of one column and rule are listed one by one; the rest is summed up in one more defect."""
SIDECAR_SUFFIX: Final = ".meta.json"

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A file that passed the gate.

    `frame`: columns `schema.COLUMNS` (or `schema.FEATURES` when read without salaries), a row per data row in the
    file's order, index 0..rows-1; `values.INTEGER_COLUMNS` are int64, all others str, nothing missing. `sha256` of the
    file's bytes. `notes`: everything that was recognised or repaired, counted. `synthetic`: a sidecar beside the file
    vouches that it was generated.
    """

    frame: "pd.DataFrame"
    sha256: str
    path: Path
    rows: int
    notes: tuple[str, ...]
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What the gate found in a file. `sha256` is empty and `rows` 0 where it could not be read as text at all."""

    path: Path
    sha256: str
    rows: int
    defects: tuple[Defect, ...]
    notes: tuple[str, ...]
    synthetic: bool = False

    @property
    def ok(self) -> bool:
        """Whether the file may enter."""
        return not self.defects


@dataclass(slots=True)
class _Column:
    """One column while it is read: its distinct texts in order of appearance, and each row's place among them."""

    texts: list[str]
    codes: Codes


@dataclass(slots=True)
class _Records:
    """The cells of a file, coded. `row_numbers[i]` is the 1-based data row of cell i; ragged rows have no cells."""

    columns: dict[str, _Column]
    row_numbers: npt.NDArray[np.int64]
    rows: int
    defects: list[Defect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_table(path: Path | str, *, require_salary: bool = True) -> Table:
    """Read a file through the gate.

    With `require_salary=False` only `schema.FEATURES` are needed and kept; salary columns are ignored, with a note.
    Raises DataError carrying every defect found.
    """
    report, frame = _inspect(Path(path), require_salary=require_salary)
    if frame is None:
        count = sum(defect.count for defect in report.defects)
        raise DataError(
            f"{path} has {count:,} defect{'s' if count != 1 else ''}; nothing was read.", defects=report.defects
        )
    return Table(
        frame=frame,
        sha256=report.sha256,
        path=report.path,
        rows=report.rows,
        notes=report.notes,
        synthetic=report.synthetic,
    )


def check_table(path: Path | str, *, require_salary: bool = True) -> CheckReport:
    """Everything the gate has to say about a file, without raising for its contents."""
    return _inspect(Path(path), require_salary=require_salary)[0]


def sidecar_path(path: Path) -> Path:
    """Where a generated file's description stands: beside it, `.meta.json` appended to the whole name."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


def _inspect(path: Path, *, require_salary: bool) -> "tuple[CheckReport, pd.DataFrame | None]":
    try:
        file = recognise(path)
    except DataError as error:
        return CheckReport(path=path, sha256="", rows=0, defects=error.defects, notes=()), None
    wanted = schema.COLUMNS if require_salary else schema.FEATURES
    records = _read_records(file, wanted=wanted)
    synthetic, sidecar_notes = _synthetic(file)
    notes = [*file.notes, *sidecar_notes, *records.notes]
    defects = list(records.defects)
    readings: dict[str, list[Reading]] = {}
    for name, column in records.columns.items():
        readings[name] = [read_value(name, text) for text in column.texts]
        found, said = _judge(column, readings[name], row_numbers=records.row_numbers, name=name)
        defects += found
        notes += said
    report = CheckReport(
        path=path,
        sha256=file.sha256,
        rows=records.rows,
        defects=tuple(defects),
        notes=tuple(notes),
        synthetic=synthetic,
    )
    if defects:
        return report, None
    return report, _frame(records.columns, readings, wanted=wanted)


def _read_records(file: TextFile, *, wanted: Sequence[str]) -> _Records:
    """Stream the file once; structural defects (header, ragged rows, quotes) are collected, not raised."""
    with file.open() as text:
        reader = csv.reader(text, delimiter=file.delimiter, strict=True)
        try:
            header = next(reader, [])
        except csv.Error:
            header = []
        positions, header_defects, notes = _read_header(header, wanted=wanted)
        records = _read_rows(reader, width=len(header), positions=positions)
    records.defects[:0] = header_defects
    records.notes[:0] = notes
    return records


def _read_header(header: Sequence[str], *, wanted: Sequence[str]) -> tuple[dict[str, int], list[Defect], list[str]]:
    """Column -> place in a row, with what is wrong and what is noteworthy about the first line."""
    names = [name.strip() for name in header]
    defects: list[Defect] = []
    notes: list[str] = []
    extra = [name for name in names if name not in schema.COLUMNS]
    positions: dict[str, int] = {}
    for column in wanted:
        places = [place for place, name in enumerate(names) if name == column]
        if len(places) > 1:
            shown = f"{len(places)} times, as columns {', '.join(str(place + 1) for place in places)}"
            remedy = "Keep the right one and remove or rename the others."
            defects.append(Defect(column=column, rule="must be there once", value=shown, remedy=remedy))
        elif places:
            positions[column] = places[0]
        else:
            defects.append(_missing_column(column, names=names, extra=extra))
    if any(name != raw for name, raw in zip(names, header, strict=True)):
        notes.append("white space around column names removed")
    unused = [name or "(no name)" for name in names if name not in wanted]
    if unused:
        notes.append(f"{len(unused)} column{'s' if len(unused) != 1 else ''} not used: {', '.join(unused)}")
    ordered = [name for name in names if name in positions]
    if ordered != [name for name in wanted if name in positions]:
        notes.append("columns stand in another order than the dataset's; put in order by name")
    return positions, defects, notes


def _missing_column(column: str, *, names: Sequence[str], extra: Sequence[str]) -> Defect:
    """A missing column; suggests a present column of a similar name, or that the header line is missing."""
    folded = {name.lower().replace(" ", "_").replace("-", "_"): name for name in extra}
    near = difflib.get_close_matches(column, list(folded), n=1, cutoff=0.75)
    shown = ", ".join(names[:15]) or "an empty first line"
    if near:
        remedy = f"Did you mean {folded[near[0]]!r}? Rename it to {column}."
    elif not set(names) & set(schema.COLUMNS):
        remedy = "The first line must hold the column names: " + ",".join(schema.COLUMNS) + "."
    else:
        remedy = f"Add the column {column} to the file."
    return Defect(column=column, rule="must be there as a column", value=f"columns {shown}", remedy=remedy)


def _read_rows(reader: Iterable[list[str]], *, width: int, positions: Mapping[str, int]) -> _Records:
    """Code the wanted columns of all rows of the right width; the others become defects, blank lines a note."""
    coders = {name: _new_coder() for name in positions}
    parts: dict[str, list[Codes]] = {name: [] for name in positions}
    ragged: dict[int, list[int]] = {}
    kept: list[npt.NDArray[np.int64]] = []
    rows = blank = 0
    lines = iter(reader)
    broken: csv.Error | None = None
    while broken is None:
        chunk: list[list[str]] = []
        try:
            chunk.extend(islice(lines, CHUNK_ROWS))
        except csv.Error as error:  # what was read before the bad record stays in the chunk
            broken = error
        if not chunk and broken is None:
            break
        filled = [row for row in chunk if row]
        blank += len(chunk) - len(filled)
        numbers = np.arange(rows + 1, rows + len(filled) + 1, dtype=np.int64)
        rows += len(filled)
        widths = np.fromiter(map(len, filled), np.int64, len(filled))
        if (widths != width).any():
            for place in np.flatnonzero(widths != width).tolist():
                ragged.setdefault(int(widths[place]), []).append(int(numbers[place]))
            filled = [row for row in filled if len(row) == width]
            numbers = numbers[widths == width]
        kept.append(numbers)
        cells = list(zip(*filled, strict=True))
        for name, place in positions.items():
            if cells:
                parts[name].append(np.fromiter(map(coders[name].__getitem__, cells[place]), np.int32, len(filled)))
    return _Records(
        columns={name: _Column(list(coders[name]), _joined(parts[name])) for name in positions},
        row_numbers=np.concatenate([np.empty(0, np.int64), *kept]),
        rows=rows,
        defects=_row_defects(rows, width=width, ragged=ragged, broken=broken),
        notes=[f"{blank:,} blank line{'s' if blank != 1 else ''} ignored"] if blank else [],
    )


def _new_coder() -> "defaultdict[str, int]":
    """text -> code, in order of appearance."""
    coder: defaultdict[str, int] = defaultdict()
    coder.default_factory = coder.__len__
    return coder


def _joined(parts: Sequence[Codes]) -> Codes:
    return np.concatenate([np.empty(0, np.int32), *parts])


def _row_defects(rows: int, *, width: int, ragged: Mapping[int, list[int]], broken: csv.Error | None) -> list[Defect]:
    defects = []
    for found, numbers in sorted(ragged.items()):
        rule = f"every row must have as many fields as the header, {width}"
        remedy = "Quote a field that holds the separator, or complete the row; look for cut-off lines."
        shown = f"{found} field{'s' if found != 1 else ''}"
        first = tuple(numbers[:FIRST_ROWS])
        defects.append(Defect(column=WHOLE_FILE, rule=rule, value=shown, remedy=remedy, rows=first, count=len(numbers)))
    if broken is not None:
        remedy = f'Close or remove the stray " in row {rows + 1}; rows from there on were not checked.'
        rule = "a quoted field must be closed before the next separator"
        defects.append(Defect(column=WHOLE_FILE, rule=rule, value=str(broken), remedy=remedy, rows=(rows + 1,)))
    elif rows == 0:
        remedy = "Export or download the file again; it holds no data."
        defects.append(Defect(column=WHOLE_FILE, rule="must have at least one data row", value="none", remedy=remedy))
    return defects


def _judge(
    column: _Column, readings: Sequence[Reading], *, row_numbers: npt.NDArray[np.int64], name: str
) -> tuple[list[Defect], list[str]]:
    """Verdicts on distinct texts mapped back to rows: defects by rule and value, notes by kind."""
    counts = np.bincount(column.codes, minlength=len(readings))
    bad: dict[str, list[tuple[int, Defect]]] = {}
    repaired: dict[str, list[int]] = {}
    for code, reading in enumerate(readings):
        if reading.defect is not None:
            bad.setdefault(reading.defect.rule, []).append((code, reading.defect))
        for note in reading.notes:
            repaired.setdefault(note, []).append(code)
    defects = []
    for rule, found in bad.items():
        for code, defect in found[:VALUES_PER_RULE]:
            defects.append(_placed(defect, column, [code], row_numbers=row_numbers, counts=counts))
        if rest := [code for code, _ in found[VALUES_PER_RULE:]]:
            value = f"{len(rest):,} further value{'s' if len(rest) != 1 else ''}"
            summed = Defect(column=name, rule=rule, value=value, remedy="Remedies as above.")
            defects.append(_placed(summed, column, rest, row_numbers=row_numbers, counts=counts))
    notes = []
    for note, codes in repaired.items():
        count = int(counts[codes].sum())
        first_row = int(row_numbers[np.isin(column.codes, codes).argmax()])
        notes.append(f"{name}: {note} in {count:,} row{'s' if count != 1 else ''} (first: row {first_row})")
    return defects, notes


def _placed(
    defect: Defect,
    column: _Column,
    codes: Sequence[int],
    *,
    row_numbers: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> Defect:
    """The defect with the rows where its values stand."""
    places = np.flatnonzero(np.isin(column.codes, codes))[:FIRST_ROWS]
    return Defect(
        column=defect.column,
        rule=defect.rule,
        value=defect.value,
        remedy=defect.remedy,
        rows=tuple(row_numbers[places].tolist()),
        count=int(counts[list(codes)].sum()),
    )


def _frame(
    columns: Mapping[str, _Column], readings: Mapping[str, Sequence[Reading]], *, wanted: Sequence[str]
) -> "pd.DataFrame":
    import pandas as pd

    data: dict[str, pd.Series] = {}
    for name in wanted:
        values = [reading.value for reading in readings[name]]
        if name in INTEGER_COLUMNS:
            data[name] = pd.Series(np.array(values, dtype=np.int64)[columns[name].codes])
        else:
            data[name] = pd.Series(np.array(values, dtype=object)[columns[name].codes], dtype="str")
    return pd.DataFrame(data)


def _synthetic(file: TextFile) -> tuple[bool, list[str]]:
    """Whether a sidecar says that exactly this content was generated, and what to say about it."""
    sidecar = sidecar_path(file.path)
    if not sidecar.is_file():
        return False, []
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False, [f"{sidecar.name} beside the file cannot be read and was ignored"]
    if not isinstance(meta, dict) or meta.get("synthetic") is not True:
        return False, []
    if meta.get("sha256") != file.sha256:
        return False, [f"{sidecar.name} describes generated data, but of another content; was this file edited?"]
    return True, ["SYNTHETIC: generated data, not salaries that anybody was paid"]
