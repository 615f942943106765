"""What a job in machine learning and data pays, how sure that is, and why.

>>> from mlpaygrade import Predictor
>>> predictor = Predictor.load()
>>> job = predictor.read_job(title="Data Scientist", experience="SE", location="US")
>>> estimate = predictor.estimate(job)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Estimate", "Job", "MLPayGradeError", "Predictor", "__version__"]

if TYPE_CHECKING:
    from mlpaygrade.errors import MLPayGradeError
    from mlpaygrade.forecast.predictor import Estimate, Predictor
    from mlpaygrade.job.fields import Job


def __getattr__(name: str) -> Any:
    """Load the public names when they are first asked for, so that importing the package costs nothing."""
    if name in {"Predictor", "Estimate"}:
        from mlpaygrade.forecast import predictor

        return getattr(predictor, name)
    if name == "Job":
        from mlpaygrade.job.fields import Job

        return Job
    if name == "MLPayGradeError":
        from mlpaygrade.errors import MLPayGradeError

        return MLPayGradeError
    raise AttributeError(f"module 'mlpaygrade' has no attribute '{name}'")
