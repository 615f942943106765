"""Accuracy by groups of jobs: what an answer may say of jobs like the one asked about.

Measures calibrated predictions of tested postings; fits nothing. The groups are those of `forecast.accuracy`.
"""

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.evaluation.metrics import interval_metrics
from mlpaygrade.forecast.accuracy import ALL, group_names
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.evidence import Evidence
from mlpaygrade.job.fields import FEATURES


def group_metrics(prediction: Prediction, postings: Postings, *, evidence: Evidence) -> dict[str, dict[str, float]]:
    """Figures of every group of the n tested postings, by its name, that of all jobs first.

    evidence: of the training postings, which says what an answer would have rested on. n: tested rows. coverage_50, _80, _90.
    pit_deviation: by how much a stated percentile was off at most. mean_error_log, mean_error_usd: estimate minus truth, bias.
    mae_log, mae_usd, rmse_log: how far an estimate was off.
    """
    index, usd = postings.row_values_usd()
    truth, estimate = np.log1p(usd), prediction.log_estimate[index]
    quantiles = prediction.quantiles("any")[index]

    def figures(rows: NDArray[np.int64]) -> dict[str, float]:
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
        return {"n": len(rows), **rounded, **{name: float(round(value)) for name, value in dollars.items()}}

    rows_of: dict[str, list[NDArray[np.int64]]] = {}
    same_job = postings.jobs.groupby(list(FEATURES), sort=True).ngroup().to_numpy()
    distinct, first = np.unique(same_job, return_index=True)
    by_job = np.split(np.argsort(same_job, kind="stable"), np.searchsorted(np.sort(same_job), distinct[1:]))
    jobs = postings.jobs[list(FEATURES)].iloc[first].itertuples(index=False, name=None)
    for job, places in zip(jobs, by_job, strict=True):
        fields: dict[str, object] = dict(zip(FEATURES, job, strict=True))
        for name in group_names(fields, support=evidence.support(fields).level):
            rows_of.setdefault(name, []).append(places)
    row_of_posting = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[row_of_posting], np.arange(len(postings) + 1))

    def rows(places: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        return np.concatenate(
            [row_of_posting[starts[place] : starts[place + 1]] for place in np.concatenate(places).tolist()]
        )

    return {ALL: figures(np.arange(len(index))), **{name: figures(rows(rows_of[name])) for name in sorted(rows_of)}}
