"""A synthetic market with known truth: a file like the public one, for tests, examples and anyone without the data.

Enters: a seed, a size, and a few dials. Leaves: rows in the dataset's columns and file order (newest first, a band's
high end before its low end, reposted copies further up), what was planted, and the `truth` to judge estimates by.
Written files carry `synthetic` in their name and a sidecar that `table.read_table` recognises. No figure here is a
salary that anybody was paid.

Where the file differs from the truth: dollars are rounded as adverts round them, and a copy repeats the figures of the
posting it copies, so it is no new evidence.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.table import sidecar_path
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError
from mlpaygrade.job import fields as schema
from mlpaygrade.testing import truth as market_truth
from mlpaygrade.testing.truth import Floats, Truth

if TYPE_CHECKING:
    import pandas as pd

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
        for level, sigma in market_truth.NOISE.items():
            of_level = np.flatnonzero(levels == level)
            noise[of_level] = rng.normal(0.0, self.noise_scale * sigma, len(of_level))
            width[of_level] = rng.choice(market_truth.widths(), len(of_level), p=market_truth.width_shares(level))
        log_middle = self.truth.log_middle(jobs, arrival=arrival) + noise
        single_share = np.array([year.share_single for year in market_truth.years()])[year_index]
        single = rng.random(self.n_postings) < single_share * self.single_scale
        unit = _rounding(rng, log_middle)
        root = _roots(rng, year_index, copy_scale=self.copy_scale)
        return _file_order(
            jobs.iloc[root],
            log_middle[root],
            width=width[root],
            single=single[root],
            unit=unit[root],
            root=root,
            arrival=arrival,
        )

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
    share = np.array([year.share for year in market_truth.years()])
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
    table = market_truth.years()
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
            codes, share = market_truth.shares(column, context=context)
            drawn = rng.choice(len(codes), int(mask.sum()), p=share)
            cells[mask] = np.array(codes, dtype=object)[drawn]
        columns[column] = cells.astype(np.int64) if column == schema.REMOTE else cells
    abroad, share = market_truth.shares(schema.LOCATION, context="abroad")
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
    chance = np.array([year.share_copied for year in market_truth.years()])[year_index]
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
    """Postings, oldest first, laid out as rows, newest first."""
    n = len(jobs)
    newest_first = np.arange(n)[::-1]
    n_rows = np.where(single, 1, 2)[newest_first]
    posting = np.repeat(np.arange(n, dtype=np.int64), n_rows)
    second = np.append(False, posting[1:] == posting[:-1])
    source = newest_first[posting]
    end = np.where(single[source], 0, np.where(second, -1, 1)).astype(np.int8)
    dollars = np.exp(log_middle[source] + end * width[source] / 2)
    salary_usd = (np.rint(dollars / unit[source]) * unit[source]).astype(np.int64)
    salary_usd = np.clip(salary_usd, schema.MIN_SALARY_USD, schema.MAX_SALARY_USD)
    frame = jobs.iloc[source].reset_index(drop=True)
    frame[schema.SALARY] = salary_usd
    frame[schema.CURRENCY] = "USD"
    frame[schema.TARGET] = salary_usd
    return Draw(
        frame=frame[list(schema.COLUMNS)],
        posting=posting,
        end=end,
        root=(n - 1 - root)[newest_first],
        arrival=arrival[newest_first],
        log_middle=log_middle[newest_first],
    )
