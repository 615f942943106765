"""Scoring files wherever they stand, one or a folder of them; a folder that was begun is taken up again.

Each file of a folder gives a file of the same name. What is done stands in `_scored.json` beside the results, with the state of
each source; a run with another bundle or mapping is refused there, so no folder holds results of two.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mlpaygrade.dataset.store import brought, files_of, is_folder, is_url, joined, make_folder, placed
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import Meaning, Progress, ScoreSummary, score_file

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
