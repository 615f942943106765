"""What a model was not trained on: the postings of a file that arrived after those of the model's training.

Knows three ways to tell, the most exact first: rows of each work year that the model was trained on, the day of its newest
advert, its newest work year. Judges nothing.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.calendar import arrived_by, read_calendar, row_ages
from mlpaygrade.dataset.editions import calendar_path, known_file
from mlpaygrade.dataset.postings import Postings, decimal_year


def known_to(provenance: Mapping[str, Any], postings: Postings) -> NDArray[np.bool_]:
    """Which postings a model may have been trained on, bool (n,).

    provenance: of the model's bundle. The file must be a later state of the one that the model was trained on, where rows are
    counted: rows stand newest first within each work year, so the oldest ones of a year are those that were there before.
    """
    if counts := provenance.get("rows_by_year"):
        limit = np.array([int(counts.get(str(year), 0)) for year in postings.year.tolist()])
        return np.asarray(row_ages(postings.source)[postings.rows[:, 0]] <= limit)
    trained_on = known_file(str(provenance["data_sha256"]))
    newest = provenance.get("newest_day")
    if newest and trained_on and (calendar := calendar_path(trained_on)):
        return arrived_by(postings, read_calendar(calendar), trained_on.newest)
    if newest:
        return np.asarray(postings.time_years <= decimal_year(date.fromisoformat(str(newest))))
    return np.asarray(postings.year <= int(provenance["trained_through"]))


def rows_by_year(postings: Postings) -> dict[str, int]:
    """Rows of each work year, as a bundle's provenance keeps them."""
    index, _ = postings.row_values_usd()
    years, counts = np.unique(postings.year[index], return_counts=True)
    return {str(year): int(count) for year, count in zip(years.tolist(), counts.tolist(), strict=True)}
