"""How good predictions are, by row, posting, slice and the groups of jobs that answers speak of; and whether one model is better.

Row-wise figures count every source row (the dataset's own protocol); posting-wise figures judge the middle of a band by
postings with both ends. Groups and words are those of `forecast.accuracy`. Nothing is chosen or fitted here.

Two models are compared by the paired bootstrap on the same postings. Each difference (first minus second; below zero the
first is better) has its 95 % interval. The two rows of a posting, and by choice all copies of it or all postings of its week
of arrival, are drawn together: they are not independent evidence. Both models' fits are held fixed: the interval is about new
postings, not about new training runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.accuracy import (
    ALL,
    ENOUGH_ROWS,
    FEWEST,
    Accuracy,
    Group,
    accuracies,
    country_group,
    group_names,
)
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import LEVEL_WEIGHTS, LEVELS, MEDIAN, Prediction
from mlpaygrade.forecast.evidence import Evidence, most_specific
from mlpaygrade.forecast.strength import local_disagreement, strength, worst
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, FEATURES, LABELS, LOCATION, REMOTE, SIZE, TITLE, YEAR
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import canonical_title, family_name, title_family

MIN_SLICE = 30
"""Slices with fewer rows are left out of tables: their figures would be noise."""


US: Final = "United States"


def point_metrics(truth_log: NDArray[np.float64], estimate_log: NDArray[np.float64]) -> dict[str, float]:
    """Errors of a point estimate; both arrays log1p USD (n,).

    rmse_log, mean_error_log; mae_usd, median_ae_usd, bias_usd (errors are estimate minus truth); r2_usd.
    """
    truth, estimate = np.expm1(truth_log), np.expm1(estimate_log)
    error = estimate - truth
    return {
        "rmse_log": float(np.sqrt(np.mean((truth_log - estimate_log) ** 2))),
        "mean_error_log": float(np.mean(estimate_log - truth_log)),
        "mae_usd": float(np.mean(np.abs(error))),
        "median_ae_usd": float(np.median(np.abs(error))),
        "bias_usd": float(np.mean(error)),
        "r2_usd": _r2(truth, estimate),
    }


def _r2(truth: NDArray[np.float64], estimate: NDArray[np.float64]) -> float:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((estimate - truth) ** 2)) / spread if spread > 0 else float("nan")


def matched_metrics(truth_log: NDArray[np.float64], log_quantiles: NDArray[np.floating]) -> dict[str, float]:
    """Errors in dollars of what each measure asks for: absolute ones of the median pay, squared ones of the mean pay.

    One figure cannot be best by both (Gneiting 2011, "Making and evaluating point forecasts"); the geometric mean of
    `point_metrics` is what squared errors of log pay ask for. truth_log (n,), log_quantiles (n, 23).
    """
    truth, quantiles = np.expm1(truth_log), np.expm1(log_quantiles.astype(np.float64))
    return {
        "median_pay_mae_usd": float(np.mean(np.abs(quantiles[:, MEDIAN] - truth))),
        "mean_pay_r2_usd": _r2(truth, quantiles @ LEVEL_WEIGHTS.astype(np.float64)),
    }


def pinball(truth_log: NDArray[np.float64], log_quantiles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean pinball loss over `LEVELS` of each row, log dollars. truth_log (n,), log_quantiles (n, 23) -> (n,)."""
    error = truth_log[:, None] - log_quantiles
    return np.asarray(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(axis=1))


def interval_metrics(truth_log: NDArray[np.float64], log_quantiles: NDArray[np.floating]) -> dict[str, float]:
    """Coverage (share), mean width and mean interval score (USD) of each central interval, and the mean pinball loss.

    pit_deviation: largest difference, over `LEVELS`, between a level and the share of truths at or below its quantile.
    """
    truth = np.expm1(truth_log)
    below = (truth_log[:, None] <= log_quantiles).mean(axis=0)
    result = {
        "pinball_log": float(pinball(truth_log, log_quantiles).mean()),
        "pit_deviation": float(np.abs(below - LEVELS).max()),
    }
    for percent, (lower, upper) in INTERVALS.items():
        low, high = np.expm1(log_quantiles[:, lower]), np.expm1(log_quantiles[:, upper])
        inside = (truth_log >= log_quantiles[:, lower]) & (truth_log <= log_quantiles[:, upper])
        beyond = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
        result[f"coverage_{percent}"] = float(inside.mean())
        result[f"width_{percent}_usd"] = float((high - low).mean())
        result[f"score_{percent}_usd"] = float((high - low + 2 / (1 - percent / 100) * beyond).mean())
    return result


