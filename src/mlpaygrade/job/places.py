"""A place as a person or a file wrote it -> the country that an answer needs, or why none can be told.

Countries stand in `tables/countries.csv` (names, continent and income tier: decision 0002) and `country_names.csv` (other
languages), states, cities and regions in `places.csv` (decision 0012). A state or a city gives its country with a remark.
Nothing is read as a misspelling: what is near is suggested.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, cast, get_args

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import checked_text, fold, records, remembered, rows, squash

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
    return {one.code: one for one in records("countries", Country)}


PlaceKind = Literal["country", "state", "city", "region", "missing", "ambiguous", "unknown"]

_NO_PLACE: Final = (
    "|n/a|#n/a|na|nan|none|null|nil|<na>|nat|-|--|---|?|.|tbd|tba|n.a.|k.a.|unknown|not specified|not given|not available|"
    "not applicable|missing|empty|blank|(blank)"
)
MISSING_PLACES: Final = frozenset(_NO_PLACE.split("|"))
"""Lower-case spellings of "no place given". NA in capitals is asked about: it is also the code of Namibia."""

_SEPARATORS: Final = re.compile(
    r"\s*[,;/|()\[\]•·&]\s*|\s+[-–—]\s+|\s+(?:or|and|oder|und|ou|et|y|e|en)\s+|(?<=\w)-(?=(?i:remote|onsite|hybrid))"
)
_BESIDE: Final = (
    "remote hybrid onsite fully anywhere worldwide homeoffice office hq headquarters in only based from within region "
    "metropolitan considered telecommute wfh downtown"
)
_WORDS_BESIDE: Final = frozenset(_BESIDE.split())
"""Folded words of a place that say how one works, not where."""
_ASKED: Final = frozenset({"DE", "IN", "IL", "CO", "AR", "ID"})
"""Codes of US states that, behind a town that is not in the table, may well be the country: "Wilmington, DE", "Haifa, IL"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceReading:
    """How a text was read as a place.

    `code` is the country, None where none can be told; `note` then says why and what to give, and `suggestions` holds codes, best
    first. `kind` says what the text is; `place` names a state or city. `note` is None only for an exact code or name.
    """

    code: str | None
    kind: PlaceKind
    note: str | None
    suggestions: tuple[str, ...] = ()
    place: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """One meaning of a text: a country (`name` is its own), or a state, city or region. `countries`: its codes."""

    kind: PlaceKind
    name: str
    countries: tuple[str, ...]


@remembered
def read_place(text: str, *, states: bool = False, codes: bool = False, suggest: bool = True) -> PlaceReading:
    """Read a country, state, city or region, alone or as in "Austin, TX, USA".

    states: the text stands in a column of US states (`looks_like_us_states`), so CA is California. codes: it stands in a
    column of country codes, so NA is Namibia; without, NA is asked about. suggest: look for what an unknown text may mean,
    which takes a search.

    Raises InputError when the text has no letter (unless it marks a missing value), holds control characters or is longer than
    `MAX_TEXT`.
    """
    stripped = " ".join(text.split())
    if stripped == "NA" and codes and not states:
        return PlaceReading(code="NA", kind="country", note=None)
    if stripped == "NA" and not states:
        note = '"NA" is the code of Namibia and a common mark for "not available". Write Namibia, or the country that is meant.'
        return PlaceReading(code=None, kind="ambiguous", note=note, suggestions=("NA",))
    if stripped.lower() in MISSING_PLACES:
        note = f'"{stripped}" says that no place is given. Give a country, such as US or Germany.'
        return PlaceReading(code=None, kind="missing", note=note)
    cleaned = checked_text(text, what="country")
    return _read_whole(cleaned, states) or _read_pieces(cleaned, states) or _unknown(cleaned, suggest)


def looks_like_us_states(values: Iterable[str]) -> bool:
    """Whether a column holds US states: nine in ten of its different values are states, and some value can be nothing else.

    Values that mark nothing, the United States and "Remote" are left out.
    {"CA", "DE"} are two countries; {"CA", "DE", "NY"} are three states.
    """
    written = {" ".join(value.split()) for value in values}
    written = {value for value in written if value.lower() not in MISSING_PLACES and not _says_nothing(value)}
    read = {value: _us_state(value) for value in written}
    sure = sum(state is not None and _plain_country(value) is None for value, state in read.items())
    return sure > 0 and 10 * sum(state is not None for state in read.values()) >= 9 * len(read)


def _says_nothing(value: str) -> bool:
    """Whether a value fits a column of US states and one of countries alike."""
    return _plain_country(value) == "US" or any(meaning.kind == "region" for meaning in _meanings(value))


