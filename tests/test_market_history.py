"""Pay of a title in a country over time, and what an analyst takes away: numbers in files, pictures with date and source."""

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from mlpaygrade import Predictor
from mlpaygrade.app import market_pay
from mlpaygrade.app.market_pay import as_csv, with_source
from mlpaygrade.dataset.postings import Calendar, Postings, build_postings
from mlpaygrade.errors import ResourceError
from mlpaygrade.job.titles import canonical_title
from mlpaygrade.market.document import MarketDocument, NumericTable, TitleSeries, numeric_table, read_document
from mlpaygrade.market.sample import MIN_CELL
from mlpaygrade.market.statistics import market_json, market_statistics
from mlpaygrade.market.years import LEAST
from mlpaygrade.money.terms import pay_terms
from mlpaygrade.rendering import charts as drawing
from mlpaygrade.rendering.charts import Mark, Trend
from mlpaygrade.rendering.palette import LIGHT
from mlpaygrade.testing.synthetic import SyntheticMarket

MAIN = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "app" / "main.py"


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=5, n_postings=1_500).generate())


@pytest.fixture(scope="module")
def series(postings: Postings) -> tuple[TitleSeries, ...]:
    return market_statistics(postings).document.series


@pytest.fixture(scope="module")
def shipped() -> MarketDocument:
    return read_document(Predictor.load().bundle.json("market.json"))


