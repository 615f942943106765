"""Section 2: remote work by level and by title family, raw and with the other fields held as they are."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Span, change_of, figure, number, pair_codes, span
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import AdjustedModel, Medians, holm, percentile_interval, two_sided_p
from mlpaygrade.market.sample import MIN_CELL, FieldKey
from mlpaygrade.market.wording import Change
from mlpaygrade.rendering.charts import Forest

ALPHA: Final = 0.05
"""A difference is called clear when its corrected p value is lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCell:
    """A level or family and a way of working, against the same group on site.

    raw: of the medians. adjusted: other fields held. p: of the adjusted difference, None where nothing was tested; once all
    are known it is corrected after Holm.
    """

    group: str
    way: str
    postings: int
    few: bool
    reference: bool
    median_usd: float | None
    interval_usd: Span | None
    raw: Change | None = None
    adjusted: Change | None = None
    p: float | None = None

    @property
    def clear(self) -> bool:
        """Whether the adjusted difference is clear of zero among all comparisons."""
        return self.p is not None and self.p < ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """The cells, and how many of them were compared with on site."""

    by_level: tuple[RemoteCell, ...]
    by_family: tuple[RemoteCell, ...]
    comparisons: int


def remote_section(analysis: Analysis) -> Finding[Remote]:
    """Hybrid and fully remote against on site."""
    remote = analysis.sample.fields["remote"]
    base = remote.code(0)
    if base is None or len(remote.keys) < 2:
        missing = "The file has no two ways of working to compare, one of them on site."
        return Finding(missing=missing)
    cells = [
        _cells(analysis, "level", analysis.model, base=base),
        _cells(analysis, "family", analysis.family_model, base=base),
    ]
    corrected = iter(holm([cell.p for part in cells for cell in part if cell.p is not None]))
    by_level, by_family = (
        tuple(replace(cell, p=round(next(corrected), 4)) if cell.p is not None else cell for cell in part)
        for part in cells
    )
    tested = [cell for cell in (*by_level, *by_family) if cell.p is not None]
    return Finding(
        numbers=Remote(by_level=by_level, by_family=by_family, comparisons=len(tested)),
        answer=_answer(by_level),
        effect=_effect(by_level, tested),
        uncertainty=f"Intervals hold 95{wording.NARROW}% each and treat copies of an advert as one piece of evidence; 'clear' in "
        f"the text means clear of zero after Holm's correction for all {len(tested)} comparisons, which asks for more than one "
        "interval that leaves zero out.",
        cannot=(
            "Which jobs are offered remotely is chosen by employers; the adjusted figure holds year, title, country, size, level "
            "and employment fixed, and nothing else.",
            *_about_hybrid(analysis),
            f"Cells of fewer than {MIN_CELL} postings are marked and not compared.",
        ),
        figures=[
            _figure("remote-level", "Pay against on site, by experience level", by_level),
            _figure("remote-family", "Pay against on site, by title family", by_family),
        ],
    )


def _cells(analysis: Analysis, key: FieldKey, model: AdjustedModel, *, base: int) -> list[RemoteCell]:
    sample = analysis.sample
    field, remote = sample.fields[key], sample.fields["remote"]
    codes, k = pair_codes(sample, key, "remote")
    counts = np.bincount(codes, minlength=k)
    medians = analysis.medians(codes, k=k)
    cells = []
    for at in np.flatnonzero(counts).tolist():
        group, way = divmod(at, len(remote.keys))
        on_site = at - way + base
        cell = RemoteCell(
            group=field.labels[group],
            way=remote.labels[way],
            postings=int(counts[at]),
            few=bool(counts[at] < MIN_CELL),
            reference=way == base,
            median_usd=number(medians.median[at]),
            interval_usd=span(medians.low[at], medians.high[at]) if counts[at] >= MIN_CELL else None,
        )
        if min(counts[at], counts[on_site]) >= MIN_CELL:
            effect = model.effect("remote", way, against=base, given={key: group})
            tested = effect is not None and way != base
            cell = replace(
                cell,
                adjusted=change_of(effect),
                p=two_sided_p(effect.log_difference, effect.error) if effect and tested else None,
                raw=_raw(medians, at=at, base=on_site),
            )
        cells.append(cell)
    return cells


