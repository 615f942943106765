"""How far pay can be predicted at all (section 12), and what a random split would have claimed (section 11).

The variance of log pay of the newest year's rows has three parts:

    rows = band (the two ends of one posting) + unexplained (postings identical in all fields) + between different jobs

"Unexplained" is pure error: no model that sees only the fields can lower it. It is measured twice, with copies counted (they
look like agreement) and with each advert once.

The random split is shown on one plain model under three protocols: a table of means, the mean log pay of identical jobs,
drawn towards that of similar jobs where few are known. It is not the product's model; it shows what the protocol does to
whatever is judged by it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.audit.summary import find_copies
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import TERMS, Bootstrap, bootstrap_of, fit_adjusted, group_squares, joint_cells
from mlpaygrade.market.sample import FieldKey, Floats, Ints, Sample
from mlpaygrade.market.wording import Estimate, Share
from mlpaygrade.rendering.charts import Forest, Mark, Stacked

FEWEST_TWINS: Final = 200
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
    if with_twin < FEWEST_TWINS:
        too_few = f"Only {with_twin} postings of {year.keys[newest]} share all eight fields with another"
        return Finding(n=counts, missing=f"{too_few}; {FEWEST_TWINS} are needed.")
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
        effect=_floor_effect(found),
        uncertainty="Bootstrap by advert within the newest year; the two ways of counting copies bracket the answer rather than "
        "settle it.",
        cannot=(
            "The floor is one for these eight fields; skills, the employer's name or the text of the advert could lower it.",
            "Pure error is known from jobs that occur more than once; rare jobs may be less, or more, predictable.",
        ),
        n=counts,
        figures=[_floor_figure(found)],
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


def _floor_effect(found: Floor) -> str:
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


def _floor_figure(found: Floor) -> Figure:
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


LEVELS: Final[tuple[tuple[FieldKey, ...], ...]] = (
    ("level",),
    ("family", "level", "country"),
    ("title", "level", "country"),
    ("title", "level", "country", "remote", "size", "employment", "moved", "year"),
)
"""Fields in which jobs agree, from the broadest table to identical jobs."""
PULL: Final = 1.0
"""A cell's mean counts its rows, the broader cell's mean counts as so many rows more."""
FOLDS: Final = 5
FEWEST_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The model under one way of testing: means over the folds. r2: with its range over the folds."""

    name: str
    r2: Estimate
    mae_usd: float
    rmse_log: float
    folds: int

    @property
    def words(self) -> str:
        """The way of testing inside a sentence."""
        return "split by advert" if self.name == "Random adverts" else f"on the future ({self.name.lower()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSplit:
    """The protocols. twin_share: random test rows with an exact copy in training; other_end_share: with their other band end
    there; None where the file is too small to tell."""

    protocols: tuple[Protocol, ...]
    twin_share: float | None
    other_end_share: float | None


def random_split_section(analysis: Analysis) -> Finding[RandomSplit]:
    """The same model under a random split of rows, of adverts, and of time."""
    index, usd = analysis.sample.postings.row_values_usd()
    if len(usd) < FEWEST_ROWS:
        return Finding(missing=f"The file has fewer than {FEWEST_ROWS} rows.")
    twin_share, other_end_share = _twins(analysis)
    found = RandomSplit(
        protocols=_protocols(analysis, index, usd), twin_share=twin_share, other_end_share=other_end_share
    )
    return Finding(
        numbers=found,
        answer=_split_answer(found),
        effect=_split_effect(found),
        uncertainty=f"Mean over {FOLDS} folds where a split is random, with the range over folds; the split in time is one "
        "split.",
        cannot=(
            "The model here is a table of means. How much another model gains from copies depends on how well it memorises.",
            "Splitting by advert removes copies; the step to the newest year adds that the market itself changes.",
        ),
        figures=[_split_figure(found)],
    )


