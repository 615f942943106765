"""How good predictions are: by row, by posting and by slice.

Row-wise figures count every source row (the dataset's own protocol); posting-wise figures judge the middle of a band by
postings with both ends. Nothing is chosen or fitted here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.accuracy import country_group
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import LEVEL_WEIGHTS, LEVELS, MEDIAN, Prediction
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LABELS, LOCATION, REMOTE, SIZE, TITLE, YEAR

MIN_SLICE = 30
"""Slices with fewer rows are left out of tables: their figures would be noise."""


US: Final = "United States"


def point_metrics(truth_log: NDArray[np.float64], estimate_log: NDArray[np.float64]) -> dict[str, float]:
    """Errors of a point estimate; both arrays log1p USD (n,).

    rmse_log, mean_error_log; mae_usd, median_ae_usd, bias_usd (errors are estimate minus truth); r2_usd.
    """
    truth, estimate = np.expm1(truth_log), np.expm1(estimate_log)
    error = estimate - truth
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return {
        "rmse_log": float(np.sqrt(np.mean((truth_log - estimate_log) ** 2))),
        "mean_error_log": float(np.mean(estimate_log - truth_log)),
        "mae_usd": float(np.mean(np.abs(error))),
        "median_ae_usd": float(np.median(np.abs(error))),
        "bias_usd": float(np.mean(error)),
        "r2_usd": 1 - float(np.sum(error**2)) / spread if spread > 0 else float("nan"),
    }


def matched_metrics(truth_log: NDArray[np.float64], log_quantiles: NDArray[np.floating]) -> dict[str, float]:
    """Errors in dollars of what each measure asks for: absolute ones of the median pay, squared ones of the mean pay.

    One figure cannot be best by both (Gneiting 2011, "Making and evaluating point forecasts"); the geometric mean of
    `point_metrics` is what squared errors of log pay ask for. truth_log (n,), log_quantiles (n, 23).
    """
    truth, quantiles = np.expm1(truth_log), np.expm1(log_quantiles.astype(np.float64))
    mean = quantiles @ LEVEL_WEIGHTS.astype(np.float64)
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return {
        "median_pay_mae_usd": float(np.mean(np.abs(quantiles[:, MEDIAN] - truth))),
        "mean_pay_r2_usd": 1 - float(np.sum((mean - truth) ** 2)) / spread if spread > 0 else float("nan"),
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
    tier = jobs[LOCATION].map(lambda code: taxonomy.country(code).tier.replace("_", " ").capitalize())
    yield "market", US, us
    yield "market", "International", ~us
    family = jobs[TITLE].map(taxonomy.title_family).map(taxonomy.family_name)
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
    return {
        "rows": figures(np.arange(len(index))),
        "postings": posting_metrics(prediction, postings),
        "slices": table,
    }
