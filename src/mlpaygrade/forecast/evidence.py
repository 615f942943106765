"""What stands behind an estimate: counts and quartiles of the matching adverts of the training data.

Copies of an advert (same job, same band, whatever the year) count once, as the newest of them. The cells are counted from
postings (`count_cells`) or read from a bundle; a job's cells go from the most specific to the broadest. Cells of fewer than
`MIN_QUARTILES` adverts give their count only. Titles that mean one job count together (`canonical_title`). Predicts nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, FIRST_YEAR, LAST_YEAR, LOCATION, REMOTE, SIZE, TITLE
from mlpaygrade.job.lookup import remembered, with_memory
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import canonical_title, title_family

if TYPE_CHECKING:
    from mlpaygrade.dataset.postings import Postings

MIN_QUARTILES: Final = 5
ENOUGH: Final = 10
"""A level with so many different adverts is the one that an answer says it rests on."""

SAME_JOB: Final = "same job"
IN_COUNTRY: Final = (SAME_JOB, "same title, level and country", "same title family, level and country")
CLOSE: Final = IN_COUNTRY[:2]
"""Levels whose adverts are held against what the model says of them."""
SAME_TITLE: Final = "same title and level, any country"
FAMILY: Final = "title_family"
CONTINENT: Final = "continent"

COUNT_LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    SAME_JOB: (TITLE, EXPERIENCE, LOCATION, REMOTE, SIZE, EMPLOYMENT),
    "same title, level and country": (TITLE, EXPERIENCE, LOCATION),
    "same title family, level and country": (FAMILY, EXPERIENCE, LOCATION),
    SAME_TITLE: (TITLE, EXPERIENCE),
    "same title family, level and continent": (FAMILY, EXPERIENCE, CONTINENT),
    "same title family and level, any country": (FAMILY, EXPERIENCE),
    "same level, any title and country": (EXPERIENCE,),
}
"""Back-off levels, most specific first: what a person reads -> the fields that must agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Adverts of the training data that agree with a job at one level.

    postings: how many different ones. quartiles_usd: 25th, 50th and 75th percentile of the band's middle, None for fewer than
    MIN_QUARTILES. newest_year: work year of the newest of them, None when there are none. apart_log: by how much they lie above
    what the model says of these very adverts, and its standard error, log dollars; None where it was not taken.
    """

    level: str
    postings: int
    quartiles_usd: tuple[float, float, float] | None = None
    newest_year: int | None = None
    apart_log: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closest:
    """The training job that differs from a job in the fewest fields: how far the job lies from the training data.

    differs: those fields, dataset columns; none where the very job was advertised. postings: how many advertise the closest job.
    newest_year: work year of the newest of them. The work year itself is no field here.
    """

    differs: tuple[str, ...]
    postings: int
    newest_year: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Jobs:
    """The n distinct training jobs. places: for each field, text -> code. codes: int32 (fields, n). The others are (n,)."""

    places: tuple[Mapping[str, int], ...]
    codes: NDArray[np.int32]
    postings: NDArray[np.float64]
    newest_years: NDArray[np.float64]


EvidenceDocument = dict[
    str, dict[str, Annotated[list[Annotated[float, Meta(ge=-5, le=1e9)]], Meta(min_length=2, max_length=7)]]
]
"""`evidence.json` of a bundle: the cells of `Evidence`."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Cells by level and key (the fields' values joined by `|`): [count, newest year, q25, q50, q75, apart, its error]; the last
    five or two may be missing."""

    cells: Mapping[str, Mapping[str, Sequence[float]]]

    def matching(self, fields: Mapping[str, object]) -> list[Cell]:
        """The cell of every level for a job given as dataset columns, most specific first."""
        title, level, country = (str(fields[column]) for column in (TITLE, EXPERIENCE, LOCATION))
        return [self.cell(SAME_JOB, _one_title(fields)), *_broader(self, title, level, country)]

    def cell(self, level: str, full: Mapping[str, object]) -> Cell:
        """The postings that agree with a job at one level. full: the job as dataset columns, with its groups."""
        cell = self.cells.get(level, {}).get("|".join([str(full[key]) for key in COUNT_LEVELS[level]]))
        if cell is None:
            return Cell(level=level, postings=0)
        return Cell(
            level=level,
            postings=int(cell[0]),
            quartiles_usd=(cell[2], cell[3], cell[4]) if len(cell) > 2 else None,
            newest_year=int(cell[1]),
            apart_log=(cell[5], cell[6]) if len(cell) > 5 else None,
        )

    def support(self, fields: Mapping[str, object]) -> Cell:
        """The most specific cell with at least ENOUGH adverts, else the broadest."""
        return most_specific(self.matching(fields))

    @cached_property
    def adverts(self) -> Mapping[str, int]:
        """Canonical title -> different adverts of the training data."""
        counts: Counter[str] = Counter()
        for key, cell in self.cells[SAME_TITLE].items():
            counts[key.rsplit("|", 1)[0]] += int(cell[0])
        return counts

    def closest(self, fields: Mapping[str, object]) -> Closest:
        """The training job that is closest to one given as dataset columns.

        Of those that differ in equally many fields, one that keeps level, title and country in that order, then the commonest.
        """
        keys = COUNT_LEVELS[SAME_JOB]
        jobs = self._jobs
        asked = _one_title(fields)
        wanted = [places.get(str(asked[key]), -1) for key, places in zip(keys, jobs.places, strict=True)]
        differs = jobs.codes != np.array(wanted, dtype=np.int32)[:, None]
        level, title, country = (differs[keys.index(key)] for key in (EXPERIENCE, TITLE, LOCATION))
        distance = 8 * differs.sum(axis=0) + 4 * level + 2 * title + country
        nearest = np.flatnonzero(distance == distance.min())
        best = int(nearest[jobs.postings[nearest].argmax()])
        return Closest(
            differs=tuple(name for name, other in zip(keys, differs[:, best], strict=True) if other),
            postings=int(jobs.postings[best]),
            newest_year=int(jobs.newest_years[best]),
        )

    @cached_property
    def _jobs(self) -> "_Jobs":
        """The distinct training jobs as numbers, made once."""
        keys = COUNT_LEVELS[SAME_JOB]
        cells = self.cells[SAME_JOB]
        parts = [key.rsplit("|", len(keys) - 1) for key in cells]  # a title, the first part, may hold the sign itself
        places: list[dict[str, int]] = [{} for _ in keys]
        codes = [[seen.setdefault(text, len(seen)) for seen, text in zip(places, job, strict=True)] for job in parts]
        return _Jobs(
            places=tuple(places),
            codes=np.array(codes, dtype=np.int32).reshape(-1, len(keys)).T.copy(),
            postings=np.array([cell[0] for cell in cells.values()]),
            newest_years=np.array([cell[1] for cell in cells.values()]),
        )

    def fields_apart(self, jobs: Sequence[Mapping[str, object]]) -> NDArray[np.int64]:
        """In how many fields the closest training job differs from each of n jobs, int64 (n,)."""
        keys, places = COUNT_LEVELS[SAME_JOB], self._jobs.places
        asked = [
            [seen.get(str(job[key]), -1) for key, seen in zip(keys, places, strict=True)]
            for job in map(_one_title, jobs)
        ]
        distinct, back = np.unique(np.array(asked, dtype=np.int32), axis=0, return_inverse=True)
        nearest = [int((self._jobs.codes != job[:, None]).sum(axis=0).min()) for job in distinct]
        return np.array(nearest, dtype=np.int64)[back.reshape(-1)]

    @classmethod
    def of_document(cls, cells: Mapping[str, Mapping[str, Sequence[float]]]) -> Self:
        """The evidence of a bundle's `evidence.json`. Raises ValueError where a level is missing or a cell holds no counts."""
        if missing := [level for level in COUNT_LEVELS if level not in cells]:
            raise ValueError(f"it lacks the level '{missing[0]}'")
        for level, keys in COUNT_LEVELS.items():
            if not cells[level]:
                raise ValueError(f"the level '{level}' is empty")
            for key, cell in cells[level].items():
                if key.count("|") < len(keys) - 1:
                    raise ValueError(f"'{key[:80]}' must name {len(keys)} values")
                if wrong := _wrong(cell):
                    raise ValueError(f"'{key[:80]}' {wrong}")
        return cls(cells)


