"""The columns of pay of a whole table -> US dollars a year, and what must be asked once for all of them.

Part-time pay is raised to full time where a column says the share or the hours. A currency or period that a person chose
holds only for amounts that name none themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.benchmarking import questions as ask
from mlpaygrade.benchmarking.amounts import (
    BAND_HIGH,
    BAND_LOW,
    Amount,
    AmountColumn,
    amount_columns,
    period_in,
    read_amount,
)
from mlpaygrade.benchmarking.mapping import LOCAL, SheetMapping
from mlpaygrade.benchmarking.questions import Question
from mlpaygrade.errors import Defect, InputError
from mlpaygrade.job.values import clean_text
from mlpaygrade.money.currency import currency_of
from mlpaygrade.money.period import Period
from mlpaygrade.money.rates import DOLLAR, rated_currencies, usd_to

if TYPE_CHECKING:
    from mlpaygrade.benchmarking.sheet import Problem

Coded = tuple[Sequence[str], Sequence[int]]
"""A column: its different texts, and which of them each row has."""

_SHARE: Final = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(%?)")
_LEAST_SHARE: Final = 0.05
_FULL_TIME: Final = re.compile(r"full[ -]?time|vollzeit|temps plein|jornada completa|tempo integral", re.I)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayColumns:
    """amounts: US dollars a year, float64 (n,), NaN for none. remarks: (n,). defects: (row from 0, what cannot be told)."""

    amounts: Mapping[str, NDArray[np.float64]]
    remarks: NDArray[np.object_]
    defects: tuple[tuple[int, Defect], ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...]
    problems: "tuple[Problem, ...]" = ()


@dataclass(slots=True)
class _Open:
    """Rows that wait for an answer."""

    currency: set[int]
    period: set[int]


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
    shares, bad_shares, asked = _shares(columns, mapping)
    found = {column.field: np.full(count, np.nan) for column in amounts}
    remarks: list[list[str]] = [[] for _ in range(count)]
    defects: list[tuple[int, Defect]] = []
    waiting = _Open(set(), set())
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
                (waiting.currency if amount.asks == "currency" else waiting.period).add(row)
            if amount.defect is not None:
                defects.append((row, amount.defect))
            elif isinstance(amount.usd, int):
                found[column.field][row] = amount.usd
                remarks[row] += [amount.remark] if amount.remark else []
                converted.add(amount.currency)
    _raise_to_full_time(found, shares, bad_shares, remarks, defects)
    defects += _swapped(found)
    questions = [*_pay_questions(waiting, countries, mapping), *asked]
    names_none = [column for column in amounts if column.currency is None]
    notes = [f"{code} converted at {usd_to(code).said}" for code in sorted(converted - {DOLLAR})]
    if names_none and currencies is None and mapping.currency is None and "US" in countries:
        notes.append("pay names no currency: in rows of the United States it is read as US dollars")
    texts_of = np.empty(count, dtype=object)
    texts_of[:] = ["; ".join(said) for said in remarks]
    return PayColumns(
        amounts=found, remarks=texts_of, defects=tuple(defects), questions=tuple(questions), notes=tuple(notes)
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


def _pay_questions(waiting: _Open, countries: Sequence[str | None], mapping: SheetMapping) -> list[Question]:
    asked = []
    if waiting.currency and mapping.currency is None:
        own = [_own_currency(countries[row]) for row in sorted(waiting.currency)]
        codes = [code for code in dict.fromkeys(own) if code]
        rest = [code for code in (DOLLAR, "EUR", "GBP", *rated_currencies()) if code not in codes]
        several = len(codes) > 1
        asked.append(
            ask.currency_question(
                rows=len(waiting.currency), codes=list(dict.fromkeys([*codes, *rest])), several=several
            )
        )
    if waiting.period and mapping.period is None:
        asked.append(ask.period_question(rows=len(waiting.period)))
    return asked


def _shares(columns: Mapping[str, Coded], mapping: SheetMapping) -> tuple[Any, set[int], list[Question]]:
    """The share of full time of each row (None where no column says it), rows in which it cannot be read, questions."""
    if "fte" in columns:
        texts, codes = columns["fte"]
        read = [_share(text) for text in texts]
        return [read[code] for code in codes], {n for n, code in enumerate(codes) if read[code] is None}, []
    if "hours" not in columns:
        return None, set(), []
    texts, codes = columns["hours"]
    hours = [_number(text) for text in texts]
    if mapping.full_time_hours is None:
        usual = max((hour for hour in hours if hour is not None and 34 <= hour <= 45), default=40.0)
        partial = sum(1 for code in codes if (hour := hours[code]) is not None and hour < usual)
        return None, set(), [ask.hours_question(rows=partial, proposed=f"{usual:g}")] if partial else []
    full = mapping.full_time_hours
    shares = [
        None if text.strip() and hour is None else min((hour or full) / full, 1.0)
        for text, hour in zip(texts, hours, strict=True)
    ]
    return [shares[code] for code in codes], {n for n, code in enumerate(codes) if shares[code] is None}, []


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
    found = re.fullmatch(
        r"(\d{1,2}(?:[.,]\d+)?)\s*(?:h|hours?|std\.?|stunden|heures|horas)?", clean_text(text)[0], re.I
    )
    number = float(found[1].replace(",", ".")) if found else None
    return number if number else None


def _raise_to_full_time(
    found: Mapping[str, NDArray[np.float64]],
    shares: Sequence[float | None] | None,
    bad: set[int],
    remarks: list[list[str]],
    defects: list[tuple[int, Defect]],
) -> None:
    """Divide the pay of part-time rows by their share; own bands are of full time. Without a readable share, no pay."""
    pay = found.get("pay_usd")
    if shares is None or pay is None:
        return
    for row, share in enumerate(shares):
        if row in bad:
            rule = "must be a share of full time, or hours a week"
            defects.append((row, Defect(column="fte", rule=rule, value="another text", remedy="Write 0.8 or 80 %.")))
            pay[row] = np.nan
        elif share is not None and share < 1 and not np.isnan(pay[row]):
            pay[row] = round(pay[row] / share)
            remarks[row].append(f"pay raised to full time from {share:.0%}")


def _swapped(found: Mapping[str, NDArray[np.float64]]) -> list[tuple[int, Defect]]:
    """An own band whose ends are swapped is told and not used."""
    if BAND_LOW not in found or BAND_HIGH not in found:
        return []
    low, high = found[BAND_LOW], found[BAND_HIGH]
    defects = []
    for row in np.flatnonzero(low > high).tolist():
        value = f"{low[row]:,.0f} and {high[row]:,.0f}"
        remedy = "Swap the two, or correct one of them."
        defects.append(
            (row, Defect(column=BAND_HIGH, rule="must not lie below the low end", value=value, remedy=remedy))
        )
        low[row] = high[row] = np.nan
    return defects
