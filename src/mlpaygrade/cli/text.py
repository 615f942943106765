"""Estimates as plain text for a terminal.

Enters: what the predictor answers. Leaves: strings. Computes nothing.
"""

from mlpaygrade.predictor import Estimate
from mlpaygrade.words import dollars, job_text


def estimate_text(estimate: Estimate) -> str:
    """The whole answer, a line a fact."""
    if estimate.not_enough_data is not None:
        return _refusal_text(estimate)
    coverage = estimate.model["measured_coverage"]
    lines = [
        job_text(estimate.job),
        "",
        f"  Typical pay              {dollars(estimate.estimate_usd)} a year",
        f"  Typical advertised band  {dollars(estimate.band_low_usd)} to {dollars(estimate.band_high_usd)}",
    ]
    for percent, (low, high) in sorted(estimate.intervals_usd.items()):
        measured = (
            f"measured coverage {coverage[str(percent)]:.1%}" if str(percent) in coverage else "coverage not measured"
        )
        lines.append(f"  {percent} % interval            {dollars(low)} to {dollars(high)}   ({measured})")
    lines += ["", f"  Rests on {estimate.support.postings:,} postings ({estimate.support.level})."]
    lines += [f"  Note: {note}" for note in estimate.notes]
    if coverage.get("protocol"):
        lines.append(f"  Measured: {coverage['protocol']}.")
    return "\n".join(lines)


def _refusal_text(estimate: Estimate) -> str:
    """Why there is no answer, and what could be asked instead."""
    lines = [job_text(estimate.job), "", f"  {estimate.not_enough_data}.".replace("not enough", "Not enough")]
    if estimate.nearest is not None:
        lines.append(f"  The nearest job that can be answered: {job_text(estimate.nearest)}.")
    return "\n".join([*lines, *(f"  Note: {note}" for note in estimate.notes)])
