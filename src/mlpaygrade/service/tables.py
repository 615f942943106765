"""Many jobs in one request, answered as `score` answers a file: files, and two adapters for platforms that serve models.

A file is first taken to disk, within the limit on its bytes, then answered in blocks, and the reply streamed from disk: most
clients send the whole of a request before they read a reply, so a reply that began earlier would stall both. Memory does not grow
with the file. CSV (and other delimited text) and Parquet go through the reader and `score_file` that the command line uses;
NDJSON is one object a line, which comes back with the columns added, whatever else it holds.

The adapters are the Open Inference Protocol v2 and the `/invocations` of MLflow's servers. Their rows are jobs in words or codes
by the dataset's columns; figures are -1 (v2) or null (`/invocations`) where a job has no answer, and `reason` says why.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec
import numpy as np
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mlpaygrade.dataset.columns import match_columns
from mlpaygrade.dataset.reader import Limits, open_rows
from mlpaygrade.errors import DataError, Defect, ResourceError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import ADDED, NUMBERS, OUTPUT, Added, OutputColumn, answer_texts, score_file
from mlpaygrade.job.fields import BY_COLUMN, FEATURES
from mlpaygrade.service.asking import ProblemError, read_json
from mlpaygrade.service.endpoints import Endpoints, json_response
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
        rows = (
            {**dict.fromkeys(ADDED), "reason": one} if isinstance(one, str) else {**one, **answer}
            for one, answer in zip(objects, _answers(added), strict=True)
        )
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


def _answers(added: Added) -> list[dict[str, object]]:
    """The columns `ADDED` row by row, null where there is no figure."""
    rows = zip(*(added[name].tolist() for name in ADDED), strict=True)
    return [
        {name: None if name in NUMBERS and value < 0 else value for name, value in zip(ADDED, row, strict=True)}
        for row in rows
    ]


NAME: Final = "mlpaygrade"
T = TypeVar("T")
MOST_ROWS: Final = 10_000
_REQUIRED: Final = tuple(column for column in FEATURES if BY_COLUMN[column].required)


class Tensor(msgspec.Struct):
    """One input of the Open Inference Protocol: n values of one column."""

    name: str
    shape: list[int]
    datatype: str
    data: list[str | int]


class InferAsked(msgspec.Struct):
    """A request of the Open Inference Protocol."""

    inputs: list[Tensor]
    id: str = ""


class Split(msgspec.Struct):
    """A table as pandas writes it with orient="split"."""

    columns: list[str]
    data: list[list[str | int | None]]


class InvocationAsked(msgspec.Struct):
    """A request to an MLflow server: one of the two."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, str | int | None]] | None = None


class Inference:
    """The endpoints of both adapters."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def server_metadata(self, _: Request) -> Response:
        """What this server is."""
        return json_response({"name": NAME, "version": self._tag(), "extensions": []})

    async def model_metadata(self, _: Request) -> Response:
        """What the model takes and gives."""
        inputs = [{"name": column, "datatype": "BYTES", "shape": [-1]} for column in FEATURES]
        outputs = [_output(column, -1) for column in OUTPUT]
        named = {"name": NAME, "versions": [self._tag()], "platform": "onnx"}
        return json_response({**named, "inputs": inputs, "outputs": outputs})

    async def infer(self, request: Request) -> Response:
        """Answer tensors of columns."""
        asked = _decode(await request.body(), InferAsked)
        columns = {tensor.name: tensor.data for tensor in asked.inputs}
        defects = [
            Defect(column=t.name, rule="must have as many values as its shape says", value=str(t.shape), remedy="")
            for t in asked.inputs
            if int(np.prod([min(max(size, 0), 10**6) for size in t.shape] or [0])) != len(t.data)
        ]
        added = await self._added(request, columns, defects)
        count = len(added["reason"])
        outputs = [{**_output(column, count), "data": added[column.name].tolist()} for column in OUTPUT]
        named = {"id": asked.id} if asked.id else {}
        return json_response({"model_name": NAME, "model_version": self._tag(), "outputs": outputs, **named})

    async def invocations(self, request: Request) -> Response:
        """Answer a table as MLflow's servers take it."""
        asked = _decode(await request.body(), InvocationAsked)
        if (split := asked.dataframe_split) is not None:
            if any(len(row) != len(split.columns) for row in split.data):
                raise ProblemError("invalid-request", "Every row must have as many values as there are columns.")
            columns = {name: [row[n] for row in split.data] for n, name in enumerate(split.columns)}
        elif (records := asked.dataframe_records) is not None:
            names = dict.fromkeys(name for row in records for name in row)
            columns = {name: [row.get(name) for row in records] for name in names}
        else:
            raise ProblemError("invalid-request", "Give dataframe_split or dataframe_records.")
        added = await self._added(request, columns, [])
        return json_response({"predictions": _answers(added)})

    async def _added(self, request: Request, columns: Mapping[str, Sequence[object]], defects: list[Defect]) -> Added:
        """Columns `ADDED` of a table. Raises ProblemError with every defect of its columns."""
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            defects.append(Defect(column="(table)", rule="columns must be equally long", value=str(lengths), remedy=""))
        if max(lengths, default=0) > MOST_ROWS:
            raise ProblemError("too-large", f"At most {MOST_ROWS:,} rows are taken here. Send files to /v1/batch.")
        rule = f"must be one of {', '.join(FEATURES)}"
        defects += [
            Defect(column=name, rule=rule, value=repr(name[:60]), remedy="Rename or remove it.")
            for name in columns.keys() - set(FEATURES)
        ]
        defects += [
            Defect(column=name, rule="must be given", value="nothing", remedy="Add the column.")
            for name in set(_REQUIRED) - columns.keys()
        ]
        if defects:
            raise ProblemError("invalid-request", "; ".join(map(str, defects)), defects=defects)
        texts = {
            name: np.array(["" if value is None else str(value) for value in values], dtype=object)
            for name, values in columns.items()
        }
        predictor = self._endpoints.slot.current.predictor
        charge(request.scope, max(lengths, default=0))
        added = await self._endpoints.aside(lambda: answer_texts(predictor, texts))
        answered = int(np.count_nonzero(added["estimate_usd"] >= 0))
        self._endpoints.meters.answered_many(answered, len(added["reason"]) - answered)
        return added

    def _tag(self) -> str:
        return self._endpoints.slot.current.tag


def _output(column: OutputColumn, count: int) -> dict[str, object]:
    return {"name": column.name, "datatype": "BYTES" if column.of is None else "INT64", "shape": [count]}


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(read_json(body), kind)
    except msgspec.ValidationError as error:
        raise ProblemError("invalid-request", str(error).replace("`", "")) from None
