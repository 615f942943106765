"""Section 7: how wide advertised bands are, and what that says of room to negotiate.

Enters: an analysis. Leaves: a section on the postings that show both ends of a band.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number
from mlpaygrade.market.hypotheses import compare_groups
from mlpaygrade.market.resample import bootstrap_of, group_quantiles, percentile_interval, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, FieldKey

FIELDS: Final[tuple[FieldKey, ...]] = ("level", "size", "family", "title", "country")
SHOWN: Final = 12
FEWEST_BANDS: Final = 30


def bands_section(analysis: Analysis) -> Section:
    """Widths of bands as the ratio of the high to the low end."""
    paired = analysis.sample.postings.paired
    missing = None
    if paired.sum() < FEWEST_BANDS:
        missing = f"The file shows both ends of a band for {int(paired.sum())} postings; {FEWEST_BANDS} are needed."
    counts = analysis.counts_of(paired)
    figures: dict[str, Any] = {} if missing else _figures(analysis)
    return Section(
        key="bands",
        title="Posted bands",
        question="How wide are advertised bands, and how much room do they leave?",
        answer="This file cannot say." if missing else _answer(figures),
        effect="None." if missing else _effect(figures),
        uncertainty=f"Bootstrap by advert ({analysis.bootstrap.replicates} samples), on the postings that show both ends.",
        cannot=(
            "A band is what an employer writes; it may span levels or places, and nothing here says "
            "where in it people are hired.",
            "That two neighbouring rows are the ends of one band is strongly suggested by the file and documented by nobody.",
        ),
        n=counts,
        figures=figures,
        missing=missing,
    )


def _figures(analysis: Analysis) -> dict[str, Any]:
    sample = analysis.sample.take(analysis.sample.postings.paired)
    ratio = sample.postings.high_usd / sample.postings.low_usd
    bootstrap = bootstrap_of(sample, seed=analysis.seed)
    everyone = group_quantiles(ratio, np.zeros(len(sample), dtype=np.int64), k=1)
    median = float(np.median(ratio))
    low, high = percentile_interval(bootstrap.run(lambda weights: everyone(weights)[0, 0]), np.asarray(median))
    by: dict[str, Any] = {}
    omega: dict[str, float] = {}
    first = sample.first_of_advert
    for key in FIELDS:
        field = sample.fields[key]
        k, counts = len(field.keys), field.counts()
        quantiles = group_quantiles(ratio, field.codes, k=k)
        medians = plain_quantiles(ratio, field.codes, k=k, probabilities=(0.25, 0.5, 0.75))
        lows, highs = percentile_interval(bootstrap.run(lambda weights, q=quantiles: q(weights)[:, 0]), medians[:, 1])  # type: ignore[misc]
        by[key] = [
            {
                "label": field.labels[code],
                "postings": int(counts[code]),
                "few": bool(counts[code] < MIN_CELL),
                "median": number(medians[code, 1], digits=3) if counts[code] >= MIN_CELL else None,
                "quartiles": [number(medians[code, 0], digits=3), number(medians[code, 2], digits=3)]
                if counts[code] >= MIN_CELL
                else None,
                "interval": [number(lows[code], digits=3), number(highs[code], digits=3)]
                if counts[code] >= MIN_CELL
                else None,
            }
            for code in range(min(k, SHOWN))
        ]
        test = compare_groups(np.log(ratio[first]), field.codes[first], k=k, smallest=MIN_CELL)
        if test is not None:
            omega[key] = round(test.omega2, 4)
    edges = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, np.inf])
    places = np.histogram(ratio, bins=edges)[0]
    return {
        "median": round(median, 4),
        "interval": [number(float(low), digits=3), number(float(high), digits=3)],
        "range": [number(q, digits=4) for q in np.quantile(ratio, [0.05, 0.95])],
        "equal_ends": number(float(np.mean(ratio == 1)), digits=4),
        "paired_share": number(float(analysis.sample.postings.paired.mean()), digits=4),
        "histogram": [
            {"from": float(a), "to": None if np.isinf(b) else float(b), "postings": int(n)}
            for a, b, n in zip(edges, edges[1:], places, strict=False)
        ],
        "by": by,
        "omega2": omega,
    }


def room(ratio: float) -> float:
    """How far either end lies from the middle of the band, as a share of that middle."""
    return (ratio - 1) / (ratio + 1)


def _answer(figures: dict[str, Any]) -> str:
    low, high = figures["range"]
    return (
        f"The upper end of a band is {figures['median']:.2f} times the lower one at the median "
        f"(the middle nine tenths: {low:.2f} to {high:.2f}), which leaves "
        f"{wording.percent(room(figures['median']))} to either side of "
        f"its middle; {wording.percent(figures['paired_share'])} of postings show both ends."
    )


def _effect(figures: dict[str, Any]) -> str:
    ends = wording.interval(*(f"{end:.2f}" for end in figures["interval"]))
    text = f"Median ratio {figures['median']:.2f} ({ends})"
    for name, key in (("level", "level"), ("company size", "size")):
        judged = [line for line in figures["by"][key] if line["median"] is not None]
        if len(judged) > 1:
            widest, narrowest = max(judged, key=lambda x: x["median"]), min(judged, key=lambda x: x["median"])
            text += (
                f"; by {name} from {narrowest['median']:.2f} ({_short(narrowest)}) to "
                f"{widest['median']:.2f} ({_short(widest)})"
            )
    if figures["omega2"]:
        names = {
            "level": "level",
            "size": "company size",
            "family": "title family",
            "title": "title",
            "country": "country",
        }
        top = max(figures["omega2"], key=lambda key: float(figures["omega2"][key]))
        text += (
            "; the field that goes with the largest share of the differences in width is "
            f"{names[top]}, {wording.percent(figures['omega2'][top])}"
        )
    return text + "."


def _short(line: dict[str, Any]) -> str:
    return wording.lower_first(line["label"].split(" (")[0])
