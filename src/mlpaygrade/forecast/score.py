"""Scoring a file: the same rows out, in the same order, with estimates beside them.

Enters: a CSV with the dataset's feature columns; others pass through, salary columns among them, and are never used. Leaves: a
CSV. Files hold few distinct jobs, so DuckDB finds those, the predictor answers them once, and DuckDB joins them back; memory
stays bounded. A row that cannot be answered keeps its place with empty figures and a reason. Trains nothing.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.table import check_table
from mlpaygrade.dataset.textfile import recognise
from mlpaygrade.errors import DataError, InputError, ResourceError
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import MEDIAN
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.refusal import disagreement
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import FEATURES, TITLE, YEAR
from mlpaygrade.job.values import read_value

ADDED: Final = (
    "estimate_usd",
    "band_low_usd",
    "band_high_usd",
    "lower_90_usd",
    "upper_90_usd",
    "support",
    "reason",
)
"""Columns that scoring adds. `support` counts matching training postings; `reason` says why a row has no figures, or how it
was read where that needs saying."""

CHUNK: Final = 32_768
MEMORY_LIMIT: Final = "300MB"

Progress = Callable[[int, int], None]
"""Called with (distinct jobs answered, distinct jobs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSummary:
    """What scoring did: rows in the file, rows without an answer, rows answered with a remark, distinct jobs."""

    rows: int
    unanswered: int
    remarked: int
    distinct_jobs: int


@dataclass(frozen=True, slots=True)
class _Value:
    """A distinct text of one column as it was read: `value` None when it cannot be, `remark` what must be said."""

    value: str | int | None
    remark: str


def score_file(
    source: Path, output: Path, *, predictor: Predictor, progress: Progress = lambda _done, _total: None
) -> ScoreSummary:
    """Score a CSV file into another.

    Raises DataError when the file is no table of jobs, InputError when it would overwrite its source, ResourceError when the
    output cannot be written. The output appears whole or not at all.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise InputError(f"The output must be another file than the input; both are {source}. Give another --output.")
    if not output.parent.is_dir():
        raise ResourceError(f"The output folder {output.parent} does not exist. Create it, or give another --output.")
    with tempfile.TemporaryDirectory(prefix=".score-", dir=output.parent) as folder, duckdb.connect() as base:
        base.execute(f"SET memory_limit='{MEMORY_LIMIT}'; SET preserve_insertion_order=true")
        base.execute("SET temp_directory=?", [folder])
        _load(base, source, Path(folder))
        distinct = _number_jobs(base)
        _answer(base, predictor, distinct, progress)
        scored = Path(folder) / "scored.csv"
        summary = _write(base, scored, distinct)
        try:
            scored.replace(output)
        except OSError as error:
            raise ResourceError(f"{output} cannot be written ({error.strerror}). Give another --output.") from error
    return summary


def _load(base: duckdb.DuckDBPyConnection, source: Path, folder: Path) -> None:
    """The file as a table `given` of texts, with its row number `_row`. Structural defects raise DataError."""
    file = recognise(source)
    path = source
    if file.encoding != "utf-8":
        path = folder / "utf8.csv"
        with file.open() as text, path.open("w", encoding="utf-8", newline="") as copy:
            shutil.copyfileobj(text, copy, 1 << 20)
    try:
        base.execute(
            "CREATE TABLE given AS SELECT row_number() OVER () - 1 AS _row, * FROM read_csv(?, header=true, all_varchar=true,"
            " delim=?, quote='\"', escape='\"', null_padding=false, ignore_errors=false, strict_mode=true,"
            " nullstr='\u0001', max_line_size=1048576)",
            [str(path), file.delimiter],
        )
        columns = [row[0] for row in base.execute("DESCRIBE given").fetchall()]
    except duckdb.Error as error:
        report = check_table(source, require_salary=False)
        structural = [defect for defect in report.defects if defect.column.startswith("(")] or list(report.defects)
        raise DataError(f"{source} cannot be read as a table; nothing was written.", defects=structural) from error
    if missing := [column for column in FEATURES if column not in columns]:
        report = check_table(source, require_salary=False)
        relevant = [defect for defect in report.defects if defect.column in missing]
        raise DataError(
            f"{source} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; nothing was written.",
            defects=relevant,
        )
    if taken := [column for column in ADDED if column in columns]:
        raise DataError(
            f"{source} already has the column{'s' if len(taken) > 1 else ''} {', '.join(taken)}, which scoring adds. "
            "Rename or remove them."
        )
    if base.execute("SELECT count(*) FROM given").fetchall()[0][0] == 0:
        raise DataError(f"{source} has a header and no rows. Give a file with at least one job.")


def _number_jobs(base: duckdb.DuckDBPyConnection) -> int:
    """Tables `text_N` (id, value) per feature and `jobs` (job, ids...); returns how many distinct jobs there are."""
    for n, column in enumerate(FEATURES):
        base.execute(
            f"CREATE TABLE text_{n} AS SELECT (row_number() OVER () - 1)::INTEGER AS id, value "
            f'FROM (SELECT DISTINCT "{column}" AS value FROM given)'
        )
    ids = ", ".join(f"text_{n}.id AS f{n}" for n in range(len(FEATURES)))
    joins = " ".join(
        f'JOIN text_{n} ON given."{column}" IS NOT DISTINCT FROM text_{n}.value' for n, column in enumerate(FEATURES)
    )
    base.execute(f"CREATE TABLE coded AS SELECT _row, {ids} FROM given {joins}")
    keys = ", ".join(f"f{n}" for n in range(len(FEATURES)))
    base.execute(
        f"CREATE TABLE jobs AS SELECT (row_number() OVER () - 1)::INTEGER AS job, {keys} FROM (SELECT DISTINCT {keys} FROM coded)"
    )
    return int(base.execute("SELECT count(*) FROM jobs").fetchall()[0][0])


def _answer(base: duckdb.DuckDBPyConnection, predictor: Predictor, distinct: int, progress: Progress) -> None:
    """Table `answers` (job and the columns ADDED), in chunks."""
    readers = [_reader(column, predictor) for column in FEATURES]
    values: list[list[_Value]] = []
    for n, read in enumerate(readers):
        texts = base.execute(f"SELECT value FROM text_{n} ORDER BY id").fetchall()
        values.append([read(text or "") for (text,) in texts])
    base.execute(
        "CREATE TABLE answers (job INTEGER, estimate_usd BIGINT, band_low_usd BIGINT, band_high_usd BIGINT, lower_90_usd BIGINT,"
        " upper_90_usd BIGINT, support BIGINT, reason VARCHAR)"
    )
    for start in range(0, distinct, CHUNK):
        codes = base.execute(
            "SELECT * EXCLUDE (job) FROM jobs WHERE job >= ? AND job < ? ORDER BY job", [start, start + CHUNK]
        ).fetchnumpy()
        chunk = _answer_chunk(predictor, values, [np.asarray(codes[f"f{n}"]) for n in range(len(FEATURES))])
        chunk["job"] = np.arange(start, start + len(chunk["reason"]), dtype=np.int32)
        base.register("chunk", chunk)
        base.execute(f"INSERT INTO answers SELECT job, {', '.join(_answered(column) for column in ADDED)} FROM chunk")
        base.unregister("chunk")
        progress(min(start + CHUNK, distinct), distinct)


def _answered(column: str) -> str:
    return column if column == "reason" else f"CASE WHEN {column} >= 0 THEN {column} END"


def _answer_chunk(
    predictor: Predictor, values: Sequence[Sequence[_Value]], codes: Sequence[NDArray[np.integer]]
) -> dict[str, NDArray[Any]]:
    """Columns ADDED of one chunk of jobs; figures are -1 where there is no answer."""
    n = len(codes[0])
    good = np.ones(n, dtype=bool)
    remarks: list[NDArray[np.object_]] = []
    columns: dict[str, NDArray[np.object_]] = {}
    for column, texts, code in zip(FEATURES, values, codes, strict=True):
        read = np.array([value.value for value in texts], dtype=object)
        columns[column] = read[code]
        good &= np.array([value.value is not None for value in texts])[code]
        remark = np.array([value.remark for value in texts], dtype=object)
        if any(remark):
            remarks.append(remark[code])
    reason = np.full(n, "", dtype=object)
    for remark in remarks:
        both = (reason != "") & (remark != "")
        reason = np.where(both, reason + "; " + remark, reason + remark)
    figures = {column: np.full(n, -1, dtype=np.int64) for column in ADDED if column != "reason"}
    index = np.flatnonzero(good)
    if len(index):
        jobs = {column: value[index] for column, value in columns.items()}
        prediction = predictor.predict(jobs)
        low, high = INTERVALS[90]
        logs: dict[str, NDArray[np.floating]] = {
            "estimate_usd": prediction.log_estimate,
            "band_low_usd": prediction.quantiles("low")[:, MEDIAN],
            "band_high_usd": np.maximum(prediction.quantiles("high"), prediction.quantiles("low"))[:, MEDIAN],
            "lower_90_usd": prediction.quantiles("any")[:, low],
            "upper_90_usd": prediction.quantiles("any")[:, high],
        }
        for name, log_usd in logs.items():
            figures[name][index] = np.rint(np.expm1(log_usd.astype(np.float64))).astype(np.int64)
        titles = jobs[TITLE]
        refused = [
            predictor.refusal(title, spread) for title, spread in zip(titles, disagreement(prediction), strict=True)
        ]
        support = predictor.bundle.evidence.support
        rows = zip(*(jobs[column] for column in FEATURES), strict=True)
        figures["support"][index] = [support(dict(zip(FEATURES, row, strict=True))).postings for row in rows]
        for position, refusal in zip(index, refused, strict=True):
            if refusal is not None:
                reason[position] = f"not answered: {refusal}" + (f"; {reason[position]}" if reason[position] else "")
                for column in figures.keys() - {"support"}:
                    figures[column][position] = -1
    return {**figures, "reason": reason}


def _reader(column: str, predictor: Predictor) -> Callable[[str], _Value]:
    def read(text: str) -> _Value:
        reading = read_value(column, text)
        if reading.defect is not None:
            defect = reading.defect
            return _Value(None, f"not answered: {defect.column} {defect.rule}; got {defect.value}. {defect.remedy}")
        remark = "; ".join(f"{column}: {note}" for note in reading.notes)
        value = reading.value
        if column == TITLE:
            try:
                title = taxonomy.resolve_title(str(value), known=predictor.known_titles)
            except InputError as error:
                return _Value(None, f"not answered: {error}")
            return _Value(title.title, "; ".join(filter(None, [remark, title.note])))
        if column == YEAR and isinstance(value, int) and value > predictor.bundle.encoder.newest_year:
            remark = "; ".join(
                filter(None, [remark, f"{YEAR}: {value} answered as {predictor.bundle.encoder.newest_year}"])
            )
        return _Value(value, remark)

    return read


def _write(base: duckdb.DuckDBPyConnection, path: Path, distinct: int) -> ScoreSummary:
    keys = " AND ".join(f"coded.f{n} = jobs.f{n}" for n in range(len(FEATURES)))
    added = ", ".join(f"answers.{column}" for column in ADDED)
    base.execute(
        f"COPY (SELECT given.* EXCLUDE (_row), {added} FROM given JOIN coded USING (_row) JOIN jobs ON {keys} "
        f"JOIN answers USING (job) ORDER BY given._row) TO '{str(path).replace(chr(39), chr(39) * 2)}' (HEADER, DELIMITER ',')"
    )
    rows, unanswered, remarked = base.execute(
        "SELECT count(*), count(*) FILTER (estimate_usd IS NULL), count(*) FILTER (estimate_usd IS NOT NULL AND reason <> '') "
        f"FROM coded JOIN jobs ON {keys} JOIN answers USING (job)"
    ).fetchall()[0]
    return ScoreSummary(rows=rows, unanswered=unanswered, remarked=remarked, distinct_jobs=distinct)


def summary_json(summary: ScoreSummary) -> Mapping[str, int]:
    """The summary as plain JSON."""
    return {name: getattr(summary, name) for name in ("rows", "unanswered", "remarked", "distinct_jobs")}
