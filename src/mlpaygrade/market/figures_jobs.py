"""Figures of bands and titles.

Enters: the figures of a section's JSON. Leaves: `Figure`s. Computes no statistic.
"""

from functools import partial

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.figure import MOST_LINES, Figure, Json, change_text, ends_text, span_text, usd_text
from mlpaygrade.rendering import charts


def bands_figures(figures: Json) -> list[Figure]:
    """Figures of the section on bands."""
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
            "label": line["label"].split(" (")[0] + (" company" if name == "Company size" else ""),
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


def titles_figures(figures: Json) -> list[Figure]:
    """Figures of the section on titles."""
    lines = figures["list"]
    shown = [
        {
            "label": line["label"],
            "low": line["quartiles_usd"][0],
            "value": line["quartiles_usd"][1],
            "high": line["quartiles_usd"][2],
            "text": f"{line['label']}: median {wording.dollars(line['quartiles_usd'][1])}, middle half "
            f"{span_text(line['quartiles_usd'][::2])}, {line['postings']:,} postings",
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
            usd_text(line["median_usd"]),
            span_text(line["interval_usd"]),
            "compared with" if line["reference"] else change_text(line["adjusted"]),
            "—" if line["reference"] else ends_text(line["adjusted"]),
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
                        span_text(line["quartiles_usd"][::2]),
                        f"{np.exp(line['log_spread']):.2f}",
                        f"{np.exp(line['log_spread_alike']):.2f}",
                        "compared with" if line["reference"] else change_text(line["adjusted"]),
                        "—" if line["reference"] else ends_text(line["adjusted"]),
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
