"""Section 7: how wide advertised bands are, and what that says of room to negotiate; on postings that show both ends."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import DASH, INTERVAL, Analysis, Finding, Question, Span, postings_text, span
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import (
    Bootstrap,
    bootstrap_of,
    compare_groups,
    group_quantiles,
    percentile_interval,
    plain_quantiles,
)
from mlpaygrade.market.sample import MIN_CELL, Coded, FieldKey, Floats
from mlpaygrade.rendering.charts import Bars, Forest, Mark

QUESTION: Final = Question(
    key="bands", title="Posted bands", question="How wide are advertised bands, and how much room do they leave?"
)
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
class Ratio:
    """The upper end over the lower one in a group: median with its interval, and the middle half of the postings."""

    median: float
    interval: Span
    quartiles: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BandGroup:
    """A group of a field. ratio: None where postings are few."""

    label: str
    postings: int
    few: bool
    ratio: Ratio | None

    @property
    def short(self) -> str:
        """The label without what it says in brackets."""
        return self.label.split(" (")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioBin:
    """Postings whose ratio lies from `low` to `high`, or is higher where that is None."""

    low: float
    high: float | None
    postings: int

    @property
    def label(self) -> str:
        """1.1 to 1.2."""
        return f"{self.low:.1f} and more" if self.high is None else f"{self.low:.1f} to {self.high:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Widths of bands as the ratio of their ends. range: 5 and 95 % quantiles. equal_ends: share of bands of one figure.
    omega2: share of the differences in width between the groups of a field, where it was tested."""

    median: float
    interval: Span
    range: Span
    equal_ends: float
    paired_share: float
    histogram: tuple[RatioBin, ...]
    by: dict[FieldKey, tuple[BandGroup, ...]]
    omega2: dict[FieldKey, float]


def bands_section(analysis: Analysis) -> Finding[Bands]:
    """Widths of bands as the ratio of the high to the low end."""
    paired = analysis.sample.postings.paired
    counts = analysis.counts_of(paired)
    if paired.sum() < FEWEST_BANDS:
        return QUESTION.open(
            f"The file shows both ends of a band for {int(paired.sum())} postings; {FEWEST_BANDS} are needed.", n=counts
        )
    found = _numbers(analysis)
    return QUESTION.answered(
        found,
        answer=_answer(found),
        effect=_effect(found),
        uncertainty=f"{analysis.bootstrapped}, on the postings that show both ends.",
        cannot=(
            "A band is what an employer writes; it may span levels or places, and nothing here says "
            "where in it people are hired.",
            "That two neighbouring rows are the ends of one band is strongly suggested by the file and documented by nobody.",
        ),
        n=counts,
        figures=[_widths(found), _groups_figure(found)],
    )


def _numbers(analysis: Analysis) -> Bands:
    sample = analysis.sample.take(analysis.sample.postings.paired)
    ratio = sample.postings.high_usd / sample.postings.low_usd
    bootstrap = bootstrap_of(sample, seed=analysis.seed)
    everyone = group_quantiles(ratio, np.zeros(len(sample), dtype=np.int64), k=1)
    median = float(np.median(ratio))
    low, high = percentile_interval(bootstrap.run(lambda weights: everyone(weights)[0, 0]), np.asarray(median))
    first, omega2 = sample.first_of_advert, {}
    for key in FIELDS:
        field = sample.fields[key]
        test = compare_groups(np.log(ratio[first]), field.codes[first], k=len(field.keys), smallest=MIN_CELL)
        if test is not None:
            omega2[key] = round(test.omega2, 4)
    places = np.histogram(ratio, bins=np.array(EDGES))[0]
    lowest, highest = np.quantile(ratio, [0.05, 0.95])
    return Bands(
        median=round(median, 4),
        interval=span(float(low), float(high), digits=3),
        range=span(lowest, highest),
        equal_ends=round(float(np.mean(ratio == 1)), 4),
        paired_share=round(float(analysis.sample.postings.paired.mean()), 4),
        histogram=tuple(
            RatioBin(low=a, high=None if np.isinf(b) else b, postings=int(n))
            for a, b, n in zip(EDGES, EDGES[1:], places, strict=False)
        ),
        by={key: _groups(ratio, sample.fields[key], bootstrap) for key in FIELDS},
        omega2=omega2,
    )


