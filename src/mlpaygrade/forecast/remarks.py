"""What is said beside an answer's figures: what contradicts them, what the data hardly hold, what the age of the adverts costs.

Sentences only, each from figures that are given; none where there is nothing to say. How a job was read is said by `jobs`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from math import expm1
from typing import Any, Final

from mlpaygrade.forecast.local import LocalMove
from mlpaygrade.forecast.strength import LocalAdverts
from mlpaygrade.job import taxonomy
from mlpaygrade.rendering.words import dollars

APART: Final = (
    "The typical pay lies outside the typical band: the band comes from adverts that name both ends, the typical pay from all. "
    "With few adverts of a kind the two can part; the range of nine in ten is the safer guide."
)
"""Note where the three questions have answers that do not fit together."""

AGE_MONTHS: Final[tuple[int, ...]] = (6, 12)
"""Ages of a model whose cost a note names, where they were walked through; else the greatest that was."""


def moved(move: LocalMove | None, usd: float, location: str) -> tuple[str, ...]:
    """What the network alone says and why the answer differs. usd: the answer. location: country code."""
    if move is None:
        return ()
    alone, place = dollars(move.before_usd(usd)), taxonomy.country(location).name
    apart = f"{abs(expm1(move.apart_log)):.0%} {'above' if move.apart_log > 0 else 'below'}"
    return (
        f"The network alone says {alone}; the {move.postings:,} newest adverts for this title ({place}) lay "
        f"{apart} it, so the answer moves to {dollars(usd)}.",
    )


def contradicted(local: LocalAdverts | None) -> tuple[str, ...]:
    """What close adverts name, where that is not what the model says of these very adverts."""
    if local is None:
        return ()
    above = "above" if local.ratio > 1 else "below"
    return (
        f"What we say of the {local.cell.postings:,} adverts with the {local.cell.level} lies {abs(local.ratio - 1):.0%} {above} "
        "what they name themselves.",
    )


def hardly_known(countries: Sequence[str], *, known: Collection[str]) -> list[str]:
    """A sentence for each country, by its code, that the training data hardly hold."""
    return [
        f"We know few jobs in {taxonomy.country(code).name}, so this leans on similar countries. Treat it as a rough guide."
        for code in dict.fromkeys(countries)
        if code not in known
    ]


def later_year(year: int, *, newest: int) -> tuple[str, ...]:
    """As what a year is answered that is later than the training data."""
    if year <= newest:
        return ()
    return (f"year: {year} is later than the training data; it is answered as {newest}, the newest year.",)


def age_note(ageing: Mapping[str, Any] | None, *, newest: str) -> tuple[str, ...]:
    """How old the adverts are and what such an age has cost in the past; nothing where it was not measured.

    ageing: of the bundle. newest: when its newest advert appeared, in words.
    """
    by_age = {} if ageing is None else {int(one["months_behind"]): one for one in ageing["by_age"]}
    ages = [age for age in AGE_MONTHS if age in by_age] or [max(by_age, default=0)]
    costs = [_age_cost(age, by_age[age]) for age in ages if age]
    if ageing is None or not costs:
        return ()
    first, last = (
        f"{date.fromisoformat(month + '-01'):%B %Y}" for month in (ageing["months"][0], ageing["months"][-1])
    )
    return (
        f"age: the newest advert is of {newest}. Tested on adverts of {first} to {last}, a model {'; one '.join(costs)}.",
    )


def _age_cost(age: int, one: Mapping[str, Any]) -> str:
    """How a model so many months old did beside a fresh one on the same adverts."""
    more = one["old"]["rmse_log"] / one["fresh"]["rmse_log"] - 1
    held, fresh = (round(100 * one[name]["coverage_90"]) for name in ("old", "fresh"))
    worse = f"{abs(more):.0%} {'more' if more > 0 else 'less'}" if round(100 * abs(more)) else "no more"
    return f"{age} months old erred {worse} than a fresh one, and its ranges of 9 in 10 held {held} of 100 (fresh: {fresh})"
