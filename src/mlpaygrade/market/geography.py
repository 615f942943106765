"""Section 5: pay by country, with estimates that are shrunken where there is little evidence.

Countries are a sample of effects around a common mean: b_c ~ N(mu, tau^2), seen with error s_c. tau^2 is DerSimonian and Laird's
(1986), and each country's estimate moves towards mu the more, the less is known of it (empirical Bayes).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mlpaygrade.job.fields import LOCATION
from mlpaygrade.job.lookup import rows as table_rows
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, Group, change_of, figure, number
from mlpaygrade.market.document import MOST_LINES, Figure
from mlpaygrade.market.inference import Effect
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints
from mlpaygrade.market.wording import Change
from mlpaygrade.rendering.charts import Forest, Tile, Tiles
from mlpaygrade.rendering.words import counted, with_article

MAP_EDGES: Final = (-0.5, -0.3, -0.1, 0.1)
"""Bounds of the map's five classes, relative to the reference country."""


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


@dataclass(frozen=True, kw_only=True)
class CountryLine(Group):
    """A country. shrunken: against the reference country for alike jobs; None where postings are few or the data cannot tell.
    above_average, above_reference: whether the shrunken interval lies above the average country, the reference."""

    code: str
    shrunken: Change | None
    above_average: bool
    above_reference: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Geography:
    """Countries, most postings first. reference_share: of the rows. average_country: against the reference.
    between_countries: one standard deviation, as a relative change. premium: countries clearly above the average one."""

    reference: str
    reference_share: float
    countries: tuple[CountryLine, ...]
    few_countries: int
    few_postings: int
    premium: tuple[str, ...]
    above_reference: tuple[str, ...]
    average_country: float | None
    between_countries: float | None

    @property
    def ranked(self) -> list[tuple[CountryLine, Change]]:
        """Countries that are judged, without the reference, the highest first."""
        found = [(line, line.shrunken) for line in self.countries if line.shrunken and not line.reference]
        return sorted(found, key=lambda pair: -pair[1].value)


def geography_section(analysis: Analysis) -> Finding[Geography]:
    """Countries, raw, adjusted and shrunken."""
    field = analysis.sample.fields["country"]
    main = field.commonest()
    share = float(np.mean(analysis.sample.rows[LOCATION] == field.keys[main]))
    shrunken, lines = _lines(analysis)
    few = [line for line in lines if line.few]
    if len(lines) - len(few) < 2:
        return Finding(missing=f"Fewer than two countries have {MIN_CELL} postings.")
    found = Geography(
        reference=field.labels[main],
        reference_share=round(share, 4),
        countries=lines,
        few_countries=len(few),
        few_postings=sum(line.postings for line in few),
        premium=tuple(line.label for line in lines if line.above_average and not line.reference),
        above_reference=tuple(line.label for line in lines if line.above_reference),
        average_country=number(float(np.expm1(shrunken.mean)), digits=4) if shrunken else None,
        between_countries=number(float(np.expm1(shrunken.tau)), digits=4) if shrunken else None,
    )
    return Finding(
        numbers=found,
        answer=_answer(found),
        effect=_effect(found),
        uncertainty="Adjusted differences: errors clustered by advert. Shrunken ones: empirical Bayes, "
        f"95{wording.NARROW}% intervals; a country of few adverts moves towards the average country. {len(few)} countries of "
        f"fewer than {MIN_CELL} postings are on the map, marked, and not ranked.",
        cannot=(
            "Dollars are compared at exchange rates; living costs, taxes and benefits are not in the file.",
            "Where few adverts of a country state pay, those that do need not be typical of it.",
            f"{wording.percent(share)} of rows are from {with_article(field.labels[main])}: every figure that does not name a "
            "country is mostly about that one.",
        ),
        figures=[_map(found), _forest(found)],
    )


def _lines(analysis: Analysis) -> tuple[Shrunken | None, tuple[CountryLine, ...]]:
    """The shrinkage, None where fewer than two effects are known, and a line per country, most postings first."""
    groups = analysis.groups("country")
    effects = analysis.model.effects("country")
    known = [code for code, effect in enumerate(effects) if effect is not None]
    raw = np.array([effect.log_difference for effect in effects if effect is not None])
    errors = _errors(analysis, np.array([group.adverts for group in groups], dtype=np.int64))
    shrunken = shrink(raw, errors[known]) if len(known) > 1 else None
    pulled: dict[int, Effect] = {}
    if shrunken is not None:
        parts = zip(known, shrunken.estimate.tolist(), shrunken.deviation.tolist(), strict=True)
        pulled = {code: Effect(log_difference=b, error=s) for code, b, s in parts if not groups[code].few}
    lines = []
    for code, (group, key) in enumerate(zip(groups, analysis.sample.fields["country"].keys, strict=True)):
        effect = pulled.get(code)
        lines.append(
            CountryLine(
                **vars(group),
                code=str(key),
                shrunken=change_of(effect),
                above_average=effect is not None and shrunken is not None and effect.low > shrunken.mean,
                above_reference=effect is not None and effect.low > 0,
            )
        )
    return shrunken, tuple(lines)


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


