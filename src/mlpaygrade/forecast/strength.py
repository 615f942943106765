"""How strong an answer is, in one word by a published rule, and whether the adverts at hand contradict it (decision 0017).

The rule, from what was measured for jobs like the one asked about on every axis (`accuracy.accuracies`), of which the worst
counts, and from the adverts behind the answer:

    rough   the 90 % range held fewer than 85 of 100 or the 50 % range fewer than 40 or more than 60, or estimates were off by
            more than 8 % on the whole, or a stated place among 100 by more than 10, or nothing was tested; or fewer than ENOUGH
            different adverts of the country back the answer; or adverts of the same job, or of the same title, level and country,
            differ from what the model says of these very adverts by more than chance explains; or the job is an internship
    strong  the 90 % range held 87 to 93 of 100 and the 50 % range 45 to 55, estimates were off by at most 5 % on the whole, a
            place by at most 5, and at least ENOUGH different adverts have the same title, level and country
    fair    everything between; with the factor of a town or state at best

An answer names the figures of the worst axis: of those with the weakest word, the one whose ranges held worst.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final, Literal

from mlpaygrade.forecast.accuracy import Accuracy
from mlpaygrade.forecast.evidence import CLOSE, ENOUGH, IN_COUNTRY, Cell
from mlpaygrade.money.place import PlaceFactor
from mlpaygrade.rendering.words import of_100, off_text, up_to_of_100

Word = Literal["strong", "fair", "rough"]

CHANCE: Final = 4.0
"""So many standard errors are chance: among a thousand kinds of job whose adverts agree, none is likely to be called apart."""
LEAST: Final = 0.10
"""A smaller difference, log dollars, is never worth a word."""
NOT_A_YEAR: Final = "an intern's pay is not a year's pay of a full-time job, and hardly any internship was tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Between which shares the ranges must have held, and by how much the whole and a place among all may be off."""

    held_90: tuple[float, float]
    held_50: tuple[float, float]
    off: float
    place: float


_ROUGH: Final = _Limits(held_90=(0.85, 1.0), held_50=(0.40, 0.60), off=0.08, place=0.10)
_STRONG: Final = _Limits(held_90=(0.87, 0.93), held_50=(0.45, 0.55), off=0.05, place=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """The word, and why it is not stronger (for "strong": why it is strong)."""

    word: Word
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, str | list[str]]:
        """Plain JSON of the word."""
        return {"word": self.word, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAdverts:
    """Adverts close to a job that pay something else than the model says of these very adverts.

    ratio: what the model says of them over what they say, geometric means.
    """

    cell: Cell
    ratio: float


def worst(accuracies: Sequence[Accuracy]) -> Accuracy | None:
    """Of the axes with the weakest word, the one whose ranges held worst; None where nothing was tested."""
    return max(
        accuracies,
        key=lambda one: (bool(_outside(one, _ROUGH)), bool(_outside(one, _STRONG)), _astray(one)),
        default=None,
    )


def _astray(accuracy: Accuracy) -> float:
    """By how much the ranges missed what they state, as a multiple of what "strong" allows."""
    return max(
        abs(accuracy.coverage[percent] - percent / 100) / ((most - least) / 2)
        for percent, (least, most) in ((90, _STRONG.held_90), (50, _STRONG.held_50))
    )


def local_disagreement(cells: Sequence[Cell]) -> LocalAdverts | None:
    """The most specific close cell with ENOUGH adverts, where chance does not explain how far they lie from the model."""
    cell = next((one for one in cells if one.level in CLOSE and one.postings >= ENOUGH), None)
    if cell is None or cell.apart_log is None:
        return None
    apart, error = cell.apart_log
    return LocalAdverts(cell=cell, ratio=exp(-apart)) if abs(apart) >= max(LEAST, CHANCE * error) else None


def strength(accuracy: Accuracy | None, support: Cell, local: LocalAdverts | None) -> Strength:
    """The word by the module's rule. accuracy: of the worst axis."""
    rough = [*_rough_support(support, local), *_outside(accuracy, _ROUGH)]
    if rough:
        return Strength(word="rough", reasons=tuple(rough))
    assert accuracy is not None
    missing = _outside(accuracy, _STRONG)
    if support.level not in CLOSE:
        missing.append("few adverts have this very title, level and country")
    if missing:
        return Strength(word="fair", reasons=tuple(missing))
    tested = f"ranges of the same procedure that held when tested on {accuracy.tested}"
    return Strength(word="strong", reasons=(f"{support.postings:,} different adverts of this kind, and {tested}",))


def of_internship(found: Strength) -> Strength:
    """The word where the job is an internship."""
    kept = found.reasons if found.word == "rough" and NOT_A_YEAR not in found.reasons else ()
    return Strength(word="rough", reasons=(NOT_A_YEAR, *kept))


def at_place(found: Strength, place: PlaceFactor) -> Strength:
    """The word with the factor of a town or state: never strong, by what was measured with such factors."""
    measured = (
        f"with the factor of a town or state, the 90 % range held {of_100(place.held_90)} of 100 of {place.held_postings:,} "
        "adverts of 2023, which the factor was fitted on; the model's own test knows no towns"
    )
    if found.word == "strong":
        return Strength(word="fair", reasons=(measured,))
    return Strength(word=found.word, reasons=(*found.reasons, measured))


def _rough_support(support: Cell, local: LocalAdverts | None) -> list[str]:
    found = []
    if support.level not in IN_COUNTRY or support.postings < ENOUGH:
        found.append("we know few such jobs in this country, so this leans on similar ones")
    if local is not None:
        found.append(f"the {local.cell.postings:,} adverts with the {local.cell.level} say something else")
    return found


def _outside(accuracy: Accuracy | None, limits: _Limits) -> list[str]:
    """Which of the measured figures lie outside limits, in words."""
    if accuracy is None:
        return ["nothing was tested for such jobs"]
    found = []
    for percent, name, (least, most) in ((90, "9-in-10", limits.held_90), (50, "half", limits.held_50)):
        if not least <= (held := accuracy.coverage[percent]) <= most:
            found.append(f"the {name} range held {of_100(held)} of 100 when tested")
    if abs(accuracy.mean_error_log) > limits.off:
        found.append(f"answers were {off_text(accuracy.mean_error_log)} on the whole")
    if accuracy.percentile_error > limits.place:
        found.append(f"where a figure stands among 100 was off {up_to_of_100(accuracy.percentile_error)}")
    return [f"for {accuracy.jobs}, {'; '.join(found)}"] if found else []
