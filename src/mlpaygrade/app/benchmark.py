"""The page of an employer: rows in, market figures and flags out, files to keep.

Enters: an uploaded file or pasted rows, and the rules. Leaves: the page. What was uploaded stays in this session's memory and
ends with it.
"""

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import streamlit as st

from mlpaygrade.app import address, charts
from mlpaygrade.app.serving import literal, predictor, show_error
from mlpaygrade.benchmarking import workbook
from mlpaygrade.benchmarking.appraisal import Rules, ageing_factor, appraise, judge, market_date
from mlpaygrade.benchmarking.sheet import MAX_BYTES, MAX_ROWS, Sheet, read_sheet, template
from mlpaygrade.errors import DataError
from mlpaygrade.job.reference import rows as table_rows
from mlpaygrade.rendering.words import counted, percent

if TYPE_CHECKING:
    import pandas as pd

SHOWN_PROBLEMS: Final = 50
MAX_PASTED: Final = 500_000
BAR: Final = "#2b8f85"
RATIO: Final = "Compa-ratio: pay over typical market pay; 1.00 is at the market"
KEPT: Final = "benchmark.kept"


def page() -> None:
    """Draw the page."""
    st.title("Your pay against the market", anchor=False)
    st.write(
        "Upload jobs, with or without what you pay, and get market figures for every row. Nothing is stored: rows stay in the "
        "memory of this session and are gone when you leave."
    )
    address.keep("benchmark", {})
    content = _input()
    if content is None:
        _explain_columns()
        return
    kept = _answered(content)
    if kept is None:
        return
    sheet, market = kept
    rules = _rules()
    frame = judge(market, predictor(), rules)
    _summary(sheet, frame)
    _problems(sheet)
    _results(frame)
    _downloads(sheet, frame, rules, content)


