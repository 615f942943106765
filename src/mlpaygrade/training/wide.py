"""The wide part of the network: a ridge regression of log pay on fields, words and pairs of fields.

It is fitted in closed form and travels inside the network, where half of every answer is its own (`NetworkSettings.wide_share`):
a deep network and a linear model err differently, and their mean errs less than either (docs/experiments.md). The fit gives every
week of arrival an effect of its own, because adverts come in bursts from a few employers: a burst of thousands of rows then moves
the level by one week's share and not by its number of rows. The weeks' effects are taken out of what the deep part learns from.
A second ridge, without the ids of titles but with the letters and pairs of words that they are written with, answers for titles
that the training data lack (`fit_unseen`). Neither predicts quantiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Ridge

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.calibration import UnseenTitles, joint_ids, title_grams
from mlpaygrade.forecast.encode import CATEGORICAL, Encoded, JobEncoder
from mlpaygrade.job.fields import EXPERIENCE, LABELS, TITLE
from mlpaygrade.job.titles import canonical_title, title_bigrams, title_words

CROSSINGS: Final = (
    ("title", "experience"),
    ("title", "location_group"),
    ("title_family", "experience"),
    ("title_family", "location_group"),
    ("title_family", "remote"),
    ("title_family", "size"),
    ("location", "experience"),
    ("location_continent", "experience"),
    ("location_group", "experience"),
    ("location_group", "remote"),
    ("location_group", "size"),
    ("experience", "remote"),
)
"""Pairs of columns whose joint values get a coefficient of their own."""

WEEKS_IN_YEAR: Final = 52
LEVEL_HALF_LIFE_WEEKS: Final = 26.0
"""The level is the mean of the weeks' effects, a week this many weeks older counting half."""


UNSEEN_PENALTY: Final = 120.0
"""On squared coefficients of the model of unseen titles, those of the weeks too."""

GRAM_SCALE: Final = 3.0
"""Groups of letters are penalised by so much less, squared."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WidePart:
    """coefficients: float64 (width,), log dollars, in the order of `wide_columns` and then of words. level: log1p USD."""

    coefficients: NDArray[np.float64]
    level: float

    def predict(self, encoder: JobEncoder, encoded: Encoded) -> NDArray[np.float64]:
        """Log estimates of one row of n jobs, float64 (n,)."""
        return np.asarray(wide_design(encoder, encoded) @ self.coefficients + self.level)


def wide_columns(encoder: JobEncoder) -> list[tuple[str, str | None, int]]:
    """Blocks of the table: (column, other column or None, number of ids), single columns first."""
    sizes = encoder.sizes()
    single = [(column, None, sizes[column]) for column in CATEGORICAL]
    return [*single, *((one, other, sizes[one] * sizes[other]) for one, other in CROSSINGS)]


def wide_design(encoder: JobEncoder, encoded: Encoded) -> sparse.csr_matrix:
    """One column for each id, each pair of ids and each word, CSR float64 (n, width); words count as often as they stand."""
    sizes, n = encoder.sizes(), len(encoded)
    blocks = []
    for one, other, width in wide_columns(encoder):
        joint = joint_ids(encoded, one if other is None else f"{one}|{other}", sizes)
        blocks.append(sparse.csr_matrix((np.ones(n), joint, np.arange(n + 1)), shape=(n, width)))
    known = encoded.words > 0
    place = (np.nonzero(known)[0], encoded.words[known])
    blocks.append(sparse.csr_matrix((np.ones(len(place[0])), place), shape=(n, len(encoder.words) + 1)))
    return sparse.hstack(blocks, format="csr")


def fit_wide(
    encoder: JobEncoder, encoded: Encoded, postings: Postings, weights: NDArray[np.float64], *, penalty: float
) -> tuple[WidePart, NDArray[np.float64]]:
    """The wide part, and by how much each posting's week pays above the level, log dollars, float64 (n,).

    encoded: of the postings. weights: float64 (n,), mean 1. Every source row counts.
    """
    return _ridge(wide_design(encoder, encoded), postings, weights, penalty=penalty)


def fit_unseen(encoder: JobEncoder, encoded: Encoded, postings: Postings) -> UnseenTitles:
    """The model of titles that the postings lack; every posting counts alike, whatever its age.

    It has the columns of the wide part, whose ids of titles take what no text explains, and beside them the pieces of titles.
    """
    titles = [canonical_title(str(title)) for title in postings.jobs[TITLE]]
    distinct = sorted(set(titles))
    number = {title: place for place, title in enumerate(distinct)}
    rows = np.array([number[title] for title in titles])
    grams, of_grams = _pieces([title_grams(title) for title in distinct])
    bigrams, of_bigrams = _pieces([sorted(set(title_bigrams(title))) for title in distinct])
    words, of_words = _pieces([sorted(set(title_words(title))) for title in distinct])
    levels = len(LABELS[EXPERIENCE])
    at_level = sparse.csr_matrix(
        (np.ones(len(rows)), encoded.categorical[:, CATEGORICAL.index("experience")] - 1, np.arange(len(rows) + 1)),
        shape=(len(rows), levels),
    )
    wide = wide_design(encoder, encoded)
    by_level = [sparse.diags(at_level[:, [one]].toarray().ravel()) @ of_words[rows] for one in range(levels)]
    design = sparse.hstack([wide, GRAM_SCALE * of_grams[rows], of_bigrams[rows], *by_level], format="csr")
    part, _ = _ridge(design, postings, np.ones(len(postings)), penalty=UNSEEN_PENALTY)
    of_wide, of_text = np.split(part.coefficients, [wide.shape[1]])
    gram, bigram, word = np.split(of_text, np.cumsum([len(grams), len(bigrams)]))
    level, fields, known_words = _without_titles(encoder, of_wide)
    return UnseenTitles(
        level=part.level + level,
        fields=fields,
        words=known_words,
        grams=dict(zip(grams, (GRAM_SCALE * gram).tolist(), strict=True)),
        bigrams=dict(zip(bigrams, bigram.tolist(), strict=True)),
        by_level=dict(zip(words, map(tuple, word.reshape(levels, -1).T.tolist()), strict=True)),
    )


def _pieces(of_titles: Sequence[Sequence[str]]) -> tuple[list[str], sparse.csr_matrix]:
    """The distinct pieces of n titles, and CSR float64 (n, pieces): one over the root of a title's number of pieces at each."""
    known = sorted({piece for pieces in of_titles for piece in pieces})
    place = {piece: number for number, piece in enumerate(known)}
    ends = np.cumsum([0, *map(len, of_titles)])
    values = np.array([len(pieces) ** -0.5 for pieces in of_titles for _ in pieces])
    columns = np.array([place[piece] for pieces in of_titles for piece in pieces], dtype=np.int64)
    return known, sparse.csr_matrix((values, columns, ends), shape=(len(of_titles), len(known)))