def posting_metrics(prediction: Prediction, postings: Postings) -> dict[str, float]:
    """Midpoints and bands of the postings with both ends."""
    paired = np.flatnonzero(postings.paired)
    if not len(paired):
        return {"n": 0}
    low, high = postings.low_log[paired], postings.high_log[paired]
    lower, upper = INTERVALS[90]
    floor, ceiling = prediction.quantiles("low")[paired, lower], prediction.quantiles("high")[paired, upper]
    return {
        "n": len(paired),
        **point_metrics(np.log1p(postings.midpoint_usd[paired]), prediction.log_midpoint[paired]),
        "band_coverage_90": float(np.mean((low >= floor) & (high <= ceiling))),
        "low_coverage_90": interval_metrics(low, prediction.quantiles("low")[paired])["coverage_90"],
        "high_coverage_90": interval_metrics(high, prediction.quantiles("high")[paired])["coverage_90"],
    }


def slices(postings: Postings, further: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """(dimension, value, mask (n,)) of every slice that is reported, those of `further` dimensions last."""
    jobs = postings.jobs
    us = (jobs[LOCATION] == "US").to_numpy()
    tier = jobs[LOCATION].map(lambda code: country(code).tier.replace("_", " ").capitalize())
    yield "market", US, us
    yield "market", "International", ~us
    family = jobs[TITLE].map(title_family).map(family_name)
    for dimension, column in [
        ("country group", jobs[LOCATION].map(country_group)),
        ("income group", tier.where(tier.str.endswith("income"), tier + " income")),
        ("year", jobs[YEAR]),
        ("experience", jobs[EXPERIENCE].map(LABELS[EXPERIENCE])),
        ("title family", family),
        ("company size", jobs[SIZE].map(LABELS[SIZE])),
        ("remote work", jobs[REMOTE].map(LABELS[REMOTE])),
        ("employment", jobs[EMPLOYMENT].map(LABELS[EMPLOYMENT])),
        *((name, pd.Series(labels)) for name, labels in further.items()),
    ]:
        for value in sorted(column.unique()):
            yield dimension, str(value), (column == value).to_numpy()


def evaluate(
    prediction: Prediction, postings: Postings, *, further: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """The whole table: {"rows": {...}, "postings": {...}, "slices": [{"dimension", "value", "n", ...}]}.

    prediction: calibrated, for the same n postings in the same order. further: dimension -> label of each posting.
    """
    index, usd = postings.row_values_usd()
    truth = np.log1p(usd)

    def figures(rows: NDArray[np.integer]) -> dict[str, float]:
        at = index[rows]
        return {
            "n": len(rows),
            **point_metrics(truth[rows], prediction.log_estimate[at]),
            **matched_metrics(truth[rows], prediction.quantiles("any")[at]),
            **interval_metrics(truth[rows], prediction.quantiles("any")[at]),
        }

    table = []
    for dimension, value, mask in slices(postings, further or {}):
        rows = np.flatnonzero(mask[index])
        if len(rows) >= MIN_SLICE:
            table.append({"dimension": dimension, "value": value, **figures(rows)})
    return {"rows": figures(np.arange(len(index))), "postings": posting_metrics(prediction, postings), "slices": table}


Figures = dict[str, float]
Rows = NDArray[np.int64]
WORDS: Final = ("strong", "fair", "rough")


def group_metrics(prediction: Prediction, postings: Postings, *, evidence: Evidence) -> dict[str, Figures]:
    """Figures of every group of the n tested postings with FEWEST different adverts, by its name, that of all jobs first.

    evidence: of the training postings, which says what an answer would have rested on and which titles were new. n: tested rows.
    adverts: different ones, copies counted once. coverage_50, _80, _90. pit_deviation: by how much a stated percentile was off at
    most. mean_error_log, mean_error_usd: estimate minus truth, bias. mae_log, mae_usd, rmse_log: how far an estimate was off.
    """
    figures = _figures(prediction, postings)
    job_of, jobs = _distinct_jobs(postings)
    names = [
        (ALL, *group_names(job, support=evidence.support(job).level, unseen=_unseen(job, evidence)).values())
        for job in jobs
    ]
    found = {name: figures(rows) for name, rows in sorted(_rows_of(postings, job_of, names).items())}
    return {ALL: found.pop(ALL), **{name: group for name, group in found.items() if group["adverts"] >= FEWEST}}


def strength_metrics(
    prediction: Prediction, postings: Postings, *, groups: Mapping[str, Group], evidence: Evidence
) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """How each word did on n tested postings, and what answers would have stated in each group of ENOUGH_ROWS figures.

    groups, evidence: what the answers go by. The first: word -> figures as in `group_metrics`. The second: group -> n, adverts,
    stated_50 to stated_90 and coverage_50 to coverage_90, each the mean over the group's figures.
    """
    figures = _figures(prediction, postings)
    job_of, jobs = _distinct_jobs(postings)
    named, words, names = [], [], []
    for job in jobs:
        cells = evidence.matching(job)
        support, unseen = most_specific(cells), _unseen(job, evidence)
        accuracy = worst(accuracies(groups, job, support=support.level, unseen=unseen))
        named.append(accuracy)
        words.append((strength(accuracy, support, local_disagreement(cells)).word,))
        names.append((ALL, *group_names(job, support=support.level, unseen=unseen).values()))
    by_word = _rows_of(postings, job_of, words)
    job_of_row = job_of[postings.row_values_usd()[0]]
    stated = {
        name: _stated(figures(rows), [named[job] for job in job_of_row[rows].tolist()])
        for name, rows in sorted(_rows_of(postings, job_of, names).items())
        if len(rows) >= ENOUGH_ROWS
    }
    return {word: figures(by_word[word]) for word in WORDS if word in by_word}, stated


def _stated(measured: Figures, named: list[Accuracy | None]) -> Figures:
    means = {
        f"stated_{percent}": round(float(np.mean([one.coverage[percent] for one in named if one])), 5)
        for percent in INTERVALS
    }
    kept = ("n", "adverts", *(f"coverage_{percent}" for percent in INTERVALS))
    return {name: measured[name] for name in kept} | means


def _distinct_jobs(postings: Postings) -> tuple[NDArray[np.int64], list[dict[str, object]]]:
    """Which job each of n postings advertises, int64 (n,), and these jobs as dataset columns."""
    job_of = np.asarray(postings.jobs.groupby(list(FEATURES), sort=True).ngroup(), dtype=np.int64)
    _, first = np.unique(job_of, return_index=True)
    jobs = postings.jobs[list(FEATURES)].iloc[first].itertuples(index=False, name=None)
    return job_of, [dict(zip(FEATURES, job, strict=True)) for job in jobs]


def _rows_of(postings: Postings, job_of: NDArray[np.int64], names: Sequence[tuple[str, ...]]) -> dict[str, Rows]:
    """Rows of every name, in the order of `row_values_usd`. names: those of each job."""
    job_of_row = job_of[postings.row_values_usd()[0]]
    order = np.argsort(job_of_row, kind="stable")
    by_job = np.split(order, np.searchsorted(job_of_row[order], np.arange(1, len(names))))
    rows: dict[str, list[Rows]] = {}
    for mine, of_job in zip(by_job, names, strict=True):
        for name in of_job:
            rows.setdefault(name, []).append(mine)
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def _unseen(job: Mapping[str, object], evidence: Evidence) -> bool:
    return canonical_title(str(job[TITLE])) not in evidence.adverts


def _figures(prediction: Prediction, postings: Postings) -> Callable[[Rows], Figures]:
    """What is measured of some rows of n tested postings."""
    index, usd = postings.row_values_usd()
    advert = postings.signature()[index]
    truth, estimate = np.log1p(usd), prediction.log_estimate[index]
    quantiles = prediction.quantiles("any")[index]

    def figures(rows: Rows) -> Figures:
        ranges = interval_metrics(truth[rows], quantiles[rows])
        error = estimate[rows] - truth[rows]
        error_usd = np.expm1(estimate[rows]) - usd[rows]
        measured = {
            **{f"coverage_{percent}": ranges[f"coverage_{percent}"] for percent in INTERVALS},
            "pit_deviation": ranges["pit_deviation"],
            "mean_error_log": float(error.mean()),
            "mae_log": float(np.abs(error).mean()),
            "rmse_log": float(np.sqrt(np.mean(error**2))),
        }
        rounded = {name: round(value, 5) for name, value in measured.items()}
        dollars = {"mean_error_usd": error_usd.mean(), "mae_usd": np.abs(error_usd).mean()}
        counts = {"n": len(rows), "adverts": len(np.unique(advert[rows]))}
        return {**counts, **rounded, **{name: float(round(value)) for name, value in dollars.items()}}

    return figures


DRAWS: Final = 2_000
CONFIDENCE: Final = 0.95
_CELLS: Final = 4_000_000
"""Counts drawn at a time: draws x units."""

WEEKS_IN_YEAR: Final = 52.1775

Unit = Literal["posting", "copies", "week"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of two models in one metric, first minus second.

    low, high: its 95 % interval. better: share of resamples in which the first model is better. significant: the interval
    lies below zero.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    better: float

    @property
    def significant(self) -> bool:
        """Whether the first model is better beyond doubt."""
        return self.high < 0

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the difference."""
        return {**asdict(self), "significant": self.significant}


def row_losses(prediction: Prediction, postings: Postings) -> dict[str, NDArray[np.float64]]:
    """What each source row costs by metric, float64 (n_rows,) in the order of `row_values_usd`.

    rmse_log stands as the squared error; its root is taken of the mean.
    """
    index, usd = postings.row_values_usd()
    truth = np.log1p(usd)
    estimate = prediction.log_estimate[index]
    quantiles = prediction.quantiles("any")[index]
    lower, upper = (quantiles[:, k].astype(np.float64) for k in INTERVALS[90])
    low, high = np.expm1(lower), np.expm1(upper)
    return {
        "rmse_log": (truth - estimate) ** 2,
        "mae_usd": np.abs(usd - np.expm1(estimate)),
        "pinball_log": pinball(truth, quantiles),
        "score_90_usd": high - low + 20 * (np.maximum(low - usd, 0) + np.maximum(usd - high, 0)),
    }


def compare_predictions(
    first: Prediction,
    second: Prediction,
    postings: Postings,
    *,
    unit: Unit = "posting",
    mask: NDArray[np.bool_] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Difference]:
    """Differences by metric of two predictions for the same n postings; mask: bool (n,), the postings that count."""
    index, _ = postings.row_values_usd()
    kept = np.ones(len(index), dtype=bool) if mask is None else mask[index]
    group = _units(postings, unit)[index]
    one, other = row_losses(first, postings), row_losses(second, postings)
    return paired_bootstrap(
        {name: one[name][kept] for name in one},
        {name: other[name][kept] for name in other},
        group=group[kept],
        draws=draws,
        seed=seed,
    )


def _units(postings: Postings, unit: Unit) -> NDArray[np.int64]:
    """What is drawn together, as a number for each posting, int64 (n,)."""
    if unit == "posting":
        return np.arange(len(postings))
    return postings.signature() if unit == "copies" else np.floor(postings.time_years * WEEKS_IN_YEAR).astype(np.int64)


def paired_bootstrap(
    first: Mapping[str, NDArray[np.float64]],
    second: Mapping[str, NDArray[np.float64]],
    *,
    group: NDArray[np.int64],
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Difference]:
    """Resample groups of rows with both models' losses; arrays (n_rows,). Raises ValueError without a row."""
    if not len(group):
        raise ValueError("A paired bootstrap needs at least one row.")
    _, at = np.unique(group, return_inverse=True)
    units = int(at.max()) + 1
    metrics = list(first)
    losses = np.stack([losses[name] for name in metrics for losses in (first, second)] + [np.ones(len(group))], axis=1)
    totals = np.zeros((units, losses.shape[1]))
    np.add.at(totals, at, losses)
    rng = np.random.default_rng(seed)
    chunks = []
    for start in range(0, draws, step := max(1, _CELLS // units)):
        size = min(step, draws - start)
        drawn = rng.integers(units, size=(size, units))
        counts = np.zeros((size, units))
        np.add.at(counts, (np.arange(size)[:, None], drawn), 1.0)
        chunks.append(counts @ totals)
    resampled, whole = np.concatenate(chunks), totals.sum(axis=0)
    return {name: _difference(name, whole, resampled, column=2 * k) for k, name in enumerate(metrics)}


def decide(differences: Mapping[str, Difference], *, champion: str) -> tuple[bool, str]:
    """Whether a challenger replaces the champion, and why; differences: challenger minus champion by metric."""
    error, loss = differences["rmse_log"], differences["pinball_log"]
    if not error.significant:
        return False, f"its RMSE of log pay is not significantly below that of {champion}"
    if loss.low > 0:
        return False, f"its RMSE of log pay is below that of {champion}, but its pinball loss is above"
    return True, f"its RMSE of log pay is significantly below that of {champion}"


def _difference(metric: str, whole: NDArray[np.float64], resampled: NDArray[np.float64], *, column: int) -> Difference:
    def value(sums: NDArray[np.float64], at: int) -> NDArray[np.float64]:
        mean = sums[..., at] / sums[..., -1]
        return np.sqrt(mean) if metric.startswith("rmse") else mean

    spread = value(resampled, column) - value(resampled, column + 1)
    low, high = np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    first, second = float(value(whole, column)), float(value(whole, column + 1))
    return Difference(
        metric=metric,
        first=first,
        second=second,
        difference=first - second,
        low=float(low),
        high=float(high),
        better=float(np.mean(spread < 0)),
    )
