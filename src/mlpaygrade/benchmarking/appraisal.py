"""An employer's rows against the market: estimates, compa-ratio, range penetration, suggested band, flags.

Enters: a `Sheet`, a predictor, the employer's rules. Leaves: pandas frames, one row for each of the sheet's, in its order;
figures that cannot be are missing. Draws nothing, writes nothing.

    compa-ratio        = pay / typical market pay
    range penetration  = (pay - low end) / (high end - low end) of the typical advertised band
    ageing factor      = (1 + yearly rate) ^ (years from the market figure's date to the date asked for)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.benchmarking.amounts import BAND_HIGH, BAND_LOW, PAY
from mlpaygrade.benchmarking.sheet import DEFAULTED, REFERENCE, Sheet, headers
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.distribution import LEVELS
from mlpaygrade.forecast.evidence import ENOUGH
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EXPERIENCE, FEATURES, LABELS, LOCATION, RESIDENCE, TITLE, YEAR, Code

if TYPE_CHECKING:
    import pandas as pd

CLOSE_LEVELS: Final = ("same job", "same title, level and country")
"""A figure that rests on a broader match is flagged as thin."""
FIGURE_OF: Final = dict(zip(("typical", "low", "high", "lower_90", "upper_90"), FIGURES, strict=True))
"""Column of the appraisal -> the answer's figure."""
CHUNK: Final = 2_000
DAYS_A_YEAR: Final = 365.25

