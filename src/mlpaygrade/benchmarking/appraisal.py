"""An employer's rows against the market: estimates, compa-ratio, range penetration, cost to a chosen percentile, flags.

Figures come from `Predictor.answer_many` alone, in US dollars a year; one row of the frame for each of the sheet's, in its
order, missing where there is no figure.

    compa-ratio        = pay / typical market pay
    range penetration  = (pay - low end) / (high end - low end) of the typical advertised band
    cost to target     = what pay lacks of the chosen percentile of advertised figures, 0 where it lacks nothing
    ageing factor      = (1 + yearly rate) ^ (years from the market figure's date to the date asked for),
                         or the growth of posted wages in the row's country between the two

`advert_range` is a range of pay to name in an advert: the typical band, narrowed about its middle where an employer wants it
narrower. It says what others advertise, not what an employer's own people in the same work are paid, which pay-transparency
laws ask about; it is no legal advice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.benchmarking.pay_columns import BAND_HIGH, BAND_LOW, PAY
from mlpaygrade.benchmarking.sheet import DEPARTMENT, REFERENCE, Sheet
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.answer import FIGURES, Answer, Answers, market_day, percentile
from mlpaygrade.forecast.distribution import LEVELS
from mlpaygrade.forecast.jobs import lines
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.strength import of_internship
from mlpaygrade.job.fields import EXPERIENCE, FEATURES, LOCATION, TITLE, YEAR, label_of
from mlpaygrade.job.lookup import with_memory
from mlpaygrade.job.places import HOME, country, country_codes
from mlpaygrade.job.reading import INTERNSHIP
from mlpaygrade.money import ageing
from mlpaygrade.money.terms import DOLLARS, PayTerms

if TYPE_CHECKING:
    import pandas as pd


FIGURE_OF: Final = dict(zip(("typical", "low", "high", "lower_90", "upper_90"), FIGURES, strict=True))
"""Column of the appraisal -> the answer's figure."""
AGED: Final = (*FIGURE_OF, "target")
CHUNK: Final = 2_000
DAYS_A_YEAR: Final = 365.25
NOT_AGED: Final = "not aged: growth of posted wages is not known for this country"

