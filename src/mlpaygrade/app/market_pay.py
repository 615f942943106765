"""Pay and trend of titles in countries, up to five beside one another: what the adverts say, nothing estimated.

A chart can be taken away as a picture, a table as a file of numbers.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple

import streamlit as st

from mlpaygrade.app import serving
from mlpaygrade.app.form import local_currency, pay_parameters, remembered, start_terms, terms_form
from mlpaygrade.app.serving import download, palette, predictor
from mlpaygrade.benchmarking.report import harmless
from mlpaygrade.forecast.answer import newest_advert
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import canonical_title
from mlpaygrade.market.document import Cell, NumericTable, Period, TitleSeries
from mlpaygrade.money.currency import DOLLAR
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering import markup
from mlpaygrade.rendering.charts import Chart, Kind, Mark, Trend, can_draw, picture

SOURCE: Final = "Source: MLPayGrade, from public job adverts (aijobs.net salaries, CC0)"
PICTURES: Final[tuple[Kind, ...]] = ("png", "svg")


def takeaway(name: str, *, chart: Chart, title: str, table: NumericTable, notes: Sequence[str] = ()) -> None:
    """Buttons for the chart as PNG and SVG, with title, date and source in the picture, and for its numbers as CSV."""
    said = [*notes, f"Adverts up to {_newest()}. {SOURCE}."]
    with st.container(horizontal=True):
        if can_draw():
            for kind in PICTURES:
                made = partial(picture, chart, kind=kind, title=title, notes=said)
                download(f"Picture ({kind.upper()})", made, f"{name}.{kind}")
        numbers(name, table)


def numbers(name: str, table: NumericTable) -> None:
    """A button for a table as CSV; its last columns say how new the adverts are and where they come from."""
    download("Numbers (CSV)", partial(as_csv, with_source(table, _newest())), f"{name}.csv")


def with_source(table: NumericTable, newest: str) -> NumericTable:
    """The table with the age of its adverts and their source in every row, so that a row taken out still says them."""
    return NumericTable(
        columns=(*table.columns, "Adverts up to", "Source"),
        rows=tuple((*row, newest, SOURCE.removeprefix("Source: ")) for row in table.rows),
    )


def _newest() -> str:
    return newest_advert(predictor().bundle.provenance)


def as_csv(table: NumericTable) -> bytes:
    """The table as a file that spreadsheets open, without a cell that they would take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


KEY: Final = "market.pairs"
DRAWN: Final = "market.pairs.drawn"
MOST: Final = 5
FIRST: Final = ("Data Scientist|US", "Machine Learning Engineer|US", "Data Engineer|US")
MIXED_RATES: Final = (
    "Their pay was turned into dollars at one rate for each year and is shown at one rate for all years, so changes from year to "
    "year also hold those of the exchange rate."
)
LEFT_OUT: Final = "periods with too few adverts"
READ: Final = (
    "Each advert counts with the middle of its range. Lines hold the middle with 95 % certainty; a hollow mark stands for fewer "
    "than 10 adverts, its line for all of them. Nothing is held fixed: more junior adverts in a half-year lower its middle."
)


class Chosen(NamedTuple):
    """Pairs of title and country that the reader compares, in whose money, and what the address is to say of them."""

    series: Sequence[TitleSeries]
    terms: PayTerms
    said: dict[str, str]


