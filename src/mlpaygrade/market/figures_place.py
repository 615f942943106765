"""Figures of geography and time.

Enters: the figures of a section's JSON. Leaves: `Figure`s. Computes no statistic.
"""

from functools import partial
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.figure import MOST_LINES, Figure, Json, change_row, change_text, ends_text, span_text, usd_text
from mlpaygrade.rendering import charts

MAP_EDGES: Final = (-0.5, -0.3, -0.1, 0.1)
"""Bounds of the map's five classes, relative to the reference country."""


def _class_names() -> tuple[str, ...]:
    a, b, c, d = (wording.signed_percent(edge, digits=0) if abs(edge) >= 0.1 else "0" for edge in MAP_EDGES)
    return (f"below {a}", f"{a} to {b}", f"{b} to {c}", f"{c} to {d}", f"above {d}")


def geography_figures(figures: Json) -> list[Figure]:
    """Figures of the section on geography."""
    reference, names = figures["reference"], _class_names()
    tiles = []
    for tile in figures["tiles"]:
        state, text = "empty", ""
        if "postings" in tile:
            state, text = "few", f"{tile['label']}: {wording.count(tile['postings'], 'posting')}, too few to judge"
        if "change" in tile:
            state = names[int(np.searchsorted(MAP_EDGES, tile["change"], side="right"))]
            text = (
                f"{tile['label']}: {wording.signed_percent(tile['change'])} against {reference}, "
                f"{wording.count(tile['postings'], 'posting')}"
            )
        tiles.append({"x": tile["x"], "y": tile["y"], "code": tile["code"], "state": state, "text": text})
    judged = [line for line in figures["countries"] if not line["few"] and "shrunken" in line]
    ranked = sorted((line for line in judged if not line["reference"]), key=lambda line: -line["shrunken"]["change"])
    rows = []
    for line in ranked[:MOST_LINES]:
        label = f"{line['label']} ({line['postings']:,})"
        rows.append(change_row(label, "Shrunken", line["shrunken"]))
        if line["adjusted"]:
            rows.append(change_row(label, "Not shrunken", line["adjusted"]))
    few = [line["label"] for line in figures["countries"] if line["few"]]
    listed = tuple(
        (
            line["label"],
            f"{line['postings']:,}",
            usd_text(line["median_usd"]),
            span_text(line["interval_usd"]),
            "compared with" if line["reference"] else change_text(line["adjusted"]),
            "—" if line["reference"] else change_text(line["shrunken"]),
            "—" if line["reference"] else ends_text(line["shrunken"]),
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
            alt=f"Tile map of the world: {len(judged)} countries coloured by pay for alike jobs against "
            f"{reference}, {len(few)} framed as too few.",
            columns=("Country", "Postings", "Against " + reference),
            rows=tuple(
                (
                    line["label"],
                    f"{line['postings']:,}",
                    "compared with" if line["reference"] else change_text(line["shrunken"]),
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


def time_figures(figures: Json) -> list[Figure]:
    """Figures of the section on time."""
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
        {**change_row(str(line["year"]), series, line[key])}
        for line in years
        for series, key in (("Raw geometric mean", "raw"), ("Alike jobs", "adjusted"))
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
            "—" if line["reference"] else change_text(line["adjusted"]),
            "—" if line["reference"] else ends_text(line["adjusted"]),
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
        text = (
            f"{point['label']}: {change_text(point['adjusted'])} for alike jobs "
            f"({ends_text(point['adjusted'])}), {point['postings']:,} postings"
        )
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
                change_text(point["adjusted"]),
                ends_text(point["adjusted"]),
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
