"""Ageing: how much posted pay in a country rose between two months. A scenario, never a fact about these jobs.

The growth is that of posted wages in all occupations (Indeed Hiring Lab, `tables/posted_wage_growth.csv`); there is no series for
data or software jobs. Nothing is extrapolated: beyond the last month known the factor stays what it was, and that is said.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import rows
from mlpaygrade.money.currency import currency_of

SOURCE: Final = "Indeed Hiring Lab wage tracker (CC BY 4.0): posted wages in all occupations"
EURO_AREA: Final = "EA"
NOT_THESE_JOBS: Final = (
    "This is the growth of pay in adverts of all occupations. Adverts of data and machine learning jobs hardly moved in 2024 "
    "and 2025, so ageing may add too much."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """What pay of an old month is multiplied by.

    factor: 1.03 for three percent. from_month, last_month: "YYYY-MM", what the factor reaches from and to; last_month is earlier
    than asked where nothing later is known. country: whose growth it is, "EA" for the euro area. warning: in plain words.
    """

    factor: float
    from_month: str
    last_month: str
    country: str
    source: str
    warning: str


def ageing_factor(country: str, from_month: str, to_month: str) -> Ageing:
    """The growth of posted wages in a country between two months.

    country: ISO 3166-1 alpha-2; a euro country without a series has the euro area's. from_month, to_month: "YYYY-MM". Raises
    InputError for other countries, months before the series begins, and months in the wrong order.

    Whole years are chained from the published yearly growth; of the months left over, each counts a twelfth of its year's.
    """
    used = _series_of(country)
    growth = _growth()[used]
    start, end = _month(from_month), _month(to_month)
    if start > end:
        raise InputError(
            f"Ageing goes forward in time; got from {from_month} to {to_month}. Give the earlier month first."
        )
    first, last = min(growth), max(growth)
    if start < first - 12:
        raise InputError(
            f"Growth of posted wages is known from {_text(first - 12)}; got {from_month}. Give a later month."
        )
    reached = max(start, min(end, last))
    warnings = [NOT_THESE_JOBS]
    if used != country:
        warnings.insert(0, "The euro area's growth is used, as the country has no series of its own.")
    if reached < end:
        warnings.insert(0, f"Nothing is known after {_words(last)}, and nothing is added for later months.")
    return Ageing(
        factor=math.exp(_log_growth(growth, start, reached)),
        from_month=from_month,
        last_month=_text(reached),
        country=used,
        source=SOURCE,
        warning=" ".join(warnings),
    )


def has_growth(country: str) -> bool:
    """Whether growth is known for a country (ISO 3166-1 alpha-2), its own or the euro area's."""
    try:
        _series_of(country)
    except InputError:
        return False
    return True


def ageing_countries() -> tuple[str, ...]:
    """Countries with a series of their own, ISO 3166-1 alpha-2."""
    return tuple(sorted(set(_growth()) - {EURO_AREA}))


def _log_growth(growth: Mapping[int, float], start: int, end: int) -> float:
    years, months = divmod(end - start, 12)
    chained = sum(math.log1p(growth[end - 12 * year]) for year in range(years))
    rest_end = end - 12 * years
    return chained + (months / 12 * math.log1p(growth[max(rest_end, min(growth))]) if months else 0.0)


def _series_of(country: str) -> str:
    if country in ageing_countries():
        return country
    if currency_of(country) == "EUR":
        return EURO_AREA
    raise InputError(
        f"Growth of posted wages is known for {', '.join(ageing_countries())} and the euro area; got {country}. "
        "Leave the figure at its date, or choose one of these."
    )


def _month(text: str) -> int:
    """Months since year 0 of "YYYY-MM"."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
    if found is None:
        raise InputError(f"A month is written YYYY-MM; got {text!r}. Give one such as 2024-04.")
    return 12 * int(found[1]) + int(found[2]) - 1


def _words(month: int) -> str:
    return f"{date(month // 12, month % 12 + 1, 1):%B %Y}"


def _text(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


@cache
def _growth() -> Mapping[str, Mapping[int, float]]:
    """Country -> month -> growth over the twelve months up to it, as a share."""
    found: dict[str, dict[int, float]] = {}
    for row in rows("posted_wage_growth", room="money"):
        found.setdefault(row["country"], {})[_month(row["month"])] = float(row["yearly_growth"])
    return found
