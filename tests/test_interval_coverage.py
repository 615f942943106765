"""Coverage over many draws: what is stated lies within the error of counting, and a broken correction would be noticed."""

import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mlpaygrade.forecast import calibration as conformal
from mlpaygrade.forecast.calibration import INTERVALS, Calibration, Truth
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction, Target

ROOT = Path(__file__).resolve().parent.parent
DRAWS = 300
CALIBRATING = 106
TESTED = 400


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The module of `benchmarks/interval_coverage.py`."""
    path = ROOT / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def draw(n: int, rng: np.random.Generator) -> tuple[Prediction, Truth]:
    """Postings of one kind and a model that knows nothing of them: scores are distances from one figure."""
    ends = np.sort(rng.normal(12, 0.4, (n, 2)), axis=1)
    flat = np.full((n, len(TARGETS), len(LEVELS)), 12, dtype=np.float32)
    truth = Truth(
        low_log=ends[:, 0],
        high_log=ends[:, 1],
        paired=np.ones(n, dtype=bool),
        groups=np.zeros((n, 3), dtype=np.int64),
        weights=np.ones(n),
    )
    return Prediction(flat, flat[:, 0, :2]), truth


def off_by_errors(percent: int, *, target: Target = "low") -> float:
    """Coverage over all draws less what theory promises for so many postings, in errors of counting draws."""
    rng = np.random.default_rng(percent)
    lower, upper = INTERVALS[percent]
    coverage = []
    for _ in range(DRAWS):
        calibration = Calibration.fit(*draw(CALIBRATING, rng))
        prediction, test = draw(TESTED, rng)
        quantiles = calibration.apply(prediction, test.groups).quantiles(target)
        end = test.low_log if target == "low" else test.high_log
        coverage.append(np.mean((end >= quantiles[:, lower]) & (end <= quantiles[:, upper])))
    # The new posting's rank among n + 1 is uniform: P(at most the k-th of n) = k / (n + 1).
    n = CALIBRATING + 1
    promised = math.ceil(n * percent / 100) / n
    return float((np.mean(coverage) - promised) / (np.std(coverage, ddof=1) / math.sqrt(DRAWS)))


@pytest.mark.parametrize("target", ["low", "high"])
@pytest.mark.parametrize("percent", INTERVALS)
def test_small_samples_cover_what_theory_promises(percent: int, target: Target) -> None:
    assert abs(off_by_errors(percent, target=target)) < 3


def uncorrected(scores: np.ndarray, level: float, **_: object) -> float:
    return float(np.quantile(scores, level))


def counted_tenfold(scores: np.ndarray, level: float, **given: object) -> float:
    """Corrected as if each posting had been seen ten times."""
    return conformal_quantile(scores, level, count=10.0 * len(scores))


conformal_quantile = conformal.conformal_quantile


@pytest.mark.parametrize("broken", [uncorrected, counted_tenfold])
def test_a_broken_correction_would_be_noticed(broken: Callable[..., float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformal, "conformal_quantile", broken)
    assert off_by_errors(90) < -3


def test_the_synthetic_market_is_covered_for_the_whole_and_by_group(benchmark: ModuleType) -> None:
    """The benchmark in small: within the errors of counting or one point, whichever is wider, as group shifts are shrunk."""
    variant = benchmark.Variant(postings=3_000, shares=(0.3, 0.35))
    judged = [benchmark.judge(variant, seed=seed) for seed in range(12)]
    for target in TARGETS:
        for percent in INTERVALS:
            found = benchmark.summarise(judged, target=target, percent=percent)
            assert abs(found["coverage"] - percent / 100) < max(3 * found["error"], 0.01), (target, percent, found)
    for dimension, group in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]:
        found = benchmark.summarise(judged, target="any", percent=90, cell=(dimension, group))
        assert abs(found["coverage"] - 0.9) < max(3 * found["error"], 0.01), (dimension, group, found)


def test_the_spoilt_truth_is_far_from_covering_and_calibration_mends_it(benchmark: ModuleType) -> None:
    variant = benchmark.Variant(postings=2_000, shares=(0.3, 0.35))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Calibration, "apply", lambda self, prediction, groups: prediction)
        raw = [benchmark.judge(variant, seed=seed) for seed in range(3)]
    assert benchmark.summarise(raw, target="any", percent=90)["coverage"] < 0.85
