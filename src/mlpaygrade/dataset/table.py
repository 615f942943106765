"""The one gate: what of a CSV file may enter, and what is wrong with the rest. Drops no row and repairs nothing unsaid.

A row is never handled alone. Each column is coded to its distinct texts while the file streams past,
`values.read_value` judges the distinct texts, and verdicts are mapped back to rows; a million rows take seconds and
little memory.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from mlpaygrade.dataset.columns import match_columns
from mlpaygrade.dataset.reader import WHOLE_FILE, Rows, open_rows, ragged_defects
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job import fields as schema
from mlpaygrade.job.values import INTEGER_COLUMNS, Reading, read_values

if TYPE_CHECKING:
    import pandas as pd

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

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        named = {"file": str(self.path), "ok": self.ok, "rows": self.rows, "sha256": self.sha256}
        defects = [
            {**{name: getattr(one, name) for name in ("column", "rule", "value", "remedy")}, "first_rows": one.rows}
            | {"count": one.count}
            for one in self.defects
        ]
        return {**named, "synthetic": self.synthetic, "notes": self.notes, "defects": defects}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its distinct texts in order of appearance, and each row's place among them, int32 (n,)."""

    texts: list[str]
    codes: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """The cells of a file. row_numbers[i]: the 1-based data row of cell i; rows with a wrong number of fields have no cells."""

    columns: dict[str, Column]
    row_numbers: npt.NDArray[np.int64]
    rows: int
    defects: tuple[Defect, ...]
    notes: tuple[str, ...]


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
    wanted = schema.COLUMNS if require_salary else schema.FEATURES
    try:
        rows = open_rows(path)
    except DataError as error:
        return CheckReport(path=path, sha256="", rows=0, defects=error.defects, notes=()), None
    matched = match_columns(rows.header, wanted=wanted, required=wanted)
    coded = code_rows(rows, matched.places)
    synthetic, sidecar_notes = _synthetic(path, rows.sha256)
    notes = [*rows.notes, *sidecar_notes, *matched.read_as, *matched.unused_note(), *coded.notes]
    if list(matched.places.values()) != sorted(matched.places.values()):
        notes.append("columns stand in another order than the dataset's; put in order by name")
    defects = [*matched.defects, *coded.defects]
    readings: dict[str, list[Reading]] = {}
    for name, column in coded.columns.items():
        readings[name] = read_values(name, column.texts)
        found, said = _judge(column, readings[name], row_numbers=coded.row_numbers, name=name)
        defects += found
        notes += said
    report = CheckReport(
        path=path, sha256=rows.sha256, rows=coded.rows, defects=tuple(defects), notes=tuple(notes), synthetic=synthetic
    )
    if defects:
        return report, None
    return report, _frame(coded.columns, readings, wanted=wanted)


def code_rows(rows: Rows, places: Mapping[str, int]) -> Coded:
    """Code the columns at `places` of all rows; rows with a wrong number of fields become defects, blank lines a note."""
    coders = {name: defaultdict[str, int](count().__next__) for name in places}  # text -> code, in order of appearance
    parts: dict[str, list[Codes]] = {name: [] for name in places}
    kept: list[npt.NDArray[np.int64]] = []
    ragged: dict[int, list[tuple[int, int]]] = {}
    number = blank = 0
    defects: list[Defect] = []
    try:
        for block in rows.blocks():
            blank += block.blank
            number += len(block.rows)
            numbers = np.arange(block.first, block.first + len(block.rows), dtype=np.int64)
            good = block.rows
            if block.ragged:
                for place, line in block.ragged.items():
                    ragged.setdefault(len(good[place]), []).append((int(numbers[place]), line))
                good = [row for place, row in enumerate(block.rows) if place not in block.ragged]
                numbers = np.delete(numbers, list(block.ragged))
            kept.append(numbers)
            cells = list(zip(*good, strict=True))
            for name, place in places.items():
                if cells:
                    parts[name].append(np.fromiter(map(coders[name].__getitem__, cells[place]), np.int32, len(good)))
    except DataError as error:
        defects += error.defects
        if not error.defects:
            raise
    defects[:0] = ragged_defects(ragged, width=len(rows.header), first_rows=FIRST_ROWS)
    if not number and not defects:
        remedy = "Export or download the file again; it holds no data."
        defects.append(Defect(column=WHOLE_FILE, rule="must have at least one data row", value="none", remedy=remedy))
    empty = np.empty(0, np.int32)
    return Coded(
        columns={name: Column(list(coders[name]), np.concatenate([empty, *parts[name]])) for name in places},
        row_numbers=np.concatenate([np.empty(0, np.int64), *kept]),
        rows=number,
        defects=tuple(defects),
        notes=(f"{blank:,} blank line{'s' if blank != 1 else ''} ignored",) if blank else (),
    )


def _judge(
    column: Column, readings: Sequence[Reading], *, row_numbers: npt.NDArray[np.int64], name: str
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

    def placed(defect: Defect, codes: Sequence[int]) -> Defect:
        """The defect with the rows where its values stand."""
        places = np.flatnonzero(np.isin(column.codes, codes))[:FIRST_ROWS]
        return replace(defect, rows=tuple(row_numbers[places].tolist()), count=int(counts[list(codes)].sum()))

    defects = []
    for rule, found in bad.items():
        defects += [placed(defect, [code]) for code, defect in found[:VALUES_PER_RULE]]
        if rest := [code for code, _ in found[VALUES_PER_RULE:]]:
            value = f"{len(rest):,} further value{'s' if len(rest) != 1 else ''}"
            defects.append(placed(Defect(column=name, rule=rule, value=value, remedy="Remedies as above."), rest))
    notes = []
    for note, codes in repaired.items():
        count = int(counts[codes].sum())
        first_row = int(row_numbers[np.isin(column.codes, codes).argmax()])
        notes.append(f"{name}: {note} in {count:,} row{'s' if count != 1 else ''} (first: row {first_row})")
    return defects, notes


def _frame(
    columns: Mapping[str, Column], readings: Mapping[str, Sequence[Reading]], *, wanted: Sequence[str]
) -> "pd.DataFrame":
    import pandas as pd

    data: dict[str, pd.Series] = {}
    for name in wanted:
        whole = name in INTEGER_COLUMNS
        values = np.array([reading.value for reading in readings[name]], dtype=np.int64 if whole else object)
        data[name] = pd.Series(values[columns[name].codes], dtype=None if whole else "str")
    return pd.DataFrame(data)


def _synthetic(path: Path, sha256: str) -> tuple[bool, list[str]]:
    """Whether a sidecar says that exactly this content was generated, and what to say about it."""
    sidecar = sidecar_path(path)
    if not sidecar.is_file():
        return False, []
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False, [f"{sidecar.name} beside the file cannot be read and was ignored"]
    if not isinstance(meta, dict) or meta.get("synthetic") is not True:
        return False, []
    if meta.get("sha256") != sha256:
        return False, [f"{sidecar.name} describes generated data, but of another content; was this file edited?"]
    return True, ["SYNTHETIC: generated data, not salaries that anybody was paid"]
