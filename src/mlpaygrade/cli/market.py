"""`mlpaygrade market`: the market, told honestly, as a page or as JSON."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpaygrade.cli import options
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError

if TYPE_CHECKING:
    from mlpaygrade.dataset.postings import Calendar

CALENDAR_VARIABLE = "MLPAYGRADE_CALENDAR"


@click.command
@click.option("--output", type=Path, metavar="HTML", help="Where the report goes.")
@options.data
@click.option(
    "--calendar",
    type=Path,
    metavar="CSV",
    help="When rows arrived: columns snapshot_date and rows_YEAR (default: $MLPAYGRADE_CALENDAR; "
    "without it, order of arrival).",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Seed of the bootstrap.")
@options.as_json
def market(*, output: Path | None, data: str | None, calendar: Path | None, seed: int, json: bool) -> None:
    """Analyse the market of a data file: what moves pay, how sure that is, and what the data cannot say.

    Writes one self-contained HTML page to --output, prints the statistics with --json, or both.
    """
    if output is None and not json:
        raise InputError(
            "market needs somewhere to put its answer; got neither --output nor --json. Give --output report.html."
        )
    needed = ("pandas", "scipy", "altair", *(("vl_convert",) if output is not None else ()))
    options.require("The market analysis needs", "market", *needed, named="its extra")
    # Matrices of a few hundred columns gain nothing from threads, and on a busy machine their threads wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from mlpaygrade.dataset.postings import build_postings
    from mlpaygrade.dataset.sources import known_file
    from mlpaygrade.market.statistics import market_statistics

    arrivals = _calendar(calendar)
    table = options.load_table(data)
    known = known_file(table.sha256)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    with options.progress_bar() as bar:
        statistics = market_statistics(
            postings, calendar=arrivals, seed=seed, progress=lambda _, done, total: bar("statistics", done, total, {})
        )
        if output is not None:
            from mlpaygrade.market.statistics import Origin, report_page

            origin = Origin(name=table.path.name, sha256=table.sha256, synthetic=table.synthetic)
            page = report_page(
                statistics.document, origin=origin, progress=lambda name, done, total: bar(name, done, total, {})
            )
            write_file(output, page, parents=True)
    if json:
        options.print_json(statistics.to_json())
    if output is not None:
        options.say(f"The report is {output} ({len(page.encode()) / 1e6:.1f} MB).")


def _calendar(path: Path | None) -> "Calendar | None":
    from mlpaygrade.dataset.postings import read_calendar

    named = path or os.environ.get(CALENDAR_VARIABLE)
    return read_calendar(named) if named else None
