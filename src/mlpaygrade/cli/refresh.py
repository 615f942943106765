"""`mlpaygrade refresh`: from a newer file to the model that serves."""

from pathlib import Path
from typing import Annotated

import typer

from mlpaygrade.cli import options
from mlpaygrade.cli.train import Config, SignWith

Served = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="DIR",
        help="Served bundle, replaced where the new model is better (default: the package's).",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(refresh)


def refresh(
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="E", help="See `data editions` (default: the newest).")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="CSV", help="A file at hand instead of an edition.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Run folder, where a killed refresh resumes.")
    ] = Path("runs/refresh"),
    bundle: Served = None,
    config: Config = None,
    sign_with: SignWith = None,
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
