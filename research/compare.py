"""The comparison: every model with its tuned settings, trained on the past, judged on what came later, opened once.

Enters: a table, settings, tuned rivals. Leaves: `OUTPUT/compare.json` and `OUTPUT/compare.md`, rewritten after each stage, so the
main table is there first. Fits are cached in `OUTPUT/cache`; run again, the comparison goes on where it stopped. Chooses nothing.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, Split
from mlpaygrade.dataset.table import Table
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.evaluation.metrics import MIN_SLICE, compare_predictions, evaluate
from mlpaygrade.forecast.bundle import write_json
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.job.fields import LOCATION, TITLE
from mlpaygrade.training.arrival import divide, training_side
from mlpaygrade.training.figures import residual_analysis, residual_figures
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.settings import Settings
from research import robustness
from research.compare_report import BY_WEEK, compare_text
from research.contenders import NETWORK, NetworkContender, contender
from research.learning_curve import learning_curve
from research.rivals import RIVALS, Rival
from research.workbench import Made, Workbench, code_hash

SEEDS: Final = 5
RARE: Final = 10
"""A title with at most so many training postings counts as rare."""

Result = dict[str, Any]


def compare(
    table: Table,
    *,
    output: Path,
    settings: Settings,
    tuned: Mapping[str, Rival],
    stages: Sequence[str],
    models: Sequence[str],
    progress: Progress,
) -> Result:
    """Run the stages in their order and return compare.json; earlier stages found there are kept where their basis is the same.

    models: names, the network among them or not. Raises InputError for an unknown stage or model.
    """
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise InputError(f"'{unknown[0]}' is no stage. Stages: {', '.join(STAGES)}.")
    bench, postings = open_workbench(
        table, output=output, settings=settings, tuned=tuned, models=models, progress=progress
    )
    basis: Result = {
        "protocol": protocol_of(table)[2],
        "data_sha256": table.sha256,
        "synthetic": table.synthetic,
        "postings": {"training": len(bench.past), "test": len(bench.future)},
        "settings": {one.name: one.settings for one in bench.contenders},
        "code": code_hash(),
    }
    basis = json.loads(json.dumps(basis))
    result = basis | {"stages": _earlier(output, basis)}
    for name in (stage for stage in STAGES if stage in stages):
        result["stages"][name] = STAGES[name](bench, postings)
        result["stages"] = {stage: result["stages"][stage] for stage in STAGES if stage in result["stages"]}
        write_json(output / "compare.json", result)
        write_file(output / "compare.md", compare_text(result))
    return result


def open_workbench(
    table: Table,
    *,
    output: Path,
    settings: Settings,
    tuned: Mapping[str, Rival],
    models: Sequence[str],
    progress: Progress,
) -> tuple[Workbench, Postings]:
    """The workbench of a comparison, and all postings of its file."""
    postings, split, _ = protocol_of(table)
    bench = Workbench(
        folder=output / "cache",
        data_sha256=table.sha256,
        past=training_side(postings, split),
        future=postings.take(split.test),
        contenders=[contender(name, settings=settings, tuned=tuned) for name in models],
        progress=progress,
    )
    return bench, postings


def protocol_of(table: Table) -> tuple[Postings, Split, str]:
    """Postings, the split that judges every model of them, and its protocol: the edition's own day, or its newest year.

    Raises DataError for a file of one work year.
    """
    divided = divide(table, through=None)
    if divided.split is None or divided.protocol is None:
        raise DataError(f"{table.path.name} holds one work year. Give at least two: the newest tests the models.")
    return divided.postings, divided.split, divided.protocol


def _earlier(output: Path, basis: Result) -> Result:
    """Stages of a comparison of the same models, settings, code and data that stands in the folder; none otherwise."""
    try:
        found = json.loads((output / "compare.json").read_bytes())
    except (OSError, ValueError):
        return {}
    same = isinstance(found, dict) and {key: found.get(key) for key in basis} == basis
    return dict(found["stages"]) if same else {}


def main_table(bench: Workbench, postings: Postings) -> Result:
    """Every model on the newest year: rows, postings, slices; the network against each, with intervals."""
    del postings
    return _table({one.name: bench.forecast(one, bench.past, bench.future) for one in bench.contenders}, bench)


def again(result: Result, table: Table, *, cache: Path, network: Prediction) -> Result:
    """A comparison with another network in the place of its own, its rivals' forecasts as they were kept in the folder `cache`.

    network: calibrated, of the table's tested postings, trained on the same ones. Only the main table is kept.
    """
    postings, split, _ = protocol_of(table)
    bench = Workbench(
        folder=cache,
        data_sha256=table.sha256,
        past=training_side(postings, split),
        future=postings.take(split.test),
        contenders=[],
        progress=lambda *_: None,
    )
    before = result["stages"]["main"]["models"]
    made = {NETWORK: Made(prediction=network, seconds=before[NETWORK]["seconds"])}
    for name in before.keys() - {NETWORK}:
        (file,) = cache.glob(f"{name}-forecast-*.npz")
        with np.load(file) as arrays:
            made[name] = Made(
                prediction=Prediction(arrays["quantiles"], arrays["members"]), seconds=before[name]["seconds"]
            )
    return {**result, "stages": {"main": _table({name: made[name] for name in before}, bench)}}


def _table(made: Mapping[str, Made], bench: Workbench) -> Result:
    predictions = {name: item.prediction for name, item in made.items()}
    groups = groups_of(bench)
    return {
        "models": {
            name: {
                **evaluate(item.prediction, bench.future),
                "groups": {
                    group: evaluate(item.prediction.take(np.flatnonzero(mask)), bench.future.take(mask))["rows"]
                    for group, mask in groups.items()
                },
                "seconds": round(item.seconds, 1),
            }
            for name, item in made.items()
        },
        "differences": _differences(predictions, bench.future, groups),
        "residuals": {
            name: residual_analysis(predictions[name], bench.future) for name in predictions if name == NETWORK
        },
    }


def groups_of(bench: Workbench) -> dict[str, NDArray[np.bool_]]:
    """Test postings for which the network claims to be better, bool (n,) each; groups of less than MIN_SLICE are left out."""
    titles = bench.future.jobs[TITLE]
    seen = titles.map(bench.past.jobs[TITLE].value_counts()).fillna(0).to_numpy()
    us = (bench.future.jobs[LOCATION] == "US").to_numpy()
    groups = {
        "United States": us,
        "International": ~us,
        "unseen titles": seen == 0,
        "rare titles": (seen > 0) & (seen <= RARE),
    }
    return {name: mask for name, mask in groups.items() if mask.sum() >= MIN_SLICE}


def _differences(
    predictions: Mapping[str, Prediction], future: Postings, groups: Mapping[str, NDArray[np.bool_]]
) -> Result:
    """Network minus each rival: {rival: {"all", "all, by copies", group: {metric: difference}}}."""
    if NETWORK not in predictions:
        return {}
    network = predictions[NETWORK]
    result: Result = {}
    for name, prediction in predictions.items():
        if name == NETWORK:
            continue
        against = functools.partial(compare_predictions, network, prediction, future)
        found = {"all": against(), "all, by copies": against(unit="copies"), BY_WEEK: against(unit="week")}
        found |= {group: against(mask=mask) for group, mask in groups.items()}
        result[name] = {
            part: {metric: one.to_json() for metric, one in metrics.items()} for part, metrics in found.items()
        }
    return result


def seeds(bench: Workbench, postings: Postings) -> Result:
    """The network from five seeds: figures of each, their mean and standard deviation, and each against every rival."""
    del postings
    networks = [one for one in bench.contenders if isinstance(one, NetworkContender)]
    if not networks:
        return {}
    rivals = {
        one.name: bench.forecast(one, bench.past, bench.future).prediction
        for one in bench.contenders
        if one.name != NETWORK
    }
    config = networks[0].config
    runs = []
    for k in range(SEEDS):
        seed = config.training.seed + k
        seeded = NetworkContender(
            config=dataclasses.replace(config, training=dataclasses.replace(config.training, seed=seed))
        )
        prediction = bench.forecast(seeded, bench.past, bench.future).prediction
        figures = evaluate(prediction, bench.future)
        runs.append(
            {
                "seed": seed,
                "rows": figures["rows"],
                "postings": figures["postings"],
                "differences": _differences({NETWORK: prediction, **rivals}, bench.future, {}),
            }
        )
        bench.progress("network: seeds", k + 1, SEEDS, {"RMSE log": figures["rows"]["rmse_log"]})
    spread = {
        metric: {
            "mean": float(np.mean([run["rows"][metric] for run in runs])),
            "sd": float(np.std([run["rows"][metric] for run in runs], ddof=1)),
        }
        for metric in runs[0]["rows"]
        if metric != "n"
    }
    return {"runs": runs, "rows": spread}


def monthly(bench: Workbench, postings: Postings) -> Result:
    """Every model, month by month through the newest year."""
    return robustness.rolling(bench, postings, parts=12)


def weekly(bench: Workbench, postings: Postings) -> Result:
    """The network and the two best rivals, week by week through the newest year."""
    return robustness.rolling(bench, postings, parts=52, names=_finalists(bench))


def curve(bench: Workbench, postings: Postings) -> Result:
    """Learning curves of the network and of the two best rivals."""
    del postings
    return learning_curve(bench, names=_finalists(bench))


def _finalists(bench: Workbench) -> set[str]:
    """The network and the two rivals with the least error in the main table."""
    errors = {
        one.name: robustness.rmse_log(
            bench.forecast(one, bench.past, bench.future).prediction.log_estimate, bench.future
        )
        for one in bench.contenders
        if one.name != NETWORK
    }
    return {NETWORK, *sorted(errors, key=lambda name: errors[name])[:2]}


STAGES: Final[Mapping[str, Callable[[Workbench, Postings], Result]]] = {
    "main": main_table,
    "seeds": seeds,
    "titles": lambda bench, postings: robustness.held_out_titles(bench),  # noqa: ARG005
    "geography": lambda bench, postings: robustness.geography(bench),  # noqa: ARG005
    "monthly": monthly,
    "learning": curve,
    "stratified": robustness.stratified_folds,
    "random": robustness.random_split,
    "weekly": weekly,
}
"""Stages in the order in which they run."""


def network_figures(bench: Workbench) -> dict[str, Figure]:
    """Residual plots of the network's forecast of the newest year; none without the network."""
    networks = [one for one in bench.contenders if one.name == NETWORK]
    if not networks:
        return {}
    return residual_figures(bench.forecast(networks[0], bench.past, bench.future).prediction, bench.future)


ALL_MODELS: Final = (NETWORK, *RIVALS)
