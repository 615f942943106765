"""How steps lead from one amount to another: one drawing, as a list for the app's pages and as a picture for a file.

Both forms place the same rows on the same dollar axis. The list is text that a screen reader reads and that breaks on a narrow
screen; the SVG stands alone and follows the reader's light or dark setting; the PNG is that SVG, light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from typing import Final, Literal

from mlpaygrade.errors import ResourceError
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.palette import LIGHT, css_by_reader

WIDTH: Final = 760
ROW: Final = 34
LABELS_END: Final = 270
BARS_END: Final = 680
CLASS: Final = "waterfall"
LONGEST: Final = 36
"""Characters of a label in the picture; the description has it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear dollar axis with round ends. ticks_usd: round amounts between them."""

    low_usd: float
    high_usd: float
    ticks_usd: tuple[float, ...]

    def place(self, usd: float) -> float:
        """Where an amount stands, in percent of the width, clipped to the axis."""
        return min(max(100 * (usd - self.low_usd) / (self.high_usd - self.low_usd), 0.0), 100.0)


def axis_over(amounts_usd: Sequence[float], terms: PayTerms = DOLLARS, *, intervals: int = 3) -> Axis:
    """An axis that holds all the amounts in about that many steps, round in the terms that the reader sees."""
    low, high = (terms.of_usd(usd) for usd in (min(amounts_usd), max(amounts_usd)))
    rough = max(high - low, terms.of_usd(1_000.0)) / intervals
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = floor(low / step)
    last = -floor(-high / step)
    ticks = tuple(terms.to_usd(step * n) for n in range(first, max(last, first + 1) + 1))
    return Axis(low_usd=ticks[0], high_usd=ticks[-1], ticks_usd=ticks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a waterfall in USD. detail: a quieter second line."""

    name: str
    detail: str
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """From a first amount by steps to a last one, in USD. title: what it shows. said: the whole of it in words."""

    title: str
    said: str
    first_name: str
    first_usd: float
    steps: tuple[Step, ...]
    last_name: str
    last_usd: float

    def rows(self) -> tuple["Row", ...]:
        """The rows, top to bottom: the first amount, the steps, the last amount."""
        level = self.first_usd
        found = [Row(name=self.first_name, start_usd=level, end_usd=level)]
        for step in self.steps:
            found.append(Row(name=step.name, detail=step.detail, start_usd=level, end_usd=level + step.usd))
            level += step.usd
        return (*found, Row(name=self.last_name, start_usd=self.last_usd, end_usd=self.last_usd))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the drawing, from `start_usd` to `end_usd`; without a detail it is a mark at one amount."""

    name: str
    start_usd: float
    end_usd: float
    detail: str = ""

    @property
    def kind(self) -> Literal["level", "up", "down"]:
        """Whether the row marks an amount, adds to it or takes from it."""
        if not self.detail:
            return "level"
        return "up" if self.end_usd >= self.start_usd else "down"

    def amount(self, terms: PayTerms = DOLLARS) -> str:
        """The amount, or the difference with its sign."""
        return terms.text(self.end_usd) if self.kind == "level" else terms.signed(self.end_usd - self.start_usd)


def waterfall_html(waterfall: Waterfall, terms: PayTerms = DOLLARS) -> str:
    """The rows as a list for the app's style sheet."""
    rows = waterfall.rows()
    axis = axis_over([row.end_usd for row in rows], terms)
    key = '<ul class="mp-key"><li><i class="up"></i>raises the figure</li><li><i class="down"></i>lowers it</li></ul>'
    listed = "".join(_list_row(row, axis, terms) for row in rows)
    return f'<ul class="mp-ranges" aria-label="{escape(waterfall.title)}">{listed}{axis_row(axis, terms)}</ul>{key}'


def _list_row(row: Row, axis: Axis, terms: PayTerms) -> str:
    left, right = sorted((axis.place(row.start_usd), axis.place(row.end_usd)))
    if row.kind == "level":
        name, mark = f"<strong>{escape(row.name)}</strong>", f'<span class="tick" style="left:{left:.2f}%"></span>'
    else:
        colour = "bar second" if row.kind == "down" else "bar"
        name = f"{escape(row.name)}<small>{escape(row.detail)}</small>"
        mark = f'<span class="{colour}" style="left:{left:.2f}%;width:{right - left:.2f}%"></span>'
    return (
        f'<li><span class="name">{name}</span><span class="amount">{escape(row.amount(terms))}</span>'
        f'<span class="mp-track" aria-hidden="true">{mark}</span></li>'
    )


