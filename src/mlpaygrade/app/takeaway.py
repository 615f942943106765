"""What can be taken away from a page: a chart as a picture, a table as a file of numbers."""

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import streamlit as st

from mlpaygrade.app.serving import predictor
from mlpaygrade.benchmarking.workbook import harmless
from mlpaygrade.forecast.answer import newest_advert
from mlpaygrade.market.numbers import NumericTable
from mlpaygrade.rendering.charts import Chart
from mlpaygrade.rendering.picture import Kind, can_draw, picture

SOURCE: Final = "Source: MLPayGrade, from public job adverts (aijobs.net salaries, CC0)"
PICTURES: Final[dict[Kind, str]] = {"png": "image/png", "svg": "image/svg+xml"}


def takeaway(name: str, *, chart: Chart, title: str, table: NumericTable, notes: Sequence[str] = ()) -> None:
    """Buttons for the chart as PNG and SVG, with title, date and source in the picture, and for its numbers as CSV."""
    said = [*notes, f"Adverts up to {_newest()}. {SOURCE}."]
    with st.container(horizontal=True):
        if can_draw():
            for kind in PICTURES:
                made = partial(picture, chart, kind=kind, title=title, notes=said)
                _button(f"Picture ({kind.upper()})", made, f"{name}.{kind}", PICTURES[kind])
        numbers(name, table)


def numbers(name: str, table: NumericTable) -> None:
    """A button for a table as CSV; its last columns say how new the adverts are and where they come from."""
    _button("Numbers (CSV)", partial(as_csv, with_source(table, _newest())), f"{name}.csv", "text/csv")


def with_source(table: NumericTable, newest: str) -> NumericTable:
    """The table with the age of its adverts and their source in every row, so that a row taken out still says them."""
    return NumericTable(
        columns=(*table.columns, "Adverts up to", "Source"),
        rows=tuple((*row, newest, SOURCE.removeprefix("Source: ")) for row in table.rows),
    )


def _newest() -> str:
    return newest_advert(predictor().bundle.provenance)


def _button(label: str, content: Callable[[], bytes], file: str, mime: str) -> None:
    st.download_button(
        label,
        content,
        f"mlpaygrade-{file}",
        mime,
        key=f"takeaway.{file}",
        icon=":material/download:",
        on_click="ignore",
    )


def as_csv(table: NumericTable) -> bytes:
    """The table as a file that spreadsheets open, without a cell that they would take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")
