"""What a job pays, for one job (`Answer`) and for many (`Answers`): figures in USD, refusals, support, notes.

Every door of the product formats these; `Predictor.answer` and `Predictor.answer_many` make them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from math import expm1, log
from statistics import NormalDist
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import InputError
from mlpaygrade.forecast import remarks
from mlpaygrade.forecast.accuracy import Accuracy, accuracies
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.forecast.calibration import INTERVALS, LocalMove
from mlpaygrade.forecast.distribution import (
    LEVEL_WEIGHTS,
    LEVELS,
    MEDIAN,
    TARGETS,
    WIDENING,
    ErrorBudget,
    Prediction,
    Target,
    error_budget,
)
from mlpaygrade.forecast.evidence import Cell, Closest, most_specific, nearby
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.forecast.refusal import disagreement, refusals
from mlpaygrade.forecast.strength import (
    LocalAdverts,
    Strength,
    at_place,
    local_disagreement,
    of_internship,
    strength,
    worst,
)
from mlpaygrade.job.fields import FEATURES, LOCATION, RESIDENCE, TITLE, YEAR, Job, job_of
from mlpaygrade.job.places import HOME, country
from mlpaygrade.job.reading import INTERNSHIP, is_internship
from mlpaygrade.job.titles import canonical_title
from mlpaygrade.money.ageing import Ageing, ageing_factor
from mlpaygrade.money.place import PlaceFactor, place_factor
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering.words import job_text, place_text, terms_text

FIGURES: Final = ("estimate_usd", "band_low_usd", "band_high_usd", "lower_90_usd", "upper_90_usd")
"""Figures that every table of answers has: typical pay, the two ends of the typical band, the 90 % interval of one figure."""

LEAST_MOVE: Final = 0.02
"""A smaller move towards local adverts, log dollars, is made without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one job pays, in USD a year.

    estimate_usd: typical pay of one advertised figure (geometric mean). band_low_usd, band_high_usd: the typical advertised band.
    intervals_usd: percent -> (low, high) of one figure drawn from the market.
    band_ends_90_usd: "low" and "high" -> 90 % interval of that end of the band.
    log_quantiles: float32 (3, 23), the calibrated distribution by `TARGETS` and `LEVELS`, log1p USD.
    error_budget: what part of the spread of one figure is the band, the market, the model; None where the network has a single
        member, so that nothing tells what it does not know.
    support: the adverts of the training data that it rests on. closest: how far the job lies from the training data.
    accuracy: what was measured for jobs like it, the worst of several axes; None where nothing was, and with a town or state,
        which the test does not know. strength: a word for that, by a published rule.
    warnings: what contradicts the answer, to be said first. notes: how the job was read.
    newest_advert: the day of the newest advert that the model knows, or its year where no day is known.
    market_day: the day that the figures speak of. aged: how they were carried to a later month, None where they were not.
    local: by how much the adverts of the same title and country moved the network's estimate, None where they did not.
    place: the town or state whose factor the figures hold, None where they are the country's.
    not_enough_data: why there is no answer worth giving, None where there is one. `to_json` then gives no figures, and
        `nearest` is the most similar job that can be answered.
    disagreement: standard deviation of the network's members, log dollars.
    nearby: adverts of the country to show beside the figure, None where there are too few. newest_day: of the newest advert.
    tested_months: the greatest age at which answers were tested, None where age was not.
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
    accuracy: Accuracy | None
    strength: Strength
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    newest_advert: str
    market_day: date
    place: PlaceFactor | None
    model: Mapping[str, Any]
    log_quantiles: NDArray[np.float32]
    disagreement: float
    not_enough_data: str | None
    nearest: Job | None
    aged: Ageing | None = None
    local: LocalMove | None = None
    nearby: Cell | None = None
    newest_day: date | None = None
    tested_months: int | None = None

    @property
    def adverts_beside(self) -> remarks.AdvertsBeside | None:
        """The adverts of the country to show beside the figure, and how the country's figure lies beside them."""
        place, aged = self.place.factor if self.place else 1.0, self.aged.factor if self.aged else 1.0
        return remarks.adverts_beside(self.nearby, self.estimate_usd / place / aged, self.job.location)

    @property
    def apart(self) -> str | None:
        """By how much the country's figure lies apart from those adverts, in a sentence; None where it does not."""
        return self.adverts_beside.said if self.adverts_beside else None

    @property
    def said_first(self) -> tuple[str, ...]:
        """What stands before the figure: what contradicts it, and of a rough answer how far the nearest adverts lie from it."""
        return (*self.warnings, *filter(None, [self.apart if self.strength.word == "rough" else None]))

    @property
    def where(self) -> str:
        """The job's place in words: the country, or the town or state whose factor the figures hold."""
        return place_text(self.job) if self.place is None else f"{self.place.name}, {place_text(self.job)}"

    @property
    def job_text(self) -> str:
        """The job with its place in plain words on one line."""
        return f"{self.job.title}, {self.where}: {terms_text(self.job)}"

    @property
    def age_text(self) -> str:
        """When the newest advert appeared, and how old it is today: "January 2025 (22 months old, older than we tested)"."""
        if self.newest_day is None:
            return self.newest_advert
        today = datetime.now(UTC).date()
        return f"{self.newest_advert} ({remarks.how_old(self.newest_day, self.tested_months, today)})"

    @property
    def network_usd(self) -> float:
        """Typical pay as the network alone says it, before local adverts moved it."""
        return self.estimate_usd if self.local is None else self.local.before_usd(self.estimate_usd)

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
            raise InputError(f"There is no estimate to build on, not enough data: {self.not_enough_data}.{nearest}")

    def percentile(self, usd: float) -> float:
        """Share of the advertised figures for such a job that lie below an amount, in [0.01, 0.99]."""
        return percentile(self.log_quantiles[TARGETS.index("any")], usd)

    def with_reading(self, read: ReadJob) -> "Answer":
        """The answer with what its reading gave rise to, said before its own remarks."""
        return replace(
            self,
            warnings=tuple(dict.fromkeys((*read.warnings, *self.warnings))),
            notes=tuple(dict.fromkeys((*read.notes, *self.notes))),
            strength=of_internship(self.strength) if INTERNSHIP in read.warnings else self.strength,
        )

    def at_place(self, place: PlaceFactor) -> "Answer":
        """The same job in a town or state of its country: figures times the place's factor, ranges wider by its own doubt."""
        log_quantiles = _moved(self.log_quantiles, log(place.factor), place.log_error)
        return replace(
            self,
            estimate_usd=self.estimate_usd * place.factor,
            log_quantiles=log_quantiles,
            place=place,
            error_budget=None,
            accuracy=None,
            strength=at_place(self.strength, place),
            **_figures_of(log_quantiles),
        )

    def at(self, place_text: str) -> "Answer":
        """The same job in a named town or state of the United States; itself for remote work or the country as a whole.

        Raises InputError for other countries, and for what is no such place.
        """
        found = place_of(self.job, place_text)
        return self if found is None else self.at_place(found)

    def aged_to(self, month: str) -> "Answer":
        """The same job with pay carried to a later month ("2026-11") by the growth of posted wages in its country: a scenario.

        Raises InputError for a country whose growth is not known, and for a month before the figures'.
        """
        aged = ageing_factor(self.job.location, f"{self.market_day:%Y-%m}", month)
        log_quantiles = _moved(self.log_quantiles, log(aged.factor), 0.0)
        return replace(
            self,
            estimate_usd=self.estimate_usd * aged.factor,
            log_quantiles=log_quantiles,
            aged=aged,
            error_budget=None,
            **_figures_of(log_quantiles),
        )

    def in_terms(self, terms: PayTerms) -> dict[str, object]:
        """The figures in a currency and period as plain JSON, with the rate's day."""
        amount = terms.of_usd
        return {
            "currency": terms.currency,
            "period": terms.period,
            "salaries_a_year": terms.salaries,
            "rate_day": None if terms.rate.day is None else terms.rate.day.isoformat(),
            "estimate": round(amount(self.estimate_usd), 2),
            "band": [round(amount(usd), 2) for usd in (self.band_low_usd, self.band_high_usd)],
            "intervals": {
                str(percent): [round(amount(usd), 2) for usd in ends] for percent, ends in self.intervals_usd.items()
            },
        }

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
            "accuracy": None if self.accuracy is None else asdict(self.accuracy),
            "strength": self.strength.to_json(),
            "local_adverts": None
            if self.local is None
            else {
                "postings": self.local.postings,
                "network_alone_usd": round(self.network_usd),
                "apart": round(expm1(self.local.apart_log), 4),
                "moved": round(expm1(self.local.move_log), 4),
            },
            "adverts_beside": None if self.adverts_beside is None else self.adverts_beside.to_json(),
            "adverts_up_to": self.newest_advert,
            "place": None if self.place is None else {"name": self.place.name, "factor": round(self.place.factor, 4)},
            **({} if self.aged is None else {"aged": asdict(self.aged)}),
            "not_enough_data": self.not_enough_data,
            "nearest_job": None if self.nearest is None else self.nearest.fields(),
            "model": dict(self.model),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }
        figures = (
            "estimate_usd",
            "mean_usd",
            "band_usd",
            "intervals_usd",
            "band_ends_90_usd",
            "error_budget",
            "strength",
            "local_adverts",
            "adverts_beside",
        )
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
        return refusals(
            self.jobs[TITLE].tolist(),
            self.disagreement.tolist(),
            encoder=self.bundle.encoder,
            adverts=self.bundle.evidence.adverts,
            limit=self.bundle.abstention.limit,
        )

    @cached_property
    def support(self) -> list[Cell]:
        """The training postings that each answer rests on; n of them."""
        return [most_specific(cells) for cells in self.cells]

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """The matching training postings of each job, the most specific first; n lists."""
        matching = self.bundle.evidence.matching
        return [matching(self.fields(n)) for n in range(len(self))]

    def fields(self, n: int) -> dict[str, object]:
        """One job as dataset columns."""
        return {column: self.jobs[column][n] for column in FEATURES}

    @cached_property
    def local(self) -> list[LocalAdverts | None]:
        """The adverts close to each job that say something else than the model says of them, n of them; None where none do."""
        return [local_disagreement(cells) for cells in self.cells]

    @cached_property
    def internships(self) -> list[bool]:
        """Whether each title names an internship, n of them."""
        known = {title: is_internship(str(title)) for title in set(self.jobs[TITLE])}
        return [known[title] for title in self.jobs[TITLE]]

    @cached_property
    def moves(self) -> list[LocalMove | None]:
        """By how much local adverts moved each estimate, n of them; None where they did not, by LEAST_MOVE or more."""
        found = self.bundle.local.of(self.jobs)
        return [move if move and abs(move.move_log) >= LEAST_MOVE else None for move in found]

    @cached_property
    def accuracies(self) -> list[Accuracy | None]:
        """What was measured for jobs like each of them: the worst axis; n of them."""
        return [self._accuracy(n) for n in range(len(self))]

    def _accuracy(self, n: int) -> Accuracy | None:
        groups, fields = self.bundle.evaluation.get("groups", {}), self.fields(n)
        unseen = canonical_title(str(fields[TITLE])) not in self.bundle.evidence.adverts
        return worst(accuracies(groups, fields, support=self.support[n].level, unseen=unseen))

    def strength(self, n: int) -> Strength:
        """How strong one of the answers is."""
        found = strength(self.accuracies[n], self.support[n], self.local[n])
        return of_internship(found) if self.internships[n] else found

    @cached_property
    def warnings(self) -> list[tuple[str, ...]]:
        """What contradicts each answer, n of them: local adverts, values that the data hardly hold, figures that do not fit.

        Of a refused job nothing is said: its figures are not shown.
        """
        low, high = self.band_usd
        apart = (self.estimate_usd < low) | (self.estimate_usd > high)
        encoder = self.bundle.encoder
        return [
            ()
            if refusal is not None
            else (
                *((INTERNSHIP,) if self.internships[n] else ()),
                *remarks.moved(self.moves[n], float(self.estimate_usd[n]), self.jobs[LOCATION][n]),
                *remarks.contradicted(self.local[n]),
                *remarks.hardly_known((self.jobs[LOCATION][n], self.jobs[RESIDENCE][n]), known=encoder.known_countries),
                *remarks.later_year(self.jobs[YEAR][n], newest=encoder.newest_year),
                *((remarks.APART,) if apart[n] else ()),
            )
            for n, refusal in enumerate(self.refusals)
        ]

    @cached_property
    def _age(self) -> "_Age":
        """What every answer of the bundle says of its age."""
        day, newest = self.bundle.provenance.get("newest_day"), newest_advert(self.bundle.provenance)
        return {
            "newest_day": None if day is None else date.fromisoformat(str(day)),
            "newest_advert": newest,
            "tested_months": remarks.tested_age(self.bundle.ageing),
            "notes": remarks.age_note(self.bundle.ageing, newest=newest),
        }

    def one(self, n: int, *, read: ReadJob | None = None, nearest: Job | None = None) -> Answer:
        """The answer to one of the jobs. read: how it was read. nearest: a job to ask about instead, where it is refused."""
        fields = self.fields(n)
        usd = float(self.estimate_usd[n])
        return Answer(
            job=job_of(fields),
            estimate_usd=usd,
            **_figures_of(self.prediction.log_quantiles[n]),
            error_budget=_budget(self.prediction.take(slice(n, n + 1)), usd),
            support=self.support[n],
            closest=self.bundle.evidence.closest(fields),
            accuracy=self.accuracies[n],
            strength=self.strength(n),
            warnings=self.warnings[n],
            local=self.moves[n],
            nearby=nearby(self.cells[n]),
            **self._age,
            market_day=market_day(self.bundle, int(self.jobs[YEAR][n])),
            place=None,
            model=self.model,
            log_quantiles=self.prediction.log_quantiles[n],
            disagreement=float(self.disagreement[n]),
            not_enough_data=self.refusals[n],
            nearest=nearest,
        ).with_reading(read or ReadJob(job=job_of(fields)))


