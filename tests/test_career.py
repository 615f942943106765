"""The page of a planner says the age and strength of its start, names moves in words, and keeps what is uncertain apart."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpaygrade import Predictor
from mlpaygrade.app.form import first_job, read_parameters
from mlpaygrade.explain.scenarios import Scenario, across, ladder, scenarios
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.places import country
from mlpaygrade.money.currency import same_living_usd
from mlpaygrade.money.terms import PayTerms, pay_terms

MAIN = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "app" / "main.py"
JOB = {"title": "Data Analyst", "country": "FR"}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.fixture(scope="module")
def read(predictor: Predictor) -> ReadJob:
    job = read_parameters(JOB, default=first_job(predictor)).job
    return predictor.read_job(**job.words())


@pytest.fixture(scope="module")
def euros() -> PayTerms:
    return pay_terms("EUR")


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in ({"page": "career"} | parameters).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def page() -> AppTest:
    return opened(**JOB, allow="title,experience,move", most="2")


@pytest.fixture(scope="module")
def found(predictor: Predictor, read: ReadJob) -> list[Scenario]:
    allowed = ["title", "experience", "location", "residence"]
    return list(scenarios(predictor, read, allow=allowed, max_changes=2).scenarios)


def said(node: Any) -> str:
    return unescape(" ".join(str(one.proto.body) for one in node.get("html")))


def test_the_job_you_have_comes_with_age_and_strength(
    page: AppTest, predictor: Predictor, read: ReadJob, euros: PayTerms
) -> None:
    now = predictor.answer(read)
    text = said(page)
    assert (
        f"typical pay about <strong>{euros.text(now.estimate_usd)}</strong> a year, in adverts up to {now.newest_advert};"
        in text
    )
    assert f'class="strength {now.strength.word}"' in text


def test_what_clearly_pays_more_comes_first_and_the_uncertain_stands_apart(
    page: AppTest, found: list[Scenario]
) -> None:
    gains = [one for one in found if one.supported and one.difference.interval_90_usd[0] > 0]
    text = said(page)
    assert f"{len(gains)} changes clearly pay more; the first 10." in text
    apart = next(one for one in page.expander if one.label == "Changes that are too uncertain to say")
    listed = said(apart).count('class="bar wide"')
    assert listed == 10
    assert 'class="bar"' not in said(apart), "all of it is pale"


def test_where_nothing_clearly_pays_more_the_uncertain_is_open_surest_first(predictor: Predictor) -> None:
    job = read_parameters({"title": "Data Analyst", "country": "DE", "level": "MI"}, default=first_job(predictor)).job
    places = across(predictor, job, "location")
    assert not any(one.supported and one.difference.interval_90_usd[0] > 0 for one in places), "the case that is tested"
    surest = max((one for one in places if one.changes), key=lambda one: one.difference.interval_90_usd[0])
    app = opened(title="Data Analyst", country="DE", level="MI", allow="move")
    assert any("No change of these clearly pays more" in info.value for info in app.info)
    first = next(one for one in app.expander if one.label.startswith("Changes"))
    assert (first.label, first.proto.expanded) == ("Changes that are too uncertain to say", True)
    assert said(first).index(country(surest.job.location).name) < said(first).index("United States")


def test_a_move_is_said_in_words_and_what_it_buys(page: AppTest, found: list[Scenario], euros: PayTerms) -> None:
    best = found[0]
    assert {change.field for change in best.changes} == {"job_title", "company_location", "employee_residence"}
    same = same_living_usd(best.estimate_usd, best.job.location, "FR")
    text = said(page)
    assert f"Move to the United States as {best.job.title}<" in text
    assert f"buys what {euros.text(same)} buys in France" in text
    assert any("counts as one thing" in caption.value for caption in page.caption)


def test_a_level_below_the_one_before_is_remarked_shades_explained(
    page: AppTest, predictor: Predictor, read: ReadJob
) -> None:
    steps = ladder(predictor, read)
    by_level = {step.job.experience: step.estimate_usd for step in steps}
    assert by_level["EX"] < by_level["SE"], "the case that is tested"
    assert "Executive stands below Senior here" in said(page)
    assert "Senior stands below" not in said(page)
    assert "few adverts: a rough idea</li>" in said(page)
