"""Ranges of pay as bars on one dollar axis, in HTML that a screen reader reads as a list.

Enters: ranges in USD with their names. Leaves: markup for `style.css`; every text given is escaped here. Text stays text at
every width, colours follow the theme, and the same markup serves a page and a document to keep. Knows no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from mlpaygrade.rendering.words import dollar_range, dollars, signed_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of pay in USD. detail: a quieter second line. wide: drawn lighter. second: in the second colour."""

    name: str
    low_usd: float
    high_usd: float
    detail: str = ""
    wide: bool = False
    second: bool = False
    middle_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear dollar axis with round ends. ticks_usd: round amounts between them."""

    low_usd: float
    high_usd: float
    ticks_usd: tuple[float, ...]

    def place(self, usd: float) -> float:
        """Where an amount stands, in percent of the width, clipped to the axis."""
        return min(max(100 * (usd - self.low_usd) / (self.high_usd - self.low_usd), 0.0), 100.0)


def axis_over(amounts_usd: Sequence[float], *, intervals: int = 3) -> Axis:
    """A round axis that holds all the amounts in about that many steps."""
    low, high = min(amounts_usd), max(amounts_usd)
    rough = max(high - low, 1_000.0) / intervals
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = floor(low / step)
    last = -floor(-high / step)
    ticks = tuple(step * n for n in range(first, max(last, first + 1) + 1))
    return Axis(low_usd=ticks[0], high_usd=ticks[-1], ticks_usd=ticks)


def range_chart(
    ranges: Sequence[Range],
    *,
    typical_usd: float | None = None,
    offer_usd: float | None = None,
    label: str = "Ranges of pay",
) -> str:
    """The ranges below one another on one axis; marks for the typical pay and for an offer run through all of them."""
    amounts = [amount for item in ranges for amount in (item.low_usd, item.high_usd)]
    amounts += [usd for usd in (typical_usd, offer_usd) if usd is not None]
    axis = axis_over(amounts)
    marks = ""
    if typical_usd is not None:
        marks += f'<span class="tick" style="left:{axis.place(typical_usd):.2f}%"></span>'
    if offer_usd is not None:
        marks += f'<span class="tick offer" style="left:{axis.place(offer_usd):.2f}%"></span>'
    rows = "".join(_range_row(item, axis, marks) for item in ranges)
    return f'<ul class="mp-ranges" aria-label="{escape(label)}">{rows}{_axis_row(axis)}</ul>' + _key(
        typical_usd, offer_usd
    )


def _range_row(item: Range, axis: Axis, marks: str) -> str:
    left, right = axis.place(item.low_usd), axis.place(item.high_usd)
    kind = "bar" + (" wide" if item.wide else "") + (" second" if item.second else "")
    detail = f"<small>{escape(item.detail)}</small>" if item.detail else ""
    if item.middle_usd is not None:
        marks += f'<span class="tick" style="left:{axis.place(item.middle_usd):.2f}%"></span>'
    return (
        f'<li><span class="name">{escape(item.name)}{detail}</span>'
        f'<span class="amount">{dollar_range(item.low_usd, item.high_usd)}</span>'
        f'<span class="mp-track" aria-hidden="true"><span class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%">'
        f"</span>{marks}</span></li>"
    )


def _axis_row(axis: Axis) -> str:
    ticks = "".join(f'<span style="left:{axis.place(usd):.2f}%">{dollars(usd)}</span>' for usd in axis.ticks_usd)
    return (
        '<li class="mp-axis" aria-hidden="true"><span class="name"></span><span class="amount"></span>'
        f'<span class="mp-track">{ticks}</span></li>'
    )


def _key(typical_usd: float | None, offer_usd: float | None) -> str:
    entries = []
    if typical_usd is not None:
        entries.append(f"<li><i></i>Typical pay, {dollars(typical_usd)}</li>")
    if offer_usd is not None:
        entries.append(f'<li><i class="offer"></i>Your figure, {dollars(offer_usd)}</li>')
    return f'<ul class="mp-key">{"".join(entries)}</ul>' if entries else ""


def facts(items: Sequence[tuple[str, str, str]]) -> str:
    """Figures of equal weight side by side: (what it is, the figure, a quiet line)."""
    cells = "".join(
        f'<li><span class="what">{escape(what)}</span><span class="figure">{escape(figure)}</span>'
        f'<span class="mp-quiet">{escape(quiet)}</span></li>'
        for what, figure, quiet in items
    )
    return f'<ul class="mp-facts">{cells}</ul>'


def notes_list(notes: Sequence[str]) -> str:
    """Remarks as a list; nothing where there are none."""
    return f'<ul class="mp-notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>' if notes else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, words: bool = False) -> str:
    """A small table whose first column names the row; it scrolls by itself where the screen is narrow. words: cells are text."""
    kind = ' class="text"' if words else ""
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td{kind}>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<p class="mp-quiet mp-caption">{escape(caption)}</p>'
        f'<div class="mp-scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="mp-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step from a first amount to a last one, in USD."""

    name: str
    detail: str
    usd: float


def waterfall(first: tuple[str, float], steps: Sequence[Step], last: tuple[str, float], *, label: str) -> str:
    """How the steps lead from the first amount to the last; each bar spans what its step adds or takes."""
    totals = [first[1]]
    for step in steps:
        totals.append(totals[-1] + step.usd)
    axis = axis_over([*totals, last[1]])
    rows = [_point_row(first[0], first[1], axis)]
    for step, before in zip(steps, totals, strict=False):
        left, right = sorted((axis.place(before), axis.place(before + step.usd)))
        kind = "bar second" if step.usd < 0 else "bar"
        rows.append(
            f'<li><span class="name">{escape(step.name)}<small>{escape(step.detail)}</small></span>'
            f'<span class="amount">{signed_dollars(step.usd)}</span><span class="mp-track" aria-hidden="true">'
            f'<span class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%"></span></span></li>'
        )
    rows.append(_point_row(last[0], last[1], axis))
    key = '<ul class="mp-key"><li><i class="up"></i>raises the figure</li><li><i class="down"></i>lowers it</li></ul>'
    return f'<ul class="mp-ranges" aria-label="{escape(label)}">{"".join(rows)}{_axis_row(axis)}</ul>{key}'


def _point_row(name: str, usd: float, axis: Axis) -> str:
    return (
        f'<li><span class="name"><strong>{escape(name)}</strong></span><span class="amount">{dollars(usd)}</span>'
        f'<span class="mp-track" aria-hidden="true"><span class="tick" style="left:{axis.place(usd):.2f}%"></span></span></li>'
    )