def axis_row(axis: Axis, terms: PayTerms = DOLLARS) -> str:
    """The last row of a list on a dollar axis: its ticks."""
    ticks = "".join(
        f'<span style="left:{axis.place(usd):.2f}%">{escape(terms.text(usd))}</span>' for usd in axis.ticks_usd
    )
    return (
        '<li class="mp-axis" aria-hidden="true"><span class="name"></span><span class="amount"></span>'
        f'<span class="mp-track">{ticks}</span></li>'
    )


def waterfall_svg(waterfall: Waterfall) -> str:
    """The rows as one SVG element that needs nothing else."""
    rows = waterfall.rows()
    axis = axis_over([row.end_usd for row in rows])
    height = ROW * (len(rows) + 1) + 14

    def x(usd: float) -> float:
        return LABELS_END + axis.place(usd) / 100 * (BARS_END - LABELS_END)

    lines = "".join(
        f'<path class="grid" d="M{x(usd):.1f} 8V{ROW * len(rows) + 10}"/>'
        f'<text class="quiet" x="{x(usd):.1f}" y="{ROW * len(rows) + 28}" text-anchor="middle">{DOLLARS.text(usd)}</text>'
        for usd in axis.ticks_usd
    )
    drawn = "".join(_picture_row(row, x(row.start_usd), x(row.end_usd), top=8 + ROW * n) for n, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" class="{CLASS}" '
        f'aria-labelledby="{CLASS}-title {CLASS}-text" style="width:100%;max-width:{WIDTH}px;height:auto">'
        f'<title id="{CLASS}-title">{escape(waterfall.title)}</title>'
        f'<desc id="{CLASS}-text">{escape(waterfall.said)}</desc><style>{_style()}</style>'
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>{lines}{drawn}</svg>'
    )


def _picture_row(row: Row, start: float, end: float, *, top: int) -> str:
    label = f"{row.name}: {row.detail}" if row.detail else row.name
    label = label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
    left, right = sorted((start, end))
    strong = " strong" if row.kind == "level" else ""
    mark = (
        f'<rect class="level" x="{end - 1.5:.1f}" y="{top + 2}" width="3" height="{ROW - 4}"/>'
        if row.kind == "level"
        else f'<rect class="{row.kind}" x="{left:.1f}" y="{top + 6}" width="{max(right - left, 1.5):.1f}" '
        f'height="{ROW - 12}" rx="3"/><path class="link" d="M{end:.1f} {top + ROW - 6}V{top + ROW + 6}"/>'
    )
    baseline = f"{top + ROW / 2 + 4.5:.1f}"
    return (
        f'<text class="label{strong}" x="{LABELS_END - 12}" y="{baseline}" text-anchor="end">{escape(label)}</text>'
        f'{mark}<text class="amount{strong}" x="{right + 8:.1f}" y="{baseline}">{escape(row.amount())}</text>'
    )


def _style() -> str:
    of = f".{CLASS}"
    parts = {"text": "ink", ".quiet": "muted", ".up": "accent", ".down": "second", ".level": "ink", ".paper": "surface"}
    fills = "".join(f"{of} {part}{{fill:var(--mp-{colour})}}" for part, colour in parts.items())
    return (
        f"{css_by_reader(of)}{of}{{font:14px system-ui,sans-serif}}{fills}{of} .quiet{{font-size:12px}}"
        f"{of} .strong{{font-weight:600}}{of} .amount{{font-variant-numeric:tabular-nums}}"
        f"{of} .link{{stroke:var(--mp-muted)}}{of} .grid{{stroke:var(--mp-grid)}}"
    )


def waterfall_png(waterfall: Waterfall) -> bytes:
    """The picture as PNG bytes, twice as large. Raises ResourceError where vl-convert-python is not installed."""
    try:
        import vl_convert
    except ImportError as error:
        raise ResourceError(
            "A PNG needs vl-convert-python, which this environment lacks. Ask for .svg, or: pip install 'mlpaygrade[market]'."
        ) from error
    svg = waterfall_svg(waterfall).replace(css_by_reader(f".{CLASS}"), "").replace("system-ui,", "")
    for name, colour in LIGHT.variables().items():
        svg = svg.replace(f"var({name})", colour)
    picture: bytes = vl_convert.svg_to_png(svg, scale=2)
    return picture
