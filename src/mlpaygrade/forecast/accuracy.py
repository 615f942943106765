"""Which jobs an answer's accuracy was measured on: groups of jobs, and from the narrowest to the broadest of a job.

A group's name is "dimension=value", two dimensions joined by "|": "country_group=Europe|experience_level=SE". The figures
stand under that name in the bundle's `evaluation["groups"]` (`evaluation.groups` measures them). Knows no pay.
"""

from collections.abc import Mapping
from typing import Final

from mlpaygrade.job import taxonomy
from mlpaygrade.job.countries import HOME
from mlpaygrade.job.fields import EXPERIENCE, LOCATION, TITLE

ALL: Final = "all"
COUNTRY_GROUP: Final = "country_group"
FAMILY: Final = "title_family"
SUPPORT: Final = "support"

GROUPINGS: Final = (
    (COUNTRY_GROUP, EXPERIENCE),
    (LOCATION,),
    (COUNTRY_GROUP,),
    (TITLE,),
    (FAMILY,),
    (EXPERIENCE,),
    (SUPPORT,),
)
"""Dimensions by which accuracy is measured."""

BACK_OFF: Final = ((COUNTRY_GROUP, EXPERIENCE), (COUNTRY_GROUP,))
"""Groupings that stand for "jobs like this one", the narrowest first; after them come all jobs. Outside HOME a country with
enough tested rows of its own comes before them."""

ENOUGH_ROWS: Final = 200
"""A group with fewer tested rows says too little; the next broader one speaks for it."""

_CONTINENTS: Final[Mapping[str, str]] = {
    "NORTH_AMERICA": "North America without United States",
    "EUROPE": "Europe",
    "ASIA_PACIFIC": "Asia and the Pacific",
    "OTHER": "Other continents",
}


def country_group(code: str) -> str:
    """The group of a company's country as tables name it: the United States alone, else its continent."""
    return "United States" if code == HOME else _CONTINENTS[taxonomy.country(code).continent]


def group_names(fields: Mapping[str, object], *, support: str) -> tuple[str, ...]:
    """The name of a job's group in every one of GROUPINGS. support: the level of evidence that its answer rests on."""
    known = {
        COUNTRY_GROUP: country_group(str(fields[LOCATION])),
        EXPERIENCE: fields[EXPERIENCE],
        LOCATION: fields[LOCATION],
        TITLE: taxonomy.canonical_title(str(fields[TITLE])),
        FAMILY: taxonomy.title_family(str(fields[TITLE])),
        SUPPORT: support,
    }
    return tuple("|".join(f"{name}={known[name]}" for name in grouping) for grouping in GROUPINGS)


def accuracy_of(
    groups: Mapping[str, Mapping[str, float]], fields: Mapping[str, object]
) -> tuple[str, Mapping[str, float]] | None:
    """Name and figures of the narrowest group of a job with ENOUGH_ROWS tested rows; None where nothing was tested.

    groups: the bundle's `evaluation["groups"]`. fields: a job as dataset columns.
    """
    names = dict(zip(GROUPINGS, group_names(fields, support=""), strict=True))
    groupings = BACK_OFF if fields[LOCATION] == HOME else ((LOCATION,), *BACK_OFF)
    chain = [names[grouping] for grouping in groupings]
    found = next((name for name in chain if groups.get(name, {}).get("n", 0) >= ENOUGH_ROWS), ALL)
    return (found, groups[found]) if found in groups else None