Progress = Callable[[float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The employer's settings.

    yearly_rate: growth of market pay, a share. posted_wages: age by the growth of posted wages in each country instead.
    widest: high over low end of a band. percentile: of advertised figures that pay is to reach, a share in [0.05, 0.95].
    """

    yearly_rate: float = 0.0
    posted_wages: bool = False
    until: date
    widest: float = 2.0
    percentile: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Market figures of n rows, not aged. frame: one row each. log_quantiles: (n, 23) by `LEVELS`, log1p USD, NaN for none."""

    frame: "pd.DataFrame"
    log_quantiles: NDArray[np.float32]


@with_memory
def appraise(sheet: Sheet, predictor: Predictor, *, progress: Progress = lambda _share: None) -> Market:
    """Market figures for every row that can be read. Distinct jobs are answered once."""
    import pandas as pd

    jobs = _distinct(sheet, predictor, progress)
    place = np.where(sheet.job < 0, len(jobs["problem"]) - 1, sheet.job)
    remarks = [
        "; ".join(filter(None, parts))
        for parts in zip(jobs["problem"][place], jobs["remarks"][place], sheet.remarks, strict=True)
    ]
    pay, low, high = (sheet.amounts.get(name, np.full(len(sheet), np.nan)) for name in (PAY, BAND_LOW, BAND_HIGH))
    frame = pd.DataFrame(
        {
            "row": sheet.numbers,
            "reference": sheet.texts[REFERENCE],
            "department": sheet.texts[DEPARTMENT],
            "title": sheet.texts[TITLE],
            "grade": sheet.texts[EXPERIENCE],
            **{name: jobs[name][place] for name in ("level", "country", "year")},
            "pay": pay,
            "own_low": low,
            "own_high": high,
            **{name: jobs[name][place] for name in (*FIGURE_OF, "postings", "match", "strength", "why", "disagrees")},
            "position": _positions(pay, jobs["log_quantiles"], place),
            "remarks": remarks,
        }
    )
    return Market(frame=frame, log_quantiles=jobs["log_quantiles"][place])


def judge(market: Market, predictor: Predictor, rules: Rules) -> "pd.DataFrame":
    """Market figures aged by the rules, ratios, suggested bands, the cost to the chosen percentile, flags."""
    frame = market.frame.copy()
    _age(frame, predictor, rules)
    frame["target"] = _at_level(market.log_quantiles, rules.percentile)
    for name in AGED:
        frame[name] = (frame[name] * frame["factor"]).round()
    frame["compa_ratio"] = (frame["pay"] / frame["typical"]).round(3)
    width = frame["high"] - frame["low"]
    frame["penetration"] = ((frame["pay"] - frame["low"]) / width.where(width > 0)).round(3)
    frame["cost"] = (frame["target"] - frame["pay"]).clip(lower=0)
    frame["suggested_low"], frame["suggested_high"] = (frame[end].round(-3) for end in ("low", "high"))
    frame["flags"] = _flags(frame, rules)
    return frame


def ageing_factor(predictor: Predictor, rules: Rules, *, country: str = HOME, year: int | None = None) -> float:
    """What market figures of a country (ISO 3166-1 alpha-2) and year are multiplied with: a past date ages nothing.

    By posted wages 1 where their growth is not known.
    """
    start = market_day(predictor.bundle, year)
    if rules.until <= start:
        return 1.0
    if not rules.posted_wages:
        return float((1 + rules.yearly_rate) ** ((rules.until - start).days / DAYS_A_YEAR))
    try:
        return ageing.ageing_factor(country, f"{start:%Y-%m}", f"{rules.until:%Y-%m}").factor
    except InputError:
        return 1.0


def _age(frame: "pd.DataFrame", predictor: Predictor, rules: Rules) -> None:
    """Give every row its factor, and a remark where none is known for its country."""
    codes = {country(code).name: code for code in country_codes()}
    named = list(zip(frame["country"], frame["year"].astype(int), strict=True))
    factors = {
        (name, year): ageing_factor(predictor, rules, country=codes.get(name, HOME), year=year or None)
        for name, year in set(named)
    }
    frame["factor"] = [factors[key] for key in named]
    if rules.posted_wages:
        unknown = {name for name in set(frame["country"]) if name and not ageing.has_growth(codes[name])}
        mask = frame["country"].isin(unknown)
        frame.loc[mask, "remarks"] = [f"{said}; {NOT_AGED}" if said else NOT_AGED for said in frame["remarks"][mask]]


def _distinct(sheet: Sheet, predictor: Predictor, progress: Progress) -> dict[str, NDArray[Any]]:
    """Columns of the distinct jobs, and after them one job without an answer, for broken rows."""
    read = sheet.jobs
    count = len(read.problems) + 1
    columns: dict[str, NDArray[Any]] = {name: np.full(count, np.nan) for name in (*FIGURE_OF, "postings")}
    columns |= {name: np.full(count, "", dtype=object) for name in ("match", "strength", "why", "remarks", "problem")}
    columns["log_quantiles"] = np.full((count, len(LEVELS)), np.nan, dtype=np.float32)
    columns["level"] = _words(read.columns[EXPERIENCE], lambda code: label_of(EXPERIENCE, code))
    columns["country"] = _words(read.columns[LOCATION], lambda code: country(code).name)
    columns["year"] = np.array([*(year or 0 for year in read.columns[YEAR]), 0], dtype=np.int64)
    columns["disagrees"] = np.array([*(text != "" for text in read.warnings), False], dtype=bool)
    columns["problem"][:-1] = [f"not answered: {problem}" if problem else "" for problem in read.problems]
    columns["problem"][-1] = "not answered: the row cannot be read"
    columns["remarks"][:-1] = [
        "; ".join([*lines(warnings), *lines(notes)]) for warnings, notes in zip(read.warnings, read.notes, strict=True)
    ]
    good = np.flatnonzero(read.problems == "")
    for start in range(0, max(len(good), 1), CHUNK):
        index = good[start : start + CHUNK]
        if len(index):
            _fill(columns, index, predictor.answer_many({name: read.columns[name][index] for name in FEATURES}))
        progress(min(start + CHUNK, len(good)) / max(len(good), 1))
    return columns


def _fill(columns: Mapping[str, NDArray[Any]], index: NDArray[np.intp], answers: Answers) -> None:
    """Write the answers of some distinct jobs into their places."""
    answered = np.array([refusal is None for refusal in answers.refusals], dtype=bool)
    for name, figure in FIGURE_OF.items():
        columns[name][index] = answers.figures[figure]
    columns["log_quantiles"][index] = np.where(answered[:, None], answers.prediction.quantiles("any"), np.nan)
    for n, place in enumerate(index.tolist()):
        if not answered[n]:
            columns["problem"][place] = f"not answered: not enough data: {answers.refusals[n]}"
            continue
        strength, support = answers.strength(n), answers.support[n]
        if INTERNSHIP in columns["remarks"][place]:
            strength = of_internship(strength)
        columns["strength"][place], columns["why"][place] = strength.word, "; ".join(strength.reasons)
        columns["postings"][place], columns["match"][place] = support.postings, support.level
        columns["remarks"][place] = "; ".join(filter(None, [columns["remarks"][place], *answers.warnings[n]]))


def _positions(
    pay: NDArray[np.float64], log_quantiles: NDArray[np.float32], place: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The share of advertised figures below the pay, (n,), in [0.01, 0.99]; NaN for none."""
    share = np.full(len(pay), np.nan)
    for n in np.flatnonzero(~np.isnan(pay) & ~np.isnan(log_quantiles[place, 0])).tolist():
        share[n] = percentile(log_quantiles[place[n]], pay[n])
    return share


def _at_level(log_quantiles: NDArray[np.float32], level: float) -> NDArray[np.float64]:
    """The pay that a share of advertised figures lie below, (n,), between levels linear in log1p USD."""
    levels = LEVELS.astype(np.float64)
    right = int(np.clip(np.searchsorted(levels, level), 1, len(levels) - 1))
    weight = float(np.clip((level - levels[right - 1]) / (levels[right] - levels[right - 1]), 0, 1))
    logs = log_quantiles.astype(np.float64)
    return np.asarray(np.expm1((1 - weight) * logs[:, right - 1] + weight * logs[:, right]))


def _flags(frame: "pd.DataFrame", rules: Rules) -> list[str]:
    """Words for what deserves a second look in the employer's own figures, row by row."""
    own = frame["own_high"] / frame["own_low"]
    checks = {
        "not answered": frame["typical"].isna(),
        "title and fields disagree": frame["disagrees"],
        "own band too wide": own > rules.widest,
        "own band beside the market": (frame["own_high"] < frame["low"]) | (frame["own_low"] > frame["high"]),
        "pay below 95 of 100": frame["pay"] < frame["lower_90"],
        "pay above 95 of 100": frame["pay"] > frame["upper_90"],
    }
    said = np.full(len(frame), "", dtype=object)
    for name, mask in checks.items():
        held = mask.to_numpy(dtype=bool, na_value=False)
        said[held] = [f"{before}; {name}" if before else name for before in said[held]]
    return list(said)


def _words(codes: NDArray[np.object_], word: Callable[[Any], str]) -> NDArray[np.object_]:
    """Codes in words, "" for None, and one "" after them."""
    known = {code: word(code) for code in set(codes) if code is not None}
    return np.array([*(known.get(code, "") for code in codes), ""], dtype=object)


NARROWEST: Final = 1.05
WIDEST: Final = 2.0
USUAL_WIDTH: Final = 1.35

LIMITS: Final = (
    "It says what others advertise. Compare it with what your own people in the same work, or work of equal value, are paid "
    "before you publish it.",
    "EU Directive 2023/970 (article 5) asks for the initial pay or its range from objective criteria that are neutral as to "
    "gender; several US states ask for the range that you expect in good faith to pay. Publish only what you would pay.",
    "It knows no skills, no bonus or equity, and within a country only the places that it names. It is no legal advice.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertRange:
    """The range in whole units of the terms, what it rests on and what it does not say."""

    low: float
    high: float
    terms: PayTerms
    reasons: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def text(self) -> str:
        """The range as an advert would name it."""
        return f"{self.low:,.0f} to {self.high:,.0f} {self.terms.currency} {self.terms.per}"


def advert_range(answer: Answer, *, widest: float = USUAL_WIDTH, terms: PayTerms = DOLLARS) -> AdvertRange:
    """The range for the job of an answer. widest: the high end over the low end, at most.

    Raises InputError for a width outside [NARROWEST, WIDEST], and where there is no answer to build on.
    """
    if not NARROWEST <= widest <= WIDEST:
        raise InputError(
            f"The high end is {NARROWEST} to {WIDEST:g} times the low end at most; got {widest:g}. Give such a width."
        )
    answer.require_answer()
    typical = answer.band_high_usd / answer.band_low_usd
    low_usd, high_usd = answer.band_low_usd, answer.band_high_usd
    if typical > widest:
        middle = sqrt(low_usd * high_usd)
        low_usd, high_usd = middle / sqrt(widest), middle * sqrt(widest)
    step = _step(terms.of_usd(low_usd))
    low = -(-terms.of_usd(low_usd) // step) * step
    high = terms.of_usd(high_usd) // step * step
    if high < low:
        low = high = round(terms.of_usd(sqrt(low_usd * high_usd)) / step) * step
    return AdvertRange(
        low=low,
        high=high,
        terms=terms,
        reasons=tuple(_reasons(answer, terms, widest=widest, ends_usd=(terms.to_usd(low), terms.to_usd(high)))),
        limits=LIMITS,
    )


def _reasons(answer: Answer, terms: PayTerms, *, widest: float, ends_usd: tuple[float, float]) -> list[str]:
    typical = answer.band_high_usd / answer.band_low_usd
    band = terms.range(answer.band_low_usd, answer.band_high_usd)
    low, high = (round(100 * answer.percentile(usd)) for usd in ends_usd)
    said = [
        f"For {answer.job_text}: employers who name a range typically name {band}, the high end {typical:.2f} times the low "
        f"end.",
        f"{low} of 100 advertised figures for such a job lie below the low end of yours, {high} of 100 below its high end.",
        f"Strength {answer.strength.word}: {'; '.join(answer.strength.reasons)}.",
        f"Adverts up to {answer.newest_advert}; {answer.support.postings:,} of them stand behind it ({answer.support.level}).",
    ]
    if typical > widest:
        said.insert(1, f"That is wider than {widest:g} times, so it was narrowed about its middle.")
    if answer.place:
        said.append(f"Moved to {answer.place.name}, times {answer.place.factor:.2f}.")
    return [*said, *([f"Converted: {terms.said}."] if terms.said else []), *answer.warnings]


def _step(amount: float) -> float:
    """What ends are rounded to, inwards: about a hundredth of them, 1, 10, 100, 1,000 or 5 of those."""
    step = 1.0
    while step * 200 <= amount:
        step *= 5 if str(step)[0] == "1" else 2
    return step
