"""The estimate for a title that the training data lack: a linear model of the other fields and of what the title is written with.

A network knows a title by its id first; without one, a ridge regression on words, pairs of words and groups of three to five
letters errs less, and the two together least (docs/experiments.md). So the estimate of such a job is a mean of both: every
quantile and every member moves by the same, and the width stays the network's own. Fitted by `training.wide`; the coefficients
travel as `unseen.json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Self

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.documents import LogWidth, Name
from mlpaygrade.forecast.encode import CATEGORICAL, Encoded, JobColumns, JobEncoder
from mlpaygrade.job.fields import EXPERIENCE, LABELS, TITLE
from mlpaygrade.job.titles import canonical_title, title_bigrams, title_words

UNSEEN: Final = "unseen.json"
SHARE: Final = 0.75
"""How much of the estimate for an unseen title is this model's; the rest is the network's."""

_LETTERS: Final = (3, 4, 5)
_DIGITS: Final = 5
_JOB_LEVELS: Final = len(LABELS[EXPERIENCE])


class UnseenDocument(Struct):
    """`unseen.json` of a bundle: coefficients in log dollars by field, word and piece of a title."""

    level: Annotated[float, Meta(ge=0, le=25)]
    fields: dict[Annotated[str, Meta(pattern=r"^[a-z_]+(\|[a-z_]+)?$", max_length=60)], list[LogWidth]]
    words: list[LogWidth]
    grams: dict[Name, LogWidth]
    bigrams: dict[Name, LogWidth]
    by_level: dict[Name, Annotated[list[LogWidth], Meta(min_length=_JOB_LEVELS, max_length=_JOB_LEVELS)]]


@dataclass(frozen=True, eq=False, kw_only=True)
class UnseenTitles:
    """Coefficients in log dollars.

    level: log1p USD. fields: "column" or "column|other column" -> float64 by id, or by id times the other's number of ids plus
    its id. words: float64 (words + 1,) by the encoder's id, 0 for none. grams, bigrams: by piece of a title; their sum counts
    divided by the root of their number. by_level: word -> one for each level of experience, divided likewise.
    """

    level: float
    fields: Mapping[str, NDArray[np.float64]]
    words: NDArray[np.float64]
    grams: Mapping[str, float]
    bigrams: Mapping[str, float]
    by_level: Mapping[str, tuple[float, ...]]

    def apply(self, prediction: Prediction, encoded: Encoded, jobs: JobColumns, *, encoder: JobEncoder) -> Prediction:
        """The network's predictions of n jobs, those of titles without an id moved towards what this model estimates."""
        unseen = np.flatnonzero(encoded.categorical[:, CATEGORICAL.index("title")] == 0)
        if not len(unseen):
            return prediction
        titles = np.asarray(jobs[TITLE], dtype=object)[unseen]
        move = np.zeros(len(encoded), dtype=np.float32)
        told = self.estimate(encoded.take(unseen), titles.tolist(), encoder=encoder)
        move[unseen] = SHARE * (told - prediction.log_estimate[unseen])
        return prediction.moved(move)

    def estimate(self, encoded: Encoded, titles: Sequence[str], *, encoder: JobEncoder) -> NDArray[np.float64]:
        """Log estimates of one row of n jobs, float64 (n,), as if none of their titles had an id."""
        sizes = encoder.sizes()
        found = np.full(len(encoded), self.level)
        for columns, coefficients in self.fields.items():
            found += coefficients[joint_ids(encoded, columns, sizes)]
        for word in encoded.words.T:
            found += self.words[word]
        text = {title: self._text(canonical_title(title)) for title in set(titles)}
        level = encoded.categorical[:, CATEGORICAL.index("experience")] - 1
        found += np.array([text[title][one] for title, one in zip(titles, level, strict=True)])
        return found

    def _text(self, title: str) -> NDArray[np.float64]:
        """What a title's letters and words add at each level of experience, float64 (levels,)."""
        words = sorted(set(title_words(title)))
        none = (0.0,) * _JOB_LEVELS
        by_level = [self.by_level.get(word, none) for word in words]
        common = _mean_root([self.grams.get(one, 0.0) for one in title_grams(title)])
        common += _mean_root([self.bigrams.get(one, 0.0) for one in sorted(set(title_bigrams(title)))])
        return common + np.array([_mean_root(column) for column in zip(*by_level, strict=True)] or none)

    def check(self, encoder: JobEncoder) -> None:
        """Raises BundleError where the coefficients were made for another encoder."""
        sizes = encoder.sizes()
        wanted = {columns: int(np.prod([sizes.get(one, 0) for one in columns.split("|")])) for columns in self.fields}
        if len(self.words) != len(encoder.words) + 1 or any(
            len(coefficients) != wanted[columns] or not coefficients.size
            for columns, coefficients in self.fields.items()
        ):
            raise BundleError(
                "The bundle's model of unseen titles was made for another encoder. Install or train the bundle again."
            )

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the coefficients, rounded."""
        return {
            "level": round(self.level, _DIGITS),
            "fields": {columns: _rounded(coefficients) for columns, coefficients in self.fields.items()},
            "words": _rounded(self.words),
            "grams": {piece: round(value, _DIGITS) for piece, value in self.grams.items()},
            "bigrams": {piece: round(value, _DIGITS) for piece, value in self.bigrams.items()},
            "by_level": {word: _rounded(np.array(values)) for word, values in self.by_level.items()},
        }

    @classmethod
    def of_document(cls, document: UnseenDocument) -> Self:
        """The model that `to_json` described."""
        return cls(
            level=document.level,
            fields={columns: np.array(values, dtype=np.float64) for columns, values in document.fields.items()},
            words=np.array(document.words, dtype=np.float64),
            grams=document.grams,
            bigrams=document.bigrams,
            by_level={word: tuple(values) for word, values in document.by_level.items()},
        )


def joint_ids(encoded: Encoded, columns: str, sizes: Mapping[str, int]) -> NDArray[np.int32]:
    """Ids of "column", or of the pair "column|other column", int32 (n,)."""
    one, _, other = columns.partition("|")
    ids = encoded.categorical[:, CATEGORICAL.index(one)]
    return ids * sizes[other] + encoded.categorical[:, CATEGORICAL.index(other)] if other else ids


def title_grams(title: str) -> list[str]:
    """Distinct groups of three to five letters within the words of a title, a word's start and end as a space; sorted."""
    return sorted(
        {
            f" {word} "[start : start + length]
            for word in title_words(title)
            for length in _LETTERS
            for start in range(len(word) + 3 - length)
        }
    )


def _mean_root(values: Sequence[float]) -> float:
    """The sum of n values divided by the root of n; 0 without any."""
    return sum(values) / len(values) ** 0.5 if values else 0.0


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.round(values, _DIGITS)]
