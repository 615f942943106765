"""Section 5: pay by country, with estimates that are shrunken where there is little evidence.

Enters: an analysis. Leaves: a section with a line per country and tiles for a map.

Countries are a sample of effects around a common mean: b_c ~ N(mu, tau^2), seen with error s_c. tau^2 is DerSimonian and Laird's
(1986), and each country's estimate moves towards mu the more, the less is known of it (empirical Bayes).
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlpaygrade.job.fields import LOCATION, TARGET
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number
from mlpaygrade.market.model import as_json
from mlpaygrade.market.resample import Z95, group_quantiles, percentile_interval, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints

RAW_ROWS = 3
"""Published rankings list countries from so few rows; shown to compare with."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shrunken:
    """Shrunken effects (k,) and their standard deviations, the common mean, and how far countries differ (tau)."""

    estimate: Floats
    deviation: Floats
    mean: float
    tau: float


def shrink(effects: Floats, errors: Floats) -> Shrunken:
    """Empirical Bayes estimates of k >= 2 effects with standard errors > 0."""
    weights = errors**-2
    fixed = float(np.sum(weights * effects) / weights.sum())
    q = float(np.sum(weights * (effects - fixed) ** 2))
    scale = weights.sum() - np.sum(weights**2) / weights.sum()
    tau2 = max(0.0, (q - (len(effects) - 1)) / float(scale))
    weights = 1 / (errors**2 + tau2)
    mean = float(np.sum(weights * effects) / weights.sum())
    kept = tau2 / (tau2 + errors**2)
    variance = kept * errors**2 + (1 - kept) ** 2 / weights.sum()
    return Shrunken(
        estimate=kept * effects + (1 - kept) * mean, deviation=np.sqrt(variance), mean=mean, tau=float(np.sqrt(tau2))
    )


def geography_section(analysis: Analysis) -> Section:
    """Countries, raw, adjusted and shrunken."""
    field = analysis.sample.fields["country"]
    main = field.commonest()
    share = float(np.mean(analysis.sample.rows[LOCATION] == field.keys[main]))
    lines, summary = _lines(analysis)
    judged = [line for line in lines if not line["few"]]
    missing = None if len(judged) > 1 else f"Fewer than two countries have {MIN_CELL} postings."
    premium = [line for line in judged if line.get("above_average") and not line["reference"]]
    above_main = [line for line in judged if line.get("above_reference")]
    figures = {
        "reference": field.labels[main],
        "reference_share": round(share, 4),
        "countries": lines,
        "few_countries": len(lines) - len(judged),
        "few_postings": sum(line["postings"] for line in lines if line["few"]),
        "raw_ranking": _raw_ranking(analysis),
        "premium": [line["label"] for line in premium],
        "above_reference": [line["label"] for line in above_main],
        "tiles": _tiles(lines),
        **summary,
    }
    return Section(
        key="geography",
        title="Geography",
        question="Which countries pay most, once little evidence counts little?",
        answer="This file cannot say." if missing else _answer(figures, premium, above_main),
        effect=_effect(judged, figures),
        uncertainty=(
            "Adjusted differences: errors clustered by advert. Shrunken ones: empirical Bayes, "
            f"95{wording.NARROW}% intervals; a country of "
            f"few adverts moves towards the average country. {figures['few_countries']} countries of "
            f"fewer than {MIN_CELL} postings "
            "are on the map, marked, and not ranked."
        ),
        cannot=(
            "Dollars are compared at exchange rates; living costs, taxes and benefits are not in the file.",
            "Where few adverts of a country state pay, those that do need not be typical of it.",
            f"{wording.percent(share)} of rows are from {_the(field.labels[main])}: every figure that "
            "does not name a country is mostly about that one.",
        ),
        n=analysis.counts,
        figures=figures,
        missing=missing,
    )


