"""Forms of charts as data (forests, bars, stacks, histograms, lines with bands, ranges, a map of tiles), and as pictures.

A chart holds its marks in plain numbers and words, so it can be kept as JSON and drawn later at any width, in any palette;
report and app draw the same ones with Altair. Where series meet, their shapes differ as well as their colours. A picture to
keep (PNG or SVG, on white, with title, date and source) is drawn in a process of its own, as the drawing library takes 100 MB
that it does not give back; it needs no network.
"""

import json
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Literal

import altair as alt
import msgspec

from mlpaygrade.errors import ResourceError
from mlpaygrade.rendering.palette import LIGHT, Palette

NARROW: Final = 500
"""Below this width in pixels legends stack and labels are shortened."""
WIDE: Final = 900
"""From this width on a legend of long names has two columns."""
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart
Scale = Literal["percent", "change", "dollars", "count", "factor", "plain", "log dollars"]
"""How an axis of numbers is written."""

_WRITTEN: Final[dict[Scale, str]] = {
    "percent": "format(datum.value * 100, '.0f') + ' %'",
    "change": "(datum.value > 0 ? '+' : '') + format(datum.value * 100, '.0f') + ' %'",
    "dollars": "'$' + format(datum.value / 1000, ',.0f') + 'K'",
    "count": "format(datum.value, ',')",
    "factor": "'× ' + format(datum.value, '.2~f')",
    "plain": "format(datum.value, '.2~f')",
    "log dollars": "'$' + format(round(pow(10, datum.value) / 1000), ',') + 'K'",
}
_SHAPES: Final = ("circle", "diamond", "square", "triangle-up", "cross")
_DASHES: Final = ([1, 0], [5, 3], [2, 2], [8, 2], [1, 3])


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One mark. text: what a screen reader and a tooltip say. low, high: its interval, or its two ends. few: drawn grey."""

    text: str
    label: str = ""
    series: str = ""
    at: float | str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    few: bool = False


class Tile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A square of a map. state: one of the map's classes, "few" or "empty". said: its value, written on it."""

    x: int
    y: int
    code: str
    state: str
    text: str = ""
    said: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A labelled vertical line."""

    at: float
    label: str


class _Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=str.lower):
    """A form of chart; each tells its layers and their height."""

    def draw(self, *, width: int, palette: Palette) -> Drawing:
        """The chart at a total width in pixels."""
        chart, height = self._drawn(width, palette)
        return _finish(chart, width=width, height=height, palette=palette)

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        raise NotImplementedError


class Forest(_Form, frozen=True):
    """Points with intervals, a line per label. zero: where a reference line stands. step: least height of a line in pixels."""

    marks: tuple[Mark, ...]
    axis: Scale
    x_title: str
    zero: float | None = 0.0
    step: int = 24

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        labels, series = _labelled(self.marks, width), _names(self.marks, "series")
        data = _data(labels.rows)
        y = alt.Y("label:N", sort=labels.order, axis=labels.axis, scale=alt.Scale(paddingInner=0.25, paddingOuter=0.25))
        offset = alt.YOffset("series:N", sort=series)
        legend = _legend(width) if len(series) > 1 else None
        colour = _colour(series, palette.series, legend)
        shape = alt.Shape("series:N", sort=series, scale=_scale(series, _SHAPES), legend=legend)
        base = alt.Chart(data)
        x = alt.X("value:Q", axis=_x_axis(self.axis, self.x_title, width), scale=alt.Scale(zero=False, nice=True))
        layers = [_reference(palette, at=self.zero).encode(x=alt.X("at:Q"))] if self.zero is not None else []
        layers += [
            base.transform_filter("isValid(datum.low)")
            .mark_rule(strokeWidth=2, aria=False)
            .encode(y=y, yOffset=offset, x=alt.X("low:Q"), x2="high:Q", color=colour),
            base.mark_point(filled=True, size=70, opacity=1).encode(
                y=y, yOffset=offset, x=x, color=colour, shape=shape, **_said()
            ),
        ]
        line = max(self.step, labels.step, 15 * len(series) + 6)
        height = len(labels.order) * line + 40 + 20 * (len(series) if len(series) > 1 else 0)
        return alt.layer(*layers), height


class Bars(_Form, frozen=True):
    """Horizontal bars."""

    marks: tuple[Mark, ...]
    axis: Scale
    x_title: str

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        labels = _labelled(self.marks, width)
        chart = (
            alt.Chart(_data(labels.rows))
            .mark_bar(height={"band": 0.7})
            .encode(
                y=alt.Y("label:N", sort=labels.order, axis=labels.axis),
                x=alt.X("value:Q", axis=_x_axis(self.axis, self.x_title, width), scale=alt.Scale(zero=True)),
                color=alt.condition("datum.few", alt.value(palette.few), alt.value(palette.series[0])),
                **_said(),
            )
        )
        return chart, len(labels.order) * max(26, labels.step) + 46


class Stacked(_Form, frozen=True):
    """Stacked horizontal bars, in the order given. colours: which of the palette's colours each series takes."""

    marks: tuple[Mark, ...]
    axis: Scale
    colours: tuple[int, ...] = (0, 1, 2, 3, 4)

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        labels, series = _labelled(self.marks, width), _names(self.marks, "series")
        chosen = [palette.series[self.colours[place]] for place in range(len(series))]
        data = _data([{**row, "order": series.index(row["series"])} for row in labels.rows])
        chart = (
            alt.Chart(data)
            .mark_bar(stroke=palette.surface, strokeWidth=2)
            .encode(
                y=alt.Y("label:N", sort=labels.order, axis=labels.axis),
                x=alt.X("value:Q", stack=True, axis=_x_axis(self.axis, None, width), scale=alt.Scale(nice=False)),
                color=_colour(series, chosen, _legend(width)),
                order="order:Q",
                **_said(),
            )
        )
        legend = 22 * (len(series) if width < NARROW else 1)
        return chart, len(labels.order) * 46 + 40 + legend