Progress = Callable[[float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The employer's settings. yearly_rate: growth of market pay, as a share. widest: high over low end of a band."""

    yearly_rate: float = 0.0
    until: date
    widest: float = 2.0


def market_date(predictor: Predictor, year: int | None = None) -> date:
    """The day that market figures of a year speak of: the newest posting's day for the newest year, else mid-year."""
    provenance = predictor.bundle.provenance
    newest = int(predictor.bundle.encoder.newest_year)
    if (year is None or year >= newest) and provenance.get("newest_day"):
        return date.fromisoformat(str(provenance["newest_day"]))
    return date(min(year or newest, newest), 7, 1)


def appraise(sheet: Sheet, predictor: Predictor, *, progress: Progress = lambda _share: None) -> "pd.DataFrame":
    """Market figures for every row that can be read, not aged. Distinct jobs are answered once."""
    import pandas as pd

    jobs, of_row, remarks = _jobs(sheet, predictor)
    answers = _answers(list(jobs), predictor, progress)
    place = np.array([-1 if n is None else n for n in of_row])
    for n in np.flatnonzero(place >= 0):
        if note := answers["notes"][place[n]]:
            remarks[n].append(note)
        if reason := answers["refused"][place[n]]:
            remarks[n].append(f"not answered: {reason}")
            place[n] = -1
    good = place >= 0

    def spread(name: str) -> NDArray[np.generic]:
        values = np.full(len(place), np.nan)
        values[good] = answers[name][place[good]]
        return values

    pay = _amounts(sheet, PAY)
    share = np.full(len(place), np.nan)
    for n in np.flatnonzero(good & ~np.isnan(pay)):
        share[n] = np.interp(np.log1p(pay[n]), answers["log_quantiles"][place[n]], LEVELS.astype(np.float64))
    support = answers["level"][place] if len(jobs) else np.full(len(place), "", dtype=object)
    return pd.DataFrame(
        {
            "row": [row["row"] for row in sheet.values],
            "reference": [row.get(REFERENCE) or "" for row in sheet.values],
            "title": [row.get(TITLE) or "" for row in sheet.values],
            "level": [LABELS[EXPERIENCE].get(row.get(EXPERIENCE) or "", "") for row in sheet.values],
            "country": [_country(row.get(LOCATION)) for row in sheet.values],
            "year": [row.get(YEAR) or 0 for row in sheet.values],
            "pay": pay,
            "own_low": _amounts(sheet, BAND_LOW),
            "own_high": _amounts(sheet, BAND_HIGH),
            **{name: spread(name) for name in (*FIGURE_OF, "postings")},
            "match": np.where(good, support, ""),
            "position": share,
            "remarks": ["; ".join(said) for said in remarks],
        }
    )


def judge(market: "pd.DataFrame", predictor: Predictor, rules: Rules) -> "pd.DataFrame":
    """Market figures aged by the rules, ratios, suggested bands and flags."""
    frame = market.copy()
    factors = {int(year): ageing_factor(predictor, rules, year=int(year) or None) for year in frame["year"].unique()}
    frame["factor"] = frame["year"].map(factors)
    for name in FIGURE_OF:
        frame[name] = (frame[name] * frame["factor"]).round()
    frame["compa_ratio"] = (frame["pay"] / frame["typical"]).round(3)
    width = frame["high"] - frame["low"]
    frame["penetration"] = ((frame["pay"] - frame["low"]) / width.where(width > 0)).round(3)
    frame["suggested_low"], frame["suggested_high"] = (frame[end].round(-3) for end in ("low", "high"))
    frame["flags"] = _flags(frame, rules)
    return frame


def ageing_factor(predictor: Predictor, rules: Rules, *, year: int | None = None) -> float:
    """What market figures are multiplied with, never below one year's distance backwards: a past date ages nothing."""
    days = max((rules.until - market_date(predictor, year)).days, 0)
    return float((1 + rules.yearly_rate) ** (days / DAYS_A_YEAR))


def _jobs(sheet: Sheet, predictor: Predictor) -> tuple[dict[tuple[Code | None, ...], int], list[int | None], list[list[str]]]:
    """Distinct jobs (values of FEATURES) with their number, each row's number (None: not answered), and each row's remarks."""
    newest = predictor.bundle.encoder.newest_year
    titles: dict[str, tuple[str | None, str]] = {}
    jobs: dict[tuple[Code | None, ...], int] = {}
    of_row: list[int | None] = []
    remarks: list[list[str]] = []
    for row, said_before in zip(sheet.values, sheet.remarks, strict=True):
        said = list(said_before)
        written = str(row.get(TITLE) or "")
        if written not in titles:
            titles[written] = _title(written, predictor)
        title, note = titles[written]
        said += [note] if note else []
        filled = {**row, TITLE: title}
        for column, default in DEFAULTED.items():
            if filled.get(column, "") == "":
                filled[column] = default
        if filled.get(RESIDENCE, "") == "":
            filled[RESIDENCE] = filled[LOCATION]
        if filled.get(YEAR, "") == "":
            filled[YEAR] = newest
        remarks.append(said)
        if missing := [column for column in FEATURES if filled[column] is None]:
            said.append(f"not answered: {', '.join(headers()[column] for column in missing)} cannot be read")
            of_row.append(None)
            continue
        of_row.append(jobs.setdefault(tuple(filled[column] for column in FEATURES), len(jobs)))
    return jobs, of_row, remarks


def _title(written: str, predictor: Predictor) -> tuple[str | None, str]:
    if not written:
        return None, ""
    try:
        reading = taxonomy.resolve_title(written, known=predictor.known_titles)
    except InputError as error:
        return None, str(error)
    return reading.title, reading.note or ""


def _answers(
    jobs: list[tuple[Code | None, ...]], predictor: Predictor, progress: Progress
) -> Mapping[str, NDArray[np.generic]]:
    """Figures of distinct jobs in USD, their evidence, and the quantiles of one figure in log1p USD."""
    parts: dict[str, list[NDArray[np.generic]]] = {}
    for start in range(0, max(len(jobs), 1), CHUNK):
        chunk = jobs[start : start + CHUNK]
        answers = predictor.answer_many({column: [job[n] for job in chunk] for n, column in enumerate(FEATURES)})
        found: dict[str, NDArray[np.generic]] = {
            **{name: answers.figures[figure] for name, figure in FIGURE_OF.items()},
            "postings": np.array([cell.postings for cell in answers.support], dtype=np.float64),
            "level": np.array([cell.level for cell in answers.support], dtype=object),
            "refused": np.array(answers.refusals, dtype=object),
            "notes": np.array(["; ".join(notes) for notes in answers.warnings], dtype=object),
            "log_quantiles": answers.prediction.quantiles("any").astype(np.float64),
        }
        for name, values in found.items():
            parts.setdefault(name, []).append(values)
        progress(min(start + CHUNK, len(jobs)) / max(len(jobs), 1))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _flags(frame: "pd.DataFrame", rules: Rules) -> list[str]:
    """Words for what deserves a second look, row by row."""
    thin = (frame["match"] != "") & (~frame["match"].isin(CLOSE_LEVELS) | (frame["postings"] < ENOUGH))
    own = frame["own_high"] / frame["own_low"]
    suggested = frame["high"] / frame["low"]
    checks = {
        "not answered": frame["match"] == "",
        "thin support": thin,
        "own band too wide": own > rules.widest,
        "market band wide": suggested > rules.widest,
        "own band beside the market": (frame["own_high"] < frame["low"]) | (frame["own_low"] > frame["high"]),
        "pay below 95 of 100": frame["pay"] < frame["lower_90"],
        "pay above 95 of 100": frame["pay"] > frame["upper_90"],
    }
    held = {name: mask.to_numpy(dtype=bool, na_value=False) for name, mask in checks.items()}
    return ["; ".join(name for name, mask in held.items() if mask[n]) for n in range(len(frame))]


def _amounts(sheet: Sheet, name: str) -> NDArray[np.float64]:
    amounts = [row.get(name) for row in sheet.values]
    return np.array([float(amount) if isinstance(amount, int) else np.nan for amount in amounts], dtype=np.float64)


def _country(code: str | int | None) -> str:
    return taxonomy.country(str(code)).name if code else ""
