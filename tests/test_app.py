"""The app as its pages answer: what is shown for good, odd and hostile input, without a browser."""

import math
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlpaygrade.app.form import first_job, packed, read_packed, read_parameters
from mlpaygrade.app.form import job_parameters as parameters_of
from mlpaygrade.app.serving import PAGES
from mlpaygrade.evaluation.checked import checked
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import LEVELS_AND_YEARS, Job
from mlpaygrade.money.terms import DOLLARS, pay_terms
from mlpaygrade.rendering.words import distance_text

MAIN = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "app" / "main.py"


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def shown(app: AppTest) -> str:
    """Everything that the page says."""
    texts = [element.value for element in [*app.markdown, *app.warning, *app.error, *app.info]]
    return "\n".join([*texts, *(str(element.proto.body) for element in app.get("html"))])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def test_the_page_shows_what_the_predictor_answers(predictor: Predictor) -> None:
    app = opened(title="Data Engineer", level="MI", country="GB", remote="100")
    estimate = predictor.answer(
        predictor.read_job(title="Data Engineer", experience="MI", location="GB", remote=100, size="M", employment="FT")
    )
    page = shown(app)
    assert not app.exception
    pounds = pay_terms("GBP")
    assert pounds.text(estimate.estimate_usd) in page, "the money of the country"
    assert pounds.range(estimate.band_low_usd, estimate.band_high_usd) in page
    for low, high in estimate.intervals_usd.values():
        assert pounds.range(low, high) in page
    assert f"{estimate.support.postings:,} advert" in page
    for ends in estimate.band_ends_90_usd.values():
        assert pounds.between(*ends) in page
    assert estimate.error_budget is not None
    assert pounds.text(estimate.error_budget.total_usd) in page
    assert distance_text(estimate.closest.differs, estimate.closest.postings) in page.replace("&#x27;", "'")
    assert "European Central Bank" in page
    assert estimate.newest_advert in page


def test_the_level_follows_a_title_that_says_it_until_another_is_chosen() -> None:
    assert "entry level" in shown(opened(title="Junior Data Scientist")).lower()
    app = opened(title="Data Scientist")
    app.text_input[0].set_value("Junior Data Scientist").run()
    assert not app.exception
    assert '<p class="quiet">entry level' in shown(app)
    assert "As the title says." in [caption.value for caption in app.caption]
    level = next(group for group in app.get("button_group") if group.label == "Experience level")
    level.set_value("SE").run()
    assert "The title says junior" in shown(app)


def test_dollars_are_one_click_away_and_stay_chosen() -> None:
    app = opened(title="Data Engineer", country="GB")
    assert "£" in shown(app)
    next(box for box in app.selectbox if box.label == "Currency").select("USD").run()
    assert not app.exception
    assert "$" in shown(app)
    assert "£" not in shown(app)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("72.000", "72,000 euros a year"),
        ("6.000/month", "6,000 euros a month"),
        ("70-80k", "70,000 to 80,000 euros a year"),
        ("lots", "got"),
    ],
)
def test_an_offer_is_read_as_people_type_it(typed: str, said: str) -> None:
    app = opened(title="Data Engineer", country="DE", offer=typed, currency="EUR")
    assert not app.exception
    texts = [*(caption.value for caption in app.caption), *(error.value for error in app.error)]
    assert any(said in text.replace("\\", "") for text in texts)


def test_an_offer_that_can_mean_two_things_is_asked_about() -> None:
    app = opened(title="Data Engineer", country="US", offer="45", currency="USD")
    (choice,) = [pills for pills in app.pills if "do you mean" in pills.label]
    choice.set_value(choice.options[0]).run()
    assert not app.exception
    assert any("Understood" in caption.value for caption in app.caption)


def test_a_verdict_and_words_to_copy_follow_an_offer() -> None:
    app = opened(title="Data Scientist", country="US", offer="100000")
    page = shown(app).replace("\\", "")
    assert "below the middle" in page
    assert "Asking for" in page
    assert app.code


def test_a_place_is_a_factor_shown_apart() -> None:
    app = opened(title="Data Scientist", country="US", place="San Francisco")
    assert "times 1." in shown(app)
    assert "San Francisco-Oakland" in shown(app)
    wrong = opened(title="Data Scientist", country="US", place="Atlantis")
    assert not wrong.exception
    assert wrong.error


def test_a_typed_title_changes_the_answer_and_the_reading_is_said() -> None:
    app = opened()
    before = shown(app)
    app.text_input[0].set_value("Machne Lerning Engneer").run()
    after = shown(app)
    assert "taking it for a misspelling" in after
    assert before != after


def test_an_unknown_title_offers_known_ones_and_one_click_takes_it() -> None:
    app = opened(title="Data Wizard of Oz")
    pills = app.pills(key="estimate.title.near")
    assert pills.options
    pills.set_value(pills.options[0]).run()
    assert app.text_input[0].value == pills.options[0]


