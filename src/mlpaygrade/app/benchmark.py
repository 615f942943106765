"""The page of an employer: rows in; how pay stands against the market, who is behind and what it costs; then the rows, and files.

What was uploaded stays in this session's memory, and ends with it or after 15 minutes without use.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from mlpaygrade.app import serving
from mlpaygrade.app.benchmark_setup import advert_form, columns_form, questions_form
from mlpaygrade.app.form import terms_form
from mlpaygrade.app.serving import IDLE, download, literal, palette, predictor, session_id, show_error
from mlpaygrade.benchmarking import report
from mlpaygrade.benchmarking.appraisal import Market, Rules, ageing_factor, appraise
from mlpaygrade.benchmarking.mapping import SheetMapping, mapping_text
from mlpaygrade.benchmarking.report import benchmark_of, deciding, strength_sentence, until_today
from mlpaygrade.benchmarking.sheet import MAX_BYTES, MAX_ROWS, Sheet, Upload, open_upload, read_sheet, template
from mlpaygrade.benchmarking.summary import (
    GROUPS,
    Summary,
    cost_sentence,
    group_table,
    percentile_words,
    raised_by,
    total_text,
)
from mlpaygrade.errors import DataError
from mlpaygrade.forecast.answer import market_day, newest_advert
from mlpaygrade.job.fields import LOCATION
from mlpaygrade.job.lookup import rows as table_rows
from mlpaygrade.money.ageing import NOT_THESE_JOBS, SOURCE
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering import markup
from mlpaygrade.rendering.words import capital, counted

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

SHOWN_PROBLEMS: Final = 50
MAX_PASTED: Final = 500_000
PERCENTILES: Final = (25, 40, 50, 60, 75, 90)
RATIO: Final = "Compa-ratio: pay over market pay"
OPENED: Final = "benchmark.opened"
READ: Final = "benchmark.read"
AGEING: Final = {
    "none": "leave them at their date",
    "posted": "by the growth of pay in adverts of all occupations, country by country",
    "rate": "by a yearly rate of your own",
}
FILES: Final = {
    ".xlsx": "Workbook (XLSX)",
    ".csv": "Rows (CSV)",
    ".html": "One page for a manager (HTML)",
}


def page() -> None:
    """Draw the page."""
    st.title("Your pay against the market", anchor=False)
    st.write(
        "Upload jobs, with or without what you pay. You see first how your pay stands, who is furthest behind and "
        "what it costs to bring them up; then every row. Nothing is stored: rows stay in the memory of this session and are "
        "gone when you leave, or after 15 minutes without use."
    )
    serving.keep("benchmark", {})
    content = _input()
    if content is None:
        for name in (OPENED, READ):
            st.session_state.pop(name, None)
        if IDLE.was_forgotten(session_id()):
            st.info(
                "Your rows were removed after 15 minutes without use. Upload the file again.", icon=":material/timer:"
            )
        _explain_columns()
        advert_form()
        return
    IDLE.hold(session_id())
    digest = hashlib.sha256(content).hexdigest()
    upload = _kept(OPENED, digest, lambda: open_upload(content, reader=predictor().reader))
    if upload is None:
        return
    mapping = columns_form(upload, digest)
    read = _kept(READ, f"{digest} {mapping_text(mapping)}", lambda: _read(upload, mapping))
    if read is None:
        return
    sheet, market = read
    if questions_form(sheet, mapping, digest) and deciding(sheet):
        st.info("These answers decide the figures, so the figures follow when they are given.", icon=":material/help:")
        return
    _results(sheet, market)


def _input() -> bytes | None:
    upload, paste = st.tabs(["Upload a file", "Paste rows"])
    with upload:
        file = st.file_uploader(
            f"A CSV, Excel, OpenDocument or Parquet file, at most {MAX_BYTES // 1024 // 1024} MB and {MAX_ROWS:,} rows",
            key="benchmark.file",
            max_upload_size=MAX_BYTES // 1024 // 1024,
        )
        download("Download the template", template().encode(), "template.csv")
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


def _kept(name: str, key: str, make: Callable[[], T]) -> T | None:
    """What was made for the same key, in this session only; None, with a message, where it cannot be made."""
    kept = st.session_state.get(name)
    if kept is not None and kept[0] == key:
        found: T = kept[1]
        return found
    st.session_state.pop(name, None)
    try:
        made = make()
    except DataError as error:
        show_error(error)
        return None
    st.session_state[name] = (key, made)
    return made


def _read(upload: Upload, mapping: SheetMapping) -> tuple[Sheet, Market]:
    bar = st.progress(0.0, text="Reading rows")
    try:
        sheet = read_sheet(upload, reader=predictor().reader, mapping=mapping)
        return sheet, appraise(sheet, predictor(), progress=lambda share: bar.progress(share, text="Estimating"))
    finally:
        bar.empty()


def _results(sheet: Sheet, market: Market) -> None:
    """The summary first, then the rows and the files."""
    terms = terms_form(_commonest_country(sheet))
    rules = _rules()
    found = benchmark_of(sheet, market, predictor(), rules, terms)
    frame, summary = found.frame, found.summary
    _summary(summary, rules, terms)
    _behind(frame, summary, rules, terms)
    _groups(summary, terms)
    for place, (kind, label) in zip(st.columns(len(FILES)), FILES.items(), strict=True):
        download(label, partial(found.content, kind), f"benchmark{kind}", place=place, wide=True)
    _rows(frame, terms)
    _problems(sheet)
    with st.expander("How the file was read, and the method", expanded=False):
        st.html(
            markup.notes_list(sheet.notes)
            + markup.table(
                ["Method", ""], [list(line) for line in found.method], caption="What the figures rest on", words=True
            )
        )
    advert_form()


def _commonest_country(sheet: Sheet) -> str:
    codes = Counter(code for code in sheet.jobs.columns[LOCATION][sheet.job[sheet.job >= 0]] if code)
    return str(codes.most_common(1)[0][0]) if codes else "US"


def _rules() -> Rules:
    one, two = st.columns(2)
    percentile = one.select_slider(
        "Bring pay up to the percentile",
        PERCENTILES,
        value=50,
        key="benchmark.percentile",
        help="50: half of the advertised figures for such a job are below it.",
    )
    with two.expander("Ageing and widths", expanded=False):
        how = st.radio("Age market figures", list(AGEING), format_func=AGEING.__getitem__, key="benchmark.ageing")
        rate, until = 0.0, market_day(predictor().bundle)
        if how == "rate":
            rate = st.number_input(
                "Market pay grows by, % a year",
                min_value=-20.0,
                max_value=50.0,
                value=3.0,
                step=0.5,
                key="benchmark.rate",
                help="Your own assumption.",
            )
        if how != "none":
            until = st.date_input("Age them to", value=until_today(), min_value=until, key="benchmark.until")
        widest = st.number_input(
            "A band is too wide when its high end is more than so many times its low end",
            min_value=1.1,
            max_value=10.0,
            value=2.0,
            step=0.1,
            key="benchmark.widest",
        )
        rules = Rules(
            yearly_rate=rate / 100,
            posted_wages=how == "posted",
            until=until,
            widest=widest,
            percentile=percentile / 100,
        )
        st.html(markup.quiet(_aged(rules)))
    return rules


def _aged(rules: Rules) -> str:
    """What ageing does to market figures, in words."""
    said = f"Market figures speak of {market_day(predictor().bundle):%-d %B %Y}"
    factor = ageing_factor(predictor(), rules)
    if not rules.posted_wages:
        return f"{said}; they are multiplied by {factor:.3f}."
    return f"{said}; in the United States they are multiplied by {factor:.3f}, elsewhere by its own. {NOT_THESE_JOBS} {SOURCE}."


def _summary(summary: Summary, rules: Rules, terms: PayTerms) -> None:
    sentences = [summary.sentence, cost_sentence(summary, rules, terms), strength_sentence(summary)]
    sentences.append(f"Adverts up to {newest_advert(predictor().bundle.provenance)}.")
    told = escape(" ".join(filter(None, sentences)))
    large = escape(capital(summary.headline))
    st.html(f'<div class="mp mp-answer"><p class="large"><strong>{large}</strong></p><p>{told}</p></div>')
    items = [
        ("Rows answered", f"{summary.answered:,} of {summary.rows:,}", f"{summary.flagged:,} deserve a second look")
    ]
    if summary.compa_ratio is not None and summary.compa_spread is not None:
        low, high = summary.compa_spread
        items = [
            ("Median compa-ratio (pay over market)", f"{summary.compa_ratio:.2f}", f"8 in 10: {low:.2f} to {high:.2f}"),
            (
                "Place in the market",
                f"{round(100 * (summary.position or 0))} of 100",
                "advertised figures are below the pay, in the middle of your rows",
            ),
            (
                "Place in the market band",
                f"{summary.penetration or 0:.0%}",
                "range penetration: 0% is the band's low end, 100% its high end",
            ),
            (
                f"Cost to {percentile_words(rules)}",
                total_text(summary.cost_usd, terms) if summary.cost_usd else "none",
                f"a year, for {counted(summary.behind, 'person', 'people')}",
            ),
            *items,
        ]
    st.html(markup.facts(items))


def _behind(frame: "pd.DataFrame", summary: Summary, rules: Rules, terms: PayTerms) -> None:
    """Who is furthest below, what a budget does, and the spread of all."""
    if not summary.paid:
        return
    if summary.furthest:
        lines = [
            [
                f"{b.title}\n{', '.join(filter(None, [f'row {b.row:,}', b.reference, b.country]))}",
                terms.text(b.pay_usd),
                terms.text(b.target_usd),
                terms.text(b.cost_usd),
                f"{b.compa_ratio:.2f}",
                b.strength,
            ]
            for b in summary.furthest
        ]
        head = ["Job title, row, reference and country", "Pay", "Target", "Lacks", "Compa-ratio", "Strength"]
        st.html(markup.table(head, lines, caption=f"Furthest below {percentile_words(rules)}"))
        step = _budget_step(terms.rate.from_usd(summary.cost_usd))
        most = ceil(terms.rate.from_usd(summary.cost_usd) / step) * step
        budget = st.slider(
            f"Budget, {terms.currency} a year",
            0,
            most,
            most // 2 // step * step,
            step=step,
            format="%,d",
            key=f"benchmark.budget.{terms.currency}.{most}",
        )
        raised = raised_by(frame, terms.rate.to_usd(budget))
        st.write(
            literal(
                f"That brings {counted(raised.people, 'person', 'people')} to {percentile_words(rules)}, "
                f"those furthest below first, for {total_text(raised.spent_usd, terms)} a year; {raised.left:,} stay below."
            )
        )
    if summary.paid > 1:
        _ratio_chart(frame["compa_ratio"].dropna())


def _budget_step(amount: float) -> int:
    """About a hundredth of an amount, a power of ten."""
    step = 1
    while step * 200 <= amount:
        step *= 10
    return step


def _groups(summary: Summary, terms: PayTerms) -> None:
    if not summary.groups or not summary.paid:
        return
    for tab, (name, groups) in zip(
        st.tabs([f"By {GROUPS[name].lower()}" for name in summary.groups]), summary.groups.items(), strict=True
    ):
        head = [GROUPS[name], "Rows", "Median compa-ratio", "More than 10% below", "Cost to bring up"]
        tab.html(markup.table(head, group_table(groups, terms), caption=f"By {GROUPS[name].lower()}"))


def _ratio_chart(ratios: "pd.Series[float]") -> None:
    import altair as alt

    data = ratios.clip(0.25, 2.5).to_frame("ratio")
    bars = (
        alt.Chart(data)
        .mark_bar(color=palette().accent)
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
    with st.expander(f"{counted(len(sheet.problems), 'problem')} in the rows", expanded=False):
        lines = [[f"{p.row:,}", p.column, p.rule, p.value, p.remedy] for p in sheet.problems[:SHOWN_PROBLEMS]]
        more = len(sheet.problems) - SHOWN_PROBLEMS
        caption = "Cells that cannot be read" + (
            f"; the first {SHOWN_PROBLEMS}, {more:,} more are in the workbook" if more > 0 else ""
        )
        st.html(markup.table(["Row", "Column", "Rule", "Value", "What to do"], lines, caption=caption, words=True))


def _rows(frame: "pd.DataFrame", terms: PayTerms) -> None:
    st.header("Row by row", anchor=False)
    shown = report.in_terms(frame, terms)
    names, columns = report.headings(terms), report.columns()
    config = {name: st.column_config.Column(names[name], help=meaning) for name, (_, meaning) in columns.items()}
    for name in report.money_columns():
        config[name] = st.column_config.NumberColumn(names[name], help=columns[name][1], format="%,.0f")
    for name in ("penetration", "position"):
        config[name] = st.column_config.NumberColumn(names[name], help=columns[name][1], format="percent")
    said = [name for name in columns if not (shown[name].isna() | (shown[name] == "")).all()]
    st.html('<p class="mp-quiet mp-phone">This table needs a wider screen; the files above hold every row.</p>')
    with st.container(key="wide_rows"):
        st.dataframe(
            shown[said],
            hide_index=True,
            column_config=config,
            placeholder="no figure",
            alt="Every row with its market figures; the files hold the same.",
        )


def _explain_columns() -> None:
    lines = [
        [row["header"], "yes" if row["required"] == "yes" else "no", row["meaning"]]
        for row in table_rows("benchmark_columns", room="benchmarking")
    ]
    st.html(
        markup.table(
            ["Column", "Needed", "What it holds"],
            lines,
            caption="Columns that are read; others are left alone. Your own names and grades are understood or asked about",
            words=True,
        )
    )
