"""`mlpaygrade predict`: one job, one answer."""

from typing import Annotated

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
    offer: Annotated[
        float | None,
        typer.Option(
            "--offer", min=1, metavar="USD", help="A yearly pay: say where it stands among advertised figures."
        ),
    ] = None,
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
        document = estimate.to_json()
        if offer is not None:
            answered = estimate.not_enough_data is None
            document["offer"] = {
                "usd": round(offer),
                "percentile": round(estimate.percentile(offer), 3) if answered else None,
            }
        options.print_json(document)
        return
    from mlpaygrade.cli.text import estimate_text

    print(estimate_text(estimate, offer_usd=offer))
