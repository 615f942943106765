"""Ranges of pay as bars on one dollar axis, facts, notes and tables: markup for the app's style sheet.

Text stays text at every width and a screen reader reads lists; every text given is escaped here. The same markup serves a page
and a document to keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.waterfall_drawing import Axis, axis_over, axis_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of pay in USD. detail: a quieter second line. amount: what stands in place of both ends. wide: drawn lighter.

    second: in the second colour.
    """

    name: str
    low_usd: float
    high_usd: float
    detail: str = ""
    amount: str = ""
    wide: bool = False
    second: bool = False
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
    amounts = [amount for item in ranges for amount in (item.low_usd, item.high_usd)]
    amounts += [usd for usd in (typical_usd, offer_usd) if usd is not None]
    axis = axis_over(amounts, terms)
    marks = ""
    if typical_usd is not None:
        marks += f'<span class="tick" style="left:{axis.place(typical_usd):.2f}%"></span>'
    if offer_usd is not None:
        marks += f'<span class="tick offer" style="left:{axis.place(offer_usd):.2f}%"></span>'
    rows = "".join(_range_row(item, axis, marks, terms) for item in ranges)
    return f'<ul class="mp-ranges" aria-label="{escape(label)}">{rows}{axis_row(axis, terms)}</ul>' + _key(
        typical_usd, offer_usd, terms
    )


def _range_row(item: Range, axis: Axis, marks: str, terms: PayTerms) -> str:
    left, right = axis.place(item.low_usd), axis.place(item.high_usd)
    kind = "bar" + (" wide" if item.wide else "") + (" second" if item.second else "")
    detail = f"<small>{escape(item.detail)}</small>" if item.detail else ""
    if item.middle_usd is not None:
        marks += f'<span class="tick" style="left:{axis.place(item.middle_usd):.2f}%"></span>'
    return (
        f'<li><span class="name">{escape(item.name)}{detail}</span>'
        f'<span class="amount">{escape(item.amount or terms.range(item.low_usd, item.high_usd))}</span>'
        f'<span class="mp-track" aria-hidden="true"><span class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%">'
        f"</span>{marks}</span></li>"
    )


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
