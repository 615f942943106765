"""Scoring files, one or a folder of them: the same rows out, in the same order, with estimates beside them.

The file streams past in pieces. Distinct jobs, which are few, are answered once and remembered; every row gets the answer of
its job. Columns that are no feature pass through, salaries among them, and are never used. A row that cannot be answered
keeps its place with empty figures and a reason. Text gives CSV, Parquet gives Parquet. A folder that was begun is taken up
again: what is done stands in `_scored.json` beside the results, with the state of each source; a run with another bundle or
mapping is refused there, so no folder holds results of two.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset import workbook
from mlpaygrade.dataset.columns import Columns, match_columns, plain, shown
from mlpaygrade.dataset.lines import Key, ParquetTable, line_of, pieces
from mlpaygrade.dataset.reader import Rows, open_rows
from mlpaygrade.dataset.store import brought, files_of, is_folder, is_url, joined, make_folder, placed
from mlpaygrade.dataset.writing import write_file, writing_bytes
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast.answer import FIGURES, Answers, newest_advert
from mlpaygrade.forecast.jobs import defaults_said, lines
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.remarks import age_note
from mlpaygrade.job.fields import BY_COLUMN, FEATURES
from mlpaygrade.job.lookup import with_memory


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column that scoring adds. of: the whole numbers of n answers, missing (NaN) where refused; None for a column of texts."""

    name: str
    meaning: str
    of: Callable[[Answers], NDArray[np.float64]] | None = None


def _figure(name: str) -> Callable[[Answers], NDArray[np.float64]]:
    return lambda answers: answers.figures[name]


_MEANINGS: Final = (
    "typical pay, US dollars a year",
    "low end of the range that one advert typically names",
    "its high end",
    "low end of the range in which 9 of 10 such jobs are advertised",
    "its high end",
)
OUTPUT: Final = (
    *(OutputColumn(name, meaning, _figure(name)) for name, meaning in zip(FIGURES, _MEANINGS, strict=True)),
    OutputColumn(
        "support",
        "adverts in the training data that match",
        lambda answers: np.array([cell.postings for cell in answers.support], dtype=np.float64),
    ),
    OutputColumn("reason", "why a row has no figures, or how it was read where that needs saying"),
)
"""What scoring adds, in this order: here and nowhere else."""
NUMBERS: Final = tuple(column.name for column in OUTPUT if column.of is not None)
ADDED: Final = tuple(column.name for column in OUTPUT)

CHUNK: Final = 32_768
KEPT: Final = 1_000_000
"""So many distinct jobs are remembered, at about 400 bytes each, before all are forgotten."""
KINDS: Final = 20
"""So many kinds of unanswered rows are told apart in the summary; the file says the reason of each row."""
OTHER_REASONS: Final = "other reasons"
TEXTS: Final = (".csv", ".tsv", ".txt")
"""An output so named is text, whatever is scored; every other output of a Parquet file is Parquet."""
SHEETS: Final = (".parquet", ".xlsx", ".xls", ".xlsb", ".ods")

Progress = Callable[[str, int, int], None]
"""Called with (unit, done, total): bytes of a text, rows of a Parquet file."""
Added = dict[str, NDArray[np.int64] | NDArray[np.object_]]
"""Columns ADDED of n jobs: whole numbers, -1 where there is none, and reasons as texts."""
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSummary:
    """What scoring did: rows in the file, rows without an answer, rows answered with a remark, distinct jobs.

    reasons: why rows have no answer -> how many, the first kinds apart. notes: how the file was read.
    distinct_jobs: those answered again, because others had filled the memory, counted again.
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
    progress: Progress = lambda _unit, _done, _total: None,
) -> ScoreSummary:
    """Score a file. Of its columns, title and country are needed; what the others say is a default without them.

    meaning: what a person said of the file; without it columns go by their names.
    Raises DataError when the file is no table of jobs, InputError when it would overwrite its source, ResourceError when the
    output cannot be written. The output appears whole or not at all, and only with as many rows as the source has.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise InputError(f"The output must be another file than the input; both are {source}. Give another --output.")
    before = _state(source)
    kind = workbook.kind_of(source) if source.is_file() and os.access(source, os.R_OK) else None
    if output.suffix.lower() in (SHEETS if kind == "workbook" else (".parquet",) if kind != "parquet" else ()):
        raise InputError(f"{source} is scored into a CSV file; {output} names another kind. Name the output .csv.")
    table = ParquetTable(source) if kind == "parquet" and output.suffix.lower() not in TEXTS else open_rows(source)
    matched = match_features(table.header, name=str(source), meaning=meaning)
    answered = _Answered(predictor, list(matched.places), meaning)
    places = list(matched.places.values())
    with writing_bytes(output) as file:
        if isinstance(table, ParquetTable):
            said = _write_parquet(table, file, answered, places, progress)
        else:
            said = _write_csv(table, file, answered, places, progress)
        if _state(source) != before:
            raise DataError(
                f"{shown(str(source), 200)} changed while it was read. Nothing was written; run the command again."
            )
    bundle = predictor.bundle
    age = age_note(bundle.ageing, newest=newest_advert(bundle.provenance))
    return answered.summary((*table.notes, *matched.read_as, *defaults_said(matched.places), *said, *age))


