"""Estimates as plain text for a terminal.

Enters: what the predictor answers. Leaves: strings. Computes nothing.
"""

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.error_budget import SOURCES
from mlpaygrade.forecast.evidence import SAME_JOB
from mlpaygrade.rendering.words import (
    at_most_of_100,
    distance_text,
    dollar_range,
    dollars,
    job_text,
    percent,
    position,
    rough_percent,
)

NAME_WIDTH = 25


def estimate_text(estimate: Answer, *, offer_usd: float | None = None) -> str:
    """The whole answer, a line a fact."""
    if estimate.not_enough_data is not None:
        return _refusal_text(estimate)
    lines = [
        job_text(estimate.job),
        "",
        _line("Typical pay", f"{dollars(estimate.estimate_usd)} a year"),
        _line("Typical advertised band", dollar_range(estimate.band_low_usd, estimate.band_high_usd)),
        *_interval_lines(estimate),
    ]
    if offer_usd is not None:
        lines.append(_line(f"Your {dollars(offer_usd)}", _offer_text(estimate, offer_usd)))
    lines += [*_budget_lines(estimate), "", *_support_lines(estimate)]
    lines += [f"  Note: {note}" for note in estimate.notes]
    if protocol := estimate.model["measured_coverage"].get("protocol"):
        lines.append(f"  Measured: {protocol}.")
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"  {name:<{NAME_WIDTH}}{text}".rstrip()


def _interval_lines(estimate: Answer) -> list[str]:
    """Both ends of the band, then one figure, each with the share that was inside when it was tested."""
    model = estimate.model
    lines = [
        _line(
            f"{end.capitalize()} end, 90 %",
            f"{dollar_range(*ends)}   ({_measured(model['measured_band_coverage'].get(end))})",
        )
        for end, ends in estimate.band_ends_90_usd.items()
    ]
    for level, ends in sorted(estimate.intervals_usd.items()):
        measured = _measured(model["measured_coverage"].get(str(level)))
        lines.append(_line(f"{level} % interval", f"{dollar_range(*ends)}   ({measured})"))
    return lines


def _measured(coverage: float | None) -> str:
    return "coverage not measured" if coverage is None else f"measured coverage {percent(coverage)}"


def _offer_text(estimate: Answer, offer_usd: float) -> str:
    error = estimate.model["measured_percentile_error"]
    tested = "" if error is None else f" (when tested, off by {at_most_of_100(error)} of 100 at most)"
    return position(estimate.percentile(offer_usd)) + tested


def _budget_lines(estimate: Answer) -> list[str]:
    """What the spread of single figures is made of."""
    if (budget := estimate.error_budget) is None:
        return []
    shares = budget.shares()
    lines = [
        "",
        _line("One figure strays", f"{dollars(budget.total_usd)} from it (standard deviation); of its square,"),
    ]
    return lines + [
        _line("", f"{rough_percent(shares[name]):>4} is {SOURCES[name]} ({dollars(usd)})")
        for name, usd in budget.parts_usd().items()
    ]


def _support_lines(estimate: Answer) -> list[str]:
    """What it rests on, and how far from the data it is."""
    support, closest = estimate.support, estimate.closest
    lines = [f"  Rests on {support.postings:,} postings ({support.level})."]
    if support.level != SAME_JOB:
        lines.append(f"  {distance_text(closest.differs, closest.postings)}.")
    return lines


def _refusal_text(estimate: Answer) -> str:
    """Why there is no answer, and what could be asked instead."""
    lines = [job_text(estimate.job), "", f"  {estimate.not_enough_data}.".replace("not enough", "Not enough")]
    if estimate.nearest is not None:
        lines.append(f"  The nearest job that can be answered: {job_text(estimate.nearest)}.")
    return "\n".join([*lines, *(f"  Note: {note}" for note in estimate.notes)])
