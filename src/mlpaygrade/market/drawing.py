"""Figures as inline SVG in two widths, without scripts, fonts or addresses.

Colours are the page's CSS variables, so a figure follows the reader's theme; what a screen reader is told about a mark becomes
its tooltip too.
"""

import re
from typing import Final

from mlpaygrade.market.figure import Figure
from mlpaygrade.rendering.palette import REFERENCES

WIDE: Final = 800
NARROW: Final = 344
"""Widths in pixels: a column of the page, and a phone's screen less its margins."""

_MARK: Final = re.compile(r'<(path|line|rect|circle)( aria-label="([^"]*)"[^>]*)/>')
_NAMESPACES: Final = re.compile(r' xmlns(:xlink)?="[^"]*"')
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"')


def draw(figure: Figure, *, width: int) -> str:
    """The figure as an SVG element `width` pixels wide."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(figure.draw(width=width, palette=REFERENCES).to_dict())
    svg = _SIZE.sub(r"\1", _NAMESPACES.sub("", svg), count=1)
    return _MARK.sub(r"<\1\2><title>\3</title></\1>", svg)
