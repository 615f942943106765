"""Section 6: time. Volume, raw yearly change, an index of pay whose composition is held fixed, and each title's own history.

A raw mean moves when other jobs are advertised; the index compares alike jobs. The history of a title in a country holds
nothing fixed: medians of what was advertised, half a year at a time where a calendar dates the postings, else by year.
Forecasts nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
import pandas as pd

from mlpaygrade.dataset.postings import snapshot_of
from mlpaygrade.job.fields import LOCATION, TITLE, YEAR
from mlpaygrade.job.titles import canonical_title
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import (
    Analysis,
    Finding,
    Group,
    change_of,
    figure,
    number,
    rounded_quartiles,
    row_moments,
    span,
)
from mlpaygrade.market.document import Figure, Period, TitleSeries
from mlpaygrade.market.inference import TERMS, Medians, Term, fit_adjusted, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Coded, Ints, Sample
from mlpaygrade.market.wording import Change
from mlpaygrade.rendering.charts import Bars, Forest, Line, Mark
from mlpaygrade.rendering.words import counted

STEP_POSTINGS: Final = 100
"""Without a calendar a step of the series holds at least so many postings,"""
MOST_STEPS: Final = 60
"""and there are at most so many steps."""
ENOUGH_OF_A_SOURCE: Final = 30
WITHOUT_YEAR: Final[tuple[Term, ...]] = tuple(term for term in TERMS if term != ("year",))


@dataclass(frozen=True, kw_only=True)
class YearLine(Group):
    """A work year. raw: geometric mean against the commonest year. mean_change, adjusted_step: against the year
    before, where that is in the file. Shares are of postings."""

    year: int
    rows: int
    paired_share: float
    main_country_share: float
    mean_usd: float
    deviation_usd: float | None
    mean_change: float | None
    raw: Change | None
    adjusted_step: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A step of the series. time: in years. raw, adjusted: against the average over the steps."""

    label: str
    time: float
    postings: int
    raw: Change | None
    adjusted: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Pay step by step. undated: postings that no step holds."""

    kind: Literal["week", "order of arrival"]
    undated: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """Posted bands against single figures, inside the years that have both. single, bands: postings of either kind. steps:
    year -> its step of the index with the kind of source held fixed too."""

    years: tuple[int, ...]
    single: int
    bands: int
    raw: Change | None
    adjusted: Change | None
    steps: dict[int, Change | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Years:
    """The years, the series (None for a short file or one in no order), and the change of the source."""

    years: tuple[YearLine, ...]
    series: Series | None
    source: SourceChange | None

    @property
    def dated(self) -> bool:
        """Whether the series goes by a calendar."""
        return self.series is not None and self.series.kind == "week"


def years_section(analysis: Analysis) -> Finding[Years]:
    """The years, the index, and how much of the early rise goes with a change of the source."""
    found = Years(years=_years(analysis), series=_series(analysis), source=_source_change(analysis))
    if len(found.years) < 2:
        missing = "The file has one work year, so there is no change to measure."
        return Finding(numbers=found, missing=missing)
    steps = (
        found.series and f"The series has {len(found.series.points)} steps, each against the average of all of them."
    )
    return Finding(
        numbers=found,
        answer=_answer(found.years),
        effect=_effect(found),
        uncertainty=f"Errors clustered by advert, 95{wording.NARROW}% intervals. {steps or ''}",
        cannot=(
            _on_sources(found.source),
            *_on_order(analysis),
            "The index holds the eight fields fixed; pay that moves because employers write other titles or levels for the same "
            "work is not separated.",
            "Nominal dollars, at the exchange rate that the file used; no correction for inflation.",
        ),
        figures=_figures(found),
    )


def _on_order(analysis: Analysis) -> list[str]:
    if analysis.arrival.tells_time:
        return []
    return [f"There is no series within years, as the file is not in the order of arrival: {analysis.arrival.why}."]


def _years(analysis: Analysis) -> tuple[YearLine, ...]:
    sample = analysis.sample
    field, country = sample.fields["year"], sample.fields["country"]
    raw = fit_adjusted(sample, terms=(("year",),))
    rows = row_moments(sample.rows, (YEAR,))
    home = country.codes == country.commonest()
    groups = analysis.groups("year")
    lines: list[YearLine] = []
    for code, (key, group) in enumerate(zip(field.keys, groups, strict=True)):
        mine, year = field.codes == code, int(key)
        before = field.code(year - 1)
        step = before if before is not None and not (group.few or groups[before].few) else None
        change = rows["mean"][year] / rows["mean"][year - 1] - 1 if before is not None else np.nan
        lines.append(
            YearLine(
                **vars(group),
                year=year,
                rows=int(rows["size"][year]),
                paired_share=round(float(sample.postings.paired[mine].mean()), 4),
                main_country_share=round(float(home[mine].mean()), 4),
                mean_usd=float(round(rows["mean"][year])),
                deviation_usd=number(rows["std"][year]),
                mean_change=number(change, digits=6),
                raw=None if group.few else change_of(raw.effect("year", code)),
                adjusted_step=None if step is None else change_of(analysis.model.effect("year", code, against=step)),
            )
        )
    return tuple(lines)


def _series(analysis: Analysis) -> Series | None:
    """The index by week where a calendar tells, else by equal steps of the order of arrival; None where there is no order,
    and for a short file.
    """
    if not analysis.arrival.tells_time:
        return None
    sample = analysis.sample
    if analysis.calendar is not None:
        step = merged_steps(snapshot_of(sample.postings, analysis.calendar))
        if len(np.unique(step[step >= 0])) > 1:
            return _index(sample, step, names=[str(day) for day in analysis.calendar.days], kind="week")
    steps = min(MOST_STEPS, len(sample) // STEP_POSTINGS)
    if steps < 4:
        return None
    step = (np.arange(len(sample)) * steps // len(sample)).astype(np.int64)
    when = np.bincount(step, weights=sample.postings.time_years) / np.bincount(step)
    return _index(sample, step, names=[f"{moment:.2f}" for moment in when], kind="order of arrival")


def merged_steps(step: Ints) -> Ints:
    """Steps of fewer than MIN_CELL postings joined to the next one, the last to the one before; -1 stays."""
    counts = np.bincount(step[step >= 0], minlength=1)
    ends, held = [], 0
    for place, count in enumerate(counts):
        held += count
        if held >= MIN_CELL:
            ends.append(place)
            held = 0
    if not ends:
        return np.full(len(step), -1, dtype=np.int64)
    next_end = np.minimum(np.searchsorted(ends, np.arange(len(counts))), len(ends) - 1)
    return np.where(step >= 0, np.array(ends)[next_end][np.maximum(step, 0)], -1)


def _index(sample: Sample, step: Ints, *, names: list[str], kind: Literal["week", "order of arrival"]) -> Series:
    dated = step >= 0
    part = sample.take(dated)
    kept, codes = np.unique(step[dated], return_inverse=True)
    labels = tuple(names[place] for place in kept)
    part = part.with_field(Coded(key="week", codes=codes.astype(np.int64), keys=labels, labels=labels))
    adjusted = fit_adjusted(part, terms=(("week",), *WITHOUT_YEAR)).effects_against_average("week")
    raw = fit_adjusted(part, terms=(("week",),)).effects_against_average("week")
    counts = np.bincount(codes)
    when = np.bincount(codes, weights=part.postings.time_years) / counts
    points = tuple(
        Point(label=label, time=moment, postings=n, raw=change_of(one), adjusted=change_of(alike))
        for label, moment, n, one, alike in zip(
            labels, when.round(3).tolist(), counts.tolist(), raw, adjusted, strict=True
        )
    )
    return Series(kind=kind, undated=int((~dated).sum()), points=points)


def _source_change(analysis: Analysis) -> SourceChange | None:
    """Single figures against posted bands inside the years that have both, and the yearly index with that held fixed too."""
    sample = analysis.sample
    paired, years = sample.postings.paired, sample.fields["year"]
    k = len(years.keys)
    bands, single = (np.bincount(years.codes[mask], minlength=k) for mask in (paired, ~paired))
    both = np.flatnonzero(np.minimum(bands, single) >= ENOUGH_OF_A_SOURCE)
    if not len(both):
        return None
    part = _with_source(sample.take(np.isin(years.codes, both)))
    within = fit_adjusted(part, terms=(("paired",), *TERMS))
    raw = fit_adjusted(part, terms=(("paired",), ("year",)))
    full = fit_adjusted(_with_source(sample), terms=(("paired",), *TERMS))
    counts = years.counts()
    return SourceChange(
        years=tuple(int(years.keys[code]) for code in both),
        single=int(single[both].sum()),
        bands=int(bands[both].sum()),
        raw=change_of(raw.effect("paired", 1, against=0)),
        adjusted=change_of(within.effect("paired", 1, against=0)),
        steps={
            int(years.keys[code]): change_of(full.effect("year", code, against=code - 1))
            for code in range(1, k)
            if min(counts[code], counts[code - 1]) >= MIN_CELL
            and int(years.keys[code]) == int(years.keys[code - 1]) + 1
        },
    )


def _with_source(sample: Sample) -> Sample:
    codes = sample.postings.paired.astype(np.int64)
    return sample.with_field(Coded(key="paired", codes=codes, keys=(0, 1), labels=("Single figure", "Posted band")))


def _steps(years: tuple[YearLine, ...]) -> list[tuple[YearLine, Change, float]]:
    """Years with their adjusted step and the change of the raw mean."""
    return [
        (line, line.adjusted_step, line.mean_change)
        for line in years
        if line.adjusted_step is not None and line.mean_change is not None
    ]


def _answer(years: tuple[YearLine, ...]) -> str:
    parts = [
        f"{line.year} {wording.signed_percent(mean)} in the raw mean, {step.text} for alike jobs"
        f"{'' if step.clear else ', not clear of zero'}"
        for line, step, mean in _steps(years)
    ]
    if not parts:
        return "No two years in a row have enough postings."
    return f"Change against the year before: {'; '.join(parts)}."


def _effect(found: Years) -> str:
    steps = _steps(found.years)
    if not steps:
        return "None."
    top, step, mean = max(steps, key=lambda part: abs(part[2]))
    text = (
        f"The largest raw change, {wording.signed_percent(mean, digits=1)} in {top.year}, is "
        f"{step.text} for alike jobs ({step.interval})"
    )
    if beside := found.source and found.source.steps.get(top.year):
        text += f", and {beside.text} ({beside.interval}) with the kind of source held fixed too"
    return text + "."


def _on_sources(source: SourceChange | None) -> str:
    if source is None or source.adjusted is None:
        return (
            "No year has both single figures and posted bands in number, so a change of the source cannot be told from a change "
            "of pay."
        )
    years = wording.listed([str(year) for year in source.years])
    have = "has" if len(source.years) == 1 else "have"
    return (
        f"Two kinds of source mix: single, survey-like figures and posted bands. In {years}, which {have} {source.single:,} of "
        f"the one kind and {source.bands:,} of the other, alike jobs differ by {source.adjusted.text} "
        f"({source.adjusted.interval}) when posted as bands; that this gap was the same in earlier years is an assumption."
    )


def _figures(found: Years) -> list[Figure]:
    years = found.years
    reference = next(line.year for line in years if line.reference)
    volume: list[tuple[str, Callable[[YearLine], str]]] = [
        ("Year", lambda line: line.label),
        ("Rows", lambda line: f"{line.rows:,}"),
        ("Postings", lambda line: f"{line.postings:,}"),
    ]
    bars = tuple(
        Mark(label=line.label, value=line.postings, few=line.few, text=f"{line.label}: {line.postings:,} postings")
        for line in years
    )
    marks = tuple(
        change.mark(line.label, series)
        for line in years
        for series, change in (("Raw geometric mean", line.raw), ("Alike jobs", line.adjusted))
        if change and not line.reference
    )
    figures = [
        figure(
            "time-volume",
            "Postings by year",
            "Bars: number of postings of each work year.",
            Bars(marks=bars, axis="count", x_title="postings"),
            years,
            *volume,
        ),
        figure(
            "time-years",
            f"Pay against {reference}: raw, and for alike jobs",
            "Points with 95 % intervals per year: the raw difference and the difference with composition held fixed.",
            Forest(marks=marks, axis="change", x_title=f"difference from {reference}", step=34),
            years,
            *volume,
            ("Mean of rows", lambda line: wording.exact_dollars(line.mean_usd)),
            ("Change", lambda line: wording.or_dash(line.mean_change, partial(wording.signed_percent, digits=1))),
            ("Deviation", lambda line: wording.or_dash(line.deviation_usd, wording.exact_dollars)),
            (
                f"Alike jobs against {reference}",
                lambda line: wording.DASH if line.reference else wording.change(line.adjusted),
            ),
            (wording.INTERVAL, lambda line: wording.ends(line.adjusted, reference=line.reference)),
            ("From the main country", lambda line: wording.percent(line.main_country_share)),
            ("Posted as a band", lambda line: wording.percent(line.paired_share)),
        ),
    ]
    return [*figures, _series_figure(found.series)] if found.series else figures


def _series_figure(series: Series) -> Figure:
    weekly = series.kind == "week"
    marks = []
    for point in series.points:
        if point.adjusted is None or point.raw is None:
            continue
        at, change, raw = point.label if weekly else point.time, point.adjusted, point.raw
        text = f"{point.label}: {change.text} for alike jobs ({change.ends}), {point.postings:,} postings"
        marks += [
            Mark(at=at, series="Alike jobs", value=change.value, low=change.low, high=change.high, text=text),
            Mark(at=at, series="Raw", value=raw.value, text=f"{point.label}: {raw.text} raw"),
        ]
    undated = f" ({counted(series.undated, 'posting')} before it undated)" if series.undated else ""
    title = "Week by week" if weekly else "In order of arrival"
    return figure(
        "time-series",
        f"{title}: pay against the average of the period{undated}",
        f"Two lines over {len(series.points)} steps: raw pay, and pay of alike jobs with its 95 % band.",
        Line(
            marks=tuple(marks),
            axis="change",
            x_title="week of arrival" if weekly else "estimated time of arrival",
            y_title="difference from the average",
            temporal=weekly,
        ),
        series.points,
        ("When", lambda point: point.label),
        ("Postings", lambda point: f"{point.postings:,}"),
        ("Raw", lambda point: wording.change(point.raw)),
        ("Alike jobs", lambda point: wording.change(point.adjusted)),
        (wording.INTERVAL, lambda point: wording.ends(point.adjusted)),
    )


LEAST: Final = 5
"""Fewer postings are counted, and no pay is said of them."""


def title_series(analysis: Analysis) -> tuple[TitleSeries, ...]:
    """The series of every title in every country, most postings first."""
    jobs, middle = analysis.sample.postings.jobs, analysis.sample.middle_usd
    pairs = pd.MultiIndex.from_arrays([jobs[TITLE].map(canonical_title), jobs[LOCATION]])
    codes, names = pd.factorize(pairs)
    codes = codes.astype(np.int64)
    counts = np.bincount(codes, minlength=len(names))
    quartiles = plain_quantiles(middle, codes, k=len(names), probabilities=(0.25, 0.5, 0.75))
    medians = analysis.medians(codes, k=len(names))
    adverts = pd.Series(analysis.sample.advert).groupby(codes).nunique()
    months, halves = _dates(analysis)
    newest, periods = months.groupby(codes).max(), _periods(analysis, codes, halves)
    found = [
        TitleSeries(
            title=str(title),
            country=str(country),
            postings=int(counts[n]),
            adverts=int(adverts[n]),
            newest=str(newest[n]),
            quartiles_usd=rounded_quartiles(quartiles[n]) if counts[n] >= LEAST else None,
            interval_usd=span(medians.low[n], medians.high[n]) if counts[n] >= MIN_CELL else None,
            periods=periods.get(n, ()),
        )
        for n, (title, country) in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.postings, one.title, one.country)))


def _dates(analysis: Analysis) -> tuple["pd.Series[str]", "pd.Series[str]"]:
    """The month ("2024-09") and the half year ("2024 H2") of the first snapshot that held each posting; its year where no
    calendar tells."""
    years, calendar = analysis.sample.postings.year.tolist(), analysis.calendar
    at = snapshot_of(analysis.sample.postings, calendar).tolist() if calendar else [-1] * len(years)
    days = [calendar.days[place] if calendar and place >= 0 else None for place in at]
    both = [
        (f"{day:%Y-%m}", f"{day.year} H{1 if day.month <= 6 else 2}") if day else (str(year), str(year))
        for day, year in zip(days, years, strict=True)
    ]
    return pd.Series([month for month, _ in both]), pd.Series([half for _, half in both])


def _periods(analysis: Analysis, pair: Ints, named: "pd.Series[str]") -> dict[int, tuple[Period, ...]]:
    """Pair -> its periods with postings enough to say something, in order of time."""
    period, names = pd.factorize(named, sort=True)
    cells, codes = np.unique(pair * len(names) + period, return_inverse=True)
    counts = np.bincount(codes)
    medians = analysis.medians(codes.astype(np.int64), k=len(cells))
    ends = plain_quantiles(analysis.sample.middle_usd, codes, k=len(cells), probabilities=(0.0, 1.0))
    found: dict[int, tuple[Period, ...]] = {}
    for cell in np.flatnonzero(counts >= LEAST).tolist():
        n, at = divmod(int(cells[cell]), len(names))
        found[n] = (*found.get(n, ()), _period(str(names[at]), int(counts[cell]), medians, ends[cell].tolist(), cell))
    return found


def _period(name: str, postings: int, medians: Medians, ends: list[float], cell: int) -> Period:
    few = postings < MIN_CELL
    low, high = span(*ends) if few else span(medians.low[cell], medians.high[cell])
    median = round(float(medians.median[cell]))
    return Period(name=name, postings=postings, median_usd=median, low_usd=low, high_usd=high, few=few)
