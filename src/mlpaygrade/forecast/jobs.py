"""From jobs as people write them to jobs in codes: one job (`JobReader.read`), and columns of a file (`read_columns`).

Every door reads through this. What is given in words is read by `values`, a title with the titles that the training data hold,
what is not given becomes its default; each of these readings is said.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import InputError
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import BY_NAME, FEATURES, FIELDS, LOCATION, RESIDENCE, Field, Job, JobWords, job_of
from mlpaygrade.job.values import Reading, is_missing, read_values

Texts = Sequence[str] | NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """A job as it was understood, with what had to be said about that."""

    job: Job
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadJobs:
    """Many jobs as they were understood.

    columns: the dataset's feature columns in codes, each (n,); None where a value cannot be read.
    problems: n texts, why a job cannot be read, "" where it can. notes: n texts, how it was read where that needs saying.
    """

    columns: Mapping[str, NDArray[np.object_]]
    problems: NDArray[np.object_]
    notes: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one field as it was read. value: None where `problem` says why not."""

    value: Any
    notes: tuple[str, ...] = ()
    problem: str = ""


MISSING: Final = object()
"""Value of an empty cell of a field that follows from others."""


class JobReader:
    """Reads jobs for one bundle: its titles, its newest year. Keeps nothing of what it reads."""

    def __init__(self, *, titles: Collection[str], newest_year: int) -> None:
        self._titles = titles
        self._newest_year = newest_year

    def read(self, **words: Unpack[JobWords]) -> ReadJob:
        """Read one job. Raises InputError with rule, value and remedy; every other reading is noted."""
        if unknown := words.keys() - BY_NAME.keys():
            raise InputError(f"A job has the fields {', '.join(BY_NAME)}; got '{sorted(unknown)[0]}'.")
        given: Mapping[str, object] = dict(words)
        texts = {field.name: given.get(field.name) for field in FIELDS}
        read = self.read_columns({BY_NAME[name].column: [_text(value)] for name, value in texts.items()})
        if read.problems[0]:
            raise InputError(read.problems[0])
        job = job_of({column: values[0] for column, values in read.columns.items()})
        return ReadJob(job=job, notes=tuple(filter(None, read.notes[0].split("\n"))))

    def read_columns(self, columns: Mapping[str, Texts]) -> ReadJobs:
        """Read n jobs given as texts by dataset column. A column that is missing is read as one of empty cells."""
        count = len(next(iter(columns.values())))
        values: dict[str, NDArray[np.object_]] = {}
        problems, notes = np.full(count, "", dtype=object), np.full(count, "", dtype=object)
        for field in FIELDS:
            cells, place = self._distinct(field, columns.get(field.column, [""] * count))
            values[field.column] = _objects([cell.value for cell in cells])[place]
            problems = _joined(problems, _objects([cell.problem for cell in cells])[place], " ")
            notes = _joined(notes, _objects(["\n".join(cell.notes) for cell in cells])[place], "\n")
        follows = np.array([value is MISSING for value in values[RESIDENCE]], dtype=bool)
        values[RESIDENCE] = np.where(follows, values[LOCATION], values[RESIDENCE])
        return ReadJobs(columns={column: values[column] for column in FEATURES}, problems=problems, notes=notes)

    def _distinct(self, field: Field, texts: Texts) -> tuple[list[Cell], NDArray[np.intp]]:
        """The distinct cells of a column, and which of them each row has."""
        places: dict[str, int] = {}
        place = np.fromiter((places.setdefault(text, len(places)) for text in texts), dtype=np.intp, count=len(texts))
        readings = zip(places, read_values(field.column, list(places)), strict=True)
        return [self._cell(field, text, reading) for text, reading in readings], place

    def _cell(self, field: Field, text: str, reading: Reading) -> Cell:
        if not field.required and is_missing(field.column, text.strip()):
            return self._not_given(field)
        if reading.defect is not None:
            defect = reading.defect
            return Cell(None, problem=f"{field.label} {defect.rule}; got {defect.value}. {defect.remedy}")
        notes = tuple(f"{field.label}: {note}" for note in reading.notes)
        if field.kind != "title":
            return Cell(reading.value, notes)
        try:
            title = taxonomy.resolve_title(str(reading.value), known=self._titles)
        except InputError as error:
            return Cell(None, problem=str(error))
        return Cell(title.title, (*notes, *filter(None, [title.note])))

    def _not_given(self, field: Field) -> Cell:
        if field.kind == "year":
            return Cell(self._newest_year)
        if field.default is None:
            return Cell(MISSING)
        return Cell(field.default, (f"{field.label}: not given; read as {field.labels[field.default]}.",))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _joined(one: NDArray[np.object_], other: NDArray[np.object_], between: str) -> NDArray[np.object_]:
    """Two columns of texts, joined where both say something."""
    if not any(other):
        return one
    both = (one != "") & (other != "")
    joined: NDArray[np.object_] = np.where(both, one + between + other, one + other)
    return joined


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Values as an array of themselves, none of them changed into another type."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
