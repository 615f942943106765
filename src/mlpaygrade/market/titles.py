"""Section 8: the titles, how rare most are, and how consistent pay is within one.

Enters: an analysis. Leaves: a section with families and every title of enough postings.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number
from mlpaygrade.market.model import as_json
from mlpaygrade.market.resample import group_quantiles, normal_interval, percentile_interval, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL
from mlpaygrade.market.variance import as_factor, log_spread

RANKED: Final = 30
"""Titles of fewer postings are listed but not called most or least consistent."""
LISTED: Final = 80
"""At most so many titles are listed, most frequent first."""


def titles_section(analysis: Analysis) -> Section:
    """Titles and families: how many, how rare, how much they pay, how far pay spreads within them."""
    field = analysis.sample.fields["title"]
    counts = field.counts()
    families, lines = _families(analysis), _titles(analysis)
    spread = _overall_spread(analysis)
    rare = counts < MIN_CELL
    figures: dict[str, Any] = {
        "titles": len(field.keys),
        "families": families,
        "rare_titles": int(rare.sum()),
        "rare_share": number(float(counts[rare].sum() / counts.sum()), digits=4),
        "once": int((counts == 1).sum()),
        "top_share": number(float(np.sort(counts)[::-1][:10].sum() / counts.sum()), digits=4),
        "rarity": [
            {"from": a, "to": b, "titles": int(inside.sum()), "postings": int(counts[inside].sum())}
            for a, b, inside in (
                (a, b, (counts >= a) & (counts <= b)) for a, b in ((1, 1), (2, 9), (10, 29), (30, 99), (100, 10**9))
            )
        ],
        "list": lines,
        "spread": spread,
    }
    ranked = sorted(
        (line for line in lines if line["postings"] >= RANKED and line["log_spread"]),
        key=lambda line: line["log_spread"],
    )
    figures["most_consistent"] = [line["label"] for line in ranked[:5]]
    figures["least_consistent"] = [line["label"] for line in ranked[::-1][:5]]
    return Section(
        key="titles",
        title="Titles",
        question="What does a title tell about pay?",
        answer=(
            f"{wording.count(len(field.keys), 'title')}, of which {figures['rare_titles']} have fewer than {MIN_CELL} postings "
            f"(together {wording.percent(figures['rare_share'])} of all) and the ten commonest cover "
            f"{wording.percent(figures['top_share'])}; within one "
            f"title pay still spreads by {as_factor(spread['within'])} to either side, against "
            f"{as_factor(spread['overall'])} over all."
        ),
        effect=_effect(ranked, spread),
        uncertainty=f"Bootstrap by advert ({analysis.bootstrap.replicates} samples); differences: errors clustered by advert.",
        cannot=(
            "A title is an employer's word: the same work has several titles, and one title covers several kinds of work.",
            f"Titles of fewer than {MIN_CELL} postings are counted and not listed; those of fewer than {RANKED} are not ranked.",
        ),
        n=analysis.counts,
        figures=figures,
    )


def _families(analysis: Analysis) -> list[dict[str, Any]]:
    sample = analysis.sample
    field, titles = sample.fields["family"], sample.fields["title"]
    k, counts = len(field.keys), field.counts()
    medians = plain_quantiles(sample.middle_usd, field.codes, k=k)[:, 0]
    quantiles = group_quantiles(sample.middle_usd, field.codes, k=k)
    low, high = percentile_interval(analysis.bootstrap.run(lambda weights: quantiles(weights)[:, 0]), medians)
    return [
        {
            "label": field.labels[code],
            "postings": int(counts[code]),
            "titles": len(np.unique(titles.codes[field.codes == code])),
            "few": bool(counts[code] < MIN_CELL),
            "median_usd": number(medians[code]) if counts[code] >= MIN_CELL else None,
            "interval_usd": [number(low[code]), number(high[code])] if counts[code] >= MIN_CELL else None,
            "adjusted": as_json(analysis.family_model.effect("family", code)) if counts[code] >= MIN_CELL else None,
            "reference": code == field.commonest(),
        }
        for code in range(k)
    ]


def _titles(analysis: Analysis) -> list[dict[str, Any]]:
    """Titles of at least MIN_CELL postings, most frequent first."""
    sample = analysis.sample
    field = sample.fields["title"]
    k, counts = len(field.keys), field.counts()
    adverts = np.bincount(field.codes[sample.first_of_advert], minlength=k)
    quartiles = plain_quantiles(sample.middle_usd, field.codes, k=k, probabilities=(0.25, 0.5, 0.75))
    spread = log_spread(np.ones(len(sample)), field.codes, sample.log_middle, k=k)
    alike = log_spread(np.ones(len(sample)), field.codes, analysis.model.residual, k=k)
    shown = [code for code in range(k) if counts[code] >= MIN_CELL][:LISTED]
    return [
        {
            "label": field.labels[code],
            "postings": int(counts[code]),
            "adverts": int(adverts[code]),
            "quartiles_usd": [number(q) for q in quartiles[code]],
            "log_spread": number(spread[code], digits=3),
            "log_spread_alike": number(alike[code], digits=3),
            "adjusted": as_json(analysis.model.effect("title", code)),
            "reference": code == field.commonest(),
        }
        for code in shown
    ]


def _overall_spread(analysis: Analysis) -> dict[str, Any]:
    """Standard deviation of log pay over all, within a title, and within a title for alike jobs."""
    sample = analysis.sample
    codes, k = sample.fields["title"].codes, len(sample.fields["title"].keys)

    def within(weights: np.ndarray) -> np.ndarray:
        mass = np.bincount(codes, weights=weights, minlength=k)
        sums = np.bincount(codes, weights=weights * sample.log_middle, minlength=k)
        squares = np.sum(weights * sample.log_middle**2) - np.sum(
            np.divide(sums**2, mass, out=np.zeros(k), where=mass > 0)
        )
        return np.asarray(np.sqrt(max(0.0, squares) / max(1.0, mass.sum() - k)))

    estimate = within(np.ones(len(sample)))
    low, high = normal_interval(analysis.bootstrap.run(within), estimate)
    degrees = max(1, len(sample) - len(analysis.model.design.columns) - 1)
    return {
        "overall": number(float(np.std(sample.log_middle)), digits=4),
        "within": number(float(estimate), digits=4),
        "interval": [number(float(low), digits=4), number(float(high), digits=4)],
        "alike": number(float(np.sqrt(np.sum(analysis.model.residual**2) / degrees)), digits=4),
    }


def _effect(ranked: list[dict[str, Any]], spread: dict[str, Any]) -> str:
    low, high = spread["interval"]
    text = (
        f"One standard deviation of log pay within a title: {as_factor(spread['within'])} "
        f"({wording.interval(f'{np.exp(low):.2f}', f'{np.exp(high):.2f}')}); within a title for jobs "
        "alike in the other fields too: "
        f"{as_factor(spread['alike'])}"
    )
    if len(ranked) > 1:
        text += (
            f". Of the titles with at least {RANKED} postings, {ranked[0]['label']} shows "
            f"the least spread ({as_factor(ranked[0]['log_spread'])}) "
            f"and {ranked[-1]['label']} the most ({as_factor(ranked[-1]['log_spread'])})"
        )
    return text + "."
