"""Forms of charts, for the report and the app alike: forests, bars, histograms, lines with bands, a tile map.

Enters: rows of plain numbers, a width in pixels, a palette. Leaves: Altair charts that fit the width. Knows no section and writes
no file. Colours are Okabe and Ito's (2008), which colour-blind readers can tell apart; where series meet, shapes differ too.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import altair as alt

from mlpaygrade.rendering.palette import Palette

NARROW: Final = 500
"""Below this width in pixels legends stack and labels are shortened."""
Rows = Sequence[Mapping[str, Any]]
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart

PERCENT: Final = "format(datum.value * 100, '.0f') + ' %'"
CHANGE: Final = "(datum.value > 0 ? '+' : '') + format(datum.value * 100, '.0f') + ' %'"
DOLLARS: Final = "'$' + format(datum.value / 1000, ',.0f') + 'K'"
COUNT: Final = "format(datum.value, ',')"
FACTOR: Final = "'× ' + format(datum.value, '.2~f')"
PLAIN: Final = "format(datum.value, '.2~f')"


def finish(chart: Drawing, *, width: int, height: int, palette: Palette) -> Drawing:
    """Fit the chart to a total width and give it the palette."""
    finished: Drawing = (
        chart.properties(width=width, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding"))
        .configure(
            background="transparent",
            font="system-ui, sans-serif",
            padding={"left": 4, "top": 4, "bottom": 4, "right": 18},
        )
        .configure_view(strokeWidth=0)
        .configure_axis(
            labelColor=palette.ink,
            titleColor=palette.muted,
            gridColor=palette.grid,
            domain=False,
            ticks=False,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelPadding=6,
            titlePadding=8,
        )
        .configure_axisY(labelLimit=0)
        .configure_legend(
            orient="top",
            title=None,
            labelColor=palette.ink,
            labelFontSize=12,
            labelLimit=0,
            symbolSize=80,
            symbolOpacity=1,
            columnPadding=44,
            columns=1 if width < NARROW else 0,
        )
    )
    return finished


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labels of a categorical axis, broken into lines that fit. step: height in pixels that the longest needs."""

    rows: list[dict[str, Any]]
    order: list[str]
    axis: alt.Axis
    step: int


def _labelled(rows: Rows, width: int) -> _Labels:
    """Break the labels into lines and reserve the room that they need.

    The room is reckoned generously, as the reader's font is not known when the chart is drawn.
    """
    size, longest = (11, 22) if width < NARROW else (12, 34)
    broken = {name: "\n".join(textwrap.wrap(name, longest)) or name for name in _names(rows, "label")}
    lines = max(text.count("\n") + 1 for text in broken.values())
    extent = max(len(line) for text in broken.values() for line in text.split("\n")) * size * 0.6 + 10
    axis = alt.Axis(
        title=None, labelExpr="split(datum.label, '\\n')", minExtent=extent, labelFontSize=size, labelBaseline="middle"
    )
    return _Labels(
        [{**row, "label": broken[str(row["label"])]} for row in rows],
        list(broken.values()),
        axis,
        (size + 3) * lines + 8,
    )


def _title(title: str | None, width: int) -> list[str] | None:
    """A title of an axis in lines that fit beside the labels of a narrow chart."""
    return textwrap.wrap(title, 24 if width < NARROW else 90) if title else None


def _names(rows: Rows, key: str) -> list[str]:
    return list(dict.fromkeys(str(row[key]) for row in rows))


def _axis(expression: str, title: str | None = None, *, count: int = 6) -> alt.Axis:
    return alt.Axis(labelExpr=expression, title=title, tickCount=count, minExtent=52)


def _data(rows: Rows) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]


def _x_axis(expression: str, title: str | None, width: int) -> alt.Axis:
    return alt.Axis(
        labelExpr=expression, title=_title(title, width), tickCount=3 if width < NARROW else 7, labelFlush=False
    )


def forest(
    rows: Rows,
    *,
    width: int,
    palette: Palette,
    axis: str,
    x_title: str,
    zero: float | None = 0.0,
    step: int = 24,
) -> Drawing:
    """Points with intervals, a line per label.

    rows: `label`, `series`, `value`, `low`, `high` (None: no interval), `text` (for screen readers and tooltips).
    zero: where a reference line stands; None for none.
    """
    labels, series = _labelled(rows, width), _names(rows, "series")
    data = _data(labels.rows)
    y = alt.Y("label:N", sort=labels.order, axis=labels.axis, scale=alt.Scale(paddingInner=0.25, paddingOuter=0.25))
    offset = alt.YOffset("series:N", sort=series)
    colour = alt.Color(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=list(palette.series[: len(series)])),
        legend=alt.Legend(columns=1 if width < NARROW else 0) if len(series) > 1 else None,
    )
    shape = alt.Shape(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=["circle", "diamond", "square", "triangle-up"][: len(series)]),
        legend=alt.Legend(columns=1 if width < NARROW else 0) if len(series) > 1 else None,
    )
    base = alt.Chart(data)
    x = alt.X("value:Q", axis=_x_axis(axis, x_title, width), scale=alt.Scale(zero=False, nice=True))
    layers: list[alt.Chart] = []
    if zero is not None:
        mark = alt.Chart(_data([{"at": zero}])).mark_rule(color=palette.muted, strokeDash=[4, 3], aria=False)
        layers.append(mark.encode(x=alt.X("at:Q")))
    layers.append(
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2, aria=False)
        .encode(y=y, yOffset=offset, x=alt.X("low:Q"), x2="high:Q", color=colour)
    )
    layers.append(
        base.mark_point(filled=True, size=70, opacity=1).encode(
            y=y,
            yOffset=offset,
            x=x,
            color=colour,
            shape=shape,
            description="text:N",
            tooltip=alt.Tooltip("text:N", title=" "),
        )
    )
    height = (
        len(labels.order) * max(step, labels.step, 15 * len(series) + 6)
        + 40
        + 20 * (len(series) if len(series) > 1 else 0)
    )
    return finish(alt.layer(*layers), width=width, height=height, palette=palette)


