"""The rows of a text table or a Parquet file piece by piece: the distinct values of some columns, and the rows to be continued.

Lines of UTF-8 with commas are split by NumPy, many at a time, where that provably gives what Python's `csv` would: a line
with a quote goes to `csv` alone and must be one whole record. From the first piece on where that does not hold, `csv` reads
the rest and the lines are written anew. Nothing is sniffed, skipped or repaired. Parquet is read in this process, row group
by row group, so for files of one's own; what a stranger sends is judged first by the child of `workbook`.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.columns import shown
from mlpaygrade.dataset.reader import Limits, Rows, check_header
from mlpaygrade.dataset.table import code_rows
from mlpaygrade.dataset.workbook_rows import cell_text
from mlpaygrade.errors import DataError, ResourceError

if TYPE_CHECKING:
    import pyarrow as pa


PIECE_BYTES: Final = 4 << 20
LONG: Final = 64
"""A value of more bytes than this is read by `csv`, so that few long ones do not slow the others."""

Key = tuple[str, ...]
Places = NDArray[np.int64]

_SPECIAL: Final = re.compile(r'[",\r\n]')
_MASKS: Final = np.array([(1 << 8 * count) - 1 for count in range(9)], dtype=np.uint64)
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive rows. lines: each as CSV in UTF-8 without its line end. keys: distinct values of the columns asked for.

    which: row -> its place in `keys`, int64 (n,). blank: lines passed that are no rows. position: bytes read of the file.
    """

    lines: Sequence[bytes]
    keys: Sequence[Key]
    which: Places
    blank: int
    position: int


def pieces(rows: Rows, places: Sequence[int]) -> Iterator[Piece]:
    """All rows of a table. places: of the columns asked for.

    Raises DataError with every row that has another number of fields than the header, or where there is no row.
    """
    count = position = 0
    if (start := rows.plain_start()) is not None:
        with rows.binary() as file:
            position = file.seek(start)
            for data in _whole_lines(file):
                if (found := _split(data, places, width=len(rows.header))) is None:
                    break
                position += len(data)
                count += len(found[0])
                yield Piece(*found, blank=0, position=position)
    for piece in _parsed(rows, places, after=position, count=count):
        count += len(piece.lines)
        yield piece
    if not count:
        raise _refused(rows)


