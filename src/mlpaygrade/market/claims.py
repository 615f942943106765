"""Section 10: what is claimed of the public file, measured.

Enters: rows in the dataset's columns (and, for one claim, the tests of section 1). Leaves: `Claim`s with claimed and measured
value
and a verdict. The claims are rows of `tables/claims.csv`; verdicts come from the rows at hand, never from memory.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from mlpaygrade.data import taxonomy
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import RowMoments, row_moments
from mlpaygrade.market.hypotheses import skewness
from mlpaygrade.market.target import FENCE
from mlpaygrade.schema import (
    CURRENCY,
    EMPLOYMENT,
    EXPERIENCE,
    LABELS,
    LOCATION,
    REMOTE,
    RESIDENCE,
    SIZE,
    TARGET,
    TITLE,
    YEAR,
)

Verdict = Literal["confirmed", "true, but", "not confirmed", "cannot be judged"]
CLAIMED_ROWS: Final = 16_494
"""The claims were made of a file of so many rows."""
COUNTRY_ROWS: Final = 3
STABLE: Final = 0.10
"""A deviation that changes by less is called stable."""
Judgement = tuple[Verdict, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim: in words, the claimed and the measured value as a person reads them, the verdict, and what to add."""

    key: str
    claim: str
    claimed: str
    measured: str
    verdict: Verdict
    remark: str
    source: str


def judge_claims(rows: pd.DataFrame, *, largest_p: float | None = None) -> tuple[Claim, ...]:
    """Measure every claim on rows with the dataset's columns.

    largest_p: the largest corrected p value of the fields' tests, where they were made.
    """
    text = Path(__file__).with_name("tables").joinpath("claims.csv").read_text(encoding="utf-8")
    values, words = _values(rows), _words(rows, largest_p=largest_p)
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        if row["unit"] == "words":
            verdict, measured = words[row["key"]]()
            found.append(_claim(row, claimed="—", measured=measured, verdict=verdict))
            continue
        value, claimed = values[row["key"]](), float(row["claimed"])
        if not np.isfinite(value):
            found.append(
                _claim(row, claimed=_shown(claimed, row["unit"]), measured="no such rows", verdict="cannot be judged")
            )
            continue
        holds = abs(value - claimed) <= float(row["tolerance"]) + 1e-9
        claim = _claim(
            row,
            claimed=_shown(claimed, row["unit"]),
            measured=_shown(value, row["unit"], exact=True),
            verdict="confirmed" if holds else "not confirmed",
            remark=_remark(row["key"], rows),
        )
        found.append(claim)
    return tuple(found)


def _claim(row: Mapping[str, str], *, claimed: str, measured: str, verdict: Verdict, remark: str = "") -> Claim:
    return Claim(
        key=row["key"],
        claim=row["claim"],
        claimed=claimed,
        measured=measured,
        verdict=verdict,
        remark=remark,
        source=row["source"],
    )


def _shown(value: float, unit: str, *, exact: bool = False) -> str:
    if unit == "usd":
        return wording.exact_dollars(value) if exact else wording.dollars(value)
    if unit == "share":
        return wording.percent(value, digits=2 if value < 0.1 else 1)
    if unit == "change":
        return wording.signed_percent(value, digits=1)
    return f"{value:,.0f}" if unit == "count" else f"{value:.2f}".replace("-", "−")


def _values(rows: pd.DataFrame) -> Mapping[str, Callable[[], float]]:
    """Claim -> its measured value; NaN where the rows do not tell."""
    usd = rows[TARGET].astype(np.float64)
    values = usd.to_numpy()
    q1, q3 = usd.quantile(0.25), usd.quantile(0.75)
    above = rows[usd > q3 + FENCE * (q3 - q1)]

    def mean(**codes: object) -> float:
        return float(_part(rows, **codes)[TARGET].mean())

    def share(column: str, code: object, *, of: pd.DataFrame = rows) -> float:
        return float((of[column] == code).mean()) if len(of) else np.nan

    def change(year: int) -> float:
        return mean(year=year) / mean(year=year - 1) - 1

    def shrinkage() -> float:
        return 1 - abs(skewness(np.log1p(values))) / abs(skewness(values))

    return {
        "rows": lambda: len(rows),
        "years": rows[YEAR].nunique,
        "titles": rows[TITLE].nunique,
        "residences": rows[RESIDENCE].nunique,
        "locations": rows[LOCATION].nunique,
        "min": lambda: float(usd.min()),
        "max": lambda: float(usd.max()),
        "mean": lambda: float(usd.mean()),
        "median": lambda: float(usd.median()),
        **{f"mean_{level}": lambda level=level: mean(level=level) for level in LABELS[EXPERIENCE]},  # type: ignore[misc]
        "skewness": lambda: skewness(values),
        "skewness_log": lambda: skewness(np.log1p(values)),
        "improvement": shrinkage,
        "above_fence": lambda: len(above),
        "above_share": lambda: len(above) / len(rows),
        "fence": lambda: float(q3 + FENCE * (q3 - q1)),
        "above_senior": lambda: share(EXPERIENCE, "SE", of=above),
        "above_mid": lambda: share(EXPERIENCE, "MI", of=above),
        "above_medium": lambda: share(SIZE, "M", of=above),
        "full_time": lambda: share(EMPLOYMENT, "FT"),
        "recent": lambda: float(rows[YEAR].isin([2023, 2024]).mean()),
        "share_2023": lambda: share(YEAR, 2023),
        "share_2024": lambda: share(YEAR, 2024),
        "share_before": lambda: float((rows[YEAR] < 2023).mean()),
        **{f"change_{year}": lambda year=year: change(year) for year in (2022, 2023, 2024)},  # type: ignore[misc]
        "us_share": lambda: share(LOCATION, "US"),
        "usd_share": lambda: share(CURRENCY, "USD"),
        "executive_remote": lambda: mean(level="EX", remote=100),
        "executive_on_site": lambda: mean(level="EX", remote=0),
        "entry_on_site": lambda: mean(level="EN", remote=0),
        "entry_remote": lambda: mean(level="EN", remote=100),
        "deviation_highest": lambda: _deviation(rows, "CT", "S"),
        "deviation_lowest": lambda: _deviation(rows, "FL", "S"),
    }