def _wrong(cell: Sequence[float]) -> str | None:
    """What is wrong with the numbers of one cell, to follow its name."""
    count, year = cell[:2]
    if len(cell) not in (2, 5, 7) or count < 1 or count % 1 or not FIRST_YEAR <= year <= LAST_YEAR or year % 1:
        return "must hold a count and a year, then three quartiles or none, then a distance and its error or none"
    if len(cell) > 2 and not 0 < cell[2] <= cell[3] <= cell[4]:
        return "must have quartiles above zero and in order"
    if len(cell) == 7 and not (abs(cell[5]) <= 5 and 0 <= cell[6] <= 5):
        return "must lie within 5 log dollars of the model, with an error of 0 to 5"
    return None


def most_specific(cells: Sequence[Cell]) -> Cell:
    """Of a job's cells, the most specific with at least ENOUGH adverts, else the broadest."""
    return next((cell for cell in cells if cell.postings >= ENOUGH), cells[-1])


def nearby(cells: Sequence[Cell]) -> Cell | None:
    """Of a job's cells with quartiles, the adverts of its own country: the most specific with ENOUGH, else the most specific."""
    shown = [cell for cell in cells if cell.level in IN_COUNTRY and cell.quartiles_usd is not None]
    return next((cell for cell in shown if cell.postings >= ENOUGH), shown[0] if shown else None)


