"""A range of pay to name in an advert: at most as wide as an employer wants, with its reasons and its date.

Built from the band that employers typically advertise for such a job. Where that is wider than wanted it is narrowed about its
middle. It says what others advertise; it does not say what an employer's own people in the same work are paid, which
pay-transparency laws ask about, and it is no legal advice.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.money.terms import DOLLARS, PayTerms

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
