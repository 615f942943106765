"""The child of `workbook`: a workbook or Parquet file on stdin, CSV on stdout, one line of JSON on stderr.

Run as a program, alone; it imports nothing of the package. Its memory is limited before anything is read.
"""

import csv
import datetime
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn, TypedDict


class Order(TypedDict):
    """What to read, and how much of it at the most. memory: in bytes. sheet: None for the first with a table."""

    kind: str
    memory: int
    rows: int
    columns: int
    sheet: str | None


def main(order: Order) -> None:
    """Read stdin as the order says."""
    _limit(order["memory"])
    content = sys.stdin.buffer.read()
    report, rows = (_sheet if order["kind"] == "workbook" else _parquet)(content, order)
    output = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(output, lineterminator="\r\n")  # Python quotes a carriage return only where line ends have one
    for number, row in enumerate(rows):
        if number > order["rows"]:
            _refuse(f"has more than {order['rows']:,} rows")
        writer.writerow([cell_text(value) for value in row])
    output.flush()
    _say(report)


def _sheet(content: bytes, order: Order) -> tuple[dict[str, object], Iterable[Sequence[object]]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        _say({"missing": "python-calamine"})
        sys.exit(1)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    names = list(book.sheet_names)
    wanted = order["sheet"]
    if wanted is not None and wanted not in names:
        _refuse(f"has no sheet {wanted!r}; its sheets are {', '.join(names[:10])}")
    for name in [wanted] if wanted is not None else names:
        sheet = book.get_sheet_by_name(name)
        if sheet.end is None or (sheet.height < 2 and wanted is None):
            continue
        if sheet.width > order["columns"]:
            _refuse(f"has {sheet.width:,} columns in sheet {name!r}, more than {order['columns']:,}")
        return {"sheet": name, "sheets": names}, sheet.to_python(skip_empty_area=True)
    _refuse("has no sheet that holds a table")


def _parquet(content: bytes, order: Order) -> tuple[dict[str, object], Iterable[Sequence[object]]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        _say({"missing": "pyarrow"})
        sys.exit(1)
    pa.set_cpu_count(1)
    file = parquet.ParquetFile(pa.BufferReader(content))
    if file.metadata.num_columns > order["columns"]:
        _refuse(f"has {file.metadata.num_columns:,} columns, more than {order['columns']:,}")
    if file.metadata.num_rows > order["rows"]:
        _refuse(f"has {file.metadata.num_rows:,} rows, more than {order['rows']:,}")

    def rows() -> Iterator[Sequence[object]]:
        yield file.schema_arrow.names
        for batch in file.iter_batches(batch_size=2_000, use_threads=False):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    return {}, rows()


def cell_text(value: object) -> str:
    """A cell as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _limit(memory: int) -> None:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refuse(why: str) -> NoReturn:
    _say({"refused": why})
    sys.exit(1)


def _say(report: dict[str, object]) -> None:
    print("\n" + json.dumps(report), file=sys.stderr)


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except MemoryError:
        _refuse("needs more memory than may be used")
    except Exception as error:  # whatever a damaged file does to its reader ends here
        _refuse(f"is damaged or protected ({str(error)[:200]})")
