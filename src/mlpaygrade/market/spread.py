"""Section 3: how far pay spreads within employment type and company size.

A standard deviation in dollars grows with pay and hangs on single rows, so the spread of log pay is given beside it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mlpaygrade.job.fields import EMPLOYMENT, SIZE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure, number, pair_codes, row_moments
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import group_squares
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints
from mlpaygrade.market.wording import Estimate
from mlpaygrade.rendering.charts import Forest
from mlpaygrade.rendering.words import counted


class LogSpread(Estimate):
    """One standard deviation of log pay, written as a factor."""

    @staticmethod
    def write(value: float, /) -> str:
        """A deviation of log pay as a factor: 1.50."""
        return f"{np.exp(value):.2f}"

    @property
    def factor(self) -> Estimate:
        """The factor itself."""
        return Estimate(value=float(np.exp(self.value)), low=float(np.exp(self.low)), high=float(np.exp(self.high)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadCell:
    """An employment type at a company size. row_deviation_usd: of its rows, None for one. log: None where postings are few."""

    employment: str
    size: str
    postings: int
    rows: int
    few: bool
    row_deviation_usd: float | None
    log: LogSpread | None

    @property
    def name(self) -> str:
        """The cell inside a sentence."""
        return f"{wording.lower_first(self.employment)} work at {self.size.lower()} companies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The cells. brown_forsythe_p: that full-time pay spreads alike at the sizes compared, None where it was not tested."""

    cells: tuple[SpreadCell, ...]
    brown_forsythe_p: float | None
    sizes_compared: tuple[str, ...]


def spread_section(analysis: Analysis) -> Finding[Spread]:
    """Spread of pay in every cell of employment type and company size."""
    cells = _cells(analysis)
    p, sizes = _brown_forsythe(analysis)
    numbers = Spread(cells=cells, brown_forsythe_p=p, sizes_compared=sizes)
    judged = sorted(((cell, cell.log) for cell in cells if cell.log), key=lambda pair: -pair[1].value)
    if not judged:
        return Finding(numbers=numbers, missing=f"No cell has {MIN_CELL} postings.")
    few = [cell for cell in cells if cell.few]
    return Finding(
        numbers=numbers,
        answer=_answer(judged, few),
        effect=_effect(*judged[0], p, sizes),
        uncertainty=f"{analysis.bootstrapped}, only for cells of {MIN_CELL} postings or more.",
        cannot=(
            "A cell mixes levels, titles and countries, so its spread is not the uncertainty of one person's pay.",
            f"{len(few)} of {len(cells)} cells hold fewer than {MIN_CELL} postings; their deviations are shown, marked, and not "
            "ranked.",
        ),
        figures=[_figure(cells)],
    )


def _cells(analysis: Analysis) -> tuple[SpreadCell, ...]:
    sample = analysis.sample
    employment, size = sample.fields["employment"], sample.fields["size"]
    codes, k = pair_codes(sample, "employment", "size")
    counts = np.bincount(codes, minlength=k)
    spread, low, high = analysis.bootstrap.normal(lambda w: log_spread(w, codes, sample.log_middle, k=k))
    rows = row_moments(sample.rows, (EMPLOYMENT, SIZE))
    cells = []
    for at in np.flatnonzero(counts).tolist():
        one, two = divmod(at, len(size.keys))
        key = (employment.keys[one], size.keys[two])
        few = bool(counts[at] < MIN_CELL)
        cells.append(
            SpreadCell(
                employment=employment.labels[one],
                size=wording.short(size.labels[two]),
                postings=int(counts[at]),
                rows=int(rows["size"][key]),
                few=few,
                row_deviation_usd=number(rows["std"][key]),
                log=None if few else LogSpread.of(spread[at], max(0.0, low[at]), high[at]),
            )
        )
    return tuple(cells)


def log_spread(weights: Floats, codes: Ints, log_pay: Floats, *, k: int) -> Floats:
    """Standard deviation of log pay within groups, (k,), NaN below two observations."""
    mass, squares = group_squares(weights, codes, log_pay, k=k)
    return np.asarray(np.sqrt(np.divide(squares, mass - 1, out=np.full(k, np.nan), where=mass > 1)))


def _brown_forsythe(analysis: Analysis) -> tuple[float | None, tuple[str, ...]]:
    """Test that full-time pay spreads alike in every company size, on adverts, in log pay."""
    sample, first = analysis.sample, analysis.sample.first_of_advert
    employment, size = sample.fields["employment"], sample.fields["size"]
    full_time = employment.codes[first] == employment.code("FT")
    groups = {}
    for code, label in enumerate(size.labels):
        inside = full_time & (size.codes[first] == code)
        if inside.sum() >= MIN_CELL:
            groups[wording.short(label).lower()] = sample.log_middle[first][inside]
    if len(groups) < 2 or any(np.ptp(group) == 0 for group in groups.values()):
        return None, ()
    return float(stats.levene(*groups.values(), center="median").pvalue), tuple(groups)


def as_factor(log_deviation: float) -> str:
    """A deviation of log pay as "a factor of 1.5"."""
    return f"a factor of {LogSpread.write(log_deviation)}"


def _answer(judged: list[tuple[SpreadCell, LogSpread]], few: list[SpreadCell]) -> str:
    (top, highest), (bottom, lowest) = judged[0], judged[-1]
    text = (
        f"Of the cells with at least {MIN_CELL} postings, pay spreads most for {top.name} "
        f"({as_factor(highest.value)} to either side)"
    )
    near = sum(log.high >= highest.low for _, log in judged[1:])
    if near:
        text += f", not clearly apart from {counted(near, 'other cell')},"
    if len(judged) > 1:
        text += f" and least for {bottom.name} ({as_factor(lowest.value)})"
    deviations = [(cell.row_deviation_usd, cell) for cell in few if cell.row_deviation_usd is not None]
    if deviations:
        usd, extreme = max(deviations, key=lambda pair: pair[0])
        text += f"; the deviation of {wording.dollars(usd)} for {extreme.name} rests on {counted(extreme.postings, 'posting')}"
    return text + "."


def _effect(top: SpreadCell, log: LogSpread, p: float | None, sizes: tuple[str, ...]) -> str:
    text = f"One standard deviation of log pay for {top.name}: {as_factor(log.value)} ({log.interval})."
    if p is not None:
        text += f" Full-time pay at {wording.listed(sizes)} companies: Brown-Forsythe p {wording.p_value(p)} for equal spread."
    return text


def _figure(cells: tuple[SpreadCell, ...]) -> Figure:
    named = [(f"{cell.employment}, {cell.size.lower()} company", cell.log) for cell in cells if cell.log]
    marks = tuple(log.factor.mark(label, "Spread", f"{label}: {as_factor(log.value)}") for label, log in named)
    return figure(
        "variance-cells",
        "Spread of pay: one standard deviation of log pay, as a factor",
        f"Points with intervals for the {len(marks)} cells of enough postings.",
        Forest(marks=marks, axis="factor", x_title="factor to either side", zero=None, step=30),
        cells,
        ("Employment", lambda cell: cell.employment),
        ("Company size", lambda cell: cell.size),
        ("Postings", lambda cell: wording.postings(cell.postings, few=cell.few)),
        ("Rows", lambda cell: f"{cell.rows:,}"),
        ("Deviation of rows", lambda cell: wording.or_dash(cell.row_deviation_usd, wording.exact_dollars)),
        ("Spread as a factor", lambda cell: cell.log.text if cell.log else wording.DASH),
        (wording.INTERVAL, lambda cell: wording.ends(cell.log)),
    )
