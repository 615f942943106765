"""A chosen job as parameters of a link, and back; a message for everything in a link that cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import (
    BY_COLUMN,
    BY_NAME,
    EXPERIENCE,
    FIELDS,
    LOCATION,
    RESIDENCE,
    TITLE,
    Experience,
    Job,
    job_of,
)
from mlpaygrade.job.reading import read_title
from mlpaygrade.job.values import read_value

_SEPARATOR: Final = "|"
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FromAddress:
    """What a link asks for, and what in it could not be used."""

    job: Job
    problems: tuple[str, ...] = ()


def first_job(predictor: Predictor, **given: object) -> Job:
    """The job that a form shows first, with the given values in place of the registry's."""
    values = {field.name: given.get(field.name, field.start) for field in FIELDS}
    values["residence"] = given.get("residence", values["location"])
    values["year"] = given.get("year", predictor.bundle.encoder.newest_year)
    return job_of({BY_NAME[name].column: value for name, value in values.items()})


def parameters_of(job: Job) -> dict[str, str]:
    """A job as parameters of a link, all of it said, so that a link means the same tomorrow."""
    return {field.name: str(getattr(job, field.name)) for field in FIELDS}


def packed(job: Job) -> str:
    """A job as one parameter."""
    return _SEPARATOR.join(parameters_of(job).values())


def read_parameters(parameters: Mapping[str, str], *, default: Job) -> FromAddress:
    """A job from the parameters of a link; what is missing stays as in `default`, what is wrong is told."""
    values: dict[str, object] = {**default.fields()}
    problems = []
    for field in FIELDS:
        text = next((parameters[name] for name in _named(field.column) if parameters.get(name)), None)
        if text is None or (field.kind == "year" and text == "0"):
            continue
        reading = read_value(field.column, text)
        if reading.defect is not None:
            defect = reading.defect
            problems.append(
                f'The {field.label} in this link {defect.rule}; got "{text[:_SHOWN]}". What was there before is shown.'
            )
            continue
        values[field.column] = reading.value
        if field.column == LOCATION:
            values[RESIDENCE] = reading.value
    if "title" in parameters and not any(name in parameters for name in _named(EXPERIENCE)):
        values[EXPERIENCE] = title_level(str(values[TITLE])) or values[EXPERIENCE]
    return FromAddress(job=job_of(values), problems=tuple(problems))


def title_level(title: str) -> Experience | None:
    """The level that a title says, None where it says none or is no title."""
    try:
        return read_title(title).level
    except InputError:
        return None


def _named(column: str) -> tuple[str, ...]:
    field = BY_COLUMN[column]
    return (field.name, *field.also)


def read_packed(text: str, *, default: Job) -> FromAddress:
    """A job from one parameter, as `packed` writes it."""
    parts = text.rsplit(_SEPARATOR, len(FIELDS) - 1)
    if len(parts) != len(FIELDS):
        rule = f'A job in this link has {len(FIELDS)} parts separated by "|"'
        problem = f'{rule}; got {len(parts)} in "{text[:60]}". The default is shown.'
        return FromAddress(job=default, problems=(problem,))
    return read_parameters(dict(zip(BY_NAME, parts, strict=True)), default=default)
