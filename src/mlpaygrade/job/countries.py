"""Countries: codes, plain names, continent and income tier, and the reading of free text as a country.

Enters: a code, or text as a person wrote it. Leaves: `Country` and `CountryReading`. The knowledge is
`tables/countries.csv`; what a continent and a tier are is decision 0002. Knows no cities and no states of a federation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from mlpaygrade.errors import InputError
from mlpaygrade.job.reference import checked_text, rows, squash

Continent = Literal["NORTH_AMERICA", "EUROPE", "ASIA_PACIFIC", "OTHER"]
Tier = Literal["HIGH_INCOME", "UPPER_MIDDLE", "LOWER_MIDDLE", "LOW"]

CONTINENTS: Final[tuple[Continent, ...]] = get_args(Continent)
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country or territory: ISO 3166-1 alpha-2 `code`, plain English `name`, and its two groups."""

    code: str
    name: str
    continent: Continent
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryReading:
    """How a text was read as a country.

    `code` is None when the text could not be read; then `suggestions` holds codes, best first. `note` is None only for
    an exact code or name.
    """

    code: str | None
    note: str | None
    suggestions: tuple[str, ...] = ()


def country_codes() -> frozenset[str]:
    """Every code the product knows: ISO 3166-1 alpha-2 and XK (Kosovo)."""
    return frozenset(_countries())


def country(code: str) -> Country:
    """The country of an exact code such as "US". Raises InputError for anything else; `resolve_country` reads text."""
    try:
        return _countries()[code]
    except KeyError:
        raise InputError(
            f"A country is an ISO 3166-1 two-letter code in capitals, such as US or DE; got {code!r}. "
            "Give the code, or the country's name where free text is read."
        ) from None


@lru_cache(maxsize=4096)
def resolve_country(text: str) -> CountryReading:
    """Read a code, a name, an alias or a slight misspelling as a country.

    Raises InputError when the text is empty, has no letter, holds control characters or is longer than `MAX_TEXT`.
    """
    cleaned = checked_text(text, what="country")
    countries, by_name = _countries(), _country_names()
    if cleaned in countries:
        return CountryReading(code=cleaned, note=None)
    code = by_name.get(squash(cleaned))
    if code is not None:
        name = countries[code].name
        return CountryReading(code=code, note=None if cleaned == name else f'Read "{cleaned}" as {name} ({code}).')
    slips, near = _near_countries(squash(cleaned))
    if len(slips) == 1:
        name = countries[slips[0]].name
        return CountryReading(
            code=slips[0], note=f'Read "{cleaned}" as {name} ({slips[0]}), taking it for a misspelling.'
        )
    names = ", ".join(f"{countries[code].name} ({code})" for code in near)
    remedy = f"Did you mean {names}?" if names else "Give the country's English name or its two-letter code."
    return CountryReading(code=None, note=f'"{cleaned}" is no country known here. {remedy}', suggestions=near)


def _near_countries(squashed: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Codes whose name is a slip of the keyboard away (nearest only), and codes to suggest, best first."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    by_name = {name: code for name, code in _country_names().items() if len(name) >= 4}
    found = process.extract(squashed, by_name.keys(), scorer=OSA.normalized_similarity, limit=12, score_cutoff=0.6)
    distance = {name: OSA.distance(squashed, name) for name, _, _ in found}
    slips = [name for name in distance if distance[name] <= max(len(name) >= 5, len(name) // 5)]
    nearest = min((distance[name] for name in slips), default=0)
    return (
        tuple(dict.fromkeys(by_name[name] for name in slips if distance[name] == nearest)),
        tuple(islice(dict.fromkeys(by_name[name] for name, _, _ in found), 5)),
    )


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


@cache
def _country_names() -> Mapping[str, str]:
    """Every squashed code, name and alias -> code."""
    return MappingProxyType(
        {
            squash(text): row["code"]
            for row in rows("countries")
            for text in (row["code"], row["name"], *filter(None, row["aliases"].split("|")))
        }
    )
