"""From jobs as people write them to jobs in codes: one job (`JobReader.read`), and columns of a file (`read_columns`).

Every door reads through this. What is given in words is read by `values`, a title with the titles that the training data hold,
what is not given becomes its default; each of these readings is said.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Unpack

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import Defect, InputError
from mlpaygrade.job.fields import (
    BY_COLUMN,
    BY_NAME,
    EMPLOYMENT,
    EXPERIENCE,
    FEATURES,
    FIELDS,
    LOCATION,
    REMOTE,
    RESIDENCE,
    TITLE,
    Code,
    Field,
    Job,
    JobWords,
    job_of,
)
from mlpaygrade.job.known_titles import resolve_title
from mlpaygrade.job.lookup import with_memory
from mlpaygrade.job.reading import TitleReading, contradictions, read_title
from mlpaygrade.job.relevance import relevance
from mlpaygrade.job.values import Reading, is_missing, read_values

Texts = Sequence[str] | NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """A job as it was understood. warnings: where title and fields disagree. notes: how it was read where that needs saying."""

    job: Job
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadJobs:
    """Many jobs as they were understood.

    columns: the dataset's feature columns in codes, each (n,); None where a value cannot be read.
    problems: n texts, why a job cannot be read, "" where it can. warnings, notes: n texts of lines, as in `ReadJob`.
    defects: column -> text of a cell that cannot be read -> why.
    """

    columns: Mapping[str, NDArray[np.object_]]
    problems: NDArray[np.object_]
    warnings: NDArray[np.object_]
    notes: NDArray[np.object_]
    defects: Mapping[str, Mapping[str, Defect]]


class _NotGiven:
    """The value of an empty cell, until it is known what that means."""


_NOT_GIVEN: Final = _NotGiven()


@dataclass(frozen=True, slots=True)
class _Cell:
    """A distinct text of one field as it was read. value: None where `problem` says why not. title: what a title says."""

    value: Any
    notes: tuple[str, ...] = ()
    problem: str = ""
    defect: Defect | None = None
    title: TitleReading | None = None


class JobReader:
    """Reads jobs for one bundle: its titles, its newest year. Keeps nothing of what it reads."""

    def __init__(self, *, titles: Collection[str], newest_year: int) -> None:
        self._titles = frozenset(titles)
        self._newest_year = newest_year

    @property
    def titles(self) -> frozenset[str]:
        """The titles that are known."""
        return self._titles

    def read(self, **words: Unpack[JobWords]) -> ReadJob:
        """Read one job. Raises InputError with rule, value and remedy; every other reading is noted."""
        (read,) = self.read_each([words])
        if isinstance(read, InputError):
            raise read
        return read

    def read_each(self, jobs: Sequence[JobWords]) -> list[ReadJob | InputError]:
        """Read n jobs, each as `read` would, at a fraction of its cost; what that would raise stands in a job's place."""
        given: list[Mapping[str, object]] = [dict(words) for words in jobs]
        texts = {field.column: [_text(words.get(field.name)) for words in given] for field in FIELDS}
        read = self.read_columns(texts, strangers=True)
        return [self._one(words, read, n) for n, words in enumerate(given)]

    def _one(self, words: Mapping[str, object], read: ReadJobs, n: int) -> ReadJob | InputError:
        """One of the jobs that were read together, or what is wrong with it."""
        if unknown := sorted(words.keys() - BY_NAME.keys()):
            return InputError(
                f"A job has the fields {', '.join(BY_NAME)}; got '{unknown[0]}'.",
                defects=[unknown_field(name) for name in unknown],
            )
        if problem := read.problems[n]:
            return InputError(problem, defects=self._defects(words, said=problem))
        job = job_of({column: values[n] for column, values in read.columns.items()})
        return ReadJob(job=job, warnings=lines(read.warnings[n]), notes=lines(read.notes[n]))

    def _defects(self, texts: Mapping[str, object], *, said: str) -> list[Defect]:
        """What is wrong with the fields of one job, each by its name. said: the same as one text."""
        found = []
        for field in FIELDS:
            ((cell,), _) = self._distinct(field, [_text(texts.get(field.name))])
            if cell.problem:
                unread = Defect(column=field.name, rule=cell.problem, value=_text(texts.get(field.name)), remedy="")
                found.append(unread if cell.defect is None else replace(cell.defect, column=field.name))
            elif cell.value is _NOT_GIVEN and field.labels and _ask(field) in said:
                rule = "must be given, since the title does not say it"
                found.append(Defect(column=field.name, rule=rule, value="nothing", remedy=f"Give {_choices(field)}."))
        return found

    @with_memory
    def read_columns(
        self,
        columns: Mapping[str, Texts],
        *,
        say_defaults: bool = True,
        defaults: Mapping[str, str] | None = None,
        strangers: bool = False,
    ) -> ReadJobs:
        """Read n jobs given as texts by dataset column. A column that is missing is read as one of empty cells.

        say_defaults: note each job whose cell is empty and read as the default. Of columns that are missing nothing is noted;
        `defaults_said` says it once for all. defaults: column -> code of jobs that do not say it, before the field's own.
        strangers: the jobs do not come from one file, so no cell is read by what stands in others (CA among US states).

        What is not given follows from the title where that says it ("Senior", "(Remote)"), else it is the field's default. Where
        a title and a given field disagree, the field counts, and that is a warning.
        """
        count = len(next(iter(columns.values())))
        chosen = {name: _code(name, text) for name, text in (defaults or {}).items() if name in BY_COLUMN and text}
        cells = {
            field.column: self._distinct(
                field,
                columns.get(field.column, [""] * count),
                may_lack=field.column in chosen,
                strangers=strangers,
            )
            for field in FIELDS
        }
        rows = _Rows(
            values={column: objects([cell.value for cell in found])[place] for column, (found, place) in cells.items()},
            problems=np.full(count, "", dtype=object),
            notes=np.full(count, "", dtype=object),
        )
        titles = objects([cell.title for cell in cells[TITLE][0]])[cells[TITLE][1]]
        warnings = _contradictions(titles, rows.values)
        for column, (found, place) in cells.items():
            rows.note(objects(["\n".join(cell.notes) for cell in found])[place])
            rows.complain(objects([cell.problem for cell in found])[place])
            default = chosen.get(column, BY_COLUMN[column].default)
            self._fill(BY_COLUMN[column], default, titles, rows, say_default=say_defaults and column in columns)
        return ReadJobs(
            columns={column: rows.values[column] for column in FEATURES},
            problems=rows.problems,
            warnings=warnings,
            notes=rows.notes,
            defects={
                column: {
                    text: cell.defect
                    for text, cell in zip(dict.fromkeys(columns[column]), found, strict=True)
                    if cell.defect
                }
                for column, (found, _) in cells.items()
                if column in columns
            },
        )

    def _distinct(
        self, field: Field, texts: Texts, *, may_lack: bool = False, strangers: bool = False
    ) -> tuple[list[_Cell], NDArray[np.intp]]:
        """The distinct cells of a column, and which of them each row has."""
        places: dict[str, int] = {}
        place = np.fromiter((places.setdefault(text, len(places)) for text in texts), dtype=np.intp, count=len(texts))
        columns = [[text] for text in places] if strangers else [list(places)]
        readings = [reading for column in columns for reading in read_values(field.column, column)]
        cells = zip(places, readings, strict=True)
        return [self._cell(field, text, reading, may_lack=may_lack) for text, reading in cells], place

    def _cell(self, field: Field, text: str, reading: Reading, *, may_lack: bool) -> _Cell:
        if (may_lack or not field.required) and is_missing(field.column, text.strip()):
            return _Cell(_NOT_GIVEN)
        if reading.defect is not None:
            defect = reading.defect
            problem = f"{field.label} {defect.rule}; got {defect.value}. {defect.remedy}"
            return _Cell(None, problem=problem, defect=defect)
        notes = tuple(f"{field.label}: {note}" for note in reading.notes)
        if field.kind != "title":
            return _Cell(reading.value, notes)
        try:
            found = resolve_title(str(reading.value), known=self._titles)
            says = read_title(str(reading.value), known=self._titles)
        except InputError as error:
            defect = Defect(column=field.column, rule=str(error), value=text[:60], remedy="")
            return _Cell(None, problem=str(error), defect=defect)
        note = found.note if found.known or relevance(found.title, known=self._titles).answerable else None
        return _Cell(found.title, (*notes, *filter(None, [note])), title=says)

    def _fill(
        self, field: Field, default: Code | None, titles: NDArray[np.object_], rows: "_Rows", *, say_default: bool
    ) -> None:
        """Give the empty cells of a field their value: from the title, from another field, or the default."""
        empty = np.array([value is _NOT_GIVEN for value in rows.values[field.column]], dtype=bool)
        if not empty.any():
            return
        said = objects(
            [None if title is None else getattr(title, _SAYS.get(field.column, ""), None) for title in titles]
        )
        from_title = empty & np.array([value is not None for value in said], dtype=bool)
        rest = empty & ~from_title
        rows.values[field.column] = np.where(from_title, said, rows.values[field.column])
        for code, words in field.labels.items():
            chosen = from_title & (rows.values[field.column] == code)
            rows.note(np.where(chosen, f"{field.label}: not given; the title says {words.split(' (')[0].lower()}.", ""))
        if field.column == RESIDENCE and default is None:
            rows.values[field.column] = np.where(rest, rows.values[LOCATION], rows.values[field.column])
        elif field.kind == "year":
            rows.values[field.column] = np.where(rest, self._newest_year, rows.values[field.column]).astype(object)
        elif default is None:
            rows.values[field.column][rest] = None
            rows.complain(np.where(rest, _ask(field), ""))
        else:
            rows.values[field.column] = np.where(rest, objects([default] * len(rest)), rows.values[field.column])
            if say_default:
                words = field.labels.get(default, str(default))
                rows.note(np.where(rest, f"{field.label}: not given; read as {words}.", ""))