def _input() -> bytes | None:
    upload, paste = st.tabs(["Upload a file", "Paste rows"])
    with upload:
        file = st.file_uploader(
            f"A CSV, Excel, OpenDocument or Parquet file, at most {MAX_BYTES // 1024 // 1024} MB and {MAX_ROWS:,} rows",
            key="benchmark.file",
            max_upload_size=MAX_BYTES // 1024 // 1024,
        )
        st.download_button(
            "Download the template",
            template().encode(),
            "mlpaygrade-template.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
    with paste:
        text = st.text_area(
            "Rows copied from a spreadsheet, the header line first",
            key="benchmark.text",
            height=180,
            max_chars=MAX_PASTED,
            placeholder="Job title\tLevel\tCompany country\tPay USD\nData Engineer\tSenior\tUnited States\t150000",
        )
    if file is not None:
        return bytes(file.getvalue())
    return text.encode("utf-8", errors="replace") if text and text.strip() else None


def _answered(content: bytes) -> "tuple[Sheet, pd.DataFrame] | None":
    """The rows with their market figures; computed once for the same bytes, in this session only."""
    digest = hashlib.sha256(content).hexdigest()
    kept = st.session_state.get(KEPT)
    if kept is not None and kept[0] == digest:
        return kept[1], kept[2]
    bar = st.progress(0.0, text="Reading rows")
    try:
        sheet = read_sheet(content)
        market = appraise(sheet, predictor(), progress=lambda share: bar.progress(share, text="Estimating"))
    except DataError as error:
        show_error(error)
        return None
    finally:
        bar.empty()
    st.session_state[KEPT] = (digest, sheet, market)
    return sheet, market


def _rules() -> Rules:
    today = datetime.now(UTC).date()
    with st.expander("Rules: ageing and widths", expanded=False):
        one, two, three = st.columns(3)
        rate = one.number_input(
            "Market pay grows by, % a year",
            min_value=-20.0,
            max_value=50.0,
            value=0.0,
            step=0.5,
            key="benchmark.rate",
            help="Your own assumption. 0 leaves market figures as they are in the data.",
        )
        until = two.date_input(
            "Age market figures to", value=today, min_value=market_date(predictor()), key="benchmark.until"
        )
        widest = three.number_input(
            "A band is too wide when its high end is more than so many times its low end",
            min_value=1.1,
            max_value=10.0,
            value=2.0,
            step=0.1,
            key="benchmark.widest",
        )
        rules = Rules(yearly_rate=rate / 100, until=until, widest=widest)
        factor = ageing_factor(predictor(), rules)
        st.caption(
            f"Market figures speak of {market_date(predictor()):%-d %B %Y}; they are multiplied by {factor:.3f}."
        )
    return rules


def _summary(sheet: Sheet, frame: "pd.DataFrame") -> None:
    answered = int(frame["typical"].notna().sum())
    ratios = frame["compa_ratio"].dropna()
    flagged = int((frame["flags"] != "").sum())
    items = [
        ("Rows answered", f"{answered:,} of {len(frame):,}", counted(len(sheet.problems), "problem") + " found"),
        ("Rows flagged", f"{flagged:,}", "see the column Flags"),
    ]
    if len(ratios):
        middle = f"{ratios.quantile(0.1):.2f} to {ratios.quantile(0.9):.2f}"
        items.insert(
            1,
            (
                "Median compa-ratio (pay over market)",
                f"{ratios.median():.2f}",
                f"8 in 10 of {counted(len(ratios), 'row')}: {middle}",
            ),
        )
    st.html(charts.facts(items) + charts.notes_list(sheet.notes))
    if len(ratios) > 1:
        _ratio_chart(ratios)


def _ratio_chart(ratios: "pd.Series[float]") -> None:
    import altair as alt

    data = ratios.clip(0.25, 2.5).to_frame("ratio")
    bars = (
        alt.Chart(data)
        .mark_bar(color=BAR)
        .encode(
            x=alt.X("ratio:Q", bin=alt.Bin(step=0.05), axis=alt.Axis(title=RATIO, format=".2f", labelOverlap=True)),
            y=alt.Y("count()", axis=alt.Axis(title="Rows", tickMinStep=1, format=",d")),
        )
    )
    rule = alt.Chart({"values": [{"ratio": 1}]}).mark_rule(strokeDash=[4, 3]).encode(x="ratio:Q")
    spread = f"median {ratios.median():.2f}, from {ratios.min():.2f} to {ratios.max():.2f}"
    st.altair_chart((bars + rule).properties(height=200), alt=f"Histogram of {len(ratios)} compa-ratios: {spread}.")


def _problems(sheet: Sheet) -> None:
    if not sheet.problems:
        return
    with st.expander(f"{counted(len(sheet.problems), 'problem')} in the rows", expanded=True):
        lines = [[f"{p.row:,}", p.column, p.rule, p.value, p.remedy] for p in sheet.problems[:SHOWN_PROBLEMS]]
        more = len(sheet.problems) - SHOWN_PROBLEMS
        caption = "Cells that cannot be read" + (
            f"; the first {SHOWN_PROBLEMS}, {more:,} more are in the workbook" if more > 0 else ""
        )
        st.html(charts.table(["Row", "Column", "Rule", "Value", "What to do"], lines, caption=caption, words=True))


def _results(frame: "pd.DataFrame") -> None:
    st.header("Row by row", anchor=False)
    money = [name for name, (header, _) in workbook.COLUMNS.items() if header.endswith("USD")]
    config = {
        name: st.column_config.Column(header, help=meaning) for name, (header, meaning) in workbook.COLUMNS.items()
    }
    for name in (*money, "lower_90", "upper_90"):
        header, meaning = workbook.COLUMNS[name]
        config[name] = st.column_config.NumberColumn(header, help=meaning, format="$%,d")
    for name in ("penetration", "position"):
        header, meaning = workbook.COLUMNS[name]
        config[name] = st.column_config.NumberColumn(header, help=meaning, format="percent")
    shown = [name for name in workbook.COLUMNS if not frame[name].isna().all()]
    st.dataframe(
        frame[shown],
        hide_index=True,
        column_config=config,
        placeholder="no figure",
        alt="Every row with its market figures; the files below hold the same.",
    )


def _downloads(sheet: Sheet, frame: "pd.DataFrame", rules: Rules, content: bytes) -> None:
    one, two = st.columns(2)
    one.download_button(
        "Download as CSV",
        lambda: workbook.as_csv(frame),
        "mlpaygrade-benchmark.csv",
        "text/csv",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )
    two.download_button(
        "Download as a workbook (XLSX)",
        lambda: workbook.as_workbook(frame, sheet.problems, _audit(sheet, rules, content)),
        "mlpaygrade-benchmark.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )


def _audit(sheet: Sheet, rules: Rules, content: bytes) -> list[tuple[str, str]]:
    model = predictor().model
    measured = model["measured_coverage"]
    return [
        ("Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("Model version", str(model["version"])),
        ("Data: SHA-256", str(model["data_sha256"])),
        ("Data: postings up to", f"{market_date(predictor()):%Y-%m-%d}, work years to {model['trained_through']}"),
        ("Data: synthetic", "yes: these figures say nothing about real pay" if model["synthetic"] else "no"),
        ("Protocol of the test", str(measured.get("protocol"))),
        *(
            (f"Share caught by the {level} % range", percent(share))
            for level, share in measured.items()
            if level != "protocol"
        ),
        ("Upload: SHA-256", hashlib.sha256(content).hexdigest()),
        ("Upload: rows", f"{len(sheet.values):,}"),
        ("Upload: problems", f"{len(sheet.problems):,}"),
        *(("Upload: note", note) for note in sheet.notes),
        ("Rule: yearly ageing", percent(rules.yearly_rate)),
        ("Rule: aged to", rules.until.isoformat()),
        ("Rule: ageing factor", f"{ageing_factor(predictor(), rules):.4f}"),
        ("Rule: widest band", f"high end at most {rules.widest:g} times the low end"),
        (
            "Must not be used for",
            "setting one person's pay, or auditing pay by gender or age: the data hold no such field",
        ),
        (
            "Limits",
            "Advertised figures, mostly of the United States and of full-time work; no skills, employer, city, bonus or equity",
        ),
    ]


def _explain_columns() -> None:
    lines = [
        [row["header"], "yes" if row["required"] == "yes" else "no", row["meaning"]]
        for row in table_rows("benchmark_columns", room="benchmarking")
    ]
    st.html(
        charts.table(
            ["Column", "Needed", "What it holds"],
            lines,
            caption="Columns that are read; others are left alone",
            words=True,
        )
    )
    st.caption(literal("Names of the columns and codes of the public dataset are understood too."))