def _state(source: Path) -> tuple[int, int, int] | None:
    """What changes with a file's content."""
    if not source.exists():
        return None
    found = source.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def match_features(header: Sequence[str], *, name: str, meaning: Meaning | None = None) -> Columns:
    """Where the features stand. Raises DataError where one that is needed is missing, or a column of scoring's own is there."""
    required = [column for column in FEATURES if BY_COLUMN[column].required]
    matched = match_columns(header, wanted=FEATURES, required=required)
    if meaning is not None:
        given = {column: place for column, place in meaning.places(header).items() if column in FEATURES}
        lacking = [column for column in required if column not in given and column not in meaning.defaults]
        defects = [defect for defect in matched.defects if defect.column in lacking]
        matched = Columns(places=given, unused=(), read_as=(), defects=tuple(defects))
    name = shown(name, 200)
    if matched.defects:
        missing = ", ".join(defect.column for defect in matched.defects)
        raise DataError(f"{name} lacks or repeats columns ({missing}); nothing was written.", defects=matched.defects)
    taken = sorted({plain(column) for column in ADDED} & {plain(column) for column in header})
    if taken:
        raise DataError(
            f"{name} already has the column{'s' if len(taken) > 1 else ''} {', '.join(taken)}, which scoring adds. "
            "Rename or remove them."
        )
    return matched


def _write_csv(
    rows: Rows, file: BinaryIO, answered: "_Answered", places: Sequence[int], progress: Progress
) -> tuple[str, ...]:
    """The rows as they were read with the columns ADDED; returns what to say of them."""
    file.write(line_of([*rows.header, *ADDED]) + b"\n")
    blank = 0
    for piece in pieces(rows, places):
        tails = np.array(_tails(answered.of(piece.keys, piece.which)), dtype=object)[piece.which]
        file.write(b"".join(chain.from_iterable(zip(piece.lines, tails.tolist(), strict=True))))
        blank += piece.blank
        progress("bytes", piece.position, rows.size)
    return (f"{blank:,} blank line{'s' if blank != 1 else ''} ignored",) if blank else ()


def _tails(added: Added) -> list[bytes]:
    """How the line of each job goes on."""
    numbers = zip(*(added[name].tolist() for name in NUMBERS), strict=True)
    reasons = added["reason"].tolist()
    return [
        b"," + line_of(["" if value < 0 else str(value) for value in values] + [reason]) + b"\n"
        for values, reason in zip(numbers, reasons, strict=True)
    ]


def _write_parquet(
    table: ParquetTable, file: BinaryIO, answered: "_Answered", places: Sequence[int], progress: Progress
) -> tuple[str, ...]:
    """The rows with their types and the columns ADDED."""
    with table.writing(file, NUMBERS, "reason") as write:
        done = 0
        for piece in table.pieces(places):
            write(piece, answered.of(piece.keys, piece.which))
            done += len(piece.which)
            progress("rows", done, table.rows)
    return ()