def _groups(ratio: Floats, field: Coded, bootstrap: Bootstrap) -> tuple[BandGroup, ...]:
    k, counts = len(field.keys), field.counts()
    quantiles = group_quantiles(ratio, field.codes, k=k)
    found = plain_quantiles(ratio, field.codes, k=k, probabilities=(0.25, 0.5, 0.75))
    low, high = percentile_interval(bootstrap.run(lambda weights: quantiles(weights)[:, 0]), found[:, 1])
    return tuple(
        BandGroup(
            label=field.labels[code],
            postings=int(counts[code]),
            few=bool(counts[code] < MIN_CELL),
            ratio=None
            if counts[code] < MIN_CELL
            else Ratio(
                median=round(float(found[code, 1]), 3),
                interval=span(low[code], high[code], digits=3),
                quartiles=span(found[code, 0], found[code, 2], digits=3),
            ),
        )
        for code in range(min(k, SHOWN))
    )


def room(ratio: float) -> float:
    """How far either end lies from the middle of the band, as a share of that middle."""
    return (ratio - 1) / (ratio + 1)


def _answer(found: Bands) -> str:
    low, high = found.range
    return (
        f"The upper end of a band is {found.median:.2f} times the lower one at the median "
        f"(the middle nine tenths: {low:.2f} to {high:.2f}), which leaves "
        f"{wording.percent(room(found.median))} to either side of "
        f"its middle; {wording.percent(found.paired_share)} of postings show both ends."
    )


def _effect(found: Bands) -> str:
    ends = wording.interval(*(f"{end:.2f}" for end in found.interval))
    text = f"Median ratio {found.median:.2f} ({ends})"
    for key in TABLED[:2]:
        judged = [(group.ratio.median, wording.lower_first(group.short)) for group in found.by[key] if group.ratio]
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
    marks = tuple(
        Mark(label=part.label, value=part.postings, text=f"{part.label}: {part.postings:,} postings")
        for part in found.histogram
    )
    return Figure(
        key="bands-width",
        title="How many times the lower end the upper end is",
        alt=f"Bars: number of bands by the ratio of their ends; the median is {found.median:.2f}.",
        columns=("Ratio", "Postings"),
        rows=tuple((part.label, f"{part.postings:,}") for part in found.histogram),
        chart=Bars(marks=marks, axis="count", x_title="postings"),
    )


def _groups_figure(found: Bands) -> Figure:
    groups = [(key, group) for key in TABLED for group in found.by[key]]
    marks = tuple(
        Mark(
            label=group.short + (" company" if key == "size" else ""),
            series="Median",
            value=group.ratio.median,
            low=group.ratio.interval[0],
            high=group.ratio.interval[1],
            text=f"{group.label}: {group.ratio.median:.2f} ({group.postings:,} postings)",
        )
        for key, group in groups
        if group.ratio and key != "country"
    )
    return Figure(
        key="bands-groups",
        title="Median ratio by level, company size and title family",
        alt="Points with 95 % intervals: the median ratio of the ends of a band in each group.",
        columns=("Field", "Group", "Postings", "Median", INTERVAL, "Middle half"),
        rows=tuple(
            (NAMES[key], group.label, postings_text(group.postings, few=group.few), *_ratio_cells(group.ratio))
            for key, group in groups
        ),
        chart=Forest(marks=marks, axis="plain", x_title="upper end over lower end", zero=found.median),
    )


def _ratio_cells(ratio: Ratio | None) -> tuple[str, str, str]:
    if ratio is None:
        return DASH, DASH, DASH
    ends, half = (f"{low:.2f} to {high:.2f}" for low, high in (ratio.interval, ratio.quartiles))
    return f"{ratio.median:.2f}", ends, half
