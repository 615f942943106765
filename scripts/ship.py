"""Makes the bundle that ships inside the package out of finished runs.

`python scripts/ship.py [--run RUN] [--market DATA] [--backtest DIR] [--ageing DIR] [--compare DIR [--compare-doc NAME]]`: RUN is
a folder that `mlpaygrade train` left (default: the bundle that ships); DATA, the file that it was trained on, makes the market's
statistics anew; the others add what `python -m research backtest`, `ageing` and `compare` measured, in short; the comparison goes
to docs/NAME too. `--again JUDGED --data CSV` measures evaluation and evidence anew, without training, from the judged network
(RUN/judged) or its forecast as a comparison kept it (.npz); with --compare, that network stands
in the comparison. Refuses a run on synthetic data.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mlpaygrade.dataset.postings import columns_of
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.forecast.bundle import bundled_path, load_bundle, write_bundle
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.market.statistics import market_json
from mlpaygrade.training.arrival import calendar_of, divide, postings_by_arrival
from mlpaygrade.training.measure import parts_again
from research.compare import again
from research.compare_report import compare_text

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Assemble, write, and draw the comparison for the documentation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--market", type=Path)
    parser.add_argument("--backtest", type=Path)
    parser.add_argument("--ageing", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--compare-doc", default="comparison.md")
    parser.add_argument("--again", type=Path)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    bundle = load_bundle(given.run / "bundle" if given.run else bundled_path())
    if bundle.provenance["synthetic"]:
        print("The shipped bundle must be trained on real data; this run's data is synthetic.", file=sys.stderr)
        return 1
    parts: dict[str, Any] = dict(bundle.parts)
    if given.market:
        parts["market.json"] = market_of(given.market, trained_on=str(bundle.provenance["data_sha256"]))
    if given.again:
        table = read_table(given.data)
        parts |= parts_again(bundle, judged(given.again, table), table)
    if given.backtest:
        walked = json.loads((given.backtest / "backtest.json").read_text(encoding="utf-8"))
        parts["backtest.json"] = {name: walked[name] for name in ("summary", "weeks", "dated", "data_sha256")}
    if given.ageing:
        parts["ageing.json"] = (given.ageing / "ageing.json").read_bytes()
    if given.compare:
        compared = json.loads((given.compare / "compare.json").read_text(encoding="utf-8"))
        if given.again:
            compared = again(compared, table, cache=given.compare / "cache", network=judged(given.again, table))
        parts["comparison.json"] = short(compared)
        (ROOT / "docs" / given.compare_doc).write_text(compare_text(compared), encoding="utf-8")
    shipped = write_bundle(bundled_path(), parts, provenance=bundle.provenance)
    print(f"{shipped.path}: {sum(map(len, shipped.parts.values())):,} bytes")
    return 0


def market_of(data: Path, *, trained_on: str) -> dict[str, object]:
    """The statistics of the market of the file that a bundle was trained on."""
    table = read_table(data)
    if table.sha256 != trained_on:
        raise SystemExit(
            f"--market must be the file that the bundle was trained on ({trained_on}); got {table.sha256}."
        )
    return market_json(postings_by_arrival(table), calendar=calendar_of(table))


def judged(path: Path, table: Table) -> Prediction:
    """What the judged network says of the tested postings: asked again, or as a comparison kept it."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return Prediction(arrays["quantiles"], arrays["members"])
    division = divide(table, through=None)
    assert division.split is not None
    return Predictor.load(path).predict(columns_of(division.postings.take(division.split.test).jobs))


def short(compared: dict[str, Any]) -> dict[str, Any]:
    """The main table and the differences of a comparison, without its settings and residuals."""
    main_stage = next(iter(compared["stages"].values()))
    return {
        "protocol": compared["protocol"],
        "data_sha256": compared["data_sha256"],
        "models": {
            name: {part: one[part] for part in ("rows", "postings", "groups")}
            for name, one in main_stage["models"].items()
        },
        "differences": main_stage["differences"],
    }


if __name__ == "__main__":
    sys.exit(main())
