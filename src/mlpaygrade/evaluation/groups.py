"""Accuracy by groups of jobs: what an answer may say of jobs like the one asked about, and whether what answers say held.

Measures calibrated predictions of tested postings; fits nothing. The groups are those of `forecast.accuracy`, the words those of
`forecast.strength`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.evaluation.metrics import interval_metrics
from mlpaygrade.forecast.accuracy import ALL, ENOUGH_ROWS, FEWEST, Accuracy, Group, accuracies, group_names
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.evidence import Evidence, most_specific
from mlpaygrade.forecast.strength import local_disagreement, strength, worst
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import FEATURES, TITLE

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
        tuple(group_names(job, support=evidence.support(job).level, unseen=_unseen(job, evidence)).values())
        for job in jobs
    ]
    rows = _rows_of(postings, job_of, names)
    found = {name: figures(rows[name]) for name in sorted(rows)}
    every = np.arange(len(postings.row_values_usd()[0]))
    return {ALL: figures(every), **{name: group for name, group in found.items() if group["adverts"] >= FEWEST}}


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
    return taxonomy.canonical_title(str(job[TITLE])) not in evidence.adverts


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
