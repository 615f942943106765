"""Options that several commands share, and what they have to say on stderr."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpaygrade.errors import ResourceError, printable
from mlpaygrade.job.fields import FIELDS

if TYPE_CHECKING:
    from mlpaygrade.benchmarking.mapping import SheetMapping
    from mlpaygrade.dataset.table import Table
    from mlpaygrade.forecast.predictor import Predictor
    from mlpaygrade.training.forecaster import Progress

as_json = click.option("--json", is_flag=True, help="Print JSON instead of a table.")
bundle = click.option("--bundle", type=Path, metavar="DIR", help="Bundle to use (default: the one in the package).")
public_key = click.option(
    "--public-key",
    type=Path,
    metavar="PEM",
    help="Ed25519 key that the bundle must be signed with (default: $MLPAYGRADE_PUBLIC_KEY).",
)
mapping = click.option(
    "--mapping",
    type=Path,
    metavar="FILE",
    help="What your columns and own words mean (TOML); the Benchmark page gives one.",
)
data = click.option(
    "--data", metavar="CSV", help="Data file (default: $MLPAYGRADE_DATA, then the cache of `data fetch`)."
)
config = click.option("--config", type=Path, metavar="TOML", help="Settings (default: the tuned ones).")
sign_with = click.option(
    "--sign-with",
    type=Path,
    metavar="PEM",
    help="Ed25519 private key that the new bundle is signed with (see `bundle sign`).",
)
track = click.option("--track/--no-track", default=True, help="Log the run to MLflow.")


class InOrder(click.Group):
    """Commands that the help lists as they stand in the code, not by the alphabet, each with its whole first paragraph."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands for the help; click's own ends each text at 45 characters."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, " ".join((command.help or "").partition("\n\n")[0].split()))
                    for name, command in found
                    if command
                ]
            )


def takes_job(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first parameter is a job by the fields' names, with one option for each field of the registry."""

    @functools.wraps(command)
    def run(**given: object) -> None:
        words = {field.name: given.pop(field.name) for field in FIELDS}
        command(words, **given)

    made: Callable[..., None] = run
    for field in reversed(FIELDS):
        codes = "|".join(map(str, field.labels)) or {"title": "TEXT", "country": "COUNTRY", "year": "YYYY"}[field.kind]
        words = f"{field.heading}: {field.hint}."
        made = click.option(f"--{field.name}", metavar=codes, required=field.required, help=words)(made)
    return made


def load_predictor(bundle: Path | None, public_key: Path | None = None) -> "Predictor":
    """The predictor of a bundle; says on stderr when its data was synthetic. public_key: before that of the environment."""
    from mlpaygrade.forecast.bundle import KEY_VARIABLE
    from mlpaygrade.forecast.predictor import Predictor

    predictor = Predictor.load(bundle, public_key=public_key or os.environ.get(KEY_VARIABLE) or None)
    if predictor.bundle.provenance["synthetic"]:
        say("This bundle was trained on SYNTHETIC data: its figures say nothing about real pay.")
    return predictor


def load_mapping(path: Path | None) -> "SheetMapping | None":
    """A mapping file; None where none is named or there is none yet. Raises DataError where it breaks a rule."""
    from mlpaygrade.benchmarking.mapping import read_mapping

    return read_mapping(path) if path is not None and path.exists() else None


def load_table(data: str | None) -> "Table":
    """The data file through the gate; its remarks go to stderr."""
    from mlpaygrade.dataset.sources import resolve
    from mlpaygrade.dataset.table import read_table

    table = read_table(resolve(data))
    for note in table.notes:
        say(f"{table.path.name}: {note}")
    return table


def require(what: str, extra: str, *modules: str, named: str = "the extra") -> None:
    """Raises ResourceError where libraries of an extra are not installed. what: "Training needs"."""
    from importlib.util import find_spec

    if missing := [name for name in modules if find_spec(name) is None]:
        raise ResourceError(
            f"{what} {', '.join(missing)}, which this environment lacks. Install {named}: pip install 'mlpaygrade[{extra}]'."
        )


def require_training() -> None:
    """Raises ResourceError where the training libraries are not installed."""
    require("Training needs", "train", "tensorflow", "keras", "sklearn", "mlflow", named="the training extra")


def say(text: str) -> None:
    """A remark on stderr."""
    print(printable(text), file=sys.stderr)


def print_json(document: object) -> None:
    """A document on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Progress on stderr: a function of (stage, done, total, losses)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int, losses: dict[str, float]) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, losses="")
            shown = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
            bar.update(tasks[stage], completed=done, total=total, losses=shown)

        yield report
