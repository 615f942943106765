"""The state of a training after a whole epoch, in one file: written at once or not at all, and complete.

Weights, the optimizer's variables, the states of every random generator inside the network, the history so far. Batches are
drawn by a generator of each epoch's own (`fit`), so a training that goes on from here is bit for bit one that was never stopped.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlpaygrade.dataset.writing import writing_bytes

History = dict[str, list[float]]


def save_checkpoint(path: Path, model: keras.Model, history: History) -> None:
    """Write the state after the epochs that the history holds."""
    arrays: dict[str, Any] = {f"variable_{k}": np.asarray(variable) for k, variable in enumerate(_variables(model))}
    with writing_bytes(path) as file:
        np.savez(file, history=np.array(json.dumps(history)), **arrays)


def load_checkpoint(path: Path, model: keras.Model) -> History:
    """Bring a model to a written state; returns its history, empty where there is no file that fits."""
    variables = _variables(model)
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays = [stored[f"variable_{k}"] for k in range(len(variables))]
            history: History = json.loads(str(stored["history"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}
    if any(array.shape != tuple(variable.shape) for array, variable in zip(arrays, variables, strict=True)):
        return {}
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return history


def _variables(model: keras.Model) -> list[Any]:
    """Everything that training changes: weights, seeds of dropout and masking, the optimizer's moments and step."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
