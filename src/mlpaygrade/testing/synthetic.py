"""A synthetic market with known truth: a file like the public one, for tests, examples and anyone without the data.

Rows have the dataset's columns and file order (newest first, a band's high end before its low end, reposted copies further
up). Written files carry `synthetic` in their name and a sidecar that `table.read_table` recognises. No figure here is a salary
that anybody was paid. `MarketTruth` gives exact means, distributions and quantiles of log salary, for the low end, the high
end, the middle, and a row of the file, in natural-log dollars, for a posting of job x that arrived at share a of its year:

    middle = intercept + effects(x) + interactions(x) + drift[year] * (a - 1/2) + Normal(0, noise[level])
    high, low = middle +- width / 2,  width drawn from the level's table of widths

A posting with a single figure shows the middle. Where a is not given it is uniform. Every distribution is thus a finite
mixture of normals, each spread evenly over the drift: closed forms, no simulation. The file differs from the truth in two
things: dollars are rounded as adverts round them, and a copy repeats the figures of the posting it copies, so it is no new
evidence.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.table import sidecar_path
from mlpaygrade.dataset.writing import write_file
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
        msgspec.convert({**row, "year": row["work_year"]}, Year, strict=False) for row in _table("synthetic_years.csv")
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
    if end != "row":
        return (half if end == "high" else -half), weight
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


FORMAT_VERSION: Final = 1
"""Raised when the same seed and dials no longer give the same file."""
LATE_SHARE: Final = 0.03
LATE_SPAN: Final = 0.02
"""So many postings are published late, by on average this share of the file; so years interleave at their borders."""
COPY_GAP: Final = (0.024, 1.6)
"""How far above its original a copy stands: median as a share of the file, and the spread of its logarithm."""
ROUNDING: Final = ((1, 0.17), (100, 0.26), (1_000, 0.20), (5_000, 0.37))
"""(dollars to which both ends are rounded, share of postings); 5,000 only from 80,000 up, 1,000 below."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """A generated file and what was planted in it. Postings are numbered in file order, 0 the newest.

    frame: rows in `schema.COLUMNS`. posting: int64 (n_rows,), the posting of each row. end: int8 (n_rows,), 1 high,
    -1 low, 0 a single figure. root: int64 (n_postings,), the posting it copies, its own number for an original.
    arrival: float64 (n_postings,) in 0..1 within its year, 1 newest. log_middle: float64 (n_postings,), unrounded.
    """

    frame: "pd.DataFrame"
    posting: Indices
    end: npt.NDArray[np.int8]
    root: Indices
    arrival: Floats
    log_middle: Floats


@dataclass(frozen=True, kw_only=True)
class SyntheticMarket:
    """A market to draw from; equal settings give equal files.

    `copy_scale` and `single_scale` multiply the yearly shares of reposted copies and of postings with one figure.
    """

    seed: int = 0
    n_postings: int = 8_654
    noise_scale: float = 1.0
    drift_scale: float = 1.0
    copy_scale: float = 1.0
    single_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.n_postings < 1:
            raise InputError(f"n_postings must be at least 1; got {self.n_postings}.")
        if self.noise_scale <= 0:
            raise InputError(f"noise_scale must be positive; got {self.noise_scale}.")
        for name in ("copy_scale", "single_scale"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie from 0 to 1; got {getattr(self, name)}.")

    @cached_property
    def truth(self) -> Truth:
        """What the figures were drawn from."""
        return Truth(noise_scale=self.noise_scale, drift_scale=self.drift_scale, single_scale=self.single_scale)

    def generate(self) -> "pd.DataFrame":
        """The rows alone: `draw().frame`."""
        return self.draw().frame

    def draw(self) -> Draw:
        """Draw the market; the same object always draws the same."""
        rng = np.random.default_rng(self.seed)
        year_index, arrival = _arrivals(rng, self.n_postings)
        jobs = _jobs(rng, year_index)
        levels = jobs[schema.EXPERIENCE].to_numpy()
        noise = np.zeros(self.n_postings)
        width = np.zeros(self.n_postings)
        for level, sigma in NOISE.items():
            of_level = np.flatnonzero(levels == level)
            noise[of_level] = rng.normal(0.0, self.noise_scale * sigma, len(of_level))
            width[of_level] = rng.choice(widths(), len(of_level), p=width_shares(level))
        log_middle = self.truth.log_middle(jobs, arrival=arrival) + noise
        single_share = np.array([year.share_single for year in years()])[year_index]
        single = rng.random(self.n_postings) < single_share * self.single_scale
        unit = _rounding(rng, log_middle)
        root = _roots(rng, year_index, copy_scale=self.copy_scale)
        return _file_order(jobs, log_middle, width=width, single=single, unit=unit, root=root, arrival=arrival)

    def write(self, path: Path) -> Path:
        """Write the file and its sidecar, each at once; returns `path`.

        The name must contain "synthetic". Raises InputError for the name, ResourceError where it cannot be written.
        """
        if "synthetic" not in path.name.lower():
            raise InputError(f'A generated file must carry "synthetic" in its name; got {path.name!r}.')
        frame = self.generate()
        content = frame.to_csv(index=False, lineterminator="\n").encode()
        meta = {
            "synthetic": True,
            "note": "Generated by a model; not salaries that anybody was paid.",
            "format_version": FORMAT_VERSION,
            "settings": {name: getattr(self, name) for name in self.__dataclass_fields__},
            "rows": len(frame),
            "sha256": sha256_of(content),
        }
        write_file(sidecar_path(path), json.dumps(meta, indent=2) + "\n", parents=True)
        write_file(path, content)  # after its sidecar, so that the data never stands unmarked
        return path


def _arrivals(rng: np.random.Generator, n: int) -> tuple[Indices, Floats]:
    """Year index and place within the year (0..1) of each posting, both (n,), oldest posting first."""
    share = np.array([year.share for year in years()])
    year_index = np.sort(rng.choice(len(share), n, p=share / share.sum())).astype(np.int64)
    late = np.where(rng.random(n) < LATE_SHARE, rng.exponential(LATE_SPAN * n, n), 0.0)
    year_index = year_index[np.argsort(np.arange(n) + late, kind="stable")]
    arrival = np.empty(n)
    for index in range(len(share)):
        places = np.flatnonzero(year_index == index)
        arrival[places] = (np.arange(len(places)) + 0.5) / max(1, len(places))
    return year_index, arrival


def _jobs(rng: np.random.Generator, year_index: Indices) -> "pd.DataFrame":
    """Jobs as frequent as in the public file, (n, 8), columns `FEATURES`."""
    import pandas as pd

    n = len(year_index)
    table = years()
    in_us = rng.random(n) < np.array([year.share_us for year in table])[year_index]
    early = np.array([year.early for year in table])[year_index]
    contexts: dict[Literal["us", "abroad", "early"], npt.NDArray[np.bool_]] = {
        "us": in_us & ~early,
        "abroad": ~in_us & ~early,
        "early": early,
    }
    columns: dict[str, npt.NDArray[np.object_] | Indices] = {
        schema.YEAR: np.array([year.year for year in table], dtype=np.int64)[year_index]
    }
    for column in (schema.EXPERIENCE, schema.EMPLOYMENT, schema.TITLE, schema.REMOTE, schema.SIZE):
        cells = np.empty(n, dtype=object)
        for context, mask in contexts.items():
            codes, share = shares(column, context=context)
            drawn = rng.choice(len(codes), int(mask.sum()), p=share)
            cells[mask] = np.array(codes, dtype=object)[drawn]
        columns[column] = cells.astype(np.int64) if column == schema.REMOTE else cells
    abroad, share = shares(schema.LOCATION, context="abroad")
    places = np.array(["US", *abroad], dtype=object)
    elsewhere = 1 + rng.choice(len(abroad), (2, n), p=share)
    location = np.where(in_us, 0, elsewhere[0])
    moved = rng.random(n) < np.array([year.share_moved for year in table])[year_index]
    columns[schema.LOCATION] = places[location]
    columns[schema.RESIDENCE] = places[np.where(moved, elsewhere[1], location)]
    return pd.DataFrame({column: columns[column] for column in schema.FEATURES})


def _rounding(rng: np.random.Generator, log_middle: Floats) -> Indices:
    """Dollars to which a posting's figures are rounded, (n,)."""
    units, share = np.array([unit for unit, _ in ROUNDING]), np.array([share for _, share in ROUNDING])
    unit = units[rng.choice(len(units), len(log_middle), p=share / share.sum())].astype(np.int64)
    return np.where((unit == 5_000) & (log_middle < np.log(80_000)), 1_000, unit)


