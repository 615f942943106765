"""What is said beside an answer's figures: what contradicts them, what the data hardly hold, what the age of the adverts costs.

Sentences only, each from figures that are given; none where there is nothing to say. How a job was read is said by `jobs`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import expm1
from typing import Any, Final

from mlpaygrade.forecast.calibration import LocalMove
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.forecast.strength import LocalAdverts
from mlpaygrade.job.places import country
from mlpaygrade.rendering.words import counted, country_text

APART: Final = (
    "The typical pay lies outside the typical band: the band comes from adverts that name both ends, the typical pay from all. "
    "With few adverts of a kind the two can part; the range of nine in ten is the safer guide."
)
"""Note where the three questions have answers that do not fit together."""

FITS: Final = 0.05
"""Up to here an answer and the middle of its adverts say the same."""

COUNTED_DIFFERENTLY: Final = (
    "Typical pay and the middle of the adverts are counted differently: typical pay averages the low and high ends of adverts in "
    "percent, where low pay weighs more, and learns from similar jobs; the middle takes adverts of every year alike."
)
"""Why the two can part."""

AGE: Final = "age: "
"""How the note begins that says what the age of a model has cost."""

AGE_MONTHS: Final[tuple[int, ...]] = (6, 12)
"""Ages of a model whose cost a note names, where they were walked through; else the greatest that was."""


def moved(move: LocalMove | None, usd: float, location: str) -> tuple[str, ...]:
    """By how much local adverts moved the answer, in percent. usd: the answer. location: country code."""
    if move is None:
        return ()
    before = move.before_usd(usd)
    return (
        f"The {move.postings:,} newest adverts for this title ({country(location).name}) lay "
        f"{_apart(expm1(move.apart_log))} what the model alone says, so this figure is {_apart(usd / before - 1)} it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertsBeside:
    """Adverts of the country that an answer is shown with, and how it lies beside them.

    quartiles_usd: 25th, 50th and 75th percentile of the middle of their ranges. apart: by what share the country's figure lies
    above their middle. said: that in a sentence, None up to FITS.
    """

    level: str
    postings: int
    newest_year: int | None
    quartiles_usd: tuple[float, float, float]
    apart: float
    said: str | None

    def to_json(self) -> dict[str, object]:
        """Plain JSON, whole dollars."""
        rounded = {"quartiles_usd": [round(usd) for usd in self.quartiles_usd], "apart": round(self.apart, 4)}
        return asdict(self) | rounded


def adverts_beside(cell: Cell | None, usd: float, location: str) -> AdvertsBeside | None:
    """The adverts beside an answer. cell: adverts of the country. usd: the country's figure. location: country code."""
    if cell is None or cell.quartiles_usd is None:
        return None
    apart = usd / cell.quartiles_usd[1] - 1
    how = f"is {1 + apart:.1f} times" if apart >= 1 else f"lies {_apart(apart)}"
    said = (
        f"Typical pay in {country_text(location)} {how} the middle of the {counted(cell.postings, 'advert')} with the "
        f"{cell.level}."
    )
    return AdvertsBeside(
        level=cell.level,
        postings=cell.postings,
        newest_year=cell.newest_year,
        quartiles_usd=cell.quartiles_usd,
        apart=apart,
        said=said if abs(apart) > FITS else None,
    )


def how_old(newest: date, tested_months: int | None, today: date) -> str:
    """How old the newest advert is, and whether answers so old were tested: "22 months old, older than we tested"."""
    months = max(0, 12 * (today.year - newest.year) + today.month - newest.month)
    tested = "" if tested_months is None or months <= tested_months else ", older than we tested"
    return f"{counted(months, 'month')} old{tested}"


def tested_age(ageing: Mapping[str, Any] | None) -> int | None:
    """The greatest age in months at which answers were tested; None where age was not."""
    return None if ageing is None else max((int(one["months_behind"]) for one in ageing["by_age"]), default=None)


def _apart(share: float) -> str:
    return f"{abs(share):.0%} {'above' if share > 0 else 'below'}"


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
        f"We know few jobs in {country(code).name}, so this leans on similar countries. Treat it as a rough guide."
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
        f"{AGE}the newest advert is of {newest}. Tested on adverts of {first} to {last}, a model {'; one '.join(costs)}.",
    )


def apart_from_age(notes: Sequence[str]) -> tuple[list[str], list[str]]:
    """The notes of an answer without what age has cost, and that, without its mark."""
    aged = [note.removeprefix(AGE) for note in notes if note.startswith(AGE)]
    return [note for note in notes if not note.startswith(AGE)], aged


def _age_cost(age: int, one: Mapping[str, Any]) -> str:
    """How a model so many months old did beside a fresh one on the same adverts."""
    more = one["old"]["rmse_log"] / one["fresh"]["rmse_log"] - 1
    held, fresh = (round(100 * one[name]["coverage_90"]) for name in ("old", "fresh"))
    worse = f"{abs(more):.0%} {'more' if more > 0 else 'less'}" if round(100 * abs(more)) else "no more"
    return f"{age} months old erred {worse} than a fresh one, and its ranges of 9 in 10 held {held} of 100 (fresh: {fresh})"
