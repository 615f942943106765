"""Does a factor for place lower the error on independent postings? Measured, and fitted, on US postings with a place.

What is fitted (slope, centre) is cross-validated in five folds by employer, so that no employer teaches its own pay. The
error is judged twice: plain, and debiased (the mean error of the training folds removed), as the sources differ in level.
"""

import csv
import dataclasses
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.money.place import log_ratio_of
from research.external import Observed, answers, log_pay, postings_2023

FIT_TABLE: Final = Path("src") / "mlpaygrade" / "money" / "tables" / "us_place_fit.csv"
FOLDS: Final = 5
BANDS: Final = (0.5, 0.9, 0.95, 1.0, 1.1, 1.5)
DRAWS: Final = 400
FEWEST_EMPLOYERS: Final = 15
"""An area counts in the spread between areas with at least this many employers."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFit:
    """log factor = slope (log ratio - centre); between_areas: spread of areas around it, beyond chance, in the log.

    held_90: share of held_postings inside the 90 % range with the factor, cross-validated.
    """

    slope: float
    centre: float
    between_areas: float
    held_90: float
    held_postings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BandOfPlaces:
    """Postings whose factor lies between two: how many, and the share inside the 90 % range without and with the factor."""

    low: float
    high: float
    postings: int
    coverage_90: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTrial:
    """Errors in the log without and with the factor. change: of the debiased error, with its 90 % range over employers."""

    postings: int
    employers: int
    areas: int
    debiased: tuple[float, float]
    change: float
    change_range: tuple[float, float]
    plain: tuple[float, float]
    coverage_90: tuple[float, float]
    bands: tuple[BandOfPlaces, ...]
    fit: PlaceFit


def measure_place(path: Path, *, predictor: Predictor | None = None, hourly: bool = False) -> PlaceTrial:
    """The trial on US postings with a known place, not remote. path: postings of 2023. hourly: with those paid by the hour."""
    predictor = predictor or Predictor.load()
    jobs = [job for job in postings_2023(path) if job.country == "US" and not job.remote and (job.yearly or hourly)]
    found = {place: log_ratio_of(place) for place in {job.place for job in jobs}}
    jobs = [job for job in jobs if found[job.place] is not None]
    located = [place for job in jobs if (place := found[job.place]) is not None]
    given = answers(predictor, jobs)
    pay, ratio = log_pay(jobs), np.array([one for one, _ in located])
    error = pay - given.log_typical
    folds = np.array([zlib.crc32(job.employer.encode()) % FOLDS for job in jobs])
    factor, base, rest = _cross_validated(ratio, error, folds)
    inside = (given.log_low <= pay) & (pay <= given.log_high)
    inside_with = (given.log_low + factor <= pay) & (pay <= given.log_high + factor)
    return PlaceTrial(
        postings=len(jobs),
        employers=len({job.employer for job in jobs}),
        areas=len({code for _, code in located}),
        debiased=(_rms(base), _rms(rest)),
        change=_rms(rest) / _rms(base) - 1,
        change_range=_change_range(base, rest, jobs),
        plain=(_rms(error), _rms(error - factor)),
        coverage_90=(float(inside.mean()), float(inside_with.mean())),
        bands=tuple(_bands(factor, inside, inside_with)),
        fit=_fit(ratio, error, jobs, [code for _, code in located], held_90=float(inside_with.mean())),
    )


def write_fit(fit: PlaceFit, path: Path = FIT_TABLE) -> None:
    """Write the fitted values where the package reads them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "value", "source"])
    for name, value in dataclasses.asdict(fit).items():
        writer.writerow([name, f"{value:.4f}".removesuffix(".0000"), "research/place.py on US postings of 2023"])
    path.write_text(out.getvalue(), encoding="utf-8")


