"""Section 4: the shape of the target, before and after the logarithm, and the records that a fence would throw out.

It is about the rows of the file, as those are what models are fitted to.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from mlpaygrade.job.fields import EXPERIENCE, LABELS, SIZE, TITLE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import bootstrap_medians, skewness
from mlpaygrade.market.sample import Floats
from mlpaygrade.market.wording import Estimate, Usd
from mlpaygrade.rendering.charts import Bars, Histogram, Mark, Rule
from mlpaygrade.rendering.words import counted

FENCE: Final = 1.5
"""Tukey's fence lies this many interquartile ranges above the upper quartile."""
BINS: Final = 44
TOP_TITLES: Final = 8
TICKS_USD: Final = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Skewness as pandas and spreadsheets give it (adjusted Fisher-Pearson), excess kurtosis, D'Agostino and Pearson's test."""

    skewness: float
    excess_kurtosis: float
    normality_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFence:
    """The fence drawn on log pay, where a factor counts alike on both sides, and the rows beyond it."""

    low_usd: float
    high_usd: float
    below: int
    above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """A group among the rows above the fence. kind: the field."""

    kind: str
    label: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows from `low` to `high`."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Pay of the rows. above: rows above the fence. above_paired_share: of the postings that reach above it, those whose other
    end lies above the overall median. who: the rows above by level, size and title."""

    usd: Shape
    log: Shape
    mean_usd: float
    median: Usd
    quartiles_usd: tuple[float, float, float]
    min_usd: float
    max_usd: float
    fence_usd: float
    above: int
    above_share: float
    above_paired_share: float | None
    log_fence: LogFence
    who: tuple[Above, ...]
    histogram_usd: tuple[Bin, ...]
    histogram_log: tuple[Bin, ...]
    skewness: Estimate


def distribution_section(analysis: Analysis) -> Finding[Distribution]:
    """Skewness, normality, the fence and who lies beyond it."""
    usd = analysis.row_usd
    if len(usd) < 8 or np.ptp(usd) == 0:
        return Finding(missing="It needs at least 8 rows whose salaries differ.")
    first, median, third = (float(q) for q in np.quantile(usd, [0.25, 0.5, 0.75]))
    fence = third + FENCE * (third - first)
    above = usd > fence
    found = Distribution(
        usd=_shape(usd),
        log=_shape(np.log1p(usd)),
        mean_usd=float(usd.mean()),
        median=_median(analysis),
        quartiles_usd=(first, median, third),
        min_usd=float(usd.min()),
        max_usd=float(usd.max()),
        fence_usd=fence,
        above=int(above.sum()),
        above_share=float(above.mean()),
        above_paired_share=_paired_share(analysis, fence),
        log_fence=_log_fence(usd),
        who=_who(analysis.sample.rows[above]) if above.any() else (),
        histogram_usd=_histogram(usd),
        histogram_log=_histogram(np.log10(usd)),
        skewness=_skewness(analysis),
    )
    return Finding(
        numbers=found,
        answer=(
            f"The middle row stands at {wording.dollars(median)} and the mean at {wording.dollars(found.mean_usd)}; the skewness "
            f"of {wording.decimal(found.usd.skewness)} becomes {wording.decimal(found.log.skewness)} after the logarithm, and "
            f"{counted(found.above, 'row')} ({wording.percent(found.above_share, digits=2)}) "
            f"{'lies' if found.above == 1 else 'lie'} above Tukey's fence of {wording.dollars(fence)}."
        ),
        effect=_effect(found),
        uncertainty=f"Skewness of the rows: {found.skewness.interval}; median: {found.median.interval}; bootstrap by advert.",
        cannot=(
            *_on_normality(found.log),
            "A fence marks what is far from the middle, not what is wrong. " + _kept(found.above_paired_share),
        ),
        figures=_figures(found),
    )


def _shape(values: Floats) -> Shape:
    return Shape(
        skewness=round(skewness(values), 4),
        excess_kurtosis=round(float(stats.kurtosis(values, bias=False)), 4),
        normality_p=float(stats.normaltest(values).pvalue),
    )


def _on_normality(shape: Shape) -> tuple[str, ...]:
    if shape.normality_p >= 0.05:
        return ()
    return (
        f"Log pay is not normal either (D'Agostino and Pearson's p {wording.p_value(shape.normality_p)}, excess kurtosis "
        f"{wording.decimal(shape.excess_kurtosis)}), so intervals that assume a normal curve would be wrong in the tails.",
    )


def _skewness(analysis: Analysis) -> Estimate:
    index, usd = analysis.sample.postings.row_values_usd()

    def weighted(weights: Floats) -> Floats:
        # Sums, not dot products: short products gain nothing from the threads that they would wake.
        w = weights[index] / weights[index].sum()
        away = usd - np.sum(w * usd)
        second, third = np.sum(w * away**2), np.sum(w * away**3)
        return np.asarray(third / second**1.5)

    return Estimate.of(*map(float, analysis.bootstrap.normal(weighted)), digits=2)


def _median(analysis: Analysis) -> Usd:
    index, usd = analysis.sample.postings.row_values_usd()
    one = np.zeros(len(usd), dtype=np.int64)
    found = bootstrap_medians(usd, one, k=1, bootstrap=analysis.bootstrap, posting=index)
    return Usd(value=float(found.median[0]), low=float(found.low[0]), high=float(found.high[0]))


