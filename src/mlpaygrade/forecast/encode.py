"""Jobs as the integer and float arrays that every model gets.

Enters: jobs as columns of the dataset's codes. Leaves: `Encoded` arrays. The encoder is fitted on training
postings only and travels in the bundle as JSON, so training and serving cannot differ. Id 0 means "not in the
training data" everywhere; such a value still carries its words, family, continent and income tier. Titles that mean one
job ("ML Engineer", "Machine Learning Engineer") are one title here (`canonical_title`).
Does not read free text: `jobs` does that before.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Protocol, Self, TypeVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.documents import Name, Year
from mlpaygrade.job.fields import (
    EMPLOYMENT,
    EXPERIENCE,
    LABELS,
    LOCATION,
    REMOTE,
    RESIDENCE,
    SIZE,
    TITLE,
    YEAR,
)
from mlpaygrade.job.lookup import rows, with_memory
from mlpaygrade.job.places import CONTINENTS, HOME, TIERS, country
from mlpaygrade.job.titles import FAMILIES, canonical_title, title_family, title_words

V = TypeVar("V")


class JobColumns(Protocol):
    """Columns `FEATURES` of equal length, values in the dataset's codes: a mapping of sequences, or a frame."""

    def __getitem__(self, column: str, /) -> Any:
        """One column."""


CATEGORICAL: Final = (
    "title",
    "title_family",
    "experience",
    "employment",
    "size",
    "remote",
    "location",
    "location_continent",
    "location_tier",
    "location_group",
    "residence",
    "residence_continent",
    "abroad",
    "career_stage",
    "years_back",
)
"""Columns of `Encoded.categorical`; `years_back` alone counts from 0, the newest training year and every later one."""

NUMERIC: Final = ("seniority_score",)
"""Columns of `Encoded.numeric`."""

MAX_YEARS_BACK: Final = 7

