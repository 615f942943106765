"""What was measured for jobs like one: by place, by title, by the adverts that an answer rests on. Knows no pay.

The bundle's `evaluation["groups"]` (`evaluation.metrics` measures them) holds figures of groups of tested jobs under names such
as "country_group=Europe|experience_level=SE". A job has one chain of groups on each axis, the broadest first. Down a chain each
group counts by its evidence: one of ENOUGH_ADVERTS different adverts and ENOUGH_ROWS figures speaks for itself; a smaller one
of n adverts counts n / (n + HALF) and the next broader one the rest; one of fewer than FEWEST says nothing. HALF is about where
groups of one half of the test's weeks came closest to the other half (decision 0017).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mlpaygrade.job.fields import EXPERIENCE, LOCATION, TITLE
from mlpaygrade.job.places import HOME, country
from mlpaygrade.job.titles import canonical_title, title_family
from mlpaygrade.rendering.words import counted, group_text

ALL: Final = "all"
MARKET: Final = "market"
COUNTRY_GROUP: Final = "country_group"
FAMILY: Final = "title_family"
SUPPORT: Final = "support"
NOVELTY: Final = "novelty"
UNSEEN: Final = "unseen title"

GROUPINGS: Final = (
    (MARKET,),
    (COUNTRY_GROUP,),
    (COUNTRY_GROUP, EXPERIENCE),
    (LOCATION,),
    (LOCATION, EXPERIENCE),
    (FAMILY,),
    (TITLE,),
    (SUPPORT,),
    (NOVELTY,),
    (EXPERIENCE,),
)
"""Dimensions by which accuracy is measured."""

CHAINS: Final = (
    ((MARKET,), (COUNTRY_GROUP,), (COUNTRY_GROUP, EXPERIENCE), (LOCATION,), (LOCATION, EXPERIENCE)),
    ((MARKET,), (FAMILY,), (TITLE,)),
    ((MARKET,), (SUPPORT,)),
)
"""The axes of "jobs like this one", each from the broadest grouping to the narrowest; all jobs come before the first."""
HOME_CHAIN: Final = ((MARKET,), (COUNTRY_GROUP, EXPERIENCE))
"""The axis of the place in HOME, which is a market, a group of countries and a country at once."""
UNSEEN_CHAIN: Final = ((MARKET,), (NOVELTY,))
"""One axis more for a title that the training data lack."""

ENOUGH_ROWS: Final = 200
ENOUGH_ADVERTS: Final = 100
FEWEST: Final = 10
HALF: Final = 30
LEVELS_TESTED: Final = (50, 80, 90)

_CONTINENTS: Final[Mapping[str, str]] = {
    "NORTH_AMERICA": "North America without United States",
    "EUROPE": "Europe",
    "ASIA_PACIFIC": "Asia and the Pacific",
    "OTHER": "Other continents",
}

Group = Mapping[str, float]
"""Figures of one group: `evaluation.groups.group_metrics` says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What was measured for jobs like the one asked about.

    group: the narrowest group that counts. rows, adverts: how many figures, of how many different adverts, were tested in it.
    leans_on: the next broader group where this one is too small to speak for itself, else None. coverage: percent -> share that
    fell inside. percentile_error: by how much a stated place among all was off over the whole group, a share. mean_error_log:
    estimates less truth. typical_error_usd: mean distance.
    """

    group: str
    rows: int
    adverts: int
    leans_on: str | None
    coverage: Mapping[int, float]
    percentile_error: float
    mean_error_log: float
    typical_error_usd: float

    @property
    def jobs(self) -> str:
        """The group in words, and the one that it leans on."""
        leaning = f", drawn towards {group_text(self.leans_on)}" if self.leans_on else ""
        return f"{group_text(self.group)}{leaning}"

    @property
    def tested(self) -> str:
        """On what it was measured: "13,153 figures (4,403 adverts) of senior jobs in the United States"."""
        return f"{counted(self.rows, 'figure')} ({counted(self.adverts, 'advert')}) of {self.jobs}"


def country_group(code: str) -> str:
    """The group of a company's country as tables name it: the United States alone, else its continent."""
    return "United States" if code == HOME else _CONTINENTS[country(code).continent]