def _part(rows: pd.DataFrame, **codes: object) -> pd.DataFrame:
    columns = {"level": EXPERIENCE, "remote": REMOTE, "year": YEAR, "size": SIZE, "employment": EMPLOYMENT}
    kept = np.ones(len(rows), dtype=bool)
    for name, code in codes.items():
        kept &= (rows[columns[name]] == code).to_numpy()
    return rows[kept]


def _deviation(rows: pd.DataFrame, employment: str, size: str) -> float:
    return float(_part(rows, employment=employment, size=size)[TARGET].std())


def _remark(key: str, rows: pd.DataFrame) -> str:
    """What a number needs beside it."""
    if key in ("deviation_highest", "deviation_lowest"):
        employment = "CT" if key == "deviation_highest" else "FL"
        cell = _part(rows, employment=employment, size="S")
        cells = _deviations(rows)
        if not cells:
            return ""
        kind, size = (max if key == "deviation_highest" else min)(cells, key=lambda cell: cells[cell])
        extreme = (kind, size) == (employment, "S")
        end = "highest" if key == "deviation_highest" else "lowest"
        which = f"indeed the {end}" if extreme else f"not the {end}: that is {_cell(kind, size)}"
        return f"From {wording.count(len(cell), 'row')}; {which}."
    if key in ("entry_remote", "executive_remote"):
        level = "EN" if key == "entry_remote" else "EX"
        hybrid = _part(rows, level=level, remote=50)[TARGET]
        return (
            f"Hybrid: {wording.exact_dollars(hybrid.mean())} ({wording.count(len(hybrid), 'row')})."
            if len(hybrid)
            else ""
        )
    return ""


