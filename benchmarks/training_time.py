"""How training time grows with the data: the network, and any rival, on synthetic files of 10,000 to 1,000,000 rows.

Enters: sizes, models, epochs. Leaves: benchmarks/results/training_time.json: seconds and peak memory of each fit, and the
exponent of their growth (1 is linear). Each fit runs in a process of its own. The network runs few epochs at every size, the
last of them timed, so the time to compile it is left out; its whole training is that times its epochs.
Run: python benchmarks/training_time.py [--rows 10000,100000,1000000] [--models network,lightgbm] [--epochs 2]
"""

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mlpaygrade.testing.synthetic import SyntheticMarket

RESULT = Path(__file__).parent / "results" / "training_time.json"
ROWS_PER_POSTING = 1.906


def fit_once(path: Path, *, model: str, epochs: int) -> dict[str, Any]:
    """Read a file and fit one model on all of it, in this process."""
    from mlpaygrade.dataset.postings import build_postings
    from mlpaygrade.dataset.table import read_table
    from mlpaygrade.training.fit import fit_network
    from mlpaygrade.training.settings import read_settings
    from research.contenders import tuned_rivals

    started = time.monotonic()
    table = read_table(path)
    postings = build_postings(table.frame)
    read = time.monotonic() - started
    if model == "network":
        settings = read_settings(None)
        ends = [time.monotonic()]
        fit_network(
            postings,
            network=settings.network,
            training=dataclasses.replace(settings.training, epochs=epochs),
            progress=lambda *_: ends.append(time.monotonic()),
        )
        figures = {"seconds_an_epoch": round(ends[-1] - ends[-2], 2), "epochs_in_training": settings.training.epochs}
    else:
        started = time.monotonic()
        tuned_rivals()[model].fit(postings, quantiles=False)
        figures = {"seconds": round(time.monotonic() - started, 2)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"rows": table.rows, "seconds_to_read": round(read, 2), **figures, "peak_gib": round(peak, 2)}


def growth(runs: list[dict[str, Any]]) -> float:
    """Exponent of seconds against rows, by least squares of the logarithms."""
    seconds = [run.get("seconds_an_epoch", run.get("seconds")) for run in runs]
    return round(float(np.polyfit(np.log([run["rows"] for run in runs]), np.log(seconds), 1)[0]), 3)


def main() -> None:
    """Measure every model at every size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="10000,30000,100000,300000,1000000")
    parser.add_argument("--models", default="network,lightgbm")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file:
        print(json.dumps(fit_once(options.file, model=options.models, epochs=options.epochs)))
        return
    result: dict[str, Any] = {"what": __doc__.splitlines()[0], "models": {}}
    with tempfile.TemporaryDirectory() as name:
        files = {}
        for rows in map(int, options.rows.split(",")):
            market = SyntheticMarket(seed=1, n_postings=round(rows / ROWS_PER_POSTING))
            files[rows] = market.write(Path(name) / f"synthetic-{rows}.csv")
        for model in options.models.split(","):
            runs = []
            for path in files.values():
                command = [
                    sys.executable,
                    __file__,
                    "--file",
                    str(path),
                    "--models",
                    model,
                    "--epochs",
                    str(options.epochs),
                ]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                runs.append(json.loads(done.stdout.splitlines()[-1]))
                print(model, runs[-1], flush=True)
            result["models"][model] = {"runs": runs, "growth": growth(runs)}
            RESULT.parent.mkdir(exist_ok=True)
            RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
