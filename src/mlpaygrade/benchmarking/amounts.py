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
from mlpaygrade.money.pay import read_pay
from mlpaygrade.money.period import Period, to_yearly
from mlpaygrade.money.rates import usd_to

PAY: Final = "pay_usd"
BAND_LOW: Final = "band_low_usd"
BAND_HIGH: Final = "band_high_usd"
AMOUNTS: Final = (PAY, BAND_LOW, BAND_HIGH)

PERIODS: Final[Mapping[str, Period]] = {
    **dict.fromkeys(("annual", "yearly", "year", "annum"), "year"),
    **dict.fromkeys(("monthly", "month"), "month"),
    **dict.fromkeys(("hourly", "hour"), "hour"),
}
"""Words in a column's name that tell the period of its amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountColumn:
    """Where an amount stands. dollars: its name says USD. period: what its name says, None for nothing."""

    field: str
    place: int
    dollars: bool
    period: Period | None


@dataclass(frozen=True, slots=True)
class _Rate:
    """Units to a US dollar, and the sentence that says so: made once for a currency, not for a row."""

    value: float
    said: str

    def to_usd(self, amount: float) -> float:
        return amount / self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount: whole US dollars a year; "" for an empty cell, None where `defect` says why it cannot be told."""

    usd: int | Literal[""] | None
    remark: str = ""
    defect: Defect | None = None


def amount_columns(header: Sequence[str], found: Mapping[str, int]) -> tuple[list[AmountColumn], int | None]:
    """The amounts of a table and the place of the currencies that they need; None where there is none, or no need.

    found: field -> place. An amount in dollars is preferred to one in another currency, as in the public dataset.
    """
    places = {BAND_LOW: found.get(BAND_LOW), BAND_HIGH: found.get(BAND_HIGH), PAY: found.get(TARGET, found.get(SALARY))}
    columns = []
    for name in AMOUNTS:
        if (place := places[name]) is not None:
            words = plain(header[place]).split()
            dollars = "usd" in words
            period = next((PERIODS[word] for word in words if word in PERIODS), "year" if dollars else None)
            columns.append(AmountColumn(field=name, place=place, dollars=dollars, period=period))
    needed = any(not column.dollars for column in columns)
    return columns, found.get(CURRENCY) if needed else None


def read_amount(text: str, column: AmountColumn, *, currency: str | None, country: str | None) -> Amount:
    """Read one cell.

    currency: what stands in the row's cell of the currency column; None where the table has no such column. country: of the
    company, ISO 3166-1 alpha-2, None where it is not known.
    """
    cleaned = clean_text(text)[0]
    if is_missing(TARGET, cleaned):
        return Amount(usd="")
    code, written = _currency(cleaned, column, currency=currency, country=country)
    try:
        return _plain_yearly(cleaned, code, column) or _typed(cleaned, written, code, column, country=country)
    except InputError as error:
        return _asked(column, "must be pay that can be read", cleaned, str(error))


def _typed(text: str, written: str, code: str | None, column: AmountColumn, *, country: str | None) -> Amount:
    """Pay as people type it. Raises InputError where it is none, or in a currency without a rate."""
    reading = read_pay(written, country=country, currency=code, period=column.period)
    if reading.question is not None:
        rule = f"must have one meaning: {reading.question.partition(': ')[2] or reading.question}"
        return _asked(column, rule, text, f"Write one of: {'; '.join(reading.options)}.")
    if reading.currency is None or (code is None and reading.currency != _said(written)):
        remedy = "Add a column 'Currency', or call this column 'Pay USD' if it is in US dollars."
        return _asked(column, "must name its currency", text, remedy)
    yearly = to_yearly(reading.middle, reading.period or "year", salaries=reading.salaries or 12)
    usd = round(_rate(reading.currency).to_usd(yearly))
    if text.replace(",", "").strip("$ ") == str(usd):
        return Amount(usd=usd)
    return Amount(usd=usd, remark=_remark(text, reading.understood, usd, reading.currency))


def _plain_yearly(text: str, code: str | None, column: AmountColumn) -> Amount | None:
    """A figure in plain digits that is surely a year's pay in a known currency, without the search for other meanings.

    Raises InputError for a currency without a rate.
    """
    if code is None or column.period not in (None, "year") or not re.fullmatch(r"[0-9]{4,12}", text):
        return None
    per_usd, year_from_usd = currency_scales().get(code, (1.0, math.inf))
    if not max(year_from_usd, MIN_SALARY_USD) <= int(text) / per_usd <= MAX_SALARY_USD / 2:
        return None
    if code == "USD":
        return Amount(usd=int(text))
    usd = round(_rate(code).to_usd(int(text)))
    return Amount(usd=usd, remark=_remark(text, f"{int(text):,} {code} a year", usd, code))


@cache
def _rate(currency: str) -> _Rate:
    rate = usd_to(currency)
    return _Rate(rate.value, rate.said)


def _remark(text: str, understood: str, usd: int, currency: str) -> str:
    at = f" at {_rate(currency).said}" if currency != "USD" else ""
    return f'"{shown(text)}" read as {understood}: {usd:,} US dollars a year{at}'


def _currency(text: str, column: AmountColumn, *, currency: str | None, country: str | None) -> tuple[str | None, str]:
    """The currency that a cell is in if it says none itself, and the text to read: with the sign of the currency column."""
    if column.dollars:
        return "USD", text
    if currency is None:
        return ("USD" if country == "US" else None), text
    beside = clean_text(currency)[0]
    if len(beside) == 3 and beside.isalpha():
        return beside.upper(), text
    return None, f"{text} {beside}".strip()


def _said(text: str) -> str | None:
    """The currency that a text names itself, whatever the country."""
    try:
        return read_pay(text).currency
    except InputError:
        return None


def _asked(column: AmountColumn, rule: str, text: str, remedy: str) -> Amount:
    return Amount(
        usd=None, defect=Defect(column=column.field, rule=rule, value=shown(text, 60) or "nothing", remedy=remedy)
    )
