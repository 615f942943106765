"""Pay as people type it: "72.000", "€6 000/month", "70-80k", "45 LPA". Read, or asked about, never guessed.

All meanings of a text are listed (figure, currency, period); those that no job pays are dropped. One left: it is the
reading. Several: the reading is a question with its options. None: InputError. Rates here are orders of magnitude
(`tables/currencies.csv`) that tell a year's pay from a month's; `rates` converts.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import MAX_SALARY_USD, MIN_SALARY_USD
from mlpaygrade.money.currency import (
    PERIODS,
    Period,
    Salaries,
    checked_currency,
    checked_period,
    currency_name,
    currency_of,
    currency_scales,
)
from mlpaygrade.money.pay_text import EXAMPLES, Figure, PayParts, meanings, pay_parts

POSSIBLE_USD: Final[dict[str, tuple[float, float]]] = {
    "year": (MIN_SALARY_USD, MAX_SALARY_USD),
    "month": (MIN_SALARY_USD / 12, MAX_SALARY_USD / 12),
    "week": (MIN_SALARY_USD / 52, MAX_SALARY_USD / 52),
    "day": (MIN_SALARY_USD / 260, MAX_SALARY_USD / 220),
    "hour": (MIN_SALARY_USD / 2080, MAX_SALARY_USD / 1800),
}
"""Period -> lowest and highest pay that is not absurd, where the period is said."""

BARE_YEAR_USD: Final = (MIN_SALARY_USD, 1_000_000.0)
MONTH_BELOW_USD: Final = 25_000.0
BARE_USD: Final[dict[str, tuple[float, float]]] = {
    "month": (300.0, MONTH_BELOW_USD),
    "week": (0.0, 0.0),
    "day": (100.0, 2_000.0),
    "hour": (5.0, 300.0),
}
"""Where no period is said: what each period's pay is between. Lower, in proportion to `currency_scales`, where pay is lower."""

MOST_OPTIONS: Final = 4

WIDEST: Final = 10.0
"""The high end of a range is at most this many times its low end."""

_SHORT: Final = re.compile(r"\d{2,3}(?:[.,]\d)?")
_DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS", "UYU"})
_LAKH_CURRENCIES: Final = frozenset({"INR", "PKR", "BDT", "NPR", "LKR"})


@dataclass(frozen=True, slots=True)
class PayReading:
    """What was understood of a text.

    low, high: in `currency` a `period`, equal for a single figure. currency: ISO 4217, None where none was said and no country
    given. salaries: 12, 13 or 14 where the text says how many months are paid. understood: in plain words. question: None where
    all is clear; else low, high and period are None, and `options` are texts to read next: each is clear, or asks less.
    """

    text: str
    low: float | None
    high: float | None
    currency: str | None
    period: Period | None
    salaries: Salaries | None
    understood: str
    question: str | None = None
    options: tuple[str, ...] = ()

    @property
    def middle(self) -> float:
        """The middle of low and high. Raises InputError, with the question, where the text can mean several things."""
        if self.low is None or self.high is None:
            raise InputError(f"{self.question} Type one of: {'; '.join(self.options)}.")
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    low: float
    high: float
    currency: str | None
    period: Period
    supplied: bool = False  # thousands that the text does not have
    doubtful: bool = False  # to be asked about even where it is the only meaning


def read_pay(
    text: str, *, country: str | None = None, currency: str | None = None, period: Period | None = None
) -> PayReading:
    """Read pay as typed.

    country: ISO 3166-1 alpha-2, whose currency and decimal mark are expected. currency, period: what is chosen beside the text;
    the text's own words count more. Raises InputError where no reading is pay.

    >>> read_pay("€72 000").understood
    '72,000 euros a year'
    >>> read_pay("6.000/month", country="DE").understood
    '6,000 euros a month'
    >>> read_pay("45", country="US").question
    '"45": do you mean 45 US dollars an hour or 45,000 US dollars a year?'
    """
    parts = pay_parts(text)
    said: Period | None = parts.period or ("month" if parts.salaries else None)
    currencies = _currencies(parts, country=country, chosen=currency)
    pairs = _pairs(parts.figures, country)
    if not pairs:
        raise InputError(
            f"A range has its low end first and a high end of at most {WIDEST:.0f} times that, and figures are "
            f"grouped in threes; got {text!r}. {EXAMPLES}"
        )
    found = _settle(pairs, currencies, said=said, chosen=period and checked_period(period))
    if not found:
        raise InputError(
            f"Pay is between {MIN_SALARY_USD:,} and {MAX_SALARY_USD:,} US dollars a year or what equals that; got {text!r}. "
            f"{EXAMPLES}"
        )
    return _reading(text, parts, found)


