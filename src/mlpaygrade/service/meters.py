"""What an operator watches, for Prometheus: requests, their time, answers, how far what is asked lies from what training held.

With several processes, `PROMETHEUS_MULTIPROC_DIR` names the folder where they meet; `serve` makes one. No title or pay
is ever a label; level, family of titles and country are counted each by itself.

Drift is read from the counters since the service started, without knowing any pay. The expected error and coverage are what was
measured for each job's own group when the model was tested, averaged over the jobs that were asked about: they move when people
ask about other jobs than were tested, not when the market itself moves.
"""

import math
import os
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, TypedDict, cast

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mlpaygrade.evaluation.mix import shift, trained_mix
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.service.model_slot import DIMENSIONS, Served

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_POSTINGS: Final = (0, 9, 29, 99, 299, 999, 2999)


class Moved(msgspec.Struct, kw_only=True):
    """A value whose share moved most."""

    value: str
    trained: float
    asked: float


class MixDrift(msgspec.Struct, kw_only=True):
    """How far what is asked lies from what training held. psi: population stability index; total_variation: 0 to 1."""

    psi: float
    total_variation: float
    reading: str
    largest: list[Moved]


class DriftReply(msgspec.Struct, kw_only=True):
    """Drift since the service started. unseen: share of jobs with a value that training did not see, by field.

    expected: measured for the groups of the jobs asked about, averaged over them; promised: measured for all jobs.
    """

    bundle: str
    jobs: int
    refused_share: float | None
    unseen: dict[str, float]
    mix: dict[str, MixDrift]
    expected_coverage_90: float | None
    promised_coverage_90: float | None
    expected_error_usd: float | None
    promised_error_usd: float | None


class _Here(TypedDict):
    registry: CollectorRegistry


class Meters:
    """The counters of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        here: _Here = {"registry": self._registry}
        self.requests = Counter("mlpaygrade_requests", "Requests answered", ["endpoint", "method", "status"], **here)
        self.seconds = Histogram("mlpaygrade_request_seconds", "Time to answer", ["endpoint"], buckets=_SECONDS, **here)
        self.running = Gauge(
            "mlpaygrade_requests_running", "Requests being worked on", multiprocess_mode="livesum", **here
        )
        self.answers = Counter("mlpaygrade_answers", "Jobs asked about, by outcome", ["outcome"], **here)
        self.unseen = Counter(
            "mlpaygrade_unseen", "Jobs asked about with a value that training did not see", ["field"], **here
        )
        self.support = Histogram(
            "mlpaygrade_support_postings", "Training postings behind an answer", buckets=_POSTINGS, **here
        )
        self.log_estimate = Summary(
            "mlpaygrade_log_estimate",
            "Natural logarithm of answered typical pay in USD: sum over count is its mean",
            **here,
        )
        self.asked = Counter(
            "mlpaygrade_asked", "Jobs asked about one at a time, by kind", ["dimension", "value"], **here
        )
        self.expected_coverage = Summary(
            "mlpaygrade_expected_coverage", "Share of such jobs inside the 90 % range when tested", **here
        )
        self.expected_error_usd = Summary(
            "mlpaygrade_expected_error_usd", "Distance of the typical pay from such jobs when tested", **here
        )
        self.bundles = Counter("mlpaygrade_bundle_loads", "New bundles, by outcome", ["outcome"], **here)

    def answered(self, answer: Answer, predictor: Predictor, kinds: tuple[str, ...]) -> None:
        """Count one answer. kinds: of its job, by `DIMENSIONS`."""
        for dimension, value in zip(DIMENSIONS, kinds, strict=True):
            self.asked.labels(dimension, value).inc()
        if answer.not_enough_data is None:
            self.answers.labels("answered").inc()
            self.support.observe(answer.support.postings)
            self.log_estimate.observe(math.log(answer.estimate_usd))
            if answer.accuracy is not None:
                self.expected_coverage.observe(answer.accuracy.coverage[90])
                self.expected_error_usd.observe(answer.accuracy.typical_error_usd)
        else:
            self.answers.labels("refused").inc()
        if answer.job.title not in predictor.known_titles:
            self.unseen.labels("title").inc()
        if answer.job.location not in predictor.bundle.encoder.known_countries:
            self.unseen.labels("country").inc()

    def answered_many(self, answered: int, refused: int) -> None:
        """Count the rows of a table."""
        self.answers.labels("answered").inc(answered)
        self.answers.labels("refused").inc(refused)

    def page(self, served: Served) -> bytes:
        """All counters in Prometheus' text format, those of the other processes included, and the drift of what is asked."""
        registry = self._together()
        drift = drift_reply(registry, served.predictor.bundle, served.tag)
        return generate_latest(registry) + generate_latest(gauges(drift))

    def drift(self, served: Served) -> DriftReply:
        """What is asked beside what the model learnt."""
        return drift_reply(self._together(), served.predictor.bundle, served.tag)

    def _together(self) -> CollectorRegistry:
        if SHARED_FOLDER not in os.environ:
            return self._registry
        together = CollectorRegistry()
        collect = cast(Callable[[CollectorRegistry], object], MultiProcessCollector)  # its class states no types
        collect(together)
        return together