def half_years(postings: Postings) -> Calendar:
    """A calendar after which the older half of the newest year came in March and the rest in October."""
    newest = int(postings.year.max())
    rows = int(np.sum(postings.source["work_year"] == newest))
    days = tuple(date(newest, month, 1) for month in (1, 3, 10))
    return Calendar(days=days, rows={newest: np.array([0, rows // 2, rows])})


def by_pair(postings: Postings) -> pd.DataFrame:
    title = postings.jobs["job_title"].map(canonical_title)
    where = postings.jobs["company_location"]
    return pd.DataFrame({"pair": title + "|" + where, "year": postings.year, "middle": postings.midpoint_usd})


def test_series_hold_the_medians_and_counts_of_their_postings(
    postings: Postings, series: tuple[TitleSeries, ...]
) -> None:
    frame = by_pair(postings)
    assert sum(one.postings for one in series) == len(postings)
    assert [one.postings for one in series] == sorted((one.postings for one in series), reverse=True)
    for one in series:
        mine = frame[frame["pair"] == f"{one.title}|{one.country}"]["middle"]
        assert one.postings == len(mine)
        assert one.adverts <= one.postings
        assert (one.quartiles_usd is None) == (len(mine) < LEAST)
        assert (one.interval_usd is None) == (len(mine) < MIN_CELL)
        if one.quartiles_usd:
            assert one.quartiles_usd == pytest.approx(mine.quantile([0.25, 0.5, 0.75]), abs=0.51)
        if one.interval_usd and one.quartiles_usd:
            assert one.interval_usd[0] <= one.quartiles_usd[1] + 0.51
            assert one.interval_usd[1] >= one.quartiles_usd[1] - 0.51


def test_without_a_calendar_a_series_goes_by_year(postings: Postings, series: tuple[TitleSeries, ...]) -> None:
    names = {period.name for one in series for period in one.periods}
    assert names <= set(map(str, postings.year))
    assert all(one.newest.isdigit() for one in series)


def test_a_calendar_divides_a_year_where_its_rows_arrived(postings: Postings) -> None:
    newest = int(postings.year.max())
    series = market_statistics(postings, calendar=half_years(postings)).document.series
    commonest = next(one for one in series if any("H" in period.name for period in one.periods))
    halves = {period.name: period for period in commonest.periods if "H" in period.name}
    assert set(halves) <= {f"{newest} H1", f"{newest} H2"}
    assert max(one.newest for one in series) == f"{newest}-10"


def test_a_period_of_few_postings_says_so_and_shows_all_of_them(
    postings: Postings, series: tuple[TitleSeries, ...]
) -> None:
    frame = by_pair(postings)
    periods = [(one, period) for one in series for period in one.periods]
    assert any(period.few for _, period in periods)
    for one, period in periods:
        mine = frame[(frame["pair"] == f"{one.title}|{one.country}") & (frame["year"] == int(period.name))]["middle"]
        assert period.postings == len(mine) >= LEAST
        assert period.few == (len(mine) < MIN_CELL)
        if period.few:
            assert (period.low_usd, period.high_usd) == pytest.approx((mine.min(), mine.max()), abs=0.51)


def test_series_travel_in_the_bundle(
    postings: Postings, series: tuple[TitleSeries, ...], shipped: MarketDocument
) -> None:
    read = read_document(market_json(postings))
    assert all(isinstance(one, TitleSeries) for one in read.series)
    assert read.series == series
    assert shipped.dated
    assert {"Data Scientist|US", "Data Engineer|DE"} <= {f"{one.title}|{one.country}" for one in shipped.series}


def test_files_of_the_questions_hold_numbers(shipped: MarketDocument) -> None:
    """No column of a file holds money, percent or ranges as text, unless it mixes them."""
    mixed = {
        ("claims-tally", "Claimed"),
        ("claims-tally", "Measured"),
        ("claims-tally", "Claim"),
        ("bands-width", "Ratio"),
    }
    for figure in (figure for section in shipped.sections for figure in section.figures):
        table = numeric_table(figure.columns, figure.rows)
        assert len(table.rows) == len(figure.rows)
        assert len(set(table.columns)) == len(table.columns), figure.key
        for at, column in enumerate(table.columns):
            cells = [row[at] for row in table.rows if row[at] is not None]
            text = [cell for cell in cells if isinstance(cell, str)]
            assert not text or len(text) == len(cells), (figure.key, column)
            if figure.key not in ("fitness-shares",) and (figure.key, column) not in mixed:
                assert not any(cell[0] in "$+−" or cell.endswith("%") for cell in text), (figure.key, column)


@pytest.mark.parametrize(
    ("cells", "columns", "first"),
    [
        (["$191K", "—"], ("Pay, USD",), (191_000,)),
        (["−7.6\xa0%", "+12\xa0%"], ("Pay, %",), (-7.6,)),
        (["$1.2M to $2.0M"], ("Pay low, USD", "Pay high, USD"), (1_200_000, 2_000_000)),
        (["15\xa0% (14\xa0% to 16\xa0%)"], ("Pay, %", "Pay low, %", "Pay high, %"), (15, 14, 16)),
        (["123 of 290"], ("Pay", "Pay, of"), (123, 290)),
        (["1,204 (few)", "7"], ("Pay",), (1_204,)),
        (["< 0.001", "0.045"], ("Pay (0.001: at most)",), (0.001,)),
        (["$15K", "155"], ("Pay",), ("$15K",)),
    ],
)
def test_a_column_becomes_numbers_with_its_unit_in_the_name(
    cells: list[str], columns: tuple[str, ...], first: tuple[object, ...]
) -> None:
    table = numeric_table(("Pay",), [(cell,) for cell in cells])
    assert table.columns == columns
    assert table.rows[0] == first


def test_a_file_neither_rounds_nor_lets_a_formula_through() -> None:
    table = NumericTable(columns=("Title", "Pay, USD"), rows=(("=1+1", -1234.5), ("b", None)))
    rows = list(csv.reader(io.StringIO(as_csv(table).decode("utf-8-sig"))))
    assert rows == [["Title", "Pay, USD"], ["'=1+1", "-1234.5"], ["b", ""]]


TREND = Trend(
    marks=(Mark(text="a", label="2024 H1", series="Data Engineer", value=1e5, low=9e4, high=1.1e5),),
    labels=("2024 H1",),
    unit="USD a year",
)


def test_a_picture_holds_title_date_and_source() -> None:
    said = {"title": "Middle of advertised pay", "notes": ["Adverts up to January 2025. Source: here."]}
    svg = drawing.picture(TREND, kind="svg", **said).decode()
    for text in ("Middle of advertised pay", "Adverts up to January 2025. Source: here.", "2024 H1", "Data Engineer"):
        assert text in svg
    assert drawing.picture(TREND, kind="png", **said)[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_the_drawing_library_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "find_spec", lambda _: None)
    with pytest.raises(ResourceError, match="vl-convert-python"):
        drawing.picture(TREND, kind="png", title="", notes=[])


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in ({"page": "market"} | parameters).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def tables(app: AppTest) -> str:
    return " ".join(str(node.proto.body) for node in app.get("html"))


def test_the_page_compares_what_the_address_asks_for_and_says_what_it_leaves_out() -> None:
    app = opened(jobs="Data Engineer|DE;Prompt Wizard|US", currency="EUR")
    assert "Data Engineer, Germany" in tables(app)
    assert "€" in tables(app)
    assert any("Prompt Wizard" in warning.value for warning in app.warning)


def test_a_pair_of_very_few_adverts_has_no_figure(shipped: MarketDocument) -> None:
    thin = next(one for one in shipped.series if one.postings < LEAST)
    app = opened(jobs=f"{thin.title}|{thin.country}")
    assert "too few" in tables(app)
    assert "$" not in tables(app).split("</style>")[-1]


def test_the_page_begins_with_the_job_that_was_estimated_and_no_question() -> None:
    app = opened(page="estimate", title="Data Analyst", country="GB")
    app.session_state["menu"] = "market"
    app.run()
    assert app.multiselect(key="market.pairs").value == ["Data Analyst|GB", "Data Analyst|US"]
    assert app.selectbox(key="market.question").value is None


def test_a_line_of_pay_in_another_currency_says_what_it_mixes_and_leaves_out(shipped: MarketDocument) -> None:
    british = next(one for one in shipped.series if (one.title, one.country) == ("Data Engineer", "GB"))
    left = british.postings - sum(period.postings for period in british.periods)
    assert left > 0, "the case that is tested"
    text = tables(opened(jobs="Data Engineer|GB", currency="GBP"))
    assert "all levels together" in text
    assert f"Data Engineer, United Kingdom, {left} of {british.postings} adverts" in text
    assert "Whole years, for want of dates: 2021, 2022." in text
    assert "Data Engineer, United Kingdom: their pay was turned into dollars at one rate for each year" in text
    assert "turned into dollars" not in tables(opened(jobs="Data Engineer|US"))
    assert "2024 H2: " in text.partition("<small>")[2].partition("</small>")[0], "the change stands under the title"


def test_a_job_too_thin_for_a_line_is_named(shipped: MarketDocument) -> None:
    enough = [one for one in shipped.series if one.postings >= LEAST]
    never, once = (next(one for one in enough if len(one.periods) == n) for n in (0, 1))
    text = tables(opened(jobs=f"Data Engineer|US;{never.title}|{never.country};{once.title}|{once.country}"))
    assert re.search(rf"not in the chart: {re.escape(never.title)},", text)
    assert re.search(rf"a single point: {re.escape(once.title)},", text)


def test_a_file_of_pay_counts_every_advert_and_says_rate_age_and_source(shipped: MarketDocument) -> None:
    british = next(one for one in shipped.series if (one.title, one.country) == ("Data Engineer", "GB"))
    terms = pay_terms("GBP")
    table = with_source(market_pay._numbers([british], terms), "January 2025")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert rows[0]["Adverts"] == british.postings == sum(int(row["Adverts"] or 0) for row in rows[1:])
    assert british.quartiles_usd is not None
    middle = rows[0]["Median, GBP a year"]
    assert middle == pytest.approx(terms.of_usd(british.quartiles_usd[1]), rel=6e-4)
    assert middle == int(float(f"{middle:.4g}")), "four figures"
    for row in rows:
        assert "European Central Bank" in str(row["Conversion"])
        assert row["Adverts up to"] == "January 2025"
        assert "aijobs.net" in str(row["Source"])


def test_pay_by_level_follows_the_chosen_jobs_and_the_currency() -> None:
    app = opened(jobs="Data Engineer|GB", currency="GBP", question="postings")
    text = tables(app).partition("pay a year in GBP")[2]
    names = re.findall(r'scope="row"[^>]*>([^<]*)<small>([^<]*)</small>', text)
    levels = ("Entry level", "Mid level", "Senior", "Executive")
    assert names == [("Data Engineer", f"{level}, United Kingdom") for level in levels]
    assert "£" in text
    assert "$" not in text
    app.segmented_control(key="market.which").set_value("All jobs").run()
    assert "United States</small>" in tables(app)


def test_periods_on_an_axis_are_written_on_two_lines() -> None:
    drawn = json.dumps(TREND.draw(width=390, palette=LIGHT).to_dict())
    assert "split(datum.label, ' ')" in drawn