def _reading(text: str, parts: PayParts, found: Sequence[_Meaning]) -> PayReading:
    one = found[0]
    if len(found) == 1 and not one.doubtful:
        understood = ", ".join([_in_words(one, parts), *parts.remarks])
        return PayReading(text, one.low, one.high, one.currency, one.period, parts.salaries, understood)
    words, options = _options(text, parts, found)
    listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    currency = one.currency if len({other.currency for other in found}) == 1 else None
    question = f'"{" ".join(text.split())}": do you mean {listed}?'
    return PayReading(text, None, None, currency, None, parts.salaries, f"Not clear yet: {listed}", question, options)


def _options(text: str, parts: PayParts, found: Sequence[_Meaning]) -> tuple[list[str], tuple[str, ...]]:
    """What to choose from, in words and as texts to read next; the currency first where there would be too many."""
    options = tuple(dict.fromkeys(_as_typed(one, parts) for one in found))
    currencies = list(dict.fromkeys(one.currency for one in found if one.currency))
    if len(options) <= MOST_OPTIONS or len(currencies) < 2:
        return list(dict.fromkeys(_in_words(one, parts) for one in found)), options
    return [currency_name(one) for one in currencies], tuple(f"{text} {one}" for one in currencies)


def _currencies(parts: PayParts, *, country: str | None, chosen: str | None) -> tuple[str | None, ...]:
    """What the currency can be, likeliest first."""
    own = currency_of(country) if country else None
    wanted = checked_currency(chosen) if chosen else None
    if parts.currencies is None:
        if parts.lakhs and wanted is None:
            return (own if own in _LAKH_CURRENCIES else "INR",)
        return (wanted or own,)
    marks = parts.currency_order
    if len(marks) == 1:
        return marks
    if wanted in marks:
        return (wanted,)
    if parts.currencies <= _DOLLARS and "USD" in marks:
        return ("USD",) if own is None or own not in marks or own == "USD" else (own, "USD")
    return (own,) if own in marks else marks


def _pairs(figures: Sequence[Figure], country: str | None) -> list[tuple[float, float, bool]]:
    """(low, high, whether thousands were supplied) of every meaning of the figures."""
    if len(figures) == 1:
        values = [(value, value, False) for value in _values(figures[0], figures[0].times or (1,), country)]
        return values + [(low * 1000, low * 1000, True) for low, _, _ in values if _bare(figures[0])]
    low, high = figures
    pairs: list[tuple[float, float, bool]] = []
    for times_low, times_high in _range_times(low, high):
        pairs += _ranges(low, times_low, high, times_high, country)
    if _bare(low) and _bare(high):
        pairs += [(a * 1000, b * 1000, True) for a, b, _ in pairs]
    elif not pairs and not low.times and low.numeral.isdigit():  # 70-80,000
        pairs += _ranges(low, (1000,), high, high.times or (1,), country)
    return pairs


def _ranges(
    low: Figure, times_low: Iterable[int], high: Figure, times_high: Iterable[int], country: str | None
) -> list[tuple[float, float, bool]]:
    both = product(_values(low, times_low, country), _values(high, times_high, country))
    return [(a, b, False) for a, b in both if a <= b <= WIDEST * a]


def _range_times(low: Figure, high: Figure) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """What the two ends are multiplied by: in "70-80k" both by a thousand."""
    if low.times and high.times:
        yield low.times, high.times
        return
    for times in low.times or high.times or (1,):
        yield (times,), (times,)
        if low.times or high.times:
            yield (times if low.times else 1,), (times if high.times else 1,)


