"""Do explanations keep their word? Exactness, speed, stability, and what they recover on a market whose truth is known.

Enters: the bundle (default: the package's), and for the second half seeds of synthetic markets, on each of which a network is
trained (a minute or two). Leaves: benchmarks/results/explain.json, parts that were not run kept from before.
Run: python benchmarks/explain_quality.py [--bundle DIR] [--jobs 10000] [--markets 2]
     [--parts exact speed stability synthetic single shuffled background] [--data CSV, for background]
"""

import argparse
import dataclasses
import json
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.dataset.table import read_table
from mlpaygrade.explain.explanation import PLAYERS, explain, play, shapley_values
from mlpaygrade.explain.scenarios import CHANGEABLE, scenarios
from mlpaygrade.forecast.background import choose_background
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, WIDENING, Prediction, student_t
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES, LABELS, Job
from mlpaygrade.testing.synthetic import SyntheticMarket, Truth

RESULT = Path(__file__).parent / "results" / "explain.json"
PARTS = ("exact", "speed", "stability", "synthetic", "single", "shuffled", "background")
ATTRIBUTES = ("year", "experience", "employment", "title", "residence", "remote", "location", "size")


def job_of(values: Iterable[Any]) -> Job:
    return Job(**dict(zip(ATTRIBUTES, values, strict=True)))


def random_jobs(predictor: Predictor, count: int, *, seed: int) -> list[Job]:
    """Any values together, one in ten with the employee abroad."""
    rng = np.random.default_rng(seed)
    encoder = predictor.bundle.encoder
    jobs = []
    for _ in range(count):
        place = str(rng.choice(encoder.countries))
        home = str(rng.choice(encoder.countries)) if rng.random() < 0.1 else place
        year = int(rng.integers(encoder.oldest_year, encoder.newest_year + 2))
        level, contract = (str(rng.choice(list(LABELS[column]))) for column in FEATURES[1:3])
        remote, size = int(rng.choice([0, 50, 100])), str(rng.choice(list("SML")))
        jobs.append(job_of((year, level, contract, str(rng.choice(encoder.titles)), home, remote, place, size)))
    return jobs


def usual_jobs(predictor: Predictor, count: int, *, seed: int) -> list[Job]:
    """Jobs as frequent as in the background, each with one field drawn anew."""
    rng = np.random.default_rng(seed)
    background = predictor.bundle.background
    others = random_jobs(predictor, count, seed=seed)
    jobs = []
    for other in others:
        row = int(rng.choice(len(background), p=background.weights))
        fields = dict(zip(ATTRIBUTES, (background.jobs[column][row] for column in FEATURES), strict=True))
        name = str(rng.choice(["title", "experience", "location", "remote", "size"]))
        fields[name] = getattr(other, name)
        if name == "location":
            fields["residence"] = fields["location"]
        jobs.append(Job(**fields))
    return jobs


def exact(predictor: Predictor, *, jobs: int) -> dict[str, Any]:
    """Adding up on random jobs, and agreement with the shap library on 200."""
    worst_usd = worst_shown = worst_factor = 0.0
    for job in random_jobs(predictor, jobs, seed=0):
        estimate = predictor.answer(job)
        explanation = explain(estimate.predictor, estimate)
        shown = explanation.to_json()
        total = explanation.base_usd + sum(part.usd for part in explanation.contributions)
        worst_usd = max(worst_usd, abs(total - estimate.estimate_usd))
        added = shown["base_usd"] + sum(shown["contributions_usd"].values())
        worst_shown = max(worst_shown, abs(added - estimate.to_json()["estimate_usd"]))
        product = explanation.base_factor_usd * math.prod(part.factor for part in explanation.contributions)
        worst_factor = max(worst_factor, abs(product / estimate.estimate_usd - 1))
    return {
        "jobs": jobs,
        "worst_sum_usd": worst_usd,
        "worst_shown_sum_usd": round(worst_shown, 6),
        "worst_product_relative": worst_factor,
        **against_shap(predictor, random_jobs(predictor, 200, seed=1)),
    }