@remembered
def place_kind(text: str) -> PlaceKind | None:
    """What place a whole text names, None where it names none; for titles, in which a place stands beside the job."""
    if not any(char.isalnum() for char in text):
        return None
    if _plain_country(text):
        return "country"
    if _us_state(text):
        return "state"
    return next((meaning.kind for meaning in _meanings(text)), None)


def _read_whole(cleaned: str, states: bool) -> PlaceReading | None:
    """The text as one name. In a column of states a state goes first, else a country does."""
    state = _us_state(cleaned)
    if states and state is not None:
        return _within(cleaned, _Place("state", state, ("US",)))
    code = _plain_country(cleaned)
    if code is not None and state is not None and len(cleaned) > 2:
        return _ask(cleaned, (code, "US"))
    if code is not None:
        return _country(cleaned, code)
    meanings = _meanings(cleaned)
    if len({meaning.countries for meaning in meanings}) > 1:
        return _ask(cleaned, tuple(dict.fromkeys(code for meaning in meanings for code in meaning.countries)))
    if meanings or state is not None:
        return _within(cleaned, meanings[0] if meanings else _Place("state", state or "", ("US",)))
    return None


def _country(cleaned: str, code: str) -> PlaceReading:
    name = country(code).name
    note = None if cleaned in (code, name) else f'Read "{cleaned}" as {name} ({code}).'
    return PlaceReading(code=code, kind="country", note=note)


def _within(cleaned: str, place: _Place) -> PlaceReading:
    """The reading of a state or city, or the refusal of a region."""
    if place.kind == "region":
        examples = ", ".join(f"{country(code).name} ({code})" for code in place.countries)
        remedy = f"Give one country, for example {examples}." if examples else "Give the country where the employer is."
        note = f'"{cleaned}" is not one country, and pay is told country by country. {remedy}'
        return PlaceReading(code=None, kind="region", note=note, suggestions=place.countries, place=place.name)
    code = place.countries[0]
    what = "a state or region" if place.kind == "state" else "a city"
    note = f'Read "{cleaned}" as {country(code).name} ({code}): {place.name} is {what} there.'
    return PlaceReading(code=code, kind=place.kind, note=note, place=place.name)


def _read_pieces(cleaned: str, states: bool) -> PlaceReading | None:
    """A place with commas, brackets or dashes: the last says the country, unless it is a code that an earlier one explains."""
    pieces = _pieces(cleaned)
    if not pieces or pieces == [cleaned]:
        return None
    if len(pieces) == 1:
        whole = _read_whole(pieces[0], states)
        return whole and _noted(cleaned, whole)
    candidates = [_candidates(piece) for piece in pieces]
    known = [codes for codes in candidates if codes]
    if not known:
        region = next((meaning for piece in pieces for meaning in _meanings(piece)), None)
        return _within(cleaned, region) if region else None
    return _agreed(cleaned, pieces, candidates, known, states)


def _agreed(
    cleaned: str,
    pieces: Sequence[str],
    candidates: Sequence[tuple[str, ...]],
    known: Sequence[tuple[str, ...]],
    states: bool,
) -> PlaceReading:
    """The one country that the pieces agree in, or the question. known: the candidates of the pieces that are places."""
    common = set(known[0]).intersection(*known[1:])
    state = _us_state(pieces[-1])
    if len(common) == 1 or (state and len(candidates[-1]) == 1):
        code = common.pop() if len(common) == 1 else candidates[-1][0]
        return _noted(cleaned, _country(cleaned, code), pieces)
    if state and len(known) == 1 and len(pieces[-1]) == 2 and (states or pieces[-1] not in _ASKED):
        return _town_in(cleaned, pieces[-1], state)
    return _ask(cleaned, tuple(dict.fromkeys(code for codes in reversed(known) for code in codes)))


def _pieces(cleaned: str) -> list[str]:
    """The pieces of a place without the words that say how one works."""
    found = []
    for piece in _SEPARATORS.split(cleaned):
        words = [word for word in piece.replace(":", " ").split() if fold(word) not in _WORDS_BESIDE]
        if words:
            found.append(" ".join(words))
    return found


def _town_in(cleaned: str, code: str, state: str) -> PlaceReading:
    """An unknown town before the code of a US state that is also the code of a country: adverts write US towns so."""
    other = _plain_country(code)
    also = f" Write {country(other).name} if that is meant." if other else ""
    note = f'Read "{cleaned}" as United States (US): {code} behind a town is {state}.{also}'
    return PlaceReading(code="US", kind="state", note=note, place=state)


