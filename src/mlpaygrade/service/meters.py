"""What an operator watches, for Prometheus: requests, their time, answers, how far what is asked lies from the training data.

With several processes, `PROMETHEUS_MULTIPROC_DIR` names the folder where they meet; `serve` makes one. No title or pay
is ever a label; level, family of titles and country are counted each by itself.
"""

import math
import os
from collections.abc import Callable
from typing import Final, TypedDict, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.service.drift import DIMENSIONS, DriftReply, drift_reply, gauges
from mlpaygrade.service.model_slot import Served

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_POSTINGS: Final = (0, 9, 29, 99, 299, 999, 2999)


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
        """Count one answer. kinds: of its job, by `drift.DIMENSIONS`."""
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
