"""Moves towards local adverts: measured on held-out windows, made only where they would have helped, said in the answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
from mlpaygrade.forecast.calibration import (
    GROUPS,
    LOCAL,
    Calibration,
    CalibrationDocument,
    LocalDocument,
    LocalMove,
    LocalPay,
    cell_keys,
    with_places,
)
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.forecaster import FEWEST, errors_by_cell, fit_local

CELL = "GB|Data Scientist"
MOVES = LocalPay({CELL: LocalMove(postings=40, apart_log=-0.2, move_log=-0.1)}, {"strength": 60.0})


@pytest.fixture(scope="module")
def windows() -> list[Postings]:
    """Two windows of postings, half of them of one title in the United Kingdom, in several weeks."""
    postings = build_postings(SyntheticMarket(seed=3, n_postings=900).generate())
    odd = np.arange(len(postings)) % 2 == 1
    jobs = postings.jobs.assign(job_title="Data Scientist", company_location=np.where(odd, "GB", "US"))
    postings = replace(postings, jobs=jobs, time_years=2024 + np.arange(len(postings)) / len(postings))
    half = len(postings) // 2
    return [postings.take(np.arange(half)), postings.take(np.arange(half, 2 * half))]


def said(postings: Postings, short_by: Callable[[NDArray[np.bool_]], NDArray[np.float64]]) -> Prediction:
    """A prediction that lies below the middle of every band by so much, told which postings are British."""
    middle = (postings.low_log + postings.high_log) / 2 - short_by((postings.jobs.company_location == "GB").to_numpy())
    return Prediction(
        np.repeat(middle[:, None, None], len(TARGETS), axis=1).repeat(len(LEVELS), axis=2).astype(np.float32),
        np.repeat(middle[:, None], 2, axis=1).astype(np.float32),
    )


def test_what_persists_is_believed_in_part_and_only_abroad(windows: list[Postings]) -> None:
    rule, moved = fit_local([(said(one, lambda british: 0.4 * british), one) for one in windows])
    assert set(rule.moves) == {CELL}
    move = rule.moves[CELL]
    assert 0 < move.move_log < move.apart_log
    assert rule.measured["strength"] is not None
    first, second = (said(one, lambda british: 0.4 * british) for one in windows)
    np.testing.assert_array_equal(moved[0].log_members, first.log_members)  # nothing came before the first window
    british = (windows[1].jobs.company_location == "GB").to_numpy()
    assert (moved[1].log_estimate > second.log_estimate)[british].all()
    np.testing.assert_array_equal(moved[1].log_estimate[~british], second.log_estimate[~british])


def test_what_does_not_persist_moves_nothing(windows: list[Postings]) -> None:
    above = said(windows[0], lambda british: 0.4 * british)
    below = said(windows[1], lambda british: -0.4 * british)
    rule, _ = fit_local([(above, windows[0]), (below, windows[1])])
    assert rule.moves == {}
    assert rule.measured["strength"] is None


def test_one_window_measures_nothing(windows: list[Postings]) -> None:
    rule, _ = fit_local([(said(windows[0], lambda british: 0.4 * british), windows[0])])
    assert rule.moves == {}


def test_a_handful_of_adverts_moves_nothing(windows: list[Postings]) -> None:
    few = [one.take(np.arange(2 * FEWEST - 2)) for one in windows]
    rule, moved = fit_local([(said(one, lambda british: 0.4 * british), one) for one in (few[0], windows[1])])
    assert set(rule.moves) == set()
    np.testing.assert_array_equal(moved[1].log_members, said(windows[1], lambda british: 0.4 * british).log_members)
    rule, _ = fit_local([(said(one, lambda british: 0.4 * british), one) for one in windows])
    assert set(rule.moves) == {CELL}


def test_adverts_of_one_week_count_by_the_root_of_their_number(windows: list[Postings]) -> None:
    made = said(windows[0], lambda british: 0.4 * british)
    burst = replace(windows[0], time_years=np.full(len(windows[0]), 2024.5))
    rows = int((windows[0].jobs.company_location.iloc[windows[0].row_values_usd()[0]] == "GB").sum())
    assert errors_by_cell([(made, burst)]).loc[CELL, "count"] == pytest.approx(rows**0.5)
    assert errors_by_cell([(made, windows[0])]).loc[CELL, "count"] > rows**0.5


def test_a_move_shifts_every_quantile_and_member_alike() -> None:
    jobs = {"company_location": ["GB", "GB", "US"], "job_title": ["Data Scientist", "Data Engineer", "Data Scientist"]}
    assert cell_keys(jobs)[0] == CELL
    still = Prediction(np.zeros((3, 3, 23), np.float32), np.zeros((3, 2), np.float32))
    moved = MOVES.apply(still, jobs)
    np.testing.assert_allclose(moved.log_quantiles[:, 0, 0], [-0.1, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(moved.log_members[:, 1], [-0.1, 0, 0], rtol=1e-6)
    assert LocalPay.of_document(msgspec.convert(MOVES.to_json(), LocalDocument)).moves == MOVES.moves


def test_an_answer_shows_both_figures(tmp_path: Path) -> None:
    bundle = load_bundle()
    parts = {**{name: part for name, part in bundle.parts.items() if name != LOCAL}, LOCAL: MOVES.to_json()}
    moved = Predictor(write_bundle(tmp_path / "moved", parts, provenance=bundle.provenance))
    del parts[LOCAL]
    alone = Predictor(write_bundle(tmp_path / "alone", parts, provenance=bundle.provenance))
    read = moved.read_job(title="Data Scientist", experience="SE", location="GB")
    answer, before = moved.answer(read), alone.answer(read)
    assert answer.estimate_usd == pytest.approx(before.estimate_usd * np.exp(-0.1), rel=1e-4)
    assert answer.network_usd == pytest.approx(before.estimate_usd, rel=1e-4)
    assert before.network_usd == before.estimate_usd
    (note,) = (one for one in answer.warnings if one.startswith("The 40 newest adverts"))
    assert note.startswith(
        "The 40 newest adverts for this title (United Kingdom) lay 18% below what the model alone says"
    )
    assert note.endswith("so this figure is 10% below it.")
    assert "$" not in note, "a remark is shown in every currency"
    assert answer.to_json()["local_adverts"] == {
        "postings": 40,
        "network_alone_usd": round(before.estimate_usd),
        "apart": -0.1813,
        "moved": -0.0952,
    }
    assert before.to_json()["local_adverts"] is None
    home = moved.read_job(title="Data Scientist", experience="SE", location="US")
    assert moved.answer(home).estimate_usd == alone.answer(home).estimate_usd


def test_a_forged_rule_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle()
    forged = {**bundle.parts, LOCAL: {"measured": {}, "moves": {CELL: [1, 0.0, 90.0]}}}
    with pytest.raises(BundleError, match="local is damaged"):
        write_bundle(tmp_path, forged, provenance=bundle.provenance)


def test_a_calibration_of_home_and_elsewhere_is_read_for_every_place() -> None:
    document = {name: [[[0.1 * (g + 1)] * 11] * 3 for g in range(n)] for name, n in zip("xyz", GROUPS, strict=True)}
    old = {"market": document["x"][:2], "experience": document["y"], "novelty": document["z"]}
    places = with_places(old)["place"]
    assert len(places) == GROUPS[0]
    assert places[0] == old["market"][0]
    assert all(widening == old["market"][1] for widening in places[1:])
    read = Calibration.of_document(CalibrationDocument([[0.0] * 11] * 3, old, 100))
    assert read.group_widening[0].shape == (GROUPS[0], 3, 11)