_SAYS: Final = {EXPERIENCE: "level", REMOTE: "remote", EMPLOYMENT: "employment"}
"""Fields of which a title may speak -> the attribute of `TitleReading`."""


@dataclass(slots=True)
class _Rows:
    """Rows while they are read: values by column, and what has to be said of each row."""

    values: dict[str, NDArray[np.object_]]
    problems: NDArray[np.object_]
    notes: NDArray[np.object_]

    def note(self, texts: NDArray[Any]) -> None:
        """Add notes, n texts."""
        self.notes = _joined(self.notes, texts.astype(object), "\n")

    def complain(self, texts: NDArray[Any]) -> None:
        """Add problems, n texts."""
        self.problems = _joined(self.problems, texts.astype(object), " ")


def _contradictions(titles: NDArray[np.object_], values: Mapping[str, NDArray[np.object_]]) -> NDArray[np.object_]:
    """Where title and given fields disagree, n texts."""
    known: dict[tuple[object, ...], str] = {}
    found = []
    for title, *codes in zip(titles, *(values[column] for column in _SAYS), strict=True):
        key = (title, *codes)
        if key not in known:
            given = [None if code is _NOT_GIVEN else code for code in codes]
            experience, remote, employment = given
            said = (
                ()
                if title is None
                else contradictions(title, experience=experience, remote=remote, employment=employment)
            )
            known[key] = "\n".join(said)
        found.append(known[key])
    return objects(found)


