"""Section 6: time. Volume, raw yearly change, and an index of pay whose composition is held fixed, by year and by week.

Enters: an analysis, perhaps with a calendar. Leaves: a section with the years and a series. A raw mean moves when other jobs are
advertised; the index compares alike jobs. Forecasts nothing.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.dataset.calendar import snapshot_of
from mlpaygrade.job.fields import LOCATION, YEAR
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number, row_moments
from mlpaygrade.market.model import TERMS, AdjustedModel, Effect, Term, as_json, fit_adjusted
from mlpaygrade.market.sample import MIN_CELL, Field, Ints, Sample

STEP_POSTINGS: Final = 100
"""Without a calendar a step of the series holds at least so many postings,"""
MOST_STEPS: Final = 60
"""and there are at most so many steps."""
ENOUGH_OF_A_SOURCE: Final = 30
WITHOUT_YEAR: Final[tuple[Term, ...]] = tuple(term for term in TERMS if term != ("year",))


def time_section(analysis: Analysis) -> Section:
    """The years, the index, and how much of the early rise goes with a change of the source."""
    years = _years(analysis)
    series = _series(analysis)
    source = _source_change(analysis)
    missing = None if len(years) > 1 else "The file has one work year, so there is no change to measure."
    return Section(
        key="time",
        title="Time",
        question="Is pay rising, or are other jobs being advertised?",
        answer="This file cannot say." if missing else _answer(years),
        effect=_effect(years, source),
        uncertainty=(
            f"Errors clustered by advert, 95{wording.NARROW}% intervals. "
            + (
                f"The series has {len(series['points'])} steps, each against the average of all of them."
                if series
                else ""
            )
        ),
        cannot=(
            *_on_sources(source),
            *_on_order(analysis),
            "The index holds the eight fields fixed; pay that moves because employers write other titles "
            "or levels for the same work "
            "is not separated.",
            "Nominal dollars, at the exchange rate that the file used; no correction for inflation.",
        ),
        n=analysis.counts,
        figures={"years": years, "series": series, "source": source},
        missing=missing,
    )


def _on_order(analysis: Analysis) -> list[str]:
    if analysis.arrival.tells_time:
        return []
    return [f"There is no series within years, as the file is not in the order of arrival: {analysis.arrival.why}."]


def _years(analysis: Analysis) -> list[dict[str, Any]]:
    sample = analysis.sample
    field = sample.fields["year"]
    raw = fit_adjusted(sample, terms=(("year",),))
    rows = row_moments(sample.rows, (YEAR,))
    counts, codes = field.counts(), field.codes
    main = sample.fields["country"].keys[sample.fields["country"].commonest()]
    home = sample.postings.jobs[LOCATION].to_numpy() == main
    lines: list[dict[str, Any]] = []
    for code, year in enumerate(field.keys):
        mine = codes == code
        few = bool(counts[code] < MIN_CELL)
        line = {
            "year": int(year),
            "rows": rows[(year,)].rows,
            "postings": int(counts[code]),
            "few": few,
            "paired_share": number(float(sample.postings.paired[mine].mean()), digits=4),
            "main_country_share": number(float(home[mine].mean()), digits=4),
            "mean_usd": number(rows[(year,)].mean),
            "deviation_usd": number(rows[(year,)].deviation),
            "median_usd": number(float(np.median(sample.middle_usd[mine]))),
            "mean_change": None,
            "raw": None if few else as_json(raw.effect("year", code)),
            "adjusted": None if few else as_json(analysis.model.effect("year", code)),
            "adjusted_step": None,
            "reference": code == field.commonest(),
        }
        if lines and int(year) == lines[-1]["year"] + 1:
            before = field.code(int(year) - 1)
            line["mean_change"] = number(rows[(year,)].mean / rows[(int(year) - 1,)].mean - 1, digits=6)
            if not few and not lines[-1]["few"] and before is not None:
                line["adjusted_step"] = as_json(analysis.model.effect("year", code, against=before))
                line["raw_step"] = as_json(raw.effect("year", code, against=before))
        lines.append(line)
    return lines


def _series(analysis: Analysis) -> dict[str, Any] | None:
    """The index by week where a calendar tells, else by equal steps of the order of arrival; None where there is no order,
    and for a short file.
    """
    if not analysis.arrival.tells_time:
        return None
    sample = analysis.sample
    if analysis.calendar is not None:
        step = snapshot_of(sample.postings, analysis.calendar)
        step = _merged(step)
        if len(np.unique(step[step >= 0])) > 1:
            days = [str(day) for day in analysis.calendar.days]
            return _index(sample, step, names=days, kind="week")
    steps = min(MOST_STEPS, len(sample) // STEP_POSTINGS)
    if steps < 4:
        return None
    step = (np.arange(len(sample)) * steps // len(sample)).astype(np.int64)
    when = np.bincount(step, weights=sample.postings.time_years) / np.bincount(step)
    return _index(sample, step, names=[f"{moment:.2f}" for moment in when], kind="order of arrival")


def _merged(step: Ints) -> Ints:
    """Steps of fewer than MIN_CELL postings joined to the next one, the last to the one before; -1 stays."""
    counts = np.bincount(step[step >= 0], minlength=1)
    target = np.arange(len(counts))
    held = 0
    for place in range(len(counts)):
        held += counts[place]
        if held >= MIN_CELL:
            target[place] = place
            held = 0
        else:
            target[place] = -2
    last = -1
    for place in range(len(counts) - 1, -1, -1):
        if target[place] == -2:
            target[place] = last
        last = target[place]
    full = np.flatnonzero(target >= 0)
    if len(full):
        target[target < 0] = full.max()
    return np.where(step >= 0, target[np.maximum(step, 0)], -1)


def _index(sample: Sample, step: Ints, *, names: list[str], kind: str) -> dict[str, Any]:
    dated = step >= 0
    part = sample.take(dated)
    kept, codes = np.unique(step[dated], return_inverse=True)
    labels = tuple(names[place] for place in kept)
    part = part.with_field(Field(key="week", codes=codes.astype(np.int64), keys=labels, labels=labels))
    adjusted = fit_adjusted(part, terms=(("week",), *WITHOUT_YEAR)).effects_against_average("week")
    raw = fit_adjusted(part, terms=(("week",),)).effects_against_average("week")
    counts = np.bincount(codes)
    when = np.bincount(codes, weights=part.postings.time_years) / counts
    return {
        "kind": kind,
        "undated": int((~dated).sum()),
        "points": [
            {
                "label": label,
                "time": round(float(moment), 3),
                "postings": int(n),
                "raw": _change(raw[place]),
                "adjusted": as_json(adjusted[place]),
            }
            for place, (label, moment, n) in enumerate(zip(labels, when, counts, strict=True))
        ],
    }


def _change(effect: Effect | None) -> float | None:
    return None if effect is None else round(float(np.expm1(effect.log_difference)), 4)


def _source_change(analysis: Analysis) -> dict[str, Any] | None:
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
    labels = ("Single figure", "Posted band")
    with_source = sample.with_field(Field(key="paired", codes=paired.astype(np.int64), keys=(0, 1), labels=labels))
    mixed = np.isin(years.codes, both)
    part = sample.take(mixed)
    part = part.with_field(Field(key="paired", codes=paired[mixed].astype(np.int64), keys=(0, 1), labels=labels))
    within = fit_adjusted(part, terms=(("paired",), *TERMS))
    raw = fit_adjusted(part, terms=(("paired",), ("year",)))
    full = fit_adjusted(with_source, terms=(("paired",), *TERMS))
    return {
        "years": [int(years.keys[code]) for code in both],
        "single": int((~paired[mixed]).sum()),
        "bands": int(paired[mixed].sum()),
        "raw": as_json(raw.effect("paired", 1, against=0)),
        "adjusted": as_json(within.effect("paired", 1, against=0)),
        "steps": _steps_beside_source(full, years),
    }


def _steps_beside_source(model: AdjustedModel, years: Field) -> list[dict[str, Any]]:
    """Yearly steps of the index with title, country and so on, and the kind of source, held fixed."""
    counts = years.counts()
    steps = []
    for code in range(1, len(years.keys)):
        if min(counts[code], counts[code - 1]) < MIN_CELL or int(years.keys[code]) != int(years.keys[code - 1]) + 1:
            continue
        steps.append({"year": int(years.keys[code]), "adjusted": as_json(model.effect("year", code, against=code - 1))})
    return steps


def _clear(change: dict[str, float] | None) -> bool:
    return change is not None and (change["low"] > 0 or change["high"] < 0)


def _answer(years: list[dict[str, Any]]) -> str:
    parts = []
    for line in years:
        if line["adjusted_step"] is None:
            continue
        step = line["adjusted_step"]
        verdict = "" if _clear(step) else ", not clear of zero"
        parts.append(
            f"{line['year']} {wording.signed_percent(line['mean_change'])} in the raw mean, "
            f"{wording.signed_percent(step['change'])} for alike jobs{verdict}"
        )
    return (
        f"Change against the year before: {'; '.join(parts)}."
        if parts
        else "No two years in a row have enough postings."
    )


def _effect(years: list[dict[str, Any]], source: dict[str, Any] | None) -> str:
    steps = [line for line in years if line["adjusted_step"] is not None]
    if not steps:
        return "None."
    top = max(steps, key=lambda line: abs(line["mean_change"]))
    step = top["adjusted_step"]
    ends = wording.interval(*(wording.signed_percent(step[end]) for end in ("low", "high")))
    text = (
        f"The largest raw change, {wording.signed_percent(top['mean_change'], digits=1)} in {top['year']}, is "
        f"{wording.signed_percent(step['change'])} for alike jobs ({ends})"
    )
    if source:
        beside = next((line for line in source["steps"] if line["year"] == top["year"]), None)
        if beside and beside["adjusted"]:
            ends = wording.interval(*(wording.signed_percent(beside["adjusted"][end]) for end in ("low", "high")))
            text += (
                f", and {wording.signed_percent(beside['adjusted']['change'])} ({ends}) with the kind "
                "of source held fixed too"
            )
    return text + "."


def _on_sources(source: dict[str, Any] | None) -> tuple[str, ...]:
    if source is None or source["adjusted"] is None:
        return (
            "No year has both single figures and posted bands in number, so a change of the source "
            "cannot be told from a change of pay.",
        )
    adjusted = source["adjusted"]
    ends = wording.interval(*(wording.signed_percent(adjusted[end]) for end in ("low", "high")))
    years = wording.listed([str(year) for year in source["years"]])
    return (
        f"Two kinds of source mix: single, survey-like figures and posted bands. In {years}, which "
        f"{'has' if len(source['years']) == 1 else 'have'} {source['single']:,} of the one kind and "
        f"{source['bands']:,} of the other, alike jobs "
        f"differ by {wording.signed_percent(adjusted['change'])} ({ends}) when posted as bands; that this "
        "gap was the same in earlier years is an assumption.",
    )
