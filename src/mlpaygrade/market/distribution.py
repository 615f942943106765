"""Section 4: the shape of the target, before and after the logarithm, and the records that a fence would throw out.

It is about the rows of the file, as those are what models are fitted to.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from mlpaygrade.job.fields import EXPERIENCE, LABELS, SIZE, TITLE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Question, Span, span
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import group_quantiles, normal_interval, percentile_interval, skewness
from mlpaygrade.market.sample import Floats
from mlpaygrade.rendering.charts import Bars, Histogram, Mark, Rule

QUESTION: Final = Question(
    key="target",
    title="The distribution of pay",
    question="How is pay distributed, and are the highest salaries errors?",
)
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
    normality_statistic: float

    def cells(self) -> tuple[str, str, str]:
        """Skewness, excess kurtosis and p as cells of a table."""
        return _minus(self.skewness), _minus(self.excess_kurtosis), wording.p_value(self.normality_p)


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
    median_usd: float
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
    skewness_interval: Span
    median_interval: Span


def distribution_section(analysis: Analysis) -> Finding[Distribution]:
    """Skewness, normality, the fence and who lies beyond it."""
    usd = analysis.row_usd
    if len(usd) < 8 or np.ptp(usd) == 0:
        return QUESTION.open("It needs at least 8 rows whose salaries differ.", n=analysis.counts)
    first, median, third = (float(q) for q in np.quantile(usd, [0.25, 0.5, 0.75]))
    fence = third + FENCE * (third - first)
    above = usd > fence
    found = Distribution(
        usd=_shape(usd),
        log=_shape(np.log1p(usd)),
        mean_usd=float(usd.mean()),
        median_usd=median,
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
        skewness_interval=_skew_interval(analysis),
        median_interval=_median_interval(analysis),
    )
    return QUESTION.answered(
        found,
        answer=(
            f"The middle row stands at {wording.dollars(median)} and the mean at "
            f"{wording.dollars(found.mean_usd)}; the skewness of {_minus(found.usd.skewness)} becomes "
            f"{_minus(found.log.skewness)} after the logarithm, and {wording.count(found.above, 'row')} "
            f"({wording.percent(found.above_share, digits=2)}) {'lies' if found.above == 1 else 'lie'} "
            f"above Tukey's fence of {wording.dollars(fence)}."
        ),
        effect=_effect(found),
        uncertainty=(
            f"Skewness of the rows: {wording.interval(*(f'{end:.2f}' for end in found.skewness_interval))}; median: "
            f"{wording.interval(*(wording.dollars(end) for end in found.median_interval))}; bootstrap by advert."
        ),
        cannot=(
            *_on_normality(found.log),
            "A fence marks what is far from the middle, not what is wrong. " + _kept(found.above_paired_share),
        ),
        n=analysis.counts,
        figures=_figures(found),
    )


def _shape(values: Floats) -> Shape:
    test = stats.normaltest(values)
    return Shape(
        skewness=round(skewness(values), 4),
        excess_kurtosis=round(float(stats.kurtosis(values, bias=False)), 4),
        normality_p=float(test.pvalue),
        normality_statistic=round(float(test.statistic), 1),
    )


def _on_normality(shape: Shape) -> tuple[str, ...]:
    if shape.normality_p >= 0.05:
        return ()
    return (
        f"Log pay is not normal either (D'Agostino and Pearson's p {wording.p_value(shape.normality_p)}, excess kurtosis "
        f"{_minus(shape.excess_kurtosis)}), so intervals that assume a normal curve would be wrong in the tails.",
    )


def _minus(value: float) -> str:
    """Two digits with a real minus sign."""
    return f"{value:.2f}".replace("-", "−")


def _skew_interval(analysis: Analysis) -> Span:
    index, usd = analysis.sample.postings.row_values_usd()

    def weighted(weights: Floats) -> Floats:
        # Sums, not dot products: short products gain nothing from the threads that they would wake.
        w = weights[index] / weights[index].sum()
        away = usd - np.sum(w * usd)
        second, third = np.sum(w * away**2), np.sum(w * away**3)
        return np.asarray(third / second**1.5)

    low, high = normal_interval(analysis.bootstrap.run(weighted), weighted(np.ones(len(analysis.sample))))
    return span(float(low), float(high), digits=2)


def _median_interval(analysis: Analysis) -> Span:
    index, usd = analysis.sample.postings.row_values_usd()
    quantiles = group_quantiles(usd, np.zeros(len(usd), dtype=np.int64), k=1)
    replicates = analysis.bootstrap.run(lambda weights: quantiles(weights[index])[0, 0])
    low, high = percentile_interval(replicates, np.asarray(np.median(usd)))
    return float(low), float(high)


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
    return tuple(
        Bin(low=round(float(a), 4), high=round(float(b), 4), rows=int(n))
        for a, b, n in zip(edges, edges[1:], counts, strict=False)
    )


def _effect(found: Distribution) -> str:
    before, after, fence = abs(found.usd.skewness), abs(found.log.skewness), found.log_fence
    return (
        f"The logarithm changes the size of the skewness from {before:.2f} to {after:.2f} "
        f"({wording.signed_percent(after / before - 1) if before else 'n/a'}); "
        f"on the log scale {wording.count(fence.above, 'row')} lie above the fence and "
        f"{wording.count(fence.below, 'row')} below it."
    )


def _kept(share: float | None) -> str:
    if share is None:
        return "The records above it are kept, since nothing in the file speaks against them."
    return (
        "The records above it are kept: of the postings whose upper end exceeds it, "
        f"{wording.percent(share)} state a lower end that is "
        "itself above the overall median, which fits bands of well-paid jobs better than slips of the keyboard."
    )


def _figures(found: Distribution) -> list[Figure]:
    rules = (
        Rule(at=found.median_usd, label=f"median {wording.dollars(found.median_usd)}"),
        Rule(at=found.fence_usd, label=f"fence {wording.dollars(found.fence_usd)}"),
    )
    figures = [
        Figure(
            key="target-usd",
            title="Salaries of the rows, in dollars",
            alt="Histogram with a long right tail; lines at the median and at Tukey's fence, above which "
            f"{found.above:,} rows lie.",
            columns=("From", "To", "Rows"),
            rows=tuple((wording.dollars(b.low), wording.dollars(b.high), f"{b.rows:,}") for b in found.histogram_usd),
            chart=Histogram(
                marks=tuple(_bar(b, b.low, b.high) for b in found.histogram_usd),
                rules=rules,
                axis="dollars",
                x_title="salary",
            ),
        ),
        Figure(
            key="target-log",
            title="The same on a logarithmic scale",
            alt="Histogram of the logarithm of salaries, nearer to symmetry.",
            columns=("", "In dollars", "After log1p"),
            rows=tuple(
                zip(
                    ("Skewness", "Excess kurtosis", "p, normality"),
                    found.usd.cells(),
                    found.log.cells(),
                    strict=True,
                )
            ),
            chart=Histogram(
                marks=tuple(_bar(b, 10**b.low, 10**b.high) for b in found.histogram_log),
                rules=tuple(Rule(at=float(np.log10(rule.at)), label=rule.label) for rule in rules),
                axis="log dollars",
                ticks=tuple(float(np.log10(usd)) for usd in TICKS_USD if found.min_usd <= usd <= found.max_usd),
                x_title="salary, logarithmic",
            ),
        ),
    ]
    return [*figures, _who_figure(found)] if found.who else figures


def _bar(part: Bin, low_usd: float, high_usd: float) -> Mark:
    text = f"{wording.dollars(low_usd)} to {wording.dollars(high_usd)}: {part.rows:,} rows"
    return Mark(low=part.low, high=part.high, value=part.rows, text=text)


def _who_figure(found: Distribution) -> Figure:
    marks = tuple(
        Mark(label=line.label.split(" (")[0], value=line.share, text=f"{line.label}: {line.rows:,} rows")
        for line in found.who
        if line.kind != "Company size"
    )
    return Figure(
        key="target-who",
        title="Who lies above the fence: share of those rows",
        alt="Bars: levels, then the most frequent titles, among the rows above the fence.",
        columns=("Group", "Value", "Rows", "Share"),
        rows=tuple((line.kind, line.label, f"{line.rows:,}", wording.percent(line.share)) for line in found.who),
        chart=Bars(marks=marks, axis="percent", x_title="share of the rows above the fence"),
    )
