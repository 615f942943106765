"""How figures and jobs are written for a person: one spelling for terminal, app and reports.

Plain text without markup: whoever shows a title escapes it.
"""

from collections.abc import Mapping, Sequence
from math import ceil, expm1
from typing import Final, cast

from mlpaygrade.job.fields import BY_COLUMN, EXPERIENCE, FIELDS, LOCATION, SIZE, TITLE, Code, Job, label_of
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import Family, family_name


def dollars(usd: float) -> str:
    """An amount as a person writes it: $141K."""
    return f"-{dollars(-usd)}" if usd < -500 else f"${abs(usd) / 1000:,.0f}K"


def signed_dollars(usd: float) -> str:
    """A difference with its sign: +$12K, -$3K, and $0K where it rounds to nothing."""
    return f"+{dollars(usd)}" if usd >= 500 else dollars(usd)


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage: 88.5%."""
    return f"{share:.1%}"


SAME_PROCEDURE: Final = "the same procedure,"
"""What was tested: the network that answers was trained by it on all adverts, the tested one on the earlier ones alone."""


def of_100(share: float) -> str:
    """A measured share in [0, 1] in whole hundredths: 0.896 is 90 (of 100)."""
    return f"{round(100 * share)}"


def up_to_of_100(share: float) -> str:
    """A measured greatest distance in whole hundredths, never rounded down: 0.014 is "by up to about 2"."""
    return f"by up to about {ceil(round(100 * share, 6))}"


def off_text(error_log: float) -> str:
    """A mean error in log dollars as a person reads it: "7% too high"."""
    off = expm1(error_log)
    return f"{abs(off):.0%} too {'high' if off > 0 else 'low'}"


def rough_percent(share: float) -> str:
    """A share in [0, 1] in whole percent, for what is known no better: 33%, and <1% where it is too little to say."""
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def position(share: float) -> str:
    """Where an amount stands that a share in [0.01, 0.99] of advertised figures lie below, to follow it in a sentence."""
    if share <= 0.01:
        return "lies below at least 99 of 100 advertised figures for such a job"
    if share >= 0.99:
        return "lies above at least 99 of 100 advertised figures for such a job"
    return f"lies above about {round(100 * share)} of 100 advertised figures for such a job"


def distance_text(differs: Sequence[str], postings: int) -> str:
    """How far a job lies from the data: the fields (dataset columns) in which the closest advertised job differs, if any."""
    if not differs:
        return f"This very job was advertised in {counted(postings, 'posting')}"
    *names, last = (BY_COLUMN[column].label for column in differs)
    named = f"{', '.join(names)} and {last}" if names else last
    return f"The closest advertised job differs in {named} ({counted(postings, 'posting')})"


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def counted(n: int, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 posting, 1,204 postings."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def place_text(job: Job) -> str:
    """Where a job is: the company's country, and the employee's where it is another one."""
    where = country(job.location).name
    if job.residence == job.location:
        return where
    return f"{where} (employee in {country(job.residence).name})"


def terms_text(job: Job) -> str:
    """Level, place of work, company size, contract and year: senior, on site, medium (50 to 250) company, full time, 2024."""
    company = {SIZE: " company"}
    words = [f.labels[getattr(job, f.name)] + company.get(f.column, "") for f in FIELDS if f.labels]
    return f"{', '.join(word.lower() for word in words)}, {job.year}"


def value_text(column: str, code: Code) -> str:
    """A value of a field in plain words."""
    return country(str(code)).name if BY_COLUMN[column].kind == "country" else label_of(column, code)


def group_text(group: str) -> str:
    """A group of tested jobs (`forecast.accuracy`) in words: "senior jobs in Europe"."""
    parts = dict(part.split("=", 1) for part in group.split("|") if "=" in part)
    if not parts:
        return "jobs of all kinds"
    if special := next((text for name, text in _SPECIAL.items() if name in parts), None):
        return special.format(_family(parts) or next(iter(parts.values())))
    level = label_of(EXPERIENCE, parts[EXPERIENCE]).lower() + " " if EXPERIENCE in parts else ""
    named = parts.get("country_group") or (country(parts[LOCATION]).name if LOCATION in parts else "")
    where = f" in {with_article(named)}" if named else ""
    return f"{level}jobs{where}"


def with_article(country: str) -> str:
    """A country's name inside a sentence: "the United States", "France"."""
    return f"the {country}" if country.startswith(_WITH_ARTICLE) else country


def country_text(code: str) -> str:
    """A country by its code inside a sentence: "the United States", "France"."""
    return with_article(country(code).name)


_WITH_ARTICLE: Final = ("United ", "Netherlands", "Philippines", "Czech Republic", "Dominican Republic")
_SPECIAL: Final[Mapping[str, str]] = {
    "market": "jobs {}",
    TITLE: "{} jobs",
    "title_family": "jobs in {}",
    "support": "jobs known from adverts of the {}",
    "novelty": "jobs whose title was new",
}


def _family(parts: Mapping[str, str]) -> str:
    name = family_name(cast("Family", parts["title_family"])) if "title_family" in parts else ""
    return name[:1].lower() + name[1:]


def job_text(job: Job) -> str:
    """A job in plain words on one line."""
    return f"{job.title}, {place_text(job)}: {terms_text(job)}"
