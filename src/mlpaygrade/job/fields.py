"""The vocabulary everything else speaks: columns, codes with their plain words, the job.

Enters: nothing. Leaves: constants and `Job`. Reads no file and knows no model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Experience = Literal["EN", "MI", "SE", "EX"]
Employment = Literal["FT", "PT", "CT", "FL"]
Size = Literal["S", "M", "L"]
Remote = Literal[0, 50, 100]

YEAR: Final = "work_year"
EXPERIENCE: Final = "experience_level"
EMPLOYMENT: Final = "employment_type"
TITLE: Final = "job_title"
RESIDENCE: Final = "employee_residence"
REMOTE: Final = "remote_ratio"
LOCATION: Final = "company_location"
SIZE: Final = "company_size"
SALARY: Final = "salary"
CURRENCY: Final = "salary_currency"
TARGET: Final = "salary_in_usd"

FEATURES: Final = (YEAR, EXPERIENCE, EMPLOYMENT, TITLE, RESIDENCE, REMOTE, LOCATION, SIZE)
"""The eight fields of a job. Together with one another they are all a model may see."""

FORBIDDEN: Final = (SALARY, CURRENCY, TARGET)
"""Columns that are the target or determine it; never a feature."""

COLUMNS: Final = (YEAR, EXPERIENCE, EMPLOYMENT, TITLE, SALARY, CURRENCY, TARGET, RESIDENCE, REMOTE, LOCATION, SIZE)
"""The dataset's columns in the order of the public file."""

LABELS: Final[Mapping[str, Mapping[str | int, str]]] = {
    EXPERIENCE: {"EN": "Entry level", "MI": "Mid level", "SE": "Senior", "EX": "Executive"},
    EMPLOYMENT: {"FT": "Full time", "PT": "Part time", "CT": "Contract", "FL": "Freelance"},
    REMOTE: {0: "On site", 50: "Hybrid", 100: "Fully remote"},
    SIZE: {"S": "Small (under 50 people)", "M": "Medium (50 to 250)", "L": "Large (over 250)"},
}
"""Closed sets: column -> code -> what a person reads. The order of codes is the natural one."""

FIELD_NAMES: Final[Mapping[str, str]] = {
    YEAR: "year",
    EXPERIENCE: "experience level",
    EMPLOYMENT: "employment type",
    TITLE: "job title",
    RESIDENCE: "employee's country",
    REMOTE: "remote work",
    LOCATION: "company's country",
    SIZE: "company size",
}

FIRST_YEAR: Final = 2015
LAST_YEAR: Final = 2100
MIN_SALARY_USD: Final = 1_000
MAX_SALARY_USD: Final = 5_000_000
"""Salaries outside are refused as absurd (the public file spans 15,000 to 800,000)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, already in the dataset's codes.

    `title` as written, `location` and `residence` ISO 3166-1 alpha-2, `year` four digits.
    """

    title: str
    experience: Experience
    location: str
    residence: str
    remote: Remote
    size: Size
    employment: Employment
    year: int

    def fields(self) -> dict[str, str | int]:
        """The job as dataset columns, in `FEATURES` order."""
        return {
            YEAR: self.year,
            EXPERIENCE: self.experience,
            EMPLOYMENT: self.employment,
            TITLE: self.title,
            RESIDENCE: self.residence,
            REMOTE: self.remote,
            LOCATION: self.location,
            SIZE: self.size,
        }
