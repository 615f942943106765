"""Scoring a file: the same rows out, in the same order, with estimates beside them.

The file is read twice: first to find its distinct jobs, which are few and answered once, then to write every row with the
answer of its job. Columns that are no feature pass through, salaries among them, and are never used. A row that cannot be
answered keeps its place with empty figures and a reason.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.columns import Columns, match_columns, plain, shown
from mlpaygrade.dataset.reader import Rows, open_rows
from mlpaygrade.dataset.table import Coded, code_rows
from mlpaygrade.dataset.writing import writing_text
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.jobs import defaults_said, lines
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import BY_COLUMN, FEATURES
from mlpaygrade.job.memory import with_memory

ADDED: Final = (*FIGURES, "support", "reason")
"""Columns that scoring adds. `support` counts matching training postings; `reason` says why a row has no figures, or how it
was read where that needs saying."""

CHUNK: Final = 32_768
KINDS: Final = 20
"""So many kinds of unanswered rows are told apart in the summary; the file says the reason of each row."""
OTHER_REASONS: Final = "other reasons"

Progress = Callable[[int, int], None]
"""Called with (distinct jobs answered, distinct jobs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSummary:
    """What scoring did: rows in the file, rows without an answer, rows answered with a remark, distinct jobs.

    reasons: why rows have no answer -> how many, the first kinds apart. notes: how the file was read.
    """

    rows: int
    unanswered: int
    remarked: int
    distinct_jobs: int
    reasons: Mapping[str, int]
    notes: tuple[str, ...]


class Meaning(Protocol):
    """What a person said of a file: where its columns stand, what own words mean, what holds where a row does not say it."""

    @property
    def defaults(self) -> Mapping[str, str]:
        """Dataset column -> code."""

    def places(self, header: Sequence[str]) -> Mapping[str, int]:
        """Column -> place in a row."""

    def meant(self, name: str, texts: Sequence[str]) -> Sequence[str]:
        """What each different text of a column stands for."""


def score_file(
    source: Path,
    output: Path,
    *,
    predictor: Predictor,
    meaning: Meaning | None = None,
    progress: Progress = lambda _done, _total: None,
) -> ScoreSummary:
    """Score a file into a CSV file. Of its columns, title and country are needed; what the others say is a default without them.

    meaning: what a person said of the file; without it columns go by their names.
    Raises DataError when the file is no table of jobs, InputError when it would overwrite its source, ResourceError when the
    output cannot be written. The output appears whole or not at all, and only with as many rows as the source has.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise InputError(f"The output must be another file than the input; both are {source}. Give another --output.")
    rows = open_rows(source)
    matched = _matched(rows, source, meaning)
    coded = code_rows(rows, matched.places)
    if coded.defects:
        raise DataError(f"{shown(str(source), 200)} cannot be read; nothing was written.", defects=coded.defects)
    job_of_row, codes = _distinct_jobs(coded)
    answers = _answers(predictor, coded, codes, meaning=meaning, progress=progress)
    with writing_text(output) as file:
        written = _write(rows, file, answers, job_of_row)
        if written != coded.rows or len(job_of_row) != coded.rows:
            raise DataError(
                f"{shown(str(source), 200)} had {coded.rows:,} rows and then {written:,}: it changed while it was read. "
                "Nothing was written; run the command again."
            )
    return _summary(
        answers, job_of_row, notes=(*rows.notes, *matched.read_as, *defaults_said(coded.columns), *coded.notes)
    )


def _matched(rows: Rows, source: Path, meaning: Meaning | None) -> Columns:
    """Where the features stand. Raises DataError where one that is needed is missing, or a column of scoring's own is there."""
    required = [column for column in FEATURES if BY_COLUMN[column].required]
    matched = match_columns(rows.header, wanted=FEATURES, required=required)
    if meaning is not None:
        given = {column: place for column, place in meaning.places(rows.header).items() if column in FEATURES}
        lacking = [column for column in required if column not in given and column not in meaning.defaults]
        defects = [defect for defect in matched.defects if defect.column in lacking]
        matched = Columns(places=given, unused=(), read_as=(), defects=tuple(defects))
    name = shown(str(source), 200)
    if matched.defects:
        missing = ", ".join(defect.column for defect in matched.defects)
        raise DataError(f"{name} lacks or repeats columns ({missing}); nothing was written.", defects=matched.defects)
    taken = sorted({plain(column) for column in ADDED} & {plain(column) for column in rows.header})
    if taken:
        raise DataError(
            f"{name} already has the column{'s' if len(taken) > 1 else ''} {', '.join(taken)}, which scoring adds. "
            "Rename or remove them."
        )
    return matched


def _distinct_jobs(coded: Coded) -> tuple[NDArray[np.int64], list[NDArray[np.int32]]]:
    """The job of each row, int64 (n,), and the codes of each distinct job in each feature, (jobs,) each."""
    columns = list(coded.columns.values())
    job = np.zeros(coded.rows, dtype=np.int64)
    first = np.zeros(1, dtype=np.int64)
    for column in columns:
        _, first, job = np.unique(job * len(column.texts) + column.codes, return_index=True, return_inverse=True)
    return job, [column.codes[first] for column in columns]


def _answers(
    predictor: Predictor,
    coded: Coded,
    codes: Sequence[NDArray[np.int32]],
    *,
    meaning: Meaning | None,
    progress: Progress,
) -> dict[str, NDArray[Any]]:
    """Columns ADDED of all distinct jobs, in chunks; each sees only the texts that occur in it."""
    read = {name: meaning.meant(name, c.texts) if meaning else c.texts for name, c in coded.columns.items()}
    texts = {name: np.array(list(words), dtype=object) for name, words in read.items()}
    distinct = len(codes[0])
    parts = []
    for start in range(0, distinct, CHUNK):
        chunk = zip(texts, codes, strict=True)
        columns = {column: texts[column][code[start : start + CHUNK]] for column, code in chunk}
        parts.append(answer_texts(predictor, columns, defaults=meaning.defaults if meaning else None))
        progress(min(start + CHUNK, distinct), distinct)
    return {column: np.concatenate([part[column] for part in parts]) for column in ADDED}


def _write(rows: Rows, file: TextIO, answers: Mapping[str, NDArray[Any]], job_of_row: NDArray[np.int64]) -> int:
    """The rows as they were read with the columns ADDED; returns how many."""
    writer = csv.writer(_LineEnds(file), lineterminator="\r\n")
    writer.writerow([*rows.header, *ADDED])
    cells = [[_cell(value) for value in answers[column].tolist()] for column in ADDED]
    added = list(zip(*cells, strict=True))
    written = 0
    for block in rows.blocks():
        jobs = job_of_row[written : written + len(block.rows)].tolist()
        writer.writerows([*row, *added[job]] for row, job in zip(block.rows, jobs, strict=False))
        written += len(block.rows)
    return written


class _LineEnds:
    """Rows with Unix line ends whose cells may hold a carriage return: Python quotes one only where line ends have it too."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        """Write one row, as `csv.writer` hands it over."""
        return self._file.write(row.removesuffix("\r\n") + "\n")


def _cell(value: int | str) -> str:
    return value if isinstance(value, str) else str(value) if value >= 0 else ""


def _summary(
    answers: Mapping[str, NDArray[Any]], job_of_row: NDArray[np.int64], *, notes: tuple[str, ...]
) -> ScoreSummary:
    rows_of_job = np.bincount(job_of_row, minlength=len(answers["reason"]))
    unanswered = answers["estimate_usd"] < 0
    kinds: dict[str, int] = {}
    for job in np.flatnonzero(unanswered).tolist():
        kind = str(answers["reason"][job]).removeprefix("not answered: ")
        kind = kind if kind in kinds or len(kinds) < KINDS else OTHER_REASONS
        kinds[kind] = kinds.get(kind, 0) + int(rows_of_job[job])
    return ScoreSummary(
        rows=len(job_of_row),
        unanswered=int(rows_of_job[unanswered].sum()),
        remarked=int(rows_of_job[~unanswered & (answers["reason"] != "")].sum()),
        distinct_jobs=len(rows_of_job),
        reasons=kinds,
        notes=notes,
    )


@with_memory
def answer_texts(
    predictor: Predictor, columns: Mapping[str, NDArray[np.object_]], *, defaults: Mapping[str, str] | None = None
) -> dict[str, NDArray[Any]]:
    """Columns ADDED of n jobs given as texts; figures are -1 where there is no answer. Of missing columns nothing is said."""
    read = predictor.reader.read_columns(columns, defaults=defaults)
    count = len(read.problems)
    added: dict[str, NDArray[Any]] = {name: np.full(count, -1, dtype=np.int64) for name in (*FIGURES, "support")}
    first = [f"not answered: {problem}" if problem else "" for problem in read.problems]
    further: list[tuple[str, ...]] = [()] * count
    if len(index := np.flatnonzero(read.problems == "")):
        answers = predictor.answer_many({column: values[index] for column, values in read.columns.items()})
        for name, usd in answers.figures.items():
            added[name][index] = np.nan_to_num(np.rint(usd), nan=-1).astype(np.int64)
        added["support"][index] = [cell.postings for cell in answers.support]
        for position, refusal, warnings in zip(index, answers.refusals, answers.warnings, strict=True):
            first[position] = f"not answered: {refusal}" if refusal else ""
            further[position] = warnings
    said = zip(first, read.warnings, further, read.notes, strict=True)
    reasons = ["; ".join(filter(None, [one, *lines(two), *three, *lines(four)])) for one, two, three, four in said]
    return {**added, "reason": np.array(reasons, dtype=object)}
