"""The one inference path: jobs in, calibrated estimates out.

Enters: a job in words or codes, or columns of many jobs. Leaves: `Estimate`s in USD. Loads a bundle, runs its network in ONNX
Runtime, applies its calibration. Trains nothing and imports no training library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Self, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.forecast.bundle import Bundle, load_bundle
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.differences import WIDENING
from mlpaygrade.forecast.distribution import (
    LEVEL_WEIGHTS,
    LEVELS,
    MEDIAN,
    TARGETS,
    Prediction,
    concatenate,
)
from mlpaygrade.forecast.encode import Encoded, JobColumns
from mlpaygrade.forecast.error_budget import ErrorBudget, error_budget
from mlpaygrade.forecast.evidence import Cell, Closest
from mlpaygrade.forecast.groups import calibration_groups
from mlpaygrade.forecast.refusal import disagreement
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, FIRST_YEAR, LABELS, LAST_YEAR, REMOTE, SIZE, Job
from mlpaygrade.rendering.words import job_text

BATCH: Final = 2_048

DEFAULTS: Final[Mapping[str, Any]] = {REMOTE: 0, SIZE: "M", EMPLOYMENT: "FT"}
"""What a job is read as where a field is not given; every use is said in the notes."""


APART: Final = (
    "typical pay: it lies outside the typical band. The band is learnt from postings that show both ends, typical pay from all; "
    "where few such jobs are posted they can part. The interval of one figure is the safer guide."
)
"""Note where the three questions have answers that do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """A job as it was understood, with what had to be said about that."""

    job: Job
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job pays, in USD a year.

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
    predictor: "Predictor" = field(repr=False, compare=False)

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
        """The estimate as plain JSON, whole dollars."""
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


