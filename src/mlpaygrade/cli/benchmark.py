"""`mlpaygrade benchmark`: an employer's file against the market; `mlpaygrade advert`: a range for an advert."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.job.fields import JobWords
from mlpaygrade.money.currency import DOLLAR
from mlpaygrade.money.terms import pay_terms

if TYPE_CHECKING:
    from mlpaygrade.benchmarking.sheet import Sheet


@click.command
@click.argument("source", type=Path, metavar="FILE", help="Jobs and pay: CSV, Excel, OpenDocument or Parquet.")
@click.option("--output", required=True, type=Path, metavar="OUT.xlsx", help="Ends in .xlsx, .csv or .html.")
@options.mapping
@click.option("--currency", default=DOLLAR, metavar="CODE", help="Currency of the files.")
@click.option("--percentile", default=50.0, metavar="P", help="Of advertised pay that people are to reach, 5 to 95.")
@click.option("--to-today", is_flag=True, help="Age market figures to today by the growth of posted wages by country.")
@options.bundle
def benchmark(
    source: Path,
    *,
    output: Path,
    mapping: Path | None,
    currency: str,
    percentile: float,
    to_today: bool,
    bundle: Path | None,
) -> None:
    """Compare what you pay with the market. What cannot be known is asked, through a mapping file, before anything is written."""
    from mlpaygrade.benchmarking.appraisal import Rules
    from mlpaygrade.benchmarking.report import check_percentile, output_kind, run_benchmark, until_today
    from mlpaygrade.benchmarking.summary import cost_sentence
    from mlpaygrade.forecast.answer import market_day

    output_kind(output)
    if output.exists() and source.exists() and output.samefile(source):
        raise InputError(f"The output must be another file than the input; both are {source}. Give another --output.")
    terms, share = pay_terms(currency.upper()), check_percentile(percentile)
    predictor = options.load_predictor(bundle)
    rules = Rules(
        until=until_today() if to_today else market_day(predictor.bundle), posted_wages=to_today, percentile=share
    )
    known = options.load_mapping(mapping)
    with options.progress_bar() as progress:
        found = run_benchmark(
            source,
            predictor=predictor,
            mapping=known,
            rules=rules,
            terms=terms,
            progress=lambda part: progress("market figures", round(100 * part), 100, {}),
        )
    for note in found.sheet.notes:
        options.say(f"{source.name}: {note}")
    _ask(found.sheet, mapping)
    found.write(output)
    options.say(found.summary.sentence)
    options.say(cost_sentence(found.summary, rules, terms))
    unanswered = found.summary.rows - found.summary.answered
    options.say(f"Written to {output}; {len(found.sheet.problems):,} problems in cells.")
    if unanswered:
        raise DataError(f"{unanswered:,} rows of {source} have no answer; the column 'Remarks' of {output} says why.")


def _ask(sheet: "Sheet", path: Path | None) -> None:
    """Say the open questions. Raises DataError where they concern many rows; the proposed answers then go into a new mapping."""
    from mlpaygrade.benchmarking.mapping import accepted, mapping_text
    from mlpaygrade.benchmarking.report import deciding
    from mlpaygrade.dataset.writing import write_file

    for question in sheet.questions:
        for line in question.lines:
            options.say(line)
    lines = deciding(sheet)
    if path is not None and not path.exists():
        write_file(path, mapping_text(accepted(sheet.mapping, sheet.questions), lines))
        options.say(f"The mapping with the proposed answers was written to {path}: look it through and run this again.")
    if lines:
        new = "Give --mapping NEW.toml: it is written with the proposed answers"
        how = "Answer in the mapping file" if path else new
        raise DataError(f"Questions are open that decide the figures; nothing was written. {how}, then run this again.")


@click.command
@options.takes_job
@click.option("--widest", default=1.35, metavar="TIMES", help="High end over low end, at most.")
@click.option("--place", metavar="PLACE", help="Town or state within the United States.")
@click.option("--currency", default=DOLLAR, metavar="CODE", help="Currency of the range.")
@options.bundle
@options.as_json
def advert(job: JobWords, *, widest: float, place: str | None, currency: str, bundle: Path | None, json: bool) -> None:
    """Build a range to name in an advert, at most so wide, with its reasons and its limits."""
    from mlpaygrade.benchmarking.appraisal import advert_range

    predictor = options.load_predictor(bundle)
    answer = predictor.answer(predictor.read_job(**job))
    found = advert_range(
        answer if place is None else answer.at(place), widest=widest, terms=pay_terms(currency.upper())
    )
    if json:
        parts = {"low": found.low, "high": found.high, "currency": found.terms.currency, "period": found.terms.period}
        options.print_json({**parts, "reasons": list(found.reasons), "limits": list(found.limits)})
        return
    print("\n".join([found.text, "", *(f"  {it}" for it in found.reasons), "", *(f"  {it}" for it in found.limits)]))