def drift_reply(registry: CollectorRegistry, bundle: Bundle, tag: str) -> DriftReply:
    """The report out of a registry that holds the counters of `Meters`."""
    sums, asked = _read(registry)
    answered, refused = (sums[f"mlpaygrade_answers_total/{outcome}"] for outcome in ("answered", "refused"))
    single = asked["experience"].total()
    trained = trained_mix(bundle.evidence)
    rows = bundle.evaluation.get("rows", {})
    return DriftReply(
        bundle=tag,
        jobs=single,
        refused_share=_share(refused, answered + refused),
        unseen={
            field: share
            for field in ("title", "country")
            if (share := _share(sums[f"mlpaygrade_unseen_total/{field}"], single)) is not None
        },
        mix={name: _mix(trained[name], asked[name]) for name in DIMENSIONS if asked[name]},
        expected_coverage_90=_mean(sums, "mlpaygrade_expected_coverage"),
        promised_coverage_90=rows.get("coverage_90"),
        expected_error_usd=_mean(sums, "mlpaygrade_expected_error_usd"),
        promised_error_usd=rows.get("mae_usd"),
    )


def gauges(reply: DriftReply) -> CollectorRegistry:
    """The report as gauges."""
    registry = CollectorRegistry()
    said = "Stability index of what is asked beside training"
    psi = Gauge("mlpaygrade_drift_psi", said, ["dimension"], registry=registry)
    for name, mix in reply.mix.items():
        psi.labels(name.replace(" ", "_")).set(mix.psi)
    figures = {
        "expected_coverage_90": (reply.expected_coverage_90, "Share expected inside the 90 % range"),
        "promised_coverage_90": (reply.promised_coverage_90, "Share inside the 90 % range when tested"),
        "expected_error_usd": (reply.expected_error_usd, "Mean distance expected of the typical pay"),
        "promised_error_usd": (reply.promised_error_usd, "Mean distance of the typical pay when tested"),
    }
    for name, (value, said) in figures.items():
        if value is not None:
            Gauge(f"mlpaygrade_drift_{name}", said, registry=registry).set(value)
    return registry


def _read(registry: CollectorRegistry) -> tuple[Mapping[str, float], Mapping[str, Tally[str]]]:
    """Sample -> value, with the label of those that have one; and jobs asked about by dimension and value."""
    sums: defaultdict[str, float] = defaultdict(float)
    asked: dict[str, Tally[str]] = {name: Tally() for name in DIMENSIONS}
    for sample in (sample for family in registry.collect() for sample in family.samples):
        if sample.name == "mlpaygrade_asked_total":
            asked[sample.labels["dimension"]][sample.labels["value"]] += int(sample.value)
        else:
            label = sample.labels.get("outcome") or sample.labels.get("field")
            sums[f"{sample.name}/{label}" if label else sample.name] += sample.value
    return sums, asked


def _mix(trained: Tally[str], asked: Tally[str]) -> MixDrift:
    found = shift(trained, asked)
    return MixDrift(
        psi=round(found.psi, 4),
        total_variation=round(found.total_variation, 4),
        reading=found.reading,
        largest=[Moved(value=value, trained=round(was, 4), asked=round(now, 4)) for value, was, now in found.largest],
    )


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(sums: Mapping[str, float], name: str) -> float | None:
    count = sums[f"{name}_count"]
    return round(sums[f"{name}_sum"] / count, 4) if count else None
