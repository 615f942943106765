"""Section 4: the shape of the target, before and after the logarithm, and the records that a fence would throw out.

Enters: an analysis. Leaves: a section about the rows of the file, as those are what models are fitted to.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from mlpaygrade.job.fields import EXPERIENCE, LABELS, SIZE, TITLE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section
from mlpaygrade.market.hypotheses import skewness
from mlpaygrade.market.resample import group_quantiles, normal_interval, percentile_interval
from mlpaygrade.market.sample import Floats

FENCE: Final = 1.5
"""Tukey's fence lies this many interquartile ranges above the upper quartile."""
BINS: Final = 44
TOP_TITLES: Final = 8


def target_section(analysis: Analysis) -> Section:
    """Skewness, normality, the fence and who lies beyond it."""
    usd = analysis.row_usd
    if len(usd) < 8 or np.ptp(usd) == 0:
        return _missing(analysis)
    shape = {"usd": _shape(usd), "log": _shape(np.log1p(usd))}
    quartiles = np.quantile(usd, [0.25, 0.5, 0.75])
    fence = float(quartiles[2] + FENCE * (quartiles[2] - quartiles[0]))
    above = usd > fence
    skew_interval = _skew_interval(analysis)
    median_interval = _median_interval(analysis)
    paired_above = _paired_share(analysis, fence)
    figures: dict[str, Any] = {
        "shape": shape,
        "mean_usd": float(usd.mean()),
        "median_usd": float(quartiles[1]),
        "quartiles_usd": [float(q) for q in quartiles],
        "min_usd": float(usd.min()),
        "max_usd": float(usd.max()),
        "fence_usd": fence,
        "above": int(above.sum()),
        "above_share": float(above.mean()),
        "above_paired_share": paired_above,
        "log_fence": _log_fence(usd),
        "who": _who(analysis.sample.rows[above]) if above.any() else None,
        "histogram_usd": _histogram(usd),
        "histogram_log": _histogram(np.log10(usd)),
        "skewness_interval": skew_interval,
    }
    return Section(
        key="target",
        title="The distribution of pay",
        question="How is pay distributed, and are the highest salaries errors?",
        answer=(
            f"The middle row stands at {wording.dollars(quartiles[1])} and the mean at "
            f"{wording.dollars(usd.mean())}; the skewness of "
            f"{_signed(shape['usd'])} becomes {_signed(shape['log'])} after the logarithm, "
            f"and {wording.count(int(above.sum()), 'row')} ({wording.percent(above.mean(), digits=2)}) "
            f"{'lies' if above.sum() == 1 else 'lie'} above Tukey's fence of {wording.dollars(fence)}."
        ),
        effect=_effect(figures),
        uncertainty=(
            f"Skewness of the rows: {wording.interval(*(f'{end:.2f}' for end in skew_interval))}; median: "
            f"{wording.interval(*(wording.dollars(end) for end in median_interval))}; bootstrap by advert."
        ),
        cannot=(
            *_on_normality(shape["log"]),
            "A fence marks what is far from the middle, not what is wrong. " + _kept(figures),
        ),
        n=analysis.counts,
        figures=figures,
    )


def _shape(values: Floats) -> dict[str, float]:
    """Skewness as pandas and spreadsheets give it (adjusted Fisher-Pearson), excess kurtosis, normality."""
    test = stats.normaltest(values)
    return {
        "skewness": round(skewness(values), 4),
        "excess_kurtosis": round(float(stats.kurtosis(values, bias=False)), 4),
        "normality_p": float(test.pvalue),
        "normality_statistic": round(float(test.statistic), 1),
    }


def _on_normality(shape: dict[str, float]) -> tuple[str, ...]:
    if shape["normality_p"] >= 0.05:
        return ()
    return (
        f"Log pay is not normal either (D'Agostino and Pearson's p {wording.p_value(shape['normality_p'])}, excess kurtosis "
        f"{shape['excess_kurtosis']:.2f}".replace("-", "−")
        + "), so intervals that assume a normal curve would be wrong in the tails.",
    )


def _signed(shape: dict[str, float]) -> str:
    """Skewness with a real minus sign."""
    return f"{shape['skewness']:.2f}".replace("-", "−")


def _row_expansion(analysis: Analysis) -> tuple[Any, Floats]:
    return analysis.sample.postings.row_values_usd()


