"""How strong an answer is, in one word by a published rule, and whether the adverts at hand contradict it.

The rule, from what was measured for jobs like the one asked about (`accuracy`) and from the adverts behind the answer:

    rough   the 90 % range held fewer than 85 of 100, or estimates were off by more than 8 % on the whole, or a stated place
            among 100 was off by more than 10, or nothing was tested; or fewer than ENOUGH adverts of the country back the
            answer; or the adverts of this very kind differ from the estimate by more than chance explains
    strong  the range held 87 to 93 of 100, estimates were off by at most 5 % on the whole, a place by at most 5, and at least
            ENOUGH adverts have the same title, level and country
    fair    everything between
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final, Literal

from mlpaygrade.forecast.evidence import ENOUGH, Cell

Word = Literal["strong", "fair", "rough"]

_IN_COUNTRY: Final = ("same job", "same title, level and country", "same title family, level and country")
_CLOSE: Final = _IN_COUNTRY[:2]
_NORMAL_IQR: Final = 1.349
_MEDIAN_ERROR: Final = 1.2533
"""A sample's median strays 1.2533 standard deviations over the root of n; a normal quartile range is 1.349 of them."""
CHANCE: Final = 2.5
"""So many standard errors are chance; and a difference under LEAST is never worth a word."""
LEAST: Final = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Between which shares the 90 % range must have held, and by how much the whole and a place among all may be off."""

    least: float
    most: float
    off: float
    place: float


_ROUGH: Final = _Limits(least=0.85, most=1.0, off=0.08, place=0.10)
_STRONG: Final = _Limits(least=0.87, most=0.93, off=0.05, place=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What was measured for jobs like the one asked about.

    group: their name. rows: how many figures were tested. coverage: percent -> share that fell inside. percentile_error: by how
    much a stated place among all was off at most, a share. mean_error_log: estimates less truth. typical_error_usd: mean
    distance.
    """

    group: str
    rows: int
    coverage: Mapping[int, float]
    percentile_error: float
    mean_error_log: float
    typical_error_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """The word, and why it is not stronger (for "strong": why it is strong)."""

    word: Word
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAdverts:
    """The adverts nearest to a job in its own country, where they say something else than the estimate.

    middle_usd: of the middles of their bands. ratio: estimate over middle.
    """

    cell: Cell
    middle_usd: float
    ratio: float


def accuracy_from(found: tuple[str, Mapping[str, float]] | None) -> Accuracy | None:
    """The measured figures of a group as `accuracy.accuracy_of` finds them; None where nothing was tested."""
    if found is None:
        return None
    name, measured = found
    return Accuracy(
        group=name,
        rows=int(measured["n"]),
        coverage={percent: measured[f"coverage_{percent}"] for percent in (50, 80, 90)},
        percentile_error=measured["pit_deviation"],
        mean_error_log=measured["mean_error_log"],
        typical_error_usd=measured["mae_usd"],
    )


def local_disagreement(cells: list[Cell], estimate_usd: float) -> LocalAdverts | None:
    """The most specific cell within the country that has ENOUGH adverts, where chance does not explain its distance."""
    cell = next((c for c in cells if c.level in _IN_COUNTRY and c.postings >= ENOUGH and c.quartiles_usd), None)
    if cell is None or cell.quartiles_usd is None:
        return None
    low, middle, high = cell.quartiles_usd
    spread = max(log(high) - log(low), 0.05) / _NORMAL_IQR
    error = _MEDIAN_ERROR * spread / sqrt(cell.postings)
    apart = log(estimate_usd) - log(middle)
    if abs(apart) < max(LEAST, CHANCE * error):
        return None
    return LocalAdverts(cell=cell, middle_usd=middle, ratio=exp(apart))


def strength(accuracy: Accuracy | None, support: Cell, local: LocalAdverts | None) -> Strength:
    """The word by the module's rule."""
    rough = [*_outside(accuracy, _ROUGH), *_rough_support(support, local)]
    if rough:
        return Strength(word="rough", reasons=tuple(rough))
    assert accuracy is not None
    if missing := [*_outside(accuracy, _STRONG), *_short_of_close(support)]:
        return Strength(word="fair", reasons=tuple(missing))
    tested = f"ranges that held when tested on {accuracy.rows:,} later figures"
    return Strength(word="strong", reasons=(f"{support.postings:,} adverts of this kind, and {tested}",))


def _rough_support(support: Cell, local: LocalAdverts | None) -> list[str]:
    found = []
    if support.level not in _IN_COUNTRY or support.postings < ENOUGH:
        found.append("we know few such jobs in this country, so this leans on similar ones")
    if local is not None:
        found.append("the adverts for this very kind of job say something else")
    return found


def _outside(accuracy: Accuracy | None, limits: _Limits) -> list[str]:
    """Which of the measured figures lie outside limits, in words."""
    if accuracy is None:
        return ["nothing was tested for such jobs"]
    found = []
    if not limits.least <= (held := accuracy.coverage[90]) <= limits.most:
        found.append(f"{round(100 * held)} of 100 such jobs fell inside the 9-in-10 range when tested")
    if abs(accuracy.mean_error_log) > limits.off:
        found.append(f"answers for such jobs were {_off(accuracy)} on the whole when tested")
    if accuracy.percentile_error > limits.place:
        found.append(
            f"a place among 100 such jobs was off by up to {round(100 * accuracy.percentile_error)} when tested"
        )
    return found


def _short_of_close(support: Cell) -> list[str]:
    return [] if support.level in _CLOSE else ["few adverts have this very title, level and country"]


def _off(accuracy: Accuracy) -> str:
    return f"{abs(exp(accuracy.mean_error_log) - 1):.0%} too {'high' if accuracy.mean_error_log > 0 else 'low'}"
