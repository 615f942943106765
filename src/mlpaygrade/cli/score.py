"""`mlpaygrade score`: a file of jobs, the same rows with estimates."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, TypedDict

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import DataError

if TYPE_CHECKING:
    from mlpaygrade.forecast.predictor import Predictor
    from mlpaygrade.forecast.score import Meaning, Progress, ScoreSummary

SHOWN: Final = 5


class _Asked(TypedDict):
    predictor: "Predictor"
    meaning: "Meaning | None"
    progress: "Progress"


@click.command
@click.argument("source", metavar="IN", help="Jobs, title and country at least: a file, folder or URL.")
@click.option("--output", required=True, metavar="OUT", help="Where to write: a file, or a folder for a folder.")
@click.option("--pattern", default="*", metavar="GLOB", help="Which files of a folder, such as '*.csv'.")
@options.mapping
@options.bundle
def score(source: str, *, output: str, pattern: str, mapping: Path | None, bundle: Path | None) -> None:
    """Estimate every row of a file, or of each file of a folder: CSV gives CSV, Parquet gives Parquet, `.gz` is packed again.

    A folder that was begun goes on with the files that are missing or changed. Exits with 3 when rows had no answer; they keep
    their place, with a reason.
    """
    from mlpaygrade.dataset.store import is_folder
    from mlpaygrade.forecast.score import score_folder, score_one

    predictor = options.load_predictor(bundle)
    meaning = options.load_mapping(mapping)
    unanswered: list[str] = []

    def told(name: str, summary: "ScoreSummary") -> None:
        for note in summary.notes:
            options.say(f"{name}: {note}")
        answered = summary.rows - summary.unanswered
        options.say(
            f"{name}: {answered:,} of {summary.rows:,} rows answered ({summary.distinct_jobs:,} distinct jobs, "
            f"{summary.remarked:,} rows with a remark); written to {output}."
        )
        for reason, count in summary.reasons.items():
            options.say(f"  not answered in {count:,} row{'s' if count != 1 else ''}: {reason}")
        unanswered.extend([f"{summary.unanswered:,} rows of {name}"] if summary.unanswered else [])

    refused: dict[str, str] = {}
    with options.progress_bar() as progress:
        asked: _Asked = {
            "predictor": predictor,
            "meaning": meaning,
            "progress": lambda unit, done, total: progress(unit, done, total, {}),
        }
        if is_folder(source):
            done = score_folder(source, output, pattern=pattern, told=told, **asked)
            options.say(f"{done.skipped:,} file{'s' if done.skipped != 1 else ''} done before.")
            refused = done.refused
        else:
            told(PurePosixPath(source).name, score_one(source, output, **asked))
    if refused:
        what = f"{len(refused):,} file{'s' if len(refused) != 1 else ''} of {source} could not be scored."
        raise DataError("\n".join([what, *refused.values()]))
    if unanswered:
        listed = ", ".join(unanswered[:SHOWN]) + (", ..." if len(unanswered) > SHOWN else "")
        raise DataError(f"{listed} have no answer; the column 'reason' of {output} says why.")