def newest_advert(provenance: Mapping[str, Any]) -> str:
    """The day of the newest advert that a bundle knows in words, or its newest work year where no day is known."""
    if day := provenance.get("newest_day"):
        return f"{date.fromisoformat(day):%B %Y}"
    return str(provenance["trained_through"])


def market_day(bundle: Bundle, year: int | None = None) -> date:
    """The day that figures of a year speak of: the newest advert's day for the newest year, else mid-year."""
    newest = int(bundle.encoder.newest_year)
    if (year is None or year >= newest) and (day := bundle.provenance.get("newest_day")):
        return date.fromisoformat(str(day))
    return date(min(year or newest, newest), 7, 1)


def _moved(log_quantiles: NDArray[np.float32], shift: float, log_error: float) -> NDArray[np.float32]:
    """A distribution moved and widened by an independent normal error, each quantile about its median; (3, 23)."""
    middle = log_quantiles[:, MEDIAN : MEDIAN + 1].astype(np.float64)
    distance = log_quantiles - middle
    error = np.array([NormalDist().inv_cdf(float(level)) for level in LEVELS]) * log_error
    moved: NDArray[np.float32] = (middle + shift + np.sign(distance) * np.hypot(distance, error)).astype(np.float32)
    return moved


class _Age(TypedDict):
    newest_day: date | None
    newest_advert: str
    tested_months: int | None
    notes: tuple[str, ...]


