"""`mlpaygrade predict`: one job, one answer."""

from typing import Annotated

import typer

from mlpaygrade.cli import options
from mlpaygrade.job.fields import JobWords


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


@options.takes_job
def predict(
    job: JobWords,
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
    read = predictor.read_job(**job)
    estimate = predictor.answer(read)
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
