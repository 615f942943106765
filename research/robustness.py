"""What else may be asked of a model than the next year: unseen titles, other markets, every month, a fair share of each stratum.

Enters: a workbench. Leaves: plain numbers by contender. All fits here are single and uncalibrated, for the network as for its
rivals; errors are of the estimate alone. Chooses nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, geographic, random_rows, stratified
from mlpaygrade.errors import DataError
from mlpaygrade.evaluation.metrics import paired_bootstrap, point_metrics
from mlpaygrade.job.fields import LOCATION, TITLE
from research.contenders import NETWORK
from research.workbench import Workbench

TITLE_FOLDS: Final = 5
MIN_WINDOW: Final = 10
"""A month or a week with fewer postings is not judged on its own."""

Estimates = dict[str, NDArray[np.float64]]


def held_out_titles(bench: Workbench, *, seed: int = 0) -> dict[str, Any]:
    """Five folds over distinct titles: later postings with their title kept out of training, against the same with it in."""
    known = sorted(set(bench.past.jobs[TITLE]) & set(bench.future.jobs[TITLE]))
    fold_of = dict(zip(known, np.random.default_rng(seed).permutation(len(known)) % TITLE_FOLDS, strict=True))
    later = bench.future.take(bench.future.jobs[TITLE].isin(known).to_numpy())
    fold_past = bench.past.jobs[TITLE].map(fold_of).to_numpy()
    fold_later = later.jobs[TITLE].map(fold_of).to_numpy()
    hidden, seen = {}, {}
    for contender in bench.contenders:
        estimate = np.empty(len(later))
        for k in range(TITLE_FOLDS):
            if not (fold_later == k).any():
                continue
            train, test = bench.past.take(fold_past != k), later.take(fold_later == k)
            estimate[fold_later == k] = bench.estimate(contender, train, test)
            bench.progress(f"{contender.name}: titles held out", k + 1, TITLE_FOLDS, {})
        hidden[contender.name] = estimate
        seen[contender.name] = bench.estimate(contender, bench.past, later)
    return {
        "titles": len(known),
        "postings": len(later),
        "hidden": judged(hidden, later),
        "seen": judged(seen, later),
        "penalty": {name: rmse_log(hidden[name], later) / rmse_log(seen[name], later) - 1 for name in hidden},
        "differences": network_differences(hidden, later),
    }


def geography(bench: Workbench) -> dict[str, Any]:
    """US to international and back: trained on one market's past, tested on the other's newest year."""
    result = {}
    for train_on_us in (True, False):
        split = geographic(bench.past, train_on_us=train_on_us)
        us = (bench.future.jobs[LOCATION] == "US").to_numpy()
        test = bench.future.take(us != train_on_us)
        if not len(test):
            raise DataError(f"The newest year has no posting to test '{split.name}' on. Give a file with both markets.")
        across, home = {}, {}
        for k, contender in enumerate(bench.contenders, start=1):
            across[contender.name] = bench.estimate(contender, bench.past.take(split.train), test)
            home[contender.name] = bench.estimate(contender, bench.past, test)
            bench.progress(split.name, k, len(bench.contenders), {})
        result[split.name] = {
            "postings": len(test),
            "across": judged(across, test),
            "trained on both": judged(home, test),
            "differences": network_differences(across, test),
        }
    return result


def stratified_folds(bench: Workbench, postings: Postings) -> dict[str, Any]:
    """Five folds over all years, alike in level and market, copies of a posting kept together; time is ignored."""
    splits = stratified(postings)
    estimates = {}
    for contender in bench.contenders:
        estimate = np.empty(len(postings))
        for k, split in enumerate(splits, start=1):
            estimate[split.test] = bench.estimate(contender, postings.take(split.train), postings.take(split.test))
            bench.progress(f"{contender.name}: stratified", k, len(splits), {})
        estimates[contender.name] = estimate
    return {
        "postings": len(postings),
        "models": judged(estimates, postings),
        "differences": network_differences(estimates, postings),
    }


def rolling(bench: Workbench, postings: Postings, *, parts: int, names: set[str] | None = None) -> dict[str, Any]:
    """Walk through the newest year in `parts` equal parts (12 months or 52 weeks), each time fitted on all that came before.

    names: contenders that take part (default: all). Dates are estimated from the order of arrival.
    """
    newest = int(postings.year.max())
    part = np.where(postings.year == newest, np.floor((postings.time_years - newest) * parts), -1)
    windows = [w for w in np.unique(part[part >= 0]) if (part == w).sum() >= MIN_WINDOW]
    judged_part = np.isin(part, windows)
    test_all = postings.take(judged_part)
    estimates: Estimates = {}
    for contender in bench.contenders:
        if names is not None and contender.name not in names:
            continue
        estimate = np.empty(len(postings))
        for k, window in enumerate(windows, start=1):
            before, test = part < window, part == window
            estimate[test] = bench.estimate(contender, postings.take(before), postings.take(test))
            bench.progress(f"{contender.name}: walking forward in {parts}ths", k, len(windows), {})
        estimates[contender.name] = estimate[judged_part]
    at = part[judged_part]
    return {
        "parts of the year": parts,
        "windows": [
            {
                "part": int(window) + 1,
                "postings": int((at == window).sum()),
                "rmse_log": {
                    name: rmse_log(estimate[at == window], test_all.take(at == window))
                    for name, estimate in estimates.items()
                },
            }
            for window in windows
        ],
        "models": judged(estimates, test_all),
        "differences": network_differences(estimates, test_all),
    }


def random_split(bench: Workbench, postings: Postings, *, seed: int = 0) -> dict[str, Any]:
    """What a random split of rows would have claimed: it cuts postings, and leaves copies of test rows in the training rows."""
    rows = as_rows(postings)
    split = random_rows(len(rows), seed=seed)
    train, test = rows.take(split.train), rows.take(split.test)
    signature = rows.signature()
    twins = np.isin(signature[split.test], signature[split.train])
    estimates = {}
    for k, contender in enumerate(bench.contenders, start=1):
        estimates[contender.name] = bench.estimate(contender, train, test)
        bench.progress("random split", k, len(bench.contenders), {})
    return {
        "rows": len(test),
        "test rows with an exact twin in training": float(twins.mean()),
        "models": judged(estimates, test),
        "models on rows without a twin": judged({n: e[~twins] for n, e in estimates.items()}, test.take(~twins)),
    }


def as_rows(postings: Postings) -> Postings:
    """Every source row as a posting of its own: how somebody sees the file who has not noticed the bands."""
    index, usd = postings.row_values_usd()
    rows = postings.take(index)
    position = np.concatenate([postings.rows[:, 0], postings.rows[postings.paired, 1]])
    return Postings(
        jobs=rows.jobs,
        low_usd=usd,
        high_usd=usd,
        paired=np.zeros(len(index), dtype=bool),
        time_years=rows.time_years,
        rows=np.column_stack([position, np.full(len(index), -1)]),
        source=postings.source,
    )


def judged(estimates: Mapping[str, NDArray[np.float64]], postings: Postings) -> dict[str, dict[str, float]]:
    """Row-wise errors of every contender's log estimates."""
    index, usd = postings.row_values_usd()
    return {name: point_metrics(np.log1p(usd), estimate[index]) for name, estimate in estimates.items()}


def rmse_log(estimate: NDArray[np.float64], postings: Postings) -> float:
    """Row-wise RMSE of log pay."""
    index, usd = postings.row_values_usd()
    return float(np.sqrt(np.mean((np.log1p(usd) - estimate[index]) ** 2)))


def network_differences(estimates: Mapping[str, NDArray[np.float64]], postings: Postings) -> dict[str, Any]:
    """Network minus each rival in RMSE of log pay and in MAE, bootstrapped by posting; empty without the network."""
    if NETWORK not in estimates:
        return {}
    index, usd = postings.row_values_usd()
    losses: Callable[[NDArray[np.float64]], dict[str, NDArray[np.float64]]] = lambda estimate: {  # noqa: E731
        "rmse_log": (np.log1p(usd) - estimate[index]) ** 2,
        "mae_usd": np.abs(usd - np.expm1(estimate[index])),
    }
    network = losses(estimates[NETWORK])
    return {
        name: {
            metric: difference.to_json()
            for metric, difference in paired_bootstrap(network, losses(estimate), group=index).items()
        }
        for name, estimate in estimates.items()
        if name != NETWORK
    }