@pytest.mark.parametrize(
    "parameters",
    [
        {"title": "x" * 500},
        {"title": "\x00\x07"},
        {"title": "<script>alert(1)</script>"},
        {"title": "12345"},
        {"title": "$(id) `id` [a](javascript:alert(1))"},
        {"level": "Wizard"},
        {"country": "Atlantis"},
        {"home": "??"},
        {"remote": "33"},
        {"size": "XXL"},
        {"contract": "'; DROP TABLE jobs;--"},
        {"year": "99999999999999999999"},
        {"year": "²"},
        {"offer": "-1"},
        {"offer": "1e99"},
    ],
)
def test_a_hostile_address_gets_a_message_and_no_traceback(parameters: dict[str, str]) -> None:
    app = opened(**parameters)
    assert not app.exception
    page = shown(app)
    assert app.warning or app.error or any(words in page for words in ("not among", "Read", "not enough data"))
    assert "Traceback" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("page", ["estimate", "career"])
def test_a_job_without_enough_data_gets_no_figure_but_the_nearest_job(page: str) -> None:
    app = opened(page=page, title="Budget Analyst")
    said = shown(app)
    assert "not enough data" in said
    assert "Typical pay" not in said
    app.button(key=f"{page}.nearest").click().run()
    assert not app.exception
    assert "not enough data" not in shown(app)
    assert app.text_input[0].value != "Plumber"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_says_what_it_is(page: str) -> None:
    app = opened(page=page)
    assert not app.exception
    assert not app.error
    assert app.title[0].value


def test_the_model_page_shows_the_whole_ledger_of_coverage(predictor: Predictor) -> None:
    page = shown(opened(page="model"))
    for item in predictor.bundle.evaluation["slices"]:
        assert f"{item['coverage_90']:.1%}" in page
    if predictor.bundle.has("backtest.json"):  # travels only with a bundle that was walked week by week
        for week in next(iter(predictor.bundle.json("backtest.json")["weeks"].values())):
            assert week["week"] in page
    assert f"{predictor.bundle.evaluation['postings']['low_coverage_90']:.1%}" in page


def test_an_unknown_page_is_told() -> None:
    app = opened(page="nowhere")
    assert 'There is no page "nowhere"' in shown(app).replace("\\", "")


def test_an_emptied_title_asks_for_one() -> None:
    app = opened()
    app.text_input[0].set_value("").run()
    assert not app.exception
    assert "Type a job title" in shown(app)


def test_a_choice_survives_its_address() -> None:
    job = Job(
        title="A|B & C", experience="EX", location="IN", residence="DE", remote=50, size="L", employment="FL", year=2022
    )
    start = first_job(Predictor.load())
    assert read_parameters(parameters_of(job), default=start).job == job
    assert read_packed(packed(job), default=start).job == job
    assert not read_packed(packed(job), default=start).problems


def test_a_link_of_an_earlier_version_is_understood() -> None:
    start = first_job(Predictor.load())
    found = read_packed("Data Engineer|MI|GB||50|L|FL|0", default=start)
    assert not found.problems
    assert (found.job.experience, found.job.location, found.job.residence, found.job.employment) == (
        "MI",
        "GB",
        "GB",
        "FL",
    )
    named = read_parameters({"level": "EN", "country": "DE", "contract": "PT"}, default=start).job
    assert (named.experience, named.location, named.residence, named.employment) == ("EN", "DE", "DE", "PT")


def test_the_model_page_concludes_from_what_others_measured() -> None:
    page = shown(opened(page="model")).replace("\\", "")
    found = checked()
    for source in found.sources:
        for group in source.groups:
            if group.dimension == "all":
                share = math.expm1(group.log_difference)
                name = source.name.partition(",")[0][1:]
                assert re.search(f"{abs(share):.0%} {'above' if share > 0 else 'below'} .{re.escape(name)}", page)
    assert "not as what people in such jobs earn" in page


def test_the_country_beside_the_united_states_names_the_question_of_the_market_page() -> None:
    page = shown(opened(page="estimate", title="Data Engineer", country="GB"))
    assert re.search(r"in the United Kingdom that is \d+% less", page)
    assert "puts all levels together" in page
    question = next(
        s["question"] for s in Predictor.load().bundle.json("market.json")["sections"] if s["key"] == "geography"
    )
    assert question.startswith("Which countries pay most")


def test_a_reader_unsure_of_the_level_sees_what_each_pays_and_what_years_are_not_known(
    predictor: Predictor,
) -> None:
    app = opened(page="estimate", title="Data Scientist", country="US", experience="MI")
    pays = {
        level: predictor.answer(
            predictor.read_job(title="Data Scientist", location="US", experience=level)
        ).estimate_usd
        for level in ("MI", "SE")
    }
    assert f"mid level {DOLLARS.text(pays['MI'])}, senior {DOLLARS.text(pays['SE'])}" in shown(app)
    assert f"{LEVELS_AND_YEARS}." in [caption.value for caption in app.caption]
    assert "all of them rough" in shown(opened(page="estimate", title="Data Analyst", country="IN"))


def test_a_rough_figure_is_called_about_and_its_differences_rough() -> None:
    rough = shown(opened(page="career", title="Data Analyst", country="IN", allow="move"))
    assert "typical pay about <strong>" in rough
    assert "only a rough idea, so these differences are too" in rough
    sure = shown(opened(page="career", title="Data Scientist", country="US"))
    assert "typical pay <strong>" in sure
    assert "these differences are too" not in sure
