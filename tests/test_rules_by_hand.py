"""Rules whose breaking changed no other test, each held by a case worked out by hand (`benchmarks/mutants.py` breaks them)."""

import csv
import io
import json
import os
from dataclasses import asdict, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from mlpaygrade import Predictor
from mlpaygrade.dataset.postings import build_postings, by_arrival, decimal_year, decimal_years, temporal
from mlpaygrade.dataset.sources import download
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.evaluation.metrics import Difference, decide
from mlpaygrade.explain.verdict import verdict
from mlpaygrade.forecast.answer import WIDENING
from mlpaygrade.forecast.calibration import (
    GROUPS,
    Calibration,
    LocalMove,
    LocalPay,
    Truth,
    conformal_quantile,
    groups_of,
)
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, TARGETS, Prediction, differences, error_budget, student_t
from mlpaygrade.forecast.encode import CATEGORICAL, JobEncoder
from mlpaygrade.forecast.evidence import COUNT_LEVELS, Evidence, count_cells
from mlpaygrade.forecast.predictor import jobs_as_columns
from mlpaygrade.forecast.refusal import choose_limit, disagreement
from mlpaygrade.forecast.remarks import APART
from mlpaygrade.forecast.score import score_file
from mlpaygrade.job.fields import FEATURES, LABELS

JOB = {"title": "Data Scientist", "experience": "SE", "location": "US"}
ROW = {
    "work_year": 2024,
    "experience_level": "SE",
    "employment_type": "FT",
    "job_title": "Data Engineer",
    "salary": 0,
    "salary_currency": "USD",
    "salary_in_usd": 0,
    "employee_residence": "US",
    "remote_ratio": 0,
    "company_location": "US",
    "company_size": "M",
}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def rows(*salaries: int, **fields: Any) -> pd.DataFrame:
    return pd.DataFrame([{**ROW, **fields, "salary": usd, "salary_in_usd": usd} for usd in salaries])


def flat(n: int, *, at: float = 0.0) -> Prediction:
    """Every quantile and member at one place: a score is the distance from it."""
    return Prediction(np.full((n, len(TARGETS), len(LEVELS)), at, np.float32), np.full((n, 2), at, np.float32))


def truth(ends: np.ndarray, *, paired: bool = True, weights: np.ndarray | None = None) -> Truth:
    n = len(ends)
    return Truth(
        low_log=ends,
        high_log=ends,
        paired=np.full(n, paired),
        groups=np.zeros((n, 3), dtype=np.int64),
        weights=np.ones(n) if weights is None else weights,
    )


def test_calibration_counts_postings_and_not_their_rows() -> None:
    """200 rows of 100 postings: the widest interval needs share 0.98 * 101 / 100 of them, the 198th; by rows, the 197th."""
    ends = 10 + np.arange(100.0)
    bands = replace(truth(ends), low_log=ends - 0.5)
    found = Calibration.fit(flat(100), bands).widening[TARGETS.index("any"), 0]
    assert found == 9.5 + 0.5 * 197
    scores = np.arange(200.0)
    assert conformal_quantile(scores, 0.98, count=100) == 197.0
    assert conformal_quantile(scores, 0.98) == 196.0


def test_calibration_weighs_postings() -> None:
    ends = np.concatenate([np.ones(100), np.full(100, 50.0)])
    weights = np.concatenate([np.ones(100), np.full(100, 1e-9)])
    assert Calibration.fit(flat(200), truth(ends)).widening.max() == 50.0
    assert Calibration.fit(flat(200), truth(ends, weights=weights)).widening.max() == 1.0


