"""Options that several commands share, and what they have to say on stderr.

Enters: nothing. Leaves: annotated option types and the reading of a job from them.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlpaygrade.errors import printable

if TYPE_CHECKING:
    from mlpaygrade.dataset.table import Table
    from mlpaygrade.forecast.predictor import Predictor
    from mlpaygrade.training.forecaster import Progress

Title = Annotated[str, typer.Option("--title", help="Job title, as in an advert.", show_default=False)]
Experience = Annotated[
    str, typer.Option("--experience", metavar="EN|MI|SE|EX", help="Entry, mid, senior or executive level.")
]
Location = Annotated[str, typer.Option("--location", metavar="CC", help="Company's country: code or English name.")]
Residence = Annotated[
    str | None, typer.Option("--residence", metavar="CC", help="Employee's country (default: the company's).")
]
Remote = Annotated[str | None, typer.Option("--remote", metavar="0|50|100", help="On site, hybrid or fully remote.")]
Size = Annotated[
    str | None, typer.Option("--size", metavar="S|M|L", help="Company under 50, 50 to 250, over 250 people.")
]
Employment = Annotated[
    str | None, typer.Option("--employment", metavar="FT|PT|CT|FL", help="Full time, part time, contract, freelance.")
]
Year = Annotated[int | None, typer.Option("--year", help="Work year (default: the newest the model knows).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", metavar="DIR", help="Bundle to use (default: the one in the package).")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="CSV", help="Data file (default: $MLPAYGRADE_DATA, then the cache of `data fetch`)."
    ),
]


def load_predictor(bundle: Path | None) -> "Predictor":
    """The predictor of a bundle; says on stderr when its data was synthetic."""
    from mlpaygrade.forecast.predictor import Predictor

    predictor = Predictor.load(bundle)
    if predictor.bundle.provenance["synthetic"]:
        say("This bundle was trained on SYNTHETIC data: its figures say nothing about real pay.")
    return predictor


def load_table(data: str | None) -> "Table":
    """The data file through the gate; its remarks go to stderr."""
    from mlpaygrade.dataset.sources import resolve
    from mlpaygrade.dataset.table import read_table

    table = read_table(resolve(data))
    for note in table.notes:
        say(f"{table.path.name}: {note}")
    return table


def require_training() -> None:
    """Raises ResourceError where the training libraries are not installed."""
    from importlib.util import find_spec

    from mlpaygrade.errors import ResourceError

    if missing := [name for name in ("tensorflow", "keras", "sklearn", "mlflow") if find_spec(name) is None]:
        raise ResourceError(
            f"Training needs {', '.join(missing)}, which this environment lacks. Install the training extra: "
            "pip install 'mlpaygrade[train]'."
        )


def say(text: str) -> None:
    """A remark on stderr."""
    print(printable(text), file=sys.stderr)


def print_json(document: Any) -> None:
    """A document on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Progress on stderr: a function of (stage, done, total, losses)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int, losses: dict[str, float]) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, losses="")
            shown = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
            bar.update(tasks[stage], completed=done, total=total, losses=shown)

        yield report
