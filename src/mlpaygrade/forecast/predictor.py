"""The one inference path: a job in words or codes, or columns of many jobs, in; `Answer` or `Answers` out.

Loads a bundle, runs its network in ONNX Runtime, applies its calibration. Imports no training library.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, Unpack, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.answer import Answer, Answers
from mlpaygrade.forecast.bundle import NETWORK, Bundle, load_bundle
from mlpaygrade.forecast.calibration import INTERVALS, calibration_groups
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction, concatenate
from mlpaygrade.forecast.documents import AGAIN
from mlpaygrade.forecast.encode import MAX_WORDS, NUMERIC, Encoded, JobColumns, JobEncoder
from mlpaygrade.forecast.jobs import JobReader, ReadJob, objects
from mlpaygrade.job.fields import FEATURES, FIELDS, Job, JobWords
from mlpaygrade.job.known_titles import suggest_titles
from mlpaygrade.job.lookup import with_memory
from mlpaygrade.job.places import HOME
from mlpaygrade.job.relevance import relevance

if TYPE_CHECKING:
    from mlpaygrade.forecast.client import RemotePredictor

BATCH: Final = 2_048
LANES: Final = 4
ROUND: Final = 8
"""Places come in multiples of this: for one job alone the network multiplies in another order."""
MOST_LOG: Final = 25.0
"""No log pay in USD comes near it."""


class Predictor:
    """Answers questions about pay from one bundle. Safe to share between threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.load_model_format", "ONNX")
        with _network_errors():
            self._session = onnxruntime.InferenceSession(
                bundle.part(NETWORK), options, providers=["CPUExecutionProvider"]
            )
        self.run(_outermost(bundle.encoder))
        self._unseen = bundle.unseen

    @classmethod
    def load(cls, path: str | Path | None = None, *, public_key: str | Path | None = None) -> Self:
        """Open a bundle folder; without one, the bundle inside the package. public_key: who must have signed it, as a PEM file.

        Raises BundleError where it cannot be used or is not signed so.
        """
        key = None if public_key is None else Path(public_key)
        return cls(load_bundle(None if path is None else Path(path), public_key=key))

    @staticmethod
    def connect(url: str, *, key: str | None = None) -> "RemotePredictor":
        """The same answers from a service at an address (`mlpaygrade serve`). key: where it asks for one."""
        from mlpaygrade.forecast.client import RemotePredictor

        return RemotePredictor(url, key=key)

    @property
    def known_titles(self) -> frozenset[str]:
        """Titles that the training data holds."""
        return self.bundle.encoder.known_titles

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

    @cached_property
    def reader(self) -> JobReader:
        """Reads jobs as people write them, with this bundle's titles and newest year."""
        return JobReader(titles=self.known_titles, newest_year=self.bundle.encoder.newest_year)

    def read_job(self, **words: Unpack[JobWords]) -> ReadJob:
        """Read a job given in words or codes. Raises InputError with rule, value and remedy; every other reading is noted."""
        return self.reader.read(**words)

    def answer(self, job: Job | ReadJob) -> Answer:
        """What one job pays, and where it is refused, the nearest job that can be answered."""
        return self.answer_each([job if isinstance(job, ReadJob) else ReadJob(job=job)])[0]

    @with_memory
    def answer_each(self, jobs: Sequence[ReadJob]) -> list[Answer]:
        """What n jobs pay, each to the last digit as `answer` says it, at less than half its cost."""
        answers = self.answer_many(jobs_as_columns([read.job for read in jobs]))
        return [
            answers.one(n, read=read, nearest=None if answers.refusals[n] is None else self._nearest(read.job))
            for n, read in enumerate(jobs)
        ]

    @with_memory
    def answer_many(self, jobs: JobColumns) -> Answers:
        """What n jobs pay, given as dataset columns in codes (years may be later than training)."""
        columns = {column: objects(jobs[column]) for column in FEATURES}
        return Answers(jobs=columns, prediction=self.predict(columns), bundle=self.bundle, model=self.model)

    def _nearest(self, job: Job) -> Job | None:
        """The job with the fewest fields changed, each to what is commonest, that can be answered; None for another trade."""
        judged = relevance(job.title, known=self.known_titles)
        if not judged.answerable and judged.nearest is None:
            return None
        known = self.known_titles
        near = judged.nearest or suggest_titles("", known=known, limit=1)[0]
        changes: list[dict[str, Any]] = [
            {"title": near},
            {"residence": job.location},
            {field.name: field.default for field in FIELDS if field.default is not None},
            {"location": HOME, "residence": HOME},
        ]
        candidates = [
            replace(job, **{name: value for change in chosen for name, value in change.items()})
            for count in range(1, len(changes) + 1)
            for chosen in combinations(changes, count)
        ]
        answers = self.answer_many(jobs_as_columns(candidates))
        answered = zip(candidates, answers.refusals, strict=True)
        return next((other for other, refusal in answered if refusal is None and other != job), None)

    def predict(self, jobs: JobColumns) -> Prediction:
        """Calibrated predictions for n jobs as dataset columns in codes; years may be later.

        Titles that the data lack are estimated by their text, the others moved towards local adverts.
        """
        encoder = self.bundle.encoder
        encoded = encoder.transform(jobs)
        made = self.run(encoded)
        if self._unseen is not None:
            made = self._unseen.apply(made, encoded, jobs, encoder=encoder)
        return self.bundle.calibration.apply(self.bundle.local.apply(made, jobs), calibration_groups(encoded))

    def run(self, encoded: Encoded) -> Prediction:
        """The network's raw output for encoded jobs, `BATCH` at a time; the same for a job in whatever company it is asked."""
        if not len(encoded):
            return self._run(encoded)
        place, filled = _places(encoded)
        return self._run(encoded.take(filled)).take(place)

    def _run(self, encoded: Encoded) -> Prediction:
        parts = []
        for start in range(0, max(len(encoded), 1), BATCH):
            batch = encoded.take(slice(start, start + BATCH))
            inputs = {"categorical": batch.categorical, "words": batch.words, "numeric": batch.numeric}
            with _network_errors():
                parts.append(_checked(self._session.run(["log_quantiles", "log_members"], inputs), jobs=len(batch)))
        return concatenate(parts)