def _roots(rng: np.random.Generator, year_index: Indices, *, copy_scale: float) -> Indices:
    """For each posting, oldest first, the original whose job and figures it repeats; itself where it is one, (n,)."""
    n = len(year_index)
    chance = np.array([year.share_copied for year in years()])[year_index]
    copied = rng.random(n) < chance * copy_scale
    median, spread = COPY_GAP
    gap = np.ceil(rng.lognormal(np.log(max(1.0, median * n)), spread, n))
    own = np.arange(n, dtype=np.int64)
    target = np.maximum(own - np.minimum(gap, n).astype(np.int64), 0)
    copied &= (own >= gap) & (year_index[target] == year_index)
    root = np.where(copied, target, own)
    while not np.array_equal(root, root[root]):
        root = root[root]
    return root


def _file_order(
    jobs: "pd.DataFrame",
    log_middle: Floats,
    *,
    width: Floats,
    single: npt.NDArray[np.bool_],
    unit: Indices,
    root: Indices,
    arrival: Floats,
) -> Draw:
    """Postings, oldest first, laid out as rows, newest first, with the job and figures of the posting that each copies."""
    n, log_middle, single = len(jobs), log_middle[root], single[root]
    newest_first = np.arange(n)[::-1]
    n_rows = np.where(single, 1, 2)[newest_first]
    posting = np.repeat(np.arange(n, dtype=np.int64), n_rows)
    second = np.append(False, posting[1:] == posting[:-1])
    source = newest_first[posting]
    end = np.where(single[source], 0, np.where(second, -1, 1)).astype(np.int8)
    original = root[source]
    dollars = np.exp(log_middle[source] + end * width[original] / 2)
    salary_usd = (np.rint(dollars / unit[original]) * unit[original]).astype(np.int64)
    salary_usd = np.clip(salary_usd, schema.MIN_SALARY_USD, schema.MAX_SALARY_USD)
    frame = jobs.iloc[original].reset_index(drop=True)
    frame[schema.SALARY] = frame[schema.TARGET] = salary_usd
    frame[schema.CURRENCY] = "USD"
    return Draw(
        frame=frame[list(schema.COLUMNS)],
        posting=posting,
        end=end,
        root=(n - 1 - root)[newest_first],
        arrival=arrival[newest_first],
        log_middle=log_middle[newest_first],
    )