class Histogram(_Form, frozen=True):
    """Bars from `low` to `high` of each mark, with labelled vertical lines. ticks: where the axis has labels, if given."""

    marks: tuple[Mark, ...]
    rules: tuple[Rule, ...]
    axis: Scale
    x_title: str
    y_title: str = "rows"
    ticks: tuple[float, ...] = ()

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        low, high = min(mark.low or 0 for mark in self.marks), max(mark.high or 0 for mark in self.marks)
        top = max(mark.value or 0 for mark in self.marks)
        scale = alt.Scale(domain=[low, high], nice=False)
        axis = _x_axis(self.axis, self.x_title, width)
        if self.ticks:
            ticks = list(self.ticks)
            axis = alt.Axis(labelExpr=_WRITTEN[self.axis], title=self.x_title, values=ticks, labelFlush=False)
        y = alt.Y("value:Q", axis=_y_axis("count", self.y_title, 4), scale=alt.Scale(domain=[0, top * 1.3], nice=False))
        bar = (
            alt.Chart(_data(_rows(self.marks)))
            .mark_rect(color=palette.series[0], stroke=palette.surface, strokeWidth=0.6)
            .encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, y2=alt.datum(0), **_said())
        )
        marked = [
            {"at": rule.at, "label": rule.label, "y": top * (1.24 - 0.12 * (n % 2))}
            for n, rule in enumerate(self.rules)
        ]
        lines = alt.Chart(_data(marked)).encode(x=alt.X("at:Q", scale=scale))
        turn = low + 0.7 * (high - low)
        sides: tuple[tuple[str, Literal["left", "right"], int], ...] = (("<=", "left", 5), (">", "right", -5))
        labels = [
            lines.transform_filter(f"datum.at {side} {turn}")
            .mark_text(align=align, dx=shift, color=palette.ink, fontSize=12, aria=False)
            .encode(y="y:Q", text="label:N")
            for side, align, shift in sides
        ]
        rule = lines.mark_rule(color=palette.series[1], strokeWidth=2, aria=False)
        return alt.layer(bar, rule, *labels), 260


class Line(_Form, frozen=True):
    """Lines by series over `at`, with a band where a mark has an interval. temporal: `at` is a date, else a number."""

    marks: tuple[Mark, ...]
    axis: Scale
    x_title: str
    y_title: str
    temporal: bool = False

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        series = _names(self.marks, "series")
        colour = _colour(series, palette.series, _legend(width))
        dates = alt.Axis(title=self.x_title, format="%b %y", labelAngle=0, tickCount=3 if width < NARROW else 8)
        numbers = alt.Scale(zero=False, nice=False)
        x = (
            alt.X("at:T", axis=dates)
            if self.temporal
            else alt.X("at:Q", scale=numbers, axis=_x_axis("plain", self.x_title, width))
        )
        y = alt.Y("value:Q", axis=_y_axis(self.axis, self.y_title, 5), scale=alt.Scale(zero=False))
        base = alt.Chart(_data(_rows(self.marks)))
        dash = alt.StrokeDash("series:N", sort=series, scale=_scale(series, _DASHES), legend=None)
        band = base.transform_filter("isValid(datum.low)").mark_area(opacity=0.22, aria=False)
        layers = alt.layer(
            _reference(palette, at=0).encode(y="at:Q"),
            band.encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
            base.mark_line(strokeWidth=2, aria=False).encode(x=x, y=y, color=colour, strokeDash=dash),
            base.mark_point(filled=True, size=22, opacity=0.9).encode(x=x, y=y, color=colour, **_said()),
        )
        return layers, 300


