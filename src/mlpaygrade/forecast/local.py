"""Moves an estimate towards the adverts of its own country and title, where those disagree with the network.

Empirical Bayes: on held-out weeks the adverts of a country and title lay above or below what a network of earlier adverts said of
them; of that mean error a share n / (n + strength) is believed. Adverts come in bursts from one employer, so those of one week
count by the root of their number. Training measures the strength (`training.local`), and leaves the table empty where any move
would have made the later of those weeks worse. The United States stay as they are: no move helped there (docs/experiments.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import expm1, log1p
from typing import Any, Final, Self

import numpy as np

from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import JobColumns
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import LOCATION, TITLE

LOCAL: Final = "local.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMove:
    """What held-out adverts of one country and title say, log dollars.

    postings: how many there were. apart_log: by how much they lay above the network on average. move_log: what is believed of it.
    """

    postings: int
    apart_log: float
    move_log: float

    def before_usd(self, usd: float) -> float:
        """An estimate before it was moved; both are in log1p dollars."""
        return expm1(log1p(usd) - self.move_log)


@dataclass(frozen=True, eq=False)
class LocalPay:
    """Moves by "COUNTRY|canonical title". measured: the strength, and what the rule gained where it was measured."""

    moves: Mapping[str, LocalMove]
    measured: Mapping[str, float | None]

    @classmethod
    def none(cls) -> Self:
        """No move for any job."""
        return cls({}, {})

    def of(self, jobs: JobColumns) -> list[LocalMove | None]:
        """The move of each of n jobs given as dataset columns; None where there is none."""
        return [self.moves.get(key) for key in cell_keys(jobs)]

    def apply(self, prediction: Prediction, jobs: JobColumns) -> Prediction:
        """The network's predictions of n jobs, moved: every quantile and every member by the same."""
        if not self.moves:
            return prediction
        shift = np.array([move.move_log if move else 0.0 for move in self.of(jobs)], dtype=np.float32)
        return Prediction(prediction.log_quantiles + shift[:, None, None], prediction.log_members + shift[:, None])

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the rule."""
        moves = {
            key: [one.postings, round(one.apart_log, 4), round(one.move_log, 4)] for key, one in self.moves.items()
        }
        return {"measured": dict(self.measured), "moves": moves}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The rule that `to_json` described."""
        moves = {
            key: LocalMove(postings=int(postings), apart_log=apart, move_log=move)
            for key, (postings, apart, move) in document["moves"].items()
        }
        return cls(moves, document["measured"])


def cell_keys(jobs: JobColumns) -> list[str]:
    """The country and title of each of n jobs, as the rule's table names them."""
    titles = {title: taxonomy.canonical_title(str(title)) for title in set(jobs[TITLE])}
    return [f"{place}|{titles[title]}" for place, title in zip(jobs[LOCATION], jobs[TITLE], strict=True)]
