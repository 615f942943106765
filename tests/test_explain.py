"""Explanations: they add up to what is shown, agree with the shap library, and see what is there and nothing else."""

import dataclasses
import itertools
import json
import math
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.explain.explanation import LOCATION_GROUP, PLAYERS, Explanation, explain, play, width_sentence
from mlpaygrade.explain.waterfall import explanation_waterfall, write_waterfall
from mlpaygrade.forecast.background import SIZE, choose_background, herd
from mlpaygrade.forecast.bundle import write_bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES, LABELS, LOCATION, RESIDENCE, YEAR, Job
from mlpaygrade.rendering.markup import waterfall_html, waterfall_svg

ATTRIBUTES = ("year", "experience", "employment", "title", "residence", "remote", "location", "size")


@pytest.fixture(scope="session")
def predictor(tiny_run) -> Predictor:
    return Predictor(tiny_run.bundle)


def random_jobs(predictor: Predictor, count: int, *, seed: int = 0) -> list[Job]:
    """Jobs of any values, seldom seen together; one in ten has its employee abroad."""
    rng = np.random.default_rng(seed)
    encoder = predictor.bundle.encoder
    titles, countries = [*encoder.titles, "Quantum Data Scientist"], [*encoder.countries, "TD"]
    jobs = []
    for _ in range(count):
        place = str(rng.choice(countries))
        values = [int(rng.integers(2020, 2027)), *(rng.choice(list(LABELS[c])) for c in (FEATURES[1], FEATURES[2]))]
        home = str(rng.choice(countries)) if rng.random() < 0.1 else place
        values += [str(rng.choice(titles)), home, int(rng.choice([0, 50, 100])), place, str(rng.choice(list("SML")))]
        jobs.append(Job(**dict(zip(ATTRIBUTES, values, strict=True))))
    return jobs


def one(predictor: Predictor, **changes: str) -> Explanation:
    job = {"title": "Data Engineer", "experience": "EX", "location": "US", "remote": "100", **changes}
    return explain(predictor, predictor.read_job(**job))


def test_base_and_contributions_add_up_to_what_is_shown(predictor: Predictor) -> None:
    for job in random_jobs(predictor, 200):
        estimate = predictor.answer(job)
        if estimate.not_enough_data is not None:
            with pytest.raises(InputError, match="no estimate to build on"):
                explain(predictor, estimate)
            continue
        explanation = explain(predictor, estimate)
        assert explanation.estimate_usd == estimate.estimate_usd
        parts = explanation.contributions
        assert explanation.base_usd + sum(part.usd for part in parts) == pytest.approx(estimate.estimate_usd, abs=1e-6)
        product = explanation.base_factor_usd * math.prod(part.factor for part in parts)
        assert product == pytest.approx(estimate.estimate_usd, rel=1e-9)
        low, high = estimate.intervals_usd[90]
        assert explanation.base_width_usd + sum(part.width_usd for part in parts) == pytest.approx(high - low, abs=1e-6)
        shown = explanation.to_json()
        assert shown["estimate_usd"] == estimate.to_json()["estimate_usd"]
        assert round(shown["base_usd"] + sum(shown["contributions_usd"].values()), 2) == shown["estimate_usd"]
        assert shown["base_usd"] == pytest.approx(explanation.base_usd, abs=0.55)


