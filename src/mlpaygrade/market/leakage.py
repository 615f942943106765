"""Section 11: what a random split of rows would have claimed of a model, against what is true.

Enters: an analysis. Leaves: a section with one plain model judged under three protocols.

The model is a table of means: the mean log pay of identical jobs, drawn towards that of similar jobs where few are known. It is
not the product's model; it shows what the protocol does, the same for whatever model is judged by it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mlpaygrade.audit.copies import find_copies
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section
from mlpaygrade.market.sample import FieldKey, Floats, Ints, Sample

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
class Score:
    """Errors of log pay and dollars over test rows."""

    rmse_log: float
    mae_usd: float
    r2_usd: float


def leakage_section(analysis: Analysis) -> Section:
    """The same model under a random split of rows, of adverts, and of time."""
    sample = analysis.sample
    index, usd = sample.postings.row_values_usd()
    missing = None if len(usd) >= FEWEST else f"The file has fewer than {FEWEST} rows."
    figures: dict[str, Any] = {} if missing else _figures(analysis, index, usd)
    return Section(
        key="leakage",
        title="What a random split would have claimed",
        question="How much does the usual random split of rows flatter a model?",
        answer="This file cannot say." if missing else _answer(figures),
        effect="None." if missing else _effect(figures),
        uncertainty=(
            f"Mean over {FOLDS} folds where a split is random, with the range over folds; the split in time is one split."
        ),
        cannot=(
            "The model here is a table of means. How much another model gains from copies depends on how well it memorises.",
            "Splitting by advert removes copies; the step to the newest year adds that the market itself changes.",
        ),
        n=analysis.counts,
        figures=figures,
        missing=missing,
    )


def _figures(analysis: Analysis, index: Ints, usd: Floats) -> dict[str, Any]:
    sample = analysis.sample
    rng = np.random.default_rng(analysis.seed)
    log = np.log1p(usd)
    cells = [_cell(sample, keys)[index] for keys in LEVELS]
    advert = sample.advert[index]
    by_row = rng.permutation(len(usd)) % FOLDS
    by_advert = rng.permutation(sample.n_adverts)[advert] % FOLDS
    protocols: list[dict[str, Any]] = []
    for name, fold in (("Random rows", by_row), ("Random adverts", by_advert)):
        scores = [_score(cells, log, usd, train=fold != k) for k in range(FOLDS)]
        protocols.append(_protocol(name, scores))
    years = sample.postings.year[index]
    if years.min() < years.max():
        past = years < years.max()
        protocols.append(
            _protocol(f"Up to {years[past].max()}, tested on {years.max()}", [_score(cells, log, usd, train=past)])
        )
    return {"protocols": protocols, **_twins(analysis)}


def _cell(sample: Sample, keys: tuple[FieldKey, ...]) -> Ints:
    """Number of the cell that each posting falls into."""
    sizes = [len(sample.fields[key].keys) for key in keys]
    flat = np.ravel_multi_index(tuple(sample.fields[key].codes for key in keys), tuple(sizes))
    return np.unique(flat, return_inverse=True)[1].astype(np.int64)


def _score(cells: list[Ints], log: Floats, usd: Floats, *, train: Any) -> Score:
    predicted = np.full(len(log), log[train].mean())
    for cell in cells:
        k = int(cell.max()) + 1
        n = np.bincount(cell[train], minlength=k)
        broader = (
            predicted  # a cell's pull is the mean of the broader predictions of its rows, the same for all of them
        )
        sums = np.bincount(cell[train], weights=log[train], minlength=k)
        predicted = (sums[cell] + PULL * broader) / (n[cell] + PULL)
    test = ~train
    dollars = np.expm1(predicted[test])
    error = usd[test] - dollars
    return Score(
        rmse_log=float(np.sqrt(np.mean((log[test] - predicted[test]) ** 2))),
        mae_usd=float(np.mean(np.abs(error))),
        r2_usd=float(1 - np.sum(error**2) / np.sum((usd[test] - usd[test].mean()) ** 2)),
    )


def _protocol(name: str, scores: list[Score]) -> dict[str, Any]:
    r2 = [score.r2_usd for score in scores]
    return {
        "name": name,
        "r2": round(float(np.mean(r2)), 4),
        "r2_range": [round(min(r2), 4), round(max(r2), 4)],
        "mae_usd": round(float(np.mean([score.mae_usd for score in scores]))),
        "rmse_log": round(float(np.mean([score.rmse_log for score in scores])), 4),
        "folds": len(scores),
    }


def _twins(analysis: Analysis) -> dict[str, Any]:
    """Of the test rows of a random split: how many have an exact copy, or their other band end, in the training rows."""
    rows, postings = analysis.sample.rows, analysis.sample.postings
    if len(rows) < len(postings.source):
        postings = build_postings(rows)
    leak = find_copies(rows, postings).random_split
    if leak is None:
        return {"twin_share": None, "other_end_share": None}
    return {"twin_share": round(leak.twin_share, 4), "other_end_share": round(leak.other_end_share, 4)}


def _answer(figures: dict[str, Any]) -> str:
    first, last = figures["protocols"][0], figures["protocols"][-1]
    text = (
        f"A random split of rows credits a plain table of means with R² {_r2(first['r2'])}; "
        f"{_protocol_words(last)} it is {_r2(last['r2'])}"
    )
    if figures["twin_share"] is None:
        return text + "."
    return text + (
        f": {wording.percent(figures['twin_share'])} of the random test rows have an exact copy in the training rows, and "
        f"{wording.percent(figures['other_end_share'])} more have their other band end there."
    )


def _protocol_words(protocol: dict[str, Any]) -> str:
    return "split by advert" if protocol["name"] == "Random adverts" else f"on the future ({protocol['name'].lower()})"


def _r2(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _effect(figures: dict[str, Any]) -> str:
    parts = []
    for protocol in figures["protocols"]:
        low, high = protocol["r2_range"]
        folds = f", folds {_r2(low)} to {_r2(high)}" if protocol["folds"] > 1 else ""
        parts.append(
            f"{protocol['name']}: R² {_r2(protocol['r2'])}{folds}, mean error {wording.dollars(protocol['mae_usd'])}"
        )
    return "; ".join(parts) + "."
