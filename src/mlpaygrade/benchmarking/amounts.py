"""Amounts of an employer's table: as people type them, in any currency and period -> US dollars a year, or what to ask.

`money` reads and converts; here stands what a column says of its cells: the currency and the period in its name, and the
column of currencies beside it. What cannot be known is asked, never taken for dollars.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from mlpaygrade.dataset.columns import plain, shown
from mlpaygrade.errors import Defect, InputError
from mlpaygrade.job.fields import CURRENCY, MAX_SALARY_USD, MIN_SALARY_USD, SALARY, TARGET
from mlpaygrade.job.values import clean_text, is_missing
from mlpaygrade.money.currency import currency_scales
from mlpaygrade.money.pay import PayReading, read_pay
from mlpaygrade.money.period import Period, to_yearly
from mlpaygrade.money.rates import rated_currencies, usd_to

PAY: Final = "pay_usd"
BAND_LOW: Final = "band_low_usd"
BAND_HIGH: Final = "band_high_usd"
AMOUNTS: Final = (PAY, BAND_LOW, BAND_HIGH)

PERIODS: Final[Mapping[Period, re.Pattern[str]]] = {
    "year": re.compile(r"annu|year|\bp ?a\b|jahr|\bano\b|\banos\b|\ban\b"),
    "month": re.compile(r"month|monat|mensu|mensa|\bmes\b|\bmois\b"),
    "week": re.compile(r"week|woche|seman|semaine|hebdo"),
    "day": re.compile(r"\bda(y|ily)\b|tages|tag\b|journ|diari"),
    "hour": re.compile(r"hour|stunde|heure|horai|\bhora\b|por hora"),
}
"""Parts of a name or of a word that tell the period of amounts; weekly hours beside pay are no period of pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountColumn:
    """Where an amount stands. currency (ISO 4217), period: what its name says, None for nothing."""

    field: str
    place: int
    currency: str | None
    period: Period | None


_SIGNS: Final = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount: whole US dollars a year; "" for an empty cell, None where `defect` says why it cannot be told.

    currency: it was in, ISO 4217. asks: what would settle it, where that is one answer for the whole column.
    """

    usd: int | Literal[""] | None
    remark: str = ""
    defect: Defect | None = None
    currency: str = "USD"
    asks: Literal["currency", "period"] | None = None


def amount_columns(header: Sequence[str], found: Mapping[str, int]) -> tuple[list[AmountColumn], int | None]:
    """The amounts of a table and the place of the currencies that they need; None where there is none, or no need.

    found: field -> place. An amount in dollars is preferred to one in another currency, as in the public dataset.
    """
    places = {BAND_LOW: found.get(BAND_LOW), BAND_HIGH: found.get(BAND_HIGH), PAY: found.get(TARGET, found.get(SALARY))}
    columns = []
    for name in AMOUNTS:
        if (place := places[name]) is not None:
            currency = "USD" if place == found.get(TARGET) else _named_currency(header[place])
            period = period_in(header[place]) or ("year" if currency == "USD" else None)
            columns.append(AmountColumn(field=name, place=place, currency=currency, period=period))
    needed = any(column.currency is None for column in columns)
    return columns, found.get(CURRENCY) if needed else None


def period_in(text: str) -> Period | None:
    """The period that a column's name or a cell such as "monthly" speaks of; None where it names none, or two."""
    words = plain(text)
    found = [period for period, pattern in PERIODS.items() if pattern.search(words)]
    return found[0] if len(found) == 1 else None


def _named_currency(name: str) -> str | None:
    """The one currency that a column's name names by code or sign."""
    codes = {word.upper() for word in plain(name).split() if word.upper() in rated_currencies()}
    codes |= {code for sign, code in _SIGNS.items() if sign in name}
    return codes.pop() if len(codes) == 1 else None


