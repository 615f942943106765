"""What an operator watches, for Prometheus: requests, their time, answers, how far what is asked lies from the training data.

With several processes, `PROMETHEUS_MULTIPROC_DIR` names the folder where they meet; `serve` makes one. No title, country or
pay is ever a label.
"""

import math
import os
from collections.abc import Callable
from typing import Final, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.predictor import Predictor

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_POSTINGS: Final = (0, 9, 29, 99, 299, 999, 2999)


class Meters:
    """The counters of one service."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "mlpaygrade_requests", "Requests answered", ["endpoint", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "mlpaygrade_request_seconds", "Time to answer", ["endpoint"], buckets=_SECONDS, registry=registry
        )
        self.running = Gauge(
            "mlpaygrade_requests_running", "Requests being worked on", registry=registry, multiprocess_mode="livesum"
        )
        self.answers = Counter("mlpaygrade_answers", "Jobs asked about, by outcome", ["outcome"], registry=registry)
        self.unseen = Counter(
            "mlpaygrade_unseen", "Jobs asked about with a value that training did not see", ["field"], registry=registry
        )
        self.support = Histogram(
            "mlpaygrade_support_postings",
            "Training postings behind an answer",
            buckets=_POSTINGS,
            registry=registry,
        )
        self.log_estimate = Summary(
            "mlpaygrade_log_estimate",
            "Natural logarithm of answered typical pay in USD: sum over count is its mean",
            registry=registry,
        )
        self.bundles = Counter("mlpaygrade_bundle_loads", "New bundles, by outcome", ["outcome"], registry=registry)

    def answered(self, answer: Answer, predictor: Predictor) -> None:
        """Count one answer."""
        if answer.not_enough_data is None:
            self.answers.labels("answered").inc()
            self.support.observe(answer.support.postings)
            self.log_estimate.observe(math.log(answer.estimate_usd))
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

    def page(self) -> bytes:
        """All counters in Prometheus' text format, those of the other processes included."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        collect = cast(Callable[[CollectorRegistry], object], MultiProcessCollector)  # its class states no types
        collect(together)
        return generate_latest(together)
