"""`mlpaygrade backtest`: coverage, width and error week by week, as a user would have lived them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mlpaygrade.cli import options


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backtest)


def backtest(
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for backtest.json and its picture.")],
    data: options.Data = None,
    calendar: Annotated[
        Path | None,
        typer.Option(
            "--calendar", metavar="CSV", help="When rows arrived (default: $MLPAYGRADE_CALENDAR, else by order)."
        ),
    ] = None,
    first_year: Annotated[int, typer.Option("--first-year", help="Work year to begin with.")] = 2023,
    config: Annotated[Path | None, typer.Option("--config", metavar="TOML", help="Settings.")] = None,
    json: options.Json = False,
) -> None:
    """Walk through the arrival order: train on the past, calibrate on earlier weeks, predict the next. Resumes after a kill."""
    options.require_training()
    from mlpaygrade.experiments.backtest_run import backtest_text, run_backtest
    from mlpaygrade.experiments.settings import read_settings

    named = calendar or (Path(value) if (value := os.environ.get("MLPAYGRADE_CALENDAR")) else None)
    settings = read_settings(config)
    table = options.load_table(data)
    with options.progress_bar() as progress:
        result = run_backtest(
            table, output=output, settings=settings, calendar=named, first_year=first_year, progress=progress
        )
    if json:
        options.print_json(result.to_json())
    else:
        print(backtest_text(result))
    options.say(f"The figures by week are {output / 'backtest.json'}, the picture {output / 'backtest.png'}.")