@contextmanager
def _network_errors() -> Iterator[None]:
    """What goes wrong in ONNX Runtime as a BundleError: its several classes share no base of their own."""
    try:
        yield
    except (BundleError, MemoryError):
        raise
    except Exception as error:
        raise BundleError(f"The bundle's network cannot be used ({type(error).__name__}). {AGAIN}") from error


def _places(encoded: Encoded) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of n jobs stands for the network, int64 (n,), and which job stands at each place, int64 (places,).

    A job's last digit depends on its place modulo 4, since sums over rows of 27 begin on another boundary of 16 bytes at each;
    the job itself says which of the four it gets. Places left over repeat the first job.
    """
    inputs = np.hstack([encoded.categorical, encoded.words, encoded.numeric.view(np.int32)]).astype(np.uint32)
    mixed = np.zeros(len(inputs), dtype=np.uint32)
    for column in inputs.T:
        mixed = (mixed ^ column) * np.uint32(0x01000193)
    kind = (mixed >> np.uint32(16)).astype(np.int64) % LANES
    count = np.bincount(kind, minlength=LANES)
    order = np.argsort(kind, kind="stable")
    rank = np.empty(len(kind), dtype=np.int64)
    rank[order] = np.arange(len(kind)) - np.repeat(np.cumsum(count) - count, count)
    place = rank * LANES + kind
    filled = np.zeros(-(-int(place.max() + 1) // ROUND) * ROUND, dtype=np.int64)
    filled[place] = np.arange(len(kind))
    return place, filled


def _outermost(encoder: JobEncoder) -> Encoded:
    """Two jobs, one of ids 0 and one of the largest ids: a network that was made for another encoder fails here."""
    largest = np.array([[0], [1]]) * np.array([size - 1 for size in encoder.sizes().values()])
    words = np.array([[0], [1]]) * np.full(MAX_WORDS, len(encoder.words))
    return Encoded(largest.astype(np.int32), words.astype(np.int32), np.zeros((2, len(NUMERIC)), dtype=np.float32))


def _checked(outputs: Sequence[NDArray[np.float32]], *, jobs: int) -> Prediction:
    """The network's output as a prediction. Raises BundleError where it is of another shape or no pay at all."""
    quantiles, members = outputs
    if quantiles.shape != (jobs, len(TARGETS), len(LEVELS)) or members.ndim != 2 or len(members) != jobs:
        raise BundleError(f"The bundle's network answers in another shape than this release reads. {AGAIN}")
    if not all((np.abs(values) < MOST_LOG).all() for values in outputs):  # not true of NaN either
        raise BundleError(f"The bundle's network is damaged (it answers with what is no pay). {AGAIN}")
    return Prediction(quantiles, members)


def jobs_as_columns(jobs: Sequence[Job]) -> JobColumns:
    """Many jobs as dataset columns."""
    rows = [job.fields() for job in jobs]
    return cast(JobColumns, {column: [row[column] for row in rows] for column in rows[0]})