class _Figures(TypedDict):
    band_low_usd: float
    band_high_usd: float
    intervals_usd: Mapping[int, tuple[float, float]]
    band_ends_90_usd: Mapping[str, tuple[float, float]]


def _figures_of(log_quantiles: NDArray[np.float32]) -> _Figures:
    """The figures of `Answer` that follow from one job's distribution, (3, 23)."""
    low, high, any_end = (
        np.expm1(log_quantiles[TARGETS.index(target)].astype(np.float64)).tolist() for target in ("low", "high", "any")
    )
    first, last = INTERVALS[90]
    return {
        "band_low_usd": low[MEDIAN],
        "band_high_usd": max(low[MEDIAN], high[MEDIAN]),
        "intervals_usd": {percent: (any_end[a], any_end[b]) for percent, (a, b) in INTERVALS.items()},
        "band_ends_90_usd": {"low": (low[first], low[last]), "high": (high[first], high[last])},
    }


def place_of(job: Job, place_text: str) -> PlaceFactor | None:
    """What a named town or state does to a job's pay; None for remote work and for the country as a whole.

    Raises InputError for a job outside the United States, and for what is no such place.
    """
    if job.location != HOME:
        name = country(job.location).name
        raise InputError(
            f"What a place within a country does to pay is known for the United States only; got '{place_text}' in {name}. "
            "Leave the place out."
        )
    return place_factor(place_text, remote_ratio=job.remote)


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
