"""Drift seen while serving: what is asked beside what training held, and what to expect of the answers, without knowing any pay.

Read from the counters since the service started, those of the other processes included. The expected error and coverage are what
was measured for each job's own group when the model was tested, averaged over the jobs that were asked about: they move when
people ask about other jobs than were tested, not when the market itself moves.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from mlpaygrade.evaluation.mix import shift, trained_mix
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.job.titles import title_family

DIMENSIONS: Final = ("experience", "title family", "country")
"""Dimensions whose values are no one's own words, so that they may be counted."""


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


def kinds(answer: Answer) -> tuple[str, ...]:
    """The values of a job by `DIMENSIONS`."""
    job = answer.job
    return job.experience, title_family(job.title), job.location


def drift_reply(registry: CollectorRegistry, bundle: Bundle, tag: str) -> DriftReply:
    """The report out of a registry that holds the counters of `meters.Meters`."""
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


def _read(registry: CollectorRegistry) -> tuple[Mapping[str, float], Mapping[str, Counter[str]]]:
    """Sample -> value, with the label of those that have one; and jobs asked about by dimension and value."""
    sums: defaultdict[str, float] = defaultdict(float)
    asked: dict[str, Counter[str]] = {name: Counter() for name in DIMENSIONS}
    for sample in (sample for family in registry.collect() for sample in family.samples):
        if sample.name == "mlpaygrade_asked_total":
            asked[sample.labels["dimension"]][sample.labels["value"]] += int(sample.value)
        else:
            label = sample.labels.get("outcome") or sample.labels.get("field")
            sums[f"{sample.name}/{label}" if label else sample.name] += sample.value
    return sums, asked


def _mix(trained: Counter[str], asked: Counter[str]) -> MixDrift:
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