def _values(figure: Figure, times: Iterable[int], country: str | None) -> list[float]:
    numbers = meanings(figure.numeral, country=country)
    return list(dict.fromkeys(round(number * factor, 4) for factor in times for number in numbers))


def _bare(figure: Figure) -> bool:
    """A small number with one decimal at most and nothing beside it, which may stand for thousands: 72, 72.5."""
    return not figure.times and bool(_SHORT.fullmatch(figure.numeral)) and float(figure.numeral.replace(",", ".")) >= 10


def _settle(
    pairs: Sequence[tuple[float, float, bool]],
    currencies: Sequence[str | None],
    *,
    said: Period | None,
    chosen: Period | None,
) -> list[_Meaning]:
    """The meanings that a job may pay, likeliest first."""
    every = [
        _Meaning(low=low, high=high, currency=currency, period=period, supplied=supplied, doubtful=supplied)
        for (low, high, supplied), currency in product(pairs, currencies)
        for period in PERIODS
    ]
    fixed = said or chosen
    if fixed is None:
        usual = _spoken_order(one for one in every if _usual(one))
        return usual or _spoken_order(
            replace(one, doubtful=True) for one in every if _possible(one) and not one.supplied
        )
    exact = [one for one in every if one.period == fixed and _possible(one)]
    sure = [one for one in exact if not one.supplied]
    if sure or said is not None:
        return sure or exact
    return _spoken_order(replace(one, doubtful=True) for one in every if _usual(one))


def _spoken_order(meanings_found: Iterable[_Meaning]) -> list[_Meaning]:
    return sorted(meanings_found, key=lambda one: (one.supplied, PERIODS.index(one.period), one.low))


def _usd(meaning: _Meaning) -> tuple[float, float]:
    per_usd, _ = currency_scales().get(meaning.currency or "USD", (1.0, 0.0))
    return meaning.low / per_usd, meaning.high / per_usd


def _possible(meaning: _Meaning) -> bool:
    low, high = _usd(meaning)
    least, most = POSSIBLE_USD[meaning.period]
    return least <= low and high <= most


def _usual(meaning: _Meaning) -> bool:
    """Whether a figure without a period may be meant as that period's pay."""
    if meaning.supplied and meaning.period != "year":
        return False
    low, high = _usd(meaning)
    _, year_from = currency_scales().get(meaning.currency or "USD", (1.0, MONTH_BELOW_USD))
    if meaning.period == "year":
        return BARE_YEAR_USD[0] <= low and high < BARE_YEAR_USD[1]
    local = year_from / MONTH_BELOW_USD
    least, most = BARE_USD[meaning.period]
    return local * least <= low and high < local * most


def _in_words(meaning: _Meaning, parts: PayParts) -> str:
    """72,000 euros a year; 70,000 to 80,000 euros a year; 6,000 euros a month, 14 times a year."""
    figures = _figure(meaning.low)
    if meaning.high != meaning.low:
        figures += f" to {_figure(meaning.high)}"
    name = f" {currency_name(meaning.currency, meaning.high)}" if meaning.currency else ""
    article = "an" if meaning.period == "hour" else "a"
    times = f", paid {parts.salaries} times a year" if parts.salaries else ""
    more = " or more" if parts.at_least and meaning.low == meaning.high else ""
    return f"{figures}{name} {article} {meaning.period}{more}{times}"


def _as_typed(meaning: _Meaning, parts: PayParts) -> str:
    """A text that is read as this meaning without a question."""
    figures = _typed(meaning.low) if meaning.high == meaning.low else f"{_typed(meaning.low)} - {_typed(meaning.high)}"
    times = f" x {parts.salaries}" if parts.salaries else ""
    return f"{meaning.currency or ''} {figures} per {meaning.period}{times}".strip()


def _figure(amount: float) -> str:
    return f"{amount:,.0f}" if float(amount).is_integer() else f"{amount:,.2f}".rstrip("0").rstrip(".")


def _typed(amount: float) -> str:
    return f"{amount:.0f}" if float(amount).is_integer() else f"{amount:.2f}"
