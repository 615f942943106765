"""Section 1: which features move pay most, one at a time and with the others held as they are."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mlpaygrade.market import wording
from mlpaygrade.market.analysis import (
    DASH,
    INTERVAL,
    Analysis,
    Change,
    Finding,
    Question,
    Span,
    change_cells,
    change_of,
    number,
    span,
    usd_text,
)
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import (
    Z95,
    AdjustedModel,
    between_share,
    compare_groups,
    group_quantiles,
    holm,
    normal_interval,
    percentile_interval,
    plain_quantiles,
    unique_share,
)
from mlpaygrade.market.sample import FIELD_PHRASES, MIN_CELL, FieldKey, Floats, Ints
from mlpaygrade.rendering.charts import Forest, Mark

QUESTION: Final = Question(key="effects", title="What moves pay", question="Which features move pay most?")
FIELDS: Final[tuple[FieldKey, ...]] = ("title", "family", "level", "country", "remote", "size", "employment", "year")
DRAWN: Final = frozenset(("level", "family", "remote", "size", "employment"))
"""Fields whose groups are drawn; titles, countries and years have sections of their own."""
SHOWN_GROUPS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of the variance of log pay, in 0..1, with its interval."""

    share: float
    interval: Span

    @property
    def text(self) -> str:
        """12 % (10 % to 14 %)."""
        low, high = (wording.percent(end) for end in self.interval)
        return f"{wording.percent(self.share)} ({low} to {high})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianGap:
    """The largest difference of medians between groups of enough postings, USD."""

    top: str
    bottom: str
    top_usd: float | None
    bottom_usd: float | None
    difference_usd: float
    interval_usd: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """A group of a field. adjusted: against the commonest group, other fields held; None where too little is known."""

    label: str
    postings: int
    median_usd: float | None
    reference: bool
    adjusted: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A field that was tested. alone, beside: the share that it explains by itself, and that only it explains.

    compared, adverts: groups and adverts in the tests. epsilon2, omega2: effect sizes. kruskal_p, welch_p: after Holm.
    typical_change: spread of its adjusted effects over the postings.
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
    lines: tuple[GroupLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The tested fields. r2: what all of them explain together, beyond chance. tests: how many were corrected for."""

    features: tuple[Feature, ...]
    r2: float | None
    tests: int

    def feature(self, key: FieldKey) -> Feature | None:
        """The field with that key, None where it was not tested."""
        return next((feature for feature in self.features if feature.key == key), None)


def effects_section(analysis: Analysis) -> Finding[Effects]:
    """Test every field, size its effect alone and beside the others."""
    tested = [feature for key in FIELDS if (feature := _feature(analysis, key)) is not None]
    if not tested:
        return QUESTION.open(f"No field has two groups of at least {MIN_CELL} different adverts.", n=analysis.counts)
    corrected = holm([p for feature in tested for p in (feature.kruskal_p, feature.welch_p)])
    features = tuple(
        replace(feature, kruskal_p=corrected[2 * place], welch_p=corrected[2 * place + 1])
        for place, feature in enumerate(tested)
    )
    r2 = analysis.model.r2_beyond_chance
    found = Effects(features=features, r2=None if r2 is None else round(r2, 4), tests=len(corrected))
    alone = sorted(features, key=lambda feature: -feature.alone.share)
    return QUESTION.answered(
        found,
        answer=_answer(alone),
        effect=_effect(found, alone),
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
        figures=[_shares_figure(alone), *_groups_figure(alone)],
    )


def _feature(analysis: Analysis, key: FieldKey) -> Feature | None:
    """A field's tests and effects, p values not yet corrected; None where it has no two groups to compare."""
    sample = analysis.sample
    field = sample.fields[key]
    k = len(field.keys)
    first = sample.first_of_advert
    test = compare_groups(sample.log_middle[first], field.codes[first], k=k, smallest=MIN_CELL)
    if test is None:
        return None
    eta = between_share(field.codes, sample.log_middle, k=k)
    estimate = _without_chance(float(eta(np.ones(len(sample)))), n=sample.n_adverts, k=k)
    low, high = normal_interval(analysis.bootstrap.run(eta), np.asarray(estimate))
    # Families stand in for titles in a model of their own.
    model = analysis.family_model if key == "family" else analysis.model
    return Feature(
        key=key,
        name=field.name,
        groups=k,
        compared=test.groups,
        adverts=test.n,
        epsilon2=round(test.epsilon2, 4),
        omega2=round(test.omega2, 4),
        kruskal_p=test.kruskal_p,
        welch_p=test.welch_p,
        alone=Share(share=round(estimate, 4), interval=span(max(0.0, float(low)), min(1.0, float(high)))),
        beside=_beside(model, key) if model.degrees > 0 else None,
        medians=_median_gap(analysis, field.codes, labels=field.labels),
        typical_change=number(_typical_change(model, key), digits=4),
        lines=_lines(analysis, model, key),
    )


def _without_chance(eta2: float, *, n: int, k: int) -> float:
    """Eta squared less what k random groups of n adverts would show (Ezekiel's correction)."""
    return max(0.0, 1 - (1 - eta2) * (n - 1) / max(1, n - k))


def _median_gap(analysis: Analysis, codes: Ints, *, labels: tuple[str, ...]) -> MedianGap | None:
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
    return MedianGap(
        top=labels[top],
        bottom=labels[bottom],
        top_usd=number(medians[top]),
        bottom_usd=number(medians[bottom]),
        difference_usd=float(round(medians[top] - medians[bottom])),
        interval_usd=span(float(low), float(high), digits=0),
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


def _lines(analysis: Analysis, model: AdjustedModel, key: FieldKey) -> tuple[GroupLine, ...]:
    """The field's groups, most frequent (or in natural order)."""
    sample = analysis.sample
    field = sample.fields[key]
    counts = field.counts()
    medians = plain_quantiles(sample.middle_usd, field.codes, k=len(field.keys))[:, 0]
    return tuple(
        GroupLine(
            label=field.labels[code],
            postings=int(counts[code]),
            median_usd=number(medians[code]) if counts[code] >= MIN_CELL else None,
            reference=code == field.commonest(),
            adjusted=change_of(model.effect(key, code)) if counts[code] >= MIN_CELL else None,
        )
        for code in range(min(len(field.keys), SHOWN_GROUPS))
    )


def _beside(model: AdjustedModel, key: FieldKey) -> Share:
    """What only this field explains."""
    found = unique_share(model, key)
    low, high = max(0.0, found.share - Z95 * found.error), found.share + Z95 * found.error
    return Share(share=round(found.share, 4), interval=span(low, high))


def _by_beside(features: list[Feature]) -> list[tuple[Feature, Share]]:
    found = [(feature, feature.beside) for feature in features if feature.beside is not None]
    return sorted(found, key=lambda pair: -pair[1].share)


def _answer(alone: list[Feature]) -> str:
    text = (
        f"Taken alone, {FIELD_PHRASES[alone[0].key]} goes with the largest share of the differences in log pay "
        f"({wording.percent(alone[0].alone.share)})"
    )
    if len(alone) > 1:
        text += f", then {FIELD_PHRASES[alone[1].key]} ({wording.percent(alone[1].alone.share)})"
    if beside := _by_beside(alone):
        feature, share = beside[0]
        text += f"; what no other field explains is largest for {FIELD_PHRASES[feature.key]} ({wording.percent(share.share)})"
        small = [wording.lower_first(feature.name) for feature, share in beside if share.share < 0.01]
        if small:
            text += f" and under 1{wording.NARROW}% each for {wording.listed(small)}"
    return text + "."


def _effect(found: Effects, alone: list[Feature]) -> str:
    top, part = next(iter(_by_beside(alone)), (alone[0], alone[0].alone))
    together = f"; all fields together {wording.percent(found.r2)}" if found.r2 is not None else ""
    return (
        f"{top.name}: {wording.percent(part.share)} of the variance of log pay "
        f"({wording.interval(*(wording.percent(end) for end in part.interval))}){together}."
    )


def _on_p_values(analysis: Analysis) -> tuple[str, ...]:
    """A warning about p values where there is much data."""
    if analysis.sample.n_adverts < 2_000:
        return ()
    adverts = wording.count(analysis.sample.n_adverts, "advert")
    return (
        f"With {adverts} a p value below 0.001 is reached by effects too small to matter; read the shares instead.",
    )


def _shares_figure(features: list[Feature]) -> Figure:
    marks = []
    for feature in features:
        for series, part in (("Alone", feature.alone), ("Beside the others", feature.beside)):
            if part is not None:
                text = f"{feature.name}, {series.lower()}: {wording.percent(part.share)} of the variance of log pay"
                low, high = part.interval
                marks.append(Mark(label=feature.name, series=series, value=part.share, low=low, high=high, text=text))
    return Figure(
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
        rows=tuple(map(_feature_row, features)),
        chart=Forest(
            marks=tuple(marks), axis="percent", x_title="share of the variance of log pay", zero=None, step=34
        ),
    )


def _feature_row(feature: Feature) -> tuple[str, ...]:
    gap = feature.medians
    return (
        feature.name,
        f"{feature.compared} of {feature.groups}",
        wording.percent(feature.alone.share),
        wording.percent(feature.omega2),
        wording.percent(feature.epsilon2),
        feature.beside.text if feature.beside else DASH,
        f"± {wording.percent(feature.typical_change)}" if feature.typical_change is not None else DASH,
        wording.p_value(feature.kruskal_p),
        wording.p_value(feature.welch_p),
        f"{wording.dollars(gap.difference_usd)} ({gap.top} – {gap.bottom})" if gap else DASH,
    )


def _groups_figure(features: list[Feature]) -> list[Figure]:
    """Adjusted differences of the groups; none where there are none to draw."""
    groups = [
        (line.label.split(" (")[0] + (" company" if feature.key == "size" else ""), feature.name, line)
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
    if not marks:
        return []
    references = wording.listed([wording.lower_first(label) for label, _, line in groups if line.reference])
    return [
        Figure(
            key="effects-groups",
            title=f"Adjusted difference in pay from the commonest group of each field ({references})",
            alt="Points with 95 % intervals: how much more or less each group is advertised at, other fields held as they are.",
            columns=("Field", "Group", "Postings", "Median", "Adjusted difference", INTERVAL),
            rows=tuple(
                (
                    name,
                    label,
                    f"{line.postings:,}",
                    usd_text(line.median_usd),
                    *change_cells(line.adjusted, reference=line.reference),
                )
                for label, name, line in groups
            ),
            chart=Forest(marks=marks, axis="change", x_title="difference in pay, other fields held fixed"),
        )
    ]
