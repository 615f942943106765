"""A file of an employer -> a benchmark of it, in one call: what the command line and Python use; and its files to keep.

benchmark = run_benchmark(Path("staff.xlsx"), predictor=Predictor.load(), mapping=read_mapping(Path("staff.toml")))
benchmark.summary.compa_ratio; benchmark.write(Path("out.xlsx"))

The files: the rows as CSV, a workbook of summary, rows, problems, method and mapping, and the summary as one HTML page for a
manager, which needs no network, runs no script and holds no row's own key; people are named by title and row. No text in them is
ever a formula: what a spreadsheet would take for one is made harmless and stays readable. Figures are numbers, with their unit in
the column's name.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlpaygrade.benchmarking.appraisal import Market, Progress, Rules, ageing_factor, appraise, judge
from mlpaygrade.benchmarking.mapping import SheetMapping, mapping_text
from mlpaygrade.benchmarking.sheet import Sheet, read_sheet
from mlpaygrade.benchmarking.summary import GROUPS, Summary, cost_sentence, group_table, percentile_words, summarise
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.forecast.answer import market_day, newest_advert
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.lookup import rows as table_rows
from mlpaygrade.money.ageing import NOT_THESE_JOBS, SOURCE
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.palette import css_by_scheme
from mlpaygrade.rendering.words import capital

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


FORMATS: Final = (".xlsx", ".csv", ".html")
DECIDES: Final = 0.05
"""A question that concerns a smaller share of the rows can wait: those rows are listed as problems."""
LIMITS: Final = (
    ("Must not be used for", "setting one person's pay, or auditing pay by gender or age: the data hold no such field"),
    (
        "Limits",
        "Advertised figures, mostly of the United States and of full-time work; no skills, employer, city, bonus or equity",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Benchmark:
    """Rows as read, their figures (US dollars a year), the summary, and in whose money files are written."""

    sheet: Sheet
    frame: "pd.DataFrame"
    summary: Summary
    rules: Rules
    terms: PayTerms
    method: tuple[tuple[str, str], ...]
    adverts_up_to: str

    def content(self, kind: str) -> bytes:
        """The file of one of FORMATS. Raises ResourceError where a library is missing."""
        if kind == ".csv":
            return _csv(self)
        if kind == ".html":
            return _page(self, made=datetime.now(UTC)).encode()
        _require("xlsxwriter")
        return _workbook(self)

    def write(self, path: Path) -> None:
        """Write the file that a path's ending names, whole or not at all."""
        write_file(path, self.content(output_kind(path)))


def output_kind(path: Path) -> str:
    """One of FORMATS. Raises InputError for another ending."""
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"The output ends in {', '.join(FORMATS)}; got '{path.name}'. Give such a name.")
    return kind


def run_benchmark(
    source: Path | bytes,
    *,
    predictor: Predictor,
    mapping: SheetMapping | None = None,
    rules: Rules | None = None,
    terms: PayTerms = DOLLARS,
    progress: Progress = lambda _share: None,
) -> Benchmark:
    """Read and answer a file. What the mapping leaves open stands in `sheet.questions`; such rows or amounts have no figures.

    Raises DataError where the file is no table of jobs, ResourceError where pandas is not installed.
    """
    _require("pandas")
    rules = rules or Rules(until=market_day(predictor.bundle))
    sheet = read_sheet(source, reader=predictor.reader, mapping=mapping)
    return benchmark_of(sheet, appraise(sheet, predictor, progress=progress), predictor, rules, terms)


def benchmark_of(sheet: Sheet, market: Market, predictor: Predictor, rules: Rules, terms: PayTerms) -> Benchmark:
    """The benchmark of rows that were read and answered."""
    frame = judge(market, predictor, rules)
    return Benchmark(
        sheet=sheet,
        frame=frame,
        summary=summarise(frame),
        rules=rules,
        terms=terms,
        method=tuple(method_lines(predictor, sheet, rules, terms)),
        adverts_up_to=newest_advert(predictor.bundle.provenance),
    )


def deciding(sheet: Sheet) -> list[str]:
    """The open questions that concern many rows, in lines."""
    return [line for q in sheet.questions if q.rows >= DECIDES * len(sheet) for line in q.lines]


def check_percentile(percentile: float) -> float:
    """A percentile in [5, 95] as a share. Raises InputError."""
    if not 5 <= percentile <= 95:
        raise InputError(f"The percentile lies from 5 to 95; got {percentile:g}. The data say little beyond.")
    return percentile / 100


