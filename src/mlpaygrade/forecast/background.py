"""The jobs that an explanation compares with: a few dozen real field combinations, weighted, that stand for the newest postings.

Enters: training postings, or the bundle part `background.json`. Leaves: `Background`. Chosen by kernel herding (Chen, Welling and
Smola 2010), which picks jobs whose fields, pairs of fields and so on are as frequent among the chosen as among the postings; a
random sample of that size is several times farther off. Sees no salary and no network.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from mlpaygrade.forecast.documents import Count, Year
from mlpaygrade.job.fields import FEATURES, LABELS, LOCATION, RESIDENCE, TITLE, YEAR
from mlpaygrade.job.places import country, country_codes
from mlpaygrade.job.titles import canonical_title, title_family

if TYPE_CHECKING:
    from mlpaygrade.dataset.postings import Postings

SIZE: Final = 32
"""Jobs drawn; fewer distinct ones remain. docs/decisions/0004-shapley-values.md says what more or fewer would change."""

AGREEMENT: Final = 0.3
"""How much more alike two jobs are for each field in which they agree."""

FEWEST: Final = 200
MOST: Final = 4_000
"""It stands for the postings of the newest work year: the newest MOST of them, or the newest FEWEST of any year."""


class BackgroundDocument(Struct):
    """`background.json` of a bundle."""

    jobs: dict[str, list[str | int]]
    weights: Annotated[list[Annotated[float, Meta(gt=0, le=1)]], Meta(min_length=1)]
    postings: Count
    first_year: Year
    last_year: Year
    abroad: dict[Annotated[str, Meta(pattern=r"^[A-Z]{2}\|[A-Z]{2}$")], Count]

    def __post_init__(self) -> None:
        """Raises ValueError where it holds no jobs."""
        lengths = {len(values) for values in self.jobs.values()}
        if set(self.jobs) != set(FEATURES) or lengths != {len(self.weights)}:
            raise ValueError("its columns must be the fields of a job, as long as its weights")
        if self.first_year > self.last_year:
            raise ValueError("its first year lies after its last")
        for column, labels in LABELS.items():
            if not set(self.jobs[column]) <= set(labels):
                raise ValueError(f"{column} holds a value that is none of {', '.join(map(str, labels))}")
        for code in (*self.jobs[LOCATION], *self.jobs[RESIDENCE]):
            if code not in country_codes():
                raise ValueError(f"'{str(code)[:20]}' is no country")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Background:
    """Weighted jobs.

    jobs: dataset columns `FEATURES`, k values each, no two jobs alike. weights: float64 (k,), sum 1.
    postings: how many postings they stand for. first_year, last_year: work years of those.
    abroad: "company|employee", two different countries -> training postings that join them, of all years.
    """

    jobs: Mapping[str, Sequence[str | int]]
    weights: NDArray[np.float64]
    postings: int
    first_year: int
    last_year: int
    abroad: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def of_document(cls, document: BackgroundDocument) -> Self:
        """The background of a document; its weights are made to add up to 1."""
        weights = np.array(document.weights, dtype=np.float64)
        return cls(
            jobs={column: tuple(document.jobs[column]) for column in FEATURES},
            weights=weights / weights.sum(),
            postings=document.postings,
            first_year=document.first_year,
            last_year=document.last_year,
            abroad=document.abroad,
        )


def choose_background(postings: "Postings", *, size: int = SIZE) -> Background:
    """A background of `size` draws that stands for the newest postings (see MOST); postings oldest first."""
    newest = postings.jobs[postings.jobs[YEAR] == postings.jobs[YEAR].max()]
    jobs = newest.iloc[-MOST:] if len(newest) >= FEWEST else postings.jobs.iloc[-FEWEST:]
    jobs = jobs.assign(**{TITLE: jobs[TITLE].map(canonical_title)})
    counts = jobs.groupby(list(FEATURES), sort=True).size()
    distinct = counts.index.to_frame(index=False)
    share = counts.to_numpy(dtype=np.float64) / len(jobs)
    drawn = herd(_similarity({column: distinct[column].tolist() for column in FEATURES}), share, size=size)
    chosen, times = np.unique(drawn, return_counts=True)
    return Background(
        jobs={column: tuple(distinct[column].iloc[chosen].tolist()) for column in FEATURES},
        weights=times / times.sum(),
        postings=len(jobs),
        first_year=int(jobs[YEAR].min()),
        last_year=int(jobs[YEAR].max()),
        abroad=_abroad(postings),
    )


def _abroad(postings: "Postings") -> dict[str, int]:
    places = zip(postings.jobs[LOCATION], postings.jobs[RESIDENCE], strict=True)
    counts = Counter(f"{company}|{home}" for company, home in places if company != home)
    return dict(sorted(counts.items()))


def herd(similarity: NDArray[np.float64], share: NDArray[np.float64], *, size: int) -> NDArray[np.int64]:
    """Positions of `size` draws, repeats allowed, whose mean similarity to every item is closest to the population's.

    similarity: (n, n), symmetric. share: (n,), sum 1. Returns int64 (size,) in the order drawn.
    """
    wanted = similarity @ share
    drawn = np.zeros(size, dtype=np.int64)
    so_far = np.zeros_like(wanted)
    for k in range(size):
        drawn[k] = int(np.argmax(wanted - so_far / (k + 1)))
        so_far += similarity[drawn[k]]
    return drawn


def _similarity(jobs: Mapping[str, Sequence[str | int]]) -> NDArray[np.float64]:
    """Product over the fields of 1 where two jobs differ and 1 + AGREEMENT where they agree, (n, n).

    Expanded, it counts the sets of fields in which two jobs agree, small sets weighing more: the sets that Shapley values
    average over. Titles of one family agree by half, and countries by a quarter each for the same continent and income group.
    """
    place = [f"{home}|{place}" for home, place in zip(jobs[RESIDENCE], jobs[LOCATION], strict=True)]
    countries = [country(str(code)) for code in jobs[LOCATION]]
    agreement = [_equal(jobs[column]) for column in FEATURES if column not in (TITLE, RESIDENCE, LOCATION)]
    agreement.append((_equal(jobs[TITLE]) + _equal([title_family(str(title)) for title in jobs[TITLE]])) / 2)
    alike = (_equal([one.continent for one in countries]) + _equal([one.tier for one in countries])) / 2
    agreement.append((_equal(place) + alike) / 2)
    similarity = np.ones_like(alike)
    for agree in agreement:
        similarity *= 1.0 + AGREEMENT * agree
    return similarity


def _equal(values: Sequence[object]) -> NDArray[np.float64]:
    codes = np.unique(np.array(values, dtype=str), return_inverse=True)[1]
    return np.asarray(codes[:, None] == codes[None, :], dtype=np.float64)
