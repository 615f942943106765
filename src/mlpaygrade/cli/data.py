"""`mlpaygrade data`: download the public file, check any file, audit any file."""

from pathlib import Path

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import DataError, InputError, printable

_file = click.argument(
    "file",
    required=False,
    type=Path,
    help="Data file (default: --data, then $MLPAYGRADE_DATA, then the cache of `data fetch`).",
)


@click.group(cls=options.InOrder)
def data() -> None:
    """Fetch, check and audit data files."""


@data.command
@options.as_json
def editions(*, json: bool) -> None:
    """List the editions of the public dataset that can be fetched, oldest first."""
    from msgspec import to_builtins

    from mlpaygrade.dataset.sources import cache_path
    from mlpaygrade.dataset.sources import editions as known

    if json:
        options.print_json(to_builtins(known()))
        return
    for one in known():
        here = f"; fetched: {path}" if (path := cache_path(one)).is_file() else ""
        print(f"{one.name:<8} {one.rows:>8,} rows, newest {one.newest}, newest first {one.order}{here}")


@data.command
@click.option("--edition", metavar="E", help="See `data editions` (default: the newest).")
@click.option("--source", default="github", metavar="github|kaggle", help="Public repository, or Kaggle's own client.")
@click.option("--output", type=Path, metavar="CSV", help="Where to put the file (default: the cache).")
def fetch(*, edition: str | None, source: str, output: Path | None) -> None:
    """Download an edition of the public dataset, check its content, and print its path. Resumable."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from mlpaygrade.dataset import sources
    from mlpaygrade.dataset.sources import edition_named as named

    chosen = named(edition)
    if source not in ("github", "kaggle"):
        raise InputError(f"--source must be github or kaggle; got {source!r}. Leave it out for github.")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("dataset", total=None, visible=False)
        path = sources.fetch(
            chosen,
            source="github" if source == "github" else "kaggle",
            destination=output,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
            on_note=options.say,
        )
    print(path)


@data.command
@_file
@options.data
@click.option("--jobs-only", is_flag=True, help="Ask for the feature columns only, as `score` does.")
@options.as_json
def check(file: Path | None, *, data: str | None, jobs_only: bool, json: bool) -> None:
    """Print everything that is wrong with a file, each with column, rows and remedy. Exits with 3 if anything is."""
    from mlpaygrade.dataset.table import check_table

    report = check_table(_chosen(file, data), require_salary=not jobs_only)
    if json:
        options.print_json(report.to_json())
    else:
        sha256 = f", sha256 {report.sha256}" if report.sha256 else ""
        print(f"{printable(str(report.path))}: {report.rows:,} row{'s' if report.rows != 1 else ''}{sha256}")
        for note in report.notes:
            print(f"  note: {printable(note)}")
        for defect in report.defects:
            print(f"  defect: {printable(str(defect))}")
        if report.ok:
            print("  No defects.")
    if not report.ok:
        found = len(report.defects)
        raise DataError(
            f"{report.path} breaks {found:,} rule{'s' if found != 1 else ''}. Correct the file at its source; "
            "nothing was changed."
        )


@data.command
@_file
@options.data
@options.as_json
def audit(file: Path | None, *, data: str | None, json: bool) -> None:
    """Say what a file really is: bands, order, copies, what a random split would leak, which claims hold."""
    from mlpaygrade.audit.summary import audit_table
    from mlpaygrade.dataset.table import read_table

    found = audit_table(read_table(_chosen(file, data)))
    if json:
        options.print_json(found.to_json())
        return
    from mlpaygrade.cli.audit_text import print_audit

    print_audit(found)


def _chosen(file: Path | None, data: str | None) -> Path:
    """The file named by the argument or by --data, else the usual places."""
    if file is not None and data is not None:
        raise InputError(f"Give FILE or --data, not both; got {file} and {data}.")
    from mlpaygrade.dataset.sources import resolve

    return file or resolve(data)