def _skew_interval(analysis: Analysis) -> list[float]:
    index, usd = _row_expansion(analysis)

    def weighted(weights: Floats) -> Floats:
        # Sums, not dot products: short products gain nothing from the threads that they would wake.
        w = weights[index] / weights[index].sum()
        away = usd - np.sum(w * usd)
        second, third = np.sum(w * away**2), np.sum(w * away**3)
        return np.asarray(third / second**1.5)

    low, high = normal_interval(analysis.bootstrap.run(weighted), weighted(np.ones(len(analysis.sample))))
    return [round(float(low), 2), round(float(high), 2)]


def _median_interval(analysis: Analysis) -> list[float]:
    index, usd = _row_expansion(analysis)
    quantiles = group_quantiles(usd, np.zeros(len(usd), dtype=np.int64), k=1)
    replicates = analysis.bootstrap.run(lambda weights: quantiles(weights[index])[0, 0])
    low, high = percentile_interval(replicates, np.asarray(np.median(usd)))
    return [float(low), float(high)]


def _paired_share(analysis: Analysis, fence: float) -> float | None:
    """Of the postings that reach above the fence, the share whose other band end lies above the overall median."""
    postings = analysis.sample.postings
    high = (postings.high_usd > fence) & postings.paired
    return float(np.mean(postings.low_usd[high] > np.median(analysis.row_usd))) if high.any() else None


def _log_fence(usd: Floats) -> dict[str, float]:
    """The same fence drawn on log pay, where a factor counts alike on both sides."""
    log = np.log1p(usd)
    q1, q3 = np.quantile(log, [0.25, 0.75])
    low, high = q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)
    return {
        "low_usd": round(float(np.expm1(low))),
        "high_usd": round(float(np.expm1(high))),
        "below": int((log < low).sum()),
        "above": int((log > high).sum()),
    }


def _who(rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Who lies above the fence: rows by level, size and title."""
    levels, sizes, titles = (rows[column].value_counts() for column in (EXPERIENCE, SIZE, TITLE))
    return {
        "level": [
            {
                "label": label,
                "rows": int(levels.get(code, 0)),
                "share": round(float(levels.get(code, 0) / len(rows)), 4),
            }
            for code, label in LABELS[EXPERIENCE].items()
        ],
        "size": [
            {"label": label, "rows": int(sizes.get(code, 0)), "share": round(float(sizes.get(code, 0) / len(rows)), 4)}
            for code, label in LABELS[SIZE].items()
        ],
        "title": [
            {"label": str(title), "rows": int(n), "share": round(float(n / len(rows)), 4)}
            for title, n in sorted(titles.items(), key=lambda item: (-item[1], str(item[0])))[:TOP_TITLES]
        ],
    }


def _histogram(values: Floats) -> list[list[float]]:
    """[left edge, right edge, rows] of equal bins."""
    counts, edges = np.histogram(values, bins=BINS)
    return [[round(float(a), 4), round(float(b), 4), int(c)] for a, b, c in zip(edges, edges[1:], counts, strict=False)]


def _effect(figures: dict[str, Any]) -> str:
    before, after = figures["shape"]["usd"]["skewness"], figures["shape"]["log"]["skewness"]
    fence = figures["log_fence"]
    text = (
        f"The logarithm changes the size of the skewness from {abs(before):.2f} to {abs(after):.2f} "
        f"({wording.signed_percent(abs(after) / abs(before) - 1) if before else 'n/a'}); "
        f"on the log scale {wording.count(fence['above'], 'row')} lie above the fence and "
        f"{wording.count(fence['below'], 'row')} below it"
    )
    return text + "."


def _kept(figures: dict[str, Any]) -> str:
    share = figures["above_paired_share"]
    if share is None:
        return "The records above it are kept, since nothing in the file speaks against them."
    return (
        "The records above it are kept: of the postings whose upper end exceeds it, "
        f"{wording.percent(share)} state a lower end that is "
        "itself above the overall median, which fits bands of well-paid jobs better than slips of the keyboard."
    )


def _missing(analysis: Analysis) -> Section:
    return Section(
        key="target",
        title="The distribution of pay",
        question="How is pay distributed, and are the highest salaries errors?",
        answer="This file cannot say.",
        effect="None.",
        uncertainty="None.",
        cannot=(),
        n=analysis.counts,
        missing="It needs at least 8 rows whose salaries differ.",
    )
