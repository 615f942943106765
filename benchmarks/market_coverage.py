"""Do the adjusted effects keep their word? 200 synthetic markets with known effects: how often the 95 % intervals hold the truth.

Enters: how many draws and postings. Leaves: benchmarks/results/market_coverage.json.
Run: python benchmarks/market_coverage.py [--draws 200] [--postings 8654]
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LOCATION, REMOTE, SIZE, TITLE, YEAR
from mlpaygrade.market.inference import fit_adjusted
from mlpaygrade.market.sample import MIN_CELL, FieldKey, Sample, build_sample
from mlpaygrade.testing.synthetic import MOVED_EFFECT, SyntheticMarket, Truth

COLUMN_OF: Mapping[FieldKey, str] = {
    "year": YEAR,
    "level": EXPERIENCE,
    "title": TITLE,
    "country": LOCATION,
    "remote": REMOTE,
    "size": SIZE,
    "employment": EMPLOYMENT,
}
RESULT = Path(__file__).parent / "results" / "market_coverage.json"


def true_effect(
    sample: Sample, truth: Truth, *, key: FieldKey, code: int, given: Mapping[FieldKey, int] | None = None
) -> float:
    """The truth of `AdjustedModel.effect`: every posting moved from the commonest code to `code`, all else as it is.

    Interactions count by how often the other field has the code in question, so those that the model does not know (title
    by level, title by country) belong to the truth too.
    """
    if key == "moved":
        return MOVED_EFFECT * float(sample.fields[key].keys[code])
    field, column = sample.fields[key], COLUMN_OF[key]
    now, before = field.keys[code], field.keys[field.commonest()]
    main = truth.effects()[column]
    total = main[now] - main[before]
    fixed = {COLUMN_OF[other]: sample.fields[other].keys[at] for other, at in (given or {}).items()}
    for pair, extra in truth.interactions().items():
        for (mine, wanted), (other, condition) in (pair, pair[::-1]):
            if mine == column:
                share = float(fixed[other] == condition) if other in fixed else _share(sample, other, condition)
                total += extra * share * (float(now == wanted) - float(before == wanted))
    return total


def _share(sample: Sample, column: str, code: str | int) -> float:
    field = sample.fields[next(key for key, name in COLUMN_OF.items() if name == column)]
    at = field.code(code)
    return 0.0 if at is None else float(field.counts()[at] / len(sample))


def covered(seed: int, *, n_postings: int) -> dict[str, list[bool]]:
    """For one market: did each interval hold the truth, by kind of effect."""
    market = SyntheticMarket(seed=seed, n_postings=n_postings)
    sample = build_sample(build_postings(market.generate()))
    model = fit_adjusted(sample)
    found: dict[str, list[bool]] = defaultdict(list)

    def judge(kind: str, key: FieldKey, code: int, given: dict[FieldKey, int] | None = None) -> None:
        effect = model.effect(key, code, given=given)
        if effect is not None:
            true = true_effect(sample, market.truth, key=key, code=code, given=given)
            found[kind].append(effect.low <= true <= effect.high)

    for key in (*COLUMN_OF, "moved"):
        field = sample.fields[key]
        for code in np.flatnonzero(field.counts() >= MIN_CELL):
            if code != field.commonest():
                judge(key, key, int(code))
    levels, remotes = sample.fields["level"], sample.fields["remote"]
    for level in range(len(levels.keys)):
        for remote in range(len(remotes.keys)):
            cell = (levels.codes == level) & (remotes.codes == remote)
            if remote != remotes.commonest() and cell.sum() >= MIN_CELL:
                judge("remote by level", "remote", remote, {"level": level})
    return found


def main() -> None:
    """Run the benchmark and write its result."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=200)
    options.add_argument("--postings", type=int, default=8_654)
    chosen = options.parse_args()
    started = time.monotonic()
    total: dict[str, list[bool]] = defaultdict(list)
    for seed in range(chosen.draws):
        for kind, hits in covered(seed, n_postings=chosen.postings).items():
            total[kind] += hits
        print(f"\r{seed + 1}/{chosen.draws}", end="", file=sys.stderr, flush=True)
    every = [hit for hits in total.values() for hit in hits]
    result: dict[str, Any] = {
        "what": "share of 95 % intervals of adjusted effects that hold the synthetic market's true effect",
        "draws": chosen.draws,
        "postings": chosen.postings,
        "seconds": round(time.monotonic() - started),
        "coverage": round(float(np.mean(every)), 4),
        "intervals": len(every),
        "by_kind": {
            kind: {"coverage": round(float(np.mean(hits)), 4), "intervals": len(hits)} for kind, hits in total.items()
        },
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