def test_the_shap_library_finds_the_same_values(predictor: Predictor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap
    background = predictor.bundle.background
    jobs = random_jobs(predictor, 4, seed=1)
    rows = list(zip(*(background.jobs[column] for column in FEATURES), strict=True))
    rows = [row for row, weight in zip(rows, background.weights, strict=True) for _ in range(round(weight * SIZE))]
    assert len(rows) == SIZE
    wanted = [tuple(job.fields().values()) for job in jobs]
    places = [[FEATURES.index(column) for column in fields] for fields in PLAYERS.values()]
    values = [sorted({tuple(row[i] for i in place) for row in rows + wanted}) for place in places]

    def coded(all_rows: list[tuple]) -> np.ndarray:
        return np.array(
            [
                [value.index(tuple(row[i] for i in place)) for place, value in zip(places, values, strict=True)]
                for row in all_rows
            ],
            dtype=float,
        )

    def model(codes: np.ndarray) -> np.ndarray:
        columns: dict[str, list] = {}
        for player, (fields, value) in enumerate(zip(PLAYERS.values(), values, strict=True)):
            picked = [value[int(code)] for code in codes[:, player]]
            columns |= {column: [item[n] for item in picked] for n, column in enumerate(fields)}
        return np.expm1(predictor.predict(columns).log_estimate)

    masker = shap.maskers.Independent(coded(rows), max_samples=len(rows))
    theirs = shap.explainers.Exact(model, masker)(coded(wanted))
    for job, expected, base in zip(jobs, theirs.values, theirs.base_values, strict=True):
        explanation = explain(predictor, job)
        ours = np.array([part.usd for part in explanation.contributions])
        assert explanation.base_usd == pytest.approx(base, rel=1e-5)
        assert np.abs(ours - expected).max() <= 1e-5 * explanation.estimate_usd


def test_a_field_that_all_compared_jobs_share_contributes_nothing(predictor: Predictor) -> None:
    background = predictor.bundle.background
    assert set(background.jobs[YEAR]) == {2024}
    parts = {part.field: part for part in one(predictor, year=2030).contributions}
    assert (parts[YEAR].usd, parts[YEAR].factor, parts[YEAR].width_usd) == pytest.approx((0.0, 1.0, 0.0), abs=1e-6)
    assert abs(parts[LOCATION_GROUP].usd) > 1.0


def test_worth_of_a_coalition_is_the_average_over_the_background(predictor: Predictor) -> None:
    """Against the naive way: every job of every coalition estimated by itself."""
    estimate = predictor.answer(random_jobs(predictor, 1, seed=5)[0])
    background = predictor.bundle.background
    worth = play(predictor, estimate, background.jobs, background.weights).usd
    mine = estimate.job.fields()
    for coalition, members in enumerate(itertools.product((False, True), repeat=len(PLAYERS))):
        if coalition % 9:
            continue
        kept = {
            column
            for keep, fields in zip(reversed(members), PLAYERS.values(), strict=True)
            if keep
            for column in fields
        }
        mixed = {
            column: [mine[column]] * len(background) if column in kept else list(background.jobs[column])
            for column in FEATURES
        }
        expected = np.expm1(predictor.predict(mixed).log_estimate) @ background.weights
        assert worth[coalition] == pytest.approx(expected, rel=1e-5)


def test_effects_of_the_synthetic_market_are_found(predictor: Predictor) -> None:
    steps_usd = [
        next(part.usd for part in one(predictor, experience=level).contributions if part.field == "experience_level")
        for level in ("EN", "MI", "SE", "EX")
    ]
    assert steps_usd == sorted(steps_usd)
    assert steps_usd[0] < 0 < steps_usd[-1]
    places = {
        place: next(p.usd for p in one(predictor, location=place).contributions if p.field == LOCATION_GROUP)
        for place in ("US", "GB", "IN")
    }
    assert places["US"] > 0 > max(places["GB"], places["IN"])


def test_explanations_of_shuffled_salaries_vanish(predictor: Predictor, synthetic_csv: Path, tmp_path: Path) -> None:
    from mlpaygrade.dataset.postings import build_postings
    from mlpaygrade.dataset.table import read_table
    from mlpaygrade.training.export import export_onnx
    from mlpaygrade.training.fit import fit_network
    from mlpaygrade.training.settings import NetworkSettings, TrainingSettings

    postings = build_postings(read_table(synthetic_csv).frame)
    order = np.random.default_rng(0).permutation(len(postings))
    shuffled = dataclasses.replace(
        postings, low_usd=postings.low_usd[order], high_usd=postings.high_usd[order], paired=postings.paired[order]
    )
    settings = TrainingSettings(epochs=4, batch_size=128)
    fitted = fit_network(shuffled, network=NetworkSettings(members=4, hidden=(24,)), training=settings)
    network, _ = export_onnx(fitted, fitted.encoder.transform(postings.jobs.iloc[:50]))
    whole = predictor.bundle
    parts = dict(whole.parts)
    parts |= {"network.onnx": network, "encoder.json": fitted.encoder}
    nothing = Predictor(write_bundle(tmp_path / "bundle", parts, provenance=whole.provenance))

    def size(of: Predictor) -> float:
        rows = postings.jobs.iloc[::75]
        jobs = [Job(**dict(zip(ATTRIBUTES, row, strict=True))) for row in rows[list(FEATURES)].itertuples(index=False)]
        return float(
            np.mean([sum(abs(math.log(part.factor)) for part in explain(of, job).contributions) for job in jobs])
        )

    assert size(nothing) < 0.3 * size(predictor)


def test_background_is_small_real_weighted_and_without_salaries(tiny_run, synthetic_csv: Path) -> None:
    from mlpaygrade.dataset.postings import build_postings
    from mlpaygrade.dataset.table import read_table

    background = tiny_run.bundle.background
    assert set(background.jobs) == set(FEATURES)
    assert len(background) <= SIZE
    assert background.weights.sum() == pytest.approx(1.0)
    postings = build_postings(read_table(synthetic_csv).frame)
    real = set(postings.jobs[list(FEATURES)].itertuples(index=False, name=None))
    assert set(zip(*(background.jobs[column] for column in FEATURES), strict=True)) <= real
    written = json.loads(tiny_run.bundle.part("background.json"))
    assert written["jobs"] == {column: list(values) for column, values in background.jobs.items()}
    assert written["weights"] == background.weights.tolist()
    few = choose_background(postings.take(np.arange(3)))
    assert few.weights.sum() == pytest.approx(1.0)


def test_herding_matches_shares_better_than_chance() -> None:
    rng = np.random.default_rng(0)
    fields = rng.choice(4, p=[0.6, 0.25, 0.1, 0.05], size=(300, 5))
    alike = np.prod(1 + 0.3 * (fields[:, None] == fields[None]), axis=2)
    share = np.full(300, 1 / 300)

    def miss(drawn: np.ndarray) -> float:
        counts = [np.bincount(fields[drawn, n], minlength=4) / len(drawn) for n in range(5)]
        return float(np.abs(np.array(counts) - [np.bincount(fields[:, n], minlength=4) / 300 for n in range(5)]).sum())

    assert miss(herd(alike, share, size=32)) < 0.6 * np.mean([miss(rng.choice(300, 32)) for _ in range(20)])


def test_a_bundle_without_a_background_says_so(tiny_run, tmp_path: Path) -> None:
    whole = tiny_run.bundle
    parts = {name: part for name, part in whole.parts.items() if name != "background.json"}
    with pytest.raises(BundleError, match=r"needs the part 'background\.json'"):
        write_bundle(tmp_path / "bundle", parts, provenance=whole.provenance)
    parts["background.json"] = {"jobs": {column: [1] for column in FEATURES}, "weights": [0.5, 0.5]}
    with pytest.raises(BundleError, match="background is damaged"):
        write_bundle(tmp_path / "bundle", parts, provenance=whole.provenance)


def test_waterfall_ends_at_the_estimate_and_is_well_formed(predictor: Predictor, tmp_path: Path) -> None:
    explanation = one(predictor, title='Data <Scientist> & "Co"')
    drawn = explanation_waterfall(explanation)
    rows = drawn.rows()
    assert rows[0].end_usd == explanation.base_usd
    assert rows[-2].end_usd == pytest.approx(explanation.estimate_usd)
    sizes = [abs(step.usd) for step in drawn.steps if step.name != "The rest"]
    assert sizes == sorted(sizes, reverse=True)
    root = ET.fromstring(waterfall_svg(drawn))
    assert waterfall_html(drawn).count("<li>") == len(rows) + 2  # and the two lines of its key
    names = {child.get("id"): child.text or "" for child in root if child.get("id")}
    said = " ".join(names[name] for name in root.get("aria-labelledby", "").split())
    for part in explanation.contributions:
        assert part.value in said
    assert f"${explanation.estimate_usd:,.0f}" in said
    with pytest.raises(InputError, match=r"\*\.svg or \*\.png"):
        write_waterfall(explanation, tmp_path / "picture.gif")
    write_waterfall(explanation, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_the_sentence_on_width_says_support(predictor: Predictor) -> None:
    explanation = one(predictor)
    assert f"{explanation.support.postings:,} postings" in width_sentence(explanation)


def test_explain_on_the_command_line(tiny_run, tmp_path: Path) -> None:
    picture = tmp_path / "why.svg"
    command = [
        "explain",
        "--title",
        "Data Engineer",
        "--experience",
        "SE",
        "--location",
        "Germany",
        "--residence",
        "FR",
    ]
    where = ["--bundle", str(tiny_run.bundle.path)]
    lean = "import sys; from mlpaygrade.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", lean, *command, *where, "--waterfall", str(picture), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {"base_usd", "contributions_usd", "factors", "estimate_usd", "background"} <= set(answer)
    assert set(answer["contributions_usd"]) == set(answer["factors"]) == set(PLAYERS)
    assert answer["background"]["groups"] == {"location": [LOCATION, RESIDENCE]}
    assert ET.parse(picture).getroot().tag.endswith("svg")
    loaded = set(done.stderr.split())
    assert "mlpaygrade.explain" in loaded
    assert not loaded & {"shap", "tensorflow", "matplotlib", "pandas", "scipy", "sklearn"}


def test_importance_travels_in_the_bundle_and_agrees_with_single_explanations(tiny_run, predictor: Predictor) -> None:
    document = tiny_run.bundle.json("importance.json")
    assert document == json.loads(json.dumps(tiny_run.report["importance"]))
    overall = document["segments"]["all"]["mean_abs_usd"]
    rise = document["permutation"]["rise_rmse_log"]
    for matters in ("job_title", "experience_level", LOCATION_GROUP):
        assert overall[matters] > 3 * overall["employment_type"]
        assert rise[matters] > 3 * rise["employment_type"]
    abroad, home = (document["segments"][name]["mean_abs_usd"] for name in ("other countries", "United States"))
    assert abroad[LOCATION_GROUP] > 2 * home[LOCATION_GROUP]
    assert document["segments"]["all"]["n"] > document["segments"]["Executive"]["n"] >= 20
    assert document["base_usd"] == pytest.approx(one(predictor).base_usd, abs=1)
    assert set(document["points"]) == set(PLAYERS)
    said = " ".join(document["sentences"])
    first = max(overall, key=overall.__getitem__)
    assert f"{document['players'][first]} moves the estimate most" in said
    assert f"(n = {document['segments']['United States']['n']:,})" in said


def test_importance_figures_are_drawn_from_the_bundle_alone(tiny_run) -> None:
    from mlpaygrade.training.importance import importance_figures

    figures = importance_figures(tiny_run.bundle.json("importance.json"))
    assert {"importance_beeswarm", "importance_bar", "interactions", "dependence_location"} <= set(figures)
    for name, figure in figures.items():
        assert figure.get_axes(), name