def test_a_widening_is_given_to_both_sides_and_below_zero_it_narrows() -> None:
    quantiles = np.tile(np.linspace(-1, 1, len(LEVELS), dtype=np.float32), (1, len(TARGETS), 1))
    widening = np.full((len(TARGETS), MEDIAN), 0.1)
    none = tuple(np.zeros((groups, len(TARGETS), MEDIAN)) for groups in GROUPS)
    given = Calibration(widening=widening, group_widening=none, postings=100)
    moved = given.apply(Prediction(quantiles, np.zeros((1, 2), np.float32)), np.zeros((1, 3), dtype=np.int64))
    np.testing.assert_allclose(moved.log_quantiles[0, 0, [0, MEDIAN, -1]], [-1.1, 0.0, 1.1], rtol=1e-6)
    narrow = Calibration(widening=-20 * widening, group_widening=none, postings=100)
    moved = narrow.apply(Prediction(quantiles, np.zeros((1, 2), np.float32)), np.zeros((1, 3), dtype=np.int64))
    np.testing.assert_array_equal(moved.log_quantiles, np.zeros_like(quantiles))


def test_a_few_bad_rows_set_no_limit() -> None:
    """50 rows that score three times worse are too few: beyond the hundredth they are no longer twice as bad."""
    uncertainty = np.linspace(1, 0, 100_000)
    score = np.where(np.arange(100_000) < 50, 3.0, 1.0)
    assert choose_limit(uncertainty, score).limit == 1.0
    score = np.where(np.arange(100_000) < 150, 3.0, 1.0)
    assert choose_limit(uncertainty, score).limit < 1.0
    score = np.where(np.arange(100_000) < 5_000, 3.0, 1.0)
    assert choose_limit(uncertainty, score).limit == uncertainty[200], "at most two in a thousand rows are refused"


def spread(predictor: Predictor, monkeypatch: pytest.MonkeyPatch, times: float) -> None:
    """Let the members differ by so many times the limit of refusal."""
    limit = predictor.bundle.abstention.limit

    def predict(self: Predictor, jobs: Any, **_: Any) -> Prediction:
        n = len(jobs[FEATURES[0]])
        quantiles = np.broadcast_to(np.linspace(11, 13, len(LEVELS), dtype=np.float32), (n, len(TARGETS), len(LEVELS)))
        return Prediction(quantiles, np.tile(np.array([12 - times * limit, 12 + times * limit], np.float32), (n, 1)))

    monkeypatch.setattr(Predictor, "predict", predict)


@pytest.mark.parametrize(("times", "refused"), [(0.98, False), (1.02, True), (5.0, True)])
def test_members_that_differ_more_than_was_tested_refuse_a_rare_title(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch, times: float, refused: bool
) -> None:
    spread(predictor, monkeypatch, times)
    adverts = predictor.bundle.evidence.adverts
    rare = next(title for title in sorted(predictor.known_titles) if adverts.get(title, 0) < 20)
    common = next(title for title in sorted(predictor.known_titles) if adverts.get(title, 0) >= 20)
    one, other = (
        predictor.answer_many(jobs_as_columns([predictor.read_job(**JOB | {"title": title}).job]))
        for title in (rare, common)
    )
    assert (one.refusals[0] is not None) is refused
    assert other.refusals[0] is None


def test_the_members_standard_deviation_is_of_a_sample_where_it_stands_for_more(predictor: Predictor) -> None:
    answer = predictor.answer(predictor.read_job(**JOB))
    made = predictor.predict(jobs_as_columns([answer.job]))
    sample = float(made.log_members[0].astype(np.float64).std(ddof=1))
    expected = error_budget(made.log_quantiles[0], estimate_usd=answer.estimate_usd, model_log=WIDENING * sample)
    assert asdict(answer.error_budget) == pytest.approx(asdict(expected), rel=1e-5)
    two = Prediction(made.log_quantiles.repeat(2, 0)[:1], np.array([[12.0, 12.1]], np.float32))
    one = Prediction(two.log_quantiles, np.array([[12.0, 12.0]], np.float32))
    high = differences(two, one)[0].interval_90_usd[1]
    apart = np.expm1(two.log_members[0].astype(np.float64)) - np.expm1(one.log_members[0].astype(np.float64))
    expected_high = (
        np.expm1(12.05) - np.expm1(12.0) + WIDENING * student_t(0.95, 1) * abs(apart[1] - apart[0]) / np.sqrt(2)
    )
    assert high == pytest.approx(expected_high, rel=1e-4)
    assert float(disagreement(two)[0]) == pytest.approx(0.05, abs=1e-6)


