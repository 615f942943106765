"""The answered rows as files to keep: CSV, and a workbook with the problems and an audit sheet.

Enters: the judged frame, the problems, what must be said of the model. Leaves: bytes. No text in them is ever a formula: what a
spreadsheet would take for one is made harmless and stays readable. Reads nothing, computes nothing.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mlpaygrade.benchmarking.sheet import Problem

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "row": ("Row", "Row of the upload, the header not counted"),
    "reference": ("Reference", "Your own key, passed through"),
    "title": ("Job title", "As written"),
    "level": ("Level", "Experience level as read"),
    "country": ("Company country", "As read"),
    "pay": ("Pay USD", "Your figure"),
    "typical": ("Typical market pay USD", "Geometric mean of advertised figures for such a job, aged"),
    "compa_ratio": ("Compa-ratio", "Pay / typical market pay"),
    "low": ("Market band low USD", "Low end of the typical advertised band, aged"),
    "high": ("Market band high USD", "High end of the typical advertised band, aged"),
    "penetration": (
        "Range penetration",
        "(Pay - low end) / (high end - low end) of the market band; below 0 or above 1 is outside",
    ),
    "position": (
        "Market position",
        "Share of advertised figures for such a job below the pay, not aged; 0.01 and 0.99 are the ends",
    ),
    "lower_90": ("90 % range from USD", "Lower end of the 90 % range of single figures, aged"),
    "upper_90": ("90 % range to USD", "Upper end of the 90 % range of single figures, aged"),
    "suggested_low": ("Suggested band low USD", "Market band low end, rounded to thousands"),
    "suggested_high": ("Suggested band high USD", "Market band high end, rounded to thousands"),
    "own_low": ("Own band low USD", "Your figure"),
    "own_high": ("Own band high USD", "Your figure"),
    "postings": ("Postings behind it", "Matching postings in the training data"),
    "match": ("Postings agree in", "How closely those postings match"),
    "factor": ("Ageing factor", "(1 + yearly rate) ^ years, applied to market figures"),
    "flags": ("Flags", "What deserves a second look"),
    "remarks": ("Remarks", "How the row was read"),
}
"""Column of the frame -> header and meaning, in the order of the files."""

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; others are unchanged."""
    return (
        f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS) else text
    )


def as_csv(frame: "pd.DataFrame") -> bytes:
    """The frame as CSV in UTF-8, with a byte order mark so that spreadsheets read accents."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([header for header, _ in COLUMNS.values()])
    for row in frame[list(COLUMNS)].itertuples(index=False, name=None):
        writer.writerow([_plain(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def as_workbook(frame: "pd.DataFrame", problems: Sequence[Problem], audit: Sequence[tuple[str, str]]) -> bytes:
    """A workbook: results, problems, audit (what the figures rest on, and what each column means)."""
    import xlsxwriter

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        results = book.add_worksheet("Results")
        results.freeze_panes(1, 3)
        results.set_column(0, len(COLUMNS) - 1, 14)
        _write_rows(results, [[header for header, _ in COLUMNS.values()]], form=bold)
        _write_rows(results, frame[list(COLUMNS)].itertuples(index=False, name=None), first=1)
        listed = book.add_worksheet("Problems")
        listed.set_column(0, 4, 28)
        _write_rows(listed, [["Row", "Column", "Rule", "Value", "Remedy"]], form=bold)
        _write_rows(listed, [[p.row, p.column, p.rule, p.value, p.remedy] for p in problems], first=1, form=wrap)
        about = book.add_worksheet("Audit")
        about.set_column(0, 0, 30)
        about.set_column(1, 1, 110)
        _write_rows(about, [list(line) for line in audit], form=wrap)
        meanings = [["", ""], ["Column", "Meaning"], *([header, meaning] for header, meaning in COLUMNS.values())]
        _write_rows(about, meanings, first=len(audit), form=wrap)
    return content.getvalue()


def _write_rows(sheet: Any, lines: Any, *, first: int = 0, form: Any = None) -> None:
    for n, line in enumerate(lines, start=first):
        for place, value in enumerate(line):
            plain = _plain(value)
            if isinstance(plain, str):
                sheet.write_string(n, place, plain, form)
            else:
                sheet.write_number(n, place, plain, form)


def _plain(value: Any) -> str | int | float:
    """A cell: harmless text, a whole number where it is one, empty where nothing is known."""
    if isinstance(value, str):
        return harmless("".join(char if char >= " " or char in "\t\n\r" else " " for char in value))[:32_000]
    if math.isnan(value):
        return ""
    return int(value) if float(value).is_integer() else round(float(value), 4)
