"""Excel, OpenDocument and Parquet files as CSV text, made in a process of its own with little memory.

A workbook is small and what it unpacks to need not be: a cell in the last corner of a sheet, or rows that repeat a million
times, fill any memory. So `workbook_rows.py` does the reading as a child that the system limits, and what comes back is text.
Nothing is written to disk; formulas, macros and links are never run: the values stored with them count.
"""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from mlpaygrade.errors import DataError, Defect, ResourceError

Kind = Literal["workbook", "parquet"]

MEMORY_BYTES: Final = 1 << 30
"""Address space of the child; a sheet of 200,000 rows and 12 columns needs a third."""
UNPACKED_BYTES: Final = 1 << 29
"""What a workbook's parts may add up to."""
ROWS: Final = 1_048_576
SECONDS: Final = 120
CHILD: Final = Path(__file__).with_name("workbook_rows.py")

_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def kind_of(source: Path | bytes) -> Kind | None:
    """What a file is by its first bytes; None for text and everything else."""
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as raw:
        head = raw.read(8)
        if head == _OLD_EXCEL:
            return "workbook"
        if head.startswith(b"PAR1"):
            return "parquet"
        if not head.startswith(b"PK\x03\x04"):
            return None
        try:
            with zipfile.ZipFile(raw) as packed:
                names = set(packed.namelist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return None
    return "workbook" if names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} else None


def as_csv(
    source: Path | bytes, kind: Kind, *, sheet: str | None, rows: int | None, columns: int
) -> tuple[bytes, list[str]]:
    """The table as CSV in UTF-8, and what to say of it. Raises DataError where it cannot be had within the limits."""
    _check_unpacked(source)
    order = {"kind": kind, "sheet": sheet, "rows": rows or ROWS, "columns": columns, "memory": MEMORY_BYTES}
    content = source.read_bytes() if isinstance(source, Path) else source
    try:
        command = [sys.executable, "-I", str(CHILD), json.dumps(order)]
        child = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        _refuse(f"takes longer than {SECONDS} seconds", "Save the table alone as CSV (UTF-8).")
    try:
        report: dict[str, Any] = json.loads(child.stderr.splitlines()[-1])
    except (ValueError, IndexError):
        _refuse("needs more memory than may be used, or is damaged", "Save the table alone as CSV (UTF-8).")
    if missing := report.get("missing"):
        raise ResourceError(
            f"Reading this file needs {missing}. Install it with `pip install {missing}`, or save as CSV."
        )
    if "refused" in report:
        _refuse(report["refused"], "Save the table alone, as CSV (UTF-8) or in a new workbook.")
    notes = []
    if kind == "workbook":
        notes.append(f"sheet {report['sheet']!r} read; of formulas, the values stored with them")
        if others := [name for name in report["sheets"] if name != report["sheet"]]:
            more = f" and {len(others) - 10} more" if len(others) > 10 else ""
            notes.append(f"other sheets not read: {', '.join(map(repr, others[:10]))}{more}")
    return child.stdout, notes


def _check_unpacked(source: Path | bytes) -> None:
    try:
        with zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # no archive; the reader judges it
    if unpacked > UNPACKED_BYTES:
        value = f"unpacks to {unpacked / 2**20:,.0f} MB, more than {UNPACKED_BYTES / 2**20:,.0f} MB"
        _refuse(value, "Save the table alone as CSV (UTF-8).")


def _refuse(value: str, remedy: str) -> NoReturn:
    defect = Defect(column="(file)", rule="must be a readable workbook or Parquet file", value=value, remedy=remedy)
    raise DataError("This file cannot be read as a table.", defects=[defect])