def test_a_band_never_ends_below_its_beginning_and_an_estimate_outside_is_said(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantiles = np.tile(np.array([[12.0], [11.5], [12.0]], np.float32)[None], (1, 1, len(LEVELS)))
    monkeypatch.setattr(Predictor, "predict", lambda *_, **__: Prediction(quantiles, np.full((1, 2), 13.0, np.float32)))
    answers = predictor.answer_many(jobs_as_columns([predictor.read_job(**JOB).job]))
    low, high = answers.band_usd
    assert low[0] == high[0] == np.expm1(12.0)
    assert answers.warnings[0][-1] == APART
    one = answers.one(0)
    assert one.band_low_usd == one.band_high_usd


def test_what_contradicts_the_reading_is_said_before_what_contradicts_the_answer(predictor: Predictor) -> None:
    read = predictor.read_job(title="Data Scientist", experience="SE", location="CH", year=2090)
    read = type(read)(job=read.job, warnings=("first",), notes=read.notes)
    answer = predictor.answer(read)
    assert answer.warnings[0] == "first"
    assert any(warning.startswith("year: 2090") for warning in answer.warnings[1:])


def test_an_answer_rests_on_ten_adverts_or_on_a_broader_group() -> None:
    def evidence(count: int) -> Evidence:
        key = {level: "|".join(str(known[field]) for field in fields) for level, fields in COUNT_LEVELS.items()}
        return Evidence({level: {key[level]: [count if k < 2 else 500, 2024]} for k, level in enumerate(COUNT_LEVELS)})

    known: dict[str, Any] = {**ROW, "title_family": "data_engineering", "continent": "NORTH_AMERICA"}
    from mlpaygrade.job.places import country
    from mlpaygrade.job.titles import title_family

    known |= {"title_family": title_family("Data Engineer"), "continent": country("US").continent}
    levels = list(COUNT_LEVELS)
    assert evidence(10).support(known).level == levels[0]
    assert evidence(9).support(known).level == levels[2]


def test_jobs_are_apart_in_as_many_fields_as_the_closest_differs_in() -> None:
    jobs = {"Data Engineer|SE|US|0|M|FT": [3, 2024], "Data Engineer|SE|GB|100|M|FT": [9, 2024]}
    evidence = Evidence({level: {} for level in COUNT_LEVELS} | {"same job": jobs})
    asked = {
        **ROW,
        "job_title": "Data Engineer",
        "experience_level": "SE",
        "company_size": "M",
        "employment_type": "FT",
    }
    places = [("US", 0), ("DE", 0), ("DE", 50)]
    fields = [{**asked, "company_location": place, "remote_ratio": remote} for place, remote in places]
    assert evidence.fields_apart(fields).tolist() == [0, 1, 2]


def test_moves_travel_with_four_digits() -> None:
    moves = LocalPay({"GB|Data Scientist": LocalMove(postings=40, apart_log=-0.12344, move_log=0.06666)}, {})
    assert moves.to_json()["moves"] == {"GB|Data Scientist": [40, -0.1234, 0.0667]}


def test_cells_hold_quartiles_of_band_middles_from_five_postings_on() -> None:
    frame = pd.concat([rows(usd + 10_000, usd) for usd in (50_000, 40_000, 30_000, 20_000, 10_000)], ignore_index=True)
    few = pd.concat([rows(200_000, 100_000 + n, job_title="Data Analyst") for n in (0, 1, 2, 3, 3)], ignore_index=True)
    cells = count_cells(build_postings(pd.concat([frame, few], ignore_index=True))).cells[
        "same title, level and country"
    ]
    assert cells["Data Engineer|SE|US"] == [5, 2024, 25_000, 35_000, 45_000]
    assert cells["Data Analyst|SE|US"] == [4, 2024], "a copy counts once"


def test_every_level_and_size_is_a_stage_of_its_own() -> None:
    pairs = list(product(LABELS["experience_level"], LABELS["company_size"]))
    jobs = pd.DataFrame([{**ROW, "experience_level": level, "company_size": size} for level, size in pairs])
    encoder = JobEncoder.fit(jobs)
    stages = encoder.transform(jobs).categorical[:, CATEGORICAL.index("career_stage")]
    assert sorted(stages.tolist()) == list(range(1, len(pairs) + 1))


def test_years_count_back_from_the_newest_within_what_was_seen() -> None:
    encoder = JobEncoder.fit(pd.DataFrame([{**ROW, "work_year": year} for year in (2021, 2024)]))
    jobs = pd.DataFrame([{**ROW, "work_year": year} for year in (2015, 2021, 2023, 2024, 2030)])
    assert encoder.transform(jobs).categorical[:, CATEGORICAL.index("years_back")].tolist() == [3, 3, 1, 0, 0]


def test_groups_of_calibration() -> None:
    encoder = JobEncoder.fit(pd.DataFrame([{**ROW, "company_location": code} for code in ("US", "US", "DE", "DE")]))
    jobs = pd.DataFrame(
        [
            ROW,
            {**ROW, "company_location": "DE", "experience_level": "EN"},
            {**ROW, "company_location": "FR", "experience_level": "EX"},
            {**ROW, "job_title": "Data Analyst"},
        ]
    )
    assert groups_of(encoder, jobs).tolist() == [[0, 2, 0], [2, 0, 0], [2, 3, 1], [0, 2, 1]]


def test_a_year_that_is_not_over_is_as_long_as_its_share_of_the_last() -> None:
    year = np.array([2023] * 100 + [2024] * 25)
    assert decimal_years(year)[-1] == pytest.approx(2024 + 0.25 * 24.5 / 25)
    assert decimal_years(year, newest=date(2024, 7, 1))[-1] == pytest.approx(2024 + 183 / 366 * 24.5 / 25)
    assert decimal_years(year)[99] == pytest.approx(2023 + 99.5 / 100)


def test_splits_by_year_and_day_put_the_limit_on_the_training_side() -> None:
    frame = pd.concat([rows(1_000, work_year=year) for year in (2024, 2023, 2022)], ignore_index=True)
    postings = build_postings(frame)
    split = temporal(postings, through=2023)
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [2])
    arrived = by_arrival(postings, day=date(2023, 12, 31))
    assert (arrived.train.tolist(), arrived.test.tolist()) == ([0, 1], [2])


