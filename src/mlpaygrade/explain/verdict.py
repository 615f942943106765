"""Where an offer stands, and what to ask for: plain sentences from the answer's own distribution.

The rule: an offer that 40 to 60 of 100 advertised figures lie below is "near the middle", less is "below", more is
"above". Below the 75th of 100, the range to name reaches from the middle (or from the offer, where that is higher) to the 75th:
a quarter of the figures advertised for such jobs lie above that. Above the 75th there is nothing left to name, and a rough answer
names no range to ask for.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import LEVELS, TARGETS
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.words import counted, job_text

Standing = Literal["below", "near", "above"]

MIDDLE: Final = (0.40, 0.60)
ORDINARY: Final = 0.75
_WORDS: Final = {"below": "below the middle", "near": "near the middle", "above": "above the middle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an offer means.

    share: of such jobs' advertised figures that lie below it, in [0.01, 0.99]. ask_usd: a range to name, None where the offer
    is above it, and of a rough answer. rough: the answer behind it is only a rough guide.
    """

    offer_usd: float
    share: float
    standing: Standing
    ask_usd: tuple[float, float] | None
    rough: bool

    def sentences(self, terms: PayTerms = DOLLARS) -> tuple[str, ...]:
        """The verdict in plain words: where the offer stands, then what to ask for."""
        more = round(100 * (1 - self.share))
        stands = (
            f"{terms.text(self.offer_usd)} {terms.per} is {_WORDS[self.standing]}: about {more} of 100 figures advertised for "
            "such jobs lie above it."
        )
        if self.rough:
            ask = "The answer behind this is only a rough guide, too rough to name a range to ask for."
        elif self.ask_usd is None:
            ask = "Few figures lie above it, so there is little room to ask for more than this."
        else:
            ask = f"Asking for {terms.range(*self.ask_usd)} would still be ordinary."
        return (stands, ask)


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


def reasons(answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """A paragraph to copy into a letter: what the market advertises, on what it rests, and from when."""
    low, high = answer.intervals_usd[50]
    support = answer.support
    aged = f", carried to {_month(answer.aged.last_month)} by the growth of all advertised pay" if answer.aged else ""
    return (
        f"For {job_text(answer.job)}, employers typically advertise {terms.text(answer.estimate_usd)} {terms.per}; half of such "
        f"jobs are advertised between {terms.between(low, high)}. This rests on {counted(support.postings, 'public advert')} "
        f"({support.level}), the newest from {answer.newest_advert}{aged}. Source: MLPayGrade {answer.model['version']}."
    )
