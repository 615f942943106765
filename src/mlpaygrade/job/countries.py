"""Countries by their codes: plain names, continent and income tier.

The knowledge is `tables/countries.csv`; what a continent and a tier are is decision 0002. Text is read by `places`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from mlpaygrade.errors import InputError
from mlpaygrade.job.reference import rows

Continent = Literal["NORTH_AMERICA", "EUROPE", "ASIA_PACIFIC", "OTHER"]
Tier = Literal["HIGH_INCOME", "UPPER_MIDDLE", "LOWER_MIDDLE", "LOW"]

CONTINENTS: Final[tuple[Continent, ...]] = get_args(Continent)
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)

HOME: Final = "US"
"""The country that most adverts are from: encoded, measured and calibrated apart from the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country or territory: ISO 3166-1 alpha-2 `code`, plain English `name`, and its two groups."""

    code: str
    name: str
    continent: Continent
    tier: Tier


def country_codes() -> frozenset[str]:
    """Every code the product knows: ISO 3166-1 alpha-2 and XK (Kosovo)."""
    return frozenset(_countries())


def country(code: str) -> Country:
    """The country of an exact code such as "US". Raises InputError for anything else; `places.read_place` reads text."""
    try:
        return _countries()[code]
    except KeyError:
        raise InputError(
            f"A country is an ISO 3166-1 two-letter code in capitals, such as US or DE; got {code!r}. "
            "Give the code, or the country's name where free text is read."
        ) from None


@cache
def _countries() -> Mapping[str, Country]:
    return MappingProxyType(
        {
            row["code"]: Country(
                code=row["code"],
                name=row["name"],
                continent=cast(Continent, row["continent"]),
                tier=cast(Tier, row["tier"]),
            )
            for row in rows("countries")
        }
    )
