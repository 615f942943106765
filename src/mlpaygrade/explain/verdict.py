"""Where an offer stands, and what to ask for: plain sentences from the answer's own distribution.

The rule: an offer that 40 to 60 of 100 advertised figures lie below is "near the middle", less is "below", more is
"above". Below the 75th of 100, the range to name reaches from the middle (or from the offer, where that is higher) to the 75th:
a quarter of the figures advertised for such jobs lie above that. Above the 75th there is nothing left to name, and a rough answer
says neither how far an offer is from the middle nor what to ask for.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import LEVELS, TARGETS
from mlpaygrade.forecast.evidence import SAME_JOB
from mlpaygrade.forecast.remarks import AdvertsBeside
from mlpaygrade.job.places import country
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.words import counted, country_text, of_100

Standing = Literal["below", "near", "above"]

MIDDLE: Final = (0.40, 0.60)
ORDINARY: Final = 0.75
_WORDS: Final = {"below": "below the middle", "near": "near the middle", "above": "above the middle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an offer means.

    share: of such jobs' advertised figures that lie below it, in [0.01, 0.99]. ask_usd: a range to name, None where the offer
    is above it, and of a rough answer. rough: the answer behind it is only a rough guide. beside: the adverts to hold an offer
    against where the answer is rough.
    """

    offer_usd: float
    share: float
    standing: Standing
    ask_usd: tuple[float, float] | None
    rough: bool
    beside: AdvertsBeside | None = None

    def sentences(self, terms: PayTerms = DOLLARS) -> tuple[str, ...]:
        """The verdict in plain words: where the offer stands, then what to ask for."""
        more = round(100 * (1 - self.share))
        offer = f"{terms.text(self.offer_usd)} {terms.per} is {_WORDS[self.standing]}"
        if self.rough:
            return (
                f"{offer} of our estimate{self._beside(terms)}.",
                "This estimate is only a rough guide, too rough to say how many jobs pay more or to name a range to ask for.",
            )
        stands = f"{offer}: about {more} of 100 figures advertised for such jobs lie above it."
        if self.ask_usd is None:
            ask = "Few figures lie above it, so there is little room to ask for more than this."
        else:
            ask = f"Asking for {terms.range(*self.ask_usd)} would still be ordinary."
        return (stands, ask)

    def _beside(self, terms: PayTerms) -> str:
        """How an offer lies beside the country's own adverts; "" where there are none to show."""
        if self.beside is None:
            return ""
        middle = self.beside.quartiles_usd[1]
        share = self.offer_usd / middle - 1
        return (
            f", and {abs(share):.0%} {'above' if share > 0 else 'below'} {terms.text(middle)}, the middle of the "
            f"{counted(self.beside.postings, 'advert')} with the {self.beside.level}"
        )


def verdict(answer: Answer, offer_usd: float) -> Verdict:
    """Where an offer, USD a year, stands for a job. Raises InputError where the job has no answer."""
    answer.require_answer()
    share = answer.percentile(offer_usd)
    standing: Standing = "below" if share < MIDDLE[0] else "near" if share <= MIDDLE[1] else "above"
    quantiles = answer.log_quantiles[TARGETS.index("any")].astype(np.float64)
    middle, ordinary = (float(np.expm1(np.interp(level, LEVELS, quantiles))) for level in (0.5, ORDINARY))
    low, rough = max(offer_usd, middle), answer.strength.word == "rough"
    return Verdict(
        offer_usd=offer_usd,
        share=share,
        standing=standing,
        ask_usd=(low, ordinary) if ordinary > 1.01 * low and not rough else None,
        rough=rough,
        beside=answer.adverts_beside if rough and answer.place is None and answer.aged is None else None,
    )


def aged_text(answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """How an answer was carried to a later month: the months, the factor, the figure without it, the warning, the source.

    "" where it was not.
    """
    if answer.aged is None:
        return ""
    aged = answer.aged
    return (
        f"Scenario: pay carried from {_month(aged.from_month)} to {_month(aged.last_month)}, times {aged.factor:.3f}; without it "
        f"{terms.text(answer.estimate_usd / aged.factor)}. {aged.warning} Source: {aged.source}."
    )


def _month(text: str) -> str:
    return f"{date.fromisoformat(f'{text}-01'):%B %Y}"


def place_said(answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """How a place moved the country's figure; "" where none did."""
    place = answer.place
    if place is None:
        return ""
    read = f" {place.read_as}." if place.read_as else ""
    return (
        f"{country(answer.job.location).name} {terms.text(answer.estimate_usd / place.factor)}, times "
        f"{place.factor:.2f} in {place.name} (from {place.low:.2f} to {place.high:.2f}; official wages of "
        f"{place.official_count:,} people).{read}"
    )


def support_text(answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """On which adverts an answer rests, of which country they are, and what those of the country name."""
    cell, near = answer.support, answer.nearby
    match = "for exactly this job" if cell.level == SAME_JOB else f"with the {cell.level}"
    where = f" in {country_text(answer.job.location)} as a whole" if answer.place else ""
    newest = f", the newest from {cell.newest_year}" if cell.newest_year else ""
    said = f"Based on {counted(cell.postings, 'advert')} {match}{where}{newest}."
    if near is None or near.quartiles_usd is None:
        return said
    low, middle, high = near.quartiles_usd
    whose = "Their" if near == cell else f"The {counted(near.postings, 'advert')} with the {near.level}: their"
    said = f"{said} {whose} middle is {terms.text(middle)}, half of them {terms.range(low, high)}."
    return f"{said} {answer.apart}" if answer.apart and answer.strength.word != "rough" else said


def reasons(answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """A paragraph to copy into a letter: what the market advertises, how sure that is, and from when. "" for a rough answer."""
    if answer.strength.word == "rough":
        return ""
    low, high = answer.intervals_usd[50]
    aged, support, accuracy = answer.aged, answer.support, answer.accuracy
    said = [
        f"For {answer.job_text}, employers typically advertise {terms.text(answer.estimate_usd)} {terms.per}; half of such "
        f"jobs are advertised between {terms.between(low, high)}.",
        f"This rests on {counted(support.postings, 'public advert')} ({support.level}"
        f"{' in ' + country_text(answer.job.location) if answer.place else ''}), the newest from {answer.newest_advert}.",
    ]
    if answer.place is not None:
        said.append(
            f"Their pay is that of {country_text(answer.job.location)}; it is multiplied by {answer.place.factor:.2f} "
            f"for {answer.place.name}, from official wages ({answer.place.source})."
        )
    if aged is not None:
        said.append(
            f"It is carried to {_month(aged.last_month)}, times {aged.factor:.3f}, by the growth of all advertised pay."
        )
    if accuracy is not None:
        held = f"{of_100(accuracy.coverage[50])} of 100 when tested on {accuracy.tested}"
        said.append(f"Such a range of half the jobs held {held}.")
    return " ".join([*said, f"Strength: {answer.strength.word}. Source: MLPayGrade {answer.model['version']}."])