def _noted(cleaned: str, reading: PlaceReading, pieces: Iterable[str] = ()) -> PlaceReading:
    """The reading of a piece as that of the whole text."""
    if reading.code is None:
        return reading
    inner = next(
        (meaning for piece in pieces for meaning in _meanings(piece) if meaning.kind in {"city", "state"}), None
    )
    note = f'Read "{cleaned}" as {country(reading.code).name} ({reading.code}).'
    return PlaceReading(
        code=reading.code,
        kind=inner.kind if inner else reading.kind,
        note=note,
        place=inner.name if inner else reading.place,
    )


def _candidates(piece: str) -> tuple[str, ...]:
    """Every country that a piece of a place may stand for."""
    code = _plain_country(piece)
    inside = [code for meaning in _meanings(piece) if meaning.kind != "region" for code in meaning.countries]
    state = ["US"] if _us_state(piece) else []
    return tuple(dict.fromkeys([*([code] if code else []), *inside, *state]))


def _ask(cleaned: str, countries: tuple[str, ...]) -> PlaceReading:
    names = " or ".join(f"{country(code).name} ({code})" for code in countries)
    note = f'"{cleaned}" may be in {names}. Write the country that is meant.'
    return PlaceReading(code=None, kind="ambiguous", note=note, suggestions=countries)


def _unknown(cleaned: str, suggest: bool) -> PlaceReading:
    near = _near(cleaned) if suggest else []
    names = ", ".join(name for name, _ in near[:5])
    remedy = f"Did you mean {names}?" if names else "Give the country's English name or its two-letter code."
    note = f'"{cleaned}" is no place known here. {remedy}'
    suggestions = tuple(dict.fromkeys(code for _, code in near))[:5]
    return PlaceReading(code=None, kind="unknown", note=note, suggestions=suggestions)


def _near(cleaned: str) -> list[tuple[str, str]]:
    """Countries whose English name is near, then cities and states that are one slip away: what to say, and the code."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    squashed = squash(cleaned)
    names = {name: code for name, code in _english_names().items() if len(name) >= 4}
    found = process.extract(squashed, names.keys(), scorer=OSA.normalized_similarity, limit=12, score_cutoff=0.6)
    codes = dict.fromkeys(names[name] for name, _, _ in found)
    places = {name: meanings[0] for name, meanings in _places().items() if len(name) >= 6 and meanings[0].countries}
    slips = process.extract(squashed, places.keys(), scorer=OSA.distance, score_cutoff=1)
    return [
        *((f"{country(code).name} ({code})", code) for code in codes),
        *((f"{places[name].name} ({places[name].countries[0]})", places[name].countries[0]) for name, _, _ in slips),
    ]


def _plain_country(text: str) -> str | None:
    """The code of an exact code, name or alias."""
    return text if text in country_codes() else _names().get(squash(text))


def _us_state(text: str) -> str | None:
    """The name of a US state given as its name, an alias or its postal code, such as "CA" or "US-CA"."""
    squashed = squash(text)
    return _us_states().get(squashed) or (_us_states().get(squashed[2:]) if re.fullmatch(r"US[- ]..", text) else None)


def _meanings(text: str) -> tuple[_Place, ...]:
    return _places().get(squash(text), ())


@cache
def _names() -> Mapping[str, str]:
    """Every squashed code, name and alias of a country in any language -> code."""
    return {squash(row["name"]): row["code"] for row in rows("country_names")} | dict(_english_names())


@cache
def _english_names() -> Mapping[str, str]:
    return {text: row["code"] for row in rows("countries") for text in _spellings(row)}


@cache
def _us_states() -> Mapping[str, str]:
    states = [row for row in rows("places") if row["kind"] == "us_state"]
    return {text: row["name"] for row in states for text in (*_spellings(row), squash(f"US{row['code']}"))}


def _spellings(row: Mapping[str, str]) -> list[str]:
    """The squashed name, code and aliases of a row."""
    return [squash(text) for text in (row["name"], row["code"], *row["aliases"].split("|")) if text]


@cache
def _places() -> Mapping[str, tuple[_Place, ...]]:
    """Squashed name of a state, city or region -> its meanings."""
    places: dict[str, tuple[_Place, ...]] = {}
    for row in rows("places"):
        kind = "state" if row["kind"] == "us_state" else row["kind"]
        place = _Place(cast(PlaceKind, kind), row["name"], tuple(filter(None, row["country"].split("|"))))
        for text in _spellings(row):
            places[text] = (*places.get(text, ()), place)
    return places
