"""Whether a network's bytes keep to themselves: read before ONNX Runtime opens them.

Tensors may name a file of their own, which ONNX Runtime would read beside the working folder; subgraphs and functions may loop
for ever. A network of this project has neither, so both are refused. Reads the wire format of Protocol Buffers as far as that
needs it (https://protobuf.dev/programming-guides/encoding, field numbers from onnx.proto3); does not run or check the graph.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.documents import AGAIN

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
