"""`python -m research tune | compare | backtest | ageing | place | validate`, from a checkout with the training environment."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpaygrade.cli import options, run_app
from mlpaygrade.errors import ResourceError

if TYPE_CHECKING:
    from research.tune import Tuned

_tuned = click.option(
    "--tuned", type=Path, metavar="TOML", help="Tuned settings of the rivals (default: the package's)."
)


@click.group(cls=options.InOrder, help=__doc__, context_settings={"show_default": True, "max_content_width": 100})
def app() -> None:
    """All commands."""


@app.command
@click.option("--model", required=True, metavar="NAME", help="network, or a rival's name.")
@click.option(
    "--trials",
    required=True,
    type=int,
    metavar="N",
    help="Finished trials the study shall have, earlier ones counted.",
)
@options.data
@options.config
@click.option(
    "--storage",
    metavar="FILE|URL",
    help="Journal file, SQLite or PostgreSQL URL (default: runs/tune/journal.log).",
)
@click.option("--study", metavar="NAME", help="Study (default: from model and data).")
@click.option("--workers", default=1, metavar="N", help="Processes on the study.")
@click.option("--output", type=Path, default="runs/tune", metavar="DIR", help="Folder of the chosen settings.")
@_tuned
def tune(
    *,
    model: str,
    trials: int,
    data: str | None,
    config: Path | None,
    storage: str | None,
    study: str | None,
    workers: int,
    output: Path,
    tuned: Path | None,
) -> None:
    """Choose a model's settings by walking forward inside the training years; the newest year is never opened.

    Run again with the same study, it goes on where it stopped. The network's settings go to DIR/network.toml, for
    `train --config`; a rival's into DIR/tuned.toml or the file of --tuned, for `compare --tuned`.
    """
    _require_libraries()
    from mlpaygrade.training.settings import read_settings
    from research.search import save_tuned
    from research.tune import tune as run_study

    base = read_settings(config)
    table = options.load_table(data)
    with options.progress_bar() as progress:
        found = run_study(
            model,
            table,
            trials=trials,
            progress=progress,
            base=base,
            storage=storage,
            study_name=study,
            workers=workers,
        )
    path = save_tuned(found, folder=output, rivals=tuned or output / "tuned.toml")
    print(_tuned_text(found))
    options.say(f"The settings are in {path}.")


def _tuned_text(found: "Tuned") -> str:
    lines = [f"{found.name}: {found.trials} trials ({found.pruned} given up early), {found.study['protocol']}"]
    lines.append(f"  RMSE log {found.rmse_log:.4f}, pinball {found.pinball_log:.4f} (uncalibrated)")
    if found.default_rmse_log is not None:
        lines.append(f"  with the settings it started from: RMSE log {found.default_rmse_log:.4f}")
    for key, value in found.settings.items():
        if isinstance(value, dict):
            lines += [f"  [{key}]", *(f"    {name:<22}{item}" for name, item in value.items())]
        else:
            lines.append(f"  {key:<24}{value}")
    return "\n".join(lines)


@app.command
@click.option("--output", type=Path, default="runs/compare", metavar="DIR", help="Folder of the results.")
@options.data
@options.config
@_tuned
@click.option("--models", metavar="A,B", help="Models (default: the network and every rival).")
@click.option("--stages", metavar="A,B", help="Stages (default: all, the main table first).")
@options.track
@options.as_json
def compare(
    *,
    output: Path,
    data: str | None,
    config: Path | None,
    tuned: Path | None,
    models: str | None,
    stages: str | None,
    track: bool,
    json: bool,
) -> None:
    """Fit every model with its tuned settings on all but the newest year, and judge them on that year.

    Stages: main, seeds, titles, geography, monthly, learning, stratified, random, weekly. DIR/compare.json and DIR/compare.md are
    rewritten after each; what has been fitted is kept in DIR/cache, so a comparison that was stopped goes on where it was.
    """
    _require_libraries()
    from mlpaygrade.training.registry import connect, store_uri
    from mlpaygrade.training.settings import read_settings
    from research.compare import ALL_MODELS, STAGES, network_figures, open_workbench
    from research.compare import compare as run_comparison
    from research.compare_report import compare_text
    from research.compare_tracking import track_comparison
    from research.contenders import TUNED, tuned_rivals

    settings, rivals = read_settings(config), tuned_rivals(tuned or TUNED)
    names = models.split(",") if models else list(ALL_MODELS)
    table = options.load_table(data)
    if track:
        connect(store_uri(output.resolve().parent))  # a store that is away is said before the work, not after it
    with options.progress_bar() as progress:
        result = run_comparison(
            table,
            output=output,
            settings=settings,
            tuned=rivals,
            stages=stages.split(",") if stages else list(STAGES),
            models=names,
            progress=progress,
        )
        if track:
            bench, _ = open_workbench(
                table, output=output, settings=settings, tuned=rivals, models=names, progress=progress
            )
            run_id = track_comparison(result, output, figures=network_figures(bench))
            options.say(f"Logged to MLflow: run {run_id}.")
    if json:
        options.print_json(result)
    else:
        print(compare_text(result))
    options.say(f"The comparison is {output / 'compare.json'} and {output / 'compare.md'}.")


LIBRARIES = ("tensorflow", "keras", "sklearn", "mlflow", "optuna", "xgboost", "lightgbm", "catboost")


def _require_libraries() -> None:
    """Raises ResourceError where a library that the comparison needs is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in LIBRARIES if find_spec(name) is None]:
        raise ResourceError(
            f"Tuning and comparing need {', '.join(missing)}, which this environment lacks. Install the training extra: "
            "pip install 'mlpaygrade[train]'."
        )