MAX_WORDS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Arrays of n jobs.

    categorical: int32 (n, len(CATEGORICAL)), ids from 1, 0 unseen.
    words: int32 (n, MAX_WORDS), ids of the title's words from 1, padded with 0.
    numeric: float32 (n, len(NUMERIC)).
    """

    categorical: NDArray[np.int32]
    words: NDArray[np.int32]
    numeric: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.categorical)

    def take(self, index: NDArray[np.integer] | slice) -> "Encoded":
        """The jobs at `index`."""
        return Encoded(self.categorical[index], self.words[index], self.numeric[index])


@dataclass(frozen=True, kw_only=True)
class JobEncoder:
    """Vocabularies learnt from training postings; `encoder.json` of a bundle.

    titles, countries, words: known values, id = position + 1. oldest_year, newest_year: work years seen; a later year
    counts as the newest, an earlier one as the oldest.
    """

    titles: Annotated[tuple[Name, ...], Meta(min_length=1)]
    countries: tuple[Annotated[str, Meta(pattern="^[A-Z]{2}$")], ...]
    words: tuple[Name, ...]
    oldest_year: Year
    newest_year: Year

    def __post_init__(self) -> None:
        """Raises ValueError where ids would not be those of training."""
        for name, values in (("titles", self.titles), ("countries", self.countries), ("words", self.words)):
            if tuple(sorted(set(values))) != values:
                raise ValueError(f"its {name} must be sorted, each once")
        if self.oldest_year > self.newest_year:
            raise ValueError(f"its oldest year {self.oldest_year} lies after its newest {self.newest_year}")

    @classmethod
    @with_memory
    def fit(cls, jobs: JobColumns, *, min_count: int = 2) -> Self:
        """Learn the vocabularies of training jobs (one per posting); values seen less than `min_count` times share id 0."""
        titles = Counter(map(canonical_title, jobs[TITLE]))
        countries = Counter(jobs[LOCATION])
        countries.update(r for r, c in zip(jobs[RESIDENCE], jobs[LOCATION], strict=True) if r != c)
        words: Counter[str] = Counter()
        for title, count in titles.items():
            words.update(dict.fromkeys(title_words(title), count))
        years = np.asarray(jobs[YEAR], dtype=np.int64)
        return cls(
            titles=_frequent(titles, min_count),
            countries=_frequent(countries, min_count),
            words=_frequent(words, 1),
            oldest_year=int(years.min()),
            newest_year=int(years.max()),
        )

    @cached_property
    def known_titles(self) -> frozenset[str]:
        """Titles that the training data hold often enough to be known."""
        return frozenset(self.titles)

    @cached_property
    def known_words(self) -> frozenset[str]:
        """Words of the training data's titles."""
        return frozenset(self.words)

    @cached_property
    def known_countries(self) -> frozenset[str]:
        """Countries that the training data hold often enough to be known."""
        return frozenset(self.countries)

    def sizes(self) -> dict[str, int]:
        """Number of ids of each categorical column, 0 included."""
        fixed = {
            "title": len(self.titles),
            "title_family": len(FAMILIES),
            "location": len(self.countries),
            "residence": len(self.countries),
            "location_continent": len(CONTINENTS),
            "residence_continent": len(CONTINENTS),
            "location_tier": len(TIERS),
            "location_group": 1 + len(CONTINENTS),
            "abroad": 2,
            "career_stage": len(LABELS[EXPERIENCE]) * len(LABELS[SIZE]),
            "experience": len(LABELS[EXPERIENCE]),
            "employment": len(LABELS[EMPLOYMENT]),
            "size": len(LABELS[SIZE]),
            "remote": len(LABELS[REMOTE]),
            "years_back": MAX_YEARS_BACK,
        }
        return {column: fixed[column] + 1 for column in CATEGORICAL}

    @with_memory
    def transform(self, jobs: JobColumns) -> Encoded:
        """Encode n jobs given as columns of the dataset's codes."""
        title = _canonical(jobs[TITLE])
        location, residence = jobs[LOCATION], jobs[RESIDENCE]
        experience, size = jobs[EXPERIENCE], jobs[SIZE]
        ids = {
            "title": _lookup(title, _index(self.titles)),
            "title_family": _lookup(title, lambda t: _index(FAMILIES)(title_family(t))),
            "experience": _lookup(experience, _index(LABELS[EXPERIENCE])),
            "employment": _lookup(jobs[EMPLOYMENT], _index(LABELS[EMPLOYMENT])),
            "size": _lookup(size, _index(LABELS[SIZE])),
            "remote": _lookup(jobs[REMOTE], _index(LABELS[REMOTE])),
            "location": _lookup(location, _index(self.countries)),
            "location_continent": _lookup(location, _continent),
            "location_tier": _lookup(location, lambda code: 1 + TIERS.index(country(code).tier)),
            "location_group": _lookup(location, lambda code: 1 if code == HOME else 1 + _continent(code)),
            "residence": _lookup(residence, _index(self.countries)),
            "residence_continent": _lookup(residence, _continent),
            "abroad": 1 + (np.asarray(residence, dtype=object) != np.asarray(location, dtype=object)).astype(np.int32),
        }
        ids["career_stage"] = (ids["experience"] - 1) * len(LABELS[SIZE]) + ids["size"]
        years = np.clip(np.asarray(jobs[YEAR], dtype=np.int64), self.oldest_year, self.newest_year)
        ids["years_back"] = np.minimum(self.newest_year - years, MAX_YEARS_BACK)
        score = _lookup(zip(experience, size, strict=True), lambda pair: seniority_score(*pair), np.float64)
        return Encoded(
            categorical=np.column_stack([ids[column] for column in CATEGORICAL]).astype(np.int32, copy=False),
            words=self._words(title),
            numeric=score[:, None].astype(np.float32),
        )

    def _words(self, titles: Iterable[str]) -> NDArray[np.int32]:
        index = _index(self.words)

        def one(title: str) -> int:
            known = [i for word in title_words(title) if (i := index(word))][:MAX_WORDS]
            ids.append(known + [0] * (MAX_WORDS - len(known)))
            return len(ids) - 1

        ids: list[list[int]] = []
        position = _lookup(titles, one)
        table: NDArray[np.int32] = np.array(ids, dtype=np.int32).reshape(-1, MAX_WORDS)
        return np.asarray(table[position])


def _canonical(titles: Iterable[str]) -> list[str]:
    """The one spelling of every title, found once for each distinct one."""
    spelling: dict[str, str] = {}
    return [
        spelling[title] if title in spelling else spelling.setdefault(title, canonical_title(title)) for title in titles
    ]


def _frequent(counts: Mapping[str, int], min_count: int) -> tuple[str, ...]:
    return tuple(sorted(value for value, count in counts.items() if count >= min_count))


def _index(values: Iterable[Hashable]) -> Callable[[Hashable], int]:
    table = {value: position for position, value in enumerate(values, start=1)}
    return lambda value: table.get(value, 0)


def _continent(code: str) -> int:
    return 1 + CONTINENTS.index(country(code).continent)


def seniority_score(experience: str, size: str) -> float:
    """The level's ordinal (1 to 4) times the size's weight: 0.9 to 4.4. Raises InputError for another code.

    The weights never lift a level past the next one. Source: `job/tables/encoder_weights.csv`.
    """
    return _weight(EXPERIENCE, experience) * _weight(SIZE, size)


def _weight(field: str, code: str) -> float:
    values = {row["code"]: float(row["value"]) for row in rows("encoder_weights") if row["field"] == field}
    if code not in values:
        raise InputError(f"{field} must be one of {', '.join(values)}; got {code!r}. Give one of these codes.")
    return values[code]


def _lookup(values: Iterable[V], function: Callable[[V], float], dtype: type = np.int32) -> NDArray[Any]:
    """`function` of every value, called once for each distinct one. Returns dtype (n,)."""
    table: dict[V, float] = {}

    def one(value: V) -> float:
        if value not in table:
            table[value] = function(value)
        return table[value]

    return np.fromiter(map(one, values), dtype=dtype)