class _Answered:
    """Answers of the jobs met so far, each worked out once; at `KEPT` jobs all are forgotten."""

    def __init__(self, predictor: Predictor, columns: Sequence[str], meaning: Meaning | None) -> None:
        self._predictor, self._columns, self._meaning = predictor, columns, meaning
        self._rows = self._unanswered = self._remarked = self._distinct = 0
        self._kinds: dict[str, int] = {}
        self._forget()

    def of(self, keys: Sequence[Key], which: Places) -> Added:
        """Columns ADDED of each key. keys: texts of the columns. which: the key of every row, to count them."""
        if len(self._known) + len(keys) > KEPT:
            self._forget()
        new = [key for key in keys if key not in self._known]
        for start in range(0, len(new), CHUNK):
            self._answer(new[start : start + CHUNK])
        place = np.fromiter(map(self._known.__getitem__, keys), dtype=np.int64, count=len(keys))
        added: dict[str, NDArray[np.int64] | NDArray[np.object_]] = dict(
            zip(NUMBERS, self._numbers[place].T, strict=True)
        )
        added["reason"] = np.array([self._reasons[n] for n in place.tolist()], dtype=object)
        self._count(added, [self._whys[n] for n in place.tolist()], np.bincount(which, minlength=len(keys)))
        return added

    def summary(self, notes: tuple[str, ...]) -> ScoreSummary:
        """What was done."""
        return ScoreSummary(
            rows=self._rows,
            unanswered=self._unanswered,
            remarked=self._remarked,
            distinct_jobs=self._distinct,
            reasons=self._kinds,
            notes=notes,
        )

    def _forget(self) -> None:
        self._known: dict[Key, int] = {}
        self._texts: dict[str, str] = {}
        self._numbers = np.empty((0, len(NUMBERS)), dtype=np.int64)
        self._reasons: list[str] = []
        self._whys: list[str] = []

    def _answer(self, keys: Sequence[Key]) -> None:
        """Answer jobs that are not known; equal texts are kept once."""
        texts = dict(zip(self._columns, zip(*keys, strict=True), strict=True))
        if self._meaning is not None:
            for name, words in texts.items():
                own = dict.fromkeys(words)
                meant = dict(zip(own, self._meaning.meant(name, list(own)), strict=True))
                texts[name] = tuple(map(meant.__getitem__, words))
        columns = {name: np.array(words, dtype=object) for name, words in texts.items()}
        added, whys = _answered(self._predictor, columns, self._meaning.defaults if self._meaning else None)
        self._numbers = np.vstack([self._numbers, np.column_stack([added[name] for name in NUMBERS])])
        kept = self._texts
        self._reasons += [kept.setdefault(reason, reason) for reason in added["reason"].tolist()]
        self._whys += [kept.setdefault(why, why) for why in whys]
        for key in keys:
            self._known[tuple([kept.setdefault(text, text) for text in key])] = len(self._known)
        self._distinct += len(keys)

    def _count(self, added: Added, whys: Sequence[str], rows: Places) -> None:
        """Count the rows of jobs. whys: why each has no answer. rows: how many each has."""
        unanswered = added[FIGURES[0]] < 0
        remarked = ~unanswered & (added["reason"] != "")
        self._rows += int(rows.sum())
        self._unanswered += int(rows[unanswered].sum())
        self._remarked += int(rows[remarked].sum())
        for job in np.flatnonzero(unanswered).tolist():
            kind = whys[job] if whys[job] in self._kinds or len(self._kinds) < KINDS else OTHER_REASONS
            self._kinds[kind] = self._kinds.get(kind, 0) + int(rows[job])


def answer_texts(predictor: Predictor, columns: Mapping[str, NDArray[np.object_]]) -> Added:
    """Columns ADDED of n jobs given as texts; figures are -1 where there is no answer. Of missing columns nothing is said."""
    return _answered(predictor, columns, None)[0]


@with_memory
def _answered(
    predictor: Predictor, columns: Mapping[str, NDArray[np.object_]], defaults: Mapping[str, str] | None
) -> tuple[Added, list[str]]:
    """Columns ADDED of n jobs, and why each has no answer, "" where it has one."""
    read = predictor.reader.read_columns(columns, defaults=defaults)
    whys: list[str] = read.problems.tolist()
    numbers = {name: np.full(len(whys), -1, dtype=np.int64) for name in NUMBERS}
    further: list[tuple[str, ...]] = [()] * len(whys)
    if len(index := np.flatnonzero(read.problems == "")):
        answers = predictor.answer_many({column: values[index] for column, values in read.columns.items()})
        for column in OUTPUT:
            if column.of is not None:
                numbers[column.name][index] = np.nan_to_num(np.rint(column.of(answers)), nan=-1).astype(np.int64)
        for position, refusal, warnings in zip(index, answers.refusals, answers.warnings, strict=True):
            whys[position] = f"not enough data: {refusal}" if refusal else ""
            further[position] = warnings
    said = zip(whys, read.warnings, further, read.notes, strict=True)
    reasons = [
        "; ".join(filter(None, [why and f"not answered: {why}", *lines(two), *three, *lines(four)]))
        for why, two, three, four in said
    ]
    return {**numbers, "reason": np.array(reasons, dtype=object)}, whys


