"""What a bundle may hold: the types that its JSON parts are checked by when it is opened, and the network by its wire format.

Parts that are made into something have their document beside it (`calibration`, `background`, ...); here are those that are
shown as they are. Numbers are finite (JSON knows no NaN, and 1e999 is refused), years are years, shares lie between 0 and 1.
Says nothing of whether the figures are true.

A network's tensors may name a file of their own, which ONNX Runtime would read beside the working folder; subgraphs and
functions may loop for ever. A network of this project has neither, so both are refused, by the wire format of Protocol
Buffers (https://protobuf.dev/programming-guides/encoding, field numbers from onnx.proto3), before ONNX Runtime opens it.
"""

from collections.abc import Iterator
from typing import Annotated, Final

import numpy as np
from msgspec import Meta, Struct

from mlpaygrade.errors import BundleError
from mlpaygrade.job.fields import FIRST_YEAR, LAST_YEAR

Count = Annotated[int, Meta(ge=0, le=10**9)]
Year = Annotated[int, Meta(ge=FIRST_YEAR, le=LAST_YEAR)]
Share = Annotated[float, Meta(ge=0, le=1)]
Usd = Annotated[float, Meta(ge=0, le=1e9)]
Figure = Annotated[float, Meta(ge=-1e12, le=1e12)]
Text = Annotated[str, Meta(max_length=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
LogWidth = Annotated[float, Meta(ge=-5, le=5)]
Figures = dict[str, Figure | None]


class Provenance(Struct):
    """Where a bundle comes from; more may stand beside it."""

    version: Name
    data_sha256: Digest
    synthetic: bool
    rows: Count
    postings: Count
    trained_through: Year
    seed: int
    newest_day: Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")] | None = None


class Part(Struct):
    """One file of a bundle: its name in the folder, hash and size."""

    path: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+-[0-9a-f]{12}\.(json|onnx)$", max_length=100)]
    sha256: Digest
    bytes: Count


class GroupDocument(Struct):
    """What was measured for one group of jobs."""

    n: Annotated[int, Meta(ge=1, le=10**9)]
    coverage_50: Share
    coverage_80: Share
    coverage_90: Share
    pit_deviation: Share
    mean_error_log: LogWidth
    mae_usd: Usd
    adverts: Count = 0


class SliceDocument(Struct):
    """One row of the coverage ledger."""

    dimension: Name
    value: Text
    n: Count


class EvaluationDocument(Struct):
    """`evaluation.json`."""

    protocol: Text | None
    rows: Figures = {}
    postings: Figures = {}
    slices: list[SliceDocument] = []
    groups: dict[str, GroupDocument] = {}
    words: dict[str, GroupDocument] = {}
    stated: dict[str, dict[str, Figure]] = {}

    def __post_init__(self) -> None:
        """Raises ValueError where a share is none."""
        for name, value in (*self.rows.items(), *self.postings.items()):
            if ("coverage" in name or name == "pit_deviation") and value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must be a share; got {value:g}")


class SegmentDocument(Struct):
    """How far the fields move the figures of one segment."""

    n: Count
    mean_abs_usd: dict[str, Usd]


class ImportanceDocument(Struct):
    """`importance.json`, as far as the page of the model shows it."""

    players: dict[str, Text]
    measured_on: Text
    base_usd: Usd
    segments: dict[str, SegmentDocument]


class RivalDocument(Struct):
    """One model of `comparison.json`."""

    rows: Figures


class ComparisonDocument(Struct):
    """`comparison.json`, as far as it is shown."""

    protocol: Text
    models: dict[str, RivalDocument]


class WeekDocument(Struct):
    """One week of `backtest.json`."""

    week: Name
    rows: Count


class BacktestDocument(Struct):
    """`backtest.json`, as far as it is shown."""

    summary: dict[str, Figures]
    weeks: Annotated[dict[str, list[WeekDocument]], Meta(min_length=1)]


class AgeFigures(Struct):
    """What a model was worth over some months."""

    rows: Figure
    rmse_log: Annotated[float, Meta(gt=0, le=10)]
    coverage_90: Share
    width_90_usd: Usd


class AgeDocument(Struct):
    """A model so many months behind, and a fresh one on the same adverts."""

    months_behind: Count
    old: AgeFigures
    fresh: AgeFigures


class AgeingDocument(Struct):
    """`ageing.json`, as far as it is shown."""

    months: Annotated[list[Name], Meta(min_length=1)]
    epochs: Count
    epochs_of_the_served_model: Count
    policies: dict[str, AgeFigures]
    by_age: Annotated[list[AgeDocument], Meta(min_length=1)]


SHOWN: Final = {
    "evaluation.json": EvaluationDocument,
    "importance.json": ImportanceDocument,
    "comparison.json": ComparisonDocument,
    "backtest.json": BacktestDocument,
    "ageing.json": AgeingDocument,
}
"""Parts that are shown as they are, by their names in a bundle."""

AGAIN: Final = "Train it again, or reinstall the package for the bundled one."


_MODEL: Final = {7: "graph"}
_GRAPH: Final = {1: "node", 5: "tensor"}
_NODE: Final = {5: "attribute"}
_ATTRIBUTE: Final = {5: "tensor", 10: "tensor"}
_INSIDE: Final = {"model": _MODEL, "graph": _GRAPH, "node": _NODE, "attribute": _ATTRIBUTE, "tensor": {}}
_REFUSED: Final = {
    "model": {20: "training information", 25: "functions"},
    "graph": {15: "sparse tensors"},
    "node": {},
    "attribute": {6: "a subgraph", 11: "subgraphs", 22: "a sparse tensor", 23: "sparse tensors"},
    "tensor": {13: "a tensor in another file", 14: "a tensor in another file"},
}


def check_network(content: bytes) -> None:
    """Raises BundleError where the bytes are no ONNX model that stands alone."""
    try:
        graphs = _check(memoryview(content), "model")
    except (IndexError, ValueError) as error:
        raise BundleError(f"The bundle's network is damaged (it is no ONNX model). {AGAIN}") from error
    if graphs != 1:
        raise BundleError(f"The bundle's network is damaged (it holds {graphs} graphs, not one). {AGAIN}")


def _check(message: memoryview, kind: str) -> int:
    """Go through one message and what it holds; returns how many parts of interest it has."""
    if kind == "tensor":
        _check_weights(message)
    inside, refused, found = _INSIDE[kind], _REFUSED[kind], 0
    for number, value in _fields(message):
        if number in refused and value != 0:
            raise BundleError(f"The bundle's network holds {refused[number]}, which none of this project does. {AGAIN}")
        if number in inside and isinstance(value, memoryview):
            _check(value, inside[number])
            found += 1
    return found


def _check_weights(tensor: memoryview) -> None:
    """Raises BundleError where a tensor of 32-bit floats holds NaN or infinity: the network's limits would hide it."""
    fields = list(_fields(tensor))
    if (2, 1) not in fields:
        return
    stored = [value for number, value in fields if number in (4, 9) and isinstance(value, memoryview)]
    if not all(np.isfinite(np.frombuffer(value, dtype="<f4")).all() for value in stored):
        raise BundleError(f"The bundle's network is damaged (a weight is no number). {AGAIN}")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field. Raises ValueError or IndexError where the bytes are no message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire == 2:
            size, position = _varint(message, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if number == 0 or position + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A variable-length integer and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("an integer of more than ten bytes")
