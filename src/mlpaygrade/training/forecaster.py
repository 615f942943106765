"""A fitted, calibrated network from training postings alone, and how far local adverts move its estimates.

The newest windows of the training postings, each predicted by a network fitted on what came before it, stop the training,
calibrate the intervals and give the validation figures; then one network is fitted on all training postings. Sees no test
posting. A killed run resumes from its work folder. The strength of local moves is the one that would have erred least on
those windows, each moved by what the windows before it say, outside the home market; where no move would have helped, none is
made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, Split, rolling_origin
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.evaluation.leakage import check_split, check_time
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.forecast.calibration import (
    INTERVALS,
    Calibration,
    LocalMove,
    LocalPay,
    Truth,
    cell_keys,
    groups_of,
)
from mlpaygrade.forecast.distribution import Prediction, concatenate
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.forecast.refusal import AbstentionRule, choose_limit, disagreement, log_interval_score
from mlpaygrade.job.fields import LOCATION
from mlpaygrade.job.places import HOME
from mlpaygrade.training.settings import Settings
from mlpaygrade.training.wide import WEEKS_IN_YEAR

if TYPE_CHECKING:
    from mlpaygrade.training.fit import FittedNetwork

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
        return LocalPay()
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


Progress = Callable[[str, int, int, dict[str, float]], None]
"""Called with (stage, epoch, epochs, losses)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Forecaster:
    """A network with its calibration.

    local: moves towards local adverts. validation: figures on the held-out windows, uncalibrated, pooled. epochs: how long the
    final network was trained. held_out: the windows' postings; raw: what they were predicted as, each window moved by what those
    before it say; groups: what they were calibrated as.
    """

    fitted: "FittedNetwork"
    local: LocalPay
    calibration: Calibration
    abstention: AbstentionRule
    held_out: Postings
    raw: Prediction
    groups: NDArray[np.int64]
    validation: dict[str, object]
    epochs: int

    def predict(self, postings: Postings) -> Prediction:
        """Calibrated predictions for postings, as serving makes them: the year is known, the day is not."""
        raw = self.local.apply(self.fitted.forecast(postings.jobs), postings.jobs)
        return self.calibration.apply(raw, groups_of(self.fitted.encoder, postings.jobs))


def fit_forecaster(
    postings: Postings, *, settings: Settings, work: Path, progress: Progress, name: str = "network"
) -> Forecaster:
    """Fit and calibrate on training postings.

    work: folder for checkpoints; held-out predictions found there are used again (the caller vouches that they belong to
    the same data and settings).
    """
    from mlpaygrade.training.fit import fit_network  # rivals are calibrated here too, and need no TensorFlow

    work.mkdir(parents=True, exist_ok=True)
    splits = rolling_origin(postings, folds=settings.calibration.folds, window=settings.calibration.window)
    predictions, epochs = [], []
    for k, split in enumerate(splits, start=1):
        stage = f"{name}: window {k} of {len(splits)}"
        check_split(postings, split)
        check_time(postings, split)
        stored = work / f"{name}-window-{k}.npz"
        if not stored.exists():
            test = postings.take(split.test)
            fitted = fit_network(
                postings.take(split.train),
                test,
                network=settings.network,
                training=settings.training,
                wide=settings.wide,
                checkpoint=work / f"{name}-window-{k}-checkpoint",
                progress=_at(progress, stage),
            )
            made = fitted.forecast(test.jobs)
            with writing_bytes(stored) as file:
                np.savez(file, quantiles=made.log_quantiles, members=made.log_members, epochs=fitted.epochs)
        with np.load(stored) as arrays:
            predictions.append(Prediction(arrays["quantiles"], arrays["members"]))
            epochs.append(int(arrays["epochs"]))
    held_out = postings.take(np.concatenate([split.test for split in splits]))
    local, moved = fit_local(
        [(made, postings.take(split.test)) for made, split in zip(predictions, splits, strict=True)]
    )
    pooled = concatenate(moved)
    calibration, groups = fit_calibration(pooled, postings, splits, min_count=settings.training.min_count)
    length = round(float(np.median(epochs)))
    fitted = fit_network(
        postings,
        network=settings.network,
        training=settings.training,
        wide=settings.wide,
        epochs=length,
        checkpoint=work / f"{name}-final-checkpoint",
        progress=_at(progress, f"{name}: final fit"),
    )
    return Forecaster(
        fitted=fitted,
        local=local,
        calibration=calibration,
        abstention=fit_abstention(calibration.apply(pooled, groups), held_out),
        held_out=held_out,
        raw=pooled,
        groups=groups,
        validation={**evaluate(pooled, held_out), "epochs": epochs},
        epochs=length,
    )


def fit_calibration(
    prediction: Prediction, postings: Postings, windows: Sequence[Split], *, min_count: int
) -> tuple[Calibration, NDArray[np.int64]]:
    """Calibrate on held-out windows: what each was predicted as by a model of what came before it.

    prediction: for the windows' test postings, window after window. A job is novel where its window's training postings
    lack its title or country. Returns the groups of those postings too.
    """
    groups = [
        groups_of(
            JobEncoder.fit(postings.take(window.train).jobs, min_count=min_count), postings.take(window.test).jobs
        )
        for window in windows
    ]
    held_out = postings.take(np.concatenate([window.test for window in windows]))
    found = np.concatenate(groups)
    return Calibration.fit(prediction, Truth.of(held_out, found)), found


def fit_abstention(prediction: Prediction, held_out: Postings) -> AbstentionRule:
    """The rule of refusal that calibrated predictions of held-out postings lead to."""
    rows, usd = held_out.row_values_usd()
    low, high = INTERVALS[90]
    quantiles = prediction.quantiles("any")[rows]
    score = log_interval_score(np.log1p(usd), quantiles[:, low], quantiles[:, high])
    return choose_limit(disagreement(prediction)[rows], score)


def _at(progress: Progress, stage: str) -> Callable[[int, int, dict[str, float]], None]:
    return lambda epoch, epochs, losses: progress(stage, epoch, epochs, losses)
