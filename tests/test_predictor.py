"""The one inference path: invariants of every answer, honest readings, light imports."""

import subprocess
import sys

import numpy as np
import pytest

from mlpaygrade import Predictor
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.answer import percentile
from mlpaygrade.forecast.distribution import LEVELS, TARGETS
from mlpaygrade.forecast.evidence import COUNT_LEVELS, SAME_JOB, Closest, Evidence
from mlpaygrade.forecast.predictor import jobs_as_columns
from mlpaygrade.forecast.remarks import APART
from mlpaygrade.job.fields import Job


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def test_an_estimate_outside_its_band_is_said(predictor: Predictor) -> None:
    apart = ask(predictor, title="ML Engineer", experience="EN", location="IN")
    usual = ask(predictor)
    for answer in (apart, usual):
        inside = answer.band_low_usd <= answer.estimate_usd <= answer.band_high_usd
        assert (APART in answer.warnings) == (not inside)
    assert APART not in usual.warnings


def ask(predictor: Predictor, **changes):
    job = {"title": "Data Scientist", "experience": "SE", "location": "US", **changes}
    return predictor.answer(predictor.read_job(**job))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": "Head of Data", "experience": "EX"},
        {"title": "Underwater Basket Weaver", "experience": "EN", "location": "Chad"},
        {"location": "India", "residence": "GB", "remote": "50", "size": "S", "employment": "FL", "year": 2020},
    ],
)
def test_intervals_are_nested_and_hold_the_estimate(predictor: Predictor, changes: dict[str, object]) -> None:
    answer = ask(predictor, **changes)
    (low50, high50), (low80, high80), (low90, high90) = (answer.intervals_usd[p] for p in (50, 80, 90))
    assert 0 < low90 <= low80 <= low50 <= answer.estimate_usd <= high50 <= high80 <= high90
    assert answer.estimate_usd < answer.mean_usd < high90
    assert answer.band_low_usd <= answer.band_high_usd
    assert answer.support.postings >= 0


def test_every_guess_is_said(predictor: Predictor) -> None:
    answer = ask(predictor, title="data scientits", location="Deutschland", year=2099)
    notes = " ".join((*answer.warnings, *answer.notes))
    for said in ("Data Scientist", "Germany", "2099", "remote work", "company size", "employment type"):
        assert said in notes
    assert not [note for note in ask(predictor, remote=0, size="M", employment="FT").notes if "read as" in note]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"experience": "Wizard"}, "experience level must be one of EN"),
        ({"location": "Atlantis"}, "company's country must be a country"),
        ({"remote": "30"}, "remote work must be one of"),
        ({"year": 3000}, "year must be a year from"),
        ({"title": ""}, "title"),
    ],
)
def test_bad_input_says_rule_and_value(predictor: Predictor, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask(predictor, **changes)


def test_plain_words_and_codes_read_alike(predictor: Predictor) -> None:
    words = ask(predictor, experience="senior", location="United States", remote="Fully remote", size="small")
    codes = ask(predictor, experience="SE", location="US", remote=100, size="S")
    assert words.estimate_usd == codes.estimate_usd


def test_a_later_year_is_answered_as_the_newest(predictor: Predictor) -> None:
    newest = predictor.bundle.encoder.newest_year
    assert ask(predictor, year=newest + 5).estimate_usd == ask(predictor, year=newest).estimate_usd


def test_many_jobs_are_answered_as_one_by_one(predictor: Predictor) -> None:
    jobs = [ask(predictor, title=title).job for title in ("Data Scientist", "Data Analyst", "Astrologer")]
    columns = {column: [job.fields()[column] for job in jobs] for column in jobs[0].fields()}
    together = predictor.predict(columns).log_estimate
    apart = [np.log1p(predictor.answer(job).estimate_usd) for job in jobs]
    np.testing.assert_allclose(together, apart, rtol=1e-6)


def test_percentile_inverts_the_quantiles(predictor: Predictor) -> None:
    one_figure = ask(predictor).log_quantiles[TARGETS.index("any")]
    for k in (2, 11, 20):
        usd = float(np.expm1(np.float64(one_figure[k])))
        assert percentile(one_figure, usd) == pytest.approx(float(LEVELS[k]), abs=1e-3)
    assert percentile(one_figure, 1e9) == pytest.approx(0.99)


def test_the_closest_advertised_job_says_how_far_the_data_are(predictor: Predictor) -> None:
    advertised = ask(predictor, remote=0, size="M", employment="FT")
    assert advertised.closest.differs == ()
    assert advertised.closest.postings == predictor.bundle.evidence.matching(advertised.job.fields())[0].postings
    odd = ask(predictor, remote=0, size="M", employment="FL")
    assert odd.closest.differs == ("employment_type",)
    farther = ask(predictor, title="Astrologer", remote=0, size="M", employment="FL")
    assert set(farther.closest.differs) == {"job_title", "employment_type"}
    assert farther.to_json()["support"]["closest_differs_in"] == list(farther.closest.differs)


def test_a_title_may_hold_the_sign_that_parts_the_keys_of_the_evidence() -> None:
    key = "A|B|SE|US|0|M|FT"
    evidence = Evidence({level: {} for level in COUNT_LEVELS} | {SAME_JOB: {key: [3, 2024]}})
    fields = {
        "job_title": "A|B",
        "experience_level": "SE",
        "company_location": "DE",
        "remote_ratio": 0,
        "company_size": "M",
        "employment_type": "FT",
    }
    assert evidence.closest(fields) == Closest(differs=("company_location",), postings=3, newest_year=2024)


def test_an_offers_percentile_follows_the_intervals(predictor: Predictor) -> None:
    answer = ask(predictor)
    for percent, ends in answer.intervals_usd.items():
        low, high = (answer.percentile(usd) for usd in ends)
        assert 100 * (high - low) == pytest.approx(percent, abs=0.1)
    assert answer.percentile(1) == pytest.approx(0.01)


def test_predicting_loads_no_training_library_and_no_pandas() -> None:
    code = (
        "import sys; from mlpaygrade import Predictor; p = Predictor.load();"
        "p.answer(p.read_job(title='Data Scientist', experience='SE', location='US'));"
        "print([m for m in ('tensorflow','keras','mlflow','shap','sklearn','xgboost','lightgbm','catboost','pandas',"
        "'matplotlib','scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_job_has_the_same_figures_in_whatever_company(predictor: Predictor) -> None:
    jobs = [
        Job(
            title=title,
            experience=level,
            location=country,
            residence=country,
            remote=0,
            size="M",
            employment="FT",
            year=2024,
        )
        for title in sorted(predictor.known_titles)[:40]
        for level in ("EN", "SE")
        for country in ("US", "DE", "BR")
    ]
    encoded = predictor.bundle.encoder.transform(jobs_as_columns(jobs))
    together = predictor.run(encoded)
    order = np.random.default_rng(1).permutation(len(jobs))
    for chosen in (order, order[:1], order[:2], order[:7], order[50:131]):
        apart = predictor.run(encoded.take(chosen))
        assert np.array_equal(apart.log_quantiles, together.log_quantiles[chosen])
        assert np.array_equal(apart.log_members, together.log_members[chosen])
