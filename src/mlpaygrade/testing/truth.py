"""The known truth behind the synthetic market: what each field does to pay, how wide bands are, how much is chance.

Enters: jobs (frame with `FEATURES`) and, if wanted, when in its year each arrived. Leaves: exact means, distributions
and quantiles of log salary, for the low end, the high end, the middle, and a row of the file. Draws nothing; that is
the part of `synthetic`.

The model, in natural-log dollars, for a posting of job x that arrived at share a of its year (0 oldest, 1 newest):

    middle = intercept + effects(x) + interactions(x) + drift[year] * (a - 1/2) + Normal(0, noise[level])
    high, low = middle +- width / 2,  width drawn from the level's table of widths

A posting with a single figure shows the middle. Where a is not given it is uniform. Every distribution is thus a finite
mixture of normals, each spread evenly over the drift: closed forms, no simulation. Dollars in a file are also rounded.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.job import fields as schema

if TYPE_CHECKING:
    import pandas as pd

End = Literal["low", "high", "mid", "row"]
Floats = npt.NDArray[np.float64]

INTERCEPT: Final = math.log(150_000)
NOISE: Final[Mapping[str, float]] = {"EN": 0.28, "MI": 0.26, "SE": 0.23, "EX": 0.24}
"""Standard deviation of the middle, log dollars, by level."""
MOVED_EFFECT: Final = -0.15
"""Effect where employee_residence differs from company_location, whatever the two are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One work year: its share of postings, shares within it, effect and drift over it in log dollars."""

    year: int
    share: float
    share_us: float
    share_single: float
    share_copied: float
    share_moved: float
    early: bool
    log_effect: float
    log_drift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The truth with its dials.

    `noise_scale` multiplies the spread of the middle, `drift_scale` the drift within years, `single_scale` the share of
    postings with a single figure.
    """

    noise_scale: float = 1.0
    drift_scale: float = 1.0
    single_scale: float = 1.0

    def effects(self) -> dict[str, dict[str | int, float]]:
        """Column -> code -> effect in log dollars, against the reference code of that column (effect 0)."""
        return {
            schema.YEAR: {year.year: year.log_effect for year in years()},
            **{column: dict(effects) for column, effects in _effects().items()},
        }

    def interactions(self) -> dict[tuple[tuple[str, str | int], tuple[str, str | int]], float]:
        """((column, code), (column, code)) -> extra effect in log dollars where both hold."""
        return dict(_interactions())

    def log_middle(self, jobs: "pd.DataFrame", *, arrival: Floats | None = None) -> Floats:
        """Expected middle in log dollars, (n,). `arrival` (n,) in 0..1 within the year; its average without.

        Raises InputError for codes that the market does not have.
        """
        middle = np.full(len(jobs), INTERCEPT)
        for column, effects in self.effects().items():
            effect = jobs[column].map(effects).to_numpy(dtype=np.float64)
            if np.isnan(effect).any():
                code = jobs[column].to_numpy()[np.isnan(effect).argmax()]
                raise InputError(f"{column} {code!r} does not exist in the synthetic market; see Truth.effects().")
            middle += effect
        for ((one, one_code), (two, two_code)), effect_ in _interactions().items():
            middle += effect_ * ((jobs[one] == one_code) & (jobs[two] == two_code)).to_numpy(dtype=np.float64)
        middle += MOVED_EFFECT * (jobs[schema.RESIDENCE] != jobs[schema.LOCATION]).to_numpy(dtype=np.float64)
        if arrival is not None:
            drift = jobs[schema.YEAR].map({year.year: year.log_drift for year in years()}).to_numpy(dtype=np.float64)
            middle += self.drift_scale * drift * (arrival - 0.5)
        return middle

    def mean(self, jobs: "pd.DataFrame", *, end: End, arrival: Floats | None = None) -> Floats:
        """Exact conditional mean of the log salary in log dollars, (n,)."""
        offset = np.zeros(len(jobs))
        for level in NOISE:
            half = float(widths() @ width_shares(level)) / 2
            offset[(jobs[schema.EXPERIENCE] == level).to_numpy()] = {"low": -half, "high": half}.get(end, 0.0)
        return self.log_middle(jobs, arrival=arrival) + offset

    def cdf(self, jobs: "pd.DataFrame", log_salary: Floats, *, end: End, arrival: Floats | None = None) -> Floats:
        """Exact probability, (n,), that the log salary of job i is at most `log_salary[i]`."""
        distance = log_salary - self.log_middle(jobs, arrival=arrival)
        shares = np.empty(len(jobs))
        for level, year, places in _kinds(jobs):
            shares[places] = self._offset_cdf(
                distance[places], level=level, year=year, end=end, known=arrival is not None
            )
        return shares

    def quantile(
        self, jobs: "pd.DataFrame", probabilities: Sequence[float], *, end: End, arrival: Floats | None = None
    ) -> Floats:
        """Exact quantiles of the log salary in log dollars, (n, k) for k probabilities inside (0, 1)."""
        wanted = np.asarray(probabilities, dtype=np.float64)
        if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
            raise InputError(f"probabilities must lie inside (0, 1); got {probabilities}.")
        middle = self.log_middle(jobs, arrival=arrival)
        offsets = np.empty((len(jobs), len(wanted)))
        for level, year, places in _kinds(jobs):
            offsets[places] = self._offset_quantile(wanted, level=level, year=year, end=end, known=arrival is not None)
        return middle[:, None] + offsets

    def _offset_cdf(self, distance: Floats, *, level: str, year: Year, end: End, known: bool) -> Floats:
        """P(log salary - expected middle <= distance), (m,), for one level and year."""
        from_middle, weights = _components(level, share_single=self.single_scale * year.share_single, end=end)
        sigma = self.noise_scale * NOISE[level]
        spread = 0.0 if known else abs(self.drift_scale * year.log_drift)
        parts = _smoothed_normal_cdf(distance[:, None] - from_middle, sigma=sigma, spread=spread)
        return np.asarray(parts @ weights, dtype=np.float64)

    def _offset_quantile(self, probabilities: Floats, *, level: str, year: Year, end: End, known: bool) -> Floats:
        """Inverse of `_offset_cdf` by bisection to 1e-12, (k,)."""
        reach = widths().max() / 2 + 9 * self.noise_scale * NOISE[level] + abs(self.drift_scale * year.log_drift)
        low: Floats = np.full(len(probabilities), -reach)
        high: Floats = np.full(len(probabilities), reach)
        for _ in range(50):
            middle = (low + high) / 2
            below = self._offset_cdf(middle, level=level, year=year, end=end, known=known) < probabilities
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2, dtype=np.float64)


