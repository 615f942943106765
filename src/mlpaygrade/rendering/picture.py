"""A chart as a picture to keep: PNG or SVG, on white, with its title, its date and its source in it. Needs no network.

Drawn in a process of its own, as the drawing library takes 100 MB that it does not give back.
"""

import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from typing import Final, Literal

from mlpaygrade.errors import ResourceError
from mlpaygrade.rendering.charts import Chart
from mlpaygrade.rendering.palette import LIGHT

Kind = Literal["png", "svg"]
WIDTH: Final = 1080
"""Of a picture in pixels; a PNG has twice as many."""
LONGEST_S: Final = 60
_LINE: Final = 120
_PROGRAM: Final = (
    "import sys, vl_convert as v; s = sys.stdin.buffer.read().decode(); sys.stdout.buffer.write("
    "v.vegalite_to_png(s, scale=2) if sys.argv[1] == 'png' else v.vegalite_to_svg(s).encode())"
)


def can_draw() -> bool:
    """Whether the drawing library is installed."""
    return find_spec("vl_convert") is not None


def picture(chart: Chart, *, kind: Kind, title: str, notes: list[str]) -> bytes:
    """The chart as a file. notes: lines under the title, such as the date and the source.

    Raises ResourceError where the library is missing or does not answer.
    """
    if not can_draw():
        raise ResourceError("A picture needs vl-convert-python. Install it with `pip install 'mlpaygrade[app]'`.")
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, kind],
            input=json.dumps(_framed(chart, title, notes)).encode(),
            capture_output=True,
            timeout=LONGEST_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ResourceError("The picture could not be drawn. Try again, or take the numbers instead.") from error
    return done.stdout


def _framed(chart: Chart, title: str, notes: list[str]) -> dict[str, object]:
    """The chart with a head on white."""
    drawn: dict[str, object] = chart.draw(width=WIDTH, palette=LIGHT).to_dict()
    head, under = textwrap.wrap(title, 90), [line for note in notes for line in textwrap.wrap(note, _LINE)]
    height = drawn["height"]
    return {
        **drawn,
        "height": (height if isinstance(height, int) else 300) + 24 * len(head) + 16 * len(under) + 16,
        "background": LIGHT.surface,
        "padding": 16,
        "title": {
            "text": head,
            "subtitle": under,
            "anchor": "start",
            "frame": "bounds",
            "fontSize": 18,
            "subtitleFontSize": 12,
            "color": LIGHT.ink,
            "subtitleColor": LIGHT.muted,
            "offset": 14,
        },
    }
