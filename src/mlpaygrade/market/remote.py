"""Section 2: remote work by level and by title family, raw and with the other fields held as they are.

Enters: an analysis. Leaves: a section with a cell for every level (and family) and way of working.
"""

from typing import Any, Final

import numpy as np

from mlpaygrade.job.fields import EXPERIENCE, REMOTE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number, pair_codes, row_moments
from mlpaygrade.market.hypotheses import holm, two_sided_p
from mlpaygrade.market.model import AdjustedModel, as_json
from mlpaygrade.market.resample import group_quantiles, percentile_interval, plain_quantiles
from mlpaygrade.market.sample import MIN_CELL, FieldKey, Floats

ALPHA: Final = 0.05
"""A difference is called clear when its corrected p value is lower."""


def remote_section(analysis: Analysis) -> Section:
    """Hybrid and fully remote against on site."""
    remote = analysis.sample.fields["remote"]
    base = remote.code(0)
    by_level = _cells(analysis, "level", analysis.model, base=base)
    by_family = _cells(analysis, "family", analysis.family_model, base=base)
    tested = [cell for cell in [*by_level, *by_family] if cell["adjusted"] is not None and not cell["reference"]]
    for cell, p in zip(tested, holm([cell.pop("p") for cell in tested]), strict=True):
        cell["p_holm"] = round(p, 4)
    missing = None
    if base is None or len(remote.keys) < 2:
        missing = "The file has no two ways of working to compare, one of them on site."
    clear = [cell for cell in tested if cell["p_holm"] < ALPHA]
    return Section(
        key="remote",
        title="Remote work",
        question="Does remote work pay more, and for whom?",
        answer="This file cannot say." if missing else _answer(by_level, clear),
        effect=_effect(by_level, tested, clear),
        uncertainty=(
            f"Intervals hold 95{wording.NARROW}% each and treat copies of an advert as one piece of evidence; "
            f"'clear' in the text means clear of zero after Holm's correction for all {len(tested)} "
            "comparisons, which asks for more than one interval "
            "that leaves zero out."
        ),
        cannot=(
            "Which jobs are offered remotely is chosen by employers; the adjusted figure holds year, title, country, size, level "
            "and employment fixed, and nothing else.",
            *_about_hybrid(analysis),
            f"Cells of fewer than {MIN_CELL} postings are marked and not compared.",
        ),
        n=analysis.counts,
        figures={"by_level": by_level, "by_family": by_family, "comparisons": len(tested)},
        missing=missing,
    )


def _cells(analysis: Analysis, key: FieldKey, model: AdjustedModel, *, base: int | None) -> list[dict[str, Any]]:
    sample = analysis.sample
    field, remote = sample.fields[key], sample.fields["remote"]
    codes, k = pair_codes(sample, key, "remote")
    counts = np.bincount(codes, minlength=k)
    medians = plain_quantiles(sample.middle_usd, codes, k=k)[:, 0]
    quantiles = group_quantiles(sample.middle_usd, codes, k=k)
    replicates = analysis.bootstrap.run(lambda weights: quantiles(weights)[:, 0])
    low, high = percentile_interval(replicates, medians)
    row_means = _row_means(analysis) if key == "level" else {}
    cells = []
    for group in range(len(field.keys)):
        for way in range(len(remote.keys)):
            at = group * len(remote.keys) + way
            if not counts[at]:
                continue
            enough = counts[at] >= MIN_CELL
            cell: dict[str, Any] = {
                "group": field.labels[group],
                "way": remote.labels[way],
                "postings": int(counts[at]),
                "few": not enough,
                "reference": way == base,
                "median_usd": number(medians[at]),
                "interval_usd": [number(low[at]), number(high[at])] if enough else None,
                "adjusted": None,
            }
            if key == "level":
                cell["mean_row_usd"] = number(row_means.get((field.keys[group], remote.keys[way]), np.nan))
            on_site = group * len(remote.keys) + base if base is not None else None
            if enough and on_site is not None and counts[on_site] >= MIN_CELL:
                cell |= _against(model, key, group, way=way, base=int(base or 0))
                cell["raw"] = _raw(medians, replicates, at=at, base=on_site)
            cells.append(cell)
    return cells


