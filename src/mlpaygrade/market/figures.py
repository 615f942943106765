"""The charts of each section, drawn from its JSON: for the report and for the app, which may not import the report.

Enters: a section of `MarketStatistics.to_json()`. Leaves: `Figure`s: a title, a text alternative, a table of the same numbers and a
function that draws the chart at a width. Computes no statistic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import altair as alt
import numpy as np

from mlpaygrade.market import charts, wording
from mlpaygrade.market.charts import Palette

Json = Mapping[str, Any]
MOST_LINES: Final = 24
"""At most so many lines in one forest; the table has them all."""


class Draw(Protocol):
    """Draws a chart that fits a total width in pixels."""

    def __call__(self, *, width: int, palette: Palette) -> alt.Chart | alt.LayerChart:
        """The chart."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Figure:
    """One chart. alt: what it shows, in words. columns, rows: the same numbers as a table, already in plain writing."""

    key: str
    title: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    draw: Draw


def section_figures(section: Json) -> tuple[Figure, ...]:
    """The figures of a section; none where the file lacks its data."""
    if section["missing"]:
        return ()
    build = _BUILDERS.get(section["key"])
    return tuple(build(section["figures"])) if build else ()


def _change(effect: Json | None) -> str:
    return wording.signed_percent(effect["change"]) if effect else "—"


def _ends(effect: Json | None) -> str:
    return f"{wording.signed_percent(effect['low'])} to {wording.signed_percent(effect['high'])}" if effect else "—"


def _line(label: str, series: str, effect: Json) -> dict[str, Any]:
    text = f"{label}, {series.lower()}: {_change(effect)} (95 % interval {_ends(effect)})"
    return {
        "label": label,
        "series": series,
        "value": effect["change"],
        "low": effect["low"],
        "high": effect["high"],
        "text": text,
    }


def _usd(value: float | None) -> str:
    return "—" if value is None else wording.dollars(value)


def _span_usd(ends: Sequence[float] | None) -> str:
    return "—" if ends is None else f"{wording.dollars(ends[0])} to {wording.dollars(ends[1])}"


def _p(value: float) -> str:
    return wording.p_value(value)


def _effects(figures: Json) -> list[Figure]:
    features = [feature for feature in figures["features"] if feature["tested"]]
    features.sort(key=lambda feature: -feature["alone"]["share"])
    rows = []
    for feature in features:
        for series, part in (("Alone", feature["alone"]), ("Beside the others", feature["beside"])):
            if part is not None:
                text = (
                    f"{feature['name']}, {series.lower()}: {wording.percent(part['share'])} of the variance of log pay"
                )
                low, high = part["interval"]
                rows.append(
                    {
                        "label": feature["name"],
                        "series": series,
                        "value": part["share"],
                        "low": low,
                        "high": high,
                        "text": text,
                    }
                )
    shares = Figure(
        key="effects-shares",
        title="Share of the variance of log pay, by field",
        alt=f"Points with intervals for {len(features)} fields: what each explains alone and what only it explains.",
        columns=(
            "Field",
            "Groups compared",
            "Alone (η², adjusted)",
            "ω², each advert once",
            "ε² of ranks",
            "Beside the others",
            "Typical adjusted difference",
            "p, Kruskal-Wallis (Holm)",
            "p, Welch (Holm)",
            "Largest gap of medians",
        ),
        rows=tuple(_feature_row(feature) for feature in features),
        draw=partial(
            charts.forest, rows, axis=charts.PERCENT, x_title="share of the variance of log pay", zero=None, step=34
        ),
    )
    groups = [
        (line["label"].split(" (")[0] + (" company" if feature["key"] == "size" else ""), feature["name"], line)
        for feature in features
        if feature["key"] in ("level", "family", "remote", "size", "employment")
        for line in feature["list"]
    ]
    found = [
        {
            **_line(label, "Adjusted difference", line["adjusted"]),
            "text": f"{name}: {label}, {_change(line['adjusted'])} ({_ends(line['adjusted'])})",
        }
        for label, name, line in groups
        if line["adjusted"] and not line["reference"]
    ]
    if not found:
        return [shares]
    references = wording.listed([wording.lower_first(label) for label, _, line in groups if line["reference"]])
    return [
        shares,
        Figure(
            key="effects-groups",
            title=f"Adjusted difference in pay from the commonest group of each field ({references})",
            alt="Points with 95 % intervals: how much more or less each group is advertised at, other fields held as they are.",
            columns=("Field", "Group", "Postings", "Median", "Adjusted difference", "95 % interval"),
            rows=tuple(
                (
                    name,
                    label,
                    f"{line['postings']:,}",
                    _usd(line["median_usd"]),
                    "compared with" if line["reference"] else _change(line["adjusted"]),
                    "—" if line["reference"] else _ends(line["adjusted"]),
                )
                for label, name, line in groups
            ),
            draw=partial(
                charts.forest, found, axis=charts.CHANGE, x_title="difference in pay, other fields held fixed"
            ),
        ),
    ]


