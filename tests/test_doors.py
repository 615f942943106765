"""Every door gives the same answer to the same 200 jobs, refused ones among them, and the shipped bundle's answers stay.

Spark, where it is installed, is asked them in `test_spark.py`.
"""

import csv
import html
import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mlpaygrade import Answer, Predictor
from mlpaygrade.app.form import first_job, read_parameters
from mlpaygrade.app.form import job_parameters as parameters_of
from mlpaygrade.benchmarking.appraisal import FIGURE_OF, Rules, appraise, judge
from mlpaygrade.benchmarking.sheet import read_sheet
from mlpaygrade.cli import app
from mlpaygrade.explain.explanation import explain
from mlpaygrade.explain.scenarios import what_if
from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.predictor import jobs_as_columns
from mlpaygrade.forecast.score import score_file
from mlpaygrade.job.fields import FEATURES, job_of
from mlpaygrade.money.terms import DOLLARS

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))
RECORDS: list[dict[str, Any]] = GOLDEN["answers"]
JOBS = [job_of(record["job"]) for record in RECORDS]
REFUSED = [record["not_enough_data"] is not None for record in RECORDS]
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.fixture(scope="module")
def answers(predictor: Predictor) -> list[Answer]:
    return [predictor.answer(predictor.read_job(**job.words())) for job in JOBS]


def figures(answer: Answer) -> dict[str, float]:
    low, high = answer.intervals_usd[90]
    values = (answer.estimate_usd, answer.band_low_usd, answer.band_high_usd, low, high)
    return dict(zip(FIGURES, values, strict=True))


def test_the_jobs_are_of_all_kinds(predictor: Predictor) -> None:
    assert len(RECORDS) == 200
    assert predictor.model["version"] == GOLDEN["bundle"], "a new bundle ships: run scripts/golden.py"
    assert 5 <= sum(REFUSED) <= 60


def test_one_job_answers_as_it_did(predictor: Predictor, answers: list[Answer]) -> None:
    for record, answer in zip(RECORDS, answers, strict=True):
        document = answer.to_json()
        for name in ("support", "not_enough_data", "nearest_job", "warnings", "notes"):
            assert document[name] == record[name]
        for name, usd in record["figures"].items():
            assert math.isclose(figures(answer)[name], usd, rel_tol=TOLERANCE)
        if "explained" in record:
            contributions = explain(predictor, answer).to_json()["contributions_usd"]
            assert contributions == pytest.approx(record["explained"], rel=TOLERANCE, abs=0.05)


def test_a_refused_job_shows_no_figure_anywhere(answers: list[Answer]) -> None:
    refused = [answer for answer in answers if answer.not_enough_data]
    assert refused
    for answer in refused:
        assert "estimate of" not in " ".join((*answer.warnings, *answer.notes, answer.not_enough_data or ""))


def test_many_jobs_answer_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    many = predictor.answer_many(jobs_as_columns([answer.job for answer in answers]))
    assert many.refusals == [answer.not_enough_data for answer in answers]
    assert [cell.postings for cell in many.support] == [answer.support.postings for answer in answers]
    for n, answer in enumerate(answers):
        assert set(many.warnings[n]) <= set(answer.warnings)
        for name, usd in figures(answer).items():
            assert np.isnan(many.figures[name][n]) if REFUSED[n] else many.figures[name][n] == usd


def test_a_file_answers_as_one(predictor: Predictor, answers: list[Answer], tmp_path: Path) -> None:
    source = tmp_path / "jobs.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FEATURES)
        writer.writeheader()
        writer.writerows(record["job"] for record in RECORDS)
    score_file(source, tmp_path / "out.csv", predictor=predictor)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, answer in zip(rows, answers, strict=True):
        same_figures({name: float(row[name]) if row[name] else math.nan for name in FIGURES}, answer)
        assert (answer.not_enough_data or "") in row["reason"]
        said = [
            note for note in (*answer.warnings, *answer.notes) if not note.startswith("age: ")
        ]  # said once of a file
        assert all(note in row["reason"] for note in said)


def test_a_benchmark_answers_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    frame = pd.DataFrame([record["job"] for record in RECORDS]).rename(columns=lambda column: SHEET.get(column, column))
    sheet = read_sheet(frame.to_csv(index=False).encode(), reader=predictor.reader)
    market = judge(appraise(sheet, predictor), predictor, Rules(until=date(2000, 1, 1)))
    for row, answer in zip(market.to_dict("records"), answers, strict=True):
        same_figures({figure: row[name] for name, figure in FIGURE_OF.items()}, answer)