def _against(model: AdjustedModel, key: FieldKey, group: int, *, way: int, base: int) -> dict[str, Any]:
    """Adjusted difference of one way of working from on site, within a group."""
    effect = model.effect("remote", way, against=base, given={key: group})
    if effect is None or way == base:
        return {"adjusted": as_json(effect)}
    return {"adjusted": as_json(effect), "p": two_sided_p(effect.log_difference, effect.error)}


def _raw(medians: Floats, replicates: Floats, *, at: int, base: int) -> dict[str, float | None]:
    """Raw difference of medians as a relative change, with its interval."""
    change = medians[at] / medians[base] - 1
    low, high = percentile_interval(replicates[:, at] / replicates[:, base] - 1, np.asarray(change))
    return {
        "change": number(change, digits=4),
        "low": number(float(low), digits=4),
        "high": number(float(high), digits=4),
    }


def _row_means(analysis: Analysis) -> dict[tuple[Any, ...], float]:
    """Mean salary of the rows, the figure that published analyses quote."""
    return {codes: found.mean for codes, found in row_moments(analysis.sample.rows, (EXPERIENCE, REMOTE)).items()}


def _about_hybrid(analysis: Analysis) -> tuple[str, ...]:
    """How hybrid adverts differ from the others in where and when, which no adjustment fully undoes."""
    sample = analysis.sample
    remote, country, year = (sample.fields[key] for key in ("remote", "country", "year"))
    code = remote.code(50)
    if code is None or len(year.keys) < 2:
        return ()
    hybrid = remote.codes == code
    main, newest = country.commonest(), len(year.keys) - 1
    here = [wording.percent(float(np.mean(country.codes[mask] == main))) for mask in (hybrid, ~hybrid)]
    now = [wording.percent(float(np.mean(year.codes[mask] == newest))) for mask in (hybrid, ~hybrid)]
    return (
        f"Hybrid is {wording.percent(float(hybrid.mean()))} of postings and another population: {here[0]} of them are from "
        f"{country.labels[main]} against {here[1]} of the rest, {now[0]} from {year.keys[newest]} against {now[1]}.",
    )


def _answer(by_level: list[dict[str, Any]], clear: list[dict[str, Any]]) -> str:
    remote = [cell for cell in by_level if cell["way"] == "Fully remote" and cell["adjusted"] and not cell["reference"]]
    parts = []
    for cell in remote:
        raw = wording.signed_percent(cell["raw"]["change"])
        adjusted = wording.signed_percent(cell["adjusted"]["change"])
        verdict = "clear" if cell in clear else "not clear"
        parts.append(f"{wording.lower_first(cell['group'])} {raw} raw, {adjusted} adjusted ({verdict})")
    if not parts:
        return f"No level has {MIN_CELL} postings both fully remote and on site, so the data cannot say."
    return f"Fully remote against on site: {'; '.join(parts)}."


def _effect(by_level: list[dict[str, Any]], tested: list[dict[str, Any]], clear: list[dict[str, Any]]) -> str:
    if not tested:
        return "None."
    largest = max(tested, key=lambda cell: abs(cell["adjusted"]["change"]) if cell in clear else -1)
    if largest not in clear:
        return f"None of {len(tested)} adjusted differences is clear of zero."
    adjusted = largest["adjusted"]
    ends = wording.interval(wording.signed_percent(adjusted["low"]), wording.signed_percent(adjusted["high"]))
    where = f"{largest['group']}, {wording.lower_first(largest['way'])}"
    few = sum(cell["few"] for cell in by_level)
    return (
        f"{len(clear)} of {len(tested)} adjusted differences are clear of zero; the largest of them: {where}, "
        f"{wording.signed_percent(adjusted['change'])} ({ends}). {few} of {len(by_level)} cells by level are too small to judge."
    )
