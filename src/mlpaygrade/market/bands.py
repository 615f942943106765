"""Section 7: how wide advertised bands are, and what that says of room to negotiate; on postings that show both ends."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Span, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import Bootstrap, bootstrap_medians, bootstrap_of, compare_groups, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Coded, FieldKey, Floats
from mlpaygrade.market.wording import Estimate
from mlpaygrade.rendering.charts import Bars, Forest, Mark

FIELDS: Final[tuple[FieldKey, ...]] = ("level", "size", "family", "title", "country")
TABLED: Final[tuple[FieldKey, ...]] = ("level", "size", "family", "country")
SHOWN: Final = 12
FEWEST_BANDS: Final = 30
EDGES: Final = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, np.inf)
NAMES: Final[dict[FieldKey, str]] = {
    "level": "Level",
    "size": "Company size",
    "family": "Title family",
    "title": "Title",
    "country": "Country",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BandGroup:
    """A group of a field: the upper end over the lower one at the median, and in the middle half; None where postings are few."""

    label: str
    postings: int
    few: bool
    ratio: Estimate | None
    quartiles: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Widths of bands as the ratio of their ends. range: 5 and 95 % quantiles. histogram: from which ratio to which -> postings.
    omega2: share of the differences in width between the groups of a field, where it was tested."""

    ratio: Estimate
    range: Span
    paired_share: float
    histogram: dict[str, int]
    by: dict[FieldKey, tuple[BandGroup, ...]]
    omega2: dict[FieldKey, float]


def bands_section(analysis: Analysis) -> Finding[Bands]:
    """Widths of bands as the ratio of the high to the low end."""
    paired = analysis.sample.postings.paired
    counts, bands = analysis.counts_of(paired), int(paired.sum())
    if bands < FEWEST_BANDS:
        missing = f"The file shows both ends of a band for {bands} postings; {FEWEST_BANDS} are needed."
        return Finding(n=counts, missing=missing)
    found = _numbers(analysis)
    low, high = found.range
    return Finding(
        numbers=found,
        answer=(
            f"The upper end of a band is {found.ratio.text} times the lower one at the median "
            f"(the middle nine tenths: {low:.2f} to {high:.2f}), which leaves {wording.percent(room(found.ratio.value))} to "
            f"either side of its middle; {wording.percent(found.paired_share)} of postings show both ends."
        ),
        effect=_effect(found),
        uncertainty=f"{analysis.bootstrapped}, on the postings that show both ends.",
        cannot=(
            "A band is what an employer writes; it may span levels or places, and nothing here says where in it people are "
            "hired.",
            "That two neighbouring rows are the ends of one band is strongly suggested by the file and documented by nobody.",
        ),
        n=counts,
        figures=[_widths(found), _groups_figure(found)],
    )


def _numbers(analysis: Analysis) -> Bands:
    sample = analysis.sample.take(analysis.sample.postings.paired)
    ratio = sample.postings.high_usd / sample.postings.low_usd
    bootstrap = bootstrap_of(sample, seed=analysis.seed)
    everyone = bootstrap_medians(ratio, np.zeros(len(sample), dtype=np.int64), k=1, bootstrap=bootstrap)
    first, omega2 = sample.first_of_advert, {}
    for key in FIELDS:
        field = sample.fields[key]
        test = compare_groups(np.log(ratio[first]), field.codes[first], k=len(field.keys), smallest=MIN_CELL)
        if test is not None:
            omega2[key] = round(test.omega2, 4)
    names = [f"{a:.1f} and more" if np.isinf(b) else f"{a:.1f} to {b:.1f}" for a, b in pairwise(EDGES)]
    lowest, highest = (round(float(end), 4) for end in np.quantile(ratio, [0.05, 0.95]))
    return Bands(
        ratio=Estimate.of(everyone.median[0], everyone.low[0], everyone.high[0]),
        range=(lowest, highest),
        paired_share=round(float(analysis.sample.postings.paired.mean()), 4),
        histogram=dict(zip(names, np.histogram(ratio, bins=np.array(EDGES))[0].tolist(), strict=True)),
        by={key: _groups(ratio, sample.fields[key], bootstrap) for key in FIELDS},
        omega2=omega2,
    )