def _raw(medians: Medians, *, at: int, base: int) -> Change:
    """Raw difference of medians."""
    change = medians.median[at] / medians.median[base] - 1
    ratio = medians.replicates[:, at] / medians.replicates[:, base] - 1
    low, high = percentile_interval(ratio, np.asarray(change))
    return Change.of(change, float(low), float(high))


def _about_hybrid(analysis: Analysis) -> tuple[str, ...]:
    """How hybrid adverts differ from the others in where and when, which no adjustment fully undoes."""
    sample = analysis.sample
    remote, country, year = (sample.fields[key] for key in ("remote", "country", "year"))
    code = remote.code(50)
    if code is None or len(year.keys) < 2:
        return ()
    hybrid = remote.codes == code
    main, newest = country.commonest(), len(year.keys) - 1
    here = [wording.percent(float(np.mean(country.codes[mask] == main))) for mask in (hybrid, ~hybrid)]
    now = [wording.percent(float(np.mean(year.codes[mask] == newest))) for mask in (hybrid, ~hybrid)]
    return (
        f"Hybrid is {wording.percent(float(hybrid.mean()))} of postings and another population: {here[0]} of them are from "
        f"{country.labels[main]} against {here[1]} of the rest, {now[0]} from {year.keys[newest]} against {now[1]}.",
    )


def _answer(by_level: tuple[RemoteCell, ...]) -> str:
    parts = [
        f"{wording.lower_first(cell.group)} {cell.raw.text} raw, {cell.adjusted.text} adjusted "
        f"({'clear' if cell.clear else 'not clear'})"
        for cell in by_level
        if cell.way == "Fully remote" and cell.adjusted and cell.raw and not cell.reference
    ]
    if not parts:
        return f"No level has {MIN_CELL} postings both fully remote and on site, so the data cannot say."
    return f"Fully remote against on site: {'; '.join(parts)}."


def _effect(by_level: tuple[RemoteCell, ...], tested: list[RemoteCell]) -> str:
    if not tested:
        return "None."
    clear = [(cell, cell.adjusted) for cell in tested if cell.clear and cell.adjusted]
    if not clear:
        return f"None of {len(tested)} adjusted differences is clear of zero."
    largest, adjusted = max(clear, key=lambda pair: abs(pair[1].value))
    few = sum(cell.few for cell in by_level)
    return (
        f"{len(clear)} of {len(tested)} adjusted differences are clear of zero; the largest of them: {largest.group}, "
        f"{wording.lower_first(largest.way)}, {adjusted.text} ({adjusted.interval}). "
        f"{few} of {len(by_level)} cells by level are too small to judge."
    )


def _figure(key: str, title: str, cells: tuple[RemoteCell, ...]) -> Figure:
    marks = [
        change.mark(f"{cell.group}, {cell.way.lower()}", series)
        for cell in cells
        if cell.adjusted and cell.raw and not cell.reference
        for series, change in (("Raw medians", cell.raw), ("Adjusted", cell.adjusted))
    ]
    return figure(
        key,
        title,
        "Points with 95 % intervals: difference from on-site pay, raw and with title, country, year, size and employment held "
        "fixed.",
        Forest(marks=tuple(marks), axis="change", x_title="difference from on site"),
        cells,
        ("Group", lambda cell: cell.group),
        ("Way of working", lambda cell: cell.way),
        ("Postings", lambda cell: wording.postings(cell.postings, few=cell.few)),
        ("Median", lambda cell: wording.usd(cell.median_usd)),
        (wording.INTERVAL, lambda cell: wording.span(cell.interval_usd)),
        ("Raw difference", lambda cell: wording.change(cell.raw, reference=cell.reference)),
        ("Adjusted", lambda cell: wording.change(cell.adjusted, reference=cell.reference)),
        (wording.INTERVAL, lambda cell: wording.ends(cell.adjusted, reference=cell.reference)),
        ("p (Holm)", lambda cell: wording.DASH if cell.p is None else wording.p_value(cell.p)),
    )