def _deviations(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Deviation of the rows of every employment type and company size that has two."""
    found = row_moments(rows, (EMPLOYMENT, SIZE))
    return {(kind, size): cell.deviation for (kind, size), cell in found.items() if cell.rows > 1}


def _cell(employment: str, size: str) -> str:
    return f"{LABELS[EMPLOYMENT][employment].lower()} at {LABELS[SIZE][size].split(' (')[0].lower()} companies"


def _words(rows: pd.DataFrame, *, largest_p: float | None) -> Mapping[str, Callable[[], Judgement]]:
    """Claim in words -> verdict and what the rows say."""
    return {
        "most_stable": lambda: _most_stable(rows),
        "medium_highest": lambda: _medium_highest(rows),
        "medium_dominates": lambda: _medium_dominates(rows),
        "all_significant": lambda: _all_significant(largest_p),
        "mid_senior_on_site": lambda: _mid_senior(rows),
        "remote_grows": lambda: _remote_grows(rows),
        "countries_highest": lambda: _countries(rows),
        "deviation_2020": lambda: _deviation_2020(rows),
        "deviation_stable": lambda: _deviation_stable(rows),
    }


def _most_stable(rows: pd.DataFrame) -> Judgement:
    cells = _deviations(rows)
    if ("FT", "S") not in cells:
        return "cannot be judged", "no such rows"
    lower = [_cell(kind, size) for (kind, size), value in cells.items() if value < cells[("FT", "S")]]
    value = wording.exact_dollars(cells[("FT", "S")])
    if not lower:
        return "confirmed", f"{value}, the lowest deviation"
    return "not confirmed", f"{value}; lower: {wording.listed(lower)}"


def _medium_highest(rows: pd.DataFrame) -> Judgement:
    means = rows.groupby(SIZE)[TARGET].mean()
    if "M" not in means.index or len(means) < 2:
        return "cannot be judged", "no such rows"
    shown = wording.listed([f"{_size(code)} {wording.exact_dollars(value)}" for code, value in means.items()])
    if means.idxmax() != "M":
        return "not confirmed", shown
    share = float((rows[SIZE] == "M").mean())
    return (
        "true, but",
        f"{shown}; {wording.percent(share, digits=1)} of rows are medium, so the comparison is one of composition",
    )


def _medium_dominates(rows: pd.DataFrame) -> Judgement:
    share = float((rows[SIZE] == "M").mean())
    return ("confirmed" if share > 0.5 else "not confirmed"), f"{wording.percent(share, digits=1)} of rows"


def _size(code: object) -> str:
    return LABELS[SIZE][str(code)].split(" (")[0].lower()


def _all_significant(largest_p: float | None) -> Judgement:
    if largest_p is None:
        return "cannot be judged", "too few adverts to test"
    text = f"largest p, each advert counted once and corrected for the number of tests: {wording.p_value(largest_p)}"
    if largest_p < 0.001:
        return "true, but", text + "; at this size that says little, see the effect sizes in the first section"
    return "not confirmed", text


def _remote_gains(rows: pd.DataFrame) -> dict[str, float]:
    """Level -> mean when fully remote less mean on site."""
    gains = {}
    for level in LABELS[EXPERIENCE]:
        away, on_site = (_part(rows, level=level, remote=way)[TARGET] for way in (100, 0))
        if len(away) and len(on_site):
            gains[str(level)] = float(away.mean() - on_site.mean())
    return gains


def _gains_text(gains: Mapping[str, float]) -> str:
    signed = {level: ("+" if gain > 0 else "−") + wording.exact_dollars(abs(gain)) for level, gain in gains.items()}
    return wording.listed([f"{LABELS[EXPERIENCE][level].lower()} {text}" for level, text in signed.items()])


def _mid_senior(rows: pd.DataFrame) -> Judgement:
    gains = {level: gain for level, gain in _remote_gains(rows).items() if level in ("MI", "SE")}
    if len(gains) < 2:
        return "cannot be judged", "no such rows"
    text = f"remote less on site, raw means: {_gains_text(gains)}"
    if all(gain < 0 for gain in gains.values()):
        return "true, but", text + "; raw means mix titles, countries and years, see the section on remote work"
    return "not confirmed", text


def _remote_grows(rows: pd.DataFrame) -> Judgement:
    gains = _remote_gains(rows)
    if len(gains) < 3:
        return "cannot be judged", "no such rows"
    values = list(gains.values())
    grows = all(later > earlier for earlier, later in pairwise(values))
    return ("confirmed" if grows else "not confirmed"), f"remote less on site, raw means: {_gains_text(gains)}"


def _countries(rows: pd.DataFrame) -> Judgement:
    found = {str(code): cell for (code,), cell in row_moments(rows, (LOCATION,)).items() if cell.rows >= COUNTRY_ROWS}
    ranked = sorted(found, key=lambda code: -found[code].mean)
    if len(ranked) < 3:
        return "cannot be judged", "too few countries"
    top = [taxonomy.country(code).name for code in ranked[:5]]
    claimed = [
        f"{taxonomy.country(code).name} {wording.exact_dollars(found[code].mean)} "
        f"({wording.count(found[code].rows, 'row')})"
        for code in ("CH", "LU", "DK")
        if code in found
    ]
    holds = set(ranked[:3]) == {"CH", "LU", "DK"}
    text = f"of countries with at least {COUNTRY_ROWS} rows the highest means are {wording.listed(top)}"
    return ("confirmed" if holds else "not confirmed"), text + (f"; {wording.listed(claimed)}" if claimed else "")


def _deviation_2020(rows: pd.DataFrame) -> Judgement:
    found = _yearly(rows)
    if 2020 not in found or len(found) < 2:
        return "cannot be judged", "no such rows"
    next_highest = max(cell.deviation for year, cell in found.items() if year != 2020)
    first = found[2020]
    text = (
        f"{wording.exact_dollars(first.deviation)} from {wording.count(first.rows, 'row')}; "
        f"the highest of the others is {wording.exact_dollars(next_highest)}"
    )
    return ("confirmed" if first.deviation > next_highest else "not confirmed"), text


def _deviation_stable(rows: pd.DataFrame) -> Judgement:
    found = _yearly(rows)
    if not {2022, 2023} <= set(found):
        return "cannot be judged", "no such rows"
    before, after = found[2022].deviation, found[2023].deviation
    change = after / before - 1
    text = f"{wording.exact_dollars(before)}, then {wording.exact_dollars(after)} ({wording.signed_percent(change)})"
    return ("confirmed" if abs(change) < STABLE else "not confirmed"), text


def _yearly(rows: pd.DataFrame) -> dict[int, RowMoments]:
    """Moments of the years that have two rows."""
    return {int(year): cell for (year,), cell in row_moments(rows, (YEAR,)).items() if cell.rows > 1}
