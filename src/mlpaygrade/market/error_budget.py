"""Section 12: where the spread of pay in the newest year comes from, and how much of it a model could still explain.

Enters: an analysis. Leaves: a section with the parts of the variance of log pay of the newest year's rows:

    rows = band (the two ends of one posting) + unexplained (postings identical in all fields) + between different jobs

"Unexplained" is pure error: no model that sees only the fields can lower it. It is measured twice, with copies counted (they look
like agreement) and with each advert once.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.job.fields import FEATURES
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number
from mlpaygrade.market.model import TERMS, fit_adjusted
from mlpaygrade.market.resample import Bootstrap, bootstrap_of, normal_interval
from mlpaygrade.market.sample import Floats, Ints, Sample

FEWEST: Final = 200
"""Postings of the newest year that have a twin in all fields; below, pure error is not known."""


def error_budget_section(analysis: Analysis) -> Section:
    """Split the variance of log pay of the newest year."""
    year = analysis.sample.fields["year"]
    newest = len(year.keys) - 1
    sample = analysis.sample.take(year.codes == newest)
    job = _identical_jobs(sample)
    with_twin = int((np.bincount(job)[job] > 1).sum())
    missing = None
    if with_twin < FEWEST:
        missing = f"Only {with_twin} postings of {year.keys[newest]} share all eight fields with another; {FEWEST} are needed."
    figures = {} if missing else _figures(sample, job, seed=analysis.seed)
    return Section(
        key="error_budget",
        title="Error budget",
        question="How much of the spread of pay could any model explain?",
        answer="This file cannot say." if missing else _answer(figures, int(year.keys[newest])),
        effect="None." if missing else _effect(figures),
        uncertainty="Bootstrap by advert within the newest year; the two ways of counting copies bracket "
        "the answer rather than settle it.",
        cannot=(
            "The floor is one for these eight fields; skills, the employer's name or the text of the advert could lower it.",
            "Pure error is known from jobs that occur more than once; rare jobs may be less, or more, predictable.",
        ),
        n=analysis.counts_of(year.codes == newest),
        figures={"year": int(year.keys[newest]), **figures},
        missing=missing,
    )


def _identical_jobs(sample: Sample) -> Ints:
    """Number of the combination of all eight fields, (n,)."""
    return np.asarray(sample.postings.jobs.groupby(list(FEATURES), sort=False).ngroup(), dtype=np.int64)


def _figures(sample: Sample, job: Ints, *, seed: int) -> dict[str, Any]:
    once = np.zeros(len(sample))
    once[sample.first_of_advert] = 1.0
    bootstrap = bootstrap_of(sample, seed=seed)
    counted = _parts(sample, job, np.ones(len(sample)), bootstrap=bootstrap)
    distinct = _parts(sample, job, once, bootstrap=bootstrap)
    model = fit_adjusted(sample, terms=tuple(term for term in TERMS if term != ("year",)))
    return {
        "counted": counted,
        "distinct": distinct,
        "model_share": _rounded(model.r2_beyond_chance),
        "jobs": int(job.max()) + 1,
        "with_twin": int((np.bincount(job)[job] > 1).sum()),
    }


def _parts(sample: Sample, job: Ints, weights: Floats, *, bootstrap: Bootstrap) -> dict[str, Any]:
    """Variances of log pay: rows, band, unexplained, between; and the floors of error that they imply."""
    postings = sample.postings
    high, low = np.log1p(postings.high_usd), np.log1p(postings.low_usd)
    middle = (high + low) / 2
    rows_of = np.asarray(1.0 + postings.paired, dtype=np.float64)
    k = int(job.max()) + 1

    def split(drawn: Floats) -> Floats:
        w = weights * drawn
        row_weight = w * rows_of
        mean = np.sum(row_weight * middle) / row_weight.sum()
        band = np.sum(row_weight * ((high - low) / 2) ** 2) / row_weight.sum()
        of_middle = np.sum(row_weight * (middle - mean) ** 2) / row_weight.sum()
        pure = pure_error(middle, job, weights=w, rows_of=rows_of, k=k)
        pure = min(pure, of_middle)
        return np.array([band, pure, of_middle - pure])

    estimate = split(np.ones(len(sample)))
    total = estimate.sum()
    replicates = bootstrap.run(split)
    low_end, high_end = normal_interval(replicates, estimate)
    names = ("band", "unexplained", "between")
    return {
        "total_deviation": number(float(np.sqrt(total)), digits=4),
        "parts": [
            {
                "name": name,
                "share": number(float(estimate[i] / total), digits=4),
                "interval": [
                    number(max(0.0, float(low_end[i] / total)), digits=4),
                    number(min(1.0, float(high_end[i] / total)), digits=4),
                ],
            }
            for i, name in enumerate(names)
        ],
        "floor_rows": number(float(np.sqrt(estimate[0] + estimate[1])), digits=4),
        "floor_middles": number(float(np.sqrt(estimate[1])), digits=4),
    }


def pure_error(middle: Floats, job: Ints, *, weights: Floats, rows_of: Floats, k: int) -> float:
    """Pooled variance of middles among postings identical in all fields, over the jobs seen more than once.

    Each posting counts `rows_of` times, as its rows do; degrees of freedom count postings.
    """
    w = weights * rows_of
    n = np.bincount(job, weights=weights, minlength=k)
    mass = np.bincount(job, weights=w, minlength=k)
    mean = np.divide(np.bincount(job, weights=w * middle, minlength=k), mass, out=np.zeros(k), where=mass > 0)
    squares = np.bincount(job, weights=w * (middle - mean[job]) ** 2, minlength=k)
    several = n > 1
    unbiased = np.divide(n, n - 1, out=np.zeros(k), where=several)
    return float(np.sum((squares * unbiased)[several]) / mass[several].sum()) if several.any() else 0.0


def _part(figures: dict[str, Any], name: str) -> float:
    return float(next(part["share"] for part in figures["parts"] if part["name"] == name))


def _answer(figures: dict[str, Any], year: int) -> str:
    counted, distinct = figures["counted"], figures["distinct"]
    band = wording.percent(_part(counted, "band"))
    pure = sorted((_part(counted, "unexplained"), _part(distinct, "unexplained")))
    rest = sorted((_part(counted, "between"), _part(distinct, "between")))
    return (
        f"Of the variance of log pay among the rows of {year}, {band} is the band itself, "
        f"{wording.percent(pure[0])} to {wording.percent(pure[1])} lies "
        f"between postings identical in all eight fields, and {wording.percent(rest[0])} to "
        f"{wording.percent(rest[1])} is the most that a model of these fields can explain."
    )


def _effect(figures: dict[str, Any]) -> str:
    floors = sorted((figures["counted"]["floor_rows"], figures["distinct"]["floor_rows"]))
    middles = sorted((figures["counted"]["floor_middles"], figures["distinct"]["floor_middles"]))
    share = figures["model_share"]
    reached = (
        ""
        if share is None
        else f"; an additive model explains {wording.percent(share)} of the variance of the middles in the year it was fitted to"
    )
    low, high = next(part["interval"] for part in figures["counted"]["parts"] if part["name"] == "between")
    ends = wording.interval(wording.percent(low), wording.percent(high))
    return (
        f"Explainable at most, copies counted: {wording.percent(_part(figures['counted'], 'between'))} ({ends}). "
        f"No model of these fields can be expected to err less than {floors[0]:.3f} to {floors[1]:.3f} in "
        "log pay on rows (root mean square), or "
        f"{middles[0]:.3f} to {middles[1]:.3f} on the middles of bands{reached}."
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
