"""Figures of what moves pay, remote work, spread and the distribution of pay.

Enters: the figures of a section's JSON. Leaves: `Figure`s. Computes no statistic.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.figure import Figure, Json, change_row, change_text, ends_text, span_text, usd_text
from mlpaygrade.rendering import charts


def effects_figures(figures: Json) -> list[Figure]:
    """Figures of the section on what moves pay."""
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
            **change_row(label, "Adjusted difference", line["adjusted"]),
            "text": f"{name}: {label}, {change_text(line['adjusted'])} ({ends_text(line['adjusted'])})",
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
                    usd_text(line["median_usd"]),
                    "compared with" if line["reference"] else change_text(line["adjusted"]),
                    "—" if line["reference"] else ends_text(line["adjusted"]),
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
        f"{wording.percent(beside['share'])} ({wording.percent(beside['interval'][0])} to "
        f"{wording.percent(beside['interval'][1])})"
        if beside
        else "—",
        f"± {wording.percent(feature['typical_change'])}" if feature["typical_change"] is not None else "—",
        wording.p_value(feature["kruskal_p"]),
        wording.p_value(feature["welch_p"]),
        gap,
    )


def remote_figures(figures: Json) -> list[Figure]:
    """Figures of the section on remote."""
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
            rows += [change_row(label, "Raw medians", cell["raw"]), change_row(label, "Adjusted", cell["adjusted"])]
    if not rows:
        return None
    return Figure(
        key=key,
        title=title,
        alt="Points with 95 % intervals: difference from on-site pay, raw and with title, country, year, "
        "size and employment held fixed.",
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
                usd_text(cell["median_usd"]),
                span_text(cell["interval_usd"]),
                "compared with" if cell["reference"] else change_text(cell.get("raw")),
                "compared with" if cell["reference"] else change_text(cell["adjusted"]),
                "—" if cell["reference"] else ends_text(cell["adjusted"]),
                wording.p_value(cell["p_holm"]) if "p_holm" in cell else "—",
            )
            for cell in cells
        ),
        draw=partial(charts.forest, rows, axis=charts.CHANGE, x_title="difference from on site"),
    )


def variance_figures(figures: Json) -> list[Figure]:
    """Figures of the section on spread."""
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


def target_figures(figures: Json) -> list[Figure]:
    """Figures of the section on the distribution of pay."""
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
            alt="Histogram with a long right tail; lines at the median and at Tukey's fence, above which "
            f"{figures['above']:,} rows lie.",
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
    return wording.p_value(shape[key]) if key == "normality_p" else f"{shape[key]:.2f}".replace("-", "−")