def line_of(cells: Iterable[str]) -> bytes:
    """Cells as one line of CSV without its end, quoted where they must be."""
    return ",".join(['"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text for text in cells]).encode()


def _parsed(rows: Rows, places: Sequence[int], *, after: int, count: int) -> Iterator[Piece]:
    """Rows as `csv` reads them. after: bytes that were read before; count: rows among them."""
    values = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
    try:
        for block in rows.blocks(after=after, count=count):
            if block.ragged:
                raise _refused(rows)
            known: dict[Key, int] = {}
            which = [known.setdefault(values(row), len(known)) for row in block.rows]
            lines = [line_of(row) for row in block.rows]
            yield Piece(lines, list(known), np.array(which, dtype=np.int64), block.blank, block.position)
    except DataError as error:
        raise (_refused(rows) if error.defects else error) from None


def _refused(rows: Rows) -> DataError:
    """Why a table is refused, with all defects of its rows."""
    defects = code_rows(rows, {}).defects
    return DataError(f"{shown(rows.name, 200)} cannot be read; nothing was written.", defects=defects)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that end with a line, up to one that is longer than a piece."""
    rest = b""
    while chunk := file.read(PIECE_BYTES):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield rest + chunk[:cut]
            rest = chunk[cut:]
        else:
            rest += chunk
            if len(rest) > PIECE_BYTES:
                return  # too long a line
    if rest:
        yield rest


def _split(data: bytes, places: Sequence[int], *, width: int) -> tuple[list[bytes], list[Key], Places] | None:
    """Lines, distinct keys and each line's key; None where this cannot be proved to be what `csv` reads."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(buffer == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    line_end = b"\n"
    if b"\r" in data:
        returns = np.flatnonzero(buffer == ord("\r"))
        if not np.array_equal(returns, ends - 1):
            return None
        ends, line_end = returns, b"\r\n"
    if width < 2 or (ends - starts).max() > csv.field_size_limit():
        return None
    lines = data.removesuffix(line_end).split(line_end)
    special = np.zeros(len(ends), dtype=bool)
    special[np.searchsorted(ends, np.flatnonzero(buffer == ord('"')))] = True
    commas = np.flatnonzero(buffer == ord(","))
    if special.any():
        commas = commas[~special[np.searchsorted(ends, commas)]]
    plain = np.flatnonzero(~special)
    if len(commas) != len(plain) * (width - 1):
        return None
    grid = commas.reshape(len(plain), width - 1)
    if (grid[:, 0] < starts[plain]).any() or (grid[:, -1] > ends[plain]).any():
        return None
    begin = np.column_stack([starts[plain], grid + 1])[:, places]
    length = np.column_stack([grid, ends[plain]])[:, places] - begin
    long = (length > LONG).any(axis=1)
    special[plain[long]] = True
    odd = _parsed_alone([lines[n] for n in np.flatnonzero(special)], width=width)
    if odd is None:
        return None
    for n, record in zip(np.flatnonzero(special).tolist(), odd, strict=True):
        lines[n] = line_of(record)
    keys, place = _distinct(data, begin[~long], length[~long])
    which = np.empty(len(lines), dtype=np.int64)
    which[~special] = place
    known = {key: n for n, key in enumerate(keys)}
    which[special] = [known.setdefault(tuple(record[place] for place in places), len(known)) for record in odd]
    return lines, list(known), which


def _parsed_alone(lines: Sequence[bytes], *, width: int) -> list[list[str]] | None:
    """Lines as `csv` reads them; None where one of them is not one whole record of `width` fields."""
    reader = csv.reader([line.decode(errors="replace") + "\n" for line in lines], strict=True)
    try:
        records = [(record, reader.line_num) for record in reader]
    except csv.Error:
        return None
    whole = all(len(record) == width and line == n for n, (record, line) in enumerate(records, start=1))
    return [record for record, _ in records] if whole and len(records) == len(lines) else None


def _distinct(data: bytes, begin: Places, length: Places) -> tuple[list[Key], Places]:
    """Distinct rows of fields and each row's place among them. begin, length: where fields stand, int64 (n, columns).

    Fields are compared eight bytes at a time; rows are grouped by a hash and then compared with the first of their group.
    """
    words = np.ndarray(len(data) + LONG, dtype="<u8", buffer=data + bytes(LONG + 8), strides=(1,))
    parts: list[NDArray[np.uint64]] = []
    mixed = np.zeros(len(begin), dtype=np.uint64)
    for first, size in zip(begin.T, length.T, strict=True):
        eights = [words[first + at] & _MASKS[np.clip(size - at, 0, 8)] for at in range(0, size.max(initial=0), 8)]
        for word in (*eights, size.astype(np.uint64)):
            mixed = (mixed ^ word) * _PRIME
            mixed ^= mixed >> np.uint64(29)
            parts.append(word)
    _, firsts, place = np.unique(mixed, return_index=True, return_inverse=True)
    same = np.ones(len(begin), dtype=bool)
    for part in parts:
        same &= part == part[firsts][place]
    if not same.all():  # two rows of one hash
        _, firsts, place = np.unique(np.column_stack(parts), axis=0, return_index=True, return_inverse=True)
    spans = zip(begin[firsts].tolist(), (begin + length)[firsts].tolist(), strict=True)
    keys = [tuple(data[low:high].decode(errors="replace") for low, high in zip(*span, strict=True)) for span in spans]
    return keys, place


BATCH_BYTES: Final = 1 << 26
BATCH_ROWS: Final = 1 << 17
MOST: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class ArrowPiece:
    """Consecutive rows. keys: distinct values of the columns asked for, as texts. which: each row's place among them."""

    batch: "pa.RecordBatch"
    keys: Sequence[Key]
    which: Places


class ParquetTable:
    """A Parquet file. Raises ResourceError without pyarrow, DataError where the file is damaged or its header no table's."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import parquet
        except ImportError:
            raise ResourceError(
                "Parquet needs pyarrow, which this environment lacks. Install it: pip install 'mlpaygrade[parquet]'."
            ) from None
        self.name = str(path)
        with self._reading():
            self._file = parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
        self.rows: int = self._file.metadata.num_rows
        self.header: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        check_header(self.header, self.name, Limits())
        if not self.rows:
            raise DataError(f"{shown(self.name, 200)} must have at least one row; it has none. Export it again.")

    def pieces(self, places: Sequence[int]) -> Iterator[ArrowPiece]:
        """All rows. places: of the columns asked for."""
        about = self._file.metadata
        size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
        rows = max(1, min(BATCH_ROWS, BATCH_BYTES * self.rows // max(size, 1)))
        with self._reading():
            for batch in self._file.iter_batches(batch_size=rows):
                yield ArrowPiece(batch, *distinct([batch.column(place) for place in places]))

    @contextmanager
    def writing(
        self, file: BinaryIO, numbers: Sequence[str], text: str
    ) -> "Iterator[Callable[[ArrowPiece, Mapping[str, NDArray[np.int64] | NDArray[np.object_]]], None]]":
        """A function that writes a piece with columns for its keys: whole numbers, of which negative ones are none, and a text.

        Raises DataError where the file written has not as many rows as this one.
        """
        import pyarrow as pa
        from pyarrow import parquet

        schema = self._file.schema_arrow
        for name in numbers:
            schema = schema.append(pa.field(name, pa.int64()))
        schema = schema.append(pa.field(text, pa.string()))
        codec = self._file.metadata.row_group(0).column(0).compression.lower()
        with parquet.ParquetWriter(file, schema, compression="none" if codec == "uncompressed" else codec) as writer:

            def write(piece: ArrowPiece, added: Mapping[str, NDArray[np.int64] | NDArray[np.object_]]) -> None:
                which = pa.array(piece.which)
                columns = [pa.array(added[name], mask=added[name] < 0).take(which) for name in numbers]
                columns.append(pa.array(added[text], type=pa.string()).take(which))
                writer.write_batch(pa.RecordBatch.from_arrays([*piece.batch.columns, *columns], schema=schema))

            yield write
        file.flush()
        if (read := parquet.read_metadata(file.name).num_rows) != self.rows:
            raise DataError(f"{shown(self.name, 200)} has {self.rows:,} rows, and {read:,} were read. Export it again.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError) as error:
            why = " ".join(str(error).split())[:200]
            raise DataError(f"{shown(self.name, 200)} cannot be read as Parquet: {why}. Export it again.") from error


def distinct(columns: "Sequence[pa.Array]") -> tuple[list[Key], Places]:
    """Distinct rows as texts and each row's place among them, int64 (n,)."""
    import pyarrow as pa

    job = np.zeros(len(columns[0]), dtype=np.int64)
    span = 1
    coded = []
    for column in columns:
        found = column if pa.types.is_dictionary(column.type) else column.dictionary_encode(null_encoding="encode")
        codes = found.indices.cast(pa.int64()).fill_null(len(found.dictionary)).to_numpy()
        texts = [*map(cell_text, found.dictionary.to_pylist()), ""]
        coded.append((texts, codes))
        if span * len(texts) > MOST:
            values, job = np.unique(job, return_inverse=True)
            span = len(values)
        job = job * len(texts) + codes
        span *= len(texts)
    encoded = pa.array(job).dictionary_encode()
    which = encoded.indices.to_numpy().astype(np.int64)
    first = np.empty(len(encoded.dictionary), dtype=np.int64)
    first[which[::-1]] = np.arange(len(which))[::-1]
    return list(zip(*([texts[code] for code in codes[first].tolist()] for texts, codes in coded), strict=True)), which
