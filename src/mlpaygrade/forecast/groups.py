"""The groups whose intervals are calibrated apart.

Enters: encoded jobs. Leaves: group numbers by dimension. Each dimension divides all jobs, so
every job has one group in each. Knows no pay.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.encode import CATEGORICAL, CONTINENTS, Encoded, JobColumns, JobEncoder

T = TypeVar("T")

DIMENSIONS: Final = ("place", "experience", "novelty")
"""place: 0 United States, then the continents. experience: 0 entry to 3 executive. novelty: 1 title or country unknown."""

GROUPS: Final = (1 + len(CONTINENTS), 4, 2)
"""Groups of each dimension."""


def with_places(widenings: Mapping[str, Sequence[T]]) -> dict[str, Sequence[T]]:
    """Widenings by dimension, those of an older bundle that knew but home and elsewhere ("market") told for every place."""
    found = dict(widenings)
    if len(market := found.get("market", ())) == 2 and "place" not in found:
        del found["market"]
        found["place"] = [market[0], *[market[1]] * (GROUPS[0] - 1)]
    return found


def calibration_groups(encoded: Encoded) -> NDArray[np.int64]:
    """Group of each job in each dimension, int64 (n, len(DIMENSIONS))."""

    def ids(column: str) -> NDArray[np.int32]:
        return encoded.categorical[:, CATEGORICAL.index(column)]

    unseen = (ids("title") == 0) | (ids("location") == 0)
    return np.column_stack([ids("location_group") - 1, ids("experience") - 1, unseen]).astype(np.int64)


def groups_of(encoder: JobEncoder, jobs: JobColumns) -> NDArray[np.int64]:
    """Groups of jobs given as columns, int64 (n, len(DIMENSIONS))."""
    return calibration_groups(encoder.transform(jobs))
