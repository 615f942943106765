"""Rows that an employer uploads or pastes: from bytes to jobs and amounts, with what must be asked and every problem by row.

`open_upload` recognises the file and proposes what its columns are; `read_sheet` reads it as a mapping says. Jobs are read by
`forecast.jobs.JobReader`, as everywhere; amounts by `amounts`. Computes no market figure, keeps nothing on disk.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.benchmarking import mapping as ask
from mlpaygrade.benchmarking.mapping import MOST_WORDS, NOT_USED, Question, SheetMapping, Word, folded
from mlpaygrade.benchmarking.pay_columns import BAND_HIGH, BAND_LOW, PAY, PayColumns, read_pay_columns
from mlpaygrade.benchmarking.proposal import PAY_FIELDS, Proposal, propose_columns, propose_levels
from mlpaygrade.dataset.columns import shown
from mlpaygrade.dataset.reader import Limits, Rows, open_rows
from mlpaygrade.errors import DataError, Defect, InputError
from mlpaygrade.forecast.jobs import JobReader, ReadJobs, defaults_said, lines, objects
from mlpaygrade.job.fields import BY_COLUMN, EMPLOYMENT, EXPERIENCE, FEATURES, LOCATION, REMOTE, RESIDENCE, SIZE, TITLE
from mlpaygrade.job.lookup import rows as table_rows
from mlpaygrade.job.lookup import with_memory
from mlpaygrade.job.places import country, country_codes, read_place
from mlpaygrade.job.values import COUNTRY_COLUMNS, is_missing

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 1_000

REFERENCE: Final = "reference"
DEPARTMENT: Final = "department"
_KEPT: Final = (REFERENCE, DEPARTMENT, TITLE, EXPERIENCE)
"""Columns whose own texts are shown beside the figures."""
_MATTER: Final = (TITLE, EXPERIENCE, LOCATION, *PAY_FIELDS)
"""Fields whose column is asked about where it is not sure."""
_ASKED: Final = (EXPERIENCE, LOCATION, RESIDENCE, REMOTE, SIZE, EMPLOYMENT)
"""Fields whose own words are asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in one cell. row: 1-based data row; 0 where the whole text is meant."""

    row: int
    column: str
    rule: str
    value: str
    remedy: str

    @classmethod
    def of(cls, row: int, column: str, defect: Defect) -> Self:
        """A defect of a cell."""
        value = defect.value if len(defect.value) <= 80 else defect.value[:77] + "..."
        remedy = defect.remedy or "Correct it, or leave the row as it is without an answer."
        return cls(row=row, column=column, rule=defect.rule, value=value, remedy=remedy)

    def __str__(self) -> str:
        where = f"Row {self.row:,}, {self.column}" if self.row else self.column
        return f"{where}: {self.rule}; got {self.value}. {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A table that was recognised, and what its columns probably are."""

    rows: Rows
    proposals: tuple[Proposal, ...]

    def mapping(self) -> SheetMapping:
        """The columns as they are proposed."""
        return SheetMapping(columns={p.field: p.column for p in self.proposals if p.field})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """n rows as they were read.

    mapping: as it was used. fields: that have a column. numbers: int64 (n,), rows of the file. texts: `_KEPT` columns as
    written, each (n,). jobs: the distinct jobs; job: int64 (n,), which of them a row has, -1 for a row that is broken.
    amounts: US dollars a year, float64 (n,), NaN where there is none. remarks: how amounts were read, (n,).
    questions: still open. problems: by cell. notes: of the whole file.
    """

    mapping: SheetMapping
    fields: tuple[str, ...]
    numbers: NDArray[np.int64]
    texts: Mapping[str, NDArray[np.object_]]
    jobs: ReadJobs
    job: NDArray[np.int64]
    amounts: Mapping[str, NDArray[np.float64]]
    remarks: NDArray[np.object_]
    problems: tuple[Problem, ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def value(self, column: str, row: int) -> object:
        """The code of a feature in one row, counted from 0; None where it cannot be read."""
        return None if self.job[row] < 0 else self.jobs.columns[column][self.job[row]]

    def said(self, row: int) -> list[str]:
        """How one row was read where that needs saying, what contradicts it first."""
        job = self.job[row]
        about = [] if job < 0 else [*lines(self.jobs.warnings[job]), *lines(self.jobs.notes[job])]
        return [*about, *([self.remarks[row]] if self.remarks[row] else [])]


def template() -> str:
    """A file to start from: the header and three made-up rows, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([row["header"] for row in table_rows("benchmark_columns", room="benchmarking")])
    made_up = (
        "A-1,Data Engineer,Senior,United States,Platform,,On site,Medium,,,150000,130000,190000",
        "A-2,Data Analyst,Entry level,United Kingdom,Finance,,Hybrid,Large,Full time,,48000,,",
        "A-3,Machine Learning Engineer,Mid level,Germany,Research,,,,,,,,",
    )
    writer.writerows(line.split(",") for line in made_up)
    return text.getvalue()


def headers() -> Mapping[str, str]:
    """Field -> the name of it that a person reads."""
    names = {row["field"]: row["header"] for row in table_rows("column_names", room="dataset")}
    return names | {PAY: "Pay", BAND_LOW: "Band low", BAND_HIGH: "Band high"}


@with_memory
def open_upload(content: bytes | Path, *, reader: JobReader, sheet: str | None = None) -> Upload:
    """Recognise a text, workbook or Parquet file; `sheet` names one of a workbook. Raises DataError where it is no table."""
    if isinstance(content, bytes) and not content.strip():
        raise DataError("There is nothing to read: the text is empty. Start from the template.")
    rows = open_rows(content, limits=Limits(content_bytes=MAX_BYTES, rows=MAX_ROWS, columns=MAX_COLUMNS), sheet=sheet)
    first = next(rows.blocks(), None)
    width = len(rows.header)
    good = [row for row in (first.rows if first else []) if len(row) == width]
    cells = [list(dict.fromkeys(row[place][:MAX_CELL] for row in good if row[place].strip())) for place in range(width)]
    return Upload(rows=rows, proposals=propose_columns(rows.header, cells, known=reader.titles))


@with_memory
def read_sheet(source: bytes | Path | Upload, *, reader: JobReader, mapping: SheetMapping | None = None) -> Sheet:
    """Read a file as a mapping says; what the mapping leaves open is taken as proposed, and asked where that is not sure.

    Raises DataError where it is no table of jobs at all, or lacks a column that the mapping names; cells become problems.
    """
    upload = source if isinstance(source, Upload) else open_upload(source, reader=reader)
    mapping = mapping or SheetMapping()
    places = _places(upload, mapping)
    cells = _Cells.read(upload.rows, places)
    used = replace(mapping, columns={name: upload.rows.header[place] for name, place in places.items()})
    table, asked = _jobs(cells, places, mapping, reader)
    pay = _pay(upload.rows, cells, places, mapping, table)
    columns = [*_column_questions(upload, mapping, len(cells.numbers)), *asked, *pay.questions]
    fields = tuple(name for name in places if name in (REFERENCE, DEPARTMENT, *FEATURES)) + tuple(pay.amounts)
    notes = [*upload.rows.notes, *_read_as(upload, places), *defaults_said(places), *pay.notes]
    problems = [*cells.problems, *_job_problems(cells, table), *_pay_problems(cells, pay)]
    return Sheet(
        mapping=used,
        fields=fields,
        numbers=np.array(cells.numbers, dtype=np.int64),
        texts={name: cells.texts(name) for name in _KEPT},
        jobs=table.jobs,
        job=table.job,
        amounts=pay.amounts,
        remarks=pay.remarks,
        problems=tuple(sorted(problems, key=lambda p: p.row)),
        questions=tuple(columns),
        notes=tuple(notes),
    )


def _places(upload: Upload, mapping: SheetMapping) -> dict[str, int]:
    """field -> place: as the mapping names columns, else as proposed. Raises DataError."""
    header = upload.rows.header
    places = {name: place for name, place in mapping.places(header).items() if mapping.columns.get(name)}
    for proposal in upload.proposals:
        if proposal.field and proposal.field not in mapping.columns and proposal.place not in places.values():
            places[proposal.field] = proposal.place
    if TITLE not in places:
        listed = ", ".join(shown(other) for other in header[:15])
        remedy = "Name the column of job titles 'Job title', or say in the mapping which it is."
        defect = Defect(column="Job title", rule="must be there as a column", value=listed, remedy=remedy)
        raise DataError("The column that is needed is not there.", defects=[defect])
    return places


def _read_as(upload: Upload, places: Mapping[str, int]) -> list[str]:
    """What to say of the columns: those under another name, and those that are not used."""
    header, names = upload.rows.header, headers()
    other = [
        f"'{shown(header[n])}' as {names[name]}"
        for name, n in places.items()
        if folded(header[n]) not in (folded(names[name]), name)
    ]
    unused = [shown(name) for place, name in enumerate(header) if place not in places.values()]
    more = f" and {len(unused) - 12} more" if len(unused) > 12 else ""
    return [
        *([f"columns read: {', '.join(other)}"] if other else []),
        *([f"columns not used: {', '.join(unused[:12])}{more}"] if unused else []),
    ]


def _column_questions(upload: Upload, mapping: SheetMapping, rows: int) -> Iterator[Question]:
    for proposal in upload.proposals:
        if proposal.field in _MATTER and not proposal.sure and proposal.field not in mapping.columns:
            columns = [proposal.column, *([proposal.rival] if proposal.rival else [])]
            why = f"'{shown(proposal.column)}' is likely, {proposal.why}."
            if proposal.rival:
                why = f"'{shown(proposal.column)}' and '{shown(proposal.rival)}' both may."
            others = [p.column for p in upload.proposals if not p.field and p.column not in columns][:8]
            yield Question(
                kind="column",
                field=proposal.field,
                text=f"Which column holds the {headers()[proposal.field].lower()}? {why}",
                rows=rows,
                options={column: column for column in [*columns, *others]} | {NOT_USED: "none of them"},
                proposed=proposal.column,
            )


class _Cells:
    """The cells of the columns that are used, each distinct text once."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self.coders: dict[str, dict[str, int]] = {name: {} for name in places}
        self.codes: dict[str, list[int]] = {name: [] for name in places}
        self.numbers: list[int] = []
        self.broken: list[int] = []
        self.problems: list[Problem] = []

    @classmethod
    def read(cls, rows: Rows, places: Mapping[str, int]) -> "_Cells":
        """All rows but blank ones; one with another number of fields than the header is empty, and a problem."""
        cells, width = cls(places), len(rows.header)
        for block in rows.blocks():
            records = block.rows
            for at, line in block.ragged.items():
                if any(cell.strip() for cell in records[at]):
                    cells.problems.append(_ragged(block.first + at, len(records[at]), line=line, width=width))
                    cells.broken.append(block.first + at)
                records[at] = [""] * width
            broken = set(cells.broken[-len(block.ragged) :]) if block.ragged else set()
            kept = [
                (block.first + at, record)
                for at, record in enumerate(records)
                if block.first + at in broken or any(cell.strip() for cell in record)
            ]
            cells.numbers += [number for number, _ in kept]
            for name, place in places.items():
                coder = cells.coders[name]
                cells.codes[name] += [coder.setdefault(record[place], len(coder)) for _, record in kept]
        if not cells.numbers:
            raise DataError("The header is there, and no row below it. Give at least one job.")
        return cells

    def distinct(self, name: str) -> list[str]:
        """The different texts of a column, in order of appearance."""
        return list(self.coders[name])

    def texts(self, name: str) -> NDArray[np.object_]:
        """A column as written, (n,); empty texts where there is none."""
        if name not in self.coders:
            return np.full(len(self.numbers), "", dtype=object)
        return objects([" ".join(text[:MAX_CELL].split()) for text in self.distinct(name)])[self.codes[name]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Jobs:
    jobs: ReadJobs
    job: NDArray[np.int64]
    given: Mapping[str, Sequence[str]]  # column -> what was read for each different text
    empty_level: NDArray[np.bool_]


def _jobs(
    cells: _Cells, places: Mapping[str, int], mapping: SheetMapping, reader: JobReader
) -> tuple[_Jobs, list[Question]]:
    """The distinct jobs, which one each row has, and what their columns leave open."""
    names = [name for name in FEATURES if name in places]
    job = np.zeros(len(cells.numbers), dtype=np.int64)
    first = np.zeros(1, dtype=np.int64)
    for name in names:
        codes = np.array(cells.codes[name], dtype=np.int64)
        _, first, job = np.unique(job * max(len(cells.coders[name]), 1) + codes, return_index=True, return_inverse=True)
    given = {name: mapping.meant(name, [text[: MAX_CELL + 1] for text in cells.distinct(name)]) for name in names}
    texts = {name: objects(given[name])[[cells.codes[name][n] for n in first]] for name in names}
    read = reader.read_columns(texts, say_defaults=False, defaults=mapping.defaults)
    open_level = _open_level(read, texts)
    job = job.astype(np.int64)
    job[np.isin(np.array(cells.numbers), cells.broken)] = -1
    table = _Jobs(jobs=read, job=job, given=given, empty_level=open_level)
    return table, _job_questions(cells, table, mapping)


def _open_level(read: ReadJobs, texts: Mapping[str, NDArray[np.object_]]) -> NDArray[np.bool_]:
    """Jobs whose level nobody says: neither the cell, nor the title."""
    levels = read.columns[EXPERIENCE]
    cells = texts.get(EXPERIENCE, objects([""] * len(levels)))
    pairs = zip(levels, cells, strict=True)
    return np.array([level is None and is_missing(EXPERIENCE, text.strip()) for level, text in pairs], dtype=bool)


def _job_questions(cells: _Cells, table: _Jobs, mapping: SheetMapping) -> list[Question]:
    asked = [question for name in _ASKED if (question := _words_question(cells, table, name))]
    good = table.job[table.job >= 0]
    open_levels = int((table.empty_level[good] & _without_text(cells, EXPERIENCE)[table.job >= 0]).sum())
    if open_levels and EXPERIENCE not in mapping.defaults and not any(q.field == EXPERIENCE for q in asked):
        asked.append(ask.default_question(EXPERIENCE, "level", rows=open_levels, proposed="MI"))
    missing = int(_without_text(cells, LOCATION)[table.job >= 0].sum())
    if missing and LOCATION not in mapping.defaults:
        inside = [code for code in dict.fromkeys(table.jobs.columns[LOCATION][good]) if code]
        proposed = inside[0] if len(inside) == 1 else ""
        codes = [*inside, *_by_name(country_codes() - set(inside))]
        asked.append(ask.default_question(LOCATION, "country", rows=missing, proposed=proposed, codes=codes))
    return asked


def _by_name(codes: Iterable[str]) -> list[str]:
    return sorted(codes, key=lambda code: country(code).name)


def _without_text(cells: _Cells, name: str) -> NDArray[np.bool_]:
    """Rows whose own cell says nothing, (n,); an own word that a person left open is none of them."""
    if name not in cells.coders:
        return np.ones(len(cells.numbers), dtype=bool)
    blank = np.array([is_missing(name, text.strip()) for text in cells.distinct(name)], dtype=bool)
    found: NDArray[np.bool_] = blank[cells.codes[name]]
    return found


def _words_question(cells: _Cells, table: _Jobs, name: str) -> Question | None:
    """One question for the own words of a column; None where there are none, or where it holds no words of a kind."""
    if name not in table.given:
        return None
    defects, found = table.jobs.defects.get(name, {}), Counter[str]()
    counts = np.bincount(np.array(cells.codes[name], dtype=np.intp), minlength=len(table.given[name])).tolist()
    for text, meant, count in zip(cells.distinct(name), table.given[name], counts, strict=True):
        if meant in defects and not is_missing(name, meant.strip()) and len(text) <= 60:
            found[" ".join(text.split())] += count
    if not found or len(found) > MOST_WORDS:
        return None
    proposed = _proposed(name, list(found))
    words = tuple(Word(text=text, rows=rows, proposed=proposed.get(text, "")) for text, rows in found.items())
    options = ask.level_options(name) if name not in COUNTRY_COLUMNS else _country_choices(words)
    text = f"What do your own words for {BY_COLUMN[name].label} mean?"
    return Question(kind="values", field=name, text=text, rows=sum(found.values()), options=options, words=words)


def _country_choices(words: Sequence[Word]) -> dict[str, str]:
    near = dict.fromkeys(word.proposed for word in words if word.proposed)
    codes = [*near, *_by_name(country_codes() - set(near))]
    return {NOT_USED: "leave open"} | ask.country_options(codes)


def _proposed(name: str, texts: Sequence[str]) -> dict[str, str]:
    if name == EXPERIENCE:
        return propose_levels(texts)
    if name not in COUNTRY_COLUMNS:
        return {}
    near = {}
    for text in texts:
        try:
            near[text] = next(iter(read_place(text).suggestions), "")
        except InputError:
            near[text] = ""
    return near


def _job_problems(cells: _Cells, table: _Jobs) -> Iterator[Problem]:
    """Every cell of a job that cannot be read, by row; and rows whose level or country nobody says."""
    names = headers()
    good = table.job >= 0
    for name, given in table.given.items():
        defects = [table.jobs.defects.get(name, {}).get(text) for text in given]
        bad = np.array([defect is not None for defect in defects], dtype=bool)
        codes = np.array(cells.codes[name], dtype=np.intp)
        for n in np.flatnonzero(bad[codes] & good):
            if (defect := defects[codes[n]]) is not None:
                yield Problem.of(cells.numbers[n], names[name], defect)
    if LOCATION not in table.given and any(value is None for value in table.jobs.columns[LOCATION]):
        yield Problem(
            row=0,
            column=names[LOCATION],
            rule="must be there as a column, or be chosen",
            value="none",
            remedy="Choose the country that holds for every row.",
        )
    rule = "must be given, since the title does not say it"
    for n in np.flatnonzero(good):
        if table.empty_level[table.job[n]]:
            remedy = "Write Entry level, Mid level, Senior or Executive, or choose one for all such rows."
            yield Problem(row=cells.numbers[n], column=names[EXPERIENCE], rule=rule, value="nothing", remedy=remedy)


def _pay(rows: Rows, cells: _Cells, places: Mapping[str, int], mapping: SheetMapping, table: _Jobs) -> PayColumns:
    columns = {name: (cells.distinct(name), cells.codes[name]) for name in places if name not in FEATURES}
    countries = [None if job < 0 else table.jobs.columns[LOCATION][job] for job in table.job.tolist()]
    return read_pay_columns(rows.header, places, columns, countries=countries, mapping=mapping)


def _pay_problems(cells: _Cells, pay: PayColumns) -> Iterator[Problem]:
    broken, names = set(cells.broken), headers()
    for row, defect in pay.defects:
        if cells.numbers[row] not in broken:
            yield Problem.of(cells.numbers[row], names.get(defect.column, defect.column), defect)


def _ragged(number: int, fields: int, *, line: int, width: int) -> Problem:
    remedy = "Look for a missing or an extra separator, or a text with a separator that is not in quotes."
    rule = f"must have {width} fields like the header"
    return Problem(row=number, column="(row)", rule=rule, value=f"{fields} in line {line:,}", remedy=remedy)
