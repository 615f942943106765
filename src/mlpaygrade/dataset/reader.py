"""One reader for every table that a user gives: to check, audit, train, score or benchmark.

A path or bytes become a header and rows of strings, in blocks, with the semantics of Python's `csv`: quotes, separators and
line ends inside quotes. Separators, encodings, a `sep=` line, blank lines above the header and Excel, OpenDocument and
Parquet files are recognised, and every such finding is said in `Rows.notes`. A path is opened as it stands; nothing in it is a
pattern. No row is skipped, renamed, taken for a comment or repaired. What columns mean is the part of `columns`.
"""

import codecs
import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from mlpaygrade.dataset import columns, workbook
from mlpaygrade.errors import DataError, Defect

if TYPE_CHECKING:
    import _csv

BLOCK_ROWS: Final = 2_000
"""Rows held as text at a time; small enough to stay in the processor's cache (20,000 took twice as long)."""
WHOLE_FILE: Final = "(file)"
"""What a defect of no single column names in the place of one."""

CHUNK_BYTES: Final = 1 << 20
MAX_LINE: Final = 1 << 20
"""Characters of one line. `csv` itself refuses fields of more than 131,072."""
MAX_RECORD: Final = 1 << 22
"""Characters of one row, whose quoted fields may hold line ends."""
MAX_COLUMNS: Final = 2_000
HEADER_WITHIN: Final = 20
"""The header is looked for among so many first rows that are not blank."""

DELIMITERS: Final = (",", ";", "\t", "|")
_SINGLE_BYTE: Final = "windows-1252-or-c1"
"""Windows-1252 with its five undefined bytes read as in Latin-1, so that every byte means something."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 byte order mark removed"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32 text converted"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32 text converted"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16 text converted"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16 text converted"),
)
_NOT_TEXT: Final = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it first."),
    (b"\x1f\x8b", "gzip-compressed", "Decompress it first."),
    (b"SQLite format 3", "a SQLite database", "Export the table as CSV (UTF-8)."),
    (b"%PDF", "a PDF document", "Give the CSV file it was made from."),
)
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\w\s"]|\t)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is refused before it is read: bytes of the file, rows, columns. None: no limit."""

    content_bytes: int | None = None
    rows: int | None = None
    columns: int = MAX_COLUMNS


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows. first: 1-based number of the first. ragged: place in `rows` -> line of the file, for each row that has
    not as many fields as the header. blank: blank lines passed on the way, which are not rows. position: bytes read of the file.
    """

    first: int
    rows: list[list[str]]
    ragged: Mapping[int, int]
    blank: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table that can be read, as often as is wanted. header: names without surrounding blanks, none twice.

    sha256: of the bytes as they were given. notes: what was recognised.
    """

    header: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...]
    delimiter: str
    _text: "_Text" = field(repr=False)
    _above: int
    _limits: Limits

    @property
    def name(self) -> str:
        """What messages call the table."""
        return self._text.name

    def binary(self) -> io.BufferedReader | io.BytesIO:
        """The table's text as bytes."""
        return _binary(self._text.source)

    @property
    def size(self) -> int:
        """Bytes of the text."""
        with self.binary() as raw:
            return raw.seek(0, io.SEEK_END)

    def plain_start(self) -> int | None:
        """The byte where the first row stands, in UTF-8 with commas and with one line for the header; None for other texts."""
        if self.delimiter != "," or not self._text.encoding.startswith("utf-8"):
            return None
        with self.binary() as raw:
            above = [raw.readline(MAX_LINE) for _ in range(self._above)]
            start = raw.tell()
        try:
            records = len(list(csv.reader([line.decode() for line in above], strict=True)))
        except (csv.Error, UnicodeDecodeError):
            return None
        return start if records == self._above else None

    def blocks(self, *, after: int = 0, count: int = 0) -> Iterator[Block]:
        """The rows, those with a wrong number of fields among them. after: start at this byte, which `count` rows come before.

        Raises DataError where a quote is not closed, a field is too long or rows exceed the limit, after the rows before it.
        """
        with self._text.open(after) as text:
            lines = _Lines(text)
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            first = 1 + count
            lines_before = self._above + count if after else 0
            try:
                for _ in range(0 if after else self._above):
                    next(reader)
                    lines.of_record = 0
            except (csv.Error, StopIteration) as error:
                _refuse(self._text.name, "must stay as it is while it is read", str(error), "Read it again.")
            while True:
                block, broken = self._block(reader, lines, first, lines_before)
                first += len(block.rows)
                if block.rows or block.blank:
                    yield block
                if broken is not None:
                    raise self._broken(broken, row=first, line=lines_before + reader.line_num)
                if self._limits.rows is not None and first > self._limits.rows + 1:
                    raise DataError(
                        f"At most {self._limits.rows:,} rows are read at a time; this table has more. Split the file."
                    )
                if len(block.rows) < BLOCK_ROWS:
                    return

    def _block(
        self, reader: "_csv.Reader", lines: "_Lines", first: int, lines_before: int
    ) -> tuple[Block, csv.Error | None]:
        rows: list[list[str]] = []
        ragged: dict[int, int] = {}
        blank, width, broken = 0, len(self.header), None
        try:
            for row in reader:
                lines.of_record = 0
                if len(row) != width:
                    if not row or (len(row) == 1 and not row[0].strip()):
                        blank += 1
                        continue
                    ragged[len(rows)] = lines_before + reader.line_num
                rows.append(row)
                if len(rows) == BLOCK_ROWS:
                    break
        except csv.Error as error:
            broken = error
        return Block(first, rows, ragged, blank, lines.position()), broken

    def _broken(self, error: csv.Error, *, row: int, line: int) -> DataError:
        if isinstance(error, _TooLongError) or "field limit" in str(error):
            rule = f"a line or field must have at most {MAX_LINE:,} and {csv.field_size_limit():,} characters"
            remedy = f'Look for a quote " in row {row:,} that is not closed, or a missing line end.'
        else:
            rule = "a quoted field must be closed before the next separator"
            remedy = f'Close or remove the stray " in row {row:,}; rows from there on were not checked.'
        value = f"{error} (line {line:,})"
        return _refusal(self._text.name, rule, value, remedy, rows=(row,))


