"""Section 1: which features move pay most, one at a time and with the others held as they are."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Group, figure, number
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import (
    Z95,
    AdjustedModel,
    Medians,
    between_share,
    compare_groups,
    holm,
    normal_interval,
    percentile_interval,
    unique_share,
)
from mlpaygrade.market.sample import FIELD_LABELS, FIELD_PHRASES, MIN_CELL, Coded, FieldKey
from mlpaygrade.market.wording import Share, Usd
from mlpaygrade.rendering.charts import Forest

FIELDS: Final[tuple[FieldKey, ...]] = ("title", "family", "level", "country", "remote", "size", "employment", "year")
DRAWN: Final = frozenset(("level", "family", "remote", "size", "employment"))
"""Fields whose groups are drawn; titles, countries and years have sections of their own."""
SHOWN_GROUPS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianGap:
    """The largest difference of medians between groups of enough postings."""

    top: str
    bottom: str
    difference: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A field that was tested. alone, beside: shares of the variance of log pay that it explains by itself, and that only it
    explains. compared, adverts: groups and adverts in the tests. epsilon2, omega2: effect sizes. kruskal_p, welch_p: after
    Holm. typical_change: spread of its adjusted effects over the postings. lines: its first groups.
    """

    key: FieldKey
    name: str
    groups: int
    compared: int
    adverts: int
    epsilon2: float
    omega2: float
    kruskal_p: float
    welch_p: float
    alone: Share
    beside: Share | None
    medians: MedianGap | None
    typical_change: float | None
    lines: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The tested fields. r2: what all of them explain together, beyond chance. tests: how many were corrected for."""

    features: tuple[Feature, ...]
    r2: float | None
    tests: int


def effects_section(analysis: Analysis) -> Finding[Effects]:
    """Test every field, size its effect alone and beside the others."""
    tested = [feature for key in FIELDS if (feature := _feature(analysis, key)) is not None]
    if not tested:
        missing = f"No field has two groups of at least {MIN_CELL} different adverts."
        return Finding(missing=missing)
    corrected = holm([p for feature in tested for p in (feature.kruskal_p, feature.welch_p)])
    features = tuple(
        replace(feature, kruskal_p=kruskal, welch_p=welch)
        for feature, kruskal, welch in zip(tested, corrected[::2], corrected[1::2], strict=True)
    )
    r2 = analysis.model.r2_beyond_chance
    alone = sorted(features, key=lambda feature: -feature.alone.value)
    return Finding(
        numbers=Effects(features=features, r2=None if r2 is None else round(r2, 4), tests=len(corrected)),
        answer=_answer(alone),
        effect=_effect(alone, r2),
        uncertainty=f"95{wording.NARROW}% intervals by advert, copies of an advert together: {analysis.bootstrap.replicates} "
        "bootstrap samples for each field alone and for medians, the infinitesimal jackknife beside the others, a sandwich "
        "estimator for differences.",
        cannot=(
            "These are differences between adverts, not what a person would gain by changing one field.",
            "Title and level, or country and currency, come together in adverts: what they explain jointly belongs to neither "
            "column of 'beside the others'.",
            *_on_p_values(analysis.sample.n_adverts),
        ),
        figures=[_shares_figure(alone), _groups_figure(alone)],
    )


def _feature(analysis: Analysis, key: FieldKey) -> Feature | None:
    """A field's tests and effects, p values not yet corrected; None where it has no two groups to compare."""
    sample = analysis.sample
    field = sample.fields[key]
    k, first = len(field.keys), sample.first_of_advert
    test = compare_groups(sample.log_middle[first], field.codes[first], k=k, smallest=MIN_CELL)
    if test is None:
        return None
    eta = between_share(field.codes, sample.log_middle, k=k)
    eta2 = float(eta(np.ones(len(sample))))
    # Less what as many random groups would show (Ezekiel's correction).
    estimate = max(0.0, 1 - (1 - eta2) * (sample.n_adverts - 1) / max(1, sample.n_adverts - k))
    low, high = normal_interval(analysis.bootstrap.run(eta), np.asarray(estimate))
    # Families stand in for titles in a model of their own.
    model = analysis.family_model if key == "family" else analysis.model
    return Feature(
        key=key,
        name=FIELD_LABELS[key],
        groups=k,
        compared=test.groups,
        adverts=test.n,
        epsilon2=round(test.epsilon2, 4),
        omega2=round(test.omega2, 4),
        kruskal_p=test.kruskal_p,
        welch_p=test.welch_p,
        alone=Share.of(estimate, max(0.0, float(low)), min(1.0, float(high))),
        beside=_beside(model, key) if model.degrees > 0 else None,
        medians=_median_gap(field, analysis.medians(field.codes, k=k)),
        typical_change=number(_typical_change(model, key), digits=4),
        lines=analysis.groups(key, model=model)[:SHOWN_GROUPS],
    )


def _median_gap(field: Coded, medians: Medians) -> MedianGap | None:
    large = np.flatnonzero(field.counts() >= MIN_CELL)
    if len(large) < 2:
        return None
    top, bottom = large[np.argmax(medians.median[large])], large[np.argmin(medians.median[large])]
    difference = medians.median[top] - medians.median[bottom]
    low, high = percentile_interval(medians.replicates[:, top] - medians.replicates[:, bottom], difference)
    return MedianGap(
        top=field.labels[top],
        bottom=field.labels[bottom],
        difference=Usd.of(difference, float(low), float(high), digits=0),
    )


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