def pay_and_trend(series: Sequence[TitleSeries], width: int) -> Chosen:
    """The search box, the table, the chart, and their files."""
    known = {_code(one): one for one in series}
    first = DRAWN not in st.session_state
    chosen = [known[code] for code in _search(known)]
    country = chosen[0].country if chosen else "US"
    if first:
        serving.remark(start_terms(serving.parameters("market"), country=country))
    terms = terms_form(country)
    said = {"jobs": ";".join(map(_code, chosen)), **pay_parameters(terms)}
    if not chosen:
        st.info("Choose a job title and a country to see what its adverts pay.", icon=":material/search:")
        return Chosen(chosen, terms, said)
    st.html(markup.table(_COLUMNS, [_line(one, terms) for one in chosen], caption=_caption(terms)))
    if few := [one for one in chosen if one.quartiles_usd is None]:
        names = ", ".join(map(_name, few))
        st.html(markup.quiet(f"Too few adverts to say what they pay: {names}. Estimate draws on similar jobs instead."))
    chart = _chart(chosen, terms)
    if chart is not None:
        st.altair_chart(chart.draw(width=width, palette=palette()), alt=_alt(chosen), theme=None, width="stretch")
        notes = [READ, *_remarks(chosen)]
        st.html(markup.quiet(" ".join(notes)))
        notes += [f"Converted: {terms.said}."] if terms.said else []
        title = f"Middle of advertised pay over time, all levels: {'; '.join(map(_name, chosen))}"
        takeaway("pay-and-trend", chart=chart, title=title, table=_numbers(chosen, terms), notes=notes)
    return Chosen(chosen, terms, said)


_COLUMNS: Final = ("Title and country; latest change", "Middle", "Middle half", "Adverts", "Without reposts", "Newest")


def _remarks(chosen: Sequence[TitleSeries]) -> list[str]:
    """What the chart leaves out or mixes, each in one sentence; none where there is nothing to say."""
    years = sorted({period.name for one in chosen for period in one.periods if period.name.isdigit()})
    mixed = [one for one in chosen if local_currency(one.country) != DOLLAR]
    left = [f"{_name(one)}, {_left_out(one):,} of {one.postings:,} adverts" for one in chosen if _left_out(one)]
    alone = [_name(one) for one in chosen if len(one.periods) == 1]
    never = [_name(one) for one in chosen if not one.periods]
    return [
        *([f"Whole years, for want of dates: {', '.join(years)}."] if years else []),
        *([f"Left out, {LEFT_OUT}: {'; '.join(left)}."] if left else []),
        *([f"Too few for a line, a single point: {'; '.join(alone)}."] if alone else []),
        *([f"Too few for a line, not in the chart: {'; '.join(never)}."] if never else []),
        *([f"{'; '.join(map(_name, mixed))}: {MIXED_RATES[0].lower()}{MIXED_RATES[1:]}"] if mixed else []),
    ]


def _left_out(one: TitleSeries) -> int:
    """Adverts in no period, as their half-year has too few."""
    return one.postings - sum(period.postings for period in one.periods)


def _search(known: Mapping[str, TitleSeries]) -> list[str]:
    """The pairs that are chosen, as codes."""
    if serving.follows_address(KEY, DRAWN):
        st.session_state[KEY] = _start(known)
    chosen = st.multiselect(
        "Job titles and countries to compare",
        list(known),
        format_func=lambda code: f"{_name(known[code])} ({known[code].postings:,})",
        max_selections=MOST,
        key=KEY,
        placeholder="Type a title and a country, for example data engineer germany",
        help="Up to five. In brackets: how many adverts there are.",
        persist_state="session",
    )
    st.session_state[DRAWN] = chosen
    return list(chosen)


def _start(known: Mapping[str, TitleSeries]) -> list[str]:
    """What the address asks for, else the job that was estimated last beside its likes, else the commonest titles."""
    asked = serving.parameters("market").get("jobs")
    if asked is not None:
        codes = list(dict.fromkeys(filter(None, asked.split(";"))))
        if wrong := [code for code in codes if code not in known]:
            serving.remark([f'No advert in the data is of the job "{wrong[0][:60]}" in this link; it was left out.'])
        return [code for code in codes if code in known][:MOST]
    job = remembered("estimate")
    title = canonical_title(job.title) if job else ""
    mine = [f"{title}|{country}" for country in ((job.location, "US") if job else ())]
    return [code for code in dict.fromkeys(mine) if code in known] or [code for code in FIRST if code in known]


def _code(one: TitleSeries) -> str:
    return f"{one.title}|{one.country}"


def _name(one: TitleSeries) -> str:
    return f"{one.title}, {country(one.country).name}"


def _caption(terms: PayTerms) -> str:
    converted = f" Converted: {terms.said}." if terms.said else ""
    return (
        f"Pay {terms.per} before tax in {terms.currency}, as advertised, all levels together; reposts count among the adverts."
        f"{converted}"
    )


