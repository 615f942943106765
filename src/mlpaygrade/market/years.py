"""Section 6: time. Volume, raw yearly change, an index of pay whose composition is held fixed, and each title's own history.

A raw mean moves when other jobs are advertised; the index compares alike jobs. The history of a title in a country holds
nothing fixed: medians of what was advertised, half a year at a time where a calendar dates the postings, else by year.
Forecasts nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import pandas as pd

from mlpaygrade.dataset.postings import snapshot_of
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import LOCATION, TITLE, YEAR
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import (
    DASH,
    INTERVAL,
    Analysis,
    Change,
    Finding,
    Medians,
    Question,
    change_cells,
    change_of,
    number,
    row_moments,
    span,
)
from mlpaygrade.market.document import Figure, Period, TitleSeries
from mlpaygrade.market.inference import TERMS, AdjustedModel, Term, fit_adjusted, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Coded, Floats, Ints, Sample
from mlpaygrade.rendering.charts import Bars, Forest, Line, Mark

QUESTION: Final = Question(key="time", title="Time", question="Is pay rising, or are other jobs being advertised?")
STEP_POSTINGS: Final = 100
"""Without a calendar a step of the series holds at least so many postings,"""
MOST_STEPS: Final = 60
"""and there are at most so many steps."""
ENOUGH_OF_A_SOURCE: Final = 30
WITHOUT_YEAR: Final[tuple[Term, ...]] = tuple(term for term in TERMS if term != ("year",))


@dataclass(frozen=True, slots=True, kw_only=True)
class YearLine:
    """A work year. raw, adjusted: geometric mean and alike jobs, against the commonest year. mean_change, raw_step,
    adjusted_step: against the year before, where that is in the file. Shares are of postings."""

    year: int
    rows: int
    postings: int
    few: bool
    paired_share: float
    main_country_share: float
    mean_usd: float
    deviation_usd: float | None
    median_usd: float
    reference: bool
    mean_change: float | None = None
    raw: Change | None = None
    adjusted: Change | None = None
    raw_step: Change | None = None
    adjusted_step: Change | None = None


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
class YearStep:
    """A yearly step of the index with the kind of source held fixed too."""

    year: int
    adjusted: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """Posted bands against single figures, inside the years that have both. single, bands: postings of either kind."""

    years: tuple[int, ...]
    single: int
    bands: int
    raw: Change | None
    adjusted: Change | None
    steps: tuple[YearStep, ...]


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
        silent: Finding[Years] = QUESTION.open(
            "The file has one work year, so there is no change to measure.", n=analysis.counts
        )
        return Finding(section=silent.section, numbers=found)
    steps = (
        f"The series has {len(found.series.points)} steps, each against the average of all of them."
        if found.series
        else ""
    )
    return QUESTION.answered(
        found,
        answer=_answer(found.years),
        effect=_effect(found),
        uncertainty=f"Errors clustered by advert, 95{wording.NARROW}% intervals. {steps}",
        cannot=(
            _on_sources(found.source),
            *_on_order(analysis),
            "The index holds the eight fields fixed; pay that moves because employers write other titles "
            "or levels for the same work "
            "is not separated.",
            "Nominal dollars, at the exchange rate that the file used; no correction for inflation.",
        ),
        n=analysis.counts,
        figures=_figures(found),
    )


def _on_order(analysis: Analysis) -> list[str]:
    if analysis.arrival.tells_time:
        return []
    return [f"There is no series within years, as the file is not in the order of arrival: {analysis.arrival.why}."]


def _years(analysis: Analysis) -> tuple[YearLine, ...]:
    sample = analysis.sample
    field = sample.fields["year"]
    raw = fit_adjusted(sample, terms=(("year",),))
    rows = row_moments(sample.rows, (YEAR,))
    counts = field.counts()
    main = sample.fields["country"].keys[sample.fields["country"].commonest()]
    home = sample.postings.jobs[LOCATION].to_numpy() == main
    lines: list[YearLine] = []
    for code, key in enumerate(field.keys):
        mine, year = field.codes == code, int(key)
        few = bool(counts[code] < MIN_CELL)
        before = field.code(year - 1)
        step = before if before is not None and min(counts[code], counts[before]) >= MIN_CELL else None
        change = rows[(year,)].mean / rows[(year - 1,)].mean - 1 if before is not None else np.nan
        lines.append(
            YearLine(
                year=year,
                rows=rows[(year,)].rows,
                postings=int(counts[code]),
                few=few,
                paired_share=round(float(sample.postings.paired[mine].mean()), 4),
                main_country_share=round(float(home[mine].mean()), 4),
                mean_usd=float(round(rows[(year,)].mean)),
                deviation_usd=number(rows[(year,)].deviation),
                median_usd=float(round(float(np.median(sample.middle_usd[mine])))),
                reference=code == field.commonest(),
                mean_change=number(change, digits=6),
                raw=None if few else change_of(raw.effect("year", code)),
                adjusted=None if few else change_of(analysis.model.effect("year", code)),
                raw_step=None if step is None else change_of(raw.effect("year", code, against=step)),
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
        Point(
            label=label,
            time=round(float(moment), 3),
            postings=int(n),
            raw=change_of(raw[place]),
            adjusted=change_of(adjusted[place]),
        )
        for place, (label, moment, n) in enumerate(zip(labels, when, counts, strict=True))
    )
    return Series(kind=kind, undated=int((~dated).sum()), points=points)


def _source_change(analysis: Analysis) -> SourceChange | None:
    """Single figures against posted bands inside the years that have both, and the yearly index with that held fixed too."""
    sample = analysis.sample
    paired = sample.postings.paired
    years = sample.fields["year"]
    both = [
        code
        for code in range(len(years.keys))
        if min((paired & (years.codes == code)).sum(), (~paired & (years.codes == code)).sum()) >= ENOUGH_OF_A_SOURCE
    ]
    if not both:
        return None
    mixed = np.isin(years.codes, both)
    part = _with_source(sample.take(mixed))
    within = fit_adjusted(part, terms=(("paired",), *TERMS))
    raw = fit_adjusted(part, terms=(("paired",), ("year",)))
    full = fit_adjusted(_with_source(sample), terms=(("paired",), *TERMS))
    return SourceChange(
        years=tuple(int(years.keys[code]) for code in both),
        single=int((~paired[mixed]).sum()),
        bands=int(paired[mixed].sum()),
        raw=change_of(raw.effect("paired", 1, against=0)),
        adjusted=change_of(within.effect("paired", 1, against=0)),
        steps=_steps_beside_source(full, years),
    )


def _with_source(sample: Sample) -> Sample:
    codes = sample.postings.paired.astype(np.int64)
    return sample.with_field(Coded(key="paired", codes=codes, keys=(0, 1), labels=("Single figure", "Posted band")))


def _steps_beside_source(model: AdjustedModel, years: Coded) -> tuple[YearStep, ...]:
    counts = years.counts()
    return tuple(
        YearStep(year=int(years.keys[code]), adjusted=change_of(model.effect("year", code, against=code - 1)))
        for code in range(1, len(years.keys))
        if min(counts[code], counts[code - 1]) >= MIN_CELL and int(years.keys[code]) == int(years.keys[code - 1]) + 1
    )


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
    beside = (
        next((part.adjusted for part in found.source.steps if part.year == top.year), None) if found.source else None
    )
    if beside:
        text += f", and {beside.text} ({beside.interval}) with the kind of source held fixed too"
    return text + "."


def _on_sources(source: SourceChange | None) -> str:
    if source is None or source.adjusted is None:
        return (
            "No year has both single figures and posted bands in number, so a change of the source "
            "cannot be told from a change of pay."
        )
    years = wording.listed([str(year) for year in source.years])
    return (
        f"Two kinds of source mix: single, survey-like figures and posted bands. In {years}, "
        f"which {'has' if len(source.years) == 1 else 'have'} {source.single:,} of the one kind and "
        f"{source.bands:,} of the other, alike jobs "
        f"differ by {source.adjusted.text} ({source.adjusted.interval}) when posted as bands; that this "
        "gap was the same in earlier years is an assumption."
    )


def _figures(found: Years) -> list[Figure]:
    years = found.years
    reference = next(line.year for line in years if line.reference)
    table = tuple(map(_year_row, years))
    columns = (
        "Year",
        "Rows",
        "Postings",
        "Mean of rows",
        "Change",
        "Deviation",
        f"Alike jobs against {reference}",
        INTERVAL,
        "From the main country",
        "Posted as a band",
    )
    volume = tuple(
        Mark(label=str(line.year), value=line.postings, few=line.few, text=f"{line.year}: {line.postings:,} postings")
        for line in years
    )
    figures = [
        Figure(
            key="time-volume",
            title="Postings by year",
            alt="Bars: number of postings of each work year.",
            columns=columns[:3],
            rows=tuple(row[:3] for row in table),
            chart=Bars(marks=volume, axis="count", x_title="postings"),
        )
    ]
    marks = tuple(
        change.mark(str(line.year), series)
        for line in years
        for series, change in (("Raw geometric mean", line.raw), ("Alike jobs", line.adjusted))
        if change and not line.reference
    )
    if marks:
        figures.append(
            Figure(
                key="time-years",
                title=f"Pay against {reference}: raw, and for alike jobs",
                alt="Points with 95 % intervals per year: the raw difference and the difference with composition held fixed.",
                columns=columns,
                rows=table,
                chart=Forest(marks=marks, axis="change", x_title=f"difference from {reference}", step=34),
            )
        )
    return [*figures, _series_figure(found.series)] if found.series else figures


def _year_row(line: YearLine) -> tuple[str, ...]:
    adjusted, ends = (DASH, DASH) if line.reference else change_cells(line.adjusted)
    return (
        str(line.year),
        f"{line.rows:,}",
        f"{line.postings:,}",
        wording.exact_dollars(line.mean_usd),
        wording.signed_percent(line.mean_change, digits=1) if line.mean_change is not None else DASH,
        wording.exact_dollars(line.deviation_usd) if line.deviation_usd is not None else DASH,
        adjusted,
        ends,
        wording.percent(line.main_country_share),
        wording.percent(line.paired_share),
    )


def _series_figure(series: Series) -> Figure:
    weekly = series.kind == "week"
    marks = []
    for point in series.points:
        if point.adjusted is None or point.raw is None:
            continue
        at = point.label if weekly else point.time
        change, raw = point.adjusted, point.raw
        text = f"{point.label}: {change.text} for alike jobs ({change.ends}), {point.postings:,} postings"
        marks += [
            Mark(at=at, series="Alike jobs", value=change.change, low=change.low, high=change.high, text=text),
            Mark(at=at, series="Raw", value=raw.change, text=f"{point.label}: {raw.text} raw"),
        ]
    undated = f" ({wording.count(series.undated, 'posting')} before it undated)" if series.undated else ""
    title = "Week by week" if weekly else "In order of arrival"
    return Figure(
        key="time-series",
        title=f"{title}: pay against the average of the period{undated}",
        alt=f"Two lines over {len(series.points)} steps: raw pay, and pay of alike jobs with its 95 % band.",
        columns=("When", "Postings", "Raw", "Alike jobs", INTERVAL),
        rows=tuple(
            (
                point.label,
                f"{point.postings:,}",
                point.raw.text if point.raw else DASH,
                *change_cells(point.adjusted),
            )
            for point in series.points
        ),
        chart=Line(
            marks=tuple(marks),
            axis="change",
            x_title="week of arrival" if weekly else "estimated time of arrival",
            y_title="difference from the average",
            temporal=weekly,
        ),
    )


LEAST: Final = 5
"""Fewer postings are counted, and no pay is said of them."""


def title_series(analysis: Analysis) -> tuple[TitleSeries, ...]:
    """The series of every title in every country, most postings first."""
    jobs = analysis.sample.postings.jobs
    pairs = pd.MultiIndex.from_arrays([jobs[TITLE].map(taxonomy.canonical_title), jobs[LOCATION]])
    codes, names = pd.factorize(pairs)
    codes = codes.astype(np.int64)
    k = len(names)
    middle = analysis.sample.middle_usd
    counts = np.bincount(codes, minlength=k)
    quartiles = plain_quantiles(middle, codes, k=k, probabilities=(0.25, 0.5, 0.75))
    medians = analysis.medians(codes, k=k)
    adverts = pd.Series(analysis.sample.advert).groupby(codes).nunique()
    dates, periods = _dates(analysis), _periods(analysis, codes)
    newest = pd.Series(dates).groupby(codes).max()
    found = [
        TitleSeries(
            title=str(title),
            country=str(country),
            postings=int(counts[n]),
            adverts=int(adverts[n]),
            newest=str(newest[n]),
            quartiles_usd=_three(quartiles[n]) if counts[n] >= LEAST else None,
            interval_usd=medians.interval_usd(n) if counts[n] >= MIN_CELL else None,
            periods=periods.get(n, ()),
        )
        for n, (title, country) in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.postings, one.title, one.country)))


def _dates(analysis: Analysis) -> list[str]:
    """The month of each posting, "2024-09"; its year where no calendar tells."""
    days = _days(analysis)
    years = analysis.sample.postings.year.tolist()
    return [str(year) if day is None else f"{day:%Y-%m}" for day, year in zip(days, years, strict=True)]


def _days(analysis: Analysis) -> list[date | None]:
    """The day of the first snapshot that held each posting; None where no calendar tells."""
    if analysis.calendar is None:
        return [None] * len(analysis.sample)
    days = analysis.calendar.days
    return [days[at] if at >= 0 else None for at in snapshot_of(analysis.sample.postings, analysis.calendar).tolist()]


def _periods(analysis: Analysis, pair: Ints) -> dict[int, tuple[Period, ...]]:
    """Pair -> its periods with postings enough to say something, in order of time."""
    years = analysis.sample.postings.year.tolist()
    named = [
        str(year) if day is None else f"{day.year} H{1 if day.month <= 6 else 2}"
        for day, year in zip(_days(analysis), years, strict=True)
    ]
    period, names = pd.factorize(np.array(named, dtype=object), sort=True)
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
    low, high = span(ends[0], ends[1], digits=0) if few else medians.interval_usd(cell)
    median = round(float(medians.median[cell]))
    return Period(name=name, postings=postings, median_usd=median, low_usd=low, high_usd=high, few=few)


def _three(quartiles: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(round(float(usd))) for usd in quartiles)
    return low, middle, high
