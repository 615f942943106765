"""The answered rows as files to keep: CSV, and a workbook of summary, rows, problems, method and mapping.

No text in them is ever a formula: what a spreadsheet would take for one is made harmless and stays readable. Figures are
numbers, with their unit in the column's name. Reads nothing, computes nothing but the currency.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from mlpaygrade.benchmarking.appraisal import Rules
from mlpaygrade.benchmarking.mapping import mapping_text
from mlpaygrade.benchmarking.sheet import Sheet
from mlpaygrade.benchmarking.summary import GROUPS, Summary, cost_sentence, percentile_words
from mlpaygrade.job.lookup import rows as table_rows
from mlpaygrade.money.terms import DOLLARS, PayTerms

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


def columns() -> dict[str, tuple[str, str]]:
    """Column of the frame -> header and meaning, in the order of the files. {unit} in a header: currency and period."""
    found = table_rows("workbook_columns", room="benchmarking")
    return {row["column"]: (row["header"], row["meaning"]) for row in found}


def money_columns() -> list[str]:
    """The columns that hold amounts."""
    return [name for name, (header, _) in columns().items() if "{unit}" in header]


_SIGNS: Final = frozenset("=+-@|%\u2212")
_INSIDE: Final = re.compile(r"([;,\t|\r\n\u2028\u2029\x0b\x0c]\s*)(?=([^\w\s]))")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, whole or cut at a separator; others are unchanged."""
    bare = "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cf", "Zs", "Zl", "Zp"})
    if _is_sign(bare[:1]) or text.startswith(("\t", "\r", "\n")):
        text = f"'{text}"
    return _INSIDE.sub(lambda found: f"{found[1]}'" if _is_sign(found[2]) else found[0], text)


def _is_sign(char: str) -> bool:
    """Whether a formula may begin with a character, in any of its forms (full-width, small, superscript)."""
    return bool(char) and unicodedata.normalize("NFKC", char)[:1] in _SIGNS


def unit(terms: PayTerms) -> str:
    """The unit of amounts in a column's name: "USD", "EUR a month"."""
    return terms.currency if terms.period == "year" else f"{terms.currency} {terms.per}"


def headings(terms: PayTerms = DOLLARS) -> dict[str, str]:
    """Column of the frame -> header."""
    return {name: header.format(unit=unit(terms)) for name, (header, _) in columns().items()}


def in_terms(frame: "pd.DataFrame", terms: PayTerms) -> "pd.DataFrame":
    """The columns of the files with amounts in the reader's currency and period, whole units, cents below a thousand."""
    shown = frame[list(columns())].copy()
    if terms != DOLLARS:
        per_usd = terms.of_usd(1.0)
        for name in money_columns():
            shown[name] = (shown[name] * per_usd).round(0 if terms.period in ("year", "month") else 2)
    return shown


