"""`mlpaygrade refresh`: from a newer file to the model that serves."""

from pathlib import Path

import click

from mlpaygrade.cli import options


@click.command
@click.option("--edition", metavar="E", help="See `data editions` (default: the newest).")
@click.option("--data", metavar="CSV", help="A file at hand instead of an edition.")
@click.option(
    "--output",
    type=Path,
    default="runs/refresh",
    metavar="DIR",
    help="Run folder, where a killed refresh resumes.",
)
@click.option(
    "--bundle",
    type=Path,
    metavar="DIR",
    help="Served bundle, replaced where the new model is better (default: the package's).",
)
@options.config
@options.sign_with
def refresh(
    *,
    edition: str | None,
    data: str | None,
    output: Path,
    bundle: Path | None,
    config: Path | None,
    sign_with: Path | None,
) -> None:
    """Fetch, check and audit a newer file, train on it, and let the new model serve if it is better than the served one.

    Both are judged on adverts that neither was trained on. The served bundle is replaced last and whole; a step that fails leaves
    it as it was. In a checkout the figures in the documentation are written again. The story goes to stdout and DIR/summary.md.
    """
    options.require_training()
    from mlpaygrade.forecast.bundle import bundled_path
    from mlpaygrade.training.refresh import Request, checkout_of
    from mlpaygrade.training.refresh import refresh as run_refresh
    from mlpaygrade.training.settings import read_settings

    champion = bundle or bundled_path()
    request = Request(
        data=data,
        edition=edition,
        output=output,
        champion=champion,
        settings=read_settings(config),
        checkout=checkout_of(champion),
        sign_with=sign_with,
    )
    with options.progress_bar() as progress:
        outcome = run_refresh(request, progress=progress, say=options.say)
    print(outcome.text, end="")