def test_a_high_end_pairs_with_the_low_end_below_it_once() -> None:
    postings = build_postings(rows(150, 100, 100, 90, 80))
    assert [tuple(pair) for pair in postings.rows.tolist()] == [(4, -1), (2, 3), (0, 1)]
    assert postings.high_usd.tolist() == [80, 100, 150]
    assert postings.low_usd.tolist() == [80, 90, 100]
    assert len(build_postings(rows(100, 100))) == 1


def test_a_file_is_on_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: order.append("sync") or real_sync(handle))
    monkeypatch.setattr(Path, "replace", lambda self, to: order.append("replace") or real_replace(self, to))
    write_file(tmp_path / "x", "text")
    assert order == ["sync", "replace", "sync"]


def test_every_row_of_a_file_gets_its_own_answer(predictor: Predictor, tmp_path: Path) -> None:
    titles = ["Data Scientist", "Data Analyst", "Data Scientist", "ML Engineer", "Data Analyst"]
    odd = ["", "a\rb", "\r", "a\nb", 'a"b']
    with (tmp_path / "in.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["row", *FEATURES], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for number, title in enumerate(titles):
            writer.writerow({"row": odd[number], **{name: ROW[name] for name in FEATURES}, "job_title": title})
    score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor=predictor)
    with (tmp_path / "out.csv").open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            answer = predictor.answer(predictor.read_job(**JOB | {"title": titles[number], "year": 2024}))
            assert row["row"] == odd[number], "a carriage return alone ends no row"
            assert abs(float(row["estimate_usd"]) - answer.estimate_usd) <= 1