def group_names(fields: Mapping[str, object], *, support: str, unseen: bool) -> dict[tuple[str, ...], str]:
    """The name of a job's group in every one of GROUPINGS.

    support: the level of evidence that its answer rests on. unseen: whether the training data lack its title.
    """
    location, title = str(fields[LOCATION]), str(fields[TITLE])
    known = {
        MARKET: "in the United States" if location == HOME else "outside the United States",
        COUNTRY_GROUP: country_group(location),
        EXPERIENCE: fields[EXPERIENCE],
        LOCATION: location,
        TITLE: canonical_title(title),
        FAMILY: title_family(title),
        SUPPORT: support,
        NOVELTY: UNSEEN if unseen else "known title",
    }
    return {grouping: "|".join(f"{name}={known[name]}" for name in grouping) for grouping in GROUPINGS}


def accuracies(
    groups: Mapping[str, Group], fields: Mapping[str, object], *, support: str, unseen: bool
) -> tuple[Accuracy, ...]:
    """What was measured for a job on each of its axes; nothing where nothing was tested.

    groups: the bundle's `evaluation["groups"]`. fields: a job as dataset columns. support, unseen: as in `group_names`.
    """
    names = group_names(fields, support=support, unseen=unseen)
    place, *others = CHAINS
    chains = [HOME_CHAIN if fields[LOCATION] == HOME else place, *others, *([UNSEEN_CHAIN] if unseen else [])]
    found = [_along(groups, [ALL, *(names[grouping] for grouping in chain)]) for chain in chains]
    return tuple(one for one in found if one is not None)


def accuracy_of(groups: Mapping[str, Group], name: str) -> Accuracy:
    """What was measured for one group alone."""
    return _accuracy(name, groups[name], groups[name], leans_on=None)


def _along(groups: Mapping[str, Group], chain: Sequence[str]) -> Accuracy | None:
    """The figures at the end of a chain of groups, the broadest first; None where none of them was tested."""
    made: Accuracy | None = None
    tested = [name for name in chain if name in groups]
    for name in [name for k, name in enumerate(tested) if k == 0 or groups[name].get("adverts", 0) >= FEWEST]:
        own, weight = groups[name], weight_of(groups[name])
        if made is None or weight == 1:
            made = accuracy_of(groups, name)
        else:
            mixed = {key: made_value + weight * (own[key] - made_value) for key, made_value in _figures(made).items()}
            made = _accuracy(name, own, mixed, leans_on=made.group)
    return made


def weight_of(group: Group) -> float:
    """By how much a group speaks for itself, in (0, 1]."""
    adverts = group.get("adverts", 0)
    return 1.0 if adverts >= ENOUGH_ADVERTS and group["n"] >= ENOUGH_ROWS else adverts / (adverts + HALF)


def _figures(accuracy: Accuracy) -> dict[str, float]:
    """The figures of a group, under the names that the bundle has for them."""
    return {
        **{f"coverage_{percent}": share for percent, share in accuracy.coverage.items()},
        "pit_deviation": accuracy.percentile_error,
        "mean_error_log": accuracy.mean_error_log,
        "mae_usd": accuracy.typical_error_usd,
    }


def _accuracy(name: str, group: Group, figures: Group, *, leans_on: str | None) -> Accuracy:
    return Accuracy(
        group=name,
        rows=int(group["n"]),
        adverts=int(group.get("adverts", 0)),
        leans_on=leans_on,
        coverage={percent: round(figures[f"coverage_{percent}"], 5) for percent in LEVELS_TESTED},
        percentile_error=figures["pit_deviation"],
        mean_error_log=figures["mean_error_log"],
        typical_error_usd=figures["mae_usd"],
    )
