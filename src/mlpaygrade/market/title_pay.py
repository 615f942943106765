"""Section 8: the titles, how rare most are, and how consistent pay is within one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Group, figure, rounded_quartiles
from mlpaygrade.market.document import MOST_LINES, Figure
from mlpaygrade.market.inference import group_squares, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints
from mlpaygrade.market.spread import LogSpread, as_factor, log_spread
from mlpaygrade.rendering.charts import Bars, Mark, Ranges
from mlpaygrade.rendering.words import counted

RANKED: Final = 30
"""Titles of fewer postings are listed but not called most or least consistent."""
LISTED: Final = 80
"""At most so many titles are listed, most frequent first."""
RARITY: Final = {"once": 1, "2 to 9 times": 2, "10 to 29 times": 10, "30 to 99 times": 30, "100 and more": 100}
"""How often titles occur -> from how many times on."""


@dataclass(frozen=True, kw_only=True)
class FamilyLine(Group):
    """A family of titles."""

    titles: int


@dataclass(frozen=True, kw_only=True)
class TitleLine(Group):
    """A title of enough postings. log_spread, log_spread_alike: one standard deviation of log pay, of all and of alike jobs."""

    quartiles_usd: tuple[float, float, float]
    log_spread: float
    log_spread_alike: float

    @property
    def half(self) -> str:
        """The middle half of the postings."""
        return wording.span(self.quartiles_usd[::2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """How many titles occur so often, and their postings."""

    label: str
    titles: int
    postings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TitlePay:
    """The titles. rare_titles, rare_share: those of few postings. top_share: postings of the ten commonest. spread, within,
    alike: standard deviation of log pay over all, within a title, and within a title for alike jobs."""

    titles: int
    rare_titles: int
    rare_share: float
    top_share: float
    rarity: tuple[Rarity, ...]
    families: tuple[FamilyLine, ...]
    lines: tuple[TitleLine, ...]
    spread: float
    within: LogSpread
    alike: float


def titles_section(analysis: Analysis) -> Finding[TitlePay]:
    """Titles and families: how many, how rare, how much they pay, how far pay spreads within them."""
    counts = analysis.sample.fields["title"].counts()
    rare = counts < MIN_CELL
    model = analysis.model
    degrees = max(1, len(model.residual) - len(model.design.columns) - 1)
    found = TitlePay(
        titles=len(counts),
        rare_titles=int(rare.sum()),
        rare_share=round(float(counts[rare].sum() / counts.sum()), 4),
        top_share=round(float(np.sort(counts)[::-1][:10].sum() / counts.sum()), 4),
        rarity=_rarity(counts),
        families=_families(analysis),
        lines=_lines(analysis),
        spread=round(float(np.std(analysis.sample.log_middle)), 4),
        within=_within(analysis),
        alike=round(float(np.sqrt(np.sum(model.residual**2) / degrees)), 4),
    )
    return Finding(
        numbers=found,
        answer=(
            f"{counted(found.titles, 'title')}, of which {found.rare_titles} have fewer than {MIN_CELL} postings (together "
            f"{wording.percent(found.rare_share)} of all) and the ten commonest cover {wording.percent(found.top_share)}; within "
            f"one title pay still spreads by {as_factor(found.within.value)} to either side, against {as_factor(found.spread)} "
            "over all."
        ),
        effect=_effect(found),
        uncertainty=f"{analysis.bootstrapped}; differences: errors clustered by advert.",
        cannot=(
            "A title is an employer's word: the same work has several titles, and one title covers several kinds of work.",
            f"Titles of fewer than {MIN_CELL} postings are counted and not listed; those of fewer than {RANKED} are not ranked.",
        ),
        figures=[_pay_figure(found.lines), _rarity_figure(found)],
    )


def _rarity(counts: Ints) -> tuple[Rarity, ...]:
    place = np.searchsorted(list(RARITY.values()), counts, side="right") - 1
    titles, postings = (np.bincount(place, weights=weights, minlength=len(RARITY)) for weights in (None, counts))
    return tuple(
        Rarity(label=label, titles=int(n), postings=int(of))
        for label, n, of in zip(RARITY, titles, postings, strict=True)
    )


def _families(analysis: Analysis) -> tuple[FamilyLine, ...]:
    fields = analysis.sample.fields
    titles = pd.Series(fields["title"].codes).groupby(fields["family"].codes).nunique()
    groups = analysis.groups("family", model=analysis.family_model)
    return tuple(FamilyLine(**vars(group), titles=n) for group, n in zip(groups, titles.tolist(), strict=True))


def _lines(analysis: Analysis) -> tuple[TitleLine, ...]:
    """Titles of at least MIN_CELL postings, most frequent first."""
    sample, field = analysis.sample, analysis.sample.fields["title"]
    k, once = len(field.keys), np.ones(len(sample))
    quartiles = plain_quantiles(sample.middle_usd, field.codes, k=k, probabilities=(0.25, 0.5, 0.75))
    spread = log_spread(once, field.codes, sample.log_middle, k=k)
    alike = log_spread(once, field.codes, analysis.model.residual, k=k)
    lines = [
        TitleLine(
            **vars(group),
            quartiles_usd=rounded_quartiles(quartiles[code]),
            log_spread=round(float(spread[code]), 3),
            log_spread_alike=round(float(alike[code]), 3),
        )
        for code, group in enumerate(analysis.groups("title"))
        if not group.few
    ]
    return tuple(lines[:LISTED])


def _within(analysis: Analysis) -> LogSpread:
    """Standard deviation of log pay within a title."""
    sample = analysis.sample
    codes, k = sample.fields["title"].codes, len(sample.fields["title"].keys)

    def within(weights: Floats) -> Floats:
        mass, squares = group_squares(weights, codes, sample.log_middle, k=k)
        return np.asarray(np.sqrt(squares.sum() / max(1.0, mass.sum() - k)))

    return LogSpread.of(*map(float, analysis.bootstrap.normal(within)))


def _effect(found: TitlePay) -> str:
    text = (
        f"One standard deviation of log pay within a title: {as_factor(found.within.value)} ({found.within.interval}); within a "
        f"title for jobs alike in the other fields too: {as_factor(found.alike)}"
    )
    ranked = [line for line in found.lines if line.postings >= RANKED and line.log_spread]
    if len(ranked) > 1:
        ranked.sort(key=lambda line: line.log_spread)
        text += (
            f". Of the titles with at least {RANKED} postings, {ranked[0].label} shows the least spread "
            f"({as_factor(ranked[0].log_spread)}) and {ranked[-1].label} the most ({as_factor(ranked[-1].log_spread)})"
        )
    return text + "."


def _pay_figure(lines: tuple[TitleLine, ...]) -> Figure:
    shown = sorted(lines[:MOST_LINES], key=lambda line: -line.quartiles_usd[1])
    marks = []
    for line in shown:
        low, median, high = line.quartiles_usd
        text = f"{line.label}: median {wording.dollars(median)}, middle half {line.half}, {line.postings:,} postings"
        marks.append(Mark(label=line.label, low=low, value=median, high=high, text=text))
    return figure(
        "titles-pay",
        f"The {len(shown)} commonest titles: median and middle half of postings",
        "Bars from the lower to the upper quartile of each title, with the median marked.",
        Ranges(marks=tuple(marks), axis="dollars", x_title="middle of the band"),
        lines,
        ("Title", lambda line: line.label),
        ("Postings", lambda line: f"{line.postings:,}"),
        ("Adverts", lambda line: f"{line.adverts:,}"),
        ("Median", lambda line: wording.dollars(line.quartiles_usd[1])),
        ("Middle half", lambda line: line.half),
        ("Spread as a factor", lambda line: LogSpread.write(line.log_spread)),
        ("Of alike jobs", lambda line: LogSpread.write(line.log_spread_alike)),
        ("Adjusted difference", lambda line: wording.change(line.adjusted, reference=line.reference)),
        (wording.INTERVAL, lambda line: wording.ends(line.adjusted, reference=line.reference)),
    )


def _rarity_figure(found: TitlePay) -> Figure:
    marks = tuple(
        Mark(
            label=part.label, value=part.titles, text=f"{part.label}: {part.titles} titles, {part.postings:,} postings"
        )
        for part in found.rarity
    )
    return figure(
        "titles-rarity",
        "How many titles have how many postings",
        "Bars: number of titles by how often they occur; most are rare.",
        Bars(marks=marks, axis="count", x_title="titles"),
        found.families,
        ("Family", lambda line: line.label),
        ("Titles", lambda line: str(line.titles)),
        ("Postings", lambda line: f"{line.postings:,}"),
        ("Median", lambda line: wording.usd(line.median_usd)),
        (wording.INTERVAL, lambda line: wording.span(line.interval_usd)),
        ("Adjusted difference", lambda line: wording.change(line.adjusted, reference=line.reference)),
        (wording.INTERVAL, lambda line: wording.ends(line.adjusted, reference=line.reference)),
    )
