"""The page of an analyst: what titles pay in countries, and how that moved; then the questions, and the postings behind them.

Everything can be had as a file. Nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

import streamlit as st

from mlpaygrade.app import serving
from mlpaygrade.app.market_pay import Chosen, filed_amount, numbers, pay_and_trend, takeaway
from mlpaygrade.app.serving import literal, palette, predictor
from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import FAMILIES, canonical_title, family_name, title_family
from mlpaygrade.market.document import (
    PART,
    Cell,
    Figure,
    MarketDocument,
    NumericTable,
    Section,
    numeric_table,
    read_document,
)
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering import markup
from mlpaygrade.rendering.charts import Tiles
from mlpaygrade.rendering.words import counted

CELLS: Final = "same title, level and country"
PLAIN_WIDTH: Final = 480
"""Charts are laid out for a narrow screen and then stretched: labels keep their room on both."""
MAP_WIDTH: Final = 1080
"""The map is laid out for a wide screen; a narrow one has the list of countries instead."""
SHOWN: Final = 30
POSTINGS: Final = "postings"
"""The question that the evidence answers; the others are sections of the statistics."""
QUESTION: Final = "market.question"
EVERY: Final = ""
FILTERS: Final = ("family", "level", "country")
ABOVE, ALL = "The jobs chosen above", "All jobs"


def page() -> None:
    """Draw the page."""
    st.title("What the market pays", anchor=False)
    document = _document()
    sections = {section.key: section for section in document.sections} if document else {}
    _start(sections)
    chosen = Chosen((), DOLLARS, {})
    if document is not None and document.series:
        chosen = pay_and_trend(document.series, PLAIN_WIDTH)
    said = dict(chosen.said)
    st.header("Questions about the market", anchor=False)
    if document is not None:
        counts = document.counts
        st.html(
            markup.quiet(
                f"From {counts.rows:,} rows that make {counts.postings:,} adverts, {counts.adverts:,} of them different. "
                "Differences are between adverts, not what a person gains by changing."
            )
        )
    question = _question(sections)
    if question == POSTINGS:
        said |= _postings(chosen)
    elif question:
        _section(sections[question])
    serving.keep("market", said | ({"question": question} if question else {}))


@st.cache_resource(show_spinner=False, max_entries=1)
def _read(_bundle: Bundle, digest: str) -> MarketDocument:  # noqa: ARG001  (the digest is the key)
    return read_document(_bundle.json(PART))


def _document() -> MarketDocument | None:
    """The bundle's statistics; where it has none that can be read, a message says so."""
    bundle = predictor().bundle
    said = "This bundle carries no market statistics"
    if bundle.has(PART):
        try:
            return _read(bundle, bundle.manifest.files[PART].sha256)
        except BundleError as error:
            said = str(error).rstrip(".")
    st.info(literal(f"{said}; the postings behind its answers are below."), icon=":material/info:")
    return None


def _start(sections: Mapping[str, Section]) -> None:
    """Take the question from the address, at first and where that was changed by hand."""
    names = [*sections, POSTINGS]
    if serving.follows_address(QUESTION, "market.drawn"):
        asked = serving.parameters("market").get("question")
        if asked is not None and asked not in names:
            serving.remark([f'There is no question "{asked[:40]}"; none is open.'])
        st.session_state[QUESTION] = asked if asked in names else None


def _question(sections: Mapping[str, Section]) -> str | None:
    chosen: str | None = st.selectbox(
        "Question",
        [*sections, POSTINGS],
        index=None,
        format_func=lambda name: (
            sections[name].question if name in sections else "What do adverts pay, level by level?"
        ),
        key=QUESTION,
        placeholder="Choose a question",
        persist_state="session",
    )
    st.session_state["market.drawn"] = chosen
    return chosen


def _section(section: Section) -> None:
    st.header(section.title, anchor=False)
    if section.missing:
        st.info(literal(f"This data cannot say. {section.missing}"), icon=":material/info:")
        return
    st.html(f'<div class="mp"><p>{escape(section.answer)}</p></div>')
    for figure in section.figures:
        _figure(figure)
    if section.not_to_conclude:
        warned = markup.notes_list(section.not_to_conclude)
        st.html(f'<div class="mp"><p><strong>Do not conclude:</strong></p></div>{warned}')
    _sure(section)


def _figure(figure: Figure) -> None:
    """A chart, its numbers closed below it, and its files."""
    is_map = isinstance(figure.chart, Tiles)
    st.html(f'<div class="mp"><p><strong>{escape(figure.title)}</strong></p></div>')
    drawn = figure.chart.draw(width=MAP_WIDTH if is_map else PLAIN_WIDTH, palette=palette())
    with st.container(key=f"market_{'map' if is_map else 'chart'}_{figure.key.replace('-', '_')}"):
        st.altair_chart(drawn, alt=figure.alt, theme=None, width="stretch")
    if is_map:
        st.html(markup.names_list([(row[0], row[-1]) for row in figure.rows], label=figure.title))
    takeaway(figure.key, chart=figure.chart, title=figure.title, table=numeric_table(figure.columns, figure.rows))
    with st.expander("The numbers"):
        st.html(markup.table(figure.columns, figure.rows, caption=figure.title, words=True))