def bars(rows: Rows, *, width: int, palette: Palette, axis: str, x_title: str, marked: str = "marked") -> Drawing:
    """Horizontal bars: rows of `label`, `value`, `text`; rows with a true `marked` are greyed."""
    labels = _labelled(rows, width)
    data = _data([{"marked": False, **row} for row in labels.rows])
    chart = (
        alt.Chart(data)
        .mark_bar(height={"band": 0.7})
        .encode(
            y=alt.Y("label:N", sort=labels.order, axis=labels.axis),
            x=alt.X("value:Q", axis=_x_axis(axis, x_title, width), scale=alt.Scale(zero=True)),
            color=alt.condition(f"datum.{marked}", alt.value(palette.few), alt.value(palette.series[0])),
            description="text:N",
            tooltip=alt.Tooltip("text:N", title=" "),
        )
    )
    return finish(chart, width=width, height=len(labels.order) * max(26, labels.step) + 46, palette=palette)


def stacked(
    rows: Rows, *, width: int, palette: Palette, axis: str, colours: Sequence[int] = (0, 1, 2, 3, 4)
) -> Drawing:
    """Stacked horizontal bars: rows of `label`, `series`, `value`, `text`, in the order given.

    colours: which of the palette's colours each series takes.
    """
    labels, series = _labelled(rows, width), _names(rows, "series")
    chosen = [palette.series[colours[place]] for place in range(len(series))]
    data = _data([{**row, "order": series.index(str(row["series"]))} for row in labels.rows])
    chart = (
        alt.Chart(data)
        .mark_bar(stroke=palette.surface, strokeWidth=2)
        .encode(
            y=alt.Y("label:N", sort=labels.order, axis=labels.axis),
            x=alt.X("value:Q", stack=True, axis=_x_axis(axis, None, width), scale=alt.Scale(nice=False)),
            color=alt.Color(
                "series:N",
                sort=series,
                scale=alt.Scale(domain=series, range=chosen),
                legend=alt.Legend(columns=1 if width < NARROW else 0),
            ),
            order="order:Q",
            description="text:N",
            tooltip=alt.Tooltip("text:N", title=" "),
        )
    )
    legend = 22 * (len(series) if width < NARROW else 1)
    return finish(chart, width=width, height=len(labels.order) * 46 + 40 + legend, palette=palette)


def histogram(
    rows: Rows,
    *,
    marks: Rows,
    width: int,
    palette: Palette,
    axis: str,
    x_title: str,
    y_title: str = "rows",
    ticks: Sequence[float] = (),
) -> Drawing:
    """Bars of `from`, `to`, `value`, `text`, with labelled vertical lines (`at`, `label`)."""
    low, high = min(row["from"] for row in rows), max(row["to"] for row in rows)
    scale = alt.Scale(domain=[low, high], nice=False)
    x_axis = _x_axis(axis, x_title, width)
    if ticks:
        x_axis = alt.Axis(labelExpr=axis, title=x_title, values=list(ticks), labelFlush=False)
    top = max(row["value"] for row in rows)
    bar = (
        alt.Chart(_data(rows))
        .mark_rect(color=palette.series[0], stroke=palette.surface, strokeWidth=0.6)
        .encode(
            x=alt.X("from:Q", scale=scale, axis=x_axis),
            x2="to:Q",
            y=alt.Y("value:Q", axis=_axis(COUNT, y_title, count=4), scale=alt.Scale(domain=[0, top * 1.3], nice=False)),
            y2=alt.datum(0),
            description="text:N",
            tooltip=alt.Tooltip("text:N", title=" "),
        )
    )
    lines = alt.Chart(_data([{**mark, "y": top * (1.24 - 0.12 * (i % 2))} for i, mark in enumerate(marks)])).encode(
        x=alt.X("at:Q", scale=scale)
    )
    turn = low + 0.7 * (high - low)
    rule = lines.mark_rule(color=palette.series[1], strokeWidth=2, aria=False)
    sides: tuple[tuple[str, Literal["left", "right"], int], ...] = (("<=", "left", 5), (">", "right", -5))
    labels = [
        lines.transform_filter(f"datum.at {side} {turn}")
        .mark_text(align=align, dx=shift, color=palette.ink, fontSize=12, aria=False)
        .encode(y="y:Q", text="label:N")
        for side, align, shift in sides
    ]
    return finish(alt.layer(bar, rule, *labels), width=width, height=260, palette=palette)