@cache
def years() -> tuple[Year, ...]:
    """The work years of the market, oldest first."""
    return tuple(
        Year(
            year=int(row["work_year"]),
            share=float(row["share"]),
            share_us=float(row["share_us"]),
            share_single=float(row["share_single"]),
            share_copied=float(row["share_copied"]),
            share_moved=float(row["share_moved"]),
            early=row["early"] == "1",
            log_effect=float(row["log_effect"]),
            log_drift=float(row["log_drift"]),
        )
        for row in _table("synthetic_years.csv")
    )


def shares(column: str, *, context: Literal["us", "abroad", "early"]) -> tuple[list[str | int], Floats]:
    """Codes of a column and how often each stands in that part of the market; shares (n_codes,) sum to 1."""
    found = [
        (row["code"], row[f"share_{context}"]) for row in _table("synthetic_market.csv") if row["column"] == column
    ]
    share = np.array([float(text) for _, text in found if text])
    return [_typed(column, code) for code, text in found if text], share / share.sum()


def widths() -> Floats:
    """The possible log widths of a band, (n_widths,)."""
    return np.array([float(row["log_width"]) for row in _table("synthetic_bands.csv")])


def width_shares(level: str) -> Floats:
    """How often each of `widths` stands at an experience level, (n_widths,), sums to 1."""
    share = np.array([float(row[level]) for row in _table("synthetic_bands.csv")])
    return np.asarray(share / share.sum())