def _feature_row(feature: Json) -> tuple[str, ...]:
    medians = feature["medians"]
    gap = f"{wording.dollars(medians['difference_usd'])} ({medians['top']} – {medians['bottom']})" if medians else "—"
    beside = feature["beside"]
    return (
        feature["name"],
        f"{feature['compared']} of {feature['groups']}",
        wording.percent(feature["alone"]["share"]),
        wording.percent(feature["omega2"]),
        wording.percent(feature["epsilon2"]),
        f"{wording.percent(beside['share'])} ({wording.percent(beside['interval'][0])} to {wording.percent(beside['interval'][1])})"
        if beside
        else "—",
        f"± {wording.percent(feature['typical_change'])}" if feature["typical_change"] is not None else "—",
        _p(feature["kruskal_p"]),
        _p(feature["welch_p"]),
        gap,
    )


def _remote(figures: Json) -> list[Figure]:
    return [
        figure
        for key, title, cells in (
            ("remote-level", "Pay against on site, by experience level", figures["by_level"]),
            ("remote-family", "Pay against on site, by title family", figures["by_family"]),
        )
        if (figure := _remote_figure(key, title, cells)) is not None
    ]


def _remote_figure(key: str, title: str, cells: Sequence[Json]) -> Figure | None:
    rows = []
    for cell in cells:
        if cell["adjusted"] and not cell["reference"]:
            label = f"{cell['group']}, {cell['way'].lower()}"
            rows += [_line(label, "Raw medians", cell["raw"]), _line(label, "Adjusted", cell["adjusted"])]
    if not rows:
        return None
    return Figure(
        key=key,
        title=title,
        alt="Points with 95 % intervals: difference from on-site pay, raw and with title, country, year, size and employment held fixed.",
        columns=(
            "Group",
            "Way of working",
            "Postings",
            "Median",
            "95 % interval",
            "Raw difference",
            "Adjusted",
            "95 % interval",
            "p (Holm)",
        ),
        rows=tuple(
            (
                cell["group"],
                cell["way"],
                f"{cell['postings']:,}" + (" (few)" if cell["few"] else ""),
                _usd(cell["median_usd"]),
                _span_usd(cell["interval_usd"]),
                "compared with" if cell["reference"] else _change(cell.get("raw")),
                "compared with" if cell["reference"] else _change(cell["adjusted"]),
                "—" if cell["reference"] else _ends(cell["adjusted"]),
                _p(cell["p_holm"]) if "p_holm" in cell else "—",
            )
            for cell in cells
        ),
        draw=partial(charts.forest, rows, axis=charts.CHANGE, x_title="difference from on site"),
    )


def _variance(figures: Json) -> list[Figure]:
    judged = [cell for cell in figures["cells"] if not cell["few"]]
    rows = []
    for cell in judged:
        factor, low, high = (float(np.exp(value)) for value in (cell["log_spread"], *cell["interval"]))
        label = f"{cell['employment']}, {cell['size'].lower()} company"
        rows.append(
            {
                "label": label,
                "series": "Spread",
                "value": factor,
                "low": low,
                "high": high,
                "text": f"{label}: a factor of {factor:.2f}",
            }
        )
    return [
        Figure(
            key="variance-cells",
            title="Spread of pay: one standard deviation of log pay, as a factor",
            alt=f"Points with intervals for the {len(judged)} cells of enough postings.",
            columns=(
                "Employment",
                "Company size",
                "Postings",
                "Rows",
                "Deviation of rows",
                "Spread as a factor",
                "95 % interval",
            ),
            rows=tuple(
                (
                    cell["employment"],
                    cell["size"],
                    f"{cell['postings']:,}" + (" (few)" if cell["few"] else ""),
                    f"{cell['rows']:,}",
                    wording.exact_dollars(cell["row_deviation_usd"]) if cell["row_deviation_usd"] is not None else "—",
                    f"{np.exp(cell['log_spread']):.2f}" if cell["log_spread"] is not None else "—",
                    f"{np.exp(cell['interval'][0]):.2f} to {np.exp(cell['interval'][1]):.2f}"
                    if cell["interval"]
                    else "—",
                )
                for cell in figures["cells"]
            ),
            draw=partial(charts.forest, rows, axis=charts.FACTOR, x_title="factor to either side", zero=None, step=30),
        )
    ]