def _beside(model: AdjustedModel, key: FieldKey) -> Share:
    share, error = unique_share(model, key)
    return Share.of(share, max(0.0, share - Z95 * error), share + Z95 * error)


def _by_beside(features: list[Feature]) -> list[tuple[Feature, Share]]:
    found = [(feature, feature.beside) for feature in features if feature.beside is not None]
    return sorted(found, key=lambda pair: -pair[1].value)


def _answer(alone: list[Feature]) -> str:
    text = (
        f"Taken alone, {FIELD_PHRASES[alone[0].key]} goes with the largest share of the differences in log pay "
        f"({alone[0].alone.text})"
    )
    if len(alone) > 1:
        text += f", then {FIELD_PHRASES[alone[1].key]} ({alone[1].alone.text})"
    if beside := _by_beside(alone):
        feature, share = beside[0]
        text += f"; what no other field explains is largest for {FIELD_PHRASES[feature.key]} ({share.text})"
        small = [wording.lower_first(feature.name) for feature, share in beside if share.value < 0.01]
        if small:
            text += f" and under 1{wording.NARROW}% each for {wording.listed(small)}"
    return text + "."


def _effect(alone: list[Feature], r2: float | None) -> str:
    top, part = next(iter(_by_beside(alone)), (alone[0], alone[0].alone))
    together = f"; all fields together {wording.percent(round(r2, 4))}" if r2 is not None else ""
    return f"{top.name}: {part.text} of the variance of log pay ({part.interval}){together}."


def _on_p_values(adverts: int) -> tuple[str, ...]:
    """A warning about p values where there is much data."""
    if adverts < 2_000:
        return ()
    return (
        f"With {adverts:,} adverts a p value below 0.001 is reached by effects too small to matter; read the shares instead.",
    )


def _shares_figure(features: list[Feature]) -> Figure:
    marks = [
        share.mark(feature.name, series, f"{feature.name}, {series.lower()}: {share.text} of the variance of log pay")
        for feature in features
        for series, share in (("Alone", feature.alone), ("Beside the others", feature.beside))
        if share is not None
    ]
    return figure(
        "effects-shares",
        "Share of the variance of log pay, by field",
        f"Points with intervals for {len(features)} fields: what each explains alone and what only it explains.",
        Forest(marks=tuple(marks), axis="percent", x_title="share of the variance of log pay", zero=None, step=34),
        features,
        ("Field", lambda feature: feature.name),
        ("Groups compared", lambda feature: f"{feature.compared} of {feature.groups}"),
        ("Alone (η², adjusted)", lambda feature: feature.alone.text),
        ("ω², each advert once", lambda feature: wording.percent(feature.omega2)),
        ("ε² of ranks", lambda feature: wording.percent(feature.epsilon2)),
        (
            "Beside the others",
            lambda feature: f"{feature.beside.text} ({feature.beside.ends})" if feature.beside else wording.DASH,
        ),
        ("Typical adjusted difference", _typical_text),
        ("p, Kruskal-Wallis (Holm)", lambda feature: wording.p_value(feature.kruskal_p)),
        ("p, Welch (Holm)", lambda feature: wording.p_value(feature.welch_p)),
        ("Largest gap of medians", lambda feature: _gap_text(feature.medians)),
    )


def _typical_text(feature: Feature) -> str:
    return f"± {wording.percent(feature.typical_change)}" if feature.typical_change is not None else wording.DASH


def _gap_text(gap: MedianGap | None) -> str:
    return f"{gap.difference.text} ({gap.top} – {gap.bottom})" if gap else wording.DASH


def _groups_figure(features: list[Feature]) -> Figure:
    """Adjusted differences of the groups."""
    groups = [
        (wording.short(line.label) + (" company" if feature.key == "size" else ""), feature.name, line)
        for feature in features
        if feature.key in DRAWN
        for line in feature.lines
    ]
    marks = tuple(
        line.adjusted.mark(
            label, "Adjusted difference", f"{name}: {label}, {line.adjusted.text} ({line.adjusted.ends})"
        )
        for label, name, line in groups
        if line.adjusted and not line.reference
    )
    references = wording.listed([wording.lower_first(label) for label, _, line in groups if line.reference])
    return figure(
        "effects-groups",
        f"Adjusted difference in pay from the commonest group of each field ({references})",
        "Points with 95 % intervals: how much more or less each group is advertised at, other fields held as they are.",
        Forest(marks=marks, axis="change", x_title="difference in pay, other fields held fixed"),
        groups,
        ("Field", lambda group: group[1]),
        ("Group", lambda group: group[0]),
        ("Postings", lambda group: f"{group[2].postings:,}"),
        ("Median", lambda group: wording.usd(group[2].median_usd)),
        ("Adjusted difference", lambda group: wording.change(group[2].adjusted, reference=group[2].reference)),
        (wording.INTERVAL, lambda group: wording.ends(group[2].adjusted, reference=group[2].reference)),
    )
