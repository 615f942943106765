"""Figures as inline SVG that follows the reader's theme.

Enters: figures. Leaves: SVG text in two widths, without scripts, fonts or addresses. Colours become CSS variables of the page,
and what
a screen reader is told about a mark becomes its tooltip too.
"""

import re
from collections.abc import Mapping
from typing import Final

from mlpaygrade.market.figure import Figure
from mlpaygrade.rendering.charts import Palette

WIDE: Final = 800
NARROW: Final = 344
"""Widths in pixels: a column of the page, and a phone's screen less its margins."""

_STAND_INS: Final[Mapping[str, str]] = {
    "ink": "#010a01",
    "muted": "#010a02",
    "grid": "#010a03",
    "surface": "#010a04",
    "empty": "#010a05",
    "few": "#010a06",
    **{f"series-{i}": f"#010b0{i}" for i in range(5)},
    **{f"class-{i}": f"#010c0{i}" for i in range(5)},
}
"""CSS variable -> a colour that stands for it until the chart is drawn."""
_PALETTE: Final = Palette(
    ink=_STAND_INS["ink"],
    muted=_STAND_INS["muted"],
    grid=_STAND_INS["grid"],
    surface=_STAND_INS["surface"],
    empty=_STAND_INS["empty"],
    few=_STAND_INS["few"],
    series=tuple(_STAND_INS[f"series-{i}"] for i in range(5)),
    diverging=tuple(_STAND_INS[f"class-{i}"] for i in range(5)),
)
_MARK: Final = re.compile(r'<(path|line|rect|circle)( aria-label="([^"]*)"[^>]*)/>')
_NAMESPACES: Final = re.compile(r' xmlns(:xlink)?="[^"]*"')
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"')


def draw(figure: Figure, *, width: int) -> str:
    """The figure as an SVG element `width` pixels wide."""
    import vl_convert

    chart = figure.draw(width=width, palette=_PALETTE)
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    for name, colour in _STAND_INS.items():
        svg = svg.replace(colour, f"var(--{name})")
    svg = _NAMESPACES.sub("", svg)
    svg = _SIZE.sub(r"\1", svg, count=1)
    return _MARK.sub(r"<\1\2><title>\3</title></\1>", svg)
