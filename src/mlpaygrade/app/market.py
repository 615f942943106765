"""The page of an analyst: the statistics that travel in the bundle, one question at a time, and the postings behind them.

Every series can be had as a file. Nothing is computed here.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlpaygrade.app import address, charts
from mlpaygrade.app.serving import literal, predictor
from mlpaygrade.benchmarking.workbook import harmless
from mlpaygrade.errors import BundleError
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.job.titles import FAMILIES, Family, family_name, title_family
from mlpaygrade.rendering.palette import DARK, LIGHT
from mlpaygrade.rendering.words import counted, dollar_range, dollars

if TYPE_CHECKING:
    from mlpaygrade.market.document import MarketDocument, Section

PART: Final = "market.json"
CELLS: Final = "same title, level and country"
PLAIN_WIDTH: Final = 480
"""Charts are laid out for a narrow screen and then stretched: labels keep their room on both."""
SHOWN: Final = 30
POSTINGS: Final = "postings"
"""The question that the evidence answers; the others are sections of the statistics."""
EVERY: Final = ""


def page() -> None:
    """Draw the page."""
    st.title("What the market pays, and why", anchor=False)
    document = _document()
    if document is not None:
        counts = document.counts
        st.write(
            f"From {counts.rows:,} rows that make {counts.postings:,} postings of {counts.adverts:,} different adverts. "
            "Intervals hold 95 %; a difference is one between adverts, not what a person gains by changing."
        )
    sections = {section.key: section for section in document.sections} if document else {}
    question = _question(sections)
    if question == POSTINGS:
        _postings()
    else:
        address.keep("market", {"question": question})
        _section(sections[question])


def _document() -> "MarketDocument | None":
    """The bundle's statistics; where it has none that can be read, a message says so."""
    bundle = predictor().bundle
    said = "This bundle carries no market statistics"
    if bundle.has(PART):
        from mlpaygrade.market.document import read_document

        try:
            return read_document(bundle.json(PART))
        except BundleError as error:
            said = str(error).rstrip(".")
    st.info(literal(f"{said}; the postings behind its answers are below."), icon=":material/info:")
    return None


def _question(sections: Mapping[str, "Section"]) -> str:
    names = [*sections, POSTINGS]
    key = "market.question"
    if key not in st.session_state or (
        address.changed_by_hand() and st.session_state[key] == st.session_state.get("market.drawn")
    ):
        asked = address.parameters("market").get("question", names[0])
        if asked not in names:
            address.remark([f'There is no question "{asked[:40]}"; the first one is shown.'])
        st.session_state[key] = asked if asked in names else names[0]
    chosen = st.selectbox(
        "Question",
        names,
        format_func=lambda name: sections[name].question if name in sections else "What do postings for a job pay?",
        key=key,
        persist_state="session",
    )
    st.session_state["market.drawn"] = chosen
    return str(chosen)


def _section(section: "Section") -> None:
    st.header(section.title, anchor=False)
    if section.missing:
        st.info(literal(f"This data cannot say. {section.missing}"), icon=":material/info:")
        return
    palette = DARK if st.context.theme.type == "dark" else LIGHT
    st.html(f'<div class="mp"><p>{escape(section.answer)}</p></div>')
    for figure in section.figures:
        st.html(f'<div class="mp"><p><strong>{escape(figure.title)}</strong></p></div>')
        drawn = figure.chart.draw(width=PLAIN_WIDTH, palette=palette)
        st.altair_chart(drawn, alt=figure.alt, theme=None, width="stretch")
        with st.expander("The numbers"):
            st.html(charts.table(figure.columns, figure.rows, caption=figure.title, words=True))
            _download(figure.columns, figure.rows, name=figure.key)
    if section.not_to_conclude:
        warned = charts.notes_list(section.not_to_conclude)
        st.html(f'<div class="mp"><p><strong>Do not conclude:</strong></p></div>{warned}')
    _sure(section)


def _sure(section: "Section") -> None:
    n = section.n
    rests = (counted(n.rows, "row"), counted(n.postings, "posting"), counted(n.adverts, "advert"))
    lines = [["How much", section.effect], ["How sure", section.uncertainty], ["Rests on", ", ".join(rests)]]
    lines += [["What this cannot show", line] for line in section.cannot]
    caption = "How much, how sure, and what it cannot show"
    st.html(charts.table(["About this answer", ""], lines, caption=caption, words=True))


def _postings() -> None:
    """Postings by title, level and country, filtered, with their quartiles."""
    one, two, three = st.columns(3)
    families: list[str] = [EVERY, *FAMILIES]
    cells = predictor().bundle.evidence.cells.get(CELLS, {})
    countries = sorted({key.rsplit("|", 1)[1] for key in cells}, key=lambda code: taxonomy.country(code).name)
    family = _filter(
        one,
        "Kind of job",
        families,
        name="family",
        words=lambda value: family_name(_family(value)) if value else "every kind",
    )
    level = _filter(
        two,
        "Experience level",
        [EVERY, *map(str, LABELS[EXPERIENCE])],
        name="level",
        words=lambda v: LABELS[EXPERIENCE][v] if v else "every level",
    )
    country = _filter(
        three,
        "Company's country",
        [EVERY, *countries],
        name="country",
        words=lambda v: taxonomy.country(v).name if v else "every country",
    )
    address.keep("market", {"question": POSTINGS, "family": family, "level": level, "country": country})
    found = []
    for key, cell in cells.items():
        title, its_level, its_country = key.rsplit("|", 2)
        if level in (EVERY, its_level) and country in (EVERY, its_country) and family in (EVERY, title_family(title)):
            found.append((title, its_level, its_country, cell))
    found.sort(key=lambda item: -item[3][0])
    lines = [_line(*item) for item in found]
    total = sum(int(item[3][0]) for item in found)
    caption = f"{counted(total, 'posting')} in {counted(len(found), 'group')}; quartiles are of the middle of the band"
    if len(lines) > SHOWN:
        caption += f"; the {SHOWN} largest groups are shown, the file has all"
    columns = ("Job title", "Median", "Middle half", "Postings", "Newest", "Level", "Country")
    if not lines:
        st.info("No posting in the data matches these filters.", icon=":material/filter_alt_off:")
        return
    st.html(charts.table(columns, lines[:SHOWN], caption=caption))
    _download(columns, lines, name="postings")


def _filter(place: DeltaGenerator, label: str, options: list[str], *, name: str, words: Callable[[str], str]) -> str:
    asked = address.parameters("market")
    key = f"market.{name}"
    st.session_state.setdefault(key, asked.get(name) if asked.get(name) in options else EVERY)
    return str(place.selectbox(label, options, format_func=words, key=key, persist_state="session"))


def _family(value: str) -> Family:
    return next(family for family in FAMILIES if family == value)


def _line(title: str, level: str, country: str, cell: Sequence[float]) -> list[str]:
    few = len(cell) < 5
    return [
        title,
        "too few" if few else dollars(cell[3]),
        "too few" if few else dollar_range(cell[2], cell[4]),
        f"{int(cell[0]):,}",
        str(int(cell[1])),
        str(LABELS[EXPERIENCE][level]),
        taxonomy.country(country).name,
    ]


def _download(columns: Sequence[str], rows: Sequence[Sequence[str]], *, name: str) -> None:
    def content() -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([harmless(cell) for cell in row] for row in rows)
        return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")

    st.download_button(
        "Download as CSV",
        content,
        f"mlpaygrade-{name}.csv",
        "text/csv",
        key=f"market.file.{name}",
        icon=":material/download:",
        on_click="ignore",
    )
