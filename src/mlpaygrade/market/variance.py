"""Section 3: how far pay spreads within employment type and company size.

Enters: an analysis. Leaves: a section with a cell for every type and size. A standard deviation in dollars grows with pay and
hangs on single rows, so the spread of log pay is given beside it.
"""

from typing import Any

import numpy as np
from scipy import stats

from mlpaygrade.job.fields import EMPLOYMENT, LABELS, SIZE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section, number, pair_codes, row_moments
from mlpaygrade.market.resample import normal_interval
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints


def variance_section(analysis: Analysis) -> Section:
    """Spread of pay in every cell of employment type and company size."""
    cells = _cells(analysis)
    judged = [cell for cell in cells if not cell["few"]]
    judged.sort(key=lambda cell: -cell["log_spread"])
    few = [cell for cell in cells if cell["few"]]
    p, sizes = _brown_forsythe(analysis)
    missing = None if judged else f"No cell has {MIN_CELL} postings."
    return Section(
        key="variance",
        title="Spread within employment type and company size",
        question="Where does pay vary most?",
        answer=_answer(judged, few) if judged else "This file cannot say.",
        effect=_effect(judged, p, sizes),
        uncertainty=f"Bootstrap by advert ({analysis.bootstrap.replicates} samples), only for cells of "
        f"{MIN_CELL} postings or more.",
        cannot=(
            "A cell mixes levels, titles and countries, so its spread is not the uncertainty of one person's pay.",
            f"{len(few)} of {len(cells)} cells hold fewer than {MIN_CELL} postings; their deviations are "
            "shown, marked, and not ranked.",
        ),
        n=analysis.counts,
        figures={"cells": cells, "brown_forsythe_p": p, "sizes_compared": sizes},
        missing=missing,
    )


def _cells(analysis: Analysis) -> list[dict[str, Any]]:
    sample = analysis.sample
    employment, size = sample.fields["employment"], sample.fields["size"]
    codes, k = pair_codes(sample, "employment", "size")
    counts = np.bincount(codes, minlength=k)
    spread = log_spread(np.ones(len(sample)), codes, sample.log_middle, k=k)
    replicates = analysis.bootstrap.run(lambda weights: log_spread(weights, codes, sample.log_middle, k=k))
    low, high = normal_interval(replicates, spread)
    rows = row_moments(sample.rows, (EMPLOYMENT, SIZE))
    cells = []
    for one, kind in enumerate(employment.keys):
        for two, scale in enumerate(size.keys):
            at = one * len(size.keys) + two
            if not counts[at]:
                continue
            few = bool(counts[at] < MIN_CELL)
            found = rows[(kind, scale)]
            cells.append(
                {
                    "employment": employment.labels[one],
                    "size": LABELS[SIZE][str(scale)].split(" (")[0],
                    "postings": int(counts[at]),
                    "rows": found.rows,
                    "few": few,
                    "row_deviation_usd": number(found.deviation),
                    "log_spread": None if few else number(spread[at], digits=4),
                    "interval": None if few else [number(max(0.0, low[at]), digits=4), number(high[at], digits=4)],
                }
            )
    return cells


def log_spread(weights: Floats, codes: Ints, log_pay: Floats, *, k: int) -> Floats:
    """Standard deviation of log pay within groups, (k,), NaN below two observations."""
    mass = np.bincount(codes, weights=weights, minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(codes, weights=weights * log_pay, minlength=k) / mass
        squares = np.bincount(codes, weights=weights * (log_pay - np.nan_to_num(mean)[codes]) ** 2, minlength=k)
        return np.sqrt(np.where(mass > 1, squares / (mass - 1), np.nan))


def _brown_forsythe(analysis: Analysis) -> tuple[float | None, list[str]]:
    """Test that full-time pay spreads alike in every company size, on adverts, in log pay."""
    sample = analysis.sample
    full_time = sample.fields["employment"].code("FT")
    size = sample.fields["size"]
    first = sample.first_of_advert
    if full_time is None:
        return None, []
    groups, names = [], []
    for code, label in enumerate(size.labels):
        inside = (sample.fields["employment"].codes[first] == full_time) & (size.codes[first] == code)
        if inside.sum() >= MIN_CELL:
            groups.append(sample.log_middle[first][inside])
            names.append(label.split(" (")[0].lower())
    if len(groups) < 2 or any(np.ptp(group) == 0 for group in groups):
        return None, []
    return float(stats.levene(*groups, center="median").pvalue), names


def as_factor(log_deviation: float) -> str:
    """A deviation of log pay as "a factor of 1.5"."""
    return f"a factor of {np.exp(log_deviation):.2f}"


def _name(cell: dict[str, Any]) -> str:
    return f"{wording.lower_first(cell['employment'])} work at {cell['size'].lower()} companies"


def _answer(judged: list[dict[str, Any]], few: list[dict[str, Any]]) -> str:
    top, bottom = judged[0], judged[-1]
    text = (
        f"Of the cells with at least {MIN_CELL} postings, pay spreads most for {_name(top)} "
        f"({as_factor(top['log_spread'])} to either side)"
    )
    near = sum(cell["interval"][1] >= top["interval"][0] for cell in judged[1:])
    if near:
        text += f", not clearly apart from {wording.count(near, 'other cell')},"
    if len(judged) > 1:
        text += f" and least for {_name(bottom)} ({as_factor(bottom['log_spread'])})"
    shown = [cell for cell in few if cell["row_deviation_usd"] is not None]
    if shown:
        extreme = max(shown, key=lambda cell: cell["row_deviation_usd"])
        text += (
            f"; the deviation of {wording.dollars(extreme['row_deviation_usd'])} for {_name(extreme)} rests on "
            f"{wording.count(extreme['postings'], 'posting')}"
        )
    return text + "."


def _effect(judged: list[dict[str, Any]], p: float | None, sizes: list[str]) -> str:
    if not judged:
        return "None."
    top = judged[0]
    low, high = top["interval"]
    text = (
        f"One standard deviation of log pay for {_name(top)}: {as_factor(top['log_spread'])} "
        f"({wording.interval(f'{np.exp(low):.2f}', f'{np.exp(high):.2f}')})."
    )
    if p is not None:
        text += f" Full-time pay at {wording.listed(sizes)} companies: Brown-Forsythe p {wording.p_value(p)} for equal spread."
    return text
