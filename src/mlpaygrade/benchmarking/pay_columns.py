"""Pay in an employer's table, as people type it, in any currency and period -> US dollars a year, or what must be asked.

`money` reads and converts; here stands what a column says of its cells: currency and period in its name, a column of
currencies beside it, the share or hours of part-time work (raised to full time). A currency or period that a person chose
holds only for amounts that name none themselves. What cannot be known is asked, never taken for dollars.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.benchmarking.mapping import LOCAL, Question, SheetMapping
from mlpaygrade.dataset.columns import plain, shown
from mlpaygrade.errors import Defect, InputError
from mlpaygrade.forecast.jobs import objects
from mlpaygrade.job.fields import CURRENCY, MAX_SALARY_USD, MIN_SALARY_USD, SALARY, TARGET
from mlpaygrade.job.values import clean_text, is_missing
from mlpaygrade.money import currency as money
from mlpaygrade.money.currency import DOLLAR, Period, currency_of, rated_currencies, usd_to
from mlpaygrade.money.pay import PayReading, read_pay

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
    yearly = money.to_yearly(reading.middle, reading.period or "year", salaries=reading.salaries or 12)
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
    per_usd, year_from_usd = money.currency_scales().get(code, (1.0, math.inf))
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


Coded = tuple[Sequence[str], Sequence[int]]
"""A column: its different texts, and which of them each row has."""

_SHARE: Final = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(%?)")
_LEAST_SHARE: Final = 0.05
_FULL_WEEKS: Final = ("35", "37.5", "38", "38.5", "39", "40", "42")
_PERIOD_NAMES: Final = {"year": "a year", "month": "a month", "week": "a week", "day": "a day", "hour": "an hour"}
_HOURS: Final = re.compile(r"(\d{1,2}(?:[.,]\d+)?)\s*(?:h|hours?|std\.?|stunden|heures|horas)?", re.I)
_FULL_TIME: Final = re.compile(r"full[ -]?time|vollzeit|temps plein|jornada completa|tempo integral", re.I)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayColumns:
    """amounts: US dollars a year, float64 (n,), NaN for none. remarks: (n,). defects: (row from 0, what cannot be told)."""

    amounts: Mapping[str, NDArray[np.float64]]
    remarks: NDArray[np.object_]
    defects: tuple[tuple[int, Defect], ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...]


def read_pay_columns(
    header: Sequence[str],
    places: Mapping[str, int],
    columns: Mapping[str, Coded],
    *,
    countries: Sequence[str | None],
    mapping: SheetMapping,
) -> PayColumns:
    """Read every amount of n rows. columns: field -> its cells. countries: of the company, (n,)."""
    count = len(countries)
    amounts, currency_place = amount_columns(header, places)
    field_of = {place: name for name, place in places.items()}
    currencies = None if currency_place is None else columns[field_of[currency_place]]
    periods = [period_in(text) for text in columns["pay_period"][0]] if "pay_period" in columns else []
    shares, asked = _shares(columns, mapping)
    found = {column.field: np.full(count, np.nan) for column in amounts}
    remarks: list[list[str]] = [[] for _ in range(count)]
    defects: list[tuple[int, Defect]] = []
    waiting: dict[str, set[int]] = {"currency": set(), "period": set()}
    converted: set[str] = set()
    for column in amounts:
        texts, codes = columns[field_of[column.place]]
        by_period: dict[Period | None, AmountColumn] = {None: column}
        for row, (code, country) in enumerate(zip(codes, countries, strict=True)):
            period = periods[columns["pay_period"][1][row]] if periods else None
            used = by_period.setdefault(period, replace(column, period=period))
            beside = None if currencies is None else currencies[0][currencies[1][row]]
            amount = _read(texts[code], used, currency=beside, country=country, mapping=mapping)
            if amount.asks:
                waiting[amount.asks].add(row)
            if amount.defect is not None:
                defects.append((row, amount.defect))
            elif isinstance(amount.usd, int):
                found[column.field][row] = amount.usd
                remarks[row] += [amount.remark] if amount.remark else []
                converted.add(amount.currency)
    _raise_to_full_time(found.get(PAY), shares, remarks, defects)
    defects += _swapped(found)
    questions = [*_pay_questions(waiting, countries, mapping), *asked]
    names_none = [column for column in amounts if column.currency is None]
    notes = [f"{code} converted at {usd_to(code).said}" for code in sorted(converted - {DOLLAR})]
    if names_none and currencies is None and mapping.currency is None and "US" in countries:
        notes.append("pay names no currency: in rows of the United States it is read as US dollars")
    return PayColumns(
        amounts=found,
        remarks=objects(["; ".join(said) for said in remarks]),
        defects=tuple(defects),
        questions=tuple(questions),
        notes=tuple(notes),
    )


def _read(
    text: str, column: AmountColumn, *, currency: str | None, country: str | None, mapping: SheetMapping
) -> Amount:
    """One amount; the chosen period holds only where the amount alone leaves it open."""
    chosen = _own_currency(country) if mapping.currency == LOCAL else mapping.currency
    amount = read_amount(text, column, currency=currency, country=country, chosen=chosen)
    if amount.asks != "period" or mapping.period is None:
        return amount
    with_period = replace(column, period=mapping.period)
    return read_amount(text, with_period, currency=currency, country=country, chosen=chosen)


def _own_currency(country: str | None) -> str | None:
    try:
        code = currency_of(country) if country else None
    except InputError:
        return None
    return code if code in rated_currencies() else None


def _pay_questions(
    waiting: Mapping[str, set[int]], countries: Sequence[str | None], mapping: SheetMapping
) -> list[Question]:
    asked = []
    if waiting["currency"] and mapping.currency is None:
        own = dict.fromkeys(_own_currency(countries[row]) for row in sorted(waiting["currency"]))
        codes = [code for code in own if code]
        every = list(dict.fromkeys([*codes, DOLLAR, "EUR", "GBP", *rated_currencies()]))
        several = len(codes) > 1
        options = {LOCAL: "each in the currency of its country"} if several else {}
        options |= {code: money.currency_name(code) for code in every}
        proposed = LOCAL if several else every[0]
        text, rows = "Pay names no currency. In which one is it?", len(waiting["currency"])
        asked.append(Question(kind="currency", field=SALARY, text=text, rows=rows, options=options, proposed=proposed))
    if waiting["period"] and mapping.period is None:
        text = "Some amounts may be pay of a year or of a shorter time. Which are they?"
        asked.append(
            Question(kind="period", field=SALARY, text=text, rows=len(waiting["period"]), options=_PERIOD_NAMES)
        )
    return asked


def _shares(columns: Mapping[str, Coded], mapping: SheetMapping) -> tuple[list[float | None] | None, list[Question]]:
    """The share of full time of each row, None where it cannot be read; None where no column says it. And questions."""
    if "fte" in columns:
        texts, codes = columns["fte"]
        shares = [_share(text) for text in texts]
        return [shares[code] for code in codes], []
    if "hours" not in columns:
        return None, []
    texts, codes = columns["hours"]
    hours, full = [_number(text) for text in texts], mapping.full_time_hours
    if full is None:
        usual = max((hour for hour in hours if hour is not None and 34 <= hour <= 45), default=40.0)
        partial = sum(1 for code in codes if (hour := hours[code]) is not None and hour < usual)
        options = dict.fromkeys((*_FULL_WEEKS, f"{usual:g}"), "hours a week")
        text = "A column gives hours a week. How many are full time? Part-time pay is raised to it."
        question = Question(
            kind="hours", field="hours", text=text, rows=partial, options=options, proposed=f"{usual:g}"
        )
        return None, [question] if partial else []
    shares = [
        None if text.strip() and hour is None else min((hour or full) / full, 1.0)
        for text, hour in zip(texts, hours, strict=True)
    ]
    return [shares[code] for code in codes], []


def _share(text: str) -> float | None:
    """0.8, 0,8, 80 and 80 % are four fifths; an empty cell and "full time" are 1; None for what is no share."""
    cleaned = clean_text(text)[0]
    if not cleaned or _FULL_TIME.search(cleaned):
        return 1.0
    found = _SHARE.fullmatch(cleaned)
    if not found:
        return None
    number = float(found[1].replace(",", "."))
    share = number / 100 if found[2] or number > 2 else number
    return min(share, 1.0) if _LEAST_SHARE <= share <= 1.05 else None


def _number(text: str) -> float | None:
    found = _HOURS.fullmatch(clean_text(text)[0])
    return (float(found[1].replace(",", ".")) or None) if found else None


def _raise_to_full_time(
    pay: NDArray[np.float64] | None,
    shares: Sequence[float | None] | None,
    remarks: list[list[str]],
    defects: list[tuple[int, Defect]],
) -> None:
    """Divide the pay of part-time rows by their share; own bands are of full time. Without a readable share, no pay."""
    if shares is None or pay is None:
        return
    for row, share in enumerate(shares):
        if share is None:
            rule = "must be a share of full time, or hours a week"
            defects.append((row, Defect(column="fte", rule=rule, value="another text", remedy="Write 0.8 or 80 %.")))
            pay[row] = np.nan
        elif share < 1 and not np.isnan(pay[row]):
            pay[row] = round(pay[row] / share)
            remarks[row].append(f"pay raised to full time from {share:.0%}")


def _swapped(found: Mapping[str, NDArray[np.float64]]) -> list[tuple[int, Defect]]:
    """An own band whose ends are swapped is told and not used."""
    if BAND_LOW not in found or BAND_HIGH not in found:
        return []
    low, high = found[BAND_LOW], found[BAND_HIGH]
    defects = []
    rule, remedy = "must not lie below the low end", "Swap the two, or correct one of them."
    for row in np.flatnonzero(low > high).tolist():
        value = f"{low[row]:,.0f} and {high[row]:,.0f}"
        defects.append((row, Defect(column=BAND_HIGH, rule=rule, value=value, remedy=remedy)))
        low[row] = high[row] = np.nan
    return defects