def _paired_share(analysis: Analysis, fence: float) -> float | None:
    postings = analysis.sample.postings
    high = (postings.high_usd > fence) & postings.paired
    return float(np.mean(postings.low_usd[high] > np.median(analysis.row_usd))) if high.any() else None


def _log_fence(usd: Floats) -> LogFence:
    log = np.log1p(usd)
    q1, q3 = np.quantile(log, [0.25, 0.75])
    low, high = q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)
    return LogFence(
        low_usd=round(float(np.expm1(low))),
        high_usd=round(float(np.expm1(high))),
        below=int((log < low).sum()),
        above=int((log > high).sum()),
    )


def _who(rows: pd.DataFrame) -> tuple[Above, ...]:
    """Who lies above the fence."""
    found = []
    for kind, column in (("Level", EXPERIENCE), ("Company size", SIZE), ("Title", TITLE)):
        counts = rows[column].value_counts()
        pairs = [(label, int(counts.get(code, 0))) for code, label in LABELS.get(column, {}).items()]
        if not pairs:
            pairs = sorted(((str(code), int(n)) for code, n in counts.items()), key=lambda pair: (-pair[1], pair[0]))
            pairs = pairs[:TOP_TITLES]
        found += [Above(kind=kind, label=label, rows=n, share=round(n / len(rows), 4)) for label, n in pairs]
    return tuple(found)


def _histogram(values: Floats) -> tuple[Bin, ...]:
    """Equal bins."""
    counts, edges = np.histogram(values, bins=BINS)
    ends = edges.round(4).tolist()
    return tuple(Bin(low=a, high=b, rows=n) for a, b, n in zip(ends, ends[1:], counts.tolist(), strict=False))


def _effect(found: Distribution) -> str:
    before, after, fence = abs(found.usd.skewness), abs(found.log.skewness), found.log_fence
    return (
        f"The logarithm changes the size of the skewness from {before:.2f} to {after:.2f} "
        f"({wording.signed_percent(after / before - 1) if before else 'n/a'}); on the log scale {counted(fence.above, 'row')} "
        f"lie above the fence and {counted(fence.below, 'row')} below it."
    )


def _kept(share: float | None) -> str:
    if share is None:
        return "The records above it are kept, since nothing in the file speaks against them."
    return (
        f"The records above it are kept: of the postings whose upper end exceeds it, {wording.percent(share)} state a lower end "
        "that is itself above the overall median, which fits bands of well-paid jobs better than slips of the keyboard."
    )


def _figures(found: Distribution) -> list[Figure]:
    at = {
        f"median {found.median.text}": found.median.value,
        f"fence {wording.dollars(found.fence_usd)}": found.fence_usd,
    }
    shapes = (found.usd, found.log)
    return [
        figure(
            "target-usd",
            "Salaries of the rows, in dollars",
            f"Histogram with a long right tail; lines at the median and at Tukey's fence, above which {found.above:,} rows lie.",
            Histogram(
                marks=tuple(_bar(b, b.low, b.high) for b in found.histogram_usd),
                rules=tuple(Rule(at=usd, label=label) for label, usd in at.items()),
                axis="dollars",
                x_title="salary",
            ),
            found.histogram_usd,
            ("From", lambda b: wording.dollars(b.low)),
            ("To", lambda b: wording.dollars(b.high)),
            ("Rows", lambda b: f"{b.rows:,}"),
        ),
        figure(
            "target-log",
            "The same on a logarithmic scale",
            "Histogram of the logarithm of salaries, nearer to symmetry.",
            Histogram(
                marks=tuple(_bar(b, 10**b.low, 10**b.high) for b in found.histogram_log),
                rules=tuple(Rule(at=float(np.log10(usd)), label=label) for label, usd in at.items()),
                axis="log dollars",
                ticks=tuple(float(np.log10(usd)) for usd in TICKS_USD if found.min_usd <= usd <= found.max_usd),
                x_title="salary, logarithmic",
            ),
            (
                ("Skewness", *(wording.decimal(shape.skewness) for shape in shapes)),
                ("Excess kurtosis", *(wording.decimal(shape.excess_kurtosis) for shape in shapes)),
                ("p, normality", *(wording.p_value(shape.normality_p) for shape in shapes)),
            ),
            *((name, itemgetter(place)) for place, name in enumerate(("", "In dollars", "After log1p"))),
        ),
        figure(
            "target-who",
            "Who lies above the fence: share of those rows",
            "Bars: levels, then the most frequent titles, among the rows above the fence.",
            Bars(
                marks=tuple(
                    Mark(label=wording.short(line.label), value=line.share, text=f"{line.label}: {line.rows:,} rows")
                    for line in found.who
                    if line.kind != "Company size"
                ),
                axis="percent",
                x_title="share of the rows above the fence",
            ),
            found.who,
            ("Group", lambda line: line.kind),
            ("Value", lambda line: line.label),
            ("Rows", lambda line: f"{line.rows:,}"),
            ("Share", lambda line: wording.percent(line.share)),
        ),
    ]


def _bar(part: Bin, low_usd: float, high_usd: float) -> Mark:
    text = f"{wording.dollars(low_usd)} to {wording.dollars(high_usd)}: {part.rows:,} rows"
    return Mark(low=part.low, high=part.high, value=part.rows, text=text)
