"""The network as ONNX, and the proof that it answers as the trained one does.

Enters: a `FittedNetwork`. Leaves: bytes. Refuses an export that differs.
"""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.encode import Encoded
from mlpaygrade.training.fit import FittedNetwork

TOLERANCE: Final = 1e-4
"""Largest relative difference in USD between the exported and the trained network."""


def export_onnx(fitted: FittedNetwork, probe: Encoded) -> tuple[bytes, float]:
    """ONNX bytes and the largest relative difference in USD over the probe's jobs.

    Raises BundleError when it exceeds TOLERANCE.
    """
    trained = fitted.predict(probe)  # before the export: Keras exports only a model that has been called
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        fitted.model.export(str(path), format="onnx", verbose=False)
        content = _canonical(path.read_bytes())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = {"categorical": probe.categorical, "words": probe.words, "numeric": probe.numeric}
    quantiles, members = session.run(["log_quantiles", "log_members"], inputs)
    difference = max(
        float(np.max(np.abs(np.expm1(np.float64(ours)) / np.expm1(np.float64(theirs)) - 1)))
        for ours, theirs in [(quantiles, trained.log_quantiles), (members, trained.log_members)]
    )
    if difference > TOLERANCE:
        raise BundleError(
            f"The exported network must agree with the trained one to {TOLERANCE:g}; it differs by {difference:.2g}."
        )
    return content, difference


def _canonical(content: bytes) -> bytes:
    """The same graph, its nodes and names numbered from the outputs backwards.

    The converter numbers them through a whole process, so the same network would give other bytes.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    weights = {tensor.name: onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in graph.initializer}
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in _from_outputs(graph)]
    names = {"": "", **{item.name: item.name for item in (*graph.input, *graph.output)}}
    for number, node in enumerate(nodes):
        node.name = f"node_{number}"
        for ports in (node.input, node.output):
            renamed = [names.setdefault(name, f"tensor_{len(names)}") for name in ports]
            del ports[:]
            ports.extend(renamed)
    used = [(names[name], tensor) for name, tensor in weights.items() if name in names]
    for name, tensor in used:
        tensor.name = name
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensor for _, tensor in sorted(used, key=lambda pair: int(pair[0].rsplit("_", 1)[1])))
    model.doc_string = graph.doc_string = ""
    for item in (*graph.input, *graph.output):
        for position, dimension in enumerate(item.type.tensor_type.shape.dim):
            if dimension.dim_param:
                dimension.dim_param = "jobs" if position == 0 else f"{item.name}_{position}"
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _from_outputs(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Nodes in the order in which the outputs need them, inputs first."""
    producer = {name: node for node in graph.node for name in node.output}
    ordered: list[onnx.NodeProto] = []
    done: set[str] = set()
    stack = [(output.name, False) for output in reversed(graph.output)]
    while stack:
        name, ready = stack.pop()
        node = producer.get(name)
        if node is None or node.output[0] in done:
            continue
        if ready:
            done.add(node.output[0])
            ordered.append(node)
        else:
            stack.append((name, True))
            stack += [(needed, False) for needed in reversed(node.input)]
    return ordered
