"""When an answer is "not enough data": the rules, and how the limit of one is chosen.

A job is refused (`refusals`) by the first of these rules that holds:

1. its title belongs to another trade, or nothing in it says the field (`job/relevance.py`);
2. no word of its title stands in the training data;
3. the network's members differ about it by more than the limit.

A title with COMMON_TITLE adverts or more in the training data is an exception: it is always answered. The limit is no constant
here: training reads it from held-out postings (`choose_limit`), and the bundle holds it, with the risk-coverage curve (El-Yaniv
and Wiener 2010) that it was read from (`AbstentionRule`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.documents import Figure
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.job.relevance import relevance
from mlpaygrade.job.titles import canonical_title, title_words

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
    """`abstention.json` of a bundle.

    limit: largest disagreement (log dollars) that is answered. curve: share left out -> mean interval score of the rest, log
    dollars.
    """

    limit: Annotated[float, Meta(gt=0, le=10)]
    curve: Mapping[str, Figure]


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


def refusals(
    titles: Sequence[str], spreads: Sequence[float], *, encoder: JobEncoder, adverts: Mapping[str, int], limit: float
) -> list[str | None]:
    """Why each of n jobs has no answer worth giving, None where it has one, by the rules above.

    titles, spreads: of the n jobs, spreads in log dollars. adverts: title -> its adverts in the training data. limit: of the
    bundle's `AbstentionRule`.
    """
    common = {title: adverts.get(canonical_title(title), 0) >= COMMON_TITLE for title in set(titles)}
    unknown = {title: None if common[title] else _unknown(title, encoder) for title in common}
    return [
        unknown[title] or (None if common[title] or spread <= limit else _apart(spread, limit))
        for title, spread in zip(titles, spreads, strict=True)
    ]


def _unknown(title: str, encoder: JobEncoder) -> str | None:
    """Why nothing is known of a title: it belongs to another trade, or no word of it stands in the training data; else None."""
    if title in encoder.known_titles:
        return None
    judged = relevance(title, known=encoder.known_titles)
    if not judged.answerable:
        return judged.reason.rstrip(".")
    if not encoder.known_words.isdisjoint(title_words(title)):
        return None
    return f"neither the title '{title}' nor any of its words stands in the training data, so nothing is known about such a job"


def _apart(spread: float, limit: float) -> str:
    return f"the network's members differ by {spread:.0%} about such a job, and its intervals were tested only up to {limit:.0%}"
