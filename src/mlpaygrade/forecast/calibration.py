"""What is done to the network's prediction afterwards: titles that the training data lack, local moves, conformal calibration.

`Calibration` says by how much every central interval of every target is widened (or narrowed) on both sides: conformalised
quantile regression (Romano, Patterson and Candes 2019, theorem 1) with the finite-sample correction, counted in postings.
Groups (Mondrian conformal prediction, Vovk et al. 2003) get a further widening, shrunk towards none by the number of postings
behind it. The median and the estimate stay where the model put them: by how much one window's pay lies above it says little
about the next window (docs/experiments.md), so that error is paid for in width. Under exchangeability with the calibration
postings coverage holds for the whole, and for groups as far as their widenings are not shrunk; drift after them is not
corrected, `backtest` measures it.

`LocalPay` moves an estimate towards the adverts of its own country and title (empirical Bayes): on held-out weeks those lay
above or below what a network of earlier adverts said of them; of that mean error a share n / (n + strength) is believed.
Adverts come in bursts from one employer, so those of one week count by the root of their number. Training measures the
strength (`training.forecaster`) and leaves the table empty where any move would have made the later of those weeks worse. The
United States stay as they are: no move helped there.

`UnseenTitles` estimates a job whose title the training data lack: a linear model of the other fields and of what the title is
written with. A network knows a title by its id first; without one, a ridge regression on words, pairs of words and groups of
three to five letters errs less, and the two together least (docs/experiments.md). So the estimate of such a job is a mean of
both: every quantile and every member moves by the same, and the width stays the network's own. Fitted by `training.wide`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import expm1, log1p
from typing import TYPE_CHECKING, Annotated, Final, Self, TypeVar

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError, DataError
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, TARGETS, Prediction
from mlpaygrade.forecast.documents import Count, LogWidth, Name
from mlpaygrade.forecast.encode import CATEGORICAL, Encoded, JobColumns, JobEncoder
from mlpaygrade.job.fields import EXPERIENCE, LABELS, LOCATION, TITLE
from mlpaygrade.job.places import CONTINENTS
from mlpaygrade.job.titles import canonical_title, title_bigrams, title_words

if TYPE_CHECKING:
    from mlpaygrade.dataset.postings import Postings


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


INTERVALS: Final[Mapping[int, tuple[int, int]]] = {
    percent: (
        int(np.argmin(np.abs(LEVELS - (1 - percent / 100) / 2))),
        int(np.argmin(np.abs(LEVELS - (1 + percent / 100) / 2))),
    )
    for percent in (50, 80, 90)
}
"""Central intervals: percent -> positions of their two ends in `LEVELS`."""

MIN_POSTINGS: Final = 100
"""Fewer calibration postings than this cannot support a 90 % interval worth stating."""

SHRINKAGE: Final = 25.0
"""A group's own widening counts n / (n + SHRINKAGE), n its calibration postings."""

