"""Section 1: which features move pay most, one at a time and with the others held as they are.

Enters: an analysis. Leaves: a section with, for each field, tests, effect sizes and its groups.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number, span
from mlpaygrade.market.hypotheses import compare_groups, holm
from mlpaygrade.market.model import AdjustedModel, as_json, unique_share
from mlpaygrade.market.resample import (
    Z95,
    between_share,
    group_quantiles,
    normal_interval,
    percentile_interval,
    plain_quantiles,
)
from mlpaygrade.market.sample import FIELD_PHRASES, MIN_CELL, FieldKey, Floats, Ints

FIELDS: Final[tuple[FieldKey, ...]] = ("title", "family", "level", "country", "remote", "size", "employment", "year")
SHOWN_GROUPS: Final = 12
"""Groups listed of each field in this section; titles and countries have sections of their own."""


def effects_section(analysis: Analysis) -> Section:
    """Test every field, size its effect alone and beside the others."""
    found = [_feature(analysis, key) for key in FIELDS]
    tested = [feature for feature in found if feature["tested"]]
    corrected = holm([p for feature in tested for p in (feature["kruskal_p"], feature["welch_p"])])
    for place, feature in enumerate(tested):
        feature["kruskal_p"], feature["welch_p"] = corrected[2 * place], corrected[2 * place + 1]
    if not tested:
        return _missing(analysis, found)
    alone = sorted(tested, key=lambda feature: -feature["alone"]["share"])
    beside = sorted((f for f in tested if f["beside"]), key=lambda feature: -feature["beside"]["share"])
    return Section(
        key="effects",
        title="What moves pay",
        question="Which features move pay most?",
        answer=_answer(alone, beside),
        effect=_effect_text(analysis, alone, beside),
        uncertainty=(
            f"95{wording.NARROW}% intervals by advert, copies of an advert together: "
            f"{analysis.bootstrap.replicates} bootstrap samples "
            "for each field alone and for medians, the infinitesimal jackknife beside the others, a "
            "sandwich estimator for differences."
        ),
        cannot=(
            "These are differences between adverts, not what a person would gain by changing one field.",
            "Title and level, or country and currency, come together in adverts: what they explain jointly belongs to "
            "neither column of 'beside the others'.",
            *_on_p_values(analysis),
        ),
        n=analysis.counts,
        figures={"features": found, "r2": _r2(analysis), "tests": len(corrected)},
    )


def _feature(analysis: Analysis, key: FieldKey) -> dict[str, Any]:
    sample = analysis.sample
    field = sample.fields[key]
    k = len(field.keys)
    first = sample.first_of_advert
    test = compare_groups(sample.log_middle[first], field.codes[first], k=k, smallest=MIN_CELL)
    feature: dict[str, Any] = {"key": key, "name": field.name, "groups": k, "tested": test is not None, "alone": None}
    feature["beside"] = None
    if test is None:
        return feature
    eta = between_share(field.codes, sample.log_middle, k=k)
    estimate = _without_chance(float(eta(np.ones(len(sample)))), n=sample.n_adverts, k=k)
    low, high = normal_interval(analysis.bootstrap.run(eta), np.asarray(estimate))
    feature |= {
        "compared": test.groups,
        "adverts": test.n,
        "epsilon2": round(test.epsilon2, 4),
        "omega2": round(test.omega2, 4),
        "kruskal_p": test.kruskal_p,
        "welch_p": test.welch_p,
        "alone": {"share": round(estimate, 4), "interval": span(max(0.0, float(low)), min(1.0, float(high)))},
        "medians": _median_gap(analysis, field.codes, labels=field.labels),
    }
    model = _model(analysis, key)
    feature["beside"] = _beside(model, key) if model.degrees > 0 else None
    feature["typical_change"] = number(_typical_change(model, key), digits=4)
    feature["list"] = _groups(analysis, model, key)
    return feature


def _without_chance(eta2: float, *, n: int, k: int) -> float:
    """Eta squared less what k random groups of n adverts would show (Ezekiel's correction)."""
    return max(0.0, 1 - (1 - eta2) * (n - 1) / max(1, n - k))


def _median_gap(analysis: Analysis, codes: Ints, *, labels: tuple[str, ...]) -> dict[str, Any] | None:
    """The largest difference of medians between groups of at least MIN_CELL postings, with its interval."""
    middle, k = analysis.sample.middle_usd, len(labels)
    large = np.flatnonzero(np.bincount(codes, minlength=k) >= MIN_CELL)
    if len(large) < 2:
        return None
    medians = plain_quantiles(middle, codes, k=k)[:, 0]
    top, bottom = large[np.argmax(medians[large])], large[np.argmin(medians[large])]
    quantiles = group_quantiles(middle, codes, k=k)

    def gap(weights: Floats) -> Floats:
        found = quantiles(weights)[:, 0]
        return np.asarray(found[top] - found[bottom])

    low, high = percentile_interval(analysis.bootstrap.run(gap), np.asarray(medians[top] - medians[bottom]))
    return {
        "top": labels[top],
        "bottom": labels[bottom],
        "top_usd": number(medians[top]),
        "bottom_usd": number(medians[bottom]),
        "difference_usd": number(medians[top] - medians[bottom]),
        "interval_usd": [number(float(low)), number(float(high))],
    }


def _typical_change(model: AdjustedModel, key: FieldKey) -> float:
    """Spread of a field's adjusted effects over the postings, as a relative change, less their own sampling error."""
    counts = model.sample.fields[key].counts()
    pairs = [(effect, count) for effect, count in zip(model.effects(key), counts, strict=True) if effect is not None]
    weights = np.array([count for _, count in pairs], dtype=np.float64)
    values = np.array([effect.log_difference for effect, _ in pairs])
    errors = np.array([effect.error for effect, _ in pairs])
    weights /= weights.sum()
    variance = float(weights @ (values - weights @ values) ** 2 - weights @ errors**2)
    return float(np.expm1(np.sqrt(max(0.0, variance))))


def _groups(analysis: Analysis, model: AdjustedModel, key: FieldKey) -> list[dict[str, Any]]:
    """The field's groups, most frequent (or in natural order): n, median, adjusted difference from the commonest."""
    sample = analysis.sample
    field = sample.fields[key]
    counts = field.counts()
    medians = plain_quantiles(sample.middle_usd, field.codes, k=len(field.keys))[:, 0]
    shown = range(min(len(field.keys), SHOWN_GROUPS))
    return [
        {
            "label": field.labels[code],
            "postings": int(counts[code]),
            "median_usd": number(medians[code]) if counts[code] >= MIN_CELL else None,
            "reference": code == field.commonest(),
            "adjusted": as_json(model.effect(key, code)) if counts[code] >= MIN_CELL else None,
        }
        for code in shown
    ]


def _beside(model: AdjustedModel, key: FieldKey) -> dict[str, Any]:
    """What only this field explains, with its interval."""
    found = unique_share(model, key)
    low, high = max(0.0, found.share - Z95 * found.error), found.share + Z95 * found.error
    return {"share": round(found.share, 4), "interval": span(low, high)}


def _model(analysis: Analysis, key: FieldKey) -> AdjustedModel:
    """The model in which a field takes part: families stand in for titles."""
    return analysis.family_model if key == "family" else analysis.model


def _answer(alone: list[dict[str, Any]], beside: list[dict[str, Any]]) -> str:
    first, second = alone[0], alone[1] if len(alone) > 1 else None
    text = (
        f"Taken alone, {FIELD_PHRASES[first['key']]} goes with the largest share of the differences in log pay "
        f"({wording.percent(first['alone']['share'])})"
    )
    if second:
        text += f", then {FIELD_PHRASES[second['key']]} ({wording.percent(second['alone']['share'])})"
    if beside:
        text += (
            f"; what no other field explains is largest for {FIELD_PHRASES[beside[0]['key']]} "
            f"({wording.percent(beside[0]['beside']['share'])})"
        )
        small = [f for f in beside if f["beside"]["share"] < 0.01]
        if small:
            names = wording.listed([wording.lower_first(f["name"]) for f in small])
            text += f" and under 1{wording.NARROW}% each for {names}"
    return text + "."


def _effect_text(analysis: Analysis, alone: list[dict[str, Any]], beside: list[dict[str, Any]]) -> str:
    top = (beside or alone)[0]
    part = top["beside"] or top["alone"]
    r2 = _r2(analysis)
    together = f"; all fields together {wording.percent(r2)}" if r2 is not None else ""
    return (
        f"{top['name']}: {wording.percent(part['share'])} of the variance of log pay "
        f"({wording.interval(*(wording.percent(end) for end in part['interval']))}){together}."
    )


def _r2(analysis: Analysis) -> float | None:
    found = analysis.model.r2_beyond_chance
    return None if found is None else round(found, 4)


def _on_p_values(analysis: Analysis) -> tuple[str, ...]:
    """A warning about p values where there is much data."""
    if analysis.sample.n_adverts < 2_000:
        return ()
    adverts = wording.count(analysis.sample.n_adverts, "advert")
    return (
        f"With {adverts} a p value below 0.001 is reached by effects too small to matter; read the shares instead.",
    )


def _missing(analysis: Analysis, features: list[dict[str, Any]]) -> Section:
    return Section(
        key="effects",
        title="What moves pay",
        question="Which features move pay most?",
        answer="This file cannot say.",
        effect="None.",
        uncertainty="None.",
        cannot=(),
        n=analysis.counts,
        figures={"features": features},
        missing=f"No field has two groups of at least {MIN_CELL} different adverts.",
    )