def method_lines(predictor: Predictor, sheet: Sheet, rules: Rules, terms: PayTerms) -> list[tuple[str, str]]:
    """What the figures rest on: model, data, test, upload, rules, limits."""
    model = predictor.model
    measured = model["measured_coverage"]
    return [
        ("Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("Model version", str(model["version"])),
        ("Data: SHA-256", str(model["data_sha256"])),
        ("Data: adverts up to", f"{market_day(predictor.bundle):%Y-%m-%d}, work years to {model['trained_through']}"),
        ("Data: synthetic", "yes: these figures say nothing about real pay" if model["synthetic"] else "no"),
        ("Protocol of the test", str(measured.get("protocol"))),
        *(
            (f"Share caught by the {level} % range", f"{share:.1%}")
            for level, share in measured.items()
            if level != "protocol"
        ),
        ("Upload: rows", f"{len(sheet):,}"),
        ("Upload: problems", f"{len(sheet.problems):,}"),
        *(("Upload: note", note) for note in sheet.notes),
        *_ageing_lines(predictor, rules),
        ("Rule: pay is to reach", percentile_words(rules)),
        ("Rule: widest band", f"high end at most {rules.widest:g} times the low end"),
        *((("Money", terms.said),) if terms.said else ()),
        *LIMITS,
    ]


def _ageing_lines(predictor: Predictor, rules: Rules) -> list[tuple[str, str]]:
    how = f"by country: {SOURCE}. {NOT_THESE_JOBS}" if rules.posted_wages else f"{rules.yearly_rate:.1%} a year"
    factor = f"{ageing_factor(predictor, rules):.4f}" + (" in the United States" if rules.posted_wages else "")
    return [("Rule: ageing", how), ("Rule: aged to", rules.until.isoformat()), ("Rule: ageing factor", factor)]


def until_today() -> date:
    """Today in UTC."""
    return datetime.now(UTC).date()


def _require(name: str) -> None:
    if find_spec(name) is None:
        raise ResourceError(f"A benchmark needs {name}. Install it with `pip install 'mlpaygrade[app]'`.")


_STYLE: Final = """:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 54rem; margin: 1.5rem auto; padding: 0 1rem;
  color: var(--mp-ink); background: var(--mp-surface); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 1.2rem 0 .25rem; }
.large { font-size: 2.4rem; font-weight: 700; line-height: 1.1; } .quiet { color: var(--mp-muted); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--mp-line); }
th:first-child, td:first-child { text-align: left; }
@media print { :root { color-scheme: light; } body { font-size: 11px; margin: 0; } }"""


def _page(found: Benchmark, *, made: datetime) -> str:
    """The HTML page. made: when, in UTC."""
    summary, rules, terms = found.summary, found.rules, found.terms
    parts = ["<h1>Our pay against the market</h1>"]
    if summary.compa_ratio is not None:
        parts.append(
            f'<p class="large">{escape(capital(summary.headline))}</p>'
            f'<p class="quiet">median pay over typical market pay: {summary.compa_ratio:.2f}</p>'
        )
    parts += [f"<p>{escape(text)}</p>" for text in (summary.sentence, cost_sentence(summary, rules, terms)) if text]
    parts.append(f"<p>{escape(strength_sentence(summary))} Adverts up to {escape(found.adverts_up_to)}.</p>")
    if summary.furthest:
        head = ["Job title", "Row", "Country", "Pay", percentile_words(rules).capitalize(), "Lacks", "Strength"]
        lines = [
            [b.title, f"{b.row:,}", b.country, *map(terms.text, (b.pay_usd, b.target_usd, b.cost_usd)), b.strength]
            for b in summary.furthest
        ]
        parts.append("<h2>Furthest below the market</h2>" + _table(head, lines))
    for name, groups in summary.groups.items():
        head = [GROUPS[name], "Rows", "Median pay over market", "More than 10% below", "Cost to bring up"]
        parts.append(f"<h2>By {GROUPS[name].lower()}</h2>" + _table(head, group_table(groups, terms)))
    told = "; ".join(f"{name}: {text}" for name, text in found.method)
    parts.append(f'<h2>Method</h2><p class="quiet">{escape(told)}</p>')
    parts.append(f'<p class="quiet">Made {made:%Y-%m-%d %H:%M} UTC by MLPayGrade. {escape(terms.said)}</p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Our pay against the market</title>'
        f"<style>{css_by_scheme()}{_STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def strength_sentence(summary: Summary) -> str:
    """How far the figures can be relied on."""
    parts = [f"{count:,} {word}" for word, count in summary.strengths.items() if count]
    return f"Strength of the market figures: {', '.join(parts)}." if parts else "No row has a market figure."


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


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


def _csv(found: Benchmark) -> bytes:
    """The rows as CSV in UTF-8, with a byte order mark so that spreadsheets read accents. Texts are in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(headings(found.terms).values())
    for row in in_terms(found.frame, found.terms).itertuples(index=False, name=None):
        writer.writerow([_plain(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _workbook(found: Benchmark) -> bytes:
    """A workbook: summary, rows, problems, method (what the figures rest on, and what each column means), mapping."""
    import xlsxwriter

    frame, terms, content = found.frame, found.terms, io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        page = book.add_worksheet("Summary")
        page.set_column(0, 0, 44)
        page.set_column(1, 6, 18)
        _write_rows(page, _summary_lines(found.summary, found.rules, terms))
        results = book.add_worksheet("Rows")
        results.freeze_panes(1, 4)
        results.set_column(0, len(columns()) - 1, 14)
        _write_rows(results, [list(headings(terms).values())], form=bold)
        _write_rows(results, in_terms(frame, terms).itertuples(index=False, name=None), first=1)
        results.autofilter(0, 0, len(frame), len(columns()) - 1)
        listed = book.add_worksheet("Problems")
        listed.set_column(0, 4, 28)
        _write_rows(listed, [["Row", "Column", "Rule", "Value", "What to do"]], form=bold)
        lines: list[list[str | float]] = [[p.row, p.column, p.rule, p.value, p.remedy] for p in found.sheet.problems]
        _write_rows(listed, lines, first=1, form=wrap)
        about = book.add_worksheet("Method")
        about.set_column(0, 0, 34)
        about.set_column(1, 1, 110)
        meanings = zip(headings(terms).values(), (meaning for _, meaning in columns().values()), strict=True)
        _write_rows(about, [*found.method, ("", ""), ("Column", "Meaning"), *meanings], form=wrap)
        mapped = book.add_worksheet("Mapping")
        mapped.set_column(0, 0, 80)
        _write_rows(mapped, [[line] for line in mapping_text(found.sheet.mapping).splitlines()])
    return content.getvalue()


def _summary_lines(summary: Summary, rules: Rules, terms: PayTerms) -> list[list[str | float]]:
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
