"""Exchange rates of the European Central Bank, as the package `currencyconverter` carries them: offline, each with its date.

Loaded when first asked for; dollars need none. The bank publishes on working days; another day has the rate of the last one
before it. What the bank does not quote is refused, not approximated.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from mlpaygrade.errors import InputError
from mlpaygrade.money.currency import checked_currency, currency_name

if TYPE_CHECKING:
    from currency_converter import CurrencyConverter

SOURCE: Final = "European Central Bank, euro foreign exchange reference rates"
DOLLAR: Final = "USD"
_LONGEST_GAP: Final = dt.timedelta(days=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units of `currency` to one US dollar on `day`; day is None for the dollar itself."""

    value: float
    currency: str
    day: dt.date | None

    def from_usd(self, usd: float) -> float:
        """An amount of US dollars in `currency`."""
        return usd * self.value

    def to_usd(self, amount: float) -> float:
        """An amount of `currency` in US dollars."""
        return amount / self.value

    @property
    def said(self) -> str:
        """The rate in plain words with its date: 1 US dollar = 0.8712 euros (European Central Bank, 30 October 2026)."""
        if self.day is None:
            return "in US dollars, not converted"
        name = currency_name(self.currency, self.value)
        return f"1 US dollar = {self.value:,.4g} {name} (European Central Bank, {self.day.day} {self.day:%B %Y})"


def usd_to(currency: str, day: dt.date | None = None) -> Rate:
    """Units of a currency to one US dollar.

    currency: ISO 4217. day: None for the newest day. A day without a rate, or later than the newest, has the last before it.
    Raises InputError where the bank gives no rate.
    """
    code = checked_currency(currency)
    if code == DOLLAR:
        return Rate(value=1.0, currency=DOLLAR, day=None)
    if day is None and code in (newest := _newest()):
        return newest[code]
    history = _history()
    if code not in history.currencies:
        raise _no_rate(code, "The European Central Bank gives no rate of it")
    first, last = history.bounds[code]
    if day is not None and day < first:
        raise _no_rate(code, f"The European Central Bank's rates of it begin on {first}")
    if last < history.bounds[DOLLAR].last_date - _LONGEST_GAP and (day is None or day > last):
        raise _no_rate(code, f"The European Central Bank's rates of it end on {last}")
    return _rate_before(code, min(day or last, last))


def rated_currencies() -> tuple[str, ...]:
    """The currencies with a rate of the newest day, ISO 4217, the dollar and the euro among them."""
    return tuple(sorted({DOLLAR, *_newest()}))


def _no_rate(code: str, rule: str) -> InputError:
    return InputError(
        f"{rule}; got {code} ({currency_name(code)}). Use US dollars (USD) or euros (EUR), or one of "
        f"{', '.join(rated_currencies())}."
    )


def _rate_before(code: str, day: dt.date) -> Rate:
    from currency_converter import RateNotFoundError

    for back in range(_LONGEST_GAP.days):
        tried = day - dt.timedelta(days=back)
        try:
            return Rate(value=float(_history().convert(1, DOLLAR, code, date=tried)), currency=code, day=tried)
        except RateNotFoundError:
            continue
    raise _no_rate(code, f"The European Central Bank gives no rate of it near {day}")


@cache
def _history() -> "CurrencyConverter":
    """All rates since 1999 (takes 0.15 s)."""
    from currency_converter import CurrencyConverter

    return CurrencyConverter()


@cache
def _newest() -> Mapping[str, Rate]:
    """Currency -> its rate on the newest day."""
    from currency_converter import SINGLE_DAY_CURRENCY_FILE, CurrencyConverter

    rates = CurrencyConverter(SINGLE_DAY_CURRENCY_FILE)
    return {
        code: Rate(value=float(rates.convert(1, DOLLAR, code)), currency=code, day=rates.bounds[DOLLAR].last_date)
        for code in rates.currencies - {DOLLAR}
    }
