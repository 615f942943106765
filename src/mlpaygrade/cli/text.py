"""Estimates as plain text for a terminal.

Enters: what the predictor answers. Leaves: strings. Computes nothing.
"""

from mlpaygrade.data import taxonomy
from mlpaygrade.predictor import Estimate
from mlpaygrade.schema import EMPLOYMENT, EXPERIENCE, LABELS, REMOTE, SIZE, Job


def dollars(usd: float) -> str:
    """An amount as a person writes it: $141K."""
    return f"${usd / 1000:,.0f}K"


def job_text(job: Job) -> str:
    """A job in plain words."""
    where = taxonomy.country(job.location).name
    if job.residence != job.location:
        where += f" (employee in {taxonomy.country(job.residence).name})"
    words = [
        LABELS[EXPERIENCE][job.experience],
        LABELS[REMOTE][job.remote],
        LABELS[EMPLOYMENT][job.employment],
        LABELS[SIZE][job.size] + " company",
    ]
    return f"{job.title}, {where}: {', '.join(word.lower() for word in words)}, {job.year}"


def estimate_text(estimate: Estimate) -> str:
    """The whole answer, a line a fact."""
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
