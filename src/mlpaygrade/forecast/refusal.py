"""When an answer should be "not enough data".

Enters: how far the network's members disagree about held-out postings, and how those turned out. Leaves: `AbstentionRule`, the
disagreement beyond which no interval has been tested, with the risk-coverage curve (El-Yaniv and Wiener 2010) that it was read
from. Knows no job; `predictor` applies it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.distribution import Prediction

SHARES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the least supported postings whose leaving out the curve shows."""

RATIO: Final = 2.0
FEWEST: Final = 100
"""An answer is refused from the disagreement on beyond which at least FEWEST held-out rows scored RATIO times worse than all;
and beyond the largest disagreement that was tested at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbstentionRule:
    """limit: largest disagreement (log dollars) that is answered. curve: share left out -> mean interval score of the rest,
    log dollars."""

    limit: float
    curve: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the rule."""
        return {"limit": self.limit, "curve": dict(self.curve)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The rule that `to_json` described. Raises BundleError where a part is missing."""
        try:
            curve = {str(share): float(score) for share, score in document["curve"].items()}
            return cls(limit=float(document["limit"]), curve=curve)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"The bundle's abstention rule is damaged ({error}). Install or train it again."
            ) from error


def disagreement(prediction: Prediction) -> NDArray[np.float64]:
    """Standard deviation of the members' estimates, log dollars, float64 (n,)."""
    return np.asarray(prediction.log_members.std(axis=1, dtype=np.float64))


def log_interval_score(
    truth_log: NDArray[np.float64], low_log: NDArray[np.floating], high_log: NDArray[np.floating], *, percent: int = 90
) -> NDArray[np.float64]:
    """Interval score (Gneiting and Raftery 2007) in log dollars, float64 (n,): comparable between jobs of any pay."""
    beyond = np.maximum(low_log - truth_log, 0) + np.maximum(truth_log - high_log, 0)
    return np.asarray(high_log - low_log + 2 / (1 - percent / 100) * beyond, dtype=np.float64)


def choose_limit(uncertainty: NDArray[np.float64], score: NDArray[np.float64]) -> AbstentionRule:
    """The rule for held-out rows: uncertainty, interval score, both float64 (n,)."""
    order = np.argsort(-uncertainty, kind="stable")
    worst, scores = uncertainty[order], score[order]
    count = np.arange(1, len(order) + 1)
    among = np.cumsum(scores) / count
    bad = np.flatnonzero((count >= FEWEST) & (among >= RATIO * scores.mean()))
    limit = float(worst[bad[-1]]) if len(bad) else float(worst[0])
    curve = {f"{share:g}": float(scores[round(share * len(scores)) :].mean()) for share in SHARES}
    return AbstentionRule(limit=limit, curve=curve)
