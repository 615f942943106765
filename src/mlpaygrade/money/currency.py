"""Currencies (names, customs, the usual one of a country), periods of pay, exchange rates with their dates, purchasing power.

Names and customs are those of the Unicode CLDR, through babel; rates are the European Central Bank's, as the package
`currencyconverter` carries them: offline. Both are loaded when first asked for; dollars need none. The bank publishes on
working days; another day has the rate of the last one before it. What the bank does not quote is refused, not approximated.
The number of salaries a year (12, 13 or 14) is a matter of contract: 12 is taken unless told otherwise, and `usual_salaries`
says what is common in a country, so that it can be offered. What money buys in a country is told by the World Bank's factors for
the whole economy (`tables/purchasing_power.csv`), one for a country and year beside the mean market rate of the same year: rents
in a capital differ far more.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import rows
from mlpaygrade.job.places import country as country_named

if TYPE_CHECKING:
    from currency_converter import CurrencyConverter


COMPACT_FROM: Final = 10_000
"""Smaller amounts are written in full in compact style too."""


def currency_of(country: str) -> str:
    """ISO 4217 code of a country's currency today. country: ISO 3166-1 alpha-2. Raises InputError where none is known."""
    from babel.numbers import get_territory_currencies

    found = get_territory_currencies(country) if len(country) == 2 and country.isalpha() else []
    if not found:
        raise InputError(
            f"A country is an ISO 3166-1 two-letter code in capitals, such as US or DE; got {country!r}. "
            "Give such a code, or name the currency."
        )
    return str(found[0])


def checked_currency(currency: str) -> str:
    """The ISO 4217 code, in capitals. Raises InputError for what is none."""
    from babel.core import get_global

    code = currency.strip().upper()
    if code not in get_global("all_currencies"):
        raise InputError(
            f"A currency is a three-letter code of ISO 4217; got {currency!r}. Give one such as USD, EUR or GBP."
        )
    return code


def currency_name(currency: str, amount: float = 2) -> str:
    """The currency's English name for an amount: 1 -> "euro", 2 -> "euros"."""
    from babel.numbers import get_currency_name

    name = get_currency_name(currency, count=amount, locale="en")
    return name[:1].lower() + name[1:] if name.startswith("Euro") else name


def format_money(amount: float, currency: str, *, compact: bool = False) -> str:
    """An amount in whole units as a person writes it in English: "€72,000", compact "€72K"; below 1,000 it keeps its cents.

    compact: thousands as K, millions as M. Raises InputError for an unknown currency.
    """
    from babel import Locale
    from babel.numbers import format_currency

    code, english = checked_currency(currency), Locale.parse("en")
    if compact and abs(amount) >= COMPACT_FROM:
        size, letter = (1_000_000, "M") if abs(amount) >= 999_500 else (1_000, "K")
        short = amount / size
        digits = "¤#,##0.0" if letter == "M" and short % 1 and abs(short) < 100 else "¤#,##0"
        said = str(format_currency(short, code, digits, locale=english, currency_digits=False))
        return said.removesuffix(".0") + letter
    pattern = str(english.currency_formats["standard"].pattern)
    if abs(amount) >= 1_000 or float(amount).is_integer():
        pattern = pattern.replace(".00", "")
    return str(format_currency(amount, code, pattern, locale=english, currency_digits=False))


@cache
def currency_scales() -> Mapping[str, tuple[float, float]]:
    """Currency -> units to a US dollar (order of magnitude), and the USD from which a bare figure is surely a year's pay."""
    table = rows("currencies", room="money")
    return {row["code"]: (float(row["per_usd"]), float(row["year_from_usd"])) for row in table}


Period = Literal["year", "month", "week", "day", "hour"]
Salaries = Literal[12, 13, 14]

PERIODS: Final[tuple[Period, ...]] = get_args(Period)

DAYS_A_WEEK: Final = 5
HOURS_A_WEEK: Final = 40.0
WEEKS_A_YEAR: Final = 52.0


@dataclass(frozen=True, slots=True)
class UsualSalaries:
    """How many monthly salaries a year are common in a country, commonest first, and why; (12,) where nothing else is known."""

    counts: tuple[Salaries, ...] = (12,)
    why: str = "no other custom known"


def to_yearly(amount: float, period: Period, *, salaries: Salaries = 12) -> float:
    """Pay of a year, from pay of a period. salaries: months paid a year. Raises InputError for what does not exist.

    >>> to_yearly(6000, "month", salaries=14)
    84000.0
    >>> to_yearly(50, "hour")
    104000.0
    """
    return amount * _times_a_year(period, salaries)


def from_yearly(yearly: float, period: Period, *, salaries: Salaries = 12) -> float:
    """Pay of a period from that of a year; the opposite of `to_yearly`."""
    return yearly / _times_a_year(period, salaries)


def usual_salaries(country: str) -> UsualSalaries:
    """How many salaries a year are common in a country (ISO 3166-1 alpha-2). Known from practice, not measured."""
    return _usual().get(country, UsualSalaries())


def checked_period(period: Period) -> Period:
    """A period. Raises InputError for what is none."""
    if period not in PERIODS:
        raise InputError(f"A period is one of {', '.join(PERIODS)}; got {period!r}. Choose one of these.")
    return period


def _times_a_year(period: Period, salaries: int) -> float:
    checked_period(period)
    if salaries not in {12, 13, 14}:
        raise InputError(
            f"Salaries a year are 12, 13 or 14; got {salaries}. Give pay a year where it is paid otherwise."
        )
    days, hours = DAYS_A_WEEK * WEEKS_A_YEAR, HOURS_A_WEEK * WEEKS_A_YEAR
    return {"year": 1.0, "month": float(salaries), "week": WEEKS_A_YEAR, "day": days, "hour": hours}[period]


@cache
def _usual() -> Mapping[str, UsualSalaries]:
    return {
        row["country"]: UsualSalaries(
            tuple(cast(Salaries, int(count)) for count in row["salaries"].split("|")), row["why"]
        )
        for row in rows("months_paid", room="money")
    }


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


def price_level(country: str) -> float:
    """Prices as a share of those in the United States at market exchange (0.5: half as dear). country: ISO 3166-1 alpha-2.

    Raises InputError where the country's purchasing power or its market rate is not known.
    """
    row = _purchasing_power().get(country)
    if row is None:
        name = country_named(country).name
        raise InputError(
            f"Purchasing power is known for most countries of the World Bank; got {country} ({name}). "
            "Compare at market exchange."
        )
    if not row["market_rate"]:
        raise InputError(
            f"Prices are compared where the European Central Bank quotes the currency; got {country} ({row['currency']}). "
            "Compare at market exchange."
        )
    return float(row["ppp"]) / float(row["market_rate"])


def same_living_usd(amount_usd: float, from_country: str, to_country: str) -> float:
    """Pay in one country that buys as much as `amount_usd` in another, US dollars a year. Raises InputError as `price_level`."""
    return amount_usd / price_level(from_country) * price_level(to_country)


@cache
def _purchasing_power() -> Mapping[str, Mapping[str, str]]:
    return {row["country"]: row for row in rows("purchasing_power", room="money")}