NESTED: Final = MEDIAN
"""Central intervals of a prediction: number k goes from level k to the level as far from the other end, 0 the widest."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Truth:
    """What n held-out postings paid: low_log, high_log float64 (n,), paired bool (n,); groups int64 (n, dimensions);
    weights float64 (n,), how much each counts (recency)."""

    low_log: NDArray[np.float64]
    high_log: NDArray[np.float64]
    paired: NDArray[np.bool_]
    groups: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, postings: "Postings", groups: NDArray[np.int64], *, weights: NDArray[np.float64] | None = None) -> Self:
        """The truth of postings; without weights all count alike."""
        return cls(
            low_log=postings.low_log,
            high_log=postings.high_log,
            paired=postings.paired,
            groups=groups,
            weights=np.ones(len(postings)) if weights is None else weights,
        )


def conformal_quantile(
    scores: NDArray[np.floating],
    level: float,
    *,
    weights: NDArray[np.floating] | None = None,
    count: float | None = None,
) -> float:
    """Conformal quantile of scores: at least `level` of future scores lie at or below it.

    scores, weights: float (n,). count: independent units behind the scores (default n). The largest score where there are too
    few units for the level.
    """
    n = float(len(scores) if count is None else count)
    order = np.argsort(scores)
    share = np.cumsum(np.ones(len(scores)) if weights is None else weights[order])
    share /= share[-1]
    position = np.searchsorted(share, min(level * (n + 1) / n, 1.0) - 1e-12)
    return float(scores[order[min(int(position), len(scores) - 1)]])


Widening = Annotated[
    list[Annotated[list[LogWidth], Meta(min_length=NESTED, max_length=NESTED)]],
    Meta(min_length=len(TARGETS), max_length=len(TARGETS)),
]


class CalibrationDocument(Struct):
    """`calibration.json` of a bundle."""

    widening: Widening
    group_widening: dict[str, list[Widening]]
    postings: Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibration:
    """Widenings in log dollars; below zero where the model's intervals were too wide.

    widening: float64 (3, 11) by `TARGETS` and central interval, the widest first. group_widening: for each dimension,
    float64 (groups, 3, 11). postings: how many postings stand behind them.
    """

    widening: NDArray[np.float64]
    group_widening: tuple[NDArray[np.float64], ...]
    postings: int

    @classmethod
    def fit(cls, prediction: Prediction, truth: Truth, *, shrinkage: float = SHRINKAGE) -> Self:
        """Calibrate on n held-out postings. Raises DataError with fewer than MIN_POSTINGS paired ones."""
        paired = np.flatnonzero(truth.paired)
        if len(paired) < MIN_POSTINGS:
            raise DataError(
                f"Calibration needs at least {MIN_POSTINGS} held-out postings with both band ends; there are {len(paired)}. "
                "Give more data, or a larger calibration window."
            )
        rows = np.concatenate([np.arange(len(truth.paired)), paired])
        values = {
            "low": (paired, truth.low_log[paired]),
            "high": (paired, truth.high_log[paired]),
            "any": (rows, np.concatenate([truth.high_log, truth.low_log[paired]])),
        }
        widening = np.empty((len(TARGETS), NESTED))
        group_widening = tuple(np.zeros((groups, *widening.shape)) for groups in GROUPS)
        for t, target in enumerate(TARGETS):
            index, value = values[target]
            scores = _scores(prediction.quantiles(target)[index], value)
            widening[t] = _quantiles(scores, truth.weights[index], units=_units(index))
            scores = scores - widening[t]
            for dimension, found in enumerate(group_widening):
                group = truth.groups[index, dimension]
                for number in range(len(found)):
                    mine = group == number
                    units = _units(index[mine])
                    if units and units < _units(index):
                        own = _quantiles(scores[mine], truth.weights[index[mine]], units=units)
                        found[number, t] = own * units / (units + shrinkage)
                scores = scores - found[group, t]
        return cls(widening=widening, group_widening=group_widening, postings=len(truth.paired))

    def apply(self, prediction: Prediction, groups: NDArray[np.int64]) -> Prediction:
        """The calibrated prediction of n jobs; the median stays, quantiles stay nondecreasing, measured outwards from it.

        groups: int64 (n, dimensions) as `calibration_groups` gives them.
        """
        width = np.broadcast_to(self.widening, (len(prediction), *self.widening.shape)).copy()
        for dimension, widening in enumerate(self.group_widening):
            width += widening[groups[:, dimension]]
        moved = prediction.log_quantiles.copy()
        moved[..., :MEDIAN] -= width.astype(np.float32)
        moved[..., MEDIAN + 1 :] += width[..., ::-1].astype(np.float32)
        moved[..., MEDIAN:] = np.maximum.accumulate(moved[..., MEDIAN:], axis=-1)
        moved[..., MEDIAN::-1] = np.minimum.accumulate(moved[..., MEDIAN::-1], axis=-1)
        return Prediction(moved, prediction.log_members)

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the calibration."""
        return {
            "widening": np.round(self.widening, 6).tolist(),
            "group_widening": {
                name: np.round(widening, 6).tolist()
                for name, widening in zip(DIMENSIONS, self.group_widening, strict=True)
            },
            "postings": self.postings,
        }

    @classmethod
    def of_document(cls, document: CalibrationDocument) -> Self:
        """The calibration that `to_json` described. Raises ValueError where it is of other groups."""
        widenings = with_places(document.group_widening)
        found = {name: len(groups) for name, groups in widenings.items()}
        if found != (wanted := dict(zip(DIMENSIONS, GROUPS, strict=True))):
            raise ValueError(f"its groups must be {wanted}; got {str(found)[:200]}")
        return cls(
            widening=np.array(document.widening, dtype=np.float64),
            group_widening=tuple(np.array(widenings[name], dtype=np.float64) for name in DIMENSIONS),
            postings=document.postings,
        )


