"""A file of an employer -> a benchmark of it, in one call: what the command line and Python use.

benchmark = run_benchmark(Path("staff.xlsx"), predictor=Predictor.load(), mapping=read_mapping(Path("staff.toml")))
benchmark.summary.compa_ratio; benchmark.write(Path("out.xlsx"))
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlpaygrade.benchmarking import onepage, workbook
from mlpaygrade.benchmarking.appraisal import Progress, Rules, ageing_factor, appraise, judge, market_date
from mlpaygrade.benchmarking.mapping import SheetMapping
from mlpaygrade.benchmarking.sheet import Sheet, read_sheet
from mlpaygrade.benchmarking.summary import Summary, percentile_words, summarise
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.forecast.answer import newest_advert
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.money.ageing import NOT_THESE_JOBS, SOURCE
from mlpaygrade.money.terms import DOLLARS, PayTerms

if TYPE_CHECKING:
    import pandas as pd

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
        if kind == ".html":
            made = datetime.now(UTC)
            page = onepage.document(
                self.summary, self.rules, self.method, made=made, adverts_up_to=self.adverts_up_to, terms=self.terms
            )
            return page.encode()
        _require("xlsxwriter")
        return workbook.as_workbook(
            self.frame, sheet=self.sheet, summary=self.summary, rules=self.rules, method=self.method, terms=self.terms
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
