"""The comparison: its bootstrap against known answers, its stages on a small market, drift, residuals, learning curves."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.evaluation.drift import drift_against, drift_report, drift_text
from mlpaygrade.evaluation.metrics import compare_predictions, evaluate, paired_bootstrap
from mlpaygrade.evaluation.mix import shift
from mlpaygrade.forecast.distribution import LEVELS, Prediction
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import LOCATION, TITLE, YEAR
from mlpaygrade.job.lookup import rows
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.figures import residual_analysis, residual_figures
from mlpaygrade.training.settings import Settings
from research.compare import STAGES, compare
from research.compare_report import BY_WEEK, METRICS, PARTS, compare_text, holm, verdict
from research.contenders import NETWORK
from research.learning_curve import fit_curve
from research.rivals import RIVALS, Rival
from research.rivals.linear import Ridge
from research.robustness import as_rows, network_differences

MODELS = ("constant", "ridge")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("data") / "synthetic_market.csv"
    return read_table(SyntheticMarket(seed=6, n_postings=1_300).write(path))


@pytest.fixture(scope="module")
def judged(table: Table) -> tuple[Postings, Prediction]:
    postings = build_postings(table.frame)
    past, future = postings.take(postings.year < 2024), postings.take(postings.year == 2024)
    return future, Ridge().fit(past).predict(future)


def silent(*said: Any) -> None:
    pass


def run(table: Table, output: Path, *, stages: tuple[str, ...]) -> dict[str, Any]:
    rivals: dict[str, Rival] = {name: RIVALS[name]() for name in MODELS}
    return compare(
        table, output=output, settings=Settings(), tuned=rivals, stages=stages, models=MODELS, progress=silent
    )


def shifted(prediction: Prediction, by: float) -> Prediction:
    return Prediction(prediction.log_quantiles + np.float32(by), prediction.log_members + np.float32(by))


# --- the paired bootstrap


def test_the_interval_of_a_mean_difference_is_the_textbooks() -> None:
    rng = np.random.default_rng(0)
    n = 2_000
    first, second = rng.exponential(1.0, n), rng.exponential(1.1, n)
    found = paired_bootstrap({"mae_usd": first}, {"mae_usd": second}, group=np.arange(n))["mae_usd"]
    spread = first - second
    assert found.difference == pytest.approx(spread.mean())
    half = 1.96 * spread.std(ddof=1) / np.sqrt(n)
    assert found.low == pytest.approx(spread.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(spread.mean() + half, abs=0.1 * half)


def test_rows_that_hang_together_are_less_evidence() -> None:
    rng = np.random.default_rng(1)
    first, second = (np.repeat(rng.exponential(1.0, 400), 4) for _ in range(2))
    apart = paired_bootstrap({"mae_usd": first}, {"mae_usd": second}, group=np.arange(1_600))["mae_usd"]
    together = paired_bootstrap({"mae_usd": first}, {"mae_usd": second}, group=np.repeat(np.arange(400), 4))["mae_usd"]
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2.0, rel=0.15)
    assert together.difference == pytest.approx(apart.difference)


def test_better_worse_and_equal_are_told_apart(judged: tuple[Postings, Prediction]) -> None:
    future, prediction = judged
    far_off = shifted(prediction, 1.0)
    better, worse = compare_predictions(prediction, far_off, future), compare_predictions(far_off, prediction, future)
    same = compare_predictions(prediction, prediction, future)
    figures = evaluate(prediction, future)["rows"]
    for metric, one in better.items():
        assert one.significant, metric
        assert one.better == 1.0
        assert not worse[metric].significant
        assert worse[metric].difference == pytest.approx(-one.difference)
        assert (same[metric].difference, same[metric].low, same[metric].high) == (0, 0, 0)
        assert not same[metric].significant
        assert one.first == pytest.approx(figures[metric], rel=1e-5)


# --- the stages


def test_stages_give_their_tables_and_nothing_is_fitted_twice(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = tuple(stage for stage in STAGES if stage not in ("seeds", "weekly"))
    first = run(table, tmp_path, stages=stages)
    assert list(first["stages"]) == list(stages)
    main = first["stages"]["main"]["models"]
    assert main["ridge"]["rows"]["rmse_log"] < main["constant"]["rows"]["rmse_log"]
    assert main["ridge"]["rows"]["n"] == int((table.frame[YEAR] == 2024).sum())
    titles = first["stages"]["titles"]
    assert titles["penalty"]["ridge"] > 0
    assert titles["hidden"]["ridge"]["rmse_log"] > titles["seen"]["ridge"]["rmse_log"]
    leak = first["stages"]["random"]
    assert 0.3 < leak["test rows with an exact twin in training"] < 0.7
    assert leak["models"]["ridge"]["rmse_log"] < leak["models on rows without a twin"]["ridge"]["rmse_log"]
    text = (tmp_path / "compare.md").read_text()
    assert text == compare_text(first)
    assert f"{main['ridge']['rows']['rmse_log']:.4f}" in text
    assert "SYNTHETIC" in text

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(Rival, "fit", refuse)
    again = run(table, tmp_path, stages=("main",))
    assert json.loads(json.dumps(again)) == json.loads((tmp_path / "compare.json").read_text())
    assert list(again["stages"]) == list(stages)
    changed = dataclasses.replace(table, sha256="1" * 64)
    with pytest.raises(AssertionError, match="fitted again"):
        run(changed, tmp_path, stages=("main",))


def test_an_unknown_stage_or_model_is_refused(table: Table, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Stages: main"):
        run(table, tmp_path, stages=("mainly",))
    with pytest.raises(InputError, match="Known models: network"):
        compare(
            table, output=tmp_path, settings=Settings(), tuned={}, stages=("main",), models=("svm",), progress=silent
        )


def test_every_stage_has_its_part_of_the_text() -> None:
    assert set(PARTS) == set(STAGES)


def test_rows_seen_as_postings_are_the_files_rows(table: Table) -> None:
    rows = as_rows(build_postings(table.frame))
    assert sorted(rows.rows[:, 0]) == list(range(len(table.frame)))
    np.testing.assert_array_equal(rows.high_usd, table.frame["salary_in_usd"].to_numpy()[rows.rows[:, 0]])
    np.testing.assert_array_equal(rows.jobs[TITLE], table.frame[TITLE].to_numpy()[rows.rows[:, 0]])


def test_the_network_is_set_against_every_rival(judged: tuple[Postings, Prediction]) -> None:
    future, prediction = judged
    estimate = prediction.log_estimate
    found = network_differences({NETWORK: estimate, "worse": estimate + 1, "same": estimate}, future)
    assert found["worse"]["rmse_log"]["significant"]
    assert found["same"]["rmse_log"]["difference"] == 0
    assert network_differences({"worse": estimate}, future) == {}


# --- learning curves, residuals, drift


def test_a_learning_curve_is_recovered() -> None:
    sizes = np.array([500.0, 1_000, 2_000, 4_000, 8_000])
    curve = fit_curve(sizes, np.sqrt(0.1225 + 3.0 * sizes**-0.6))
    assert curve.floor == pytest.approx(0.1225, abs=0.002)
    assert curve.exponent == pytest.approx(0.6, abs=0.06)
    assert curve.rmse(40_000) == pytest.approx(np.sqrt(0.1225 + 3.0 * 40_000**-0.6), abs=0.002)
    flat = fit_curve(sizes, np.full(5, 0.4))
    assert flat.rmse(1e6) == pytest.approx(0.4)


def test_residuals_say_what_was_planted(judged: tuple[Postings, Prediction]) -> None:
    future, prediction = judged
    abroad = (future.jobs[LOCATION] != "US").to_numpy()
    truth = (future.low_log + future.high_log) / 2
    level = np.where(abroad, truth - 0.3, truth)
    quantiles = level[:, None] + np.linspace(-0.5, 0.5, len(LEVELS))
    planted = Prediction(np.repeat(quantiles[:, None], 3, axis=1).astype(np.float32), level[:, None].astype(np.float32))
    found = residual_analysis(planted, future)
    by_country = {item["value"]: item for item in found["groups"]["country"]}
    assert by_country["United States"]["mean"] == pytest.approx(0, abs=0.02)
    foreign = [item["mean"] for value, item in by_country.items() if value != "United States"]
    assert foreign == pytest.approx([0.3] * len(foreign), abs=0.05)
    assert foreign
    assert any("By country" in sentence and "more than estimated" in sentence for sentence in found["sentences"])
    figures = residual_figures(prediction, future)
    assert {"residuals_by_estimate", "residuals_normal", "residuals_by_time"} <= set(figures)


def test_equal_mixes_do_not_drift_and_a_planted_shift_is_measured() -> None:
    from collections import Counter

    before = Counter({"SE": 600, "MI": 300, "EN": 100})
    assert shift(before, Counter({"SE": 60, "MI": 30, "EN": 10})).total_variation == pytest.approx(0)
    moved = shift(before, Counter({"SE": 40, "MI": 30, "EN": 30}))
    assert moved.total_variation == pytest.approx(0.2)
    assert moved.psi == pytest.approx(0.2 * np.log(0.6 / 0.4) + 0.2 * np.log(0.3 / 0.1))
    assert moved.reading == "shifted"
    assert {value for value, _, _ in moved.largest[:2]} == {"SE", "EN"}


def test_a_newer_file_of_seventy_thousand_rows_and_three_hundred_titles(tmp_path: Path) -> None:
    old = Predictor.load()
    frame = SyntheticMarket(seed=9, n_postings=37_500).generate()
    frame[YEAR] = frame[YEAR] + (int(old.bundle.provenance["trained_through"]) + 1 - frame[YEAR].max())
    known = set(frame[TITLE]) | set(old.bundle.encoder.titles)
    new = [row["title"] for row in rows("titles") if row["source"] == "common title" and row["title"] not in known]
    new += [f"{prefix} {title}" for prefix in ("Regional", "Quantum", "Orbital") for title in sorted(known)]
    new = [title for title in new if title not in known][:280]
    newest = (frame[YEAR] == frame[YEAR].max()).to_numpy()
    given = np.random.default_rng(0).random(len(frame)) < 0.1
    frame.loc[newest & given, TITLE] = np.random.default_rng(1).choice(new, int((newest & given).sum()))
    assert len(frame) > 70_000
    assert frame[TITLE].nunique() > 300
    postings = build_postings(pd.DataFrame(frame))
    report = drift_report(old, postings)
    assert report.later_years[-1] == int(frame[YEAR].max())
    assert report.postings >= int((postings.year == frame[YEAR].max()).sum())
    assert report.new_titles.count >= 270
    assert 0.05 < report.new_titles.share < 0.25
    assert 0 < report.error["rmse_log"].now < 1
    text = drift_text(report)
    assert "new titles" in text
    assert "United States" in text
    assert "Data engineering" in text
    assert f"{report.error['rmse_log'].now:.4f}" in text
    path = tmp_path / "newer.csv"
    frame.to_csv(path, index=False)
    table = read_table(path)
    assert drift_against(None, table, output=tmp_path / "run") == text
    assert json.loads((tmp_path / "run" / "drift.json").read_text()) == json.loads(json.dumps(report.to_json()))
    assert "not measured" in drift_against(None, dataclasses.replace(table, synthetic=True), output=tmp_path)
    with pytest.raises(BundleError):
        drift_against(tmp_path / "nowhere", table, output=tmp_path)
    past = postings.take(postings.year < report.later_years[0])
    assert drift_report(old, past).later_years == ()


def test_differences_are_clear_only_together() -> None:
    assert holm({"a": 1.0, "b": 0.99, "c": 0.6}) == {"a", "b"}
    assert holm({"a": 0.985, "b": 0.985}) == set(), "3 % each are clear alone, not among two"
    assert holm({"a": 0.0, "b": 0.5}) == {"a"}, "a clear loss counts as a clear win does"


def test_a_verdict_names_losses_and_ties_with_their_size() -> None:
    def one(difference: float, better: float) -> dict[str, dict[str, float]]:
        return {"rmse_log": {"first": 1 + difference, "second": 1.0, "difference": difference, "better": better}}

    stage = {
        "differences": {
            "ridge": {BY_WEEK: one(0.02, 0.0)},
            "forest": {BY_WEEK: one(-0.01, 1.0)},
            "xgboost": {BY_WEEK: one(0.0, 0.5)},
        }
    }
    (said,) = verdict(_zeros_elsewhere(stage))[2:3]
    assert "smaller than that of Random forest (-1.0%)" in said
    assert "larger than that of Ridge (+2.0%)" in said
    assert "not to be told from that of XGBoost (+0.0%)" in said


def _zeros_elsewhere(stage: dict[str, Any]) -> dict[str, Any]:
    tie = {"first": 1.0, "second": 1.0, "difference": 0.0, "better": 0.5}
    for parts in stage["differences"].values():
        parts[BY_WEEK] |= {metric: tie for metric in METRICS if metric != "rmse_log"}
    return stage
