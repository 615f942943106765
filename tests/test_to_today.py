"""Age to today: a scenario on every door, off by default, with its factor, its months, its source and its warning."""

import json
from dataclasses import replace
from datetime import date
from math import log
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from mlpaygrade import Predictor
from mlpaygrade.benchmarking.appraisal import NOT_AGED, Rules, appraise, judge
from mlpaygrade.benchmarking.report import method_lines
from mlpaygrade.benchmarking.sheet import Sheet, read_sheet
from mlpaygrade.cli import app as commands
from mlpaygrade.errors import InputError
from mlpaygrade.explain.verdict import aged_text, reasons
from mlpaygrade.forecast.answer import Answer, market_day
from mlpaygrade.forecast.strength import Strength
from mlpaygrade.money.ageing import NOT_THESE_JOBS, SOURCE, ageing_factor
from mlpaygrade.money.terms import DOLLARS

MAIN = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "app" / "main.py"
MONTH = "2026-04"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def asked(predictor: Predictor, country: str = "DE", year: int = 2025) -> Answer:
    job = predictor.read_job(title="Data Scientist", experience="SE", location=country, year=year)
    return predictor.answer(job)


def test_every_figure_is_multiplied_by_the_growth_of_posted_wages(predictor: Predictor) -> None:
    before = asked(predictor)
    after = before.aged_to(MONTH)
    growth = ageing_factor("DE", f"{before.market_day:%Y-%m}", MONTH)
    assert after.aged == growth
    assert after.estimate_usd == pytest.approx(before.estimate_usd * growth.factor)
    for percent, ends in before.intervals_usd.items():
        assert after.intervals_usd[percent] == pytest.approx([usd * growth.factor for usd in ends], rel=1e-4)
    assert after.log_quantiles - before.log_quantiles == pytest.approx(np.full((3, 23), log(growth.factor)), abs=1e-4)
    assert after.band_low_usd == pytest.approx(before.band_low_usd * growth.factor, rel=1e-4)


def test_figures_of_an_earlier_year_are_aged_from_that_year(predictor: Predictor) -> None:
    assert asked(predictor, year=2022).market_day == date(2022, 7, 1) == market_day(predictor.bundle, 2022)
    newest = date.fromisoformat(predictor.bundle.provenance["newest_day"])
    assert asked(predictor).market_day == newest == market_day(predictor.bundle)


def test_what_is_said_of_it_names_factor_months_source_and_warning(predictor: Predictor) -> None:
    assert aged_text(asked(predictor)) == ""
    after = asked(predictor).aged_to(MONTH)
    said = aged_text(after)
    assert after.aged is not None
    for text in (f"times {after.aged.factor:.3f}", "January 2025", "April 2026", NOT_THESE_JOBS, SOURCE):
        assert text in said
    assert DOLLARS.text(asked(predictor).estimate_usd) in said
    fair = replace(after, strength=Strength(word="fair", reasons=()))
    assert f"carried to April 2026, times {after.aged.factor:.3f}" in reasons(fair)


def test_a_country_without_growth_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="Growth of posted wages is known for"):
        asked(predictor, country="IN").aged_to(MONTH)


def test_the_command_line_ages_when_asked(predictor: Predictor) -> None:
    job = ["predict", "--title", "Data Scientist", "--experience", "SE", "--location", "US", "--json"]
    plain, aged = (json.loads(CliRunner().invoke(commands, [*job, *more]).stdout) for more in ([], ["--to-today"]))
    assert "aged" not in plain
    assert aged["aged"]["source"] == SOURCE
    assert aged["estimate_usd"] == pytest.approx(plain["estimate_usd"] * aged["aged"]["factor"], abs=1)


def test_the_page_has_a_switch_that_is_off(predictor: Predictor) -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["page"], app.query_params["country"], app.query_params["title"] = (
        "estimate",
        "US",
        "Data Scientist",
    )
    app.run()
    assert app.toggle(key="estimate.today").value is False
    assert "Scenario" not in shown(app)
    app.toggle(key="estimate.today").set_value(True).run()
    assert not app.exception
    assert "Scenario: pay carried from January 2025" in shown(app)
    assert app.query_params["today"] == "yes"
    app.selectbox(key="estimate.location").set_value("IN").run()
    assert any("Growth of posted wages" in error.value for error in app.error)


def shown(app: AppTest) -> str:
    return " ".join(str(node.proto.body) for node in app.get("html"))


ROWS = (
    b"Job title,Level,Company country,Pay USD\nData Scientist,Senior,Germany,90000\nData Scientist,Senior,India,40000\n"
)


@pytest.fixture(scope="module")
def sheet(predictor: Predictor) -> Sheet:
    return read_sheet(ROWS, reader=predictor.reader)


def test_a_benchmark_ages_each_row_by_its_country_and_says_where_it_cannot(predictor: Predictor, sheet: Sheet) -> None:
    market = appraise(sheet, predictor)
    rules = Rules(until=date(2026, 4, 15), posted_wages=True)
    plain, aged = judge(market, predictor, Rules(until=rules.until)), judge(market, predictor, rules)
    german = ageing_factor("DE", f"{market_day(predictor.bundle):%Y-%m}", MONTH).factor
    assert aged["factor"].tolist() == pytest.approx([german, 1.0])
    assert aged["typical"][0] == pytest.approx(plain["typical"][0] * german, abs=1)
    assert NOT_AGED in aged["remarks"][1]
    assert NOT_AGED not in aged["remarks"][0]
    assert "remarks" not in market.frame or NOT_AGED not in " ".join(market.frame["remarks"])
    said = dict(method_lines(predictor, sheet, rules, DOLLARS))
    assert SOURCE in said["Rule: ageing"]
    assert (
        "5.0% a year"
        in dict(method_lines(predictor, sheet, Rules(until=rules.until, yearly_rate=0.05), DOLLARS))["Rule: ageing"]
    )


def test_a_past_day_ages_nothing(predictor: Predictor, sheet: Sheet) -> None:
    frame = judge(appraise(sheet, predictor), predictor, Rules(until=date(2020, 1, 1), posted_wages=True))
    assert frame["factor"].tolist() == [1.0, 1.0]


def test_a_link_in_the_money_of_its_country_holds_no_other_country_to_it() -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in {"page": "estimate", "title": "Data Scientist", "country": "US", "currency": "USD"}.items():
        app.query_params[name] = value
    app.run()
    app.selectbox(key="estimate.location").set_value("DE").run()
    assert app.query_params["currency"] == "EUR"
