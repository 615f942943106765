"""Do calibrated intervals cover what they state? 200 synthetic markets with known truth, for the whole and by group.

Enters: seeds. Leaves: benchmarks/results/interval_coverage.json, variants that were not run kept from before.
Run: python benchmarks/interval_coverage.py [--draws 200] [--variants "shuffled" "in order"]

What is calibrated is no network but the market's true quantiles, spoilt on purpose: biased, too narrow, and more so abroad, for
beginners and for titles and countries not seen before. Training a network in every draw would take hours and would test the
network; here only `Calibration` can put things right. As the truth is known up to the spoiling, every miss is its own.

Each draw is cut into postings that fit the encoder (they decide what is novel), postings that calibrate, and postings that test.

    without groups      as the next, but calibrated for the whole alone: the textbook case
    shuffled            cut at random, no advert reposted: exchangeable, so the guarantee of split conformal prediction holds
    shuffled, reposted  the same with adverts reposted as often as in the public file
    in order            oldest first, as the product is trained and used, with reposts and with the market's drift within years

Coverage is that of central intervals: for `low` and `high` of that end of the postings that show both, for `any` of all rows, as
the product counts it. Errors: `binomial_error` is sqrt(p (1 - p) / n) with postings as the trials. It takes them for
independent, but all postings of a draw are judged by one calibration, whose luck they share; `error` counts draws instead, from
how far their coverage scatters about the pooled one. `off_by_errors` and the verdicts use that: `exact` where coverage and what
is stated differ by at most 2 errors, `kept` where coverage falls short of it by no more than that. The finite-sample correction
errs on the wide side, by less than one posting for each part that is corrected.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.forecast.calibration import DIMENSIONS, INTERVALS, SHRINKAGE, Calibration, Truth, groups_of
from mlpaygrade.forecast.distribution import LEVELS, MEDIAN, TARGETS, Prediction
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.job.places import CONTINENTS
from mlpaygrade.testing.synthetic import SyntheticMarket

RESULT: Final = Path(__file__).parent / "results" / "interval_coverage.json"
ENDS: Final = {"low": "low", "high": "high", "any": "row"}
"""Target of a prediction -> end of a band as `Truth` of the market names it."""
NARROWED: Final = 0.75
BIAS_LOG: Final = 0.05
SPOILT: Final[Mapping[tuple[int, int], tuple[float, float]]] = {
    (0, 1): (0.10, 0.85),
    (1, 0): (0.08, 0.9),
    (2, 1): (0.05, 0.8),
}
"""(dimension, group) -> further bias in log dollars and further narrowing: abroad, beginners, not seen before."""
GROUP_NAMES: Final = {
    "place": ("United States", *CONTINENTS),
    "experience": ("entry", "mid", "senior", "executive"),
    "novelty": ("title and country known", "one of them new"),
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a draw is made and cut.

    shrinkage: of group shifts, infinite for none. shares: of the postings that fit the encoder, and that calibrate; the rest
    tests.
    """

    postings: int = 8_654
    shuffled: bool = True
    reposted: bool = False
    drift: float = 0.0
    shrinkage: float = SHRINKAGE
    shares: tuple[float, float] = (0.36, 0.32)