@app.command
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for backtest.json and its picture.")
@options.data
@click.option(
    "--calendar",
    type=Path,
    metavar="CSV",
    help="When rows arrived (default: $MLPAYGRADE_CALENDAR, else by order).",
)
@click.option("--first-year", default=2023, metavar="YEAR", help="Work year to begin with.")
@options.config
@options.as_json
def backtest(
    *,
    output: Path,
    data: str | None,
    calendar: Path | None,
    first_year: int,
    config: Path | None,
    json: bool,
) -> None:
    """Walk through the arrival order: train on the past, calibrate on earlier weeks, predict the next. Resumes after a kill."""
    options.require_training()
    from mlpaygrade.training.settings import read_settings
    from research.backtest_run import backtest_text, run_backtest

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


@app.command
@click.option("--output", type=Path, default="runs/ageing", metavar="DIR", help="Folder for ageing.json.")
@options.data
@click.option(
    "--calendar",
    type=Path,
    metavar="CSV",
    help="When rows arrived (default: estimated from their order).",
)
@click.option("--months", default=13, metavar="N", help="Months to walk through, the newest ones.")
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Epochs of each network (default: the settings'); the result says it.",
)
@options.config
def ageing(
    *,
    output: Path,
    data: str | None,
    calendar: Path | None,
    months: int,
    epochs: int | None,
    config: Path | None,
) -> None:
    """Walk month by month: what a model refreshed monthly, quarterly, never would have been worth. Resumes after a kill.

    `python scripts/ship.py --ageing DIR` lets the result travel in the bundle.
    """
    options.require_training()
    from mlpaygrade.training.settings import read_settings
    from research.ageing import ageing_text, run_ageing

    settings = read_settings(config)
    table = options.load_table(data)
    with options.progress_bar() as progress:
        document = run_ageing(
            table,
            output=output,
            settings=settings,
            calendar=calendar,
            months=months,
            epochs=epochs,
            progress=progress,
        )
    print(ageing_text(document))
    options.say(f"The figures are in {output / 'ageing.json'}.")


@app.command
@click.option("--postings", required=True, type=Path, metavar="FILE", help="Postings of 2023 (data_jobs).")
@click.option("--hourly", is_flag=True, help="With postings that pay by the hour.")
@click.option("--write", is_flag=True, help="Write what was fitted where the package reads it.")
def place(*, postings: Path, hourly: bool, write: bool) -> None:
    """Measure whether the factor for US places lowers the error on independent postings, and fit it."""
    from research.place import measure_place, place_text, write_fit

    trial = measure_place(postings, hourly=hourly)
    print(place_text(trial))
    if write:
        write_fit(trial.fit)


@app.command
@click.option("--external", required=True, type=Path, metavar="DIR", help="Folder of the independent sources.")
@click.option(
    "--write",
    type=Path,
    metavar="FILE",
    help="Write the page, and the table that travels in the package.",
)
@options.bundle
def validate(*, external: Path, write: Path | None, bundle: Path | None) -> None:
    """Measure the shipped model against independent sources of pay: official, posted and reported."""
    from mlpaygrade.forecast.predictor import Predictor
    from research.validate import checked_page
    from research.validate import validate as check
    from research.validate import write as write_checked

    document = check(external, predictor=Predictor.load(bundle))
    if write is None:
        print(checked_page(document), end="")
    else:
        write_checked(document, write)


if __name__ == "__main__":
    run_app(app)