@pytest.mark.parametrize(
    ("error_high", "loss", "promoted"),
    [(-0.01, (-0.02, 0.01), True), (-0.01, (0.001, 0.02), False), (0.01, (-0.02, -0.01), False)],
)
def test_promotion_needs_a_lower_error_and_no_higher_pinball_loss(
    error_high: float, loss: tuple[float, float], promoted: bool
) -> None:
    def difference(low: float, high: float) -> Difference:
        return Difference(metric="x", first=0, second=0, difference=0, low=low, high=high, better=0.5)

    found = {"rmse_log": difference(-0.1, error_high), "pinball_log": difference(*loss)}
    assert decide(found, champion="version 1")[0] is promoted


def test_the_shipped_accuracy_is_that_of_such_jobs(predictor: Predictor) -> None:
    groups = json.loads(predictor.bundle.part("evaluation.json"))["groups"]
    answer = predictor.answer(predictor.read_job(**JOB))
    assert answer.accuracy is not None
    assert groups[answer.accuracy.group]["coverage_90"] == answer.accuracy.coverage[90]
    assert answer.accuracy.rows == groups[answer.accuracy.group]["n"]


def test_an_offer_in_the_middle_is_near_it(predictor: Predictor) -> None:
    answer = predictor.answer(predictor.read_job(**JOB))
    quantiles = np.expm1(answer.log_quantiles[TARGETS.index("any")].astype(np.float64))

    def standing(share: float) -> str:
        return verdict(answer, float(np.interp(share, LEVELS, quantiles))).standing

    assert [standing(share) for share in (0.35, 0.45, 0.55, 0.65)] == ["below", "near", "near", "above"]


def test_a_download_goes_on_only_from_the_byte_it_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers with another range than the one asked for must not be appended."""
    part = tmp_path / "part"
    part.write_bytes(b"abc")

    class Reply(io.BytesIO):
        status = 206
        headers: ClassVar = {"Content-Range": "bytes 0-5/6", "Content-Length": "6"}

    def served(request: Any, **_: Any) -> Reply:
        if "Range" in request.headers:
            return Reply(b"abcdef")
        whole = Reply(b"abcdef")
        whole.status, whole.headers = 200, {"Content-Length": "6"}
        return whole

    monkeypatch.setattr("urllib.request.urlopen", served)
    monkeypatch.setattr("mlpaygrade.dataset.sources._read", lambda response: response.read())
    download("https://example.org/x", part, on_progress=lambda *_: None)
    assert part.read_bytes() == b"abcdef"


def test_a_carriage_return_in_a_workbook_ends_no_row(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from mlpaygrade.dataset.reader import open_rows

    parquet.write_table(pa.table({"a": ["x\ry", "\r", "z"], "b": ["1", "2", "3"]}), tmp_path / "x.parquet")
    read = [row for block in open_rows(tmp_path / "x.parquet").blocks() for row in block.rows]
    assert [list(row) for row in read] == [["x\ry", "1"], ["\r", "2"], ["z", "3"]]


def test_the_closest_job_keeps_level_then_title_then_country() -> None:
    def job(level: str, title: str, country: str) -> dict[str, Any]:
        return {
            "experience_level": level,
            "job_title": title,
            "company_location": country,
            "employee_residence": country,
        }

    asked = job("SE", "Data Engineer", "US")
    order = [{"company_location": "DE"}, {"job_title": "Data Scientist"}, {"experience_level": "MI"}]
    for better, worse in ((0, 1), (0, 2), (1, 2)):
        frame = pd.concat([rows(90, **{**asked, **order[n]}) for n in (worse, better)], ignore_index=True)
        known = count_cells(build_postings(frame))
        full = {**frame.iloc[0].to_dict(), **asked}
        assert known.closest(full).differs == tuple(order[better]), order[better]


def test_a_day_is_placed_at_its_noon_in_its_year() -> None:
    assert decimal_year(date(2023, 1, 1)) == 2023 + 0.5 / 365
    assert decimal_year(date(2024, 12, 31)) == 2024 + 365.5 / 366