def read_amount(
    text: str, column: AmountColumn, *, currency: str | None, country: str | None, chosen: str | None = None
) -> Amount:
    """Read one cell.

    currency: what stands in the row's cell of the currency column; None where the table has no such column. country: of the
    company, ISO 3166-1 alpha-2, None where it is not known. chosen: the currency (ISO 4217) of amounts that name none.
    """
    cleaned = clean_text(text)[0]
    if is_missing(TARGET, cleaned):
        return Amount(usd="")
    code, written = _currency(cleaned, column, currency=currency, country=country, chosen=chosen)
    try:
        return _plain_yearly(cleaned, code, column) or _typed(cleaned, written, code, column, country=country)
    except InputError as error:
        return _asked(column, "must be pay that can be read", cleaned, str(error))


def _typed(text: str, written: str, code: str | None, column: AmountColumn, *, country: str | None) -> Amount:
    """Pay as people type it. Raises InputError where it is none, or in a currency without a rate."""
    reading = read_pay(written, country=country, currency=code, period=column.period)
    if reading.question is not None:
        rule = f"must have one meaning: {reading.question.partition(': ')[2] or reading.question}"
        return _asked(column, rule, text, f"Write one of: {'; '.join(reading.options)}.", _what_settles(reading))
    if reading.currency is None or (code is None and reading.currency != _said(written)):
        remedy = "Add a column 'Currency', or call this column 'Pay USD' if it is in US dollars."
        return _asked(column, "must name its currency", text, remedy, "currency")
    yearly = to_yearly(reading.middle, reading.period or "year", salaries=reading.salaries or 12)
    usd = round(yearly / _per_usd(reading.currency))
    if text.replace(",", "").strip("$ ") == str(usd):
        return Amount(usd=usd)
    remark = f'"{shown(text)}" read as {reading.understood}'
    return Amount(usd=usd, remark=remark, currency=reading.currency)


def _what_settles(reading: PayReading) -> Literal["currency", "period"] | None:
    if reading.currency is None:
        return "currency"
    figures = {option.rpartition(" per ")[0] for option in reading.options}
    return "period" if len(figures) == 1 and len(reading.options) > 1 else None


def _plain_yearly(text: str, code: str | None, column: AmountColumn) -> Amount | None:
    """A figure in plain digits that is surely a year's pay in a known currency, without the search for other meanings.

    Raises InputError for a currency without a rate.
    """
    if code is None or column.period not in (None, "year") or not re.fullmatch(r"[0-9]{4,12}", text):
        return None
    per_usd, year_from_usd = currency_scales().get(code, (1.0, math.inf))
    if not max(year_from_usd, MIN_SALARY_USD) <= int(text) / per_usd <= MAX_SALARY_USD / 2:
        return None
    return Amount(usd=round(int(text) / _per_usd(code)), currency=code)


@cache
def _per_usd(currency: str) -> float:
    """Units of a currency to a US dollar. Raises InputError for one without a rate."""
    return usd_to(currency).value


def _currency(
    text: str, column: AmountColumn, *, currency: str | None, country: str | None, chosen: str | None
) -> tuple[str | None, str]:
    """The currency that a cell is in if it says none itself, and the text to read: with the sign of the currency column."""
    if column.currency is not None:
        return column.currency, text
    beside = clean_text(currency)[0] if currency is not None else ""
    if currency is None or (chosen and not beside):
        return (chosen or ("USD" if country == "US" else None)), text
    if len(beside) == 3 and beside.isalpha():
        return beside.upper(), text
    return None, f"{text} {beside}".strip()


def _said(text: str) -> str | None:
    """The currency that a text names itself, whatever the country."""
    try:
        return read_pay(text).currency
    except InputError:
        return None


def _asked(
    column: AmountColumn, rule: str, text: str, remedy: str, asks: Literal["currency", "period"] | None = None
) -> Amount:
    defect = Defect(column=column.field, rule=rule, value=shown(text, 60) or "nothing", remedy=remedy)
    return Amount(usd=None, defect=defect, asks=asks)
