"""Walking through the arrival order as a user would: retrain every few weeks, recalibrate every week, predict the next one.

Enters: postings and, where there is one, the calendar of arrivals. Leaves: `Backtest`, figures by week. Every prediction is made
by a network fitted on postings that arrived before the block of weeks, and calibrated on the predictions of earlier weeks.
Chooses nothing by itself: it shows side by side what calibrating on all earlier weeks alike and weighing newer ones more gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Calendar, Postings, Split, snapshot_of
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.errors import DataError
from mlpaygrade.evaluation.leakage import check_split, check_time
from mlpaygrade.evaluation.metrics import interval_metrics, point_metrics
from mlpaygrade.forecast.calibration import INTERVALS, Calibration, Truth, groups_of
from mlpaygrade.forecast.distribution import Prediction, concatenate
from mlpaygrade.training.fit import fit_network
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.settings import Settings

BLOCK: Final = 4
"""Weeks between two trainings."""

MIN_TRAIN: Final = 600
"""Postings before the first training."""

MIN_WEEK_ROWS: Final = 50
HALF_LIVES: Final[Mapping[str, float]] = {"all earlier weeks alike": float("inf"), "half-life 13 weeks": 13.0}
"""How much earlier weeks count in calibration: name -> weeks after which a prediction counts half."""

NEAR: Final = 0.06
"""A week's coverage is near where it lies within this of 90 %."""

SHUFFLES: Final = 200

WITHOUT_CALENDAR: Final = 70
"""Weeks that the newest postings are cut into where no calendar dates them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """weeks: for each variant of HALF_LIVES the list of weeks (week, rows and the figures of `metrics`).
    summary: for each variant the same, pooled, and how steady the `weeks` with at least MIN_WEEK_ROWS rows are.
    dated: whether a calendar gave the weeks.
    """

    weeks: Mapping[str, Sequence[Mapping[str, Any]]]
    summary: Mapping[str, Mapping[str, float]]
    dated: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the walk."""
        return {
            "weeks": {name: list(weeks) for name, weeks in self.weeks.items()},
            "summary": {name: dict(figures) for name, figures in self.summary.items()},
            "dated": self.dated,
        }


