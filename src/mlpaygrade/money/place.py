"""What a place in the United States does to pay, from official statistics: a factor on the country's figure, with its error.

The statistics are those of the nearest occupations (Bureau of Labor Statistics, May 2025; `tables/us_areas.csv`); how much of
an area's wage gap adverts of these jobs show is fitted on postings with a place (`research/place.py`, `tables/us_place_fit.csv`,
decision 0013). Remote jobs take no factor. Other countries are compared by purchasing power (`currency`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import MAX_TEXT, fold, records, rows

SOURCE: Final = (
    "US Bureau of Labor Statistics, May 2025: software developers, data scientists and related occupations, drawn towards "
    "what adverts show"
)
OFTEN_LARGER: Final = 4.0
"""Of several towns of one name, one is meant where it has this many times the people of the next."""

FULLY_REMOTE: Final = 100
_LIKE_TOWNS: Final = frozenset({"New York", "Washington"})
_Z90: Final = 1.645
_REMOTE: Final = frozenset(
    {"remote", "fully remote", "anywhere", "work from home", "wfh", "home office", "telecommute"}
)
_COUNTRY: Final = frozenset({"", "usa", "us", "u.s", "u.s.a", "united states", "united states of america", "america"})
_BESIDE: Final = re.compile(
    r"\b(greater|metropolitan statistical area|metropolitan area|metro area|metro|area|region|hybrid|on-?site|in office|city of|"
    r"state of|downtown)\b|\(\+\d+ others?\)|\b\d{5}(-\d{4})?\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFactor:
    """What a place does to the pay of the United States.

    name: the official area. kind: a metropolitan area, or a state where that is all that is known. factor: times the
    country's figure.
    low, high: 90 % range of the factor. log_error: its standard error in the log, to add to the spread of the answer.
    official_count: people employed there in the occupations used. read_as: how the text was read, None where plain.
    held_90, held_postings: share of so many postings with a place that lay inside the 90 % range moved by such factors.
    """

    name: str
    kind: Literal["area", "state"]
    factor: float
    low: float
    high: float
    log_error: float
    official_count: int
    source: str
    read_as: str | None
    held_90: float
    held_postings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    code: str
    name: str
    kind: Literal["area", "state"]
    state: str
    log_ratio: float
    standard_error: float
    employment: int


def place_factor(place_text: str, *, remote_ratio: int = 0) -> PlaceFactor | None:
    """The factor of a US town, metropolitan area or state; None for remote work, or where no place within the country is named.

    place_text: "San Francisco", "SF Bay Area", "Tampa, FL", "California", "CA". Raises InputError for what is none of these, and
    where several towns can be meant, with those to choose from.

    >>> place_factor("San Francisco").name
    'San Francisco-Oakland-Fremont, CA'
    >>> place_factor("Remote") is None
    True
    """
    area = None if remote_ratio == FULLY_REMOTE else _area_of(place_text)
    return None if area is None else _factor(area, place_text)


def place_names() -> tuple[str, ...]:
    """Every area and state with a factor, states first, to choose from; the District of Columbia only as its area."""
    ordered = sorted(_areas().values(), key=lambda area: (area.kind != "state", area.name))
    return tuple(area.name for area in ordered if (area.kind, area.state) != ("state", "DC"))


def log_ratio_of(place_text: str) -> tuple[float, str] | None:
    """The official log ratio of a place to the nation and the area's code, unfitted; None where no place is read."""
    try:
        area = _area_of(place_text)
    except InputError:
        return None
    return None if area is None else (area.log_ratio, area.code)


def _area_of(text: str) -> _Area | None:
    """The area that a text names; None for remote work and for the country as a whole."""
    if len(text) > MAX_TEXT:
        raise InputError(f"A place has at most {MAX_TEXT} characters; got {len(text):,}. Give a town and its state.")
    pieces = _pieces(text)
    named = [piece for piece in pieces if piece not in _COUNTRY]
    return _find(named, text) if named and _REMOTE.isdisjoint(pieces) else None


def _factor(area: _Area, text: str) -> PlaceFactor:
    fit = _fit()
    middle = fit["slope"] * (area.log_ratio - fit["centre"])
    error = math.hypot(fit["slope"] * area.standard_error, fit["between_areas"])
    plain = " ".join(text.split()).casefold() == area.name.casefold()
    return PlaceFactor(
        name=area.name,
        kind=area.kind,
        factor=math.exp(middle),
        low=math.exp(middle - _Z90 * error),
        high=math.exp(middle + _Z90 * error),
        log_error=error,
        official_count=area.employment,
        source=SOURCE,
        read_as=None if plain else f'"{" ".join(text.split())}" is read as {area.name}',
        held_90=fit["held_90"],
        held_postings=int(fit["held_postings"]),
    )


def _pieces(text: str) -> list[str]:
    """Folded parts of a place, between commas and the like."""
    parts = re.split(r"\s*[,;/|()\[\]]\s*|\s+[-–—]\s+", _BESIDE.sub(" ", fold(text)))
    return [plain for part in parts if (plain := " ".join(part.split()).strip(" .-"))]