def _sure(section: Section) -> None:
    lines = [["How much", section.effect], ["How sure", section.uncertainty], ["Rests on", section.n.text]]
    lines += [["What this cannot show", line] for line in section.cannot]
    caption = "How much, how sure, and what it cannot show"
    st.html(markup.table(["About this answer", ""], lines, caption=caption, words=True))


def _postings(chosen: Chosen) -> dict[str, str]:
    """Postings by title, level and country, with their quartiles: of the jobs chosen above, or of all that pass filters.

    Returns the choice, for the address.
    """
    pairs = [(one.title, one.country) for one in chosen.series]
    if pairs and _only_chosen():
        order = list(LABELS[EXPERIENCE].values())
        found = [group for group in _groups() if group.pair in pairs]
        found.sort(key=lambda group: (pairs.index(group.pair), order.index(group.level), -group.cell[0]))
        _show(found, chosen.terms)
        return {}
    said = _filters()
    found = [group for group in _groups() if group.passes(**said)]
    found.sort(key=lambda group: -group.cell[0])
    _show(found, chosen.terms)
    return said


def _only_chosen() -> bool:
    """Whether the reader wants the jobs chosen above; a link with a filter opens all of them."""
    asked = serving.parameters("market")
    st.session_state.setdefault("market.which", ALL if any(map(asked.get, FILTERS)) else ABOVE)
    return (
        st.segmented_control("Jobs", [ABOVE, ALL], key="market.which", required=True, persist_state="session") == ABOVE
    )


def _groups() -> list["_Group"]:
    found = []
    for key, cell in predictor().bundle.evidence.cells.get(CELLS, {}).items():
        title, level, country = key.rsplit("|", 2)
        found.append(_Group(title, str(LABELS[EXPERIENCE][level]), country, cell))
    return found


def _filters() -> dict[str, str]:
    """What the reader narrows the postings to, by the filter's name; at first as the address says."""
    codes = {key.rsplit("|", 1)[1] for key in predictor().bundle.evidence.cells.get(CELLS, {})}
    countries = sorted((country(code).name, code) for code in codes)
    offered: dict[str, tuple[str, str, dict[str, str]]] = {
        "family": ("Kind of job", "every kind", {family: family_name(family) for family in FAMILIES}),
        "level": ("Experience level", "every level", {str(code): level for code, level in LABELS[EXPERIENCE].items()}),
        "country": ("Company's country", "every country", {code: name for name, code in countries}),
    }
    asked, chosen = serving.parameters("market"), {}
    for place, (name, (label, every, named)) in zip(st.columns(len(offered)), offered.items(), strict=True):
        words = {EVERY: every, **named}
        st.session_state.setdefault(f"market.{name}", asked[name] if asked.get(name) in words else EVERY)
        chosen[name] = place.selectbox(
            label, list(words), format_func=words.__getitem__, key=f"market.{name}", persist_state="session"
        )
    return chosen


def _show(found: Sequence["_Group"], terms: PayTerms) -> None:
    if not found:
        st.info("No advert in the data matches these filters.", icon=":material/filter_alt_off:")
        return
    total = sum(int(group.cell[0]) for group in found)
    caption = f"{counted(total, 'advert')} in {counted(len(found), 'group')}; each counts with the middle of its range"
    caption += f"; pay {terms.per} in {terms.currency}"
    if len(found) > SHOWN:
        caption += f"; the {SHOWN} largest groups are shown, the file has all"
    st.html(markup.table(_SAID, [group.said(terms) for group in found[:SHOWN]], caption=caption))
    unit = f"{terms.currency} {terms.per}"
    columns = (*_FILED, *(f"{name}, {unit}" for name in ("Lower quartile", "Median", "Upper quartile")), "Conversion")
    numbers("postings", NumericTable(columns=columns, rows=tuple(group.filed(terms) for group in found)))


_SAID: Final = ("Job title, level and country", "Median", "Middle half", "Adverts", "Newest")
_FILED: Final = ("Job title", "Level", "Country", "Adverts", "Newest year")


class _Group(NamedTuple):
    """Adverts of a title, level (in words) and country (code). cell: as the evidence keeps it, without quartiles where few."""

    title: str
    level: str
    country: str
    cell: Sequence[float]

    @property
    def pair(self) -> tuple[str, str]:
        return canonical_title(self.title), self.country

    def passes(self, *, family: str, level: str, country: str) -> bool:
        return (
            family in (EVERY, title_family(self.title))
            and (level == EVERY or self.level == LABELS[EXPERIENCE][level])
            and country in (EVERY, self.country)
        )

    def said(self, terms: PayTerms) -> list[str]:
        few = len(self.cell) < 5
        pay = ["too few"] * 2 if few else [terms.text(self.cell[3]), terms.range(self.cell[2], self.cell[4])]
        name = f"{self.title}\n{self.level}, {country(self.country).name}"
        return [name, *pay, f"{int(self.cell[0]):,}", str(int(self.cell[1]))]

    def filed(self, terms: PayTerms) -> tuple[Cell, ...]:
        pay: list[Cell] = [filed_amount(usd, terms) for usd in self.cell[2:5]]
        pay += [None] * (3 - len(pay))
        converted = terms.said or "in US dollars, not converted"
        return (self.title, self.level, country(self.country).name, *self.cell[:2], *pay, converted)
