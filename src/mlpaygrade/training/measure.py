"""What a bundle says was measured: its evaluation, from predictions of tested postings, and its evidence. Fits nothing.

`parts_again` makes both anew for a bundle that stands; `evaluate_bundle` judges one on adverts after its training.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mlpaygrade.dataset.postings import Postings, columns_of
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import InputError
from mlpaygrade.evaluation.drift import known_to
from mlpaygrade.evaluation.metrics import evaluate, group_metrics, strength_metrics
from mlpaygrade.forecast.bundle import Bundle, write_json
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.evidence import Evidence, count_cells
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.training.arrival import divide, postings_by_arrival

LEDGER_PARTS: Final = 8
DISTANCES: Final = ("the very job", "differs in one field", "differs in more fields")
SAME: Final = 1e-4
"""A network that is said to be the tested one must have its RMSE of log pay to so much."""


def tested(prediction: Prediction, past: Postings, future: Postings) -> dict[str, Any]:
    """The evaluation of calibrated predictions of tested postings; past: those that the network was trained on."""
    evidence = count_cells(past)
    groups = group_metrics(prediction, future, evidence=evidence)
    words, stated = strength_metrics(prediction, future, groups=groups, evidence=evidence)
    return {
        **evaluate(prediction, future, further=_ledger(evidence, future)),
        "groups": groups,
        "words": words,
        "stated": stated,
    }


def parts_again(bundle: Bundle, judged: Prediction, table: Table) -> dict[str, Mapping[str, object]]:
    """The evaluation and the evidence of a bundle, made anew.

    judged: calibrated predictions of the table's tested postings by the network that was judged. Raises InputError where those
    do not have the error that the bundle says was measured, or where the table is another one.
    """
    division = divide(table, through=None)
    if division.split is None or table.sha256 != bundle.provenance["data_sha256"]:
        raise InputError(f"{table.path.name} is not the file that the bundle was trained on. Give that one.")
    past, future = division.past, division.postings.take(division.split.test)
    found, before = tested(judged, past, future), bundle.evaluation
    new, old = found["rows"]["rmse_log"], float(before["rows"]["rmse_log"])
    if abs(new - old) > SAME:
        raise InputError(
            f"The predictions must be those of the judged network, with an RMSE of log pay of {old:.5f}; got {new:.5f}. "
            "Give the folder `judged` of the run that made the bundle."
        )
    estimate = Predictor(bundle).predict(columns_of(division.postings.jobs)).log_estimate
    return {
        "evaluation.json": {"protocol": division.protocol, **found},
        "evidence.json": count_cells(division.postings, log_estimate=estimate).cells,
    }


def _ledger(evidence: Evidence, future: Postings) -> dict[str, list[str]]:
    """Further dimensions of the coverage ledger: what an answer rests on, how far it lies from the data, when it arrived."""
    jobs = [
        dict(zip(FEATURES, job, strict=True)) for job in future.jobs[list(FEATURES)].itertuples(index=False, name=None)
    ]
    part = np.arange(len(future)) * LEDGER_PARTS // len(future) + 1
    return {
        "rests on": [evidence.support(job).level for job in jobs],
        "closest advertised job": [DISTANCES[min(count, 2)] for count in evidence.fields_apart(jobs).tolist()],
        "order of arrival": [f"part {number} of {LEDGER_PARTS}" for number in part],
    }


def evaluate_bundle(table: Table, predictor: Predictor, *, output: Path) -> dict[str, Any]:
    """Judge a bundle on the postings that arrived after those it was trained on; writes OUTPUT/report.json.

    Raises InputError when the file holds none: figures on training rows would flatter.
    """
    postings = postings_by_arrival(table)
    trained_through = int(predictor.bundle.provenance["trained_through"])
    future = postings.take(~known_to(predictor.bundle.provenance, postings))
    if not len(future):
        raise InputError(
            f"The bundle was trained through {trained_through} and {table.path.name} ends with {int(postings.year.max())}: "
            "it holds no later advert to judge by. Give a newer file, or leave --bundle out to train on all but the newest year."
        )
    prediction = predictor.predict(columns_of(future.jobs))
    groups = predictor.bundle.evaluation.get("groups", {})
    words, stated = strength_metrics(prediction, future, groups=groups, evidence=predictor.bundle.evidence)
    report = {
        "protocol": f"bundle trained through {trained_through}, tested on every later row of {table.path.name}",
        "data_sha256": table.sha256,
        "synthetic": table.synthetic,
        "network": {**evaluate(prediction, future), "words": words, "stated": stated},
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "report.json", report)
    return report