class Trend(_Form, frozen=True):
    """Points with intervals over periods, the series of one period side by side and joined by lines. few: drawn hollow.

    labels: the periods, in order. unit: of the values, beside the axis.
    """

    marks: tuple[Mark, ...]
    labels: tuple[str, ...]
    unit: str

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        series = _names(self.marks, "series")
        legend = alt.Legend(columns=1 if width < WIDE else 2)
        colour = _colour(series, palette.series, legend)
        shape = alt.Shape("series:N", sort=series, scale=_scale(series, _SHAPES), legend=legend)
        offset = alt.XOffset("series:N", sort=series, scale=alt.Scale(paddingOuter=1))
        below = alt.Axis(title=None, labelAngle=0, labelExpr="split(datum.label, ' ')", labelOverlap="parity")
        x = alt.X("label:O", sort=list(self.labels), axis=below)
        axis = alt.Axis(format="~s", title=self.unit, tickCount=6, minExtent=46)
        y = alt.Y("value:Q", axis=axis, scale=alt.Scale(zero=False, nice=True))
        base = alt.Chart(_data(_rows(self.marks)))
        fill = alt.condition("datum.few", alt.value(palette.surface), colour)
        layers = alt.layer(
            base.mark_line(strokeWidth=1.5, opacity=0.55, aria=False).encode(x=x, xOffset=offset, y=y, color=colour),
            base.mark_rule(strokeWidth=2, aria=False).encode(
                x=x, xOffset=offset, y=alt.Y("low:Q"), y2="high:Q", color=colour
            ),
            base.mark_point(size=70, opacity=1).encode(
                x=x, xOffset=offset, y=y, color=colour, fill=fill, shape=shape, **_said()
            ),
        )
        return layers, 300 + 18 * len(series)


class Ranges(_Form, frozen=True):
    """From `low` to `high` with the value marked between."""

    marks: tuple[Mark, ...]
    axis: Scale
    x_title: str

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        labels = _labelled(self.marks, width)
        base = alt.Chart(_data(labels.rows))
        y = alt.Y("label:N", sort=labels.order, axis=labels.axis)
        x = alt.X("low:Q", axis=_x_axis(self.axis, self.x_title, width), scale=alt.Scale(zero=False))
        bar = base.mark_bar(height={"band": 0.55}, opacity=0.45, color=palette.series[0], aria=False)
        middle = base.mark_tick(thickness=3, color=palette.ink, height={"band": 0.75})
        layers = alt.layer(bar.encode(y=y, x=x, x2="high:Q"), middle.encode(y=y, x=alt.X("value:Q"), **_said()))
        height = len(labels.order) * max(24, labels.step) + 46
        return layers, height


class Tiles(_Form, frozen=True):
    """A tile per country. classes: the map's five classes, from the lowest to the highest."""

    tiles: tuple[Tile, ...]
    classes: tuple[str, ...]

    def _drawn(self, width: int, palette: Palette) -> tuple[Drawing, int]:
        columns, lines = (1 + max(places) for places in zip(*((tile.x, tile.y) for tile in self.tiles), strict=True))
        side = (width - 12) / columns
        spaced = alt.Scale(paddingInner=0.08, paddingOuter=0)
        x, y = alt.X("x:O", axis=None, scale=spaced), alt.Y("y:O", axis=None, scale=spaced)
        base = alt.Chart(_data([msgspec.structs.asdict(tile) for tile in self.tiles]))
        legend = alt.Legend(columns=2 if width < NARROW else 0, symbolType="square")
        colour = alt.Color(
            "state:N", sort=list(self.classes), scale=_scale(self.classes, palette.diverging), legend=legend
        )
        empty = base.transform_filter("datum.state == 'empty'").mark_rect(color=palette.empty, aria=False)
        few = base.transform_filter("datum.state == 'few'").mark_rect(fill=palette.surface, stroke=palette.muted)
        judged = base.transform_filter("datum.state != 'few' && datum.state != 'empty'").mark_rect()
        layers = [empty.encode(x=x, y=y)]
        layers += [few.encode(x=x, y=y, **_said()), judged.encode(x=x, y=y, color=colour, **_said())]
        if side >= 16:
            named = base.transform_filter("datum.state != 'empty'")
            written = side >= 30
            for content, size, dy in (("code", 11, -6), ("said", 9, 7)) if written else (("code", 10, 0),):
                text = named.mark_text(fontSize=size, dy=dy, color=palette.ink, aria=False)
                layers.append(text.encode(x=x, y=y, text=f"{content}:N"))
        height = int(lines * side) + 22 * (3 if width < NARROW else 1) + 12
        return alt.layer(*layers), height


