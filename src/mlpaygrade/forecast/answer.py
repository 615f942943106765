"""What a job pays, for one job (`Answer`) and for many (`Answers`): figures in USD, refusals, support, notes.

Every door of the product formats these; `Predictor.answer` and `Predictor.answer_many` make them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.differences import WIDENING
from mlpaygrade.forecast.distribution import LEVEL_WEIGHTS, LEVELS, MEDIAN, TARGETS, Prediction, Target
from mlpaygrade.forecast.error_budget import ErrorBudget, error_budget
from mlpaygrade.forecast.evidence import Cell, Closest
from mlpaygrade.forecast.refusal import disagreement, spread_refusal, title_refusal
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import FEATURES, LOCATION, RESIDENCE, TITLE, YEAR, Job, job_of
from mlpaygrade.rendering.words import job_text

FIGURES: Final = ("estimate_usd", "band_low_usd", "band_high_usd", "lower_90_usd", "upper_90_usd")
"""Figures that every table of answers has: typical pay, the two ends of the typical band, the 90 % interval of one figure."""

APART: Final = (
    "typical pay: it lies outside the typical band. The band is learnt from postings that show both ends, typical pay from all; "
    "where few such jobs are posted they can part. The interval of one figure is the safer guide."
)
"""Note where the three questions have answers that do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one job pays, in USD a year.

    estimate_usd: typical pay of one advertised figure (geometric mean). band_low_usd, band_high_usd: the typical advertised band.
    intervals_usd: percent -> (low, high) of one figure drawn from the market.
    band_ends_90_usd: "low" and "high" -> 90 % interval of that end of the band.
    log_quantiles: float32 (3, 23), the calibrated distribution by `TARGETS` and `LEVELS`, log1p USD.
    error_budget: what part of the spread of one figure is the band, the market, the model; None where the network has a single
        member, so that nothing tells what it does not know.
    support: the training postings that it rests on. closest: how far the job lies from the training data.
    notes: how the job was read and what limits the answer.
    not_enough_data: why there is no answer worth giving, None where there is one. `to_json` then gives no figures, and
        `nearest` is the most similar job that can be answered.
    disagreement: standard deviation of the network's members, log dollars.
    """

    job: Job
    estimate_usd: float
    band_low_usd: float
    band_high_usd: float
    intervals_usd: Mapping[int, tuple[float, float]]
    band_ends_90_usd: Mapping[str, tuple[float, float]]
    error_budget: ErrorBudget | None
    support: Cell
    closest: Closest
    notes: tuple[str, ...]
    model: Mapping[str, Any]
    log_quantiles: NDArray[np.float32]
    disagreement: float
    not_enough_data: str | None
    nearest: Job | None

    @property
    def mean_usd(self) -> float:
        """Mean pay of one advertised figure: what many such figures cost on average, above the typical pay where pay is skewed.

        Integrated over `LEVELS`; what lies beyond the outermost ones is left out.
        """
        return float(np.expm1(self.log_quantiles[TARGETS.index("any")].astype(np.float64)) @ LEVEL_WEIGHTS)

    def require_answer(self) -> None:
        """Raises InputError, with the nearest job that can be answered, where this is "not enough data"."""
        if self.not_enough_data is not None:
            nearest = f" The nearest job that can be answered: {job_text(self.nearest)}." if self.nearest else ""
            raise InputError(f"There is no estimate to build on: {self.not_enough_data}.{nearest}")

    def percentile(self, usd: float) -> float:
        """Share of the advertised figures for such a job that lie below an amount, in [0.01, 0.99]."""
        return percentile(self.log_quantiles[TARGETS.index("any")], usd)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON, whole dollars."""
        answered = self.not_enough_data is None
        intervals = {str(p): [round(low), round(high)] for p, (low, high) in self.intervals_usd.items()}
        document = {
            "job": self.job.fields(),
            "estimate_usd": round(self.estimate_usd),
            "mean_usd": round(self.mean_usd),
            "band_usd": {"low": round(self.band_low_usd), "high": round(self.band_high_usd)},
            "intervals_usd": intervals,
            "band_ends_90_usd": {end: [round(x) for x in ends] for end, ends in self.band_ends_90_usd.items()},
            "error_budget": None if self.error_budget is None else self.error_budget.to_json(),
            "support": {
                "postings": self.support.postings,
                "level": self.support.level,
                "closest_differs_in": list(self.closest.differs),
                "closest_postings": self.closest.postings,
                "disagreement_log": round(self.disagreement, 4),
            },
            "not_enough_data": self.not_enough_data,
            "nearest_job": None if self.nearest is None else self.nearest.fields(),
            "model": dict(self.model),
            "notes": list(self.notes),
        }
        figures = ("estimate_usd", "mean_usd", "band_usd", "intervals_usd", "band_ends_90_usd", "error_budget")
        return document if answered else document | dict.fromkeys(figures)


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """What n jobs pay, column by column. Everything but the prediction is worked out when it is first asked for.

    jobs: the dataset's feature columns, codes, each (n,). prediction: calibrated. model: what every answer says of its model.
    """

    jobs: Mapping[str, NDArray[np.object_]]
    prediction: Prediction
    bundle: Bundle
    model: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.prediction)

    @cached_property
    def estimate_usd(self) -> NDArray[np.float64]:
        """Typical pay, float64 (n,)."""
        return np.asarray(np.expm1(self.prediction.log_estimate))

    def quantiles_usd(self, target: Target) -> NDArray[np.float64]:
        """Quantiles of one target by `LEVELS`, USD, float64 (n, 23)."""
        return np.asarray(np.expm1(self.prediction.quantiles(target).astype(np.float64)))

    @cached_property
    def band_usd(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Low and high end of the typical advertised band, each float64 (n,); the high end is never below the low end."""
        low, high = (self.quantiles_usd(end)[:, MEDIAN] for end in ("low", "high"))
        return low, np.maximum(low, high)

    def interval_usd(self, percent: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Low and high end of a central interval of one figure, each float64 (n,)."""
        low, high = INTERVALS[percent]
        quantiles = self.quantiles_usd("any")
        return quantiles[:, low], quantiles[:, high]

    @cached_property
    def figures(self) -> Mapping[str, NDArray[np.float64]]:
        """`FIGURES` in USD, each float64 (n,), missing (NaN) where a job is refused."""
        lower, upper = self.interval_usd(90)
        values = dict(zip(FIGURES, (self.estimate_usd, *self.band_usd, lower, upper), strict=True))
        refused = np.array([reason is not None for reason in self.refusals], dtype=bool)
        return {name: np.where(refused, np.nan, usd) for name, usd in values.items()}

    @cached_property
    def disagreement(self) -> NDArray[np.float64]:
        """Standard deviation of the network's members, log dollars, float64 (n,)."""
        return disagreement(self.prediction)

    @cached_property
    def refusals(self) -> list[str | None]:
        """Why a job has no answer worth giving, None where it has one; n of them."""
        titles = self.jobs[TITLE]
        known = {title: title_refusal(title, self.bundle.encoder) for title in set(titles)}
        limit = self.bundle.abstention.limit
        return [
            known[title] or spread_refusal(spread, limit)
            for title, spread in zip(titles, self.disagreement.tolist(), strict=True)
        ]

    @cached_property
    def support(self) -> list[Cell]:
        """The training postings that each answer rests on; n of them."""
        support = self.bundle.evidence.support
        return [support(self.fields(n)) for n in range(len(self))]

    def fields(self, n: int) -> dict[str, Any]:
        """One job as dataset columns."""
        return {column: self.jobs[column][n] for column in FEATURES}

    @cached_property
    def notes(self) -> list[tuple[str, ...]]:
        """What limits each answer, n of them: values that the training data hardly hold, figures that do not fit together."""
        low, high = self.band_usd
        apart = (self.estimate_usd < low) | (self.estimate_usd > high)
        newest = self.bundle.encoder.newest_year
        return [
            (
                *self._unknown_countries(self.jobs[LOCATION][n], self.jobs[RESIDENCE][n]),
                *_later_year(self.jobs[YEAR][n], newest),
                *((APART,) if apart[n] else ()),
            )
            for n in range(len(self))
        ]

    def _unknown_countries(self, location: str, residence: str) -> list[str]:
        """A note for each of the two countries that the training data hardly hold."""
        return [
            f"{role}: {taxonomy.country(code).name} is hardly in the training data; "
            "it is read as its continent and income group."
            for role, code in {"location": location, "residence": residence}.items()
            if code not in self.bundle.encoder.known_countries and (role == "location" or residence != location)
        ]

    def one(self, n: int, *, notes: tuple[str, ...] = (), nearest: Job | None = None) -> Answer:
        """The answer to one of the jobs. notes: how it was read. nearest: a job to ask about instead, where it is refused."""
        fields = self.fields(n)
        low, high, any_end = (self.quantiles_usd(target)[n].tolist() for target in ("low", "high", "any"))
        first, last = INTERVALS[90]
        usd = float(self.estimate_usd[n])
        return Answer(
            job=job_of(fields),
            estimate_usd=usd,
            band_low_usd=float(self.band_usd[0][n]),
            band_high_usd=float(self.band_usd[1][n]),
            intervals_usd={percent: (any_end[a], any_end[b]) for percent, (a, b) in INTERVALS.items()},
            band_ends_90_usd={"low": (low[first], low[last]), "high": (high[first], high[last])},
            error_budget=_budget(self.prediction.take(slice(n, n + 1)), usd),
            support=self.bundle.evidence.support(fields),
            closest=self.bundle.evidence.closest(fields),
            notes=(*notes, *self.notes[n]),
            model=self.model,
            log_quantiles=self.prediction.log_quantiles[n],
            disagreement=float(self.disagreement[n]),
            not_enough_data=self.refusals[n],
            nearest=nearest,
        )


def _later_year(year: int, newest: int) -> tuple[str, ...]:
    if year <= newest:
        return ()
    return (f"year: {year} is later than the training data; it is answered as {newest}, the newest year.",)


def percentile(log_quantiles: NDArray[np.floating], usd: float) -> float:
    """Share of the predicted distribution below an amount, in [0, 1]; log_quantiles (23,), linear between levels.

    Beyond the outermost levels the answer stays at 0.01 or 0.99: the data cannot say more.
    """
    return float(np.interp(np.log1p(usd), log_quantiles.astype(np.float64), LEVELS.astype(np.float64)))


def _budget(prediction: Prediction, estimate_usd: float) -> ErrorBudget | None:
    """The error budget of the first job; the members' spread counts WIDENING times, as it does in differences.

    Measured for single estimates too (`benchmarks/explain_quality.py`, part "single"). What moves the whole market after training
    is in none of the members, and not in here.
    """
    members = prediction.log_members[0].astype(np.float64)
    if len(members) < 2:
        return None
    model_log = WIDENING * float(members.std(ddof=1))
    return error_budget(prediction.log_quantiles[0], estimate_usd=estimate_usd, model_log=model_log)
