"""The word for an answer's strength follows its published rule, local adverts that disagree are said, verdicts are plain."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpaygrade import Answer, Predictor
from mlpaygrade.errors import InputError
from mlpaygrade.explain.verdict import reasons, verdict
from mlpaygrade.forecast.accuracy import accuracy_of
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.forecast.strength import Accuracy, local_disagreement, strength
from mlpaygrade.money.place import place_factor
from mlpaygrade.money.terms import DOLLARS, PayTerms, pay_terms
from mlpaygrade.rendering.words import group_text

GOOD = Accuracy(
    group="all",
    rows=1_000,
    coverage={50: 0.5, 80: 0.8, 90: 0.9},
    percentile_error=0.02,
    mean_error_log=0.01,
    typical_error_usd=40_000,
)
CLOSE = Cell(level="same title, level and country", postings=40)
FAMILY = Cell(level="same title family, level and country", postings=40)
ABROAD = Cell(level="same title and level, any country", postings=400)


@pytest.fixture(scope="module")
def answer() -> Answer:
    predictor = Predictor.load()
    return predictor.answer(predictor.read_job(title="Data Scientist", experience="SE", location="US"))


@pytest.mark.parametrize(
    ("changes", "support", "word", "said"),
    [
        ({}, CLOSE, "strong", "40 adverts"),
        ({}, FAMILY, "fair", "very title"),
        ({}, ABROAD, "rough", "similar ones"),
        ({}, replace(CLOSE, postings=9), "rough", "similar ones"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.86}}, CLOSE, "fair", "86 of 100"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.84}}, CLOSE, "rough", "84 of 100"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.95}}, CLOSE, "fair", "95 of 100"),
        ({"mean_error_log": 0.06}, CLOSE, "fair", "6% too high"),
        ({"mean_error_log": -0.12}, CLOSE, "rough", "11% too low"),
        ({"mean_error_log": 0.081}, CLOSE, "rough", "8% too high"),
        ({"percentile_error": 0.06}, CLOSE, "fair", "off by up to 6"),
        ({"percentile_error": 0.2}, CLOSE, "rough", "off by up to 20"),
    ],
)
def test_the_word_follows_its_rule(changes: dict[str, object], support: Cell, word: str, said: str) -> None:
    found = strength(replace(GOOD, **changes), support, None)  # type: ignore[arg-type]
    assert found.word == word
    assert any(said in reason for reason in found.reasons)


def test_nothing_tested_is_rough() -> None:
    assert strength(None, CLOSE, None).word == "rough"


def test_local_adverts_are_said_only_beyond_chance() -> None:
    cell = Cell(level="same job", postings=100, quartiles_usd=(80_000, 100_000, 125_000))
    assert local_disagreement([cell], 105_000) is None
    found = local_disagreement([cell], 130_000)
    assert found is not None
    assert found.ratio == pytest.approx(1.3)
    assert strength(GOOD, CLOSE, found).word == "rough"
    few = replace(cell, postings=10)
    assert local_disagreement([few], 115_000) is None, "ten adverts with such a spread stray that far by chance"
    assert local_disagreement([replace(cell, postings=9)], 200_000) is None
    assert local_disagreement([replace(cell, level="same title and level, any country")], 200_000) is None


def test_an_answer_says_what_was_measured_for_such_jobs(answer: Answer) -> None:
    document = answer.to_json()
    assert document["strength"]["word"] in ("strong", "fair", "rough")
    assert document["adverts_up_to"]
    if answer.accuracy is not None:
        assert answer.accuracy.rows >= 200


def test_a_verdict_says_where_an_offer_stands(answer: Answer) -> None:
    low, high = answer.intervals_usd[50]
    below, near, above = (verdict(answer, usd) for usd in (low, answer.intervals_usd[50][0] * 1.2, high * 1.5))
    assert (below.standing, above.standing) == ("below", "above")
    assert below.share == pytest.approx(0.25, abs=0.01)
    assert below.ask_usd is not None
    assert below.ask_usd[1] == pytest.approx(high, rel=1e-3)
    assert above.ask_usd is None
    assert near.share > below.share
    assert "75 of 100" in below.sentences()[0]
    assert "little room" in above.sentences()[1]
    assert "Data Scientist" in reasons(answer)
    with pytest.raises(InputError, match="no estimate"):
        verdict(replace(answer, not_enough_data="nothing is known"), 100_000)


def test_a_place_moves_every_figure_and_widens_the_ranges(answer: Answer) -> None:
    place = place_factor("San Francisco")
    assert place is not None
    there = answer.at_place(place)
    assert there.estimate_usd == pytest.approx(answer.estimate_usd * place.factor)
    for percent, (low, high) in answer.intervals_usd.items():
        new_low, new_high = there.intervals_usd[percent]
        assert new_low < low * place.factor
        assert new_high > high * place.factor
        assert math.log(new_high / new_low) > math.log(high / low)
    assert np.all(np.diff(there.log_quantiles, axis=1) >= 0)
    assert there.to_json()["place"] == {"name": place.name, "factor": round(place.factor, 4)}


def test_terms_convert_there_and_back() -> None:
    assert DOLLARS.text(141_400) == "$141K"
    assert DOLLARS.signed(-3_000) == "-$3K"
    assert DOLLARS.said == ""
    month = pay_terms("EUR", "month", 14)
    assert month.to_usd(month.of_usd(100_000)) == pytest.approx(100_000)
    assert month.per == "a month, 14 times a year"
    assert "European Central Bank" in month.said
    assert "14 equal salaries" in month.said
    hour = PayTerms(period="hour")
    assert hour.of_usd(104_000) == pytest.approx(50)
    assert hour.text(104_000) == "$50"
    with pytest.raises(InputError, match="RUB"):
        pay_terms("RUB")


def test_a_country_with_enough_tested_rows_speaks_for_itself() -> None:
    groups = {
        "all": {"n": 5_000},
        "country_group=Europe": {"n": 900},
        "country_group=Europe|experience_level=SE": {"n": 300},
        "country_group=United States|experience_level=SE": {"n": 3_000},
        "company_location=GB": {"n": 400},
        "company_location=DE": {"n": 199},
        "company_location=US": {"n": 4_000},
    }

    def group(country: str, level: str = "SE") -> str:
        fields = {"company_location": country, "experience_level": level, "job_title": "Data Scientist"}
        found = accuracy_of(groups, fields)
        assert found is not None
        return found[0]

    assert group("GB") == "company_location=GB"
    assert group("DE") == "country_group=Europe|experience_level=SE"
    assert group("DE", "EX") == "country_group=Europe"
    assert group("US") == "country_group=United States|experience_level=SE"
    assert group("IN") == "all"
    assert group_text("company_location=GB") == "jobs in United Kingdom"
    assert group_text("country_group=Europe|experience_level=SE") == "senior jobs in Europe"
