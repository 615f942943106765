"""The word for an answer's strength follows its published rule, local adverts that disagree are said, verdicts are plain."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from mlpaygrade import Answer, Predictor
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.errors import InputError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.explain.verdict import reasons, support_text, verdict
from mlpaygrade.explain.waterfall import explanation_waterfall
from mlpaygrade.forecast.accuracy import Accuracy
from mlpaygrade.forecast.evidence import Cell, count_cells, nearby
from mlpaygrade.forecast.remarks import how_old
from mlpaygrade.forecast.strength import Strength, Word, at_place, local_disagreement, strength, worst
from mlpaygrade.job.titles import canonical_title
from mlpaygrade.money.place import place_factor
from mlpaygrade.money.terms import DOLLARS, PayTerms, pay_terms
from mlpaygrade.rendering.words import group_text
from mlpaygrade.testing.synthetic import SyntheticMarket

GOOD = Accuracy(
    group="all",
    rows=1_000,
    adverts=700,
    leans_on=None,
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
        ({}, CLOSE, "strong", "40 different adverts"),
        ({}, FAMILY, "fair", "very title"),
        ({}, ABROAD, "rough", "similar ones"),
        ({}, replace(CLOSE, postings=9), "rough", "similar ones"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.86}}, CLOSE, "fair", "86 of 100"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.84}}, CLOSE, "rough", "84 of 100"),
        ({"coverage": {50: 0.5, 80: 0.8, 90: 0.95}}, CLOSE, "fair", "95 of 100"),
        ({"mean_error_log": 0.06}, CLOSE, "fair", "6% too high"),
        ({"mean_error_log": -0.12}, CLOSE, "rough", "11% too low"),
        ({"mean_error_log": 0.081}, CLOSE, "rough", "8% too high"),
        ({"coverage": {50: 0.56, 80: 0.8, 90: 0.9}}, CLOSE, "fair", "half range held 56 of 100"),
        ({"coverage": {50: 0.39, 80: 0.8, 90: 0.9}}, CLOSE, "rough", "half range held 39 of 100"),
        ({"percentile_error": 0.06}, CLOSE, "fair", "off by up to about 6"),
        ({"percentile_error": 0.2}, CLOSE, "rough", "off by up to about 20"),
    ],
)
def test_the_word_follows_its_rule(changes: dict[str, object], support: Cell, word: str, said: str) -> None:
    found = strength(replace(GOOD, **changes), support, None)  # type: ignore[arg-type]
    assert found.word == word
    assert any(said in reason for reason in found.reasons)


def test_nothing_tested_is_rough() -> None:
    assert strength(None, CLOSE, None).word == "rough"


def test_local_adverts_are_said_only_beyond_chance() -> None:
    cell = Cell(level="same job", postings=100, apart_log=(-0.3, 0.05))
    found = local_disagreement([cell])
    assert found is not None
    assert found.ratio == pytest.approx(math.exp(0.3)), "the model lies above what these adverts name"
    rough = strength(GOOD, CLOSE, found)
    assert rough.word == "rough"
    assert "100 adverts with the same job" in rough.reasons[0]
    for silent in (
        replace(cell, apart_log=(-0.3, 0.08)),
        replace(cell, apart_log=(0.09, 0.001)),
        replace(cell, apart_log=None),
        replace(cell, postings=9),
        replace(cell, level="same title family, level and country"),
        replace(cell, level="same title and level, any country"),
    ):
        assert local_disagreement([silent]) is None, silent
    assert (
        local_disagreement([replace(cell, apart_log=(0.0, 0.05)), replace(cell, level="same title, level and country")])
        is None
    )


def test_adverts_are_held_against_what_the_model_says_of_these_very_adverts() -> None:
    postings = build_postings(SyntheticMarket(seed=7, n_postings=400).generate())
    truth = (postings.low_log + postings.high_log) / 2
    first = postings.jobs.iloc[0]
    shifted = truth + 0.2 * (postings.jobs["job_title"] == first["job_title"]).to_numpy()
    cells = count_cells(postings, log_estimate=shifted).cells["same title, level and country"]
    apart = {key: cell[5] for key, cell in cells.items() if len(cell) > 5}
    assert apart
    for key, distance in apart.items():
        expected = -0.2 if key.startswith(f"{canonical_title(first['job_title'])}|") else 0.0
        assert distance == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("title", ["Data Analyst Intern", "Praktikum Data Science", "Machine Learning Intern"])
def test_an_internship_is_rough_says_so_first_and_names_no_range_to_ask_for(title: str) -> None:
    predictor = Predictor.load()
    read = predictor.read_job(title=title, location="US")
    found = predictor.answer(read)
    assert found.warnings[0].startswith("The title names an internship")
    assert found.strength.word == "rough"
    assert verdict(found, 45_000).ask_usd is None
    assert "100" not in verdict(found, 45_000).sentences()[0]
    assert "too rough to say how many jobs pay more or to name a range" in verdict(found, 45_000).sentences()[1]
    assert reasons(found) == "", "a rough answer gives no words for a letter"


def test_a_place_is_fair_at_best_and_says_what_was_measured_with_places(answer: Answer) -> None:
    place = place_factor("Mississippi")
    assert place is not None
    strong = strength(GOOD, CLOSE, None)
    assert strong.word == "strong"
    there = at_place(strong, place)
    assert there.word == "fair"
    assert f"{place.held_postings:,} adverts of 2023" in there.reasons[0]
    assert "fitted on" in there.reasons[0]
    assert answer.at_place(place).accuracy is None, "the test knows no towns"
    known = Strength(word="fair", reasons=("answers were 6% too high",))
    assert at_place(known, place).reasons == (*known.reasons, *there.reasons), (
        "what the country's answer lacks stays said"
    )


def test_the_worst_of_several_axes_counts() -> None:
    bad = replace(GOOD, group="job_title=X", coverage={50: 0.5, 80: 0.8, 90: 0.8})
    worse = replace(GOOD, group="job_title=Y", coverage={50: 0.3, 80: 0.8, 90: 0.8})
    assert worst([GOOD, bad, worse]) is worse
    assert worst([]) is None


def test_an_answer_says_what_was_measured_for_such_jobs(answer: Answer) -> None:
    document = answer.to_json()
    assert document["strength"]["word"] in ("strong", "fair", "rough")
    assert document["adverts_up_to"]
    if answer.accuracy is not None:
        assert answer.accuracy.adverts >= 100 or answer.accuracy.leans_on


def test_a_verdict_says_where_an_offer_stands(answer: Answer) -> None:
    answer = replace(answer, strength=strength(GOOD, CLOSE, None))
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


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("all", "jobs of all kinds"),
        ("market=outside the United States", "jobs outside the United States"),
        ("company_location=GB", "jobs in the United Kingdom"),
        ("company_location=DE|experience_level=EN", "entry level jobs in Germany"),
        ("country_group=Europe|experience_level=SE", "senior jobs in Europe"),
        ("job_title=Data Lead", "Data Lead jobs"),
        ("title_family=DATA_SCIENCE", "jobs in data science and research"),
        ("support=same job", "jobs known from adverts of the same job"),
        ("novelty=unseen title", "jobs whose title was new"),
    ],
)
def test_every_group_has_words(group: str, words: str) -> None:
    assert group_text(group) == words


def test_a_letter_names_the_place_its_factor_and_where_the_adverts_are(answer: Answer) -> None:
    place = place_factor("San Francisco")
    assert place is not None
    there = replace(answer, strength=strength(GOOD, CLOSE, None)).at_place(place)
    letter = reasons(there)
    assert letter.startswith("For Data Scientist, San Francisco-Oakland-Fremont, CA, United States: senior")
    assert f"multiplied by {place.factor:.2f} for San Francisco-Oakland-Fremont, CA, from official wages" in letter
    assert "in the United States), the newest from January 2025" in letter
    assert letter.endswith("Strength: fair. Source: MLPayGrade 0.2.0.")
    assert "adverts for exactly this job in the United States as a whole" in support_text(there)
    aged = there.aged_to("2026-04")
    drawn = explanation_waterfall(explain(Predictor.load(), answer), aged)
    assert [step.name for step in drawn.steps[-2:]] == ["Ageing", place.name]
    assert drawn.rows()[-2].end_usd == pytest.approx(drawn.last_usd)
    assert drawn.last_usd == pytest.approx(aged.estimate_usd)


def test_an_answer_apart_from_its_adverts_says_so_and_why(answer: Answer) -> None:
    def beside(middle: float, word: Word) -> Answer:
        cell = replace(CLOSE, quartiles_usd=(90_000, middle, 140_000))
        return replace(
            answer,
            estimate_usd=100_000,
            nearby=cell,
            support=cell,
            warnings=(),
            strength=Strength(word=word, reasons=()),
        )

    assert beside(104_000, "fair").apart is None
    fair, rough = beside(125_000, "fair"), beside(125_000, "rough")
    said = "Typical pay in the United States lies 20% below the middle of the 40 adverts with the same title, level and country."
    assert fair.apart == said
    assert fair.to_json()["adverts_beside"] == {
        "level": "same title, level and country",
        "postings": 40,
        "newest_year": CLOSE.newest_year,
        "quartiles_usd": [90_000, 125_000, 140_000],
        "apart": -0.2,
        "said": said,
    }
    assert fair.said_first == ()
    assert said in support_text(fair)
    assert "Their middle is $125K, half of them $90K to $140K." in support_text(fair)
    assert rough.said_first == (said,)
    where = "20% above $125K, the middle of the 40 adverts with the same title, level and country."
    assert verdict(rough, 150_000).sentences()[0].endswith(where)
    assert "40 adverts" not in verdict(fair, 150_000).sentences()[0]
    assert "is 2.0 times the middle" in str(beside(50_000, "fair").apart)
    assert said not in support_text(rough)
    place = place_factor("San Francisco")
    assert place is not None
    assert fair.at_place(place).aged_to("2026-04").apart == said, "adverts are held to the country"


def test_adverts_of_the_country_stand_beside_an_answer() -> None:
    quartiles = (1.0, 2.0, 3.0)
    few = replace(CLOSE, postings=6, quartiles_usd=quartiles)
    many = replace(FAMILY, quartiles_usd=quartiles)
    abroad = replace(ABROAD, quartiles_usd=quartiles)
    assert nearby([few, many, abroad]) is many
    assert nearby([few, abroad]) is few
    assert nearby([replace(few, quartiles_usd=None), abroad]) is None


def test_the_age_of_adverts_is_said_against_what_was_tested() -> None:
    newest = date(2025, 1, 19)
    assert how_old(newest, 12, date(2025, 7, 1)) == "6 months old"
    assert how_old(newest, 12, date(2026, 11, 27)) == "22 months old, older than we tested"
    assert how_old(newest, None, date(2026, 11, 27)) == "22 months old"
    assert how_old(newest, 12, date(2025, 2, 1)) == "1 month old"


def test_differences_have_one_precision_and_no_sign_where_they_are_nothing() -> None:
    euros = pay_terms("EUR")
    assert DOLLARS.signed(-300) == DOLLARS.text(-300) == DOLLARS.signed(300) == "$0K"
    assert euros.signed(euros.to_usd(-300)) == "€0"
    assert euros.signed(euros.to_usd(-4_000)) == "-€4K"
    assert euros.signed(euros.to_usd(25_200)) == "+€25K"
    assert euros.text(euros.to_usd(9_700)) == "€10K"