def _target(figures: Json) -> list[Figure]:
    dollars = [
        {"from": a, "to": b, "value": n, "text": f"{wording.dollars(a)} to {wording.dollars(b)}: {n:,} rows"}
        for a, b, n in figures["histogram_usd"]
    ]
    logs = [
        {"from": a, "to": b, "value": n, "text": f"{wording.dollars(10**a)} to {wording.dollars(10**b)}: {n:,} rows"}
        for a, b, n in figures["histogram_log"]
    ]
    marks = [
        {"at": figures["median_usd"], "label": f"median {wording.dollars(figures['median_usd'])}"},
        {"at": figures["fence_usd"], "label": f"fence {wording.dollars(figures['fence_usd'])}"},
    ]
    log_marks = [{"at": float(np.log10(mark["at"])), "label": mark["label"]} for mark in marks]
    shapes = figures["shape"]
    found = [
        Figure(
            key="target-usd",
            title="Salaries of the rows, in dollars",
            alt=f"Histogram with a long right tail; lines at the median and at Tukey's fence, above which {figures['above']:,} rows lie.",
            columns=("From", "To", "Rows"),
            rows=tuple((wording.dollars(a), wording.dollars(b), f"{n:,}") for a, b, n in figures["histogram_usd"]),
            draw=partial(charts.histogram, dollars, marks=marks, axis=charts.DOLLARS, x_title="salary"),
        ),
        Figure(
            key="target-log",
            title="The same on a logarithmic scale",
            alt="Histogram of the logarithm of salaries, nearer to symmetry.",
            columns=("", "In dollars", "After log1p"),
            rows=tuple(
                (name, _shape_cell(shapes["usd"], key), _shape_cell(shapes["log"], key))
                for name, key in (
                    ("Skewness", "skewness"),
                    ("Excess kurtosis", "excess_kurtosis"),
                    ("p, normality", "normality_p"),
                )
            ),
            draw=partial(
                charts.histogram,
                logs,
                marks=log_marks,
                axis="'$' + format(round(pow(10, datum.value) / 1000), ',') + 'K'",
                ticks=[
                    float(np.log10(usd))
                    for usd in (10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
                    if figures["min_usd"] <= usd <= figures["max_usd"]
                ],
                x_title="salary, logarithmic",
            ),
        ),
    ]
    if figures["who"]:
        rows = [
            {
                "label": line["label"].split(" (")[0],
                "value": line["share"],
                "text": f"{line['label']}: {line['rows']:,} rows",
            }
            for group in ("level", "title")
            for line in figures["who"][group]
        ]
        found.append(
            Figure(
                key="target-who",
                title="Who lies above the fence: share of those rows",
                alt="Bars: levels, then the most frequent titles, among the rows above the fence.",
                columns=("Group", "Value", "Rows", "Share"),
                rows=tuple(
                    (name, line["label"], f"{line['rows']:,}", wording.percent(line["share"]))
                    for name, group in (("Level", "level"), ("Company size", "size"), ("Title", "title"))
                    for line in figures["who"][group]
                ),
                draw=partial(charts.bars, rows, axis=charts.PERCENT, x_title="share of the rows above the fence"),
            )
        )
    return found


def _shape_cell(shape: Json, key: str) -> str:
    return _p(shape[key]) if key == "normality_p" else f"{shape[key]:.2f}".replace("-", "−")


MAP_EDGES: Final = (-0.5, -0.3, -0.1, 0.1)
"""Bounds of the map's five classes, relative to the reference country."""


def _class_names() -> tuple[str, ...]:
    a, b, c, d = (wording.signed_percent(edge, digits=0) if abs(edge) >= 0.1 else "0" for edge in MAP_EDGES)
    return (f"below {a}", f"{a} to {b}", f"{b} to {c}", f"{c} to {d}", f"above {d}")


def _geography(figures: Json) -> list[Figure]:
    reference, names = figures["reference"], _class_names()
    tiles = []
    for tile in figures["tiles"]:
        state, text = "empty", ""
        if "postings" in tile:
            state, text = "few", f"{tile['label']}: {wording.count(tile['postings'], 'posting')}, too few to judge"
        if "change" in tile:
            state = names[int(np.searchsorted(MAP_EDGES, tile["change"], side="right"))]
            text = f"{tile['label']}: {wording.signed_percent(tile['change'])} against {reference}, {wording.count(tile['postings'], 'posting')}"
        tiles.append({"x": tile["x"], "y": tile["y"], "code": tile["code"], "state": state, "text": text})
    judged = [line for line in figures["countries"] if not line["few"] and "shrunken" in line]
    ranked = sorted((line for line in judged if not line["reference"]), key=lambda line: -line["shrunken"]["change"])
    rows = []
    for line in ranked[:MOST_LINES]:
        label = f"{line['label']} ({line['postings']:,})"
        rows.append(_line(label, "Shrunken", line["shrunken"]))
        if line["adjusted"]:
            rows.append(_line(label, "Not shrunken", line["adjusted"]))
    few = [line["label"] for line in figures["countries"] if line["few"]]
    listed = tuple(
        (
            line["label"],
            f"{line['postings']:,}",
            _usd(line["median_usd"]),
            _span_usd(line["interval_usd"]),
            "compared with" if line["reference"] else _change(line["adjusted"]),
            "—" if line["reference"] else _change(line["shrunken"]),
            "—" if line["reference"] else _ends(line["shrunken"]),
        )
        for line in [*(line for line in judged if line["reference"]), *ranked]
    )
    table = (
        (
            *listed,
            (
                f"{len(few)} others, not ranked: {', '.join(few)}",
                f"{figures['few_postings']:,}",
                "—",
                "—",
                "—",
                "—",
                "—",
            ),
        )
        if few
        else listed
    )
    found = [
        Figure(
            key="geography-map",
            title=f"Pay for alike jobs against {reference}, shrunken (a tile per country; framed tiles have too few postings)",
            alt=f"Tile map of the world: {len(judged)} countries coloured by pay for alike jobs against {reference}, {len(few)} framed as too few.",
            columns=("Country", "Postings", "Against " + reference),
            rows=tuple(
                (
                    line["label"],
                    f"{line['postings']:,}",
                    "compared with" if line["reference"] else _change(line["shrunken"]),
                )
                for line in judged
            ),
            draw=partial(charts.tiles, tiles, classes=names),
        )
    ]
    if rows:
        found.append(
            Figure(
                key="geography-countries",
                title=f"Adjusted difference from {reference}, with postings in brackets",
                alt="Points with 95 % intervals per country, shrunken towards the average country and not.",
                columns=("Country", "Postings", "Median", "95 % interval", "Adjusted", "Shrunken", "95 % interval"),
                rows=table,
                draw=partial(
                    charts.forest,
                    rows,
                    axis=charts.CHANGE,
                    x_title=f"difference from {reference}, other fields held fixed",
                ),
            )
        )
    return found


def _time(figures: Json) -> list[Figure]:
    years = figures["years"]
    volume = [
        {
            "label": str(line["year"]),
            "value": line["postings"],
            "marked": line["few"],
            "text": f"{line['year']}: {line['postings']:,} postings",
        }
        for line in years
    ]
    reference = next(line["year"] for line in years if line["reference"])
    rows = [
        {**_line(str(line["year"]), series, line[key])}
        for line in years
        for series, key in (("Raw", "raw"), ("Alike jobs", "adjusted"))
        if line[key] and not line["reference"]
    ]
    table = tuple(
        (
            str(line["year"]),
            f"{line['rows']:,}",
            f"{line['postings']:,}",
            wording.exact_dollars(line["mean_usd"]),
            wording.signed_percent(line["mean_change"], digits=1) if line["mean_change"] is not None else "—",
            wording.exact_dollars(line["deviation_usd"]) if line["deviation_usd"] is not None else "—",
            "—" if line["reference"] else _change(line["adjusted"]),
            "—" if line["reference"] else _ends(line["adjusted"]),
            wording.percent(line["main_country_share"]),
            wording.percent(line["paired_share"]),
        )
        for line in years
    )
    columns = (
        "Year",
        "Rows",
        "Postings",
        "Mean of rows",
        "Change",
        "Deviation",
        f"Alike jobs against {reference}",
        "95 % interval",
        "From the main country",
        "Posted as a band",
    )
    found = [
        Figure(
            key="time-volume",
            title="Postings by year",
            alt="Bars: number of postings of each work year.",
            columns=columns[:3],
            rows=tuple(row[:3] for row in table),
            draw=partial(charts.bars, volume, axis=charts.COUNT, x_title="postings"),
        )
    ]
    if rows:
        found.append(
            Figure(
                key="time-years",
                title=f"Pay against {reference}: raw, and for alike jobs",
                alt="Points with 95 % intervals per year: the raw difference and the difference with composition held fixed.",
                columns=columns,
                rows=table,
                draw=partial(charts.forest, rows, axis=charts.CHANGE, x_title=f"difference from {reference}", step=34),
            )
        )
    if figures["series"]:
        found.append(_series(figures["series"]))
    return found


def _series(series: Json) -> Figure:
    weekly = series["kind"] == "week"
    rows = []
    for point in series["points"]:
        if point["adjusted"] is None:
            continue
        x = point["label"] if weekly else point["time"]
        text = f"{point['label']}: {_change(point['adjusted'])} for alike jobs ({_ends(point['adjusted'])}), {point['postings']:,} postings"
        rows.append(
            {
                "x": x,
                "series": "Alike jobs",
                "value": point["adjusted"]["change"],
                "low": point["adjusted"]["low"],
                "high": point["adjusted"]["high"],
                "text": text,
            }
        )
        rows.append(
            {
                "x": x,
                "series": "Raw",
                "value": point["raw"],
                "low": None,
                "high": None,
                "text": f"{point['label']}: {wording.signed_percent(point['raw'])} raw",
            }
        )
    undated = f" ({wording.count(series['undated'], 'posting')} before it undated)" if series["undated"] else ""
    return Figure(
        key="time-series",
        title=("Week by week" if weekly else "In order of arrival")
        + f": pay against the average of the period{undated}",
        alt=f"Two lines over {len(series['points'])} steps: raw pay, and pay of alike jobs with its 95 % band.",
        columns=("When", "Postings", "Raw", "Alike jobs", "95 % interval"),
        rows=tuple(
            (
                point["label"],
                f"{point['postings']:,}",
                wording.signed_percent(point["raw"]) if point["raw"] is not None else "—",
                _change(point["adjusted"]),
                _ends(point["adjusted"]),
            )
            for point in series["points"]
        ),
        draw=partial(
            charts.line,
            rows,
            axis=charts.CHANGE,
            x_title="week of arrival" if weekly else "estimated time of arrival",
            y_title="difference from the average",
            temporal=weekly,
        ),
    )


def _bands(figures: Json) -> list[Figure]:
    counts = [
        {
            "label": _band_label(line),
            "value": line["postings"],
            "text": f"{_band_label(line)}: {line['postings']:,} postings",
        }
        for line in figures["histogram"]
    ]
    groups = [
        (name, line)
        for name, key in (
            ("Level", "level"),
            ("Company size", "size"),
            ("Title family", "family"),
            ("Country", "country"),
        )
        for line in figures["by"][key]
    ]
    rows = [
        {
            "label": line["label"].split(" (")[0],
            "series": "Median",
            "value": line["median"],
            "low": line["interval"][0],
            "high": line["interval"][1],
            "text": f"{line['label']}: {line['median']:.2f} ({line['postings']:,} postings)",
        }
        for name, line in groups
        if line["median"] is not None and name != "Country"
    ]
    return [
        Figure(
            key="bands-width",
            title="How many times the lower end the upper end is",
            alt=f"Bars: number of bands by the ratio of their ends; the median is {figures['median']:.2f}.",
            columns=("Ratio", "Postings"),
            rows=tuple((_band_label(line), f"{line['postings']:,}") for line in figures["histogram"]),
            draw=partial(charts.bars, counts, axis=charts.COUNT, x_title="postings"),
        ),
        Figure(
            key="bands-groups",
            title="Median ratio by level, company size and title family",
            alt="Points with 95 % intervals: the median ratio of the ends of a band in each group.",
            columns=("Field", "Group", "Postings", "Median", "95 % interval", "Middle half"),
            rows=tuple(
                (
                    name,
                    line["label"],
                    f"{line['postings']:,}" + (" (few)" if line["few"] else ""),
                    f"{line['median']:.2f}" if line["median"] is not None else "—",
                    f"{line['interval'][0]:.2f} to {line['interval'][1]:.2f}" if line["interval"] else "—",
                    f"{line['quartiles'][0]:.2f} to {line['quartiles'][1]:.2f}" if line["quartiles"] else "—",
                )
                for name, line in groups
            ),
            draw=partial(
                charts.forest, rows, axis=charts.PLAIN, x_title="upper end over lower end", zero=figures["median"]
            ),
        ),
    ]


def _band_label(line: Json) -> str:
    return f"{line['from']:.1f} and more" if line["to"] is None else f"{line['from']:.1f} to {line['to']:.1f}"


def _titles(figures: Json) -> list[Figure]:
    lines = figures["list"]
    shown = [
        {
            "label": line["label"],
            "low": line["quartiles_usd"][0],
            "value": line["quartiles_usd"][1],
            "high": line["quartiles_usd"][2],
            "text": f"{line['label']}: median {wording.dollars(line['quartiles_usd'][1])}, middle half {_span_usd(line['quartiles_usd'][::2])}, {line['postings']:,} postings",
        }
        for line in sorted(lines[:MOST_LINES], key=lambda line: -line["quartiles_usd"][1])
    ]
    rarity = [
        {
            "label": _rarity_label(line),
            "value": line["titles"],
            "text": f"{_rarity_label(line)}: {line['titles']} titles, {line['postings']:,} postings",
        }
        for line in figures["rarity"]
    ]
    families = tuple(
        (
            line["label"],
            str(line["titles"]),
            f"{line['postings']:,}",
            _usd(line["median_usd"]),
            _span_usd(line["interval_usd"]),
            "compared with" if line["reference"] else _change(line["adjusted"]),
            "—" if line["reference"] else _ends(line["adjusted"]),
        )
        for line in figures["families"]
    )
    found = []
    if shown:
        found.append(
            Figure(
                key="titles-pay",
                title=f"The {len(shown)} commonest titles: median and middle half of postings",
                alt="Bars from the lower to the upper quartile of each title, with the median marked.",
                columns=(
                    "Title",
                    "Postings",
                    "Adverts",
                    "Median",
                    "Middle half",
                    "Spread as a factor",
                    "Of alike jobs",
                    "Adjusted difference",
                    "95 % interval",
                ),
                rows=tuple(
                    (
                        line["label"],
                        f"{line['postings']:,}",
                        f"{line['adverts']:,}",
                        wording.dollars(line["quartiles_usd"][1]),
                        _span_usd(line["quartiles_usd"][::2]),
                        f"{np.exp(line['log_spread']):.2f}",
                        f"{np.exp(line['log_spread_alike']):.2f}",
                        "compared with" if line["reference"] else _change(line["adjusted"]),
                        "—" if line["reference"] else _ends(line["adjusted"]),
                    )
                    for line in lines
                ),
                draw=partial(charts.ranges, shown, axis=charts.DOLLARS, x_title="middle of the band"),
            )
        )
    return [
        *found,
        Figure(
            key="titles-rarity",
            title="How many titles have how many postings",
            alt="Bars: number of titles by how often they occur; most are rare.",
            columns=("Family", "Titles", "Postings", "Median", "95 % interval", "Adjusted difference", "95 % interval"),
            rows=families,
            draw=partial(charts.bars, rarity, axis=charts.COUNT, x_title="titles"),
        ),
    ]


def _rarity_label(line: Json) -> str:
    if line["from"] == line["to"]:
        return "once"
    return f"{line['from']} and more" if line["to"] > 10**6 else f"{line['from']} to {line['to']} times"


def _fitness(figures: Json) -> list[Figure]:
    lines = figures["lines"]
    rows = [
        {"label": line["risk"], "value": line["share"], "text": line["measure"]}
        for line in lines
        if line["share"] is not None
    ]
    return [
        Figure(
            key="fitness-shares",
            title="Share of rows in the largest group (for time: in the last two years)",
            alt="Bars: how much of the file the largest group of each kind holds.",
            columns=("Risk", "Measured", "So"),
            rows=tuple((line["risk"], line["measure"], line["so"]) for line in lines),
            draw=partial(charts.bars, rows, axis=charts.PERCENT, x_title="share of rows"),
        )
    ]


_VERDICT_COLOURS: Final = {"confirmed": 0, "true, but": 4, "not confirmed": 1, "cannot be judged": 3}


def _claims(figures: Json) -> list[Figure]:
    tally = {verdict: n for verdict, n in figures["tally"].items() if n}
    rows = [
        {"label": "Claims", "series": verdict.capitalize(), "value": n, "text": f"{verdict}: {n}"}
        for verdict, n in tally.items()
    ]
    return [
        Figure(
            key="claims-tally",
            title="Verdicts",
            alt=f"Stacked bar: {wording.listed([f'{n} {verdict}' for verdict, n in tally.items()])}.",
            columns=("Claim", "Claimed", "Verdict", "Measured"),
            rows=tuple(
                (
                    claim["claim"],
                    "as worded" if claim["claimed"] == "—" else claim["claimed"],
                    claim["verdict"],
                    ". ".join(part for part in (claim["measured"], claim["remark"]) if part),
                )
                for claim in figures["claims"]
            ),
            draw=partial(
                charts.stacked, rows, axis=charts.COUNT, colours=[_VERDICT_COLOURS[verdict] for verdict in tally]
            ),
        )
    ]


def _leakage(figures: Json) -> list[Figure]:
    rows = [
        {
            "label": line["name"],
            "series": "R²",
            "value": line["r2"],
            "low": line["r2_range"][0],
            "high": line["r2_range"][1],
            "text": f"{line['name']}: R² {line['r2']:.2f}",
        }
        for line in figures["protocols"]
    ]
    return [
        Figure(
            key="leakage-protocols",
            title="R² of the same table of means under three ways of testing (lines: range over folds)",
            alt="Points: R² under a random split of rows, of adverts, and in time.",
            columns=("Protocol", "R² in dollars", "Mean absolute error", "Root mean square, log pay"),
            rows=tuple(
                (
                    line["name"],
                    f"{line['r2']:.3f}".replace("-", "−"),
                    wording.exact_dollars(line["mae_usd"]),
                    f"{line['rmse_log']:.4f}",
                )
                for line in figures["protocols"]
            ),
            draw=partial(charts.forest, rows, axis=charts.PLAIN, x_title="R² in dollars", zero=None, step=34),
        )
    ]


PART_NAMES: Final = {
    "band": "The posted band itself",
    "unexplained": "Between postings of identical jobs",
    "between": "Between different jobs",
}


def _error_budget(figures: Json) -> list[Figure]:
    ways = (("Copies counted", figures["counted"]), ("Each advert once", figures["distinct"]))
    rows = [
        {
            "label": way,
            "series": PART_NAMES[part["name"]],
            "value": part["share"],
            "text": f"{way}, {PART_NAMES[part['name']].lower()}: {wording.percent(part['share'])}",
        }
        for way, budget in ways
        for part in budget["parts"]
    ]
    return [
        Figure(
            key="error-budget",
            title=f"Where the variance of log pay of the rows of {figures['year']} lies",
            alt="Two stacked bars: the band itself, between identical jobs, between different jobs.",
            columns=("Counting", "Part", "Share", "95 % interval"),
            rows=tuple(
                (
                    way,
                    PART_NAMES[part["name"]],
                    wording.percent(part["share"]),
                    f"{wording.percent(part['interval'][0])} to {wording.percent(part['interval'][1])}",
                )
                for way, budget in ways
                for part in budget["parts"]
            ),
            draw=partial(charts.stacked, rows, axis=charts.PERCENT),
        )
    ]


_BUILDERS: Final[Mapping[str, Callable[[Json], list[Figure]]]] = {
    "effects": _effects,
    "remote": _remote,
    "variance": _variance,
    "target": _target,
    "geography": _geography,
    "time": _time,
    "bands": _bands,
    "titles": _titles,
    "fitness": _fitness,
    "claims": _claims,
    "leakage": _leakage,
    "error_budget": _error_budget,
}