DONE: Final = "_scored.json"
SAVE_SECONDS: Final = 2.0
"""So much of finished work a kill may cost at most, besides the file under way."""

Told = Callable[[str, ScoreSummary], None]
"""Called with a file's name when it is done."""


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in `DONE`. model: bundle and mapping. files: name -> state of the source that was scored."""

    model: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSummary:
    """What was done with a folder. skipped: files done before. refused: name -> why nothing was written."""

    skipped: int
    refused: dict[str, str]


def score_one(
    source: str, output: str, *, predictor: Predictor, meaning: Meaning | None = None, progress: Progress
) -> ScoreSummary:
    """`score_file` for a file here or in a store, gzip-compressed where its name ends in `.gz`."""
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-score-") as folder:
        here = brought(source, Path(folder))
        try:
            with placed(output, Path(folder)) as there:
                return score_file(here, there, predictor=predictor, meaning=meaning, progress=progress)
        except (DataError, InputError) as error:
            if str(here) == source:
                raise
            raise type(error)(str(error).replace(str(here), source)) from None


def score_folder(
    source: str,
    output: str,
    *,
    predictor: Predictor,
    meaning: Meaning | None = None,
    pattern: str = "*",
    progress: Progress,
    told: Told,
) -> FolderSummary:
    """Score the files of a folder, those that are done and unchanged left out; a file that is refused does not stop the others.

    Raises InputError where the two folders are one, no file has such a name, or the output holds results of another run.
    """
    if joined(source, "") == joined(output, "") or (
        is_folder(source) and is_folder(output) and not is_url(source + output) and Path(source).samefile(output)
    ):
        raise InputError(f"The output must be another folder than the input; both are {source}. Give another --output.")
    files = files_of(source, pattern)
    if not files:
        raise InputError(f"{source} must hold files named {pattern}; it holds none. Check the folder and --pattern.")
    make_folder(output)
    there = files_of(output)
    record = _record(output, _model(predictor, meaning), empty=not there)
    done = {name for name, state in files.items() if name in there and record.files.get(name) == state}
    refused: dict[str, str] = {}
    saved = 0.0
    try:
        for name in [name for name in files if name not in done]:
            try:
                summary = score_one(
                    joined(source, name),
                    joined(output, name),
                    predictor=predictor,
                    meaning=meaning,
                    progress=progress,
                )
            except (DataError, InputError) as error:
                refused[name] = str(error)
                continue
            record.files[name] = files[name]
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(output, record)
                saved = time.monotonic()
            told(name, summary)
    finally:
        _save(output, record)
    return FolderSummary(skipped=len(done), refused=refused)


def _model(predictor: Predictor, meaning: Meaning | None) -> str:
    """The bundle, and a hash of what a person said of the columns."""
    said = hashlib.sha256(repr(meaning).encode()).hexdigest()[:12] if meaning is not None else "none"
    return f"bundle {predictor.model['version']}, mapping {said}"


def _record(output: str, model: str, *, empty: bool) -> Record:
    """What was done in a folder before. Raises InputError where it was not done by the same model."""
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-score-") as folder, suppress(DataError, FileNotFoundError):
        try:
            found = msgspec.json.decode(brought(joined(output, DONE), Path(folder)).read_bytes(), type=Record)
        except msgspec.DecodeError as error:
            raise InputError(f"{joined(output, DONE)} is damaged ({error}). Give an empty folder.") from None
        if found.model != model:
            raise InputError(f"{output} holds results of {found.model}; this is {model}. Give another --output.")
        return found
    if not empty:
        raise InputError(
            f"{output} must be empty or hold results of `score`; it holds other files. Give another --output."
        )
    return Record(model=model, files={})


def _save(output: str, record: Record) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mlpaygrade-score-") as folder,
        placed(joined(output, DONE), Path(folder)) as there,
    ):
        write_file(there, msgspec.json.format(msgspec.json.encode(record), indent=1))
