"""What-if, scenarios and comparisons: paired, supported, ranked, never a move unasked."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.errors import InputError
from mlpaygrade.explain.explanation import PLAYERS
from mlpaygrade.explain.scenarios import (
    CHANGEABLE,
    SEEN,
    UNASKED,
    across,
    compare,
    ladder,
    read_allowed,
    scenarios,
    what_if,
)
from mlpaygrade.forecast.distribution import (
    GRID,
    LEVELS,
    TARGETS,
    Prediction,
    differences,
    probability_pays_more,
    student_t,
)
from mlpaygrade.forecast.evidence import ENOUGH
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EXPERIENCE, LOCATION, REMOTE, RESIDENCE, TITLE, YEAR, Job
from mlpaygrade.testing.synthetic import Truth

JOB = Job(
    title="Data Engineer",
    experience="MI",
    location="US",
    residence="US",
    remote=0,
    size="M",
    employment="FT",
    year=2024,
)


@pytest.fixture(scope="module")
def predictor(tiny_run) -> Predictor:
    return Predictor(tiny_run.bundle)


def prediction(*log_members: list[float]) -> Prediction:
    return Prediction(
        np.zeros((len(log_members), len(TARGETS), len(LEVELS)), np.float32), np.array(log_members, np.float32)
    )


def test_scenarios_are_ranked_supported_and_within_what_is_allowed(predictor: Predictor) -> None:
    found = scenarios(predictor, JOB)
    gains = [scenario.difference.usd for scenario in found.scenarios]
    assert len(gains) > 3
    assert gains == sorted(gains, reverse=True)
    seen = set()
    for scenario in found.scenarios:
        fields = {change.field for change in scenario.changes}
        assert 1 <= len(fields) <= 2
        assert not fields & {RESIDENCE, YEAR}
        assert scenario.job.residence == "US"
        cells = {cell.level: cell.postings for cell in predictor.bundle.evidence.matching(scenario.job.fields())}
        assert scenario.supported
        assert cells["same title, level and country"] >= ENOUGH
        if fields & {REMOTE, "company_size", "employment_type"}:
            assert cells["same job"] >= SEEN
        assert scenario.estimate_usd == pytest.approx(predictor.answer(scenario.job).estimate_usd, rel=1e-5)
        assert scenario.job not in seen
        seen.add(scenario.job)


def test_nothing_supported_is_missing(predictor: Predictor) -> None:
    """Against the naive way: every value of two fields tried."""
    found = {scenario.job for scenario in scenarios(predictor, JOB, allow=["title", "experience"]).scenarios}
    naive = set()
    for title in predictor.bundle.encoder.titles:
        for level in ("EN", "MI", "SE", "EX"):
            job = Job(
                title=title,
                experience=level,
                location="US",
                residence="US",
                remote=0,
                size="M",
                employment="FT",
                year=2024,
            )
            cell = predictor.bundle.evidence.matching(job.fields())[1]
            if cell.postings >= ENOUGH and job != JOB:
                naive.add(job)
    assert found == naive


def test_only_who_allows_the_residence_is_moved() -> None:
    predictor = Predictor.load()
    alone = scenarios(predictor, JOB, allow=["location"])
    assert all(scenario.job.residence == "US" for scenario in alone.scenarios)
    assert any("another country than the employee" in note for note in alone.notes)
    moves = scenarios(predictor, JOB, allow=["location", "residence"]).scenarios
    assert moves
    for scenario in moves:
        assert scenario.job.location == scenario.job.residence != "US"
        assert {change.field for change in scenario.changes} == {LOCATION, RESIDENCE}
        assert scenario.text.startswith("move from United States to")


def test_what_may_change_is_read_or_refused() -> None:
    assert read_allowed(None) == UNASKED
    assert "residence" not in UNASKED
    assert read_allowed(["company_size", "Title"]) == ("title", "size")
    for bad in (["salary"], ["year"], []):
        with pytest.raises(InputError, match="title, experience"):
            read_allowed(bad)


def test_a_difference_is_paired_by_member() -> None:
    """Members that disagree on the level of pay but agree on the ratio leave little doubt about the difference."""
    original = prediction([11.0, 11.5, 12.0, 12.5])
    paired = differences(prediction([11.1, 11.6, 12.1, 12.6]), original)[0]
    apart = differences(prediction([12.6, 11.1, 12.1, 11.6]), original)[0]
    assert paired.usd == pytest.approx(apart.usd)
    assert paired.factor == pytest.approx(np.exp(0.1), rel=1e-4)

    def width(ends: tuple[float, float]) -> float:
        return ends[1] - ends[0]

    assert width(paired.interval_90_usd) < 0.2 * width(apart.interval_90_usd)
    assert paired.interval_90_usd[0] <= paired.usd <= paired.interval_90_usd[1]
    same = differences(original, original)[0]
    assert (same.usd, same.factor, same.interval_90_usd) == (0.0, 1.0, (0.0, 0.0))
    assert not same.clear
    assert differences(prediction([11.0]), prediction([10.0]))[0].interval_90_usd == (-np.inf, np.inf)


def test_student_t_agrees_with_scipy() -> None:
    from scipy.stats import t

    for freedom in (5, 7, 15, 31, 63):
        assert student_t(0.95, freedom) == pytest.approx(t.ppf(0.95, freedom), rel=2e-3)


@given(st.floats(-2, 2), st.floats(0.05, 1), st.floats(0.05, 1))
def test_probability_that_one_pays_more(shift: float, spread: float, other_spread: float) -> None:
    from scipy.stats import norm

    z = norm.ppf(LEVELS.astype(float))
    one, two = 11.5 + shift + spread * z, 11.5 + other_spread * z
    forward = probability_pays_more(one, two)
    assert forward == pytest.approx(norm.cdf(shift / np.hypot(spread, other_spread)), abs=0.015)
    assert forward + probability_pays_more(two, one) == pytest.approx(1.0, abs=1e-9)
    assert probability_pays_more(one, one) == pytest.approx(0.5, abs=1 / len(GRID))


def test_comparison_adds_up_and_turns_around(predictor: Predictor) -> None:
    other = Job(
        title="Data Scientist",
        experience="SE",
        location="GB",
        residence="GB",
        remote=100,
        size="L",
        employment="FT",
        year=2024,
    )
    there, back = compare(predictor, JOB, other), compare(predictor, other, JOB)
    assert there.difference.usd == there.second.estimate_usd - there.first.estimate_usd
    assert sum(there.drivers_usd.values()) == pytest.approx(there.difference.usd, abs=0.01)
    assert set(there.drivers_usd) == set(PLAYERS)
    for same in ("work_year", "employment_type"):
        assert there.drivers_usd[same] == pytest.approx(0, abs=1e-6)
    assert there.probability_second_pays_more == pytest.approx(1 - back.probability_second_pays_more, abs=1e-9)
    for field, usd in there.drivers_usd.items():
        assert back.drivers_usd[field] == pytest.approx(-usd, abs=0.01)
    json.dumps(there.to_json(), allow_nan=False)


def test_ladder_and_what_if_agree(predictor: Predictor) -> None:
    rungs = ladder(predictor, JOB)
    assert [rung.job.experience for rung in rungs] == ["EN", "MI", "SE", "EX"]
    assert rungs[1].changes == ()
    assert rungs[1].difference.usd == 0
    up = what_if(predictor, JOB, experience="SE")
    assert up.difference.usd == pytest.approx(rungs[2].difference.usd, rel=1e-4)
    assert up.difference.usd > 0


def test_across_gives_every_value_once(predictor: Predictor) -> None:
    assert [item.job.remote for item in across(predictor, JOB, "remote")] == [0, 50, 100]
    assert [item.job.size for item in across(predictor, JOB, "size")] == ["S", "M", "L"]
    places = across(predictor, JOB, "location")
    assert len({item.job.location for item in places}) == len(places) == len(predictor.bundle.encoder.countries)
    pay = [item.estimate_usd for item in places]
    assert pay == sorted(pay, reverse=True)
    abroad = Job(**{**{k: getattr(JOB, k) for k in JOB.__dataclass_fields__}, "residence": "IN", "title": "Lion Tamer"})
    assert any(item.changes == () for item in across(predictor, abroad, "location"))
    assert any(item.changes == () for item in across(predictor, abroad, "title"))


def test_signs_of_true_effects(predictor: Predictor) -> None:
    """On the synthetic market the truth is known: a step of level and a place abroad go the right way."""
    import pandas as pd

    truth = Truth()
    for changes in ({"experience": "EN"}, {"experience": "SE"}, {"location": "IN", "residence": "IN"}):
        found = what_if(predictor, JOB, **changes)
        before, after = truth.log_middle(pd.DataFrame([JOB.fields(), found.job.fields()]))
        assert np.sign(found.difference.usd) == np.sign(after - before)


def test_scenarios_on_the_command_line(tiny_run) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        job = [
            "--title",
            "Data Engineer",
            "--experience",
            "MI",
            "--location",
            "US",
            "--bundle",
            str(tiny_run.bundle.path),
        ]
        command = [sys.executable, "-m", "mlpaygrade", "scenarios", *job, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    done = run("--allow", "experience", "title", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer
    for entry in answer:
        assert set(entry) >= {"changes", "estimate_usd", "difference_usd", "difference_90_usd", "support"}
        assert set(entry["changes"]) <= {EXPERIENCE, TITLE}
        low, high = entry["difference_90_usd"]
        assert low <= entry["difference_usd"] <= high
        assert entry["wording"] == "associated with, not promised"
    table = run("--allow", "experience", "--allow", "remote")
    assert table.returncode == 0, table.stderr
    assert "associated with, not promised" in table.stdout
    for wrong in (["--allow", "salary"], ["experience"]):
        refused = run(*wrong)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
        assert refused.stdout == ""
    assert {field.name for field in CHANGEABLE} == {
        "title",
        "experience",
        "location",
        "remote",
        "size",
        "employment",
        "residence",
    }


def test_a_job_that_has_no_answer_has_no_scenarios() -> None:
    predictor = Predictor.load()
    read = predictor.read_job(title="Underwater Basket Weaver", experience="SE", location="US")
    with pytest.raises(InputError, match="no estimate to build on"):
        scenarios(predictor, read)
