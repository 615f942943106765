"""Section 11: what a random split of rows would have claimed of a model, against what is true.

One plain model is judged under three protocols: a table of means, the mean log pay of identical jobs, drawn towards that of
similar jobs where few are known. It is not the product's model; it shows what the protocol does to whatever is judged by it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.audit.pairing import find_copies
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Estimate, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.sample import FieldKey, Floats, Ints, Sample
from mlpaygrade.rendering.charts import Forest

LEVELS: Final[tuple[tuple[FieldKey, ...], ...]] = (
    ("level",),
    ("family", "level", "country"),
    ("title", "level", "country"),
    ("title", "level", "country", "remote", "size", "employment", "moved", "year"),
)
"""Fields in which jobs agree, from the broadest table to identical jobs."""
PULL: Final = 1.0
"""A cell's mean counts its rows, the broader cell's mean counts as so many rows more."""
FOLDS: Final = 5
FEWEST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The model under one way of testing: means over the folds. r2: with its range over the folds."""

    name: str
    r2: Estimate
    mae_usd: float
    rmse_log: float
    folds: int

    @property
    def words(self) -> str:
        """The way of testing inside a sentence."""
        return "split by advert" if self.name == "Random adverts" else f"on the future ({self.name.lower()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSplit:
    """The protocols. twin_share: random test rows with an exact copy in training; other_end_share: with their other band end
    there; None where the file is too small to tell."""

    protocols: tuple[Protocol, ...]
    twin_share: float | None
    other_end_share: float | None


def random_split_section(analysis: Analysis) -> Finding[RandomSplit]:
    """The same model under a random split of rows, of adverts, and of time."""
    index, usd = analysis.sample.postings.row_values_usd()
    if len(usd) < FEWEST:
        return Finding(n=analysis.counts, missing=f"The file has fewer than {FEWEST} rows.")
    twin_share, other_end_share = _twins(analysis)
    found = RandomSplit(
        protocols=_protocols(analysis, index, usd), twin_share=twin_share, other_end_share=other_end_share
    )
    return Finding(
        numbers=found,
        answer=_answer(found),
        effect=_effect(found),
        uncertainty=f"Mean over {FOLDS} folds where a split is random, with the range over folds; the split in time is one "
        "split.",
        cannot=(
            "The model here is a table of means. How much another model gains from copies depends on how well it memorises.",
            "Splitting by advert removes copies; the step to the newest year adds that the market itself changes.",
        ),
        n=analysis.counts,
        figures=[_figure(found)],
    )


def _protocols(analysis: Analysis, index: Ints, usd: Floats) -> tuple[Protocol, ...]:
    sample = analysis.sample
    rng = np.random.default_rng(analysis.seed)
    log = np.log1p(usd)
    cells = [_cell(sample, keys)[index] for keys in LEVELS]
    by_row = rng.permutation(len(usd)) % FOLDS
    by_advert = rng.permutation(sample.n_adverts)[sample.advert[index]] % FOLDS
    found = [
        _protocol(name, [_score(cells, log, usd, train=fold != k) for k in range(FOLDS)])
        for name, fold in (("Random rows", by_row), ("Random adverts", by_advert))
    ]
    years = sample.postings.year[index]
    past = years < years.max()
    if past.any():
        name = f"Up to {years[past].max()}, tested on {years.max()}"
        found.append(_protocol(name, [_score(cells, log, usd, train=past)]))
    return tuple(found)


def _cell(sample: Sample, keys: tuple[FieldKey, ...]) -> Ints:
    """Number of the cell that each posting falls into."""
    sizes = [len(sample.fields[key].keys) for key in keys]
    flat = np.ravel_multi_index(tuple(sample.fields[key].codes for key in keys), tuple(sizes))
    return np.unique(flat, return_inverse=True)[1].astype(np.int64)


def _score(cells: list[Ints], log: Floats, usd: Floats, *, train: NDArray[np.bool_]) -> tuple[float, float, float]:
    """R2 and mean absolute error in dollars, and the root mean square of log pay, over the test rows."""
    predicted = np.full(len(log), log[train].mean())
    for cell in cells:
        k = int(cell.max()) + 1
        n = np.bincount(cell[train], minlength=k)
        broader = predicted  # a cell's pull is the mean of the broader predictions of its rows, the same for all
        sums = np.bincount(cell[train], weights=log[train], minlength=k)
        predicted = (sums[cell] + PULL * broader) / (n[cell] + PULL)
    test = ~train
    error = usd[test] - np.expm1(predicted[test])
    r2 = 1 - np.sum(error**2) / np.sum((usd[test] - usd[test].mean()) ** 2)
    return float(r2), float(np.abs(error).mean()), float(np.sqrt(np.mean((log[test] - predicted[test]) ** 2)))


def _protocol(name: str, scores: list[tuple[float, float, float]]) -> Protocol:
    r2, mae_usd, rmse_log = np.mean(scores, axis=0).tolist()
    folds = [score[0] for score in scores]
    return Protocol(
        name=name,
        r2=Estimate.of(r2, min(folds), max(folds)),
        mae_usd=float(round(mae_usd)),
        rmse_log=round(rmse_log, 4),
        folds=len(scores),
    )


def _twins(analysis: Analysis) -> tuple[float | None, float | None]:
    """Of the test rows of a random split: how many have an exact copy, or their other band end, in the training rows."""
    rows, postings = analysis.sample.rows, analysis.sample.postings
    if len(rows) < len(postings.source):
        postings = build_postings(rows)
    leak = find_copies(rows, postings).random_split
    return (None, None) if leak is None else (round(leak.twin_share, 4), round(leak.other_end_share, 4))


def _answer(found: RandomSplit) -> str:
    first, last = found.protocols[0], found.protocols[-1]
    text = (
        f"A random split of rows credits a plain table of means with R² {wording.decimal(first.r2.value)}; "
        f"{last.words} it is {wording.decimal(last.r2.value)}"
    )
    if found.twin_share is None or found.other_end_share is None:
        return text + "."
    return text + (
        f": {wording.percent(found.twin_share)} of the random test rows have an exact copy in the training rows, and "
        f"{wording.percent(found.other_end_share)} more have their other band end there."
    )


def _effect(found: RandomSplit) -> str:
    parts = []
    for protocol in found.protocols:
        r2, low, high = map(wording.decimal, (protocol.r2.value, protocol.r2.low, protocol.r2.high))
        folds = f", folds {low} to {high}" if protocol.folds > 1 else ""
        parts.append(f"{protocol.name}: R² {r2}{folds}, mean error {wording.dollars(protocol.mae_usd)}")
    return "; ".join(parts) + "."


def _figure(found: RandomSplit) -> Figure:
    return figure(
        "leakage-protocols",
        "R² of the same table of means under three ways of testing (lines: range over folds)",
        "Points: R² under a random split of rows, of adverts, and in time.",
        Forest(
            marks=tuple(p.r2.mark(p.name, "R²", f"{p.name}: R² {p.r2.value:.2f}") for p in found.protocols),
            axis="plain",
            x_title="R² in dollars",
            zero=None,
            step=34,
        ),
        found.protocols,
        ("Protocol", lambda p: p.name),
        ("R² in dollars", lambda p: wording.decimal(p.r2.value, digits=3)),
        ("Mean absolute error", lambda p: wording.exact_dollars(p.mae_usd)),
        ("Root mean square, log pay", lambda p: f"{p.rmse_log:.4f}"),
    )