def line(rows: Rows, *, width: int, palette: Palette, axis: str, x_title: str, y_title: str, temporal: bool) -> Drawing:
    """Lines by `series` over `x`, with a band where a row has `low` and `high`. rows: x, series, value, low, high, text."""
    series = _names(rows, "series")
    data = _data(rows)
    colour = alt.Color(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=list(palette.series[: len(series)])),
        legend=alt.Legend(columns=1 if width < NARROW else 0),
    )
    x = (
        alt.X("x:T", axis=alt.Axis(title=x_title, format="%b %y", labelAngle=0, tickCount=3 if width < NARROW else 8))
        if temporal
        else alt.X("x:Q", scale=alt.Scale(zero=False, nice=False), axis=_x_axis(PLAIN, x_title, width))
    )
    y = alt.Y("value:Q", axis=_axis(axis, y_title, count=5), scale=alt.Scale(zero=False))
    base = alt.Chart(data)
    zero = alt.Chart(_data([{"at": 0}])).mark_rule(color=palette.muted, strokeDash=[4, 3], aria=False).encode(y="at:Q")
    band = base.transform_filter("isValid(datum.low)").mark_area(opacity=0.22, aria=False)
    dash = alt.StrokeDash(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=[[1, 0], [5, 3], [2, 2]][: len(series)]),
        legend=None,
    )
    return finish(
        alt.layer(
            zero,
            band.encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
            base.mark_line(strokeWidth=2, aria=False).encode(x=x, y=y, color=colour, strokeDash=dash),
            base.mark_point(filled=True, size=22, opacity=0.9).encode(
                x=x, y=y, color=colour, description="text:N", tooltip=alt.Tooltip("text:N", title=" ")
            ),
        ),
        width=width,
        height=300,
        palette=palette,
    )


def ranges(rows: Rows, *, width: int, palette: Palette, axis: str, x_title: str) -> Drawing:
    """From quartile to quartile with the median between: rows of `label`, `low`, `value`, `high`, `text`."""
    labels = _labelled(rows, width)
    base = alt.Chart(_data(labels.rows))
    y = alt.Y("label:N", sort=labels.order, axis=labels.axis)
    x = alt.X("low:Q", axis=_x_axis(axis, x_title, width), scale=alt.Scale(zero=False))
    return finish(
        alt.layer(
            base.mark_bar(height={"band": 0.55}, opacity=0.45, color=palette.series[0], aria=False).encode(
                y=y, x=x, x2="high:Q"
            ),
            base.mark_tick(thickness=3, color=palette.ink, height={"band": 0.75}).encode(
                y=y, x=alt.X("value:Q"), description="text:N", tooltip=alt.Tooltip("text:N", title=" ")
            ),
        ),
        width=width,
        height=len(labels.order) * max(24, labels.step) + 46,
        palette=palette,
    )


def tiles(rows: Rows, *, classes: Sequence[str], width: int, palette: Palette) -> Drawing:
    """A tile per country: rows of `x`, `y`, `code`, `state` (one of `classes`, "few" or "empty"), `text`.

    classes: from the lowest to the highest, five of them.
    """
    columns = max(row["x"] for row in rows) + 1
    lines = max(row["y"] for row in rows) + 1
    side = (width - 12) / columns
    x = alt.X("x:O", axis=None, scale=alt.Scale(paddingInner=0.08, paddingOuter=0))
    y = alt.Y("y:O", axis=None, scale=alt.Scale(paddingInner=0.08, paddingOuter=0))
    base = alt.Chart(_data(rows))
    colour = alt.Color(
        "state:N",
        sort=list(classes),
        scale=alt.Scale(domain=list(classes), range=list(palette.diverging)),
        legend=alt.Legend(columns=2 if width < NARROW else 0, symbolType="square"),
    )
    layers = [
        base.transform_filter("datum.state == 'empty'").mark_rect(color=palette.empty, aria=False).encode(x=x, y=y),
        base.transform_filter("datum.state == 'few'")
        .mark_rect(fill=palette.surface, stroke=palette.muted, strokeWidth=1)
        .encode(x=x, y=y, description="text:N", tooltip=alt.Tooltip("text:N", title=" ")),
        base.transform_filter("datum.state != 'few' && datum.state != 'empty'")
        .mark_rect()
        .encode(x=x, y=y, color=colour, description="text:N", tooltip=alt.Tooltip("text:N", title=" ")),
    ]
    if side >= 16:
        layers.append(
            base.transform_filter("datum.state != 'empty'")
            .mark_text(fontSize=10, color=palette.ink, aria=False)
            .encode(x=x, y=y, text="code:N")
        )
    legend = 22 * (3 if width < NARROW else 1)
    return finish(alt.layer(*layers), width=width, height=int(lines * side) + legend + 12, palette=palette)