def _scores(quantiles: NDArray[np.floating], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each value lies outside each central interval, below zero inside; (n, 23), (n,) -> float64 (n, 11)."""
    low, high = quantiles[:, :MEDIAN], quantiles[:, :MEDIAN:-1]
    return np.maximum(low - value[:, None], value[:, None] - high)


def _quantiles(scores: NDArray[np.floating], weights: NDArray[np.float64], *, units: int) -> NDArray[np.float64]:
    """Conformal quantile of each column at the level of its central interval, float64 (11,). scores (n, 11)."""
    levels = LEVELS[:MEDIAN:-1].astype(np.float64) - LEVELS[:MEDIAN].astype(np.float64)
    return np.array(
        [conformal_quantile(scores[:, k], level, weights=weights, count=units) for k, level in enumerate(levels)]
    )


def _units(index: NDArray[np.integer]) -> int:
    """Distinct postings among rows."""
    return len(np.unique(index))


LOCAL: Final = "local.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMove:
    """What held-out adverts of one country and title say, log dollars.

    postings: how many there were. apart_log: by how much they lay above the network on average. move_log: what is believed of it.
    """

    postings: int
    apart_log: float
    move_log: float

    def before_usd(self, usd: float) -> float:
        """An estimate before it was moved; both are in log1p dollars."""
        return expm1(log1p(usd) - self.move_log)


class LocalDocument(Struct):
    """`local.json` of a bundle: postings, how far they lay from the network, and the move, by country and title."""

    measured: dict[str, Annotated[float, Meta(ge=0, le=1e6)] | None]
    moves: dict[Annotated[str, Meta(pattern=r"^[A-Z]{2}\|.+$", max_length=210)], tuple[Count, LogWidth, LogWidth]]


@dataclass(frozen=True, eq=False)
class LocalPay:
    """Moves by "COUNTRY|canonical title". measured: the strength, and what the rule gained where it was measured."""

    moves: Mapping[str, LocalMove] = field(default_factory=dict)
    measured: Mapping[str, float | None] = field(default_factory=dict)

    def of(self, jobs: JobColumns) -> list[LocalMove | None]:
        """The move of each of n jobs given as dataset columns; None where there is none."""
        return [self.moves.get(key) for key in cell_keys(jobs)]

    def apply(self, prediction: Prediction, jobs: JobColumns) -> Prediction:
        """The network's predictions of n jobs, moved: every quantile and every member by the same."""
        if not self.moves:
            return prediction
        return prediction.moved(np.array([move.move_log if move else 0.0 for move in self.of(jobs)], dtype=np.float32))

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the rule."""
        moves = {
            key: [one.postings, round(one.apart_log, 4), round(one.move_log, 4)] for key, one in self.moves.items()
        }
        return {"measured": dict(self.measured), "moves": moves}

    @classmethod
    def of_document(cls, document: LocalDocument) -> Self:
        """The rule that `to_json` described."""
        moves = {
            key: LocalMove(postings=postings, apart_log=apart, move_log=move)
            for key, (postings, apart, move) in document.moves.items()
        }
        return cls(moves, document.measured)


def cell_keys(jobs: JobColumns) -> list[str]:
    """The country and title of each of n jobs, as the rule's table names them."""
    titles = {title: canonical_title(str(title)) for title in set(jobs[TITLE])}
    return [f"{place}|{titles[title]}" for place, title in zip(jobs[LOCATION], jobs[TITLE], strict=True)]


UNSEEN: Final = "unseen.json"
UNSEEN_SHARE: Final = 0.75
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
        move[unseen] = UNSEEN_SHARE * (told - prediction.log_estimate[unseen])
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