def defaults_said(given: Collection[str]) -> list[str]:
    """What to say of a file that lacks columns of a job, once for the file. given: the columns that it has."""
    lacking = [field for field in FIELDS if field.column not in given and not field.required]
    return [f"no column for {field.label}: {_taken_for(field)}" for field in lacking]


def _taken_for(field: Field) -> str:
    if field.column == RESIDENCE:
        return "employees are read as living in the company's country"
    if field.kind == "year":
        return "answered at the pay level of the newest year in the data"
    if field.default is None:
        return "taken from the title, where that says it"
    unless = ", unless the title says otherwise" if field.column in _SAYS else ""
    return f"every row is read as {field.labels[field.default].split(' (')[0].lower()}{unless}"


def unknown_field(name: str) -> Defect:
    """What to say of a field that no job has."""
    return Defect(
        column=name,
        rule=f"a job has the fields {', '.join(BY_NAME)}",
        value=repr(name[:60]),
        remedy="Rename or remove it.",
    )


def _code(column: str, text: str) -> Code:
    """The code that a text is."""
    return next((code for code in BY_COLUMN[column].labels if str(code) == text), text)


def _ask(field: Field) -> str:
    return f"{field.label} must be given, since the title does not say it: {_choices(field)}."


def _choices(field: Field) -> str:
    return "one of " + ", ".join(f"{code} ({label.split(' (')[0]})" for code, label in field.labels.items())


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text of `ReadJobs`; none of an empty one."""
    return tuple(filter(None, text.split("\n")))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _joined(one: NDArray[np.object_], other: NDArray[np.object_], between: str) -> NDArray[np.object_]:
    """Two columns of texts, joined where both say something."""
    if not any(other):
        return one
    both = (one != "") & (other != "")
    joined: NDArray[np.object_] = np.where(both, one + between + other, one + other)
    return joined


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """Values as an array of themselves, none of them changed into another type, object (n,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array
