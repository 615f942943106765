"""A file of an employer -> a benchmark of it, in one call: what the command line and Python use.

benchmark = run_benchmark(Path("staff.xlsx"), predictor=Predictor.load(), mapping=read_mapping(Path("staff.toml")))
benchmark.summary.compa_ratio; benchmark.write(Path("out.xlsx"))

Also the summary as one HTML page for a manager, which needs no network and runs no script. It holds no row's own key; people
are named by title and row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlpaygrade.benchmarking import workbook
from mlpaygrade.benchmarking.appraisal import Progress, Rules, ageing_factor, appraise, judge, market_date
from mlpaygrade.benchmarking.mapping import SheetMapping
from mlpaygrade.benchmarking.sheet import Sheet, read_sheet
from mlpaygrade.benchmarking.summary import GROUPS, Summary, cost_sentence, group_table, percentile_words, summarise
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.forecast.answer import newest_advert
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.money.ageing import NOT_THESE_JOBS, SOURCE
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.palette import css_by_scheme
from mlpaygrade.rendering.words import capital

if TYPE_CHECKING:
    import pandas as pd


_STYLE: Final = """:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 54rem; margin: 1.5rem auto; padding: 0 1rem;
  color: var(--mp-ink); background: var(--mp-surface); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 1.2rem 0 .25rem; }
.large { font-size: 2.4rem; font-weight: 700; line-height: 1.1; } .quiet { color: var(--mp-muted); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--mp-line); }
th:first-child, td:first-child { text-align: left; }
@media print { :root { color-scheme: light; } body { font-size: 11px; margin: 0; } }"""


def document(
    summary: Summary,
    rules: Rules,
    method: Sequence[tuple[str, str]],
    *,
    made: datetime,
    adverts_up_to: str,
    terms: PayTerms = DOLLARS,
) -> str:
    """The document. made: when, in UTC. adverts_up_to: the month of the newest advert in words."""
    parts = ["<h1>Our pay against the market</h1>"]
    if summary.compa_ratio is not None:
        parts.append(
            f'<p class="large">{escape(capital(summary.headline))}</p>'
            f'<p class="quiet">median pay over typical market pay: {summary.compa_ratio:.2f}</p>'
        )
    parts += [f"<p>{escape(text)}</p>" for text in (summary.sentence, cost_sentence(summary, rules, terms)) if text]
    parts.append(f"<p>{escape(strength_sentence(summary))} Adverts up to {escape(adverts_up_to)}.</p>")
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
    told = "; ".join(f"{name}: {text}" for name, text in method)
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
            return workbook.as_csv(self.frame, self.terms)
        summary, rules, terms = self.summary, self.rules, self.terms
        if kind == ".html":
            made, until = datetime.now(UTC), self.adverts_up_to
            return document(summary, rules, self.method, made=made, adverts_up_to=until, terms=terms).encode()
        _require("xlsxwriter")
        return workbook.as_workbook(
            self.frame, sheet=self.sheet, summary=summary, rules=rules, method=self.method, terms=terms
        )

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
    rules = rules or Rules(until=market_date(predictor))
    sheet = read_sheet(source, reader=predictor.reader, mapping=mapping)
    frame = judge(appraise(sheet, predictor, progress=progress), predictor, rules)
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
        ("Data: adverts up to", f"{market_date(predictor):%Y-%m-%d}, work years to {model['trained_through']}"),
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
