"""Two adapters for platforms that serve models: the Open Inference Protocol v2, and the `/invocations` of MLflow's servers.

Rows are jobs in words or codes by the dataset's columns; figures are -1 (v2) or null (`/invocations`) where a job has no answer,
and `reason` says why, as in a file that `score` writes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from mlpaygrade.errors import Defect
from mlpaygrade.forecast.score import NUMBERS, OUTPUT, OutputColumn, answer_texts
from mlpaygrade.job.fields import BY_COLUMN, FEATURES
from mlpaygrade.service.asking import ProblemError, read_json
from mlpaygrade.service.endpoints import JSON, Endpoints
from mlpaygrade.service.guard import charge

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
        return _json({"name": NAME, "version": self._tag(), "extensions": []})

    async def model_metadata(self, _: Request) -> Response:
        """What the model takes and gives."""
        inputs = [{"name": column, "datatype": "BYTES", "shape": [-1]} for column in FEATURES]
        outputs = [_output(column, -1) for column in OUTPUT]
        named = {"name": NAME, "versions": [self._tag()], "platform": "onnx"}
        return _json({**named, "inputs": inputs, "outputs": outputs})

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
        return _json({"model_name": NAME, "model_version": self._tag(), "outputs": outputs, **named})

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
        known = {
            name: [None if name in NUMBERS and value < 0 else value for value in values.tolist()]
            for name, values in added.items()
        }
        return _json({"predictions": [dict(zip(known, row, strict=True)) for row in zip(*known.values(), strict=True)]})

    async def _added(
        self, request: Request, columns: Mapping[str, Sequence[object]], defects: list[Defect]
    ) -> dict[str, NDArray[Any]]:
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


def _json(document: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(document), media_type=JSON)