def _answer(found: Geography) -> str:
    share, reference = wording.percent(found.reference_share), with_article(found.reference)
    text = f"{share} of rows are from {reference}; with the other fields held fixed "
    if above := found.above_reference:
        text += f"{wording.listed(above)} clearly pay{'s' if len(above) == 1 else ''} more, and "
    else:
        text += "no country with enough postings clearly pays more, and "
    premium = [line.label for line, _ in found.ranked if line.above_average]
    if not premium:
        return text + "no other country stays clearly above the average country after shrinkage."
    stay = "stays" if len(premium) == 1 else "stay"
    return text + f"{wording.listed(premium)} {stay} clearly above the average country after shrinkage."


def _effect(found: Geography) -> str:
    if not found.ranked or found.average_country is None or found.between_countries is None:
        return "None."
    line, change = max(found.ranked, key=lambda pair: pair[0].postings)
    return (
        f"{line.label} against {with_article(found.reference)}: {change.text} ({change.interval}); the average "
        f"country {wording.signed_percent(found.average_country)}; countries differ by a factor of "
        f"{1 + found.between_countries:.2f} (one standard deviation)."
    )


def _class_names() -> tuple[str, ...]:
    a, b, c, d = (wording.signed_percent(edge, digits=0) if abs(edge) >= 0.1 else "0" for edge in MAP_EDGES)
    return (f"below {a}", f"{a} to {b}", f"{b} to {c}", f"{c} to {d}", f"above {d}")


def _map(found: Geography) -> Figure:
    judged = [line for line in found.countries if line.shrunken]
    return figure(
        "geography-map",
        f"Pay for alike jobs against {found.reference}, shrunken (a tile per country; framed tiles have too few postings)",
        f"Tile map of the world: {len(judged)} countries coloured by pay for alike jobs against {found.reference}, "
        f"{found.few_countries} framed as too few.",
        Tiles(tiles=_tiles(found), classes=_class_names()),
        judged,
        ("Country", lambda line: line.label),
        ("Postings", lambda line: f"{line.postings:,}"),
        (f"Against {found.reference}", lambda line: wording.change(line.shrunken, reference=line.reference)),
    )


def _tiles(found: Geography) -> tuple[Tile, ...]:
    """A tile per country of the layout; those of the file carry its figures. A country without a tile is in the list only."""
    at, names, tiles = {line.code: line for line in found.countries}, _class_names(), []
    for row in table_rows("country_tiles", room="market"):
        line = at.get(row["code"])
        if line is None and row["minor"] == "1":
            continue
        state, text, said = "empty", "", ""
        if line is not None and line.shrunken is None:
            state, text = "few", f"{line.label}: {counted(line.postings, 'posting')}, too few to judge"
        elif line is not None and line.shrunken is not None:
            change = 0.0 if line.reference else line.shrunken.value
            state = names[int(np.searchsorted(MAP_EDGES, change, side="right"))]
            said = wording.signed_percent(change) if change else "0"
            against = f"{wording.signed_percent(change)} against {found.reference}"
            text = f"{line.label}: {against}, {counted(line.postings, 'posting')}"
        place = {"x": int(row["column"]), "y": int(row["row"])}
        tiles.append(Tile(**place, code=row["code"], state=state, text=text, said=said))
    return tuple(tiles)


def _forest(found: Geography) -> Figure:
    marks = [
        change.mark(f"{line.label} ({line.postings:,})", series)
        for line, shrunken in found.ranked[:MOST_LINES]
        for series, change in (("Shrunken", shrunken), ("Not shrunken", line.adjusted))
        if change
    ]
    reference = [line for line in found.countries if line.reference and line.shrunken]
    table = figure(
        "geography-countries",
        f"Adjusted difference from {found.reference}, with postings in brackets",
        "Points with 95 % intervals per country, shrunken towards the average country and not.",
        Forest(
            marks=tuple(marks), axis="change", x_title=f"difference from {found.reference}, other fields held fixed"
        ),
        [*reference, *(line for line, _ in found.ranked)],
        ("Country", lambda line: line.label),
        ("Postings", lambda line: f"{line.postings:,}"),
        ("Median", lambda line: wording.usd(line.median_usd)),
        (wording.INTERVAL, lambda line: wording.span(line.interval_usd)),
        ("Adjusted", lambda line: wording.change(line.adjusted, reference=line.reference)),
        ("Shrunken", lambda line: wording.DASH if line.reference else wording.change(line.shrunken)),
        (wording.INTERVAL, lambda line: wording.ends(line.shrunken, reference=line.reference)),
    )
    few = [line.label for line in found.countries if line.few]
    others = (f"{len(few)} others, not ranked: {', '.join(few)}", f"{found.few_postings:,}", *(wording.DASH,) * 5)
    return replace(table, rows=(*table.rows, others)) if few else table
