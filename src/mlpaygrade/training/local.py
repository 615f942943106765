"""How far local adverts move an estimate: measured on the held-out windows, each moved by what the windows before it say.

The strength is the one that would have erred least outside the home market; where no move would have, none is made.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.local import LocalMove, LocalPay, cell_keys
from mlpaygrade.job.countries import HOME
from mlpaygrade.job.fields import LOCATION
from mlpaygrade.training.wide import WEEKS_IN_YEAR

STRENGTHS: Final = (30.0, 60.0, 100.0, 200.0, 400.0)
"""Candidates: so many adverts of a country and title count as much as the network."""

FEWEST: Final = 5
"""Fewer held-out adverts of a country and title than this move nothing."""

Window = tuple[Prediction, Postings]
"""A held-out window: what a network of earlier postings said of its postings."""


def fit_local(windows: Sequence[Window]) -> tuple[LocalPay, list[Prediction]]:
    """The rule that all windows lead to, and each window's prediction as the windows before it would have moved it.

    windows: in order of arrival.
    """
    before = [errors_by_cell(windows[:k]) for k in range(len(windows) + 1)]
    still = _error_abroad(windows, before, strength=None)
    tried = {strength: _error_abroad(windows, before, strength=strength) for strength in STRENGTHS}
    best = min(tried, key=lambda strength: tried[strength])
    strength = best if tried[best] < still else None
    measured = {"strength": strength, "rmse_abroad_without": still, "rmse_abroad_with": tried[best]}
    moved = [
        _rule(errors, strength).apply(prediction, held_out.jobs)
        for errors, (prediction, held_out) in zip(before, windows, strict=False)
    ]
    return LocalPay(_rule(before[-1], strength).moves, measured), moved


def errors_by_cell(windows: Sequence[Window]) -> pd.DataFrame:
    """By country and title outside the home market: `postings`, `count` (bursts damped), `apart` (mean error, log dollars)."""
    rows = pd.concat([_errors(*window) for window in windows]) if windows else _NO_ERRORS
    weight = rows.groupby(["cell", "week"])["error"].transform("size") ** -0.5
    if len(rows):
        rows = rows.assign(error=rows["error"] - np.average(rows["error"], weights=weight))
    rows = rows.assign(weight=weight, weighted=rows["error"] * weight)[~rows["cell"].str.startswith(f"{HOME}|")]
    found = rows.groupby("cell").agg(
        postings=("posting", "nunique"), count=("weight", "sum"), weighted=("weighted", "sum")
    )
    return found.assign(apart=found["weighted"] / found["count"])


_NO_ERRORS: Final = pd.DataFrame(
    {"cell": pd.Series(dtype=str), "week": [], "posting": pd.Series(dtype=object), "error": pd.Series(dtype=float)}
)


def _errors(prediction: Prediction, held_out: Postings) -> pd.DataFrame:
    """One line for each source row: its cell, week of arrival, posting, and log pay less the estimate."""
    index, usd = held_out.row_values_usd()
    cells = np.array(cell_keys(held_out.jobs), dtype=object)
    week = np.floor(held_out.time_years * WEEKS_IN_YEAR)
    error = np.log1p(usd) - prediction.log_estimate[index]
    first_row = held_out.rows[:, 0]
    return pd.DataFrame({"cell": cells[index], "week": week[index], "posting": first_row[index], "error": error})


def _rule(errors: pd.DataFrame, strength: float | None) -> LocalPay:
    if strength is None:
        return LocalPay.none()
    believed = errors["apart"] * errors["count"] / (errors["count"] + strength)
    enough = errors["postings"] >= FEWEST
    errors, believed = errors[enough], believed[enough]
    lines = zip(errors.index, errors["postings"], errors["apart"], believed, strict=True)
    return LocalPay(
        {
            str(cell): LocalMove(postings=int(count), apart_log=float(apart), move_log=float(move))
            for cell, count, apart, move in lines
        },
        {},
    )


def _error_abroad(windows: Sequence[Window], before: Sequence[pd.DataFrame], *, strength: float | None) -> float:
    """RMSE of log pay outside the home market on every window but the first, each moved by those before it."""
    squares: list[NDArray[np.float64]] = []
    for errors, (prediction, held_out) in zip(before[1:], windows[1:], strict=False):
        index, usd = held_out.row_values_usd()
        abroad = (held_out.jobs[LOCATION] != HOME).to_numpy()[index]
        estimate = _rule(errors, strength).apply(prediction, held_out.jobs).log_estimate[index]
        squares.append(((np.log1p(usd) - estimate) ** 2)[abroad])
    found = np.concatenate(squares) if squares else np.empty(0)
    return float(np.sqrt(found.mean())) if len(found) else 0.0