def _without_titles(
    encoder: JobEncoder, coefficients: NDArray[np.float64]
) -> tuple[float, dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The wide coefficients of a job whose title has no id: what that adds to the level, those of fields, those of words."""
    level, fields, start = 0.0, dict[str, NDArray[np.float64]](), 0
    for one, other, width in wide_columns(encoder):
        block = coefficients[start : start + width]
        start += width
        if one != "title":
            fields[one if other is None else f"{one}|{other}"] = block.copy()
        elif other is None:
            level = float(block[0])
        else:
            fields[other] += block[: encoder.sizes()[other]]
    words = coefficients[start:].copy()
    words[0] = 0.0
    return level, fields, words


def _ridge(
    design: sparse.csr_matrix, postings: Postings, weights: NDArray[np.float64], *, penalty: float
) -> tuple[WidePart, NDArray[np.float64]]:
    """Coefficients of a design's columns, and by how much each posting's week pays above the level."""
    week = arrival_week(postings.time_years)
    effects = sparse.csr_matrix((np.ones(len(week)), week, np.arange(len(week) + 1)))
    index, usd = postings.row_values_usd()
    model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-5)
    model.fit(sparse.hstack([design, effects], format="csr")[index], np.log1p(usd), sample_weight=weights[index])
    width = design.shape[1]
    found = model.coef_[width:]
    recency = 0.5 ** ((len(found) - 1 - np.arange(len(found))) / LEVEL_HALF_LIFE_WEEKS)
    centre = float(np.average(found, weights=recency))
    part = WidePart(coefficients=model.coef_[:width], level=float(model.intercept_) + centre)
    return part, np.asarray((found - centre)[week])


def arrival_week(time_years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the week in which each posting arrived, int64 (n,), counted over weeks that have any, oldest 0."""
    return np.asarray(np.unique(np.floor(time_years * WEEKS_IN_YEAR), return_inverse=True)[1], dtype=np.int64)