def _find(named: Sequence[str], text: str) -> _Area:
    """The area that the pieces name: a town with its state first, then the first piece that is a place alone."""
    if found := _official().get(", ".join(named)):
        return found
    for town, state in pairwise(named):
        if code := _state_code(state):
            return _town_in(town, code)
    for piece in named:
        if area := _alone(piece):
            return area
    near = _near(named[0])
    remedy = f"Did you mean {'; '.join(near)}?" if near else "Give a town and its state, such as Tampa, FL, or a state."
    raise InputError(f"A place here is a town, metropolitan area or state of the United States; got {text!r}. {remedy}")


def _town_in(town: str, state: str) -> _Area:
    """A town's area; its state where the town is in none that is known."""
    alias = _aliases().get(town)
    if alias and (state in alias.state.split("-") or state == alias.state):
        return alias
    code = _towns().get((_plain(town), state))
    return _areas()[code] if code else _states()[state]


def _alone(piece: str) -> _Area | None:
    words = piece.rsplit(" ", 1)
    if len(words) == 2 and words[1] in {code.casefold() for code in _states()}:  # "tampa fl"
        return _town_in(words[0], words[1].upper())
    if piece in {"la", "washington"}:
        choice = {"la": "Los Angeles, CA; or Louisiana", "washington": "Washington, DC; or WA"}[piece]
        raise InputError(f'A place names one area; got "{piece}", which can be two. Give {choice}.')
    code = _state_code(piece)
    known = _aliases().get(piece) or (_states()[code] if code else None) or _official().get(piece)
    return known or _largest_town(piece)


def _largest_town(piece: str) -> _Area | None:
    found = _by_name().get(_plain(piece), ())
    if not found:
        return None
    areas = {code for _, _, code in found}
    if len(areas) == 1 or found[0][0] >= OFTEN_LARGER * next(
        people for people, _, code in found if code != found[0][2]
    ):
        return _areas()[found[0][2]]
    listed = "; ".join(f"{piece.title()}, {state}" for _, state, _ in found[:4])
    raise InputError(f'A place names one town; got "{piece}", which can be several. Give one such as {listed}.')


def _near(piece: str) -> tuple[str, ...]:
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    names = {_plain(city): f"{city}, {state}" for _, city, state in _largest_cities()}
    found = process.extract(_plain(piece), names.keys(), scorer=OSA.normalized_similarity, limit=3, score_cutoff=0.75)
    return tuple(names[name] for name, _, _ in found)


def _plain(name: str) -> str:
    """Letters of a town's name, "St." and "Saint" alike, "City" dropped where a name is left."""
    words = re.sub(r"\bsaint\b", "st", re.sub(r"\bfort\b", "ft", re.sub(r"\bmount\b", "mt", fold(name))))
    letters = re.sub(r"[^a-z]", "", words)
    return letters.removesuffix("city") or letters


def _state_code(piece: str) -> str | None:
    return piece.upper() if piece.upper() in _states() else _state_names().get(piece)


@cache
def _areas() -> Mapping[str, _Area]:
    areas = records("us_areas", _Area, room="money")
    return {one.code: replace(one, name=f"{one.name} State") if one.name in _LIKE_TOWNS else one for one in areas}


@cache
def _states() -> Mapping[str, _Area]:
    return {area.state: area for area in _areas().values() if area.kind == "state"}


@cache
def _state_names() -> Mapping[str, str]:
    return {fold(area.name): code for code, area in _states().items()}


@cache
def _aliases() -> Mapping[str, _Area]:
    return {row["name"]: _areas()[row["means"]] for row in rows("us_area_names", room="money")}


@cache
def _official() -> Mapping[str, _Area]:
    """Official names of areas, folded, and those of several towns also without their states."""
    areas = [area for area in _areas().values() if area.kind == "area"]
    several = {fold(area.name.rpartition(", ")[0]): area for area in areas if "-" in area.name.rpartition(", ")[0]}
    return several | {fold(area.name): area for area in areas}


@cache
def _towns() -> Mapping[tuple[str, str], str]:
    return {(_plain(row["city"]), row["state"]): row["area"] for row in reversed(rows("us_cities", room="money"))}


@cache
def _by_name() -> Mapping[str, Sequence[tuple[int, str, str]]]:
    """Plain name -> (people, state, area code) of each town of that name, largest first."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for row in rows("us_cities", room="money"):
        found.setdefault(_plain(row["city"]), []).append((int(row["population"]), row["state"], row["area"]))
    return {name: sorted(towns, reverse=True) for name, towns in found.items()}


@cache
def _largest_cities() -> Sequence[tuple[int, str, str]]:
    cities = [(int(row["population"]), row["city"], row["state"]) for row in rows("us_cities", room="money")]
    return sorted(city for city in cities if city[0] >= 50_000)


@cache
def _fit() -> Mapping[str, float]:
    return {row["name"]: float(row["value"]) for row in rows("us_place_fit", room="money")}
