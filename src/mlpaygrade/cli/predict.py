"""`mlpaygrade predict`: one job, one answer, in the words that the app uses."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError
from mlpaygrade.explain.verdict import aged_text, place_said, support_text, verdict
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import SOURCES
from mlpaygrade.forecast.evidence import SAME_JOB
from mlpaygrade.forecast.remarks import COUNTED_DIFFERENTLY, apart_from_age
from mlpaygrade.job.fields import JobWords
from mlpaygrade.money.currency import DOLLAR, PERIODS, Salaries
from mlpaygrade.money.terms import DOLLARS, PayTerms, pay_terms
from mlpaygrade.rendering.words import SAME_PROCEDURE, distance_text, job_text, percent, rough_percent, up_to_of_100


@click.command
@options.takes_job
@click.option("--place", metavar="PLACE", help="Town or state within the United States; asked apart.")
@click.option(
    "--to-today", is_flag=True, help="Age pay to today by the growth of posted wages: a scenario, said apart."
)
@click.option(
    "--offer", metavar="PAY", help='Pay as you would write it ("72k", "EUR 6.000/month"): say where it stands.'
)
@click.option("--currency", default=DOLLAR, metavar="CODE", help="Currency of the answer, such as EUR.")
@click.option("--period", default="year", metavar="|".join(PERIODS), help="Pay for a year, month, hour ...")
@click.option(
    "--salaries",
    type=click.IntRange(12, 14),
    default=12,
    metavar="N",
    help="Monthly salaries a year: 12, 13 or 14.",
)
@options.bundle
@options.as_json
def predict(
    job: JobWords,
    *,
    place: str | None,
    to_today: bool,
    offer: str | None,
    currency: str,
    period: str,
    salaries: int,
    bundle: Path | None,
    json: bool,
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

    print(estimate_text(answer, terms, offer_usd=offer_usd))


def _in_terms(answer: Answer, terms: PayTerms) -> dict[str, object]:
    """The figures in the terms asked for, where these are not dollars a year."""
    return {} if terms == DOLLARS or answer.not_enough_data else {"in_terms": answer.in_terms(terms)}


def _offer_json(answer: Answer, offer_usd: float | None) -> dict[str, object]:
    if offer_usd is None:
        return {}
    percentile = None if answer.not_enough_data else round(answer.percentile(offer_usd), 3)
    return {"offer": {"usd": round(offer_usd), "percentile": percentile}}


def _offer_usd(text: str, terms: PayTerms, country: str) -> float:
    """An offer in dollars a year; what was understood goes to stderr. Raises InputError, with the question, where unclear."""
    from mlpaygrade.money.pay import read_pay

    reading = read_pay(text, country=country, currency=terms.currency, period=terms.period)
    usd = terms.usd_of(reading)
    options.say(f"Offer understood as {reading.understood}.")
    return usd


NAME_WIDTH = 25


def estimate_text(estimate: Answer, terms: PayTerms = DOLLARS, *, offer_usd: float | None = None) -> str:
    """The whole answer, a line a fact: what contradicts it, the answer, how sure it is, what it rests on, the method."""
    if estimate.not_enough_data is not None:
        return _refusal_text(estimate)
    low, high = estimate.intervals_usd[90]
    typical = f"{terms.text(estimate.estimate_usd)} {terms.per}, adverts up to {estimate.newest_advert}"
    lines = [
        estimate.job_text,
        *(f"  Note first: {warning}" for warning in estimate.said_first),
        "",
        _line("Typical pay", typical),
        *([_line("Aged", aged_text(estimate, terms))] if estimate.aged else []),
        *([_line("Place", place_said(estimate, terms))] if estimate.place else []),
        _line("9 in 10 such jobs", terms.range(low, high)),
        _line("One advert's range", terms.range(estimate.band_low_usd, estimate.band_high_usd)),
        _line("Strength", f"{estimate.strength.word}: {'; '.join(estimate.strength.reasons)}"),
    ]
    if offer_usd is not None:
        lines += ["", *(f"  {sentence}" for sentence in verdict(estimate, offer_usd).sentences(terms))]
    lines += ["", f"  {support_text(estimate, terms)}"]
    if estimate.support.level != SAME_JOB:
        lines.append(f"  {distance_text(estimate.closest.differs, estimate.closest.postings)}.")
    lines += [f"  Note: {note}" for note in apart_from_age(estimate.notes)[0]]
    return "\n".join([*lines, "", "  Method", *_method_lines(estimate, terms)])


def _line(name: str, text: str) -> str:
    return f"  {name:<{NAME_WIDTH}}{text}".rstrip()


def _method_lines(estimate: Answer, terms: PayTerms) -> list[str]:
    """Every interval with what was measured of it, what the spread is made of, how money was converted, the test."""
    lines = [
        _line(f"{level} % interval", f"{terms.range(*ends)}   ({_measured(estimate, level)})")
        for level, ends in sorted(estimate.intervals_usd.items())
    ]
    lines += [
        _line(f"{end.capitalize()} end, 90 %", terms.range(*ends)) for end, ends in estimate.band_ends_90_usd.items()
    ]
    if estimate.error_budget is not None:
        shares = estimate.error_budget.shares()
        parts = ", ".join(f"{rough_percent(share)} {SOURCES[name]}" for name, share in shares.items())
        lines.append(_line("The spread comes from", parts))
    if estimate.apart:
        lines.append(_line("Beside the adverts", COUNTED_DIFFERENTLY))
    if terms.said:
        lines.append(_line("Converted", terms.said))
    lines += [_line("Age", note) for note in apart_from_age(estimate.notes)[1]]
    if estimate.accuracy is not None:
        error = up_to_of_100(estimate.accuracy.percentile_error)
        said = f"{estimate.accuracy.tested}; where a figure stands among 100 was off {error} over the whole group"
        lines.append(_line("Tested on", said))
    if protocol := estimate.model["measured_coverage"].get("protocol"):
        lines.append(_line("Protocol", f"{SAME_PROCEDURE} {protocol}"))
    return lines


def _measured(estimate: Answer, level: int) -> str:
    if estimate.accuracy is None:
        return "not tested"
    return f"held {percent(estimate.accuracy.coverage[level])} when tested"


def _refusal_text(estimate: Answer) -> str:
    """Why there is no answer, and what could be asked instead."""
    lines = [job_text(estimate.job), "", f"  Not enough data: {estimate.not_enough_data}."]
    if estimate.nearest is not None:
        lines.append(f"  The nearest job that can be answered: {job_text(estimate.nearest)}.")
    return "\n".join([*lines, *(f"  Note: {note}" for note in (*estimate.warnings, *estimate.notes))])
