"""Section 3: how far pay spreads within employment type and company size.

A standard deviation in dollars grows with pay and hangs on single rows, so the spread of log pay is given beside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from mlpaygrade.job.fields import EMPLOYMENT, LABELS, SIZE
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import (
    DASH,
    INTERVAL,
    Analysis,
    Finding,
    Question,
    Span,
    number,
    pair_codes,
    postings_text,
    row_moments,
    span,
)
from mlpaygrade.market.document import Figure
from mlpaygrade.market.inference import normal_interval
from mlpaygrade.market.sample import MIN_CELL, Floats, Ints
from mlpaygrade.rendering.charts import Forest, Mark

QUESTION: Final = Question(
    key="variance", title="Spread within employment type and company size", question="Where does pay vary most?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSpread:
    """One standard deviation of log pay, with its interval."""

    spread: float
    interval: Span

    @property
    def factors(self) -> tuple[float, float, float]:
        """The spread and the ends of its interval as factors."""
        low, high = self.interval
        return float(np.exp(self.spread)), float(np.exp(low)), float(np.exp(high))

    @property
    def text(self) -> str:
        """A factor of 1.50 (95 % interval 1.45 to 1.56)."""
        _, low, high = self.factors
        return f"{as_factor(self.spread)} ({wording.interval(f'{low:.2f}', f'{high:.2f}')})"


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
    judged = sorted(((cell, cell.log) for cell in cells if cell.log), key=lambda pair: -pair[1].spread)
    if not judged:
        found: Finding[Spread] = QUESTION.open(f"No cell has {MIN_CELL} postings.", n=analysis.counts)
        return Finding(section=found.section, numbers=numbers)
    few = [cell for cell in cells if cell.few]
    return QUESTION.answered(
        numbers,
        answer=_answer(judged, few),
        effect=_effect(*judged[0], p, sizes),
        uncertainty=f"{analysis.bootstrapped}, only for cells of {MIN_CELL} postings or more.",
        cannot=(
            "A cell mixes levels, titles and countries, so its spread is not the uncertainty of one person's pay.",
            f"{len(few)} of {len(cells)} cells hold fewer than {MIN_CELL} postings; their deviations are "
            "shown, marked, and not ranked.",
        ),
        n=analysis.counts,
        figures=[_figure(cells)],
    )


def _cells(analysis: Analysis) -> tuple[SpreadCell, ...]:
    sample = analysis.sample
    employment, size = sample.fields["employment"], sample.fields["size"]
    codes, k = pair_codes(sample, "employment", "size")
    counts = np.bincount(codes, minlength=k)
    spread = log_spread(np.ones(len(sample)), codes, sample.log_middle, k=k)
    replicates = analysis.bootstrap.run(lambda weights: log_spread(weights, codes, sample.log_middle, k=k))
    low, high = normal_interval(replicates, spread)
    rows = row_moments(sample.rows, (EMPLOYMENT, SIZE))
    cells = []
    for one, kind in enumerate(employment.keys):
        for two, scale in enumerate(size.keys):
            at = one * len(size.keys) + two
            if not counts[at]:
                continue
            few = bool(counts[at] < MIN_CELL)
            log = LogSpread(spread=round(float(spread[at]), 4), interval=span(max(0.0, low[at]), high[at]))
            cells.append(
                SpreadCell(
                    employment=employment.labels[one],
                    size=LABELS[SIZE][str(scale)].split(" (")[0],
                    postings=int(counts[at]),
                    rows=rows[kind, scale].rows,
                    few=few,
                    row_deviation_usd=number(rows[kind, scale].deviation),
                    log=None if few else log,
                )
            )
    return tuple(cells)


def log_spread(weights: Floats, codes: Ints, log_pay: Floats, *, k: int) -> Floats:
    """Standard deviation of log pay within groups, (k,), NaN below two observations."""
    mass = np.bincount(codes, weights=weights, minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(codes, weights=weights * log_pay, minlength=k) / mass
        squares = np.bincount(codes, weights=weights * (log_pay - np.nan_to_num(mean)[codes]) ** 2, minlength=k)
        return np.sqrt(np.where(mass > 1, squares / (mass - 1), np.nan))


def _brown_forsythe(analysis: Analysis) -> tuple[float | None, tuple[str, ...]]:
    """Test that full-time pay spreads alike in every company size, on adverts, in log pay."""
    sample = analysis.sample
    full_time = sample.fields["employment"].code("FT")
    size = sample.fields["size"]
    first = sample.first_of_advert
    if full_time is None:
        return None, ()
    groups, names = [], []
    for code, label in enumerate(size.labels):
        inside = (sample.fields["employment"].codes[first] == full_time) & (size.codes[first] == code)
        if inside.sum() >= MIN_CELL:
            groups.append(sample.log_middle[first][inside])
            names.append(label.split(" (")[0].lower())
    if len(groups) < 2 or any(np.ptp(group) == 0 for group in groups):
        return None, ()
    return float(stats.levene(*groups, center="median").pvalue), tuple(names)


def as_factor(log_deviation: float) -> str:
    """A deviation of log pay as "a factor of 1.5"."""
    return f"a factor of {np.exp(log_deviation):.2f}"


def _answer(judged: list[tuple[SpreadCell, LogSpread]], few: list[SpreadCell]) -> str:
    (top, highest), (bottom, lowest) = judged[0], judged[-1]
    text = (
        f"Of the cells with at least {MIN_CELL} postings, pay spreads most for {top.name} "
        f"({as_factor(highest.spread)} to either side)"
    )
    near = sum(log.interval[1] >= highest.interval[0] for _, log in judged[1:])
    if near:
        text += f", not clearly apart from {wording.count(near, 'other cell')},"
    if len(judged) > 1:
        text += f" and least for {bottom.name} ({as_factor(lowest.spread)})"
    deviations = [(cell.row_deviation_usd, cell) for cell in few if cell.row_deviation_usd is not None]
    if deviations:
        usd, extreme = max(deviations, key=lambda pair: pair[0])
        text += (
            f"; the deviation of {wording.dollars(usd)} for {extreme.name} rests on "
            f"{wording.count(extreme.postings, 'posting')}"
        )
    return text + "."


def _effect(top: SpreadCell, log: LogSpread, p: float | None, sizes: tuple[str, ...]) -> str:
    text = f"One standard deviation of log pay for {top.name}: {log.text}."
    if p is not None:
        text += f" Full-time pay at {wording.listed(sizes)} companies: Brown-Forsythe p {wording.p_value(p)} for equal spread."
    return text


def _figure(cells: tuple[SpreadCell, ...]) -> Figure:
    marks = []
    for cell in cells:
        if cell.log:
            factor, low, high = cell.log.factors
            label = f"{cell.employment}, {cell.size.lower()} company"
            text = f"{label}: {as_factor(cell.log.spread)}"
            marks.append(Mark(label=label, series="Spread", value=factor, low=low, high=high, text=text))
    return Figure(
        key="variance-cells",
        title="Spread of pay: one standard deviation of log pay, as a factor",
        alt=f"Points with intervals for the {len(marks)} cells of enough postings.",
        columns=(
            "Employment",
            "Company size",
            "Postings",
            "Rows",
            "Deviation of rows",
            "Spread as a factor",
            INTERVAL,
        ),
        rows=tuple(map(_row, cells)),
        chart=Forest(marks=tuple(marks), axis="factor", x_title="factor to either side", zero=None, step=30),
    )


def _row(cell: SpreadCell) -> tuple[str, ...]:
    factor, low, high = cell.log.factors if cell.log else (0.0, 0.0, 0.0)
    return (
        cell.employment,
        cell.size,
        postings_text(cell.postings, few=cell.few),
        f"{cell.rows:,}",
        DASH if cell.row_deviation_usd is None else wording.exact_dollars(cell.row_deviation_usd),
        f"{factor:.2f}" if cell.log else DASH,
        f"{low:.2f} to {high:.2f}" if cell.log else DASH,
    )
