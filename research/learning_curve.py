"""How the error falls with data, and what more of it would bring.

Enters: a workbench. Leaves: errors on the newest year by size of the training set, and a fitted curve. The extrapolation
assumes that more data is more of the same: postings of the same years and kinds.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from research.robustness import rmse_log
from research.workbench import Workbench

SHARES: Final = (0.1, 0.2, 0.4, 0.7, 1.0)
DRAWS: Final = 2
"""Random subsets of each size below the whole."""
EXPONENTS: Final = np.arange(0.1, 2.01, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Squared error = floor + slope * postings ** -exponent, both nonnegative."""

    floor: float
    slope: float
    exponent: float

    def rmse(self, postings: float) -> float:
        """RMSE of log pay that the curve expects from so many training postings."""
        return float(np.sqrt(self.floor + self.slope * postings**-self.exponent))


def learning_curve(bench: Workbench, *, names: set[str] | None = None, seed: int = 0) -> dict[str, Any]:
    """Errors of each contender (default: all) trained on random shares of the training postings, and its curve."""
    order = [np.random.default_rng(seed + draw).permutation(len(bench.past)) for draw in range(DRAWS)]
    result = {}
    for contender in bench.contenders:
        if names is not None and contender.name not in names:
            continue
        points = []
        for k, share in enumerate(SHARES, start=1):
            size = round(share * len(bench.past))
            draws = order if share < 1 else order[:1]
            errors = []
            for drawn in draws:
                train = bench.past.take(np.sort(drawn[:size]))
                errors.append(rmse_log(bench.estimate(contender, train, bench.future), bench.future))
            points.append({"postings": size, "rmse_log": float(np.mean(errors)), "draws": errors})
            bench.progress(f"{contender.name}: learning curve", k, len(SHARES), {})
        curve = fit_curve(
            np.array([point["postings"] for point in points], dtype=np.float64),
            np.array([point["rmse_log"] for point in points]),
        )
        n = len(bench.past)
        result[contender.name] = {
            "points": points,
            "curve": asdict(curve),
            "expected": {f"{factor} times the data": curve.rmse(factor * n) for factor in (1, 2, 5)},
        }
    return result


def fit_curve(postings: NDArray[np.float64], rmse: NDArray[np.float64]) -> Curve:
    """Least squares of the squared errors over a grid of exponents; arrays (k,)."""
    squared = rmse**2
    best, found = np.inf, Curve(floor=float(squared.mean()), slope=0.0, exponent=1.0)
    for exponent in EXPONENTS:
        falling = postings**-exponent
        slope = float(np.cov(falling, squared, bias=True)[0, 1] / falling.var())
        floor = float(squared.mean() - slope * falling.mean())
        if floor < 0:
            floor, slope = 0.0, float(falling @ squared / (falling @ falling))
        if slope < 0:
            continue
        misfit = float(np.sum((squared - floor - slope * falling) ** 2))
        if misfit < best:
            best, found = misfit, Curve(floor=floor, slope=slope, exponent=float(exponent))
    return found
