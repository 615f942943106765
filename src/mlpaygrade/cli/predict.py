"""`mlpaygrade predict`: one job, one answer."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import JobWords
from mlpaygrade.money.period import PERIODS, Salaries
from mlpaygrade.money.rates import DOLLAR
from mlpaygrade.money.terms import DOLLARS, PayTerms, pay_terms

if TYPE_CHECKING:
    from mlpaygrade.forecast.answer import Answer

Offer = Annotated[
    str | None,
    typer.Option(
        "--offer", metavar="PAY", help='Pay as you would write it ("72k", "EUR 6.000/month"): say where it stands.'
    ),
]
Currency = Annotated[str, typer.Option("--currency", metavar="CODE", help="Currency of the answer, such as EUR.")]
PeriodOption = Annotated[
    str, typer.Option("--period", metavar="|".join(PERIODS), help="Pay for a year, month, hour ...")
]
SalariesOption = Annotated[
    int, typer.Option("--salaries", min=12, max=14, help="Monthly salaries a year: 12, 13 or 14.")
]
Place = Annotated[
    str | None, typer.Option("--place", metavar="PLACE", help="Town or state within the United States; asked apart.")
]

ToToday = Annotated[
    bool, typer.Option("--to-today", help="Age pay to today by the growth of posted wages: a scenario, said apart.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


@options.takes_job
def predict(
    job: JobWords,
    place: Place = None,
    to_today: ToToday = False,
    offer: Offer = None,
    currency: Currency = DOLLAR,
    period: PeriodOption = "year",
    salaries: SalariesOption = 12,
    bundle: options.BundleOption = None,
    json: options.Json = False,
) -> None:
    """Say what a job pays: the typical pay, the range of nine in ten, how strong that is, and where an offer stands."""
    if period not in PERIODS:
        raise InputError(f"--period must be one of {', '.join(PERIODS)}; got '{period}'.")
    terms = pay_terms(currency.upper(), period, cast(Salaries, salaries))
    predictor = options.load_predictor(bundle)
    answer = predictor.answer(predictor.read_job(**job))
    if place is not None and answer.not_enough_data is None:
        answer = answer.at(place)
    if to_today and answer.not_enough_data is None:
        answer = answer.aged_to(f"{datetime.now(UTC):%Y-%m}")
    offer_usd = None if offer is None else _offer_usd(offer, terms, answer.job.location)
    if json:
        options.print_json(answer.to_json() | _in_terms(answer, terms) | _offer_json(answer, offer_usd))
        return
    from mlpaygrade.cli.text import estimate_text

    print(estimate_text(answer, terms, offer_usd=offer_usd))


def _in_terms(answer: "Answer", terms: PayTerms) -> dict[str, object]:
    """The figures in the terms asked for, where these are not dollars a year."""
    return {} if terms == DOLLARS or answer.not_enough_data else {"in_terms": answer.in_terms(terms)}


def _offer_json(answer: "Answer", offer_usd: float | None) -> dict[str, object]:
    if offer_usd is None:
        return {}
    answered = answer.not_enough_data is None
    return {
        "offer": {"usd": round(offer_usd), "percentile": round(answer.percentile(offer_usd), 3) if answered else None}
    }


def _offer_usd(text: str, terms: PayTerms, country: str) -> float:
    """An offer in dollars a year; what was understood goes to stderr. Raises InputError, with the question, where unclear."""
    from mlpaygrade.money.pay import read_pay

    reading = read_pay(text, country=country, currency=terms.currency, period=terms.period)
    usd = terms.usd_of(reading)
    options.say(f"Offer understood as {reading.understood}.")
    return usd
