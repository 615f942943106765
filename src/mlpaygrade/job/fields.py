"""What a job is: the registry of its fields, and everything that follows from it.

A field is described once, in `FIELDS`: its names, its codes with their words, how its text is read, what it is where nothing is
given, whether it can be changed. Command line, forms, addresses, files, scenarios and the encoder go through the registry. To
add a field, add its column to `COLUMNS`, a `Field`, and an attribute to `Job` and `JobWords`, and encode it (`forecast.encode`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Final, Literal, TypedDict, cast

Experience = Literal["EN", "MI", "SE", "EX"]
Employment = Literal["FT", "PT", "CT", "FL"]
Size = Literal["S", "M", "L"]
Remote = Literal[0, 50, 100]
Kind = Literal["title", "code", "country", "year"]
Code = str | int

YEAR: Final = "work_year"
EXPERIENCE: Final = "experience_level"
LEVELS_AND_YEARS: Final = "Adverts name a level, not years; often entry is up to 2 years, mid 2 to 5, senior 5 or more"
"""Help for a person who knows their years and not their level; the years are a usual reading, nothing measured."""
EMPLOYMENT: Final = "employment_type"
TITLE: Final = "job_title"
RESIDENCE: Final = "employee_residence"
REMOTE: Final = "remote_ratio"
LOCATION: Final = "company_location"
SIZE: Final = "company_size"
SALARY: Final = "salary"
CURRENCY: Final = "salary_currency"
TARGET: Final = "salary_in_usd"

COLUMNS: Final = (YEAR, EXPERIENCE, EMPLOYMENT, TITLE, SALARY, CURRENCY, TARGET, RESIDENCE, REMOTE, LOCATION, SIZE)
"""The dataset's columns in the order of the public file."""

FORBIDDEN: Final = (SALARY, CURRENCY, TARGET)
"""Columns that are the target or determine it; never a feature."""

FEATURES: Final = tuple(column for column in COLUMNS if column not in FORBIDDEN)
"""The fields of a job in the dataset's order. Together with one another they are all a model may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a job.

    column: in the dataset and its like. name: attribute of `Job`, option of the command line, parameter of a link or a request.
    label: in a sentence. heading: above a menu or a column. also: other names in files and links, lower case.
    kind: how its text is read (`values`). labels: of a closed set, code -> words, in natural order.
    default: what is read where nothing is given; None where it must be given or follows from other fields (`forecast.jobs`).
    start: what a form shows first. first: stands in the first part of a form.
    change: what changing it is called; None where it is no choice. unasked: may change unless a person says otherwise.
    hint: how to write it, one line.
    """

    column: str
    name: str
    label: str
    heading: str
    kind: Kind
    hint: str
    also: tuple[str, ...] = ()
    labels: Mapping[Code, str] = attribute(default_factory=dict)
    default: Code | None = None
    required: bool = False
    start: Code | None = None
    first: bool = False
    change: str | None = None
    unasked: bool = True


FIELDS: Final = (
    Field(
        column=TITLE,
        name="title",
        label="job title",
        heading="Job title",
        kind="title",
        hint="as in an advert",
        also=("title", "job", "position", "role", "jobtitle"),
        required=True,
        start="Data Scientist",
        first=True,
        change="Job title",
    ),
    Field(
        column=EXPERIENCE,
        name="experience",
        label="experience level",
        heading="Experience level",
        kind="code",
        hint=f"entry, mid, senior or executive level; from the title where that says it. {LEVELS_AND_YEARS}",
        also=("level", "experience", "seniority", "seniority level", "grade", "job level"),
        labels={"EN": "Entry level", "MI": "Mid level", "SE": "Senior", "EX": "Executive"},
        start="SE",
        first=True,
        change="Experience level",
    ),
    Field(
        column=LOCATION,
        name="location",
        label="company's country",
        heading="Company's country",
        kind="country",
        hint="two-letter code or name",
        also=("country", "location", "company country", "company s country"),
        required=True,
        start="US",
        first=True,
        change="Company's country",
    ),
    Field(
        column=RESIDENCE,
        name="residence",
        label="employee's country",
        heading="Employee lives in",
        kind="country",
        hint="two-letter code or name; the company's country where not given",
        also=("home", "residence", "employee country", "employee s country"),
        change="Country I live in",
        unasked=False,
    ),
    Field(
        column=REMOTE,
        name="remote",
        label="remote work",
        heading="Where the work is done",
        kind="code",
        hint="on site, hybrid or fully remote",
        also=("remote", "remote work", "work place"),
        labels={0: "On site", 50: "Hybrid", 100: "Fully remote"},
        default=0,
        start=0,
        first=True,
        change="Where the work is done",
    ),
    Field(
        column=SIZE,
        name="size",
        label="company size",
        heading="Company size",
        kind="code",
        hint="under 50, 50 to 250, over 250 people",
        also=("size",),
        labels={"S": "Small (under 50 people)", "M": "Medium (50 to 250)", "L": "Large (over 250)"},
        default="M",
        start="M",
        change="Company size",
    ),
    Field(
        column=EMPLOYMENT,
        name="employment",
        label="employment type",
        heading="Contract",
        kind="code",
        hint="full time, part time, contract, freelance",
        also=("contract", "employment", "contract type"),
        labels={"FT": "Full time", "PT": "Part time", "CT": "Contract", "FL": "Freelance"},
        default="FT",
        start="FT",
        change="Contract",
    ),
    Field(
        column=YEAR,
        name="year",
        label="year",
        heading="Pay level of",
        kind="year",
        hint="four digits; the newest that the data know where not given",
        also=("year",),
    ),
)
"""Every field of a job, in the order in which a person is asked."""

BY_COLUMN: Final[Mapping[str, Field]] = {field.column: field for field in FIELDS}
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in FIELDS}

LABELS: Final[Mapping[str, Mapping[Code, str]]] = {field.column: field.labels for field in FIELDS if field.labels}
"""Closed sets: column -> code -> what a person reads. The order of codes is the natural one."""

CHANGEABLE: Final = tuple(field for field in FIELDS if field.change)
"""What a person may change about a job."""

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

    def fields(self) -> dict[str, Code]:
        """The job as dataset columns, in `FEATURES` order."""
        return {column: getattr(self, BY_COLUMN[column].name) for column in FEATURES}

    def words(self) -> "JobWords":
        """The job by the fields' names, so that it is read as this job: the code NA alone would be asked about."""
        given = {field.name: getattr(self, field.name) for field in FIELDS}
        return cast(JobWords, {name: "Namibia" if value == "NA" else value for name, value in given.items()})


class JobWords(TypedDict, total=False):
    """A job as a person gives it: codes or plain words by the fields' names; what is missing or None is not given."""

    title: str | None
    experience: str | None
    location: str | None
    residence: str | None
    remote: str | int | None
    size: str | None
    employment: str | None
    year: str | int | None


def job_of(fields: Mapping[str, Any]) -> Job:
    """The job that dataset columns describe, codes."""
    return Job(**{field.name: fields[field.column] for field in FIELDS})


def label_of(column: str, code: Code) -> str:
    """A code of a closed set in words, without the remark in brackets; other values as they stand."""
    labels = LABELS.get(column, {})
    return labels[code].split(" (")[0] if code in labels else str(code)