@with_memory
def count_cells(postings: "Postings", *, log_estimate: NDArray[np.float64] | None = None) -> Evidence:
    """Count the adverts of n postings, oldest first, by every level.

    log_estimate: float64 (n,), typical log pay of these very postings as the model that is served says it: with it the cells of
    CLOSE say how far their adverts lie from the model.
    """
    jobs = postings.jobs.copy()
    jobs[TITLE] = jobs[TITLE].map(canonical_title)
    jobs[FAMILY] = jobs[TITLE].map(title_family)
    jobs[CONTINENT] = jobs[LOCATION].map(lambda code: country(code).continent)
    jobs["middle"] = postings.midpoint_usd
    jobs["year"] = postings.year
    if log_estimate is not None:
        jobs["apart"] = (postings.low_log + postings.high_log) / 2 - log_estimate
    copy = jobs.assign(advert=postings.signature()).duplicated("advert", keep="last")
    jobs = jobs[~copy]
    cells: dict[str, dict[str, list[float]]] = {}
    for level, keys in COUNT_LEVELS.items():
        cells[level] = {}
        for key, group in jobs.groupby(list(keys), sort=True):
            cell: list[float] = [len(group), int(group["year"].max())]
            if len(group) >= MIN_QUARTILES:
                cell += [round(float(q)) for q in group["middle"].quantile([0.25, 0.5, 0.75])]
            if len(group) >= ENOUGH and level in CLOSE and log_estimate is not None:
                apart = group["apart"].to_numpy(dtype=np.float64)
                cell += [round(float(apart.mean()), 4), round(float(apart.std(ddof=1) / np.sqrt(len(apart))), 4)]
            cells[level]["|".join(map(str, key))] = cell
    return Evidence(cells)


@remembered
def _broader(evidence: Evidence, title: str, level: str, country: str) -> tuple[Cell, ...]:
    """The cells of every level after the first: they ask for no other fields."""
    full = _with_groups({TITLE: title, EXPERIENCE: level, LOCATION: country})
    return tuple(evidence.cell(name, full) for name in COUNT_LEVELS if name != SAME_JOB)


def _one_title(fields: Mapping[str, object]) -> dict[str, object]:
    """A job with the one spelling of its title."""
    return {**fields, TITLE: canonical_title(str(fields[TITLE]))}


def _with_groups(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        **_one_title(fields),
        FAMILY: title_family(str(fields[TITLE])),
        CONTINENT: country(str(fields[LOCATION])).continent,
    }
