"""The groups whose intervals are calibrated apart.

Enters: encoded jobs and the encoder that made them. Leaves: group numbers by dimension. Each dimension divides all jobs, so
every job has one group in each. Knows no pay.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.encode import CATEGORICAL, Encoded, JobColumns, JobEncoder
from mlpaygrade.job.countries import HOME

DIMENSIONS: Final = ("market", "experience", "novelty")
"""market: 0 United States, 1 elsewhere. experience: 0 entry to 3 executive. novelty: 0 title and country known, 1 not."""

GROUPS: Final = (2, 4, 2)
"""Groups of each dimension."""


def calibration_groups(encoder: JobEncoder, encoded: Encoded) -> NDArray[np.int64]:
    """Group of each job in each dimension, int64 (n, len(DIMENSIONS))."""

    def ids(column: str) -> NDArray[np.int32]:
        return encoded.categorical[:, CATEGORICAL.index(column)]

    home = 1 + encoder.countries.index(HOME) if HOME in encoder.countries else -1
    unseen = (ids("title") == 0) | (ids("location") == 0)
    return np.column_stack([ids("location") != home, ids("experience") - 1, unseen]).astype(np.int64)


def groups_of(encoder: JobEncoder, jobs: JobColumns) -> NDArray[np.int64]:
    """Groups of jobs given as columns, int64 (n, len(DIMENSIONS))."""
    return calibration_groups(encoder, encoder.transform(jobs))