def test_mlflow_answers_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    pyfunc = pytest.importorskip("mlpaygrade.training.pyfunc")
    frame = pyfunc.estimates_frame(predictor, pd.DataFrame([record["job"] for record in RECORDS]))
    for row, answer in zip(frame.to_dict("records"), answers, strict=True):
        same_figures(row, answer)
        assert (answer.not_enough_data or "") in row["reason"]


def test_what_if_answers_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    for answer in answers[:40]:
        scenario = what_if(predictor, answer.job, experience="SE")
        other = predictor.answer(scenario.job)
        assert math.isclose(scenario.estimate_usd, other.estimate_usd, rel_tol=TOLERANCE)
        assert not (scenario.supported and other.not_enough_data)


def test_the_command_line_answers_as_one(
    predictor: Predictor, answers: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Predictor, "load", lambda *_, **__: predictor)
    for job, answer in zip(JOBS, answers, strict=True):
        given = [text for name, value in job.words().items() for text in (f"--{name}", str(value))]
        result = CliRunner().invoke(app, ["predict", *given, "--json"])
        said = json.loads(result.stdout)
        expected = json.loads(json.dumps(answer.to_json()))
        assert {name: said[name] for name in expected} == expected


def test_the_service_answers_as_one(answers: list[Answer]) -> None:
    web = pytest.importorskip("mlpaygrade.service.web")
    from starlette.testclient import TestClient

    with TestClient(web.web_app(web.Settings())) as service:
        for job, answer in zip(JOBS, answers, strict=True):
            reply = service.post("/v1/estimate", json=job.words())
            assert reply.status_code == 200
            expected, said = json.loads(json.dumps(answer.to_json())), reply.json()
            assert {name: said[name] for name in expected} == expected
            assert reply.headers["ETag"] == f'"{said["bundle"]}"'


def test_assistants_are_answered_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    pytest.importorskip("mcp")
    from mlpaygrade.service.assistants import pay_of
    from test_assistants import called

    results = called(predictor, *(("estimate", {"job": job.words()}) for job in JOBS))
    for answer, result in zip(answers, results, strict=True):
        said = result.structured_content
        assert said == pay_of(answer).model_dump()
        assert said["estimate_usd"] == answer.to_json()["estimate_usd"]
        if answer.not_enough_data is None:
            assert [said["nine_in_ten_usd"][end] for end in ("low", "high")] == answer.to_json()["intervals_usd"]["90"]
            assert said["strength"]
        assert said["adverts_up_to"]
        assert said["source"]


def test_a_link_to_the_app_answers_as_one(predictor: Predictor, answers: list[Answer]) -> None:
    for job, answer in zip(JOBS, answers, strict=True):
        found = read_parameters(parameters_of(job), default=first_job(predictor))
        assert found.problems == ()
        assert predictor.answer(predictor.read_job(**found.job.words())).to_json() == answer.to_json()


def test_the_app_shows_what_the_others_say(answers: list[Answer]) -> None:
    from test_app import opened, shown

    american = [(job, answer) for job, answer in zip(JOBS, answers, strict=True) if job.location == "US"]
    american.sort(key=lambda pair: pair[1].not_enough_data is not None)
    for job, answer in [*american[:3], *american[-2:]]:
        page = shown(opened(**parameters_of(job)))
        said = [DOLLARS.range(answer.band_low_usd, answer.band_high_usd)]
        said += [DOLLARS.range(*ends) for ends in answer.intervals_usd.values()]
        assert [text in page for text in said] == [answer.not_enough_data is None] * len(said)
        assert answer.not_enough_data or DOLLARS.text(answer.estimate_usd) in page
        assert html.escape(answer.not_enough_data or "") in page


def same_figures(found: dict[str, float], answer: Answer) -> None:
    """The figures of a table are the answer's in whole dollars; none where it is refused."""
    for name, usd in figures(answer).items():
        assert math.isnan(found[name]) if answer.not_enough_data else round(found[name]) == round(usd)


SHEET = {
    "job_title": "Job title",
    "experience_level": "Level",
    "company_location": "Company country",
    "employee_residence": "Employee country",
    "remote_ratio": "Remote",
    "company_size": "Company size",
    "employment_type": "Contract",
    "work_year": "Year",
}
