"""A challenger against the served model: which adverts may judge them, and who is better there.

Trains nothing and replaces nothing. Both are judged on adverts that arrived after those that either was trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.audit.summary import ArrivalOrder
from mlpaygrade.dataset.postings import Postings, Split, columns_of
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.evaluation.drift import known_to
from mlpaygrade.evaluation.metrics import compare_predictions, decide, evaluate
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.training.arrival import Division, divide, postings_by_arrival

MIN_NEW: Final = 400
"""Adverts that the served model does not know; with fewer, half of them would tell too little."""

MOSTLY: Final = 0.99
"""Share of an edition's test side that must be new; a few rows near the day may fall on its wrong side."""

SHOWN: Final = ("rmse_log", "mae_usd", "pinball_log", "bias_usd", "coverage_90", "width_90_usd")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contest:
    """How a file divides for a contest. new: its adverts that the served model does not know.

    division: None where there is no contest; `withheld` then says why.
    """

    new: int
    division: Division | None
    withheld: str | None = None


def prepare_contest(table: Table, champion: Mapping[str, object] | None, *, arrival: ArrivalOrder) -> Contest:
    """Divide a file for a contest with the champion. champion: provenance of its bundle; None where there is none.

    The edition's own day divides where it leaves enough adverts that the champion does not know; else the newer half of those
    tests and everything before it trains.
    """
    if reason := _no_contest(table, champion, arrival):
        return Contest(new=0, division=None, withheld=reason)
    own = divide(table, through=None)
    if champion is None:
        return Contest(new=len(own.postings), division=own)
    postings = postings_by_arrival(table)
    new = np.flatnonzero(~known_to(champion, postings))
    if len(new) < MIN_NEW:
        found = (
            f"only {len(new):,} adverts are new to the served model"
            if len(new)
            else "no advert is new to the served model"
        )
        reason = f"{found}, and {MIN_NEW} are needed to judge by"
        return Contest(new=len(new), division=None, withheld=reason)
    return Contest(new=len(new), division=_by_edition(table, own, new) or _by_half(postings, new))


def _no_contest(table: Table, champion: Mapping[str, object] | None, arrival: ArrivalOrder) -> str | None:
    """Why a file cannot judge a champion, whatever adverts it holds; None where it can."""
    if not arrival.tells_time:
        return f"the file is in no order of arrival ({arrival.why}), so it does not tell which adverts came later"
    if champion is not None and champion["synthetic"] != table.synthetic:
        return "one of file and served model is synthetic, the other is real"
    return None


def _by_edition(table: Table, own: Division, new: NDArray[np.int64]) -> Division | None:
    """The edition's own division, tested on what is new; None where it has none, or the champion knows of its test side.

    A challenger trained before the champion's newest adverts would be judged as staler than the one that is to be beaten.
    """
    edition = known_file(table.sha256)
    if edition is None or edition.test_after is None or own.split is None:
        return None
    test = np.intersect1d(own.split.test, new)
    if len(test) < MOSTLY * len(own.split.test):
        return None
    return replace(own, split=Split(name=own.split.name, train=own.split.train, test=test))


def _by_half(postings: Postings, new: NDArray[np.int64]) -> Division:
    """The newer half of what is new tests, and everything before it trains."""
    test = new[len(new) // 2 :]
    split = Split(name="newer half of the new adverts", train=np.arange(test[0]), test=test)
    protocol = f"trained on the file without its newest {len(test):,} adverts, tested on every row of those"
    return Division(postings=postings, split=split, protocol=protocol)


def compare(challenger: Predictor, champion: Predictor | None, division: Division) -> dict[str, Any]:
    """The contest as plain JSON: {"protocol", "adverts", "rows", "challenger", "champion", "differences", "promoted", "reason"}.

    challenger: trained on the training side of the division. Without a champion, or without a test side, nothing is compared.
    """
    if champion is None or division.split is None:
        reason = "there was no served model to beat" if champion is None else "the file leaves nothing to judge by"
        return {"protocol": division.protocol, "promoted": champion is None, "reason": reason}
    test = division.postings.take(division.split.test)
    columns = columns_of(test.jobs)
    new, old = challenger.predict(columns), champion.predict(columns)
    differences = compare_predictions(new, old, test)
    promoted, reason = decide(differences, champion="the served model")
    figures = {name: evaluate(one, test)["rows"] for name, one in (("challenger", new), ("champion", old))}
    return {
        "protocol": division.protocol,
        "adverts": len(test),
        "rows": figures["challenger"]["n"],
        **{name: {metric: rows[metric] for metric in SHOWN} for name, rows in figures.items()},
        "differences": {name: one.to_json() for name, one in differences.items()},
        "promoted": promoted,
        "reason": reason,
    }
