"""From bytes on disk to a stream of CSV records: encoding, byte order mark, delimiter, line ends.

Enters: a path. Leaves: a `TextFile` (sha256, encoding, notes on what was recognised) or `DataError` where the bytes
cannot be text, and from it the stream of decoded text. Reads in chunks, holds no file in memory, knows no column but
their names.
"""

import codecs
import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job import fields as schema

CHUNK_BYTES: Final = 1 << 20
WHOLE_FILE: Final = "(file)"
"""What a defect of no single column names in the place of one."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 byte order mark removed"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32 text converted"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32 text converted"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16 text converted"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16 text converted"),
)
_NOT_TEXT: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Unpack it, or save the sheet as CSV (UTF-8)."),
    (b"\x1f\x8b", "gzip-compressed", "Decompress it first."),
    (b"PAR1", "a Parquet file", "Export it as CSV (UTF-8)."),
    (b"SQLite format 3", "a SQLite database", "Export the table as CSV (UTF-8)."),
    (b"%PDF", "a PDF document", "Give the CSV file it was made from."),
)


_SINGLE_BYTE: Final = "windows-1252-or-c1"
"""Windows-1252 with its five undefined bytes read as in Latin-1, so that every byte means something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file recognised as text: `encoding`, the one-character `delimiter`, `sha256` of the raw bytes."""

    path: Path
    sha256: str
    encoding: str
    delimiter: str
    notes: tuple[str, ...]

    def open(self) -> TextIO:
        """The decoded text, to be closed by the caller; line ends are left to the CSV reader."""
        return _opened(self.path, self.encoding)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as raw:
        while chunk := raw.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def recognise(path: Path) -> TextFile:
    """Find out how a file is written, reading it once in chunks.

    Raises DataError for what is no file, empty, compressed or binary, or broken in its declared encoding.
    """
    _require_readable(path)
    with path.open("rb") as raw:
        head = raw.read(CHUNK_BYTES)
    for magic, what, remedy in _NOT_TEXT:
        if head.startswith(magic):
            raise _refusal(path, "must be a text file", what, remedy)
    notes = []
    encoding = "utf-8"
    for mark, codec, note in _MARKS:
        if head.startswith(mark):
            encoding = codec
            notes.append(note)
            break
    else:
        if head[:2000].count(0) > len(head[:2000]) // 4:
            raise _refusal(
                path, "must be a text file", "many NUL bytes", "If it is UTF-16, save it again as CSV (UTF-8)."
            )
    digest, broken_at = _scan(path, encoding)
    if broken_at is not None and encoding != "utf-8":
        remedy = "The file is cut off or damaged; export it again as CSV (UTF-8)."
        raise _refusal(
            path,
            f"must be valid {encoding.removesuffix('-sig').upper()}",
            f"a bad byte near byte {broken_at:,}",
            remedy,
        )
    if broken_at is not None:
        encoding = _SINGLE_BYTE
        notes.append(
            f"not UTF-8 (first at byte {broken_at:,}): read as Windows-1252; if accents look wrong, save it as UTF-8"
        )
    delimiter = _delimiter(path, encoding)
    if delimiter != ",":
        notes.append(f"fields are separated by {'tabs' if delimiter == chr(9) else repr(delimiter)} instead of commas")
    return TextFile(path=path, sha256=digest, encoding=encoding, delimiter=delimiter, notes=tuple(notes))


def _opened(path: Path, encoding: str) -> TextIO:
    if encoding == _SINGLE_BYTE:
        codecs.register_error(_SINGLE_BYTE, _undefined_as_latin1)
        return path.open(encoding="cp1252", errors=_SINGLE_BYTE, newline="")
    return path.open(encoding=encoding, newline="")


def _undefined_as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _require_readable(path: Path) -> None:
    if not path.exists():
        raise _refusal(
            path, "must exist", "no such file", "Check the path, or run `mlpaygrade data fetch` to download the data."
        )
    if not path.is_file():
        raise _refusal(path, "must be a file", "a directory or device", "Give the path of the CSV file itself.")
    try:
        with path.open("rb") as raw:
            first = raw.read(1)
    except OSError as error:
        raise _refusal(path, "must be readable", str(error.strerror or error), "Check its permissions.") from error
    if not first:
        raise _refusal(path, "must not be empty", "0 bytes", "Export or download it again.")


def _scan(path: Path, encoding: str) -> tuple[str, int | None]:
    """SHA-256 of the bytes, and about where they first break the encoding (None: nowhere)."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    broken_at: int | None = None
    offset = 0
    with path.open("rb") as raw:
        while True:
            chunk = raw.read(CHUNK_BYTES)
            digest.update(chunk)
            if broken_at is None:
                pending = len(decoder.getstate()[0])
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    broken_at = max(0, offset - pending + error.start)
            if not chunk:
                return digest.hexdigest(), broken_at
            offset += len(chunk)


def _delimiter(path: Path, encoding: str) -> str:
    """The separator under which the first line names the most of our columns; a comma if none does."""
    with _opened(path, encoding) as text:
        line = text.readline(65_536)

    def known(delimiter: str) -> int:
        try:
            names = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return len({name.strip() for name in names} & set(schema.COLUMNS))

    return max([",", ";", "\t", "|"], key=known)


def _refusal(path: Path, rule: str, value: str, remedy: str) -> DataError:
    defect = Defect(column=WHOLE_FILE, rule=rule, value=value, remedy=remedy)
    return DataError(f"{path} cannot be read as a table.", defects=[defect])
