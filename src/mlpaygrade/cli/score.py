"""`mlpaygrade score`: a file of jobs, the same rows with estimates."""

from pathlib import Path
from typing import Annotated

import typer

from mlpaygrade.cli import options
from mlpaygrade.errors import DataError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(score)


def score(
    source: Annotated[Path, typer.Argument(metavar="IN.csv", help="Jobs: title and country at least.")],
    output: Annotated[
        Path, typer.Option("--output", metavar="OUT.csv", help="Where to write; replaced when complete.")
    ],
    mapping: options.Mapping = None,
    bundle: options.BundleOption = None,
) -> None:
    """Estimate every row of a file. Exits with 3 when rows had no answer; they keep their place, with a reason."""
    from mlpaygrade.forecast.score import score_file

    predictor = options.load_predictor(bundle)
    with options.progress_bar() as progress:
        summary = score_file(
            source,
            output,
            predictor=predictor,
            meaning=options.load_mapping(mapping),
            progress=lambda unit, done, total: progress(unit, done, total, {}),
        )
    for note in summary.notes:
        options.say(f"{source.name}: {note}")
    answered = summary.rows - summary.unanswered
    options.say(
        f"{answered:,} of {summary.rows:,} rows answered ({summary.distinct_jobs:,} distinct jobs, "
        f"{summary.remarked:,} rows with a remark); written to {output}."
    )
    for reason, count in summary.reasons.items():
        options.say(f"  not answered in {count:,} row{'s' if count != 1 else ''}: {reason}")
    if summary.unanswered:
        raise DataError(
            f"{summary.unanswered:,} rows of {source} have no answer; the column 'reason' of {output} says why."
        )
