"""A bundle judged on adverts after its training.

Enters: a table and a predictor. Leaves: a report like that of `train`. Fits nothing.
"""

from pathlib import Path
from typing import Any

from mlpaygrade.dataset.postings import columns_of
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import InputError
from mlpaygrade.evaluation.groups import strength_metrics
from mlpaygrade.evaluation.later import known_to
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.forecast.bundle import write_json
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.training.arrival import postings_by_arrival


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