def backtest(
    postings: Postings,
    *,
    settings: Settings,
    calendar: Calendar | None,
    first_year: int,
    work: Path,
    progress: Progress,
) -> Backtest:
    """Walk through the weeks of `first_year` and later.

    work: folder of predictions of blocks; those found there are used again (the caller vouches for data and settings).
    Raises DataError where fewer than MIN_TRAIN postings came before the first block.
    """
    week, names = _weeks(postings, calendar, first_year=first_year)
    walked = np.unique(week[week >= 0])
    blocks = [walked[k : k + BLOCK] for k in range(0, len(walked), BLOCK)]
    first = int(np.flatnonzero(week == walked[0])[0]) if len(walked) else 0
    burn_in = max(first // 5, 1)
    if first - burn_in < MIN_TRAIN:
        raise DataError(
            f"A backtest from {first_year} needs {MIN_TRAIN} postings to train on before its burn-in; there are "
            f"{first - burn_in}. Begin with a later year, or give more data."
        )
    spans = [np.arange(first - burn_in, first)] + [np.flatnonzero(np.isin(week, block)) for block in blocks]
    work.mkdir(parents=True, exist_ok=True)
    raw, groups = [], []
    for k, span in enumerate(spans):
        start = int(span.min())
        split = Split(name=f"block {k}", train=np.arange(start), test=span)
        check_split(postings, split)
        check_time(postings, split)
        made, group = _block(postings, split, settings=settings, stored=work / f"block-{k}.npz")
        raw.append(made)
        groups.append(group)
        progress("backtest: blocks", k + 1, len(spans), {})
    order = np.concatenate(spans)
    return _judge(
        postings.take(order),
        concatenate(raw),
        np.concatenate(groups),
        week=week[order],
        names=names,
        dated=calendar is not None,
    )


def _block(
    postings: Postings, split: Split, *, settings: Settings, stored: Path
) -> tuple[Prediction, NDArray[np.int64]]:
    """Raw predictions of a block and the groups of its postings, from `stored` where a run before this one left them."""
    if not stored.exists():
        past = postings.take(split.train)
        fitted = fit_network(past, network=settings.network, training=settings.training, wide=settings.wide)
        jobs = postings.take(split.test).jobs
        made = fitted.forecast(jobs)
        with writing_bytes(stored) as file:
            np.savez(
                file, quantiles=made.log_quantiles, members=made.log_members, groups=groups_of(fitted.encoder, jobs)
            )
    with np.load(stored) as arrays:
        return Prediction(arrays["quantiles"], arrays["members"]), arrays["groups"]


def _judge(
    walked: Postings,
    raw: Prediction,
    groups: NDArray[np.int64],
    *,
    week: NDArray[np.int64],
    names: Mapping[int, str],
    dated: bool,
) -> Backtest:
    weeks: dict[str, list[dict[str, Any]]] = {}
    summary: dict[str, dict[str, float]] = {}
    for variant, half_life in HALF_LIVES.items():
        weeks[variant] = []
        pooled: list[tuple[NDArray[np.float64], NDArray[np.floating], NDArray[np.float64]]] = []
        covered: list[_Covered] = []
        for number in np.unique(week[week >= 0]):
            earlier = np.flatnonzero(week < number)
            now = np.flatnonzero(week == number)
            age = number - np.maximum(week[earlier], week[week >= 0].min() - 1)
            truth = Truth.of(walked.take(earlier), groups[earlier], weights=0.5 ** (age / half_life))
            calibration = Calibration.fit(raw.take(earlier), truth)
            prediction = calibration.apply(raw.take(now), groups[now])
            index, usd = walked.take(now).row_values_usd()
            rows = (np.log1p(usd), prediction.quantiles("any")[index], prediction.log_estimate[index])
            pooled.append(rows)
            covered.append(_covered(rows[0], rows[1], index, postings=len(now)))
            weeks[variant].append({"week": names[int(number)], "rows": len(usd), **_figures(*rows)})
        together = [np.concatenate(part) for part in zip(*pooled, strict=True)]
        summary[variant] = {"rows": float(len(together[0])), **_figures(*together), **_steadiness(covered)}
    return Backtest(weeks=weeks, summary=summary, dated=dated)


def _figures(
    truth_log: NDArray[np.float64], quantiles: NDArray[np.floating], estimate_log: NDArray[np.float64]
) -> dict[str, float]:
    return {**interval_metrics(truth_log, quantiles), **point_metrics(truth_log, estimate_log)}


@dataclass(frozen=True, slots=True, eq=False)
class _Covered:
    """Of each posting of a week: how many of its rows lie inside the 90 % interval, and how many it has; int64 (n,)."""

    inside: NDArray[np.int64]
    rows: NDArray[np.int64]


def _covered(
    truth_log: NDArray[np.float64], quantiles: NDArray[np.floating], index: NDArray[np.int64], *, postings: int
) -> _Covered:
    low, high = INTERVALS[90]
    inside = (truth_log >= quantiles[:, low]) & (truth_log <= quantiles[:, high])
    return _Covered(
        np.bincount(index, inside, minlength=postings).astype(np.int64), np.bincount(index, minlength=postings)
    )


def _steadiness(weeks: Sequence[_Covered]) -> dict[str, float]:
    """How many weeks have enough rows, and the share of them whose 90 % coverage is near; the same if postings had come in any
    other order (mean of SHUFFLES), which is what the size of the weeks alone leaves to chance. Reposted adverts are shuffled
    apart, so that share is the highest that could be hoped for."""
    week = np.repeat(np.arange(len(weeks)), [len(one.rows) for one in weeks])
    inside, rows = (np.concatenate([getattr(one, name) for one in weeks]) for name in ("inside", "rows"))

    def near(order: NDArray[np.int64]) -> NDArray[np.bool_]:
        total = np.bincount(week, rows[order])
        enough = total >= MIN_WEEK_ROWS
        return np.asarray(np.abs(np.bincount(week, inside[order])[enough] / total[enough] - 0.9) <= NEAR)

    as_they_came = near(np.arange(len(rows)))
    if not len(as_they_came):
        return {"weeks": 0.0, "weeks_within_6_points": float("nan"), "weeks_within_6_points_by_chance": float("nan")}
    rng = np.random.default_rng(0)
    shuffled = [near(rng.permutation(len(rows))).mean() for _ in range(SHUFFLES)]
    return {
        "weeks": float(len(as_they_came)),
        "weeks_within_6_points": float(as_they_came.mean()),
        "weeks_within_6_points_by_chance": float(np.mean(shuffled)),
    }


def _weeks(
    postings: Postings, calendar: Calendar | None, *, first_year: int
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Week of each posting, int64 (n,), nondecreasing, -1 before `first_year`; and the weeks' names.

    A posting of an old year that arrived among newer ones counts to the week of its neighbours.
    """
    late = np.maximum.accumulate(postings.year) >= first_year
    week = np.full(len(postings), -1, dtype=np.int64)
    if calendar is None:
        index = np.flatnonzero(late)
        week[index] = np.arange(len(index)) * WITHOUT_CALENDAR // max(len(index), 1)
        return week, {number: f"part {number + 1}" for number in range(WITHOUT_CALENDAR)}
    found = np.where(postings.year >= first_year, snapshot_of(postings, calendar), -1)
    week[late] = np.maximum.accumulate(found[late])
    return week, {number: str(day) for number, day in enumerate(calendar.days)}
