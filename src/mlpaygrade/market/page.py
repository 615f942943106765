"""The report: one self-contained HTML page of a document, without scripts and without any address to load from.

Charts are drawn as inline SVG in two widths. Their colours are the page's CSS variables, so they follow the reader's theme, and
what a screen reader is told about a mark becomes its tooltip too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mlpaygrade
from mlpaygrade.market import wording
from mlpaygrade.market.document import Counts, Figure, MarketDocument
from mlpaygrade.rendering.palette import REFERENCES, css_by_reader

TITLE: Final = "Pay in machine learning and data: the market, told honestly"
VERDICTS: Final = {"confirmed": "confirmed", "not confirmed": "not-confirmed", "true, but": "true-but"}
"""Cells of a table that have a style of their own."""
Progress = Callable[[str, int, int], None]

_MARK: Final = re.compile(r'<(path|line|rect|circle)( aria-label="([^"]*)"[^>]*)/>')
_NAMESPACES: Final = re.compile(r' xmlns(:xlink)?="[^"]*"')
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The file that a report is about. sha256: of its bytes. synthetic: generated, so no pay of anybody."""

    name: str
    sha256: str
    synthetic: bool


def report_page(document: MarketDocument, *, origin: Origin, progress: Progress | None = None) -> str:
    """The whole page."""
    from jinja2 import Environment, StrictUndefined

    total, drawn = sum(len(section.figures) for section in document.sections), 0

    def drawing(figure: Figure, width: int) -> str:
        nonlocal drawn
        drawn += 1
        if progress:
            progress("drawing", drawn, 2 * total)
        return draw(figure, width=width)

    folder = Path(__file__).parent
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        folder.joinpath("page.html").read_text(encoding="utf-8")
    )
    return template.render(
        document=document,
        origin=origin,
        title=TITLE,
        style=css_by_reader() + "\n" + folder.joinpath("page.css").read_text(encoding="utf-8"),
        facts=_facts(document),
        draw=drawing,
        rests_on=rests_on,
        verdicts=VERDICTS,
        version=mlpaygrade.__version__,
    )


def draw(figure: Figure, *, width: int) -> str:
    """The figure as an SVG element `width` pixels wide."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(figure.chart.draw(width=width, palette=REFERENCES).to_dict())
    svg = _SIZE.sub(r"\1", _NAMESPACES.sub("", svg), count=1)
    return _MARK.sub(r"<\1\2><title>\3</title></\1>", svg)


def rests_on(n: Counts) -> str:
    """What a section rests on, in words."""
    counted = ((n.rows, "row"), (n.postings, "posting"), (n.adverts, "advert"))
    return ", ".join(wording.count(count, noun) for count, noun in counted)


def _facts(document: MarketDocument) -> tuple[tuple[str, str], ...]:
    counts, (first, last) = document.counts, document.years
    return (
        ("Rows of the file", f"{counts.rows:,}"),
        ("Postings", f"{counts.postings:,}"),
        ("Different adverts", f"{counts.adverts:,}"),
        ("Work years", str(first) if first == last else f"{first}–{last}"),
    )
