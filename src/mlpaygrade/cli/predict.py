"""`mlpaygrade predict`: one job, one answer."""

import typer

from mlpaygrade.cli import options


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    title: options.Title,
    experience: options.Experience,
    location: options.Location,
    residence: options.Residence = None,
    remote: options.Remote = None,
    size: options.Size = None,
    employment: options.Employment = None,
    year: options.Year = None,
    bundle: options.BundleOption = None,
    json: options.Json = False,
) -> None:
    """Say what a job pays: the estimate, the advertised band and the intervals."""
    predictor = options.load_predictor(bundle)
    read = predictor.read_job(
        title=title,
        experience=experience,
        location=location,
        residence=residence,
        remote=remote,
        size=size,
        employment=employment,
        year=year,
    )
    estimate = predictor.estimate(read)
    if json:
        options.print_json(estimate.to_json())
        return
    from mlpaygrade.cli.text import estimate_text

    print(estimate_text(estimate))
