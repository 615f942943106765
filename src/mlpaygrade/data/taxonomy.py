"""Countries and job titles: how free text is read, and the groups a country or a title belongs to.

Enters: text as a person or a file wrote it. Leaves: ISO codes with continent and tier, title families, title words, and
readings that say in words how a text was understood. The knowledge itself is rows of `tables/*.csv`, each with a source.
Does not look at salaries, and never reads a text as something else without a note.
"""

import csv
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal, cast

from mlpaygrade.schema import InputError

Continent = Literal["NORTH_AMERICA", "EUROPE", "ASIA_PACIFIC", "OTHER"]
Tier = Literal["HIGH_INCOME", "UPPER_MIDDLE", "LOWER_MIDDLE", "LOW"]

MAX_TEXT: Final = 100
"""A title or a country longer than this many characters is refused."""


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

    `code` is None when the text could not be read; then `suggestions` holds codes, best first. `note` is None only for an
    exact code or name.
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
            "Look the code up with resolve_country."
        ) from None


@cache
def resolve_country(text: str) -> CountryReading:
    """Read a code, a name, an alias or a slight misspelling as a country.

    Raises InputError when the text is empty, has no letter, holds control characters or is longer than `MAX_TEXT`.
    """
    cleaned = _checked(text, what="country")
    countries = _countries()
    if cleaned in countries:
        return CountryReading(code=cleaned, note=None)
    by_name = _country_names()
    code = by_name.get(_squash(cleaned))
    if code is not None:
        name = countries[code].name
        return CountryReading(code=code, note=None if cleaned == name else f'Read "{cleaned}" as {name} ({code}).')
    near = get_close_matches(_squash(cleaned), by_name, n=12, cutoff=0.6)
    codes = tuple(dict.fromkeys(by_name[key] for key in near))[:5]
    sure = [key for key in near if len(key) >= 5 and _slips(_squash(cleaned), key)]
    if sure and len({by_name[key] for key in sure}) == 1:
        code = by_name[sure[0]]
        return CountryReading(
            code=code, note=f'Read "{cleaned}" as {countries[code].name} ({code}), taking it for a misspelling.'
        )
    names = ", ".join(f"{countries[near_code].name} ({near_code})" for near_code in codes)
    hint = f" Did you mean {names}?" if names else " Give the country's English name or two-letter code."
    return CountryReading(code=None, note=f'"{cleaned}" is not a country that is known here.{hint}', suggestions=codes)


def _slips(text: str, name: str) -> bool:
    """Whether `text` is `name` with about one slip of the keyboard in six letters; both already squashed."""
    from rapidfuzz.distance import OSA

    return OSA.distance(text, name) <= max(1, len(name) // 6)


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
            for row in _rows("countries")
        }
    )


@cache
def _country_names() -> Mapping[str, str]:
    """Every squashed code, name and alias -> code."""
    names: dict[str, str] = {}
    for row in _rows("countries"):
        for text in (row["code"], row["name"], *filter(None, row["aliases"].split("|"))):
            names[_squash(text)] = row["code"]
    return MappingProxyType(names)


@cache
def _rows(table: str) -> tuple[dict[str, str], ...]:
    """The rows of `tables/<table>.csv`, read once."""
    text = resources.files(__package__).joinpath("tables", f"{table}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def _squash(text: str) -> str:
    """Fold case and accents, drop everything but letters and digits: "Côte d'Ivoire" -> "cotedivoire"."""
    return "".join(char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum())


def _checked(text: str, *, what: str) -> str:
    """`text` with blanks collapsed; raises InputError when no sense could be made of it."""
    if len(text) > MAX_TEXT:
        raise InputError(f"A {what} has at most {MAX_TEXT} characters; got {len(text):,}. Give the {what} alone.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in text):
        raise InputError(f"A {what} holds no control characters; got {text!r}. Type it again as plain text.")
    if not any(char.isalpha() for char in text):
        raise InputError(f"A {what} has at least one letter; got {text!r}. Give a {what} in words.")
    return " ".join(text.split())
