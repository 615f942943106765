"""Parquet files row group by row group: the distinct values of some columns, and the same rows with columns more.

Read in this process, so for files of one's own; what a stranger sends is judged first by the child of `workbook`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.columns import shown
from mlpaygrade.dataset.lines import Key
from mlpaygrade.dataset.reader import Limits, check_header
from mlpaygrade.dataset.workbook_rows import cell_text
from mlpaygrade.errors import DataError, ResourceError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_BYTES: Final = 1 << 26
BATCH_ROWS: Final = 1 << 17
MOST: Final = 1 << 62

Places = NDArray[np.int64]


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
        written = parquet.read_metadata(file.name).num_rows
        if written != self.rows:
            raise DataError(
                f"{shown(self.name, 200)} has {self.rows:,} rows, and {written:,} were read. Export it again."
            )

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