@cache
def _table(name: str) -> tuple[Mapping[str, str], ...]:
    with (resources.files("mlpaygrade.testing") / "tables" / name).open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@cache
def _effects() -> Mapping[str, Mapping[str | int, float]]:
    """Column -> code -> effect. The residence has none of its own: only its differing from the location counts."""
    effects: dict[str, dict[str | int, float]] = {}
    for row in _table("synthetic_market.csv"):
        if "*" not in row["column"]:
            effects.setdefault(row["column"], {})[_typed(row["column"], row["code"])] = float(row["log_effect"])
    effects[schema.RESIDENCE] = dict.fromkeys(effects[schema.LOCATION], 0.0)
    return effects


@cache
def _interactions() -> Mapping[tuple[tuple[str, str | int], tuple[str, str | int]], float]:
    found = {}
    for row in _table("synthetic_market.csv"):
        if "*" in row["column"]:
            (one, two), (one_code, two_code) = row["column"].split("*"), row["code"].split("*")
            pair = ((one, _typed(one, one_code)), (two, _typed(two, two_code)))
            found[pair] = float(row["log_effect"])
    return found


def _typed(column: str, code: str) -> str | int:
    return int(code) if column in (schema.YEAR, schema.REMOTE) else code


def _kinds(jobs: "pd.DataFrame") -> list[tuple[str, Year, npt.NDArray[np.bool_]]]:
    """(level, year, mask of the jobs of that kind): all that the shape of a distribution depends on."""
    levels, work_years = jobs[schema.EXPERIENCE].to_numpy(), jobs[schema.YEAR].to_numpy()
    kinds = [(level, year, (levels == level) & (work_years == year.year)) for level in NOISE for year in years()]
    return [kind for kind in kinds if kind[2].any()]


def _components(level: str, *, share_single: float, end: End) -> tuple[Floats, Floats]:
    """Offsets from the middle and weights of the mixture, (n_components,) each."""
    half, weight = widths() / 2, width_shares(level)
    if end == "mid":
        return np.zeros(1), np.ones(1)
    if end == "high":
        return half, weight
    if end == "low":
        return -half, weight
    rows = 2.0 - share_single  # rows a posting takes on average: two with both ends, one without
    paired = weight * (1.0 - share_single) / rows
    return np.concatenate([half, -half, [0.0]]), np.concatenate([paired, paired, [share_single / rows]])


def _smoothed_normal_cdf(distance: Floats, *, sigma: float, spread: float) -> Floats:
    """Distribution function of Normal(0, sigma) plus Uniform(-spread/2, spread/2).

    With I(u) = u Phi(u) + phi(u), the integral of Phi: (I((x + s/2)/sigma) - I((x - s/2)/sigma)) * sigma / s.
    """
    try:
        from scipy.special import ndtr
    except ImportError as error:
        raise ResourceError('Exact distributions need scipy: pip install "mlpaygrade[market]".') from error
    if sigma <= 0:
        raise InputError(f"noise_scale must be positive; got a spread of {sigma} log dollars.")
    if spread / sigma < 1e-4:  # the difference below would lose more digits than the drift is worth
        return np.asarray(ndtr(distance / sigma), dtype=np.float64)

    def integral(u: Floats) -> Floats:
        return np.asarray(u * ndtr(u) + np.exp(-u * u / 2) / math.sqrt(2 * math.pi), dtype=np.float64)

    upper, lower = (distance + spread / 2) / sigma, (distance - spread / 2) / sigma
    return (integral(upper) - integral(lower)) * (sigma / spread)