VARIANTS: Final = {
    "without groups": Variant(shrinkage=math.inf),
    "shuffled": Variant(),
    "shuffled, reposted": Variant(reposted=True),
    "in order": Variant(shuffled=False, reposted=True, drift=1.0),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """One draw.

    inside: target and percent -> share of the rows of each test posting that was inside, float64 (n,), NaN where the posting
    has no such end. rows: int64 (n,). groups: int64 (n, dimensions). calibrated: postings that calibrated, by dimension and
    group.
    """

    inside: Mapping[tuple[str, int], NDArray[np.float64]]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    calibrated: Mapping[tuple[int, int], int]


def spoilt_truth(market: SyntheticMarket, postings: Postings, groups: NDArray[np.int64]) -> Prediction:
    """What the market's truth would predict for these postings, made wrong."""
    true = [market.truth.quantile(postings.jobs, LEVELS.astype(float).tolist(), end=ENDS[t]) for t in TARGETS]  # type: ignore[arg-type]
    quantiles = np.stack(true, axis=1)
    bias, narrow = np.full(len(postings), BIAS_LOG), np.full(len(postings), NARROWED)
    for (dimension, group), (further_bias, narrower) in SPOILT.items():
        mine = groups[:, dimension] == group
        bias[mine] += further_bias
        narrow[mine] *= narrower
    middle = quantiles[:, :, [MEDIAN]]
    wrong = middle + bias[:, None, None] + narrow[:, None, None] * (quantiles - middle)
    return Prediction(wrong.astype(np.float32), wrong[:, -1, [MEDIAN]].astype(np.float32))


def judge(variant: Variant, *, seed: int) -> Judged:
    """Draw a market, calibrate on one part of it, and see what the intervals hold of another."""
    market = SyntheticMarket(
        seed=seed,
        n_postings=variant.postings,
        copy_scale=float(variant.reposted),
        drift_scale=variant.drift,
    )
    postings = build_postings(market.generate())
    order = np.random.default_rng(seed).permutation(len(postings)) if variant.shuffled else np.arange(len(postings))
    known, calibrate, test = (
        postings.take(part) for part in np.split(order, (np.cumsum(variant.shares) * len(order)).astype(int))
    )
    encoder = JobEncoder.fit(known.jobs, min_count=2)
    seen, new = groups_of(encoder, calibrate.jobs), groups_of(encoder, test.jobs)
    calibration = Calibration.fit(
        spoilt_truth(market, calibrate, seen), Truth.of(calibrate, seen), shrinkage=variant.shrinkage
    )
    calibrated = calibration.apply(spoilt_truth(market, test, new), new)
    numbers = {
        (d, g): int((seen[:, d] == g).sum()) for d, name in enumerate(DIMENSIONS) for g in range(len(GROUP_NAMES[name]))
    }
    return Judged(inside=_inside(calibrated, test), rows=1 + test.paired, groups=new, calibrated=numbers)


def _inside(prediction: Prediction, test: Postings) -> dict[tuple[str, int], NDArray[np.float64]]:
    found = {}
    for target in TARGETS:
        quantiles = prediction.quantiles(target)
        for percent, (a, b) in INTERVALS.items():
            low, high = (
                ((end >= quantiles[:, a]) & (end <= quantiles[:, b])).astype(np.float64)
                for end in (test.low_log, test.high_log)
            )
            one = {"low": low, "high": high, "any": (low + high) / 2}[target]
            found[target, percent] = one if target == "any" else np.where(test.paired, one, np.nan)
    return found


def summarise(draws: list[Judged], *, target: str, percent: int, cell: tuple[int, int] | None = None) -> dict[str, Any]:
    """Pooled coverage of one interval over all draws, of a group (dimension, group) or of all, with its errors."""
    covered, numbers, postings = [], [], 0
    for draw in draws:
        inside = draw.inside[target, percent]
        mine = ~np.isnan(inside) if cell is None else ~np.isnan(inside) & (draw.groups[:, cell[0]] == cell[1])
        weight = draw.rows if target == "any" else np.ones(len(inside))
        covered.append((inside * weight)[mine].sum())
        numbers.append(weight[mine].sum())
        postings += int(mine.sum())
    hits, n = np.array(covered), np.array(numbers)
    coverage = float(hits.sum() / n.sum())
    error = float(np.sqrt(np.sum((hits - coverage * n) ** 2) * len(n) / (len(n) - 1)) / n.sum())
    off = (coverage - percent / 100) / error
    return {
        "coverage": round(coverage, 4),
        "error": round(error, 5),
        "binomial_error": round(math.sqrt(coverage * (1 - coverage) / postings), 5),
        "off_by_errors": round(off, 2),
        "exact": bool(abs(off) <= 2),
        "kept": bool(off >= -2),
        "test_postings": postings,
    }


def measure(variant: Variant, *, draws: int, first_seed: int = 0) -> dict[str, Any]:
    """Coverage of every target and interval for the whole, and of `any` by group."""
    judged = [judge(variant, seed=first_seed + k) for k in range(draws)]
    whole = {
        f"{target} {percent}": summarise(judged, target=target, percent=percent)
        for target in TARGETS
        for percent in INTERVALS
    }
    by_group = {
        name: {
            label: {
                "calibrating_postings_mean": round(float(np.mean([draw.calibrated[d, g] for draw in judged])), 1),
                **{str(p): summarise(judged, target="any", percent=p, cell=(d, g)) for p in INTERVALS},
            }
            for g, label in enumerate(GROUP_NAMES[name])
        }
        for d, name in enumerate(DIMENSIONS)
    }
    return {"whole": whole, "any by group": by_group}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    given = parser.parse_args()
    for name in given.variants:
        variant, start = VARIANTS[name], time.monotonic()
        result = {
            "draws": given.draws,
            "settings": {
                "postings": variant.postings,
                "reposted": variant.reposted,
                "drift": variant.drift,
                "shrinkage": "none" if math.isinf(variant.shrinkage) else variant.shrinkage,
            },
            **measure(variant, draws=given.draws),
            "seconds": round(time.monotonic() - start, 1),
        }
        document = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({**document, name: result}, indent=1) + "\n")
        print(name, json.dumps(result["whole"]["any 90"]), flush=True)


if __name__ == "__main__":
    main()