def as_csv(frame: "pd.DataFrame", terms: PayTerms = DOLLARS) -> bytes:
    """The frame as CSV in UTF-8, with a byte order mark so that spreadsheets read accents. Texts are in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(headings(terms).values())
    for row in in_terms(frame, terms).itertuples(index=False, name=None):
        writer.writerow([_plain(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def as_workbook(
    frame: "pd.DataFrame",
    *,
    sheet: Sheet,
    summary: Summary,
    rules: Rules,
    method: Sequence[tuple[str, str]],
    terms: PayTerms = DOLLARS,
) -> bytes:
    """A workbook: summary, rows, problems, method (what the figures rest on, and what each column means), mapping."""
    import xlsxwriter

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        page = book.add_worksheet("Summary")
        page.set_column(0, 0, 44)
        page.set_column(1, 6, 18)
        _write_rows(page, summary_lines(summary, rules, terms))
        results = book.add_worksheet("Rows")
        results.freeze_panes(1, 4)
        results.set_column(0, len(columns()) - 1, 14)
        _write_rows(results, [list(headings(terms).values())], form=bold)
        _write_rows(results, in_terms(frame, terms).itertuples(index=False, name=None), first=1)
        results.autofilter(0, 0, len(frame), len(columns()) - 1)
        listed = book.add_worksheet("Problems")
        listed.set_column(0, 4, 28)
        _write_rows(listed, [["Row", "Column", "Rule", "Value", "What to do"]], form=bold)
        lines: list[list[str | float]] = [[p.row, p.column, p.rule, p.value, p.remedy] for p in sheet.problems]
        _write_rows(listed, lines, first=1, form=wrap)
        about = book.add_worksheet("Method")
        about.set_column(0, 0, 34)
        about.set_column(1, 1, 110)
        meanings = zip(headings(terms).values(), (meaning for _, meaning in columns().values()), strict=True)
        _write_rows(about, [*method, ("", ""), ("Column", "Meaning"), *meanings], form=wrap)
        mapped = book.add_worksheet("Mapping")
        mapped.set_column(0, 0, 80)
        _write_rows(mapped, [[line] for line in mapping_text(sheet.mapping).splitlines()])
    return content.getvalue()


def summary_lines(summary: Summary, rules: Rules, terms: PayTerms = DOLLARS) -> list[list[str | float]]:
    """The summary as lines of cells: the sentence, figures, who is furthest below, groups."""
    per_usd = terms.rate.value
    money = f"{terms.currency} a year"
    lines: list[list[str | float]] = [[summary.sentence], [cost_sentence(summary, rules, terms)], []]
    lines += [["Rows", summary.rows], ["Rows answered", summary.answered], ["Rows with pay", summary.paid]]
    if summary.compa_ratio is not None and summary.compa_spread is not None:
        lines += [
            ["Median compa-ratio", summary.compa_ratio],
            ["8 in 10 compa-ratios from", summary.compa_spread[0]],
            ["8 in 10 compa-ratios to", summary.compa_spread[1]],
            ["Median range penetration", summary.penetration or 0.0],
            ["Median market position", summary.position or 0.0],
            [f"Pay in this file, {money}", round(summary.pay_usd * per_usd)],
            [f"Cost to {percentile_words(rules)}, {money}", round(summary.cost_usd * per_usd)],
        ]
    lines += [[f"Rows of strength {word}", count] for word, count in summary.strengths.items()]
    if summary.furthest:
        amounts = [f"{name} {money}" for name in ("Pay", "Target", "Cost")]
        lines += [[], ["Furthest below the market", "Row", "Country", *amounts, "Compa-ratio"]]
    for b in summary.furthest:
        usd = (b.pay_usd, b.target_usd, b.cost_usd)
        lines.append([b.title, b.row, b.country, *(round(amount * per_usd) for amount in usd), b.compa_ratio])
    for name, groups in summary.groups.items():
        lines += [[], [GROUPS[name], "Rows", "Answered", "Median compa-ratio", "More than 10% below", f"Cost {money}"]]
        for g in groups:
            ratio = "" if g.compa_ratio is None else g.compa_ratio
            lines.append([g.name, g.rows, g.answered, ratio, g.below, round(g.cost_usd * per_usd)])
    return lines


def _write_rows(
    sheet: "Worksheet", lines: Iterable[Iterable[str | float]], *, first: int = 0, form: "Format | None" = None
) -> None:
    for n, line in enumerate(lines, start=first):
        for place, value in enumerate(line):
            plain = _plain(value)
            if isinstance(plain, str):
                sheet.write_string(n, place, plain, form)
            else:
                sheet.write_number(n, place, plain, form)


def _plain(value: str | float) -> str | int | float:
    """A cell: harmless text, a whole number where it is one, empty where nothing is known."""
    if isinstance(value, str):
        return harmless("".join(char if char >= " " or char in "\t\n\r" else " " for char in value))[:32_000]
    if math.isnan(value):
        return ""
    return int(value) if float(value).is_integer() else round(float(value), 4)