def _lines(analysis: Analysis) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A line per country, most postings first, and the common figures of the shrinkage."""
    sample = analysis.sample
    field = sample.fields["country"]
    k, main = len(field.keys), field.commonest()
    counts = field.counts()
    adverts = np.bincount(field.codes[sample.first_of_advert], minlength=k).astype(np.int64)
    medians = plain_quantiles(sample.middle_usd, field.codes, k=k)[:, 0]
    quantiles = group_quantiles(sample.middle_usd, field.codes, k=k)
    low, high = percentile_interval(analysis.bootstrap.run(lambda weights: quantiles(weights)[:, 0]), medians)
    effects = analysis.model.effects("country")
    known = np.array([effect is not None for effect in effects])
    raw = np.array([effect.log_difference if effect else np.nan for effect in effects])
    errors = _errors(analysis, adverts)
    shrunken, place = None, dict.fromkeys(range(k), 0)
    if known.sum() > 1:
        shrunken = shrink(raw[known], errors[known])
        place = {int(code): i for i, code in enumerate(np.flatnonzero(known))}
    lines = []
    for code in range(k):
        few = bool(counts[code] < MIN_CELL)
        line: dict[str, Any] = {
            "code": field.keys[code],
            "label": field.labels[code],
            "postings": int(counts[code]),
            "adverts": int(adverts[code]),
            "few": few,
            "reference": code == main,
        }
        if not few:
            line |= {
                "median_usd": number(medians[code]),
                "interval_usd": [number(low[code]), number(high[code])],
                "adjusted": as_json(effects[code]),
            }
            if shrunken is not None and known[code]:
                line |= _shrunken_json(shrunken, place[code])
        lines.append(line)
    summary: dict[str, Any] = {}
    if shrunken is not None:
        summary = {
            "average_country": number(float(np.expm1(shrunken.mean)), digits=4),
            "between_countries": number(float(np.expm1(shrunken.tau)), digits=4),
        }
    return lines, summary


def _errors(analysis: Analysis, adverts: Ints) -> Floats:
    """Standard error of each country's effect from the spread of its adverts, pooled over all countries but the commonest.

    Pooled, since a country of two adverts cannot tell its own spread.
    """
    sample, field = analysis.sample, analysis.sample.fields["country"]
    first = sample.first_of_advert
    codes, residual = field.codes[first], analysis.model.residual[first]
    main = field.commonest()
    abroad = codes != main
    free = max(1, int(abroad.sum()) - int(np.sum(np.delete(adverts, main) > 0)))
    variance = float(np.sum(residual[abroad] ** 2)) / free
    at_home = float(np.var(residual[~abroad])) / max(1, adverts[main])
    errors = np.sqrt(variance / np.maximum(adverts, 1) + at_home)
    errors[main] = np.sqrt(max(at_home, 1e-12))
    return np.asarray(errors, dtype=np.float64)


def _shrunken_json(shrunken: Shrunken, place: int) -> dict[str, Any]:
    estimate, deviation = float(shrunken.estimate[place]), float(shrunken.deviation[place])
    low, high = estimate - Z95 * deviation, estimate + Z95 * deviation
    return {
        "shrunken": {
            name: number(float(np.expm1(value)) + 0.0, digits=4)
            for name, value in (("change", estimate), ("low", low), ("high", high))
        },
        "above_average": bool(low > shrunken.mean),
        "above_reference": bool(low > 0),
    }


def _raw_ranking(analysis: Analysis) -> list[dict[str, Any]]:
    """The ranking by mean of rows that is usually published, however few the rows."""
    field = analysis.sample.fields["country"]
    found = analysis.sample.rows.groupby(LOCATION)[TARGET].agg(["mean", "count"])
    found = found[found["count"] >= RAW_ROWS].sort_values("mean", ascending=False, kind="stable").head(8)
    return [
        {
            "code": str(code),
            "label": field.labels[field.keys.index(str(code))],
            "rows": int(row["count"]),
            "mean_usd": number(row["mean"]),
        }
        for code, row in found.iterrows()
    ]


def _tiles(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A tile per country of the map; those of the file carry its figures."""
    at = {line["code"]: line for line in lines}
    # The table is the layout's own; a country without a tile is in the list only.
    text = Path(__file__).with_name("tables").joinpath("country_tiles.csv").read_text(encoding="utf-8")
    tiles = []
    for row in csv.DictReader(io.StringIO(text)):
        line = at.get(row["code"])
        if line is None and row["minor"] == "1":
            continue
        tile: dict[str, Any] = {"code": row["code"], "x": int(row["column"]), "y": int(row["row"])}
        if line is not None:
            tile |= {"label": line["label"], "postings": line["postings"]}
            if "shrunken" in line:
                tile["change"] = 0.0 if line["reference"] else line["shrunken"]["change"]
        tiles.append(tile)
    return tiles


def _the(country: str) -> str:
    return f"the {country}" if country.startswith(("United", "Netherlands", "Philippines")) else country


def _answer(figures: dict[str, Any], premium: list[dict[str, Any]], above: list[dict[str, Any]]) -> str:
    reference = _the(figures["reference"])
    text = (
        f"{wording.percent(figures['reference_share'])} of rows are from {reference}; with the other fields held fixed "
    )
    if above:
        text += f"{wording.listed([line['label'] for line in above])} clearly pay{'s' if len(above) == 1 else ''} more"
    else:
        text += "no country with enough postings clearly pays more"
    text += ", and "
    ranked = sorted(premium, key=lambda line: -line["shrunken"]["change"])
    if not ranked:
        return text + "no other country stays clearly above the average country after shrinkage."
    names = wording.listed([line["label"] for line in ranked])
    return text + f"{names} stay{'s' if len(ranked) == 1 else ''} clearly above the average country after shrinkage."


def _effect(judged: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    abroad = [line for line in judged if not line["reference"] and "shrunken" in line]
    if not abroad or "average_country" not in figures:
        return "None."
    line = abroad[0]
    ends = wording.interval(*(wording.signed_percent(line["shrunken"][end]) for end in ("low", "high")))
    return (
        f"{line['label']} against {_the(figures['reference'])}: "
        f"{wording.signed_percent(line['shrunken']['change'])} ({ends}); the average "
        f"country {wording.signed_percent(figures['average_country'])}; countries differ by a factor of "
        f"{1 + figures['between_countries']:.2f} (one standard deviation)."
    )
