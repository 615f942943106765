"""What a person chose in a form, and its two other spellings: an address to share and a job to estimate.

Enters: the fields of a form, or the parameters of an address. Leaves: `Choice`s, parameters, and a message for everything in
an address that cannot be used. Draws nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.predictor import Predictor, ReadJob
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import (
    EMPLOYMENT,
    EXPERIENCE,
    FIELD_NAMES,
    FIRST_YEAR,
    LABELS,
    LAST_YEAR,
    REMOTE,
    SIZE,
    Job,
)

MAX_FIGURE_USD: Final = 5_000_000
_SEPARATOR: Final = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One job as chosen: title as typed, codes elsewhere. home: "" where it is the company's country. year: 0 for the newest."""

    title: str = "Data Scientist"
    level: str = "SE"
    country: str = "US"
    home: str = ""
    remote: int = 0
    size: str = "M"
    contract: str = "FT"
    year: int = 0

    def read(self, predictor: Predictor) -> ReadJob:
        """The choice as the predictor reads it. Raises InputError for a title or a country that cannot be read."""
        return predictor.read_job(
            title=self.title,
            experience=self.level,
            location=self.country,
            residence=self.home or None,
            remote=self.remote,
            size=self.size,
            employment=self.contract,
            year=self.year or None,
        )

    @classmethod
    def of(cls, job: Job) -> "Choice":
        """The choice that describes a job."""
        return cls(
            title=job.title,
            level=job.experience,
            country=job.location,
            home="" if job.residence == job.location else job.residence,
            remote=job.remote,
            size=job.size,
            contract=job.employment,
            year=job.year,
        )

    def parameters(self) -> dict[str, str]:
        """The choice as parameters of an address, all of it said, so that a link means the same tomorrow."""
        return {
            field.name: str(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) or field.name == "remote"
        }

    def packed(self) -> str:
        """The choice as one parameter."""
        return _SEPARATOR.join(str(getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class FromAddress:
    """What an address asks for, and what in it could not be used."""

    choice: Choice
    problems: tuple[str, ...] = ()


def read_parameters(parameters: Mapping[str, str], *, default: Choice) -> FromAddress:
    """A choice from the parameters of an address; what is missing stays as in `default`, what is wrong is told."""
    choice, problems = default, []
    for name, read in _READERS.items():
        if name not in parameters:
            continue
        try:
            values: dict[str, Any] = {name: read(parameters[name])}
            choice = replace(choice, **values)
        except InputError as error:
            problems.append(str(error))
    return FromAddress(choice=choice, problems=tuple(problems))


def read_packed(text: str, *, default: Choice) -> FromAddress:
    """A choice from one parameter, as `Choice.packed` writes it."""
    names = [field.name for field in fields(Choice)]
    parts = text.rsplit(_SEPARATOR, len(names) - 1)
    if len(parts) != len(names):
        rule = f'A job in this link has {len(names)} parts separated by "|"'
        problem = f'{rule}; got {len(parts)} in "{text[:60]}". The default is shown.'
        return FromAddress(choice=default, problems=(problem,))
    return read_parameters(dict(zip(names, parts, strict=True)), default=default)


def read_figure(text: str) -> int:
    """An amount in dollars from an address. Raises InputError."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) <= MAX_FIGURE_USD:
        raise InputError(
            f'A figure in this link must be whole dollars from 1 to {MAX_FIGURE_USD:,}; got "{text[:40]}". It was left out.'
        )
    return int(text)


def _title(text: str) -> str:
    if len(text) > taxonomy.MAX_TEXT:
        raise InputError(
            f"The job title in this link has {len(text):,} characters; at most {taxonomy.MAX_TEXT} are read. Type it below."
        )
    return text


def _closed(column: str) -> Callable[[str], Any]:
    def read(text: str) -> str | int:
        for code in LABELS[column]:
            if text.upper() == str(code):
                return code
        known = ", ".join(f"{code} ({label.split(' (')[0]})" for code, label in LABELS[column].items())
        raise InputError(
            f'The {FIELD_NAMES[column]} in this link must be one of {known}; got "{text[:40]}". The default is shown.'
        )

    return read


def _country(text: str) -> str:
    if text.upper() not in taxonomy.country_codes():
        raise InputError(
            f'A country in this link must be a two-letter code such as US; got "{text[:40]}". The default is shown.'
        )
    return text.upper()


def _home(text: str) -> str:
    return _country(text) if text else ""


def _year(text: str) -> int:
    if text in ("", "0"):
        return 0
    if not text.isascii() or not text.isdigit() or not FIRST_YEAR <= int(text[:8]) <= LAST_YEAR:
        raise InputError(
            f'The year in this link must lie between {FIRST_YEAR} and {LAST_YEAR}; got "{text[:40]}". The newest year is shown.'
        )
    return int(text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "title": _title,
    "level": _closed(EXPERIENCE),
    "country": _country,
    "home": _home,
    "remote": _closed(REMOTE),
    "size": _closed(SIZE),
    "contract": _closed(EMPLOYMENT),
    "year": _year,
}
