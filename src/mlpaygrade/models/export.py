"""The network as ONNX, and the proof that it answers as the trained one does.

Enters: a `FittedNetwork`. Leaves: bytes. Refuses an export that differs.
"""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from mlpaygrade.data.encode import Encoded
from mlpaygrade.models.training import FittedNetwork
from mlpaygrade.schema import BundleError

TOLERANCE: Final = 1e-4
"""Largest relative difference in USD between the exported and the trained network."""


def export_onnx(fitted: FittedNetwork, probe: Encoded) -> tuple[bytes, float]:
    """ONNX bytes and the largest relative difference in USD over the probe's jobs.

    Raises BundleError when it exceeds TOLERANCE.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        fitted.model.export(str(path), format="onnx", verbose=False)
        content = path.read_bytes()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = {"categorical": probe.categorical, "words": probe.words, "numeric": probe.numeric}
    quantiles, members = session.run(["log_quantiles", "log_members"], inputs)
    trained = fitted.predict(probe)
    difference = max(
        float(np.max(np.abs(np.expm1(np.float64(ours)) / np.expm1(np.float64(theirs)) - 1)))
        for ours, theirs in [(quantiles, trained.log_quantiles), (members, trained.log_members)]
    )
    if difference > TOLERANCE:
        raise BundleError(
            f"The exported network must agree with the trained one to {TOLERANCE:g}; it differs by {difference:.2g}."
        )
    return content, difference