def open_rows(source: Path | bytes, *, limits: Limits | None = None, sheet: str | None = None) -> Rows:
    """Recognise a file, or bytes of one, reading it once in chunks.

    sheet: which one of a workbook; the first that holds a table without it. Raises DataError for what is no table, is broken in
    its declared encoding, exceeds `limits`, or has a header that cannot be trusted: a name twice, or a blank one between others.
    """
    limits = limits or Limits()
    _require_readable(source, limits)
    name = str(source) if isinstance(source, Path) else "The text"
    digest = sha256_of(source)
    kind = workbook.kind_of(source)
    notes: list[str] = []
    if kind is not None:
        source, notes = workbook.as_csv(source, kind, sheet=sheet, rows=limits.rows, columns=limits.columns)
    text, said = _recognise(source, name)
    notes += said
    delimiter, header, above, said = _find_header(text)
    check_header(header, name, limits)
    if any(shown != shown.strip() for shown in header):
        said.append("white space around column names removed")
    return Rows(
        header=tuple(shown.strip() for shown in header),
        sha256=digest,
        notes=tuple(notes + (said if kind is None else [note for note in said if "separated" not in note])),
        delimiter=delimiter,
        _text=text,
        _above=above,
        _limits=limits,
    )


def sha256_of(source: Path | bytes) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in chunks."""
    with _binary(source) as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def ragged_defects(ragged: Mapping[int, Sequence[tuple[int, int]]], *, width: int, first_rows: int = 5) -> list[Defect]:
    """What to say of rows with a wrong number of fields. ragged: number of fields -> (row, line) of each such row."""
    rule = f"every row must have as many fields as the header, {width}"
    remedy = "Quote a field that holds the separator, or complete the row; look for cut-off lines."
    return [
        Defect(
            column=WHOLE_FILE,
            rule=rule,
            value=f"{fields} field{'s' if fields != 1 else ''} in line {places[0][1]:,}",
            remedy=remedy,
            rows=tuple(row for row, _ in places[:first_rows]),
            count=len(places),
        )
        for fields, places in sorted(ragged.items())
    ]


@dataclass(frozen=True, slots=True)
class _Text:
    source: Path | bytes
    name: str
    encoding: str

    def open(self, after: int = 0) -> TextIO:
        """The decoded text from a byte on; line ends are left to `csv`."""
        raw = _binary(self.source)
        raw.seek(after)
        if self.encoding == _SINGLE_BYTE:
            codecs.register_error(_SINGLE_BYTE, _undefined_as_latin1)
            return io.TextIOWrapper(raw, encoding="cp1252", errors=_SINGLE_BYTE, newline="")
        return io.TextIOWrapper(raw, encoding=self.encoding, newline="")


class _TooLongError(csv.Error):
    pass


class _Lines:
    """Lines of a text, none longer than `MAX_LINE`, no more than `MAX_RECORD` characters for one record of `csv`."""

    def __init__(self, text: TextIO) -> None:
        self._read = text.readline
        self.position = text.buffer.tell
        self.of_record = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read(MAX_LINE)
        if not line:
            raise StopIteration
        self.of_record += len(line)
        if len(line) == MAX_LINE or self.of_record > MAX_RECORD:
            raise _TooLongError(f"more than {len(line) if len(line) == MAX_LINE else MAX_RECORD:,} characters")
        return line


def _binary(source: Path | bytes) -> io.BufferedReader | io.BytesIO:
    return source.open("rb") if isinstance(source, Path) else io.BytesIO(source)


def _undefined_as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _require_readable(source: Path | bytes, limits: Limits) -> None:
    name = str(source) if isinstance(source, Path) else "The text"
    if isinstance(source, bytes):
        size = len(source)
    else:
        if not source.exists():
            remedy = "Check the path, or run `mlpaygrade data fetch` to download the data."
            _refuse(name, "must exist", "no such file", remedy)
        if not source.is_file():
            _refuse(name, "must be a file", "a directory or device", "Give the path of the file itself.")
        try:
            with source.open("rb"):
                size = source.stat().st_size
        except OSError as error:
            _refuse(name, "must be readable", str(error.strerror or error), "Check its permissions.")
    if not size:
        _refuse(name, "must not be empty", "0 bytes", "Export or download it again.")
    if limits.content_bytes is not None and size > limits.content_bytes:
        raise DataError(
            f"At most {limits.content_bytes / 2**20:.0f} MB are read at a time; got {size / 2**20:.1f} MB. Split the file."
        )


def _recognise(source: Path | bytes, name: str) -> tuple[_Text, list[str]]:
    """How a text is encoded, and what to say of that."""
    with _binary(source) as raw:
        head = raw.read(CHUNK_BYTES)
    for magic, what, remedy in _NOT_TEXT:
        if head.startswith(magic):
            _refuse(name, "must be a text file or a workbook", what, remedy)
    marked = ((codec, [note]) for mark, codec, note in _MARKS if head.startswith(mark))
    encoding, notes = next(marked, ("utf-8", list[str]()))
    if not notes and head[:2000].count(0) > len(head[:2000]) // 4:
        remedy = "If it is UTF-16, save it again as CSV (UTF-8)."
        _refuse(name, "must be a text file or a workbook", "many NUL bytes", remedy)
    broken_at = _first_broken(source, encoding)
    if broken_at is not None and encoding != "utf-8":
        rule = f"must be valid {encoding.removesuffix('-sig').upper()}"
        remedy = "The file is cut off or damaged; export it again as CSV (UTF-8)."
        _refuse(name, rule, f"a bad byte near byte {broken_at:,}", remedy)
    if broken_at is not None:
        encoding = _SINGLE_BYTE
        first = f"not UTF-8 (first at byte {broken_at:,})"
        notes.append(f"{first}: read as Windows-1252; if accents look wrong, save it as UTF-8")
    return _Text(source, name, encoding), notes


def _first_broken(source: Path | bytes, encoding: str) -> int | None:
    """About where the bytes first break the encoding; None: nowhere."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    with _binary(source) as raw:
        while True:
            chunk = raw.read(CHUNK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return max(0, offset - pending + error.start)
            if not chunk:
                return None
            offset += len(chunk)


def _find_header(text: _Text) -> tuple[str, list[str], int, list[str]]:
    """The separator, the header as written, how many records stand before the first row, and what to say of that.

    The first record that is not blank is the header, unless it names no known column and a later one of the first names two.
    """
    with text.open() as opened:
        given = _SEPARATOR_LINE.fullmatch(opened.readline(16).strip())
    candidates = []
    for delimiter in (given.group(1),) if given else DELIMITERS:
        records, broken = _first_records(text, delimiter, skip=1 if given else 0)
        place, known = _header_place(records)
        candidates.append((known, len(records[place]), delimiter, records, place, broken))
    _, _, delimiter, records, place, broken = max(candidates, key=lambda found: found[:2])
    if not any(any(cell.strip() for cell in record) for record in records):
        if broken:
            remedy = 'Close or remove the stray " in the first lines, or look for a missing line end.'
            _refuse(text.name, "must begin with a line of column names", broken, remedy)
        _refuse(
            text.name, "must not be empty", "separators and blanks only", "Export it again, or start from the template."
        )
    notes = [f"the line '{given.group(0)}' names the separator"] if given else []
    if delimiter != "," and not given:
        notes.append(f"fields are separated by {'tabs' if delimiter == chr(9) else repr(delimiter)} instead of commas")
    written = sum(any(cell.strip() for cell in record) for record in records[:place])
    if written:
        notes.append(f"{written} row{'s' if written > 1 else ''} above the column names not used")
    return delimiter, records[place], place + 1 + (1 if given else 0), notes


def _first_records(text: _Text, delimiter: str, *, skip: int) -> tuple[list[list[str]], str]:
    """The first records, at least one even if empty, and why they end before their time ("" where they do not)."""
    records: list[list[str]] = []
    filled = 0
    broken = ""
    with text.open() as opened:
        lines = _Lines(opened)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for number, record in enumerate(reader):
                lines.of_record = 0
                if number >= skip:
                    records.append(record)
                    filled += any(cell.strip() for cell in record)
                if filled == HEADER_WITHIN or number > 50 * HEADER_WITHIN:
                    break
        except csv.Error as error:
            broken = f"{error} (line {reader.line_num:,})"
    return records or [[]], broken


def _header_place(records: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Which record is the header, and how many known names it has."""
    known = [columns.known_names(record) for record in records]
    first = next((n for n, record in enumerate(records) if any(cell.strip() for cell in record)), 0)
    best = max(range(len(records)), key=lambda n: (known[n], -n))
    return (best, known[best]) if known[first] == 0 and known[best] >= 2 else (first, known[first])


def check_header(header: Sequence[str], name: str, limits: Limits) -> None:
    """Raises DataError for a header that cannot be trusted: too long, no text, a name twice, or a blank one between others."""
    if len(header) > limits.columns:
        rule = f"must have at most {limits.columns:,} columns"
        _refuse(name, rule, f"{len(header):,}", "Look for a missing line break, or save the columns that matter alone.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for cell in header for char in cell.strip()):
        remedy = "Give a CSV file, as a spreadsheet saves it, or the workbook itself."
        _refuse(name, "must be a text file or a workbook", "bytes that are no text", remedy)
    names = [columns.plain(cell) or cell.strip() for cell in header]
    repeated = "Keep the right one and remove or rename the others."
    if not columns.known_names(header):
        repeated = "The first line must hold the column names; add it, or rename one of these."
    defects = []
    for place, plain in enumerate(names):
        places = [n + 1 for n, other in enumerate(names) if other == plain]
        if plain and len(places) > 1 and places[0] == place + 1:
            shown = f"{len(places)} times, as columns {', '.join(map(str, places[:10]))}"
            column = columns.shown(header[place])
            defects.append(Defect(column=column, rule="must be there once", value=shown, remedy=repeated))
    unnamed = [n for n, plain in enumerate(names) if not plain]
    named = [n for n, plain in enumerate(names) if plain]
    if between := [n + 1 for n in unnamed if named and 0 < n < named[-1]]:
        shown = f"none in column{'s' if len(between) > 1 else ''} {', '.join(map(str, between[:10]))}"
        remedy = "Name the column in the first line, or remove it with its cells."
        defects.append(Defect(column=WHOLE_FILE, rule="every column must have a name", value=shown, remedy=remedy))
    if defects:
        raise DataError(f"{columns.shown(name, 200)} cannot be read as a table.", defects=defects)


def _refusal(name: str, rule: str, value: str, remedy: str, *, rows: tuple[int, ...] = ()) -> DataError:
    defect = Defect(column=WHOLE_FILE, rule=rule, value=value, remedy=remedy, rows=rows)
    return DataError(f"{columns.shown(name, 200)} cannot be read as a table.", defects=[defect])


def _refuse(name: str, rule: str, value: str, remedy: str) -> NoReturn:
    raise _refusal(name, rule, value, remedy)