def _groups(ratio: Floats, field: Coded, bootstrap: Bootstrap) -> tuple[BandGroup, ...]:
    k = len(field.keys)
    found = bootstrap_medians(ratio, field.codes, k=k, bootstrap=bootstrap)
    lower, upper = plain_quantiles(ratio, field.codes, k=k, probabilities=(0.25, 0.75)).T.tolist()
    return tuple(
        BandGroup(
            label=field.labels[code],
            postings=n,
            few=n < MIN_CELL,
            ratio=None
            if n < MIN_CELL
            else Estimate.of(found.median[code], found.low[code], found.high[code], digits=3),
            quartiles=None if n < MIN_CELL else (round(lower[code], 3), round(upper[code], 3)),
        )
        for code, n in enumerate(field.counts().tolist()[:SHOWN])
    )


def room(ratio: float) -> float:
    """How far either end lies from the middle of the band, as a share of that middle."""
    return (ratio - 1) / (ratio + 1)


def _effect(found: Bands) -> str:
    text = f"Median ratio {found.ratio.text} ({found.ratio.interval})"
    for key in TABLED[:2]:
        judged = [
            (group.ratio.value, wording.lower_first(wording.short(group.label)))
            for group in found.by[key]
            if group.ratio
        ]
        if len(judged) > 1:
            least, narrow = min(judged, key=lambda pair: pair[0])
            most, wide = max(judged, key=lambda pair: pair[0])
            text += f"; by {NAMES[key].lower()} from {least:.2f} ({narrow}) to {most:.2f} ({wide})"
    if found.omega2:
        top = max(found.omega2, key=lambda key: found.omega2[key])
        text += (
            "; the field that goes with the largest share of the differences in width is "
            f"{NAMES[top].lower()}, {wording.percent(found.omega2[top])}"
        )
    return text + "."


def _widths(found: Bands) -> Figure:
    marks = [Mark(label=label, value=n, text=f"{label}: {n:,} postings") for label, n in found.histogram.items()]
    return figure(
        "bands-width",
        "How many times the lower end the upper end is",
        f"Bars: number of bands by the ratio of their ends; the median is {found.ratio.text}.",
        Bars(marks=tuple(marks), axis="count", x_title="postings"),
        found.histogram.items(),
        ("Ratio", lambda part: part[0]),
        ("Postings", lambda part: f"{part[1]:,}"),
    )


def _groups_figure(found: Bands) -> Figure:
    groups = [(key, group) for key in TABLED for group in found.by[key]]
    marks = tuple(
        group.ratio.mark(
            wording.short(group.label) + (" company" if key == "size" else ""),
            "Median",
            f"{group.label}: {group.ratio.text} ({group.postings:,} postings)",
        )
        for key, group in groups
        if group.ratio and key != "country"
    )
    return figure(
        "bands-groups",
        "Median ratio by level, company size and title family",
        "Points with 95 % intervals: the median ratio of the ends of a band in each group.",
        Forest(marks=marks, axis="plain", x_title="upper end over lower end", zero=found.ratio.value),
        groups,
        ("Field", lambda line: NAMES[line[0]]),
        ("Group", lambda line: line[1].label),
        ("Postings", lambda line: wording.postings(line[1].postings, few=line[1].few)),
        ("Median", lambda line: line[1].ratio.text if line[1].ratio else wording.DASH),
        (wording.INTERVAL, lambda line: wording.ends(line[1].ratio)),
        (
            "Middle half",
            lambda line: "{:.2f} to {:.2f}".format(*line[1].quartiles) if line[1].quartiles else wording.DASH,
        ),
    )
