"""When an answer should be "not enough data": the two rules, and how the second one's limit is chosen.

A title of which nothing is known is refused (`title_refusal`), and so is a job about which the network's members differ more than
was ever tested (`spread_refusal`). That limit comes from held-out postings, with the risk-coverage curve (El-Yaniv and Wiener
2010) that it was read from (`AbstentionRule`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.job import taxonomy
from mlpaygrade.job.relevance import relevance

SHARES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the least supported postings whose leaving out the curve shows."""

RATIO: Final = 2.0
FEWEST: Final = 100
"""An answer is refused from the disagreement on beyond which at least FEWEST held-out rows scored RATIO times worse than all;
and beyond the largest disagreement that was tested at all."""

MOST_REFUSED: Final = 0.002
"""Share of the held-out rows that the limit may refuse at most: a wide range serves the asker better than no answer."""

COMMON_TITLE: Final = 20
"""A title with so many adverts in the training data is always answered."""


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
    refused = min(int(bad[-1]) if len(bad) else 0, int(MOST_REFUSED * len(worst)))
    limit = float(worst[refused])
    curve = {f"{share:g}": float(scores[round(share * len(scores)) :].mean()) for share in SHARES}
    return AbstentionRule(limit=limit, curve=curve)


def title_refusal(title: str, encoder: JobEncoder) -> str | None:
    """Why a title has no answer: it belongs to another trade, or no word of it stands in the training data; else None."""
    if title in encoder.known_titles:
        return None
    judged = relevance(title, known=encoder.known_titles)
    if not judged.answerable:
        return f"not enough data: {judged.reason.rstrip('.')}"
    if not encoder.known_words.isdisjoint(taxonomy.title_words(title)):
        return None
    return (
        f"not enough data: neither the title '{title}' nor any of its words stands in the training data, "
        "so nothing is known about such a job"
    )


def spread_refusal(spread: float, limit: float) -> str | None:
    """Why a job about which the members differ that much (log dollars) has no answer; None up to the limit."""
    if spread <= limit:
        return None
    return (
        f"not enough data: the network's members differ by {spread:.0%} about such a job, and its intervals were "
        f"tested only up to {limit:.0%}"
    )