def _protocols(analysis: Analysis, index: Ints, usd: Floats) -> tuple[Protocol, ...]:
    sample = analysis.sample
    rng = np.random.default_rng(analysis.seed)
    log = np.log1p(usd)
    cells = [joint_cells([sample.fields[key] for key in keys])[1][index] for keys in LEVELS]
    by_row = rng.permutation(len(usd)) % FOLDS
    by_advert = rng.permutation(sample.n_adverts)[sample.advert[index]] % FOLDS
    found = [
        _protocol(name, [_score(cells, log, usd, train=fold != k) for k in range(FOLDS)])
        for name, fold in (("Random rows", by_row), ("Random adverts", by_advert))
    ]
    years = sample.postings.year[index]
    past = years < years.max()
    if past.any():
        name = f"Up to {years[past].max()}, tested on {years.max()}"
        found.append(_protocol(name, [_score(cells, log, usd, train=past)]))
    return tuple(found)


def _score(cells: list[Ints], log: Floats, usd: Floats, *, train: NDArray[np.bool_]) -> tuple[float, float, float]:
    """R2 and mean absolute error in dollars, and the root mean square of log pay, over the test rows."""
    predicted = np.full(len(log), log[train].mean())
    for cell in cells:
        k = int(cell.max()) + 1
        n = np.bincount(cell[train], minlength=k)
        broader = predicted  # a cell's pull is the mean of the broader predictions of its rows, the same for all
        sums = np.bincount(cell[train], weights=log[train], minlength=k)
        predicted = (sums[cell] + PULL * broader) / (n[cell] + PULL)
    test = ~train
    error = usd[test] - np.expm1(predicted[test])
    r2 = 1 - np.sum(error**2) / np.sum((usd[test] - usd[test].mean()) ** 2)
    return float(r2), float(np.abs(error).mean()), float(np.sqrt(np.mean((log[test] - predicted[test]) ** 2)))


def _protocol(name: str, scores: list[tuple[float, float, float]]) -> Protocol:
    r2, mae_usd, rmse_log = np.mean(scores, axis=0).tolist()
    folds = [score[0] for score in scores]
    return Protocol(
        name=name,
        r2=Estimate.of(r2, min(folds), max(folds)),
        mae_usd=float(round(mae_usd)),
        rmse_log=round(rmse_log, 4),
        folds=len(scores),
    )


def _twins(analysis: Analysis) -> tuple[float | None, float | None]:
    """Of the test rows of a random split: how many have an exact copy, or their other band end, in the training rows."""
    rows, postings = analysis.sample.rows, analysis.sample.postings
    if len(rows) < len(postings.source):
        postings = build_postings(rows)
    leak = find_copies(rows, postings).random_split
    return (None, None) if leak is None else (round(leak.twin_share, 4), round(leak.other_end_share, 4))


def _split_answer(found: RandomSplit) -> str:
    first, last = found.protocols[0], found.protocols[-1]
    text = (
        f"A random split of rows credits a plain table of means with R² {wording.decimal(first.r2.value)}; "
        f"{last.words} it is {wording.decimal(last.r2.value)}"
    )
    if found.twin_share is None or found.other_end_share is None:
        return text + "."
    return text + (
        f": {wording.percent(found.twin_share)} of the random test rows have an exact copy in the training rows, and "
        f"{wording.percent(found.other_end_share)} more have their other band end there."
    )


def _split_effect(found: RandomSplit) -> str:
    parts = []
    for protocol in found.protocols:
        r2, low, high = map(wording.decimal, (protocol.r2.value, protocol.r2.low, protocol.r2.high))
        folds = f", folds {low} to {high}" if protocol.folds > 1 else ""
        parts.append(f"{protocol.name}: R² {r2}{folds}, mean error {wording.dollars(protocol.mae_usd)}")
    return "; ".join(parts) + "."


def _split_figure(found: RandomSplit) -> Figure:
    return figure(
        "leakage-protocols",
        "R² of the same table of means under three ways of testing (lines: range over folds)",
        "Points: R² under a random split of rows, of adverts, and in time.",
        Forest(
            marks=tuple(p.r2.mark(p.name, "R²", f"{p.name}: R² {p.r2.value:.2f}") for p in found.protocols),
            axis="plain",
            x_title="R² in dollars",
            zero=None,
            step=34,
        ),
        found.protocols,
        ("Protocol", lambda p: p.name),
        ("R² in dollars", lambda p: wording.decimal(p.r2.value, digits=3)),
        ("Mean absolute error", lambda p: wording.exact_dollars(p.mae_usd)),
        ("Root mean square, log pay", lambda p: f"{p.rmse_log:.4f}"),
    )
