"""What pages are made of: amounts as bars on one dollar axis, waterfalls, facts, notes and tables, as markup for the style sheet.

Text stays text at every width and a screen reader reads lists; every text given is escaped here. The same markup serves a
page and a document to keep. A waterfall is a picture too: the SVG stands alone and follows the reader's light or dark
setting; the PNG is that SVG, light.
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


def axis_over(amounts_usd: Sequence[float], terms: PayTerms = DOLLARS) -> Axis:
    """An axis that holds all the amounts in about three steps, round in the terms that the reader sees."""
    low, high = (terms.of_usd(usd) for usd in (min(amounts_usd), max(amounts_usd)))
    rough = max(high - low, terms.of_usd(1_000.0)) / 3
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
    return _bars_list(waterfall.title, [_list_row(row, axis, terms) for row in rows], axis, terms) + key


def _list_row(row: Row, axis: Axis, terms: PayTerms) -> str:
    if row.kind == "level":
        return _list_item(f"<strong>{escape(row.name)}</strong>", row.amount(terms), _tick(axis, row.end_usd))
    low, high = sorted((row.start_usd, row.end_usd))
    bar = _bar(axis, low, high, "bar second" if row.kind == "down" else "bar")
    return _list_item(f"{escape(row.name)}<small>{escape(row.detail)}</small>", row.amount(terms), bar)


def _bars_list(label: str, items: Sequence[str], axis: Axis, terms: PayTerms) -> str:
    """Items on one dollar axis, whose ticks are the last row."""
    ticks = "".join(
        f'<span style="left:{axis.place(usd):.2f}%">{escape(terms.text(usd))}</span>' for usd in axis.ticks_usd
    )
    return (
        f'<ul class="mp-ranges" aria-label="{escape(label)}">{"".join(items)}<li class="mp-axis" aria-hidden="true">'
        f'<span class="name"></span><span class="amount"></span><span class="mp-track">{ticks}</span></li></ul>'
    )


def _list_item(name: str, amount: str, marks: str) -> str:
    """A row of such a list. name, marks: as markup. amount: as text."""
    return (
        f'<li><span class="name">{name}</span><span class="amount">{escape(amount)}</span>'
        f'<span class="mp-track" aria-hidden="true">{marks}</span></li>'
    )


def _tick(axis: Axis, usd: float | None, kind: str = "tick") -> str:
    """A mark at an amount; nothing where there is none."""
    return "" if usd is None else f'<span class="{kind}" style="left:{axis.place(usd):.2f}%"></span>'


def _bar(axis: Axis, low_usd: float, high_usd: float, kind: str) -> str:
    left, right = axis.place(low_usd), axis.place(high_usd)
    return f'<span class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%"></span>'


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of pay in USD. detail: a quieter second line. amount: what stands in place of both ends. wide: drawn lighter."""

    name: str
    ends_usd: tuple[float, float]
    detail: str = ""
    amount: str = ""
    wide: bool = False
    middle_usd: float | None = None


def range_chart(
    ranges: Sequence[Range],
    terms: PayTerms = DOLLARS,
    *,
    typical_usd: float | None = None,
    offer_usd: float | None = None,
    label: str = "Ranges of pay",
) -> str:
    """The ranges below one another on one axis; marks for the typical pay and for an offer run through all of them."""
    amounts = [amount for item in ranges for amount in item.ends_usd]
    amounts += [usd for usd in (typical_usd, offer_usd) if usd is not None]
    axis = axis_over(amounts, terms)
    marks = _tick(axis, typical_usd) + _tick(axis, offer_usd, "tick offer")
    items = [_range_item(item, axis, marks, terms) for item in ranges]
    return _bars_list(label, items, axis, terms) + _key(typical_usd, offer_usd, terms)


def _range_item(item: Range, axis: Axis, marks: str, terms: PayTerms) -> str:
    kind = "bar wide" if item.wide else "bar"
    detail = f"<small>{escape(item.detail)}</small>" if item.detail else ""
    drawn = _bar(axis, *item.ends_usd, kind) + marks + _tick(axis, item.middle_usd)
    return _list_item(escape(item.name) + detail, item.amount or terms.range(*item.ends_usd), drawn)


def _key(typical_usd: float | None, offer_usd: float | None, terms: PayTerms) -> str:
    entries = []
    if typical_usd is not None:
        entries.append(f"<li><i></i>Typical pay, {escape(terms.text(typical_usd))}</li>")
    if offer_usd is not None:
        entries.append(f'<li><i class="offer"></i>Your figure, {escape(terms.text(offer_usd))}</li>')
    return f'<ul class="mp-key">{"".join(entries)}</ul>' if entries else ""


def bars_key(full: str, pale: str) -> str:
    """What the two shades of bars stand for."""
    return (
        f'<ul class="mp-key"><li><i class="up"></i>{escape(full)}</li>'
        f'<li><i class="up wide"></i>{escape(pale)}</li></ul>'
    )


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


def quiet(text: str) -> str:
    """A quieter paragraph, still dark enough to read."""
    return f'<p class="mp-quiet">{escape(text)}</p>'


def names_list(items: Sequence[tuple[str, str]], *, label: str) -> str:
    """Names with a value each, in as many columns as fit."""
    entries = "".join(f"<li><span>{escape(name)}</span> <b>{escape(value)}</b></li>" for name, value in items)
    return f'<ul class="mp-names" aria-label="{escape(label)}">{entries}</ul>'


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, words: bool = False) -> str:
    """A small table whose first column names the row; on a phone each row becomes a block, its cells below their headings.

    words: cells are text. A second line of a row's name is drawn smaller. Roles are said, as blocks would lose them.
    """
    kind = ' class="text"' if words else ""
    head = "".join(f'<th scope="col" role="columnheader"{kind}>{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr role="row"><th scope="row" role="rowheader">{_two_lines(row[0])}</th>'
        + "".join(
            f'<td role="cell" data-label="{escape(name)}"{kind}>{escape(cell)}</td>'
            for name, cell in zip(header[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<p class="mp-quiet mp-caption">{escape(caption)}</p><div class="mp-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}"><table class="mp-table" role="table"><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _two_lines(text: str) -> str:
    name, _, under = text.partition("\n")
    return escape(name) + (f"<small>{escape(under)}</small>" if under else "")
