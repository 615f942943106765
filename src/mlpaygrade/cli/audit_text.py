"""An audit as tables for a terminal, plain where stdout is not one."""

import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlpaygrade.audit.claims import ClaimResult, plain_word
from mlpaygrade.audit.summary import Audit
from mlpaygrade.dataset.sources import data_name
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, SIZE, TARGET
from mlpaygrade.rendering.words import dollars

PLAIN_WIDTH = 132
"""Columns of text where the output is no terminal that could tell its own."""


def print_audit(audit: Audit) -> None:
    """The whole audit on stdout."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, highlight=False)
    for title, lines in _paragraphs(audit):
        console.print(f"\n[bold]{escape(title)}[/bold]")
        for line in lines:
            console.print(f"  {escape(line)}", soft_wrap=not terminal)
    for title, header, rows in _tables(audit):
        table = Table(
            title=escape(title),
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD if terminal else None,
            pad_edge=False,
        )
        for place, name in enumerate(header):
            number = all(row[place][:1].isdigit() or row[place][:1] in "$-" for row in rows)
            table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=number)
        for row in rows:
            table.add_row(*map(escape, row))
        console.print()
        console.print(table)
    console.print()
    for claim in audit.claims:
        if claim.remark:
            console.print(escape(f"  {claim.claim}: {claim.remark}"), soft_wrap=not terminal)


def _paragraphs(audit: Audit) -> Iterable[tuple[str, Sequence[str]]]:
    yield audit.file, _file_lines(audit)
    yield "Rows are the two ends of advertised bands", _pairing_lines(audit)
    yield "Copies, and what a random split leaks", _copy_lines(audit)
    yield "Other things to know", _other_lines(audit)


def _file_lines(audit: Audit) -> list[str]:
    target = audit.target
    lines = ["SYNTHETIC: generated data, not salaries that anybody was paid."] if audit.synthetic else []
    lines += [f"Note: {note}." for note in audit.notes]
    known = (
        f"Known as {audit.known_as}; newest row {audit.newest_day}."
        if audit.known_as
        else f"None of the public editions; called {data_name(audit.sha256)}."
    )
    distinct = ", ".join(f"{name} {count:,}" for name, count in audit.distinct.items() if name != TARGET)
    return [
        *lines,
        f"sha256 {audit.sha256}",
        known,
        f"{audit.rows:,} rows, {audit.missing:,} missing values. Distinct values: {distinct}.",
        f"Salaries {dollars(target.min_usd)} to {dollars(target.max_usd)}, mean {dollars(target.mean_usd)}, median "
        f"{dollars(target.median_usd)}; skewness {_decimal(target.skewness)}, of log pay {_decimal(target.log_skewness)}; "
        f"{target.above_fence:,} rows above the Tukey fence of {dollars(target.fence_usd)}.",
    ]


def _pairing_lines(audit: Audit) -> list[str]:
    pairing = audit.pairing
    if not audit.arrival.tells_time:
        return [
            f"This file is not in the order of arrival: {audit.arrival.why}.",
            "So bands cannot be rebuilt from neighbouring rows, and nothing is said of when rows arrived.",
        ]
    lines = [
        f"{_percent(pairing.in_pairs_share)} of the rows form {pairing.pairs:,} neighbouring pairs that agree in every "
        f"feature and the currency; {_percent(pairing.in_pairs_shuffled_share)} do after shuffling the rows of each year.",
        f"In {_percent(pairing.ordered_share, 2)} of these pairs the first salary is at least the second; "
        f"{_percent(pairing.ordered_shuffled_share)} after shuffling among agreeing neighbours.",
        f"Rebuilt: {pairing.postings:,} postings, {_percent(pairing.paired_share)} of them with both ends.",
    ]
    if pairing.high_to_low:
        low, middle, high = pairing.high_to_low
        lines.append(
            f"The high end is {middle:.2f} times the low end at the median (5 to 95 %: {low:.2f} to {high:.2f})."
        )
    if audit.newest_first_share is not None:
        lines.append(
            f"In {_percent(audit.newest_first_share)} of neighbouring rows the year does not rise: "
            "the file stands newest first as far as that goes."
        )
    return [*lines, "This is strong evidence from the order of the file, not documentation by its publisher."]


def _copy_lines(audit: Audit) -> list[str]:
    copies, leak = audit.copies, audit.copies.random_split
    lines = [
        f"{copies.rows:,} rows ({_percent(copies.share)}) are exact copies of an earlier one; "
        f"{copies.rows_with_twin:,} rows have at least one twin."
    ]
    if leak is not None:
        lines += [
            f"A random {100 * (1 - leak.test_share):.0f} / {100 * leak.test_share:.0f} split of rows (mean of {leak.draws}): "
            f"{_percent(leak.twin_share)} of the test rows have an exact twin in the training rows;",
            f"of the rest, {_percent(leak.other_end_of_rest_share)} have the other end of their own band there; "
            f"{_percent(leak.clean_share)} of the test rows have neither.",
            f"{_percent(leak.same_job_share)} of the test rows ask for a job that the training rows hold field for field.",
        ]
    if copies.recurring_share is not None:
        lines.append(
            f"{_percent(copies.recurring_share)} of the postings of {copies.newest_year} stood in earlier years with the "
            "same job and band; in time that is the market, not a leak."
        )
    return lines


def _other_lines(audit: Audit) -> list[str]:
    money = audit.currencies
    return [
        f"{_percent(audit.same_country_share)} of the employees live in the company's country.",
        f"{_percent(money.usd_share)} of the salaries are in US dollars ({money.distinct} currencies); in "
        f"{_percent(money.usd_equal_share)} of those salary and salary_in_usd are the same figure.",
        f"Year, currency and salary determine the target in {_percent(money.determined_share)} of all rows; one rate a year "
        f"explains {_percent(money.rate_share)} of the {money.rate_rows:,} rows in other currencies that can be compared.",
        "So neither salary nor salary_currency may ever be a feature.",
    ]


def _tables(audit: Audit) -> Iterable[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    means = {group.name: group for group in audit.years}
    yield (
        "By year (ordered: first salary at least the second; chance: after shuffling)",
        ("Year", "Rows", "Mean", "In pairs", "Chance", "Pairs", "Ordered", "Chance"),
        [
            (
                str(year.year),
                f"{year.rows:,}",
                dollars(means[str(year.year)].mean_usd),
                _percent(year.in_pairs_share),
                _percent(year.in_pairs_shuffled_share),
                f"{year.pairs:,}",
                _percent(year.ordered_share, 2),
                _percent(year.ordered_shuffled_share),
            )
            for year in audit.pairing.years
        ],
    )
    yield (
        "By level",
        ("Level", "Rows", "Share", "Mean"),
        [
            (plain_word(EXPERIENCE, group.name), f"{group.rows:,}", _percent(group.share), dollars(group.mean_usd))
            for group in audit.levels
        ],
    )
    yield (
        "Deviation by employment and company size, highest first",
        ("Employment", "Size", "Rows", "Mean", "Deviation", ""),
        [
            (
                plain_word(EMPLOYMENT, cell.employment),
                plain_word(SIZE, cell.size),
                f"{cell.rows:,}",
                dollars(cell.mean_usd),
                "-" if cell.deviation_usd is None else dollars(cell.deviation_usd),
                "few rows" if cell.small else "",
            )
            for cell in audit.cells
        ],
    )
    yield (
        "What the brief claims",
        ("Claim", "Claimed", "Measured", "Rows", "Verdict"),
        [_claim_row(claim) for claim in audit.claims],
    )


def _claim_row(claim: ClaimResult) -> tuple[str, ...]:
    return claim.claim, claim.claimed_text, claim.measured_text, f"{claim.n:,}", claim.verdict


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
