"""What every model predicts: quantiles of log pay for three questions about a posting.

Enters and leaves: plain arrays. `low` and `high` are the ends of the advertised band, `any` is one row drawn from the
market (either end). Knows no network; serving and evaluation share it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Target = Literal["low", "high", "any"]
TARGETS: Final[tuple[Target, ...]] = ("low", "high", "any")

LEVELS: Final = np.array([0.01, 0.025, 0.05, *np.arange(2, 19) / 20, 0.95, 0.975, 0.99], dtype=np.float32)
"""Quantile levels of every prediction, float32 (23,), symmetric about the median."""

MEDIAN: Final = len(LEVELS) // 2

LEVEL_WEIGHTS: Final = (np.gradient(LEVELS) / np.gradient(LEVELS).sum()).astype(np.float32)
"""Weights that integrate a quantile function over its levels: the mean of log pay."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions for n jobs.

    log_quantiles: float32 (n, 3, 23), log1p USD by `TARGETS` and `LEVELS`, nondecreasing in the last axis.
    log_members: float32 (n, members), each member's mean of log1p pay of one row; their mean is the estimate.
    """

    log_quantiles: NDArray[np.float32]
    log_members: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.log_quantiles)

    @property
    def log_estimate(self) -> NDArray[np.float64]:
        """Mean of the members, float64 (n,)."""
        return np.asarray(self.log_members.mean(axis=1, dtype=np.float64))

    @property
    def log_midpoint(self) -> NDArray[np.float64]:
        """log1p of the typical band's middle in USD, float64 (n,): halfway between the typical low and high end."""
        low, high = (
            self.quantiles(end).astype(np.float64) @ LEVEL_WEIGHTS.astype(np.float64) for end in ("low", "high")
        )
        return np.asarray(np.logaddexp(low, high) - np.log(2))

    def quantiles(self, target: Target) -> NDArray[np.float32]:
        """Log quantiles of one target, float32 (n, 23)."""
        return self.log_quantiles[:, TARGETS.index(target)]

    def take(self, index: NDArray[np.integer] | slice) -> "Prediction":
        """The jobs at `index`."""
        return Prediction(self.log_quantiles[index], self.log_members[index])


def concatenate(parts: list[Prediction]) -> Prediction:
    """Predictions of several batches as one."""
    return Prediction(
        np.concatenate([part.log_quantiles for part in parts]), np.concatenate([part.log_members for part in parts])
    )
