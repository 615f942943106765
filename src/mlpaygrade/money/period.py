"""Pay of a year from pay of a month, week, day or hour, and back.

The number of salaries a year (12, 13 or 14) is a matter of contract: 12 is taken unless told otherwise, and
`usual_salaries` says what is common in a country, so that it can be offered.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, cast, get_args

from mlpaygrade.errors import InputError
from mlpaygrade.job.reference import rows

Period = Literal["year", "month", "week", "day", "hour"]
Salaries = Literal[12, 13, 14]

PERIODS: Final[tuple[Period, ...]] = get_args(Period)

DAYS_A_WEEK: Final = 5
HOURS_A_WEEK: Final = 40.0
WEEKS_A_YEAR: Final = 52.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualSalaries:
    """How many monthly salaries a year are common in a country, commonest first, and why; (12,) where nothing else is known."""

    country: str
    counts: tuple[Salaries, ...]
    why: str


def to_yearly(
    amount: float,
    period: Period,
    *,
    hours_per_week: float = HOURS_A_WEEK,
    weeks: float = WEEKS_A_YEAR,
    salaries: Salaries = 12,
) -> float:
    """Pay of a year.

    hours_per_week counts for an hour's pay; weeks, the paid ones, for an hour's, day's and week's; salaries for a month's.
    Raises InputError for a period, hours, weeks or salaries that do not exist.

    >>> to_yearly(6000, "month", salaries=14)
    84000.0
    >>> to_yearly(50, "hour")
    104000.0
    """
    return amount * _times_a_year(period, hours_per_week=hours_per_week, weeks=weeks, salaries=salaries)


def from_yearly(
    yearly: float,
    period: Period,
    *,
    hours_per_week: float = HOURS_A_WEEK,
    weeks: float = WEEKS_A_YEAR,
    salaries: Salaries = 12,
) -> float:
    """Pay of a period from that of a year; the opposite of `to_yearly`."""
    return yearly / _times_a_year(period, hours_per_week=hours_per_week, weeks=weeks, salaries=salaries)


def usual_salaries(country: str) -> UsualSalaries:
    """How many salaries a year are common in a country (ISO 3166-1 alpha-2). Known from practice, not measured."""
    return _usual().get(country, UsualSalaries(country=country, counts=(12,), why="no other custom known"))


def _times_a_year(period: Period, *, hours_per_week: float, weeks: float, salaries: Salaries) -> float:
    _check(period, hours_per_week=hours_per_week, weeks=weeks, salaries=salaries)
    return {
        "year": 1.0,
        "month": float(salaries),
        "week": weeks,
        "day": DAYS_A_WEEK * weeks,
        "hour": hours_per_week * weeks,
    }[period]


def _check(period: str, *, hours_per_week: float, weeks: float, salaries: int) -> None:
    if period not in PERIODS:
        raise InputError(f"A period is one of {', '.join(PERIODS)}; got {period!r}. Choose one of these.")
    if not 1 <= hours_per_week <= 80:
        raise InputError(f"Hours a week lie between 1 and 80; got {hours_per_week:g}. Give the contract's hours.")
    if not 1 <= weeks <= 53:
        raise InputError(f"Paid weeks a year lie between 1 and 53; got {weeks:g}. Give 52 where holidays are paid.")
    if salaries not in {12, 13, 14}:
        raise InputError(
            f"Salaries a year are 12, 13 or 14; got {salaries}. Give pay a year where it is paid otherwise."
        )


@cache
def _usual() -> dict[str, UsualSalaries]:
    return {
        row["country"]: UsualSalaries(
            country=row["country"],
            counts=tuple(cast(Salaries, int(count)) for count in row["salaries"].split("|")),
            why=row["why"],
        )
        for row in rows("months_paid", room="money")
    }
