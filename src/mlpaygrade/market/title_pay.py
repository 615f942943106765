"""Section 8: the titles, how rare most are, and how consistent pay is within one."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import (
    INTERVAL,
    Analysis,
    Change,
    Finding,
    Question,
    Span,
    change_cells,
    change_of,
    span,
    span_text,
    usd_text,
)
from mlpaygrade.market.document import MOST_LINES, Figure
from mlpaygrade.market.inference import normal_interval, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Floats
from mlpaygrade.market.spread import LogSpread, as_factor, log_spread
from mlpaygrade.rendering.charts import Bars, Mark, Ranges

QUESTION: Final = Question(key="titles", title="Titles", question="What does a title tell about pay?")
RANKED: Final = 30
"""Titles of fewer postings are listed but not called most or least consistent."""
LISTED: Final = 80
"""At most so many titles are listed, most frequent first."""
RARITY: Final = ((1, 1), (2, 9), (10, 29), (30, 99), (100, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLine:
    """A family of titles. adjusted: against the commonest family."""

    label: str
    postings: int
    titles: int
    few: bool
    reference: bool
    median_usd: float | None
    interval_usd: Span | None
    adjusted: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleLine:
    """A title of enough postings. log_spread, log_spread_alike: one standard deviation of log pay, of all and of alike jobs."""

    label: str
    postings: int
    adverts: int
    quartiles_usd: tuple[float, float, float]
    log_spread: float
    log_spread_alike: float
    reference: bool
    adjusted: Change | None

    @property
    def half(self) -> str:
        """The middle half of the postings."""
        return span_text((self.quartiles_usd[0], self.quartiles_usd[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """Titles that occur from `low` to `high` times (None: or more), and their postings."""

    low: int
    high: int | None
    titles: int
    postings: int

    @property
    def label(self) -> str:
        """2 to 9 times."""
        if self.low == self.high:
            return "once"
        return f"{self.low} and more" if self.high is None else f"{self.low} to {self.high} times"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleSpread:
    """Standard deviation of log pay over all, within a title, and within a title for alike jobs."""

    overall: float
    within: LogSpread
    alike: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TitlePay:
    """The titles. rare_titles, rare_share: those of few postings. top_share: postings of the ten commonest."""

    titles: int
    rare_titles: int
    rare_share: float
    once: int
    top_share: float
    rarity: tuple[Rarity, ...]
    families: tuple[FamilyLine, ...]
    lines: tuple[TitleLine, ...]
    spread: TitleSpread

    @property
    def ranked(self) -> list[TitleLine]:
        """Titles of postings enough to compare their spread, the most consistent first."""
        found = [line for line in self.lines if line.postings >= RANKED and line.log_spread]
        return sorted(found, key=lambda line: line.log_spread)


def titles_section(analysis: Analysis) -> Finding[TitlePay]:
    """Titles and families: how many, how rare, how much they pay, how far pay spreads within them."""
    field = analysis.sample.fields["title"]
    counts = field.counts()
    rare = counts < MIN_CELL
    within = [(low, high, (counts >= low) & (counts <= (high or counts.max()))) for low, high in RARITY]
    found = TitlePay(
        titles=len(field.keys),
        rare_titles=int(rare.sum()),
        rare_share=round(float(counts[rare].sum() / counts.sum()), 4),
        once=int((counts == 1).sum()),
        top_share=round(float(np.sort(counts)[::-1][:10].sum() / counts.sum()), 4),
        rarity=tuple(
            Rarity(low=low, high=high, titles=int(inside.sum()), postings=int(counts[inside].sum()))
            for low, high, inside in within
        ),
        families=_families(analysis),
        lines=_lines(analysis),
        spread=_spread(analysis),
    )
    return QUESTION.answered(
        found,
        answer=(
            f"{wording.count(found.titles, 'title')}, of which {found.rare_titles} have fewer than {MIN_CELL} postings "
            f"(together {wording.percent(found.rare_share)} of all) and the ten commonest cover "
            f"{wording.percent(found.top_share)}; within one "
            f"title pay still spreads by {as_factor(found.spread.within.spread)} to either side, against "
            f"{as_factor(found.spread.overall)} over all."
        ),
        effect=_effect(found),
        uncertainty=f"{analysis.bootstrapped}; differences: errors clustered by advert.",
        cannot=(
            "A title is an employer's word: the same work has several titles, and one title covers several kinds of work.",
            f"Titles of fewer than {MIN_CELL} postings are counted and not listed; those of fewer than {RANKED} are not ranked.",
        ),
        n=analysis.counts,
        figures=[*_pay_figure(found.lines), _rarity_figure(found)],
    )


def _families(analysis: Analysis) -> tuple[FamilyLine, ...]:
    sample = analysis.sample
    field, titles = sample.fields["family"], sample.fields["title"]
    k, counts = len(field.keys), field.counts()
    medians = analysis.medians(field.codes, k=k)
    lines = []
    for code in range(k):
        few = bool(counts[code] < MIN_CELL)
        lines.append(
            FamilyLine(
                label=field.labels[code],
                postings=int(counts[code]),
                titles=len(np.unique(titles.codes[field.codes == code])),
                few=few,
                reference=code == field.commonest(),
                median_usd=None if few else medians.usd(code),
                interval_usd=None if few else medians.interval_usd(code),
                adjusted=None if few else change_of(analysis.family_model.effect("family", code)),
            )
        )
    return tuple(lines)


def _lines(analysis: Analysis) -> tuple[TitleLine, ...]:
    """Titles of at least MIN_CELL postings, most frequent first."""
    sample = analysis.sample
    field = sample.fields["title"]
    k, counts = len(field.keys), field.counts()
    adverts = np.bincount(field.codes[sample.first_of_advert], minlength=k)
    quartiles = plain_quantiles(sample.middle_usd, field.codes, k=k, probabilities=(0.25, 0.5, 0.75))
    spread = log_spread(np.ones(len(sample)), field.codes, sample.log_middle, k=k)
    alike = log_spread(np.ones(len(sample)), field.codes, analysis.model.residual, k=k)
    lines = []
    for code in [code for code in range(k) if counts[code] >= MIN_CELL][:LISTED]:
        first, median, third = (float(round(usd)) for usd in quartiles[code])
        lines.append(
            TitleLine(
                label=field.labels[code],
                postings=int(counts[code]),
                adverts=int(adverts[code]),
                quartiles_usd=(first, median, third),
                log_spread=round(float(spread[code]), 3),
                log_spread_alike=round(float(alike[code]), 3),
                reference=code == field.commonest(),
                adjusted=change_of(analysis.model.effect("title", code)),
            )
        )
    return tuple(lines)


def _spread(analysis: Analysis) -> TitleSpread:
    sample = analysis.sample
    codes, k = sample.fields["title"].codes, len(sample.fields["title"].keys)

    def within(weights: Floats) -> Floats:
        mass = np.bincount(codes, weights=weights, minlength=k)
        sums = np.bincount(codes, weights=weights * sample.log_middle, minlength=k)
        between = np.sum(np.divide(sums**2, mass, out=np.zeros(k), where=mass > 0))
        squares = np.sum(weights * sample.log_middle**2) - between
        return np.asarray(np.sqrt(max(0.0, squares) / max(1.0, mass.sum() - k)))

    estimate = within(np.ones(len(sample)))
    low, high = normal_interval(analysis.bootstrap.run(within), estimate)
    degrees = max(1, len(sample) - len(analysis.model.design.columns) - 1)
    return TitleSpread(
        overall=round(float(np.std(sample.log_middle)), 4),
        within=LogSpread(spread=round(float(estimate), 4), interval=span(float(low), float(high))),
        alike=round(float(np.sqrt(np.sum(analysis.model.residual**2) / degrees)), 4),
    )


def _effect(found: TitlePay) -> str:
    text = (
        f"One standard deviation of log pay within a title: {found.spread.within.text}; within a title for jobs "
        f"alike in the other fields too: {as_factor(found.spread.alike)}"
    )
    if len(ranked := found.ranked) > 1:
        text += (
            f". Of the titles with at least {RANKED} postings, {ranked[0].label} shows "
            f"the least spread ({as_factor(ranked[0].log_spread)}) "
            f"and {ranked[-1].label} the most ({as_factor(ranked[-1].log_spread)})"
        )
    return text + "."


def _pay_figure(lines: tuple[TitleLine, ...]) -> list[Figure]:
    shown = sorted(lines[:MOST_LINES], key=lambda line: -line.quartiles_usd[1])
    if not shown:
        return []
    marks = []
    for line in shown:
        low, median, high = line.quartiles_usd
        text = f"{line.label}: median {wording.dollars(median)}, middle half {line.half}, {line.postings:,} postings"
        marks.append(Mark(label=line.label, low=low, value=median, high=high, text=text))
    return [
        Figure(
            key="titles-pay",
            title=f"The {len(shown)} commonest titles: median and middle half of postings",
            alt="Bars from the lower to the upper quartile of each title, with the median marked.",
            columns=(
                "Title",
                "Postings",
                "Adverts",
                "Median",
                "Middle half",
                "Spread as a factor",
                "Of alike jobs",
                "Adjusted difference",
                INTERVAL,
            ),
            rows=tuple(
                (
                    line.label,
                    f"{line.postings:,}",
                    f"{line.adverts:,}",
                    wording.dollars(line.quartiles_usd[1]),
                    line.half,
                    f"{np.exp(line.log_spread):.2f}",
                    f"{np.exp(line.log_spread_alike):.2f}",
                    *change_cells(line.adjusted, reference=line.reference),
                )
                for line in lines
            ),
            chart=Ranges(marks=tuple(marks), axis="dollars", x_title="middle of the band"),
        )
    ]


def _rarity_figure(found: TitlePay) -> Figure:
    marks = tuple(
        Mark(
            label=part.label,
            value=part.titles,
            text=f"{part.label}: {part.titles} titles, {part.postings:,} postings",
        )
        for part in found.rarity
    )
    return Figure(
        key="titles-rarity",
        title="How many titles have how many postings",
        alt="Bars: number of titles by how often they occur; most are rare.",
        columns=("Family", "Titles", "Postings", "Median", INTERVAL, "Adjusted difference", INTERVAL),
        rows=tuple(
            (
                line.label,
                str(line.titles),
                f"{line.postings:,}",
                usd_text(line.median_usd),
                span_text(line.interval_usd),
                *change_cells(line.adjusted, reference=line.reference),
            )
            for line in found.families
        ),
        chart=Bars(marks=marks, axis="count", x_title="titles"),
    )