def against_shap(predictor: Predictor, jobs: list[Job]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

    background = predictor.bundle.background
    draws = round(1 / background.weights.min())
    rows = list(zip(*(background.jobs[column] for column in FEATURES), strict=True))
    rows = [row for row, weight in zip(rows, background.weights, strict=True) for _ in range(round(weight * draws))]
    wanted = [tuple(job.fields().values()) for job in jobs]
    places = [[FEATURES.index(column) for column in fields] for fields in PLAYERS.values()]
    values = [sorted({tuple(row[i] for i in place) for row in rows + wanted}) for place in places]

    def coded(given: list[tuple[Any, ...]]) -> Any:
        pairs = list(zip(places, values, strict=True))
        return np.array([[value.index(tuple(row[i] for i in place)) for place, value in pairs] for row in given], float)

    def model(codes: Any) -> Any:
        columns: dict[str, list[Any]] = {}
        for player, (fields, value) in enumerate(zip(PLAYERS.values(), values, strict=True)):
            picked = [value[int(code)] for code in codes[:, player]]
            columns |= {column: [item[n] for item in picked] for n, column in enumerate(fields)}
        return np.expm1(predictor.predict(columns).log_estimate)

    explainer = shap.explainers.Exact(model, shap.maskers.Independent(coded(rows), max_samples=len(rows)))
    theirs = explainer(coded(wanted))
    worst = 0.0
    for job, expected in zip(jobs, theirs.values, strict=True):
        explanation = explain(predictor, job)
        ours = np.array([part.usd for part in explanation.contributions])
        worst = max(worst, float(np.abs(ours - expected).max() / explanation.estimate_usd))
    return {"shap_jobs": len(jobs), "shap_worst_relative": worst}


def speed(predictor: Predictor, *, jobs: int = 200) -> dict[str, Any]:
    """Milliseconds on the clock, with whatever else the machine is doing, and of processor time over all its cores."""
    asked = usual_jobs(predictor, jobs, seed=2)
    explain(predictor, asked[0])

    def timed(run: Callable[[Job], Any], chosen: list[Job]) -> dict[str, float]:
        taken, busy = [], []
        for job in chosen:
            start, busy_start = time.perf_counter(), time.process_time()
            run(job)
            taken.append(1000 * (time.perf_counter() - start))
            busy.append(1000 * (time.process_time() - busy_start))
        median, p95 = np.quantile(taken, [0.5, 0.95])
        return {
            "median_ms": round(float(median), 1),
            "p95_ms": round(float(p95), 1),
            "processor_median_ms": round(float(np.median(busy)), 1),
        }

    rows = [
        play(predictor, predictor.answer(job), predictor.bundle.background.jobs, predictor.bundle.background.weights)
        for job in asked[:50]
    ]
    return {
        "explain": timed(lambda job: explain(predictor, job), asked),
        "explain_random_jobs": timed(lambda job: explain(predictor, job), random_jobs(predictor, 50, seed=3)),
        "distinct_jobs_median": int(np.median([game.distinct_jobs for game in rows])),
        "scenarios_every_field": timed(lambda job: scenarios(predictor, job, allow=list(CHANGEABLE)), asked[:100]),
        "scenarios_found_median": int(
            np.median([len(scenarios(predictor, job, allow=list(CHANGEABLE)).scenarios) for job in asked[:30]])
        ),
        "shap_imported": "shap" in sys.modules,
        "load_average": [round(load, 1) for load in __import__("os").getloadavg()],
    }


def stability(predictor: Predictor, *, jobs: int = 200) -> dict[str, Any]:
    """Similar jobs, similar explanations: one neighbouring field changed, how far do the other contributions move?

    Reported as the mean move of an unchanged field's contribution relative to the mean size of contributions; and the share that
    the three largest contributions have.
    """
    asked = usual_jobs(predictor, jobs, seed=4)
    moved, sizes, tops = [], [], []
    for job in asked:
        near = dataclasses.replace(job, remote=100 if job.remote != 100 else 0)
        one, two = explain(predictor, job), explain(predictor, near)
        sizes += [abs(part.usd) for part in one.contributions]
        ranked = sorted((abs(part.usd) for part in one.contributions), reverse=True)
        tops.append(sum(ranked[:3]) / sum(ranked) if sum(ranked) else 1.0)
        moved += [
            abs(a.usd - b.usd)
            for a, b in zip(one.contributions, two.contributions, strict=True)
            if a.field != "remote_ratio"
        ]
    return {
        "jobs": jobs,
        "mean_move_usd": round(float(np.mean(moved))),
        "p95_move_usd": round(float(np.quantile(moved, 0.95))),
        "mean_contribution_usd": round(float(np.mean(sizes))),
        "top_three_share_mean": round(float(np.mean(tops)), 3),
        "top_three_share_p05": round(float(np.quantile(tops, 0.05)), 3),
    }


def background_sizes(predictor: Predictor, data: Path, *, jobs: int = 30) -> dict[str, Any]:
    """How far contributions are from those with every posting of the newest year, for herded and for random backgrounds."""
    postings = build_postings(read_table(data).frame)
    postings = postings.take(postings.year <= predictor.bundle.encoder.newest_year)
    estimates = [predictor.answer(job) for job in newest_jobs(postings, jobs, seed=1)]
    newest = postings.jobs[postings.jobs["work_year"] == postings.jobs["work_year"].max()]
    counts = newest.groupby(list(FEATURES)).size()
    distinct, share = counts.index.to_frame(index=False), counts.to_numpy() / counts.sum()

    def values(others: Any, weights: Any) -> tuple[Any, int]:
        games = [play(predictor, estimate, others, weights) for estimate in estimates]
        rows = int(np.median([game.distinct_jobs for game in games]))
        return np.array([shapley_values(game.usd) for game in games]), rows

    whole, _ = values({column: distinct[column].tolist() for column in FEATURES}, share)
    found = []
    for size in (16, 24, 32, 48, 64):
        background = choose_background(postings, size=size)
        ours, rows = values(background.jobs, background.weights)
        misses = []
        for seed in range(4):
            drawn = np.random.default_rng(seed).choice(len(distinct), size=size, p=share)
            chosen, times = np.unique(drawn, return_counts=True)
            random, _ = values({c: distinct[c].iloc[chosen].tolist() for c in FEATURES}, times / times.sum())
            misses.append(np.abs(random - whole).mean())
        found.append(
            {
                "draws": size,
                "herded_usd": round(float(np.abs(ours - whole).mean())),
                "random_usd": round(float(np.mean(misses))),
                "jobs_to_estimate_median": rows,
            }
        )
    return {"sizes": found, "mean_contribution_usd": round(float(np.abs(whole).mean()))}


class TruthPredictor:
    """Stands where a predictor stands, and answers with the truth."""

    def __init__(self, predictor: Predictor) -> None:
        self.bundle, self.truth = predictor.bundle, Truth()

    def predict(self, jobs: Any) -> Prediction:
        frame = pd.DataFrame({column: list(jobs[column]) for column in FEATURES})
        log_usd = np.log1p(np.exp(self.truth.log_middle(frame)))
        flat = np.tile(log_usd[:, None, None], (1, len(TARGETS), len(LEVELS)))
        return Prediction(flat, log_usd[:, None])


def train_small(postings: Postings, folder: Path, *, seed: int) -> Predictor:
    """A network with the default settings, stopped and calibrated by one window instead of several."""
    from mlpaygrade.forecast.evidence import count_cells
    from mlpaygrade.training.export import export_onnx
    from mlpaygrade.training.forecaster import fit_forecaster
    from mlpaygrade.training.settings import CalibrationSettings, Settings

    settings = Settings(calibration=CalibrationSettings(folds=1, window=0.1))
    settings = dataclasses.replace(settings, training=dataclasses.replace(settings.training, seed=seed))
    forecaster = fit_forecaster(postings, settings=settings, work=folder / "work", progress=lambda *_: None)
    encoder = forecaster.fitted.encoder
    network, _ = export_onnx(forecaster.fitted, encoder.transform(postings.jobs.iloc[:500]))
    parts = {
        "network.onnx": network,
        "encoder.json": encoder,
        "calibration.json": forecaster.calibration.to_json(),
        "abstention.json": forecaster.abstention,
        "evidence.json": count_cells(postings).cells,
        "background.json": choose_background(postings),
        "evaluation.json": {"protocol": None},
    }
    provenance = {"version": "0", "trained_through": 2024, "data_sha256": "", "synthetic": True}
    return Predictor(write_bundle(folder / "bundle", parts, provenance=provenance))


def newest_jobs(postings: Postings, count: int, *, seed: int) -> list[Job]:
    rows = postings.jobs[postings.jobs["work_year"] == postings.jobs["work_year"].max()]
    rows = rows.sample(min(count, len(rows)), random_state=seed)
    return [job_of(row) for row in rows[list(FEATURES)].itertuples(index=False, name=None)]


def recovered(predictor: Predictor, postings: Postings, *, jobs: int, seed: int, enough: int = 30) -> dict[str, Any]:
    """Log contributions of each value, averaged over jobs that have it, against those of the truth with the same background."""
    truth = TruthPredictor(predictor)
    background = predictor.bundle.background
    found: dict[tuple[str, Any], list[tuple[float, float]]] = {}
    for job in newest_jobs(postings, jobs, seed=seed):
        estimate = predictor.answer(job)
        fields = job.fields()
        prediction = truth.predict({column: [value] for column, value in fields.items()})
        true = dataclasses.replace(estimate, estimate_usd=float(np.expm1(prediction.log_estimate[0])))
        ours = shapley_values(play(predictor, estimate, background.jobs, background.weights).log_usd)
        theirs = shapley_values(play(truth, true, background.jobs, background.weights).log_usd)  # type: ignore[arg-type]
        for p, (player, columns) in enumerate(PLAYERS.items()):
            key = (player, tuple(fields[column] for column in columns))
            found.setdefault(key, []).append((float(ours[p]), float(theirs[p])))
    counts: dict[tuple[str, Any], int] = {}
    for player, columns in PLAYERS.items():
        for value, count in postings.jobs.groupby(list(columns)).size().items():
            counts[player, value if isinstance(value, tuple) else (value,)] = int(count)
    effects = {key: np.mean(pairs, axis=0) for key, pairs in found.items() if counts[key] >= enough}
    ours, theirs = np.array(list(effects.values())).T
    large = np.abs(theirs) > math.log(1.03)
    wrong = large & (np.sign(ours) != np.sign(theirs))
    return {
        "values": len(effects),
        "postings_per_value_at_least": enough,
        "spearman": round(float(pd.Series(ours).corr(pd.Series(theirs), method="spearman")), 4),
        "effects_over_3_percent": int(large.sum()),
        "signs_right": int(large.sum() - wrong.sum()),
        "signs_wrong": [
            {
                "field": key[0],
                "value": "|".join(map(str, key[1])),
                "postings": counts[key],
                "true_log": round(float(theirs[n]), 3),
                "found_log": round(float(ours[n]), 3),
            }
            for n, key in enumerate(effects)
            if wrong[n]
        ],
        "mean_abs_error_log": round(float(np.abs(ours - theirs).mean()), 4),
    }


def paired_coverage(predictor: Predictor, postings: Postings, *, jobs: int, seed: int) -> dict[str, Any]:
    """How often the paired 90 % interval of a scenario holds the true difference, and the widening that would make it 90 %."""
    truth, rng = Truth(), np.random.default_rng(seed)
    misses, halves, gains, base = [], [], [], []
    for job in newest_jobs(postings, jobs, seed=seed):
        found = scenarios(predictor, job, allow=list(CHANGEABLE)).scenarios
        found = tuple(found[n] for n in rng.permutation(len(found))[:40])
        true = np.exp(truth.log_middle(pd.DataFrame([job.fields(), *(one.job.fields() for one in found)])))
        for one, usd in zip(found, true[1:] - true[0], strict=True):
            low, high = one.difference.interval_90_usd
            misses.append(abs(usd - one.difference.usd))
            halves.append((high - low) / 2)
            gains.append((usd, one.difference.usd))
            base.append(true[0])
    ratio = np.array(misses) / np.array(halves)
    gain = np.array(gains)
    large = np.abs(gain[:, 0]) > 0.03 * np.array(base)
    return {
        "differences": len(ratio),
        "coverage_90": round(float((ratio <= 1).mean()), 3),
        "widening_used": WIDENING,
        "widening_that_covers_90": round(float(WIDENING * np.quantile(ratio, 0.9)), 2),
        "mean_half_width_usd": round(float(np.mean(halves))),
        "rmse_usd": round(float(np.sqrt(np.mean(np.square(misses))))),
        "signs_right_over_3_percent": round(float((np.sign(gain[:, 0]) == np.sign(gain[:, 1]))[large].mean()), 4),
    }


def synthetic(*, markets: int, postings: int) -> dict[str, Any]:
    """Recovered effects and paired coverage on markets of the public file's size, each with its own network."""
    results = []
    for seed in range(11, 11 + markets):
        drawn = build_postings(SyntheticMarket(seed=seed, n_postings=postings).generate())
        with tempfile.TemporaryDirectory() as folder:
            predictor = train_small(drawn, Path(folder), seed=seed)
            effects = recovered(predictor, drawn, jobs=400, seed=seed)
            paired = paired_coverage(predictor, drawn, jobs=60, seed=seed)
        results.append({"seed": seed, "effects": effects, "paired": paired})
        print(json.dumps(results[-1]), flush=True)
    return {"postings": postings, "markets": results}


def single(*, markets: int, postings: int) -> dict[str, Any]:
    """How far single estimates are from the truth, in standard deviations of the members: does WIDENING hold for them too?

    The truth is the mean log pay of a row of such a job; jobs are those of the newest year, each once.
    """
    results = []
    for seed in range(11, 11 + markets):
        drawn = build_postings(SyntheticMarket(seed=seed, n_postings=postings).generate())
        with tempfile.TemporaryDirectory() as folder:
            predictor = train_small(drawn, Path(folder), seed=seed)
            jobs = pd.DataFrame([job.fields() for job in newest_jobs(drawn, 2000, seed=seed)]).drop_duplicates()
            prediction = predictor.predict({column: jobs[column].tolist() for column in FEATURES})
        error = prediction.log_estimate - Truth().mean(jobs, end="row")
        spread = prediction.log_members.astype(np.float64).std(axis=1, ddof=1)
        freedom = prediction.log_members.shape[1] - 1
        results.append(
            {
                "seed": seed,
                "jobs": len(jobs),
                "rmse_log": round(float(np.sqrt(np.mean(error**2))), 4),
                "bias_log": round(float(error.mean()), 4),
                "members_log": round(float(np.sqrt(np.mean(spread**2))), 4),
                "widening_of_squares": round(float(np.sqrt(np.mean(error**2) / np.mean(spread**2))), 2),
                "widening_that_covers_90": round(
                    float(np.quantile(np.abs(error) / spread, 0.9)) / student_t(0.95, freedom), 2
                ),
            }
        )
    return {"postings": postings, "widening_used": WIDENING, "markets": results}


def shuffled(*, postings: int) -> dict[str, Any]:
    """A network trained on salaries dealt out at random has nothing to explain."""
    drawn = build_postings(SyntheticMarket(seed=11, n_postings=postings).generate())
    order = np.random.default_rng(0).permutation(len(drawn))
    dealt = dataclasses.replace(
        drawn, low_usd=drawn.low_usd[order], high_usd=drawn.high_usd[order], paired=drawn.paired[order]
    )
    sizes = {}
    for name, given in (("as drawn", drawn), ("shuffled", dealt)):
        with tempfile.TemporaryDirectory() as folder:
            predictor = train_small(given, Path(folder), seed=0)
            told = [explain(predictor, job) for job in newest_jobs(drawn, 100, seed=0)]
        sizes[name] = float(np.mean([sum(abs(math.log(part.factor)) for part in one.contributions) for one in told]))
    return {
        "sum_of_log_factors": {name: round(size, 4) for name, size in sizes.items()},
        "share_left": round(sizes["shuffled"] / sizes["as drawn"], 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--markets", type=int, default=2)
    parser.add_argument("--postings", type=int, default=8_654)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args()
    predictor = Predictor(load_bundle(given.bundle))
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "speed": lambda: speed(predictor),
        "stability": lambda: stability(predictor),
        "exact": lambda: exact(predictor, jobs=given.jobs),
        "synthetic": lambda: synthetic(markets=given.markets, postings=given.postings),
        "single": lambda: single(markets=given.markets, postings=given.postings),
        "shuffled": lambda: shuffled(postings=given.postings),
    }
    if given.data is not None:
        measures["background"] = lambda: background_sizes(predictor, given.data)
    for part, measure in measures.items():
        if part in given.parts:
            start = time.monotonic()
            result = {**measure(), "seconds": round(time.monotonic() - start, 1)}
            document = json.loads(RESULT.read_text()) if RESULT.exists() else {}
            if part in ("speed", "stability", "exact", "background"):
                settings = predictor.bundle.provenance.get("settings", {}).get("network", {})
                result["network"] = {name: settings.get(name) for name in ("members", "hidden")}
            document[part] = result
            RESULT.parent.mkdir(exist_ok=True)
            RESULT.write_text(json.dumps(document, indent=1) + "\n")
            print(part, json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