Chart = Forest | Bars | Stacked | Histogram | Line | Trend | Ranges | Tiles

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labels of a categorical axis, broken into lines that fit. step: height in pixels that the longest needs."""

    rows: list[_Row]
    order: list[str]
    axis: alt.Axis
    step: int


def _labelled(marks: Sequence[Mark], width: int) -> _Labels:
    """Break the labels into lines and reserve room, generously: the reader's font is not known when the chart is drawn."""
    size, longest = (11, 22) if width < NARROW else (12, 34)
    broken = {name: "\n".join(textwrap.wrap(name, longest)) or name for name in _names(marks, "label")}
    lines = max(text.count("\n") + 1 for text in broken.values())
    extent = max(len(line) for text in broken.values() for line in text.split("\n")) * size * 0.6 + 10
    axis = alt.Axis(
        title=None, labelExpr="split(datum.label, '\\n')", minExtent=extent, labelFontSize=size, labelBaseline="middle"
    )
    rows = [{**row, "label": broken[row["label"]]} for row in _rows(marks)]
    return _Labels(rows, list(broken.values()), axis, (size + 3) * lines + 8)


def _rows(marks: Sequence[Mark]) -> list[_Row]:
    return [msgspec.structs.asdict(mark) for mark in marks]


def _data(rows: list[_Row]) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _names(marks: Sequence[Mark], part: Literal["label", "series"]) -> list[str]:
    return list(dict.fromkeys(getattr(mark, part) for mark in marks))


def _scale(domain: Sequence[str], values: Sequence[str] | Sequence[Sequence[float]]) -> alt.Scale:
    return alt.Scale(domain=list(domain), range=list(values[: len(domain)]))


def _colour(series: list[str], colours: Sequence[str], legend: alt.Legend | None) -> alt.Color:
    return alt.Color("series:N", sort=series, scale=_scale(series, colours), legend=legend)


def _legend(width: int) -> alt.Legend:
    return alt.Legend(columns=1 if width < NARROW else 0)


def _said() -> _Row:
    """What a mark tells those who do not see it, and those who point at it."""
    return {"description": "text:N", "tooltip": alt.Tooltip("text:N", title=" ")}


def _reference(palette: Palette, *, at: float) -> alt.Chart:
    line: alt.Chart = alt.Chart(_data([{"at": at}])).mark_rule(color=palette.muted, strokeDash=[4, 3], aria=False)
    return line


def _y_axis(scale: Scale, title: str, ticks: int) -> alt.Axis:
    return alt.Axis(labelExpr=_WRITTEN[scale], title=title, tickCount=ticks, minExtent=52)


def _x_axis(scale: Scale, title: str | None, width: int) -> alt.Axis:
    lines = textwrap.wrap(title, 24 if width < NARROW else 90) if title else None
    return alt.Axis(labelExpr=_WRITTEN[scale], title=lines, tickCount=3 if width < NARROW else 7, labelFlush=False)


def _finish(chart: Drawing, *, width: int, height: int, palette: Palette) -> Drawing:
    """Fit the chart to a total width and give it the palette."""
    axes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelPadding": 6, "titlePadding": 8}
    axes |= {"labelColor": palette.ink, "titleColor": palette.muted, "gridColor": palette.grid}
    legend = {"orient": "top", "title": None, "labelColor": palette.ink, "labelFontSize": 12, "labelLimit": 0}
    legend |= {"symbolSize": 80, "symbolOpacity": 1, "columnPadding": 44, "columns": 1 if width < NARROW else 0}
    finished: Drawing = (
        chart.properties(width=width, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding"))
        .configure(
            background="transparent",
            font="system-ui, sans-serif",
            padding={"left": 4, "top": 4, "bottom": 4, "right": 18},
            axis={**axes, "domain": False, "ticks": False},
            legend=legend,
        )
        .configure_view(strokeWidth=0)
        .configure_axisY(labelLimit=0)
    )
    return finished


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
