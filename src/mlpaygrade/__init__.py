"""What a job in machine learning and data pays, how sure that is, and why.

>>> from mlpaygrade import Predictor
>>> predictor = Predictor.load()
>>> job = predictor.read_job(title="Data Scientist", experience="SE", location="US")
>>> estimate = predictor.answer(job)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"
__all__ = ["Answer", "Job", "MLPayGradeError", "Predictor", "__version__"]

if TYPE_CHECKING:
    from mlpaygrade.errors import MLPayGradeError
    from mlpaygrade.forecast.answer import Answer
    from mlpaygrade.forecast.predictor import Predictor
    from mlpaygrade.job.fields import Job


# ONNX Runtime reads this once, when it is imported. Without it, it writes a device id under HOME and looks up a host.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "Answer": "mlpaygrade.forecast.answer",
    "Job": "mlpaygrade.job.fields",
    "MLPayGradeError": "mlpaygrade.errors",
    "Predictor": "mlpaygrade.forecast.predictor",
}


def __getattr__(name: str) -> object:
    """Load the public names when they are first asked for, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlpaygrade' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
