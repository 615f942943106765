"""Many jobs in one request: a file in, the same rows in the same order out, with the columns that `score` adds.

A request is first taken to disk, within the limit on its bytes, then answered in blocks, and the reply streamed from disk: most
clients send the whole of a request before they read a reply, so a reply that began earlier would stall both. Memory does not grow
with the file. CSV (and other delimited text) and Parquet go through the reader and `score_file` that the command line uses;
NDJSON is one object a line, which comes back with the columns added, whatever else it holds.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse

from mlpaygrade.dataset.columns import match_columns
from mlpaygrade.dataset.reader import Limits, open_rows
from mlpaygrade.errors import DataError, ResourceError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import ADDED, answer_texts, score_file
from mlpaygrade.job.fields import BY_COLUMN, FEATURES
from mlpaygrade.service.asking import ProblemError
from mlpaygrade.service.endpoints import Endpoints
from mlpaygrade.service.guard import charge

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
PARQUET: Final = "application/vnd.apache.parquet"
KINDS: Final[Mapping[str, str]] = {CSV: "csv", NDJSON: "ndjson", PARQUET: "parquet"}
"""Media type -> how a file of it is named."""

BLOCK: Final = 2_000
LONGEST_LINE: Final = 256 * 1024


async def batch(endpoints: Endpoints, request: Request) -> FileResponse:
    """Answer every row of the request's file, in its own format."""
    served = endpoints.slot.current
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise ProblemError("media-type", f"Content-Type must be one of {', '.join(KINDS)}; got {kind or 'none'}.")
    folder = tempfile.TemporaryDirectory(prefix="mlpaygrade-batch-")
    try:
        source, output = (Path(folder.name) / f"{name}.{KINDS[kind]}" for name in ("rows", "answers"))
        with source.open("wb") as file:
            async for part in request.stream():
                file.write(part)

        def count(answered: int, refused: int) -> None:
            endpoints.meters.answered_many(answered, refused)
            charge(request.scope, answered + refused)

        job = _Work(source, output, served.predictor, endpoints.settings.batch_rows, count)
        await endpoints.aside(job.lines if kind == NDJSON else job.table)
    except DataError as error:
        folder.cleanup()
        said = str(error).partition("\n")[0].replace(str(source), "The file")
        raise ProblemError("invalid-file", said, defects=error.defects) from None
    except BaseException:
        folder.cleanup()
        raise
    headers = {"ETag": f'"{served.tag}"'}
    return FileResponse(output, headers=headers, media_type=kind, background=BackgroundTask(folder.cleanup))


@dataclass(frozen=True, slots=True)
class _Work:
    """One file to be answered into another one. limit: rows, at most. count: told how many rows had an answer, how many none."""

    source: Path
    output: Path
    predictor: Predictor
    limit: int
    count: Callable[[int, int], None]

    def table(self) -> None:
        """Answer delimited text or Parquet."""
        for _ in open_rows(self.source, limits=Limits(rows=self.limit)).blocks():
            pass  # raises DataError where there are more rows, or what is no table
        try:
            summary = score_file(self.source, self.output, predictor=self.predictor)
        except ResourceError as error:
            raise ProblemError("media-type", str(error)) from None
        self.count(summary.rows - summary.unanswered, summary.unanswered)

    def lines(self) -> None:
        """Answer NDJSON."""
        number = 0
        with self.source.open("rb") as source, self.output.open("wb") as output:
            for block in _blocks(source):
                number += len(block)
                if number > self.limit:
                    raise DataError(f"At most {self.limit:,} rows are taken at a time; the file has more. Split it.")
                output.write(self._answered(block))

    def _answered(self, block: list[bytes]) -> bytes:
        """A block's lines with the answers in them; a line that is no object keeps its place with a reason."""
        objects = [_object(line) for line in block]
        texts = [{} if isinstance(one, str) else _texts(one) for one in objects]
        columns = {column: np.array([row.get(column, "") for row in texts], dtype=object) for column in FEATURES}
        added = answer_texts(self.predictor, columns)
        answered = int(np.count_nonzero(added["estimate_usd"] >= 0))
        self.count(answered, len(block) - answered)
        answers = zip(*(added[name].tolist() for name in ADDED), strict=True)
        rows = (_row(one, dict(zip(ADDED, answer, strict=True))) for one, answer in zip(objects, answers, strict=True))
        return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _blocks(file: BinaryIO) -> Iterator[list[bytes]]:
    """Lines that are not blank, `BLOCK` at a time."""
    lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
    filled = (line for line in lines if line.strip())
    while block := list(islice(filled, BLOCK)):
        if any(len(line) > LONGEST_LINE for line in block):
            raise DataError(f"A line must have at most {LONGEST_LINE:,} bytes; one has more. Write one object a line.")
        yield block


def _object(line: bytes) -> dict[str, object] | str:
    """The object of a line, or why it is none."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = msgspec.json.decode(line)
        if isinstance(found, dict):
            return found
    return "not answered: the line is no JSON object. Write one object a line."


def _texts(row: Mapping[str, object]) -> dict[str, str]:
    """A row's job as texts by dataset column, from the fields' names or those of columns."""
    header = list(row)
    places = match_columns([str(name) for name in header], wanted=FEATURES, required=()).places
    found = {column: row[header[place]] for column, place in places.items()}
    named = {column: row[field.name] for column, field in BY_COLUMN.items() if field.name in row}
    return {column: "" if value is None else str(value) for column, value in {**found, **named}.items()}


def _row(one: dict[str, Any] | str, answer: dict[str, Any]) -> dict[str, Any]:
    if isinstance(one, str):
        return {**dict.fromkeys(ADDED), "reason": one}
    figures = {name: value if isinstance(value, str) or value >= 0 else None for name, value in answer.items()}
    return {**one, **figures}
