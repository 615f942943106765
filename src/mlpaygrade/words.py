"""How figures and jobs are written for a person: one spelling for terminal, app and reports.

Enters: amounts, shares, counts, jobs. Leaves: strings. Computes nothing, knows no markup; whoever shows a title escapes it.
"""

from mlpaygrade.data import taxonomy
from mlpaygrade.schema import EMPLOYMENT, EXPERIENCE, LABELS, REMOTE, SIZE, Job


def dollars(usd: float) -> str:
    """An amount as a person writes it: $141K."""
    return f"-{dollars(-usd)}" if usd < -500 else f"${abs(usd) / 1000:,.0f}K"


def signed_dollars(usd: float) -> str:
    """A difference with its sign: +$12K, -$3K, and $0K where it rounds to nothing."""
    return f"+{dollars(usd)}" if usd >= 500 else dollars(usd)


def dollar_range(low_usd: float, high_usd: float) -> str:
    """Two amounts: $120K to $180K."""
    return f"{dollars(low_usd)} to {dollars(high_usd)}"


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage: 88.5%."""
    return f"{share:.1%}"


def counted(n: int, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 posting, 1,204 postings."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def place_text(job: Job) -> str:
    """Where a job is: the company's country, and the employee's where it is another one."""
    where = taxonomy.country(job.location).name
    if job.residence == job.location:
        return where
    return f"{where} (employee in {taxonomy.country(job.residence).name})"


def terms_text(job: Job) -> str:
    """Level, place of work, contract, company size and year: senior, on site, full time, medium (50 to 250) company, 2024."""
    words = [
        LABELS[EXPERIENCE][job.experience],
        LABELS[REMOTE][job.remote],
        LABELS[EMPLOYMENT][job.employment],
        LABELS[SIZE][job.size] + " company",
    ]
    return f"{', '.join(word.lower() for word in words)}, {job.year}"


def job_text(job: Job) -> str:
    """A job in plain words on one line."""
    return f"{job.title}, {place_text(job)}: {terms_text(job)}"
