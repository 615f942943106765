"""Section 12: where the spread of pay in the newest year comes from, and how much of it a model could still explain.

The variance of log pay of the newest year's rows has three parts:

    rows = band (the two ends of one posting) + unexplained (postings identical in all fields) + between different jobs

"Unexplained" is pure error: no model that sees only the fields can lower it. It is measured twice, with copies counted (they look
like agreement) and with each advert once.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mlpaygrade.job.fields import FEATURES
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Share, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import TERMS, Bootstrap, bootstrap_of, fit_adjusted, group_squares
from mlpaygrade.market.sample import Floats, Ints, Sample
from mlpaygrade.rendering.charts import Mark, Stacked

FEWEST: Final = 200
"""Postings of the newest year that have a twin in all fields; below, pure error is not known."""
PartName = Literal["band", "unexplained", "between"]
PARTS: Final[dict[PartName, str]] = {
    "band": "The posted band itself",
    "unexplained": "Between postings of identical jobs",
    "between": "Between different jobs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceParts:
    """The parts, shares of the variance, under one way of counting copies. floor_rows, floor_middles: least root mean square
    error of log pay, on rows and on middles of bands."""

    total_deviation: float
    parts: dict[PartName, Share]
    floor_rows: float
    floor_middles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The parts with copies counted and with each advert once. model_share: of the variance of middles, by an additive model.
    jobs: distinct ones; with_twin: postings that share all fields with another."""

    year: int
    counted: VarianceParts
    distinct: VarianceParts
    model_share: float | None
    jobs: int
    with_twin: int

    def both(self, name: PartName) -> str:
        """The shares of a part under either way of counting, the smaller first: 10 % to 14 %."""
        low, high = sorted(way.parts[name].value for way in (self.counted, self.distinct))
        return f"{wording.percent(low)} to {wording.percent(high)}"


def floor_section(analysis: Analysis) -> Finding[Floor]:
    """Split the variance of log pay of the newest year."""
    year = analysis.sample.fields["year"]
    newest = len(year.keys) - 1
    sample = analysis.sample.take(year.codes == newest)
    counts = analysis.counts_of(year.codes == newest)
    job = np.asarray(sample.postings.jobs.groupby(list(FEATURES), sort=False).ngroup(), dtype=np.int64)
    with_twin = int((np.bincount(job)[job] > 1).sum())
    if with_twin < FEWEST:
        missing = f"Only {with_twin} postings of {year.keys[newest]} share all eight fields with another; {FEWEST} are needed."
        return Finding(n=counts, missing=missing)
    once = np.zeros(len(sample))
    once[sample.first_of_advert] = 1.0
    bootstrap = bootstrap_of(sample, seed=analysis.seed)
    share = fit_adjusted(sample, terms=tuple(term for term in TERMS if term != ("year",))).r2_beyond_chance
    found = Floor(
        year=int(year.keys[newest]),
        counted=_parts(sample, job, np.ones(len(sample)), bootstrap=bootstrap),
        distinct=_parts(sample, job, once, bootstrap=bootstrap),
        model_share=None if share is None else round(share, 4),
        jobs=int(job.max()) + 1,
        with_twin=with_twin,
    )
    return Finding(
        numbers=found,
        answer=(
            f"Of the variance of log pay among the rows of {found.year}, {found.counted.parts['band'].text} is the band itself, "
            f"{found.both('unexplained')} lies between postings identical in all eight fields, and {found.both('between')} is "
            "the most that a model of these fields can explain."
        ),
        effect=_effect(found),
        uncertainty="Bootstrap by advert within the newest year; the two ways of counting copies bracket the answer rather than "
        "settle it.",
        cannot=(
            "The floor is one for these eight fields; skills, the employer's name or the text of the advert could lower it.",
            "Pure error is known from jobs that occur more than once; rare jobs may be less, or more, predictable.",
        ),
        n=counts,
        figures=[_figure(found)],
    )


def _parts(sample: Sample, job: Ints, weights: Floats, *, bootstrap: Bootstrap) -> VarianceParts:
    """Variances of log pay: band, unexplained, between; and the floors of error that they imply."""
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
        pure = min(pure_error(middle, job, weights=w, rows_of=rows_of, k=k), of_middle)
        return np.array([band, pure, of_middle - pure])

    estimate, low, high = bootstrap.normal(split)
    total = float(estimate.sum())
    ends = np.clip(np.array([low, high]) / total, 0.0, 1.0)
    return VarianceParts(
        total_deviation=round(float(np.sqrt(total)), 4),
        parts={name: Share.of(estimate[at] / total, *ends[:, at]) for at, name in enumerate(PARTS)},
        floor_rows=round(float(np.sqrt(estimate[0] + estimate[1])), 4),
        floor_middles=round(float(np.sqrt(estimate[1])), 4),
    )


def pure_error(middle: Floats, job: Ints, *, weights: Floats, rows_of: Floats, k: int) -> float:
    """Pooled variance of middles among postings identical in all fields, over the jobs seen more than once.

    Each posting counts `rows_of` times, as its rows do; degrees of freedom count postings.
    """
    n = np.bincount(job, weights=weights, minlength=k)
    mass, squares = group_squares(weights * rows_of, job, middle, k=k)
    several = n > 1
    unbiased = np.divide(n, n - 1, out=np.zeros(k), where=several)
    return float(np.sum((squares * unbiased)[several]) / mass[several].sum()) if several.any() else 0.0


def _effect(found: Floor) -> str:
    rows = sorted((found.counted.floor_rows, found.distinct.floor_rows))
    middles = sorted((found.counted.floor_middles, found.distinct.floor_middles))
    between = found.counted.parts["between"]
    reached = ""
    if found.model_share is not None:
        share = wording.percent(found.model_share)
        reached = f"; an additive model explains {share} of the variance of the middles in the year it was fitted to"
    return (
        f"Explainable at most, copies counted: {between.text} ({between.interval}). No model of these fields can be expected to "
        f"err less than {rows[0]:.3f} to {rows[1]:.3f} in log pay on rows (root mean square), or {middles[0]:.3f} to "
        f"{middles[1]:.3f} on the middles of bands{reached}."
    )


def _figure(found: Floor) -> Figure:
    ways = {"Copies counted": found.counted, "Each advert once": found.distinct}
    parts = [(way, PARTS[name], part) for way, budget in ways.items() for name, part in budget.parts.items()]
    marks = tuple(
        Mark(label=way, series=name, value=part.value, text=f"{way}, {name.lower()}: {part.text}")
        for way, name, part in parts
    )
    return figure(
        "error-budget",
        f"Where the variance of log pay of the rows of {found.year} lies",
        "Two stacked bars: the band itself, between identical jobs, between different jobs.",
        Stacked(marks=marks, axis="percent"),
        parts,
        ("Counting", lambda part: part[0]),
        ("Part", lambda part: part[1]),
        ("Share", lambda part: part[2].text),
        ("95 % interval", lambda part: part[2].ends),
    )