class Predictor:
    """Answers questions about pay from one bundle. Safe to share between threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.part("network.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises several classes that share no base of its own
            raise BundleError(f"The bundle's network in {bundle.path} cannot be opened: {error}") from error

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """Open a bundle folder; without one, the bundle inside the package. Raises BundleError."""
        return cls(load_bundle(None if path is None else Path(path)))

    @cached_property
    def known_titles(self) -> frozenset[str]:
        """Titles that the training data holds."""
        return frozenset(self.bundle.encoder.titles)

    @cached_property
    def _known_words(self) -> frozenset[str]:
        return frozenset(self.bundle.encoder.words)

    @cached_property
    def model(self) -> Mapping[str, Any]:
        """Version, data and measured coverage: what every answer says of its model.

        measured_band_coverage: share of low and of high ends inside their 90 % intervals. measured_percentile_error: how far a
        percentile was off at most, as a share. Both hold what was measured, nothing where nothing was.
        """
        provenance = self.bundle.provenance
        rows = self.bundle.evaluation.get("rows", {})
        ends = self.bundle.evaluation.get("postings", {})
        return {
            "version": provenance["version"],
            "trained_through": provenance["trained_through"],
            "data_sha256": provenance["data_sha256"],
            "synthetic": provenance["synthetic"],
            "measured_coverage": {
                "protocol": self.bundle.evaluation.get("protocol"),
                **{str(p): round(rows[f"coverage_{p}"], 3) for p in INTERVALS if f"coverage_{p}" in rows},
            },
            "measured_band_coverage": {
                end: round(ends[f"{end}_coverage_90"], 3) for end in ("low", "high") if f"{end}_coverage_90" in ends
            },
            "measured_percentile_error": round(rows["pit_deviation"], 3) if "pit_deviation" in rows else None,
        }

    def read_job(
        self,
        *,
        title: str,
        experience: str,
        location: str,
        residence: str | None = None,
        remote: int | str | None = None,
        size: str | None = None,
        employment: str | None = None,
        year: int | None = None,
    ) -> ReadJob:
        """Read a job given in words or codes. Raises InputError with rule, value and remedy; every other reading is noted."""
        notes: list[str] = []
        reading = taxonomy.resolve_title(title, known=self.known_titles)
        if reading.note:
            notes.append(reading.note)
        place = self._country(location, "location", notes)
        home = place if residence is None else self._country(residence, "residence", notes)
        codes = {
            EXPERIENCE: _code(EXPERIENCE, experience, notes),
            REMOTE: _code(REMOTE, remote, notes),
            SIZE: _code(SIZE, size, notes),
            EMPLOYMENT: _code(EMPLOYMENT, employment, notes),
        }
        job = Job(
            title=reading.title,
            location=place,
            residence=home,
            experience=codes[EXPERIENCE],
            remote=codes[REMOTE],
            size=codes[SIZE],
            employment=codes[EMPLOYMENT],
            year=self._year(year, notes),
        )
        for role, code in {"location": place, "residence": home}.items():
            if code not in self.bundle.encoder.countries and (role == "location" or home != place):
                known = taxonomy.country(code)
                notes.append(
                    f"{role}: {known.name} is hardly in the training data; it is read as its continent and income group."
                )
        return ReadJob(job=job, notes=tuple(notes))

    def estimate(self, job: Job | ReadJob) -> Estimate:
        """The estimate for one job."""
        read = job if isinstance(job, ReadJob) else ReadJob(job=job, notes=())
        fields = read.job.fields()
        prediction = self.predict({column: [value] for column, value in fields.items()})
        one = prediction.quantiles("any")[0].astype(np.float64)
        low = np.expm1(prediction.quantiles("low")[0].astype(np.float64))
        high = np.expm1(prediction.quantiles("high")[0].astype(np.float64))
        floor, ceiling = INTERVALS[90]
        spread = float(disagreement(prediction)[0])
        refusal = self.refusal(read.job.title, spread)
        estimate_usd = float(np.expm1(prediction.log_estimate[0]))
        notes = read.notes if low[MEDIAN] <= estimate_usd <= high[MEDIAN] else (*read.notes, APART)
        return Estimate(
            job=read.job,
            estimate_usd=estimate_usd,
            band_low_usd=float(low[MEDIAN]),
            band_high_usd=float(max(high[MEDIAN], low[MEDIAN])),
            intervals_usd={p: (float(np.expm1(one[a])), float(np.expm1(one[b]))) for p, (a, b) in INTERVALS.items()},
            band_ends_90_usd={
                "low": (float(low[floor]), float(low[ceiling])),
                "high": (float(high[floor]), float(high[ceiling])),
            },
            error_budget=_budget(prediction, estimate_usd),
            support=self.bundle.evidence.support(fields),
            closest=self.bundle.evidence.closest(fields),
            notes=notes,
            model=self.model,
            log_quantiles=prediction.log_quantiles[0],
            disagreement=spread,
            not_enough_data=refusal,
            nearest=None if refusal is None else self._nearest(read.job),
            predictor=self,
        )

    def refusal(self, title: str, spread: float) -> str | None:
        """Why a job has no answer worth giving, None where it has one. spread: disagreement of the members, log dollars."""
        if not self._title_known(title):
            return (
                f"not enough data: neither the title '{title}' nor any of its words stands in the training data, "
                "so nothing is known about such a job"
            )
        if spread > (limit := self.bundle.abstention.limit):
            return (
                f"not enough data: the network's members differ by {spread:.0%} about such a job, and its intervals were "
                f"tested only up to {limit:.0%}"
            )
        return None

    def _title_known(self, title: str) -> bool:
        return title in self.known_titles or not self._known_words.isdisjoint(taxonomy.title_words(title))

    def _nearest(self, job: Job) -> Job | None:
        """The job with the fewest fields changed, each to what is commonest, that can be answered."""
        known = self.known_titles
        near = taxonomy.suggest_titles(job.title, known=known, limit=1) or taxonomy.suggest_titles(
            "", known=known, limit=1
        )
        changes: list[dict[str, Any]] = [
            {"title": near[0]},
            {"residence": job.location},
            {"employment": DEFAULTS[EMPLOYMENT], "size": DEFAULTS[SIZE], "remote": DEFAULTS[REMOTE]},
            {"location": "US", "residence": "US"},
        ]
        for count in range(1, len(changes) + 1):
            for chosen in combinations(changes, count):
                candidate = replace(job, **{name: value for change in chosen for name, value in change.items()})
                columns = {column: [value] for column, value in candidate.fields().items()}
                spread = float(disagreement(self.predict(columns))[0])
                if candidate != job and self.refusal(candidate.title, spread) is None:
                    return candidate
        return None

    def predict(self, jobs: JobColumns) -> Prediction:
        """Calibrated predictions for n jobs given as dataset columns in codes (years may be later than training)."""
        encoder = self.bundle.encoder
        encoded = encoder.transform(jobs)
        return self.bundle.calibration.apply(self.run(encoded), calibration_groups(encoder, encoded))

    def run(self, encoded: Encoded) -> Prediction:
        """The network's raw output for encoded jobs, in batches."""
        parts = []
        for start in range(0, max(len(encoded), 1), BATCH):
            batch = encoded.take(slice(start, start + BATCH))
            inputs = {"categorical": batch.categorical, "words": batch.words, "numeric": batch.numeric}
            parts.append(Prediction(*self._session.run(["log_quantiles", "log_members"], inputs)))
        return concatenate(parts)

    def _country(self, text: str, role: str, notes: list[str]) -> str:
        reading = taxonomy.read_place(text)
        if reading.code is None:
            raise InputError(f"{role} must be a country; got '{text}'. {reading.note}")
        if reading.note:
            notes.append(f"{role}: {reading.note}")
        return reading.code

    def _year(self, year: int | None, notes: list[str]) -> int:
        newest = self.bundle.encoder.newest_year
        if year is None:
            return newest
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise InputError(f"year must lie between {FIRST_YEAR} and {LAST_YEAR}; got {year}. Give a four-digit year.")
        if year > newest:
            notes.append(f"year: {year} is later than the training data; it is answered as {newest}, the newest year.")
        return year


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


def _code(column: str, value: str | int | None, notes: list[str]) -> Any:
    """The code of a closed set from a code or its plain words; the default, noted, where nothing is given."""
    labels = LABELS[column]
    name = column.replace("_", " ")
    if value is None and column in DEFAULTS:
        default = DEFAULTS[column]
        notes.append(f"{name}: not given; read as {labels[default]}.")
        return default
    text = str(value).strip()
    for code, label in labels.items():
        if text.upper() == str(code) or text.casefold() in (label.casefold(), label.split(" (")[0].casefold()):
            return code
    raise InputError(
        f"{column} must be one of {', '.join(f'{code} ({label})' for code, label in labels.items())}; got '{value}'."
    )


def jobs_as_columns(jobs: Sequence[Job]) -> JobColumns:
    """Many jobs as dataset columns."""
    rows = [job.fields() for job in jobs]
    return cast(JobColumns, {column: [row[column] for row in rows] for column in rows[0]})