def _line(one: TitleSeries, terms: PayTerms) -> list[str]:
    few = one.quartiles_usd is None
    low, middle, high = one.quartiles_usd or (0.0, 0.0, 0.0)
    return [
        f"{_name(one)}\n{_moved(one.periods)}",
        "too few" if few else terms.text(middle),
        "too few" if few else terms.range(low, high),
        f"{one.postings:,}",
        f"{one.adverts:,}",
        month_text(one.newest),
    ]


def month_text(newest: str) -> str:
    """ "2025-01" as January 2025; a year stays as it is."""
    year, _, month = newest.partition("-")
    return f"{date(int(year), int(month), 1):%B %Y}" if month else year


def _moved(periods: Sequence[Period]) -> str:
    """How the newest period with enough adverts stands to the one before it, and whether that is clear."""
    judged = [one for one in periods if not one.few]
    if len(judged) < 2:
        return "Too few to tell a change"
    before, last = judged[-2:]
    change = last.median_usd / before.median_usd - 1
    clear = last.low_usd > before.high_usd or last.high_usd < before.low_usd
    return f"{last.name}: {change:+.0%} on {before.name}, {'clear' if clear else 'no clear change'}"


def _chart(chosen: Sequence[TitleSeries], terms: PayTerms) -> Trend | None:
    marks = tuple(
        Mark(
            label=period.name,
            series=_name(one),
            value=terms.of_usd(period.median_usd),
            low=terms.of_usd(period.low_usd),
            high=terms.of_usd(period.high_usd),
            few=period.few,
            text=f"{_name(one)}, {period.name}: {terms.text(period.median_usd)} "
            f"({terms.range(period.low_usd, period.high_usd)}), {period.postings:,} adverts",
        )
        for one in chosen
        for period in one.periods
    )
    labels = sorted({mark.label for mark in marks})
    return Trend(marks=marks, labels=tuple(labels), unit=f"{terms.currency} {terms.per}") if marks else None


def _alt(chosen: Sequence[TitleSeries]) -> str:
    return f"Points with intervals over time: {'; '.join(f'{_name(one)}: {_moved(one.periods)}' for one in chosen)}."


def _numbers(chosen: Sequence[TitleSeries], terms: PayTerms) -> NumericTable:
    """The whole of each series, then its half-years, a row each."""
    unit = f"{terms.currency} {terms.per}"
    names = ("Median", "Lower quartile", "Upper quartile", "Median low end (95 %)", "Median high end (95 %)")
    columns = ("Job title", "Country", "Period", "Adverts", "Different adverts", "Newest")
    converted = terms.said or "in US dollars, not converted"
    rows: list[tuple[Cell, ...]] = []
    for one in chosen:
        who = (one.title, country(one.country).name)
        low, middle, high = one.quartiles_usd or (None, None, None)
        ends = one.interval_usd or (None, None)
        whole = _amounts((middle, low, high, *ends), terms)
        rows.append((*who, "all", one.postings, one.adverts, one.newest, *whole, None, converted))
        for period in one.periods:
            money = _amounts((period.median_usd, None, None, period.low_usd, period.high_usd), terms)
            rows.append((*who, period.name, period.postings, None, None, *money, int(period.few), converted))
        if left := _left_out(one):
            rows.append((*who, LEFT_OUT, left, None, None, *[None] * len(names), None, converted))
    return NumericTable(
        columns=(*columns, *(f"{name}, {unit}" for name in names), *_ENDING),
        rows=tuple(rows),
    )


_ENDING: Final = ("Few: ends are lowest and highest (1 = yes)", "Conversion")


def _amounts(usd: Sequence[float | None], terms: PayTerms) -> tuple[Cell, ...]:
    return tuple(None if one is None else filed_amount(one, terms) for one in usd)


def filed_amount(usd: float, terms: PayTerms) -> float:
    """Dollars a year in these terms for a file: whole dollars as they are, what was converted to four figures."""
    amount = terms.of_usd(usd) if not terms.said else float(f"{terms.of_usd(usd):.4g}")
    return round(amount) if amount >= 1000 else amount