def place_text(trial: PlaceTrial) -> str:
    """The trial in words."""
    low, high = trial.change_range
    return "\n".join(
        [
            f"US postings of 2023 with a known place, not remote: {trial.postings:,} of {trial.employers:,} employers in "
            f"{trial.areas} areas; five folds by employer",
            f"  error (RMS, log), mean error removed: {trial.debiased[0]:.4f} without, {trial.debiased[1]:.4f} with the factor "
            f"({trial.change:+.1%}; 90 % of draws of employers: {low:+.1%} to {high:+.1%})",
            f"  error (RMS, log), as it is:           {trial.plain[0]:.4f} without, {trial.plain[1]:.4f} with",
            f"  inside the 90 % range:                {trial.coverage_90[0]:.1%} without, {trial.coverage_90[1]:.1%} with",
            *(
                f"    factor {band.low:.2f} to {band.high:.2f}: {band.postings:>6,} postings, {band.coverage_90[0]:.1%} without, "
                f"{band.coverage_90[1]:.1%} with"
                for band in trial.bands
            ),
            f"  fitted on all: slope {trial.fit.slope:.3f}, centre {trial.fit.centre:.3f}, "
            f"between areas {trial.fit.between_areas:.3f}",
        ]
    )


def _bands(factor: Array, inside: NDArray[np.bool_], inside_with: NDArray[np.bool_]) -> Iterator[BandOfPlaces]:
    for low, high in pairwise(BANDS):
        within = (low <= np.exp(factor)) & (np.exp(factor) < high)
        if within.any():
            covered = (float(inside[within].mean()), float(inside_with[within].mean()))
            yield BandOfPlaces(low=low, high=high, postings=int(within.sum()), coverage_90=covered)


def _line(ratio: Array, error: Array) -> tuple[float, float]:
    """Slope of the errors on the log ratios, and the mean ratio."""
    centred = ratio - ratio.mean()
    return float(centred @ error / (centred @ centred)), float(ratio.mean())


def _cross_validated(ratio: Array, error: Array, folds: NDArray[np.int_]) -> tuple[Array, Array, Array]:
    """The factor in the log, and what is left of the error without and with it, each from the other folds."""
    factor, base, rest = np.empty_like(error), np.empty_like(error), np.empty_like(error)
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        slope, centre = _line(ratio[outside], error[outside])
        mean = error[outside].mean()
        factor[inside] = slope * (ratio[inside] - centre)
        base[inside] = error[inside] - mean
        rest[inside] = base[inside] - factor[inside]
    return factor, base, rest


def _fit(ratio: Array, error: Array, jobs: Sequence[Observed], codes: Sequence[str], *, held_90: float) -> PlaceFit:
    slope, centre = _line(ratio, error)
    rest = error - error.mean() - slope * (ratio - centre)
    return PlaceFit(
        slope=slope,
        centre=centre,
        between_areas=_between_areas(rest, jobs, codes),
        held_90=held_90,
        held_postings=len(jobs),
    )


def _between_areas(rest: Array, jobs: Sequence[Observed], codes: Sequence[str]) -> float:
    """Spread of areas' mean errors beyond chance: method of moments over employers' means."""
    by_area: dict[str, dict[str, list[float]]] = {}
    for one, job, code in zip(rest, jobs, codes, strict=True):
        by_area.setdefault(code, {}).setdefault(job.employer, []).append(float(one))
    means = [np.array([np.mean(some) for some in employers.values()]) for employers in by_area.values()]
    large = [one for one in means if len(one) >= FEWEST_EMPLOYERS]
    if len(large) < 2:
        return 0.0
    weights = np.array([len(one) for one in large], dtype=np.float64)
    centres = np.array([one.mean() for one in large])
    chance = np.array([one.var(ddof=1) / len(one) for one in large])
    apart = (centres - np.average(centres, weights=weights)) ** 2 - chance
    return float(np.sqrt(max(0.0, np.average(apart, weights=weights))))


def _change_range(base: Array, rest: Array, jobs: Sequence[Observed]) -> tuple[float, float]:
    """5 % and 95 % of the change of the error over draws of employers."""
    employers = {employer: at for at, employer in enumerate(dict.fromkeys(job.employer for job in jobs))}
    index = np.array([employers[job.employer] for job in jobs])
    sums = [np.bincount(index, weights=one**2, minlength=len(employers)) for one in (base, rest)]
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(employers), (DRAWS, len(employers)))
    changes = np.sqrt(sums[1][drawn].sum(axis=1) / sums[0][drawn].sum(axis=1)) - 1
    low, high = np.quantile(changes, [0.05, 0.95])
    return float(low), float(high)


def _rms(error: Array) -> float:
    return float(np.sqrt(np.mean(error**2)))
