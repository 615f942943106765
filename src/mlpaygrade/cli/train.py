"""`mlpaygrade train`, `mlpaygrade evaluate` and `mlpaygrade promote`."""

from pathlib import Path

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError

_through = click.option("--train-through", type=int, metavar="YEAR", help="Last work year to train on.")


@click.command
@click.option("--output", required=True, type=Path, metavar="DIR", help="Run folder; the bundle goes to DIR/bundle.")
@options.data
@_through
@options.config
@options.track
@click.option(
    "--old-bundle",
    "old",
    type=Path,
    metavar="DIR",
    help="Bundle to measure drift against (default: the one in the package).",
)
@options.sign_with
def train(
    *,
    output: Path,
    data: str | None,
    train_through: int | None,
    config: Path | None,
    track: bool,
    old: Path | None,
    sign_with: Path | None,
) -> None:
    """Train, evaluate on the future, write a bundle. Started again after a kill, it resumes.

    Without --train-through the newest year tests the settings, and the bundle is then trained on every year. Says first what the
    file holds that the old bundle has not seen; tracked runs enter the model registry as the challenger.
    """
    options.require_training()
    from mlpaygrade.evaluation.drift import drift_against
    from mlpaygrade.forecast.bundle import sign_bundle, signature_of
    from mlpaygrade.training.registry import connect, register_challenger, store_uri
    from mlpaygrade.training.report import report_text
    from mlpaygrade.training.run import train as run_training
    from mlpaygrade.training.settings import read_settings
    from mlpaygrade.training.tracking import track_run

    settings = read_settings(config)
    if sign_with is not None:
        signature_of("", sign_with)  # a wrong key is said before the training, not after it
    table = options.load_table(data)
    uri = store_uri(output.resolve().parent)
    if track:
        connect(uri)  # a store that is away is said before the training, not after it
    options.say(drift_against(old, table, output=output))
    with options.progress_bar() as progress:
        run = run_training(table, output=output, settings=settings, through=train_through, progress=progress)
    if sign_with is not None:
        sign_bundle(output / "bundle", sign_with)
    print(report_text(run.report))
    options.say(f"The report is {output / 'report.json'}, the bundle {output / 'bundle'}.")
    if track:
        run_id = track_run(run, uri=uri)
        version = register_challenger(run_id, uri=uri)
        options.say(f"Logged to MLflow: run {run_id}, registered as version {version}, the challenger.")


@click.command
@options.data
@options.bundle
@_through
@options.config
@click.option("--output", type=Path, metavar="DIR", help="Run folder (default: runs/evaluate).")
@options.as_json
def evaluate(
    *,
    data: str | None,
    bundle: Path | None,
    train_through: int | None,
    config: Path | None,
    output: Path | None,
    json: bool,
) -> None:
    """Measure quality on work years that training has not seen, and write it to DIR/report.json.

    With --bundle, judges that bundle on the years after its training. Without, trains to --train-through (default: all but the
    newest year) and tests on the rest.
    """
    options.require_training()
    from mlpaygrade.training.measure import evaluate_bundle
    from mlpaygrade.training.report import report_text
    from mlpaygrade.training.run import train as run_training
    from mlpaygrade.training.settings import read_settings

    folder = output or Path("runs") / "evaluate"
    settings = read_settings(config)
    table = options.load_table(data)
    if bundle is not None:
        report = evaluate_bundle(table, options.load_predictor(bundle), output=folder)
    else:
        newest = int(table.frame["work_year"].max())
        with options.progress_bar() as progress:
            run = run_training(
                table, output=folder, settings=settings, through=train_through or newest - 1, progress=progress
            )
        report = run.report
    if json:
        options.print_json(report)
    else:
        print(report_text(report))
    options.say(f"The report is {folder / 'report.json'}.")


@click.command
@click.option("--challenger", metavar="RUN", help="MLflow run (default: the alias challenger).")
@options.data
@click.option(
    "--runs",
    type=Path,
    default="runs",
    metavar="DIR",
    help="Folder of runs whose mlflow.db holds the registry.",
)
def promote(*, challenger: str | None, data: str | None, runs: Path) -> None:
    """Make the challenger champion if it is significantly better on postings later than both were trained on; refuse otherwise.

    The registry is $MLFLOW_TRACKING_URI, or the database in DIR. A refusal ends with exit code 2.
    """
    options.require_training()
    from mlpaygrade.training.registry import promote as run_promotion
    from mlpaygrade.training.registry import store_uri, verdict_text

    verdict = run_promotion(challenger, options.load_table(data), uri=store_uri(runs))
    print(verdict_text(verdict))
    if not verdict.promoted:
        raise InputError("The challenger must be significantly better than the champion; the champion stays.")
