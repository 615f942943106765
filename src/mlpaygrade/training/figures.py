"""Pictures of a run: the training curve, coverage and error by slice; and where the errors are.

A residual is log pay minus log estimate of one source row: positive where a job pays more than was said. Residuals are shown
by prediction, level, country, title family and time, with their tails and whether their spread is uniform.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.job.fields import EXPERIENCE, LABELS, LOCATION, TITLE
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import title_family
from mlpaygrade.training.steps import Result


def run_figures(report: Result) -> dict[str, Figure]:
    """Figures by name; those whose data the report lacks are left out."""
    figures = {}
    if report.get("training_history", {}).get("loss"):
        figures["training_curve"] = _curve(report["training_history"])
    if slices := report.get("network", {}).get("slices"):
        labels = [f"{item['dimension']}: {item['value']} (n = {item['n']:,})" for item in slices]
        coverage = [item["coverage_90"] for item in slices]
        figures["coverage_90"] = _bars(labels, coverage, title="Coverage of the 90 % interval", target=0.9)
        errors, overall = [item["rmse_log"] for item in slices], report["network"]["rows"]["rmse_log"]
        figures["rmse_log"] = _bars(labels, errors, title="RMSE of log pay", target=overall)
    return figures


def _blank(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _curve(history: Mapping[str, list[float]]) -> Figure:
    figure, axes = _blank(6, 4)
    for name, values in history.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", ylabel="loss", title="Training of the final network")
    axes.legend()
    return figure


def _bars(labels: list[str], values: list[float], *, title: str, target: float) -> Figure:
    figure, axes = _blank(8, 0.3 * len(labels) + 1.2)
    axes.barh(labels, values, color="#0072B2")
    axes.axvline(target, color="#D55E00", linestyle="--")
    axes.set_title(title)
    axes.invert_yaxis()
    return figure


MIN_ROWS: Final = 30
BINS: Final = 10
COUNTRIES: Final = 12
"""Countries shown by name, the most frequent ones."""
NOTABLE: Final = 0.02
"""A mean residual of at least two percent, and beyond two standard errors, is worth a sentence."""

Table = list[dict[str, Any]]


def residual_analysis(prediction: Prediction, postings: Postings) -> dict[str, Any]:
    """Tables, tails, spread and the sentences that say them.

    {"groups": {dimension: [{"value", "n", "mean", "sd", "standard_error", "coverage_90"}]}, "tails", "spread", "sentences"}.
    """
    index, usd = postings.row_values_usd()
    truth, estimate = np.log1p(usd), prediction.log_estimate[index]
    residual = truth - estimate
    lower, upper = INTERVALS[90]
    quantiles = prediction.quantiles("any")[index]
    inside = (truth >= quantiles[:, lower]) & (truth <= quantiles[:, upper])
    labels = _labels(estimate, prediction, postings)
    groups = {dimension: _table(of[index], residual, inside) for dimension, of in labels.items()}
    tails = _tails(residual)
    spread = _spread(estimate, residual, quantiles[:, upper] - quantiles[:, lower])
    said = [*_group_sentences(groups), *_tail_sentences(tails), *_spread_sentences(spread)]
    return {"groups": groups, "tails": tails, "spread": spread, "sentences": said}


def _labels(
    row_estimate: NDArray[np.float64], prediction: Prediction, postings: Postings
) -> dict[str, NDArray[np.object_]]:
    """Dimension -> label of each posting, in the order in which the labels are shown."""
    edges = np.quantile(row_estimate, np.linspace(0, 1, BINS + 1)[1:-1])
    decile = np.searchsorted(edges, prediction.log_estimate)
    bounds = np.expm1(np.concatenate([[row_estimate.min()], edges, [row_estimate.max()]])) / 1000
    names = [f"{k + 1:02d}: ${bounds[k]:,.0f}K to ${bounds[k + 1]:,.0f}K" for k in range(BINS)]
    common = postings.jobs[LOCATION].value_counts().index[:COUNTRIES]
    places = {code: country(code).name for code in common}
    quarter = np.floor((postings.time_years % 1) * 4).astype(int) + 1
    return {
        "estimate": np.array(names, dtype=object)[decile],
        "experience": postings.jobs[EXPERIENCE].map(LABELS[EXPERIENCE]).to_numpy(dtype=object),
        "country": postings.jobs[LOCATION].map(lambda code: places.get(code, "other countries")).to_numpy(dtype=object),
        "title family": postings.jobs[TITLE].map(title_family).to_numpy(dtype=object),
        "time": np.array([f"{y}, quarter {q}" for y, q in zip(postings.year, quarter, strict=True)], dtype=object),
    }


def _table(labels: NDArray[np.object_], residual: NDArray[np.float64], inside: NDArray[np.bool_]) -> Table:
    result = []
    for value in sorted(set(labels)):
        mask = labels == value
        n = int(mask.sum())
        if n >= MIN_ROWS:
            sd = float(residual[mask].std(ddof=1))
            group = {"value": str(value).split(": ", 1)[-1], "n": n, "mean": float(residual[mask].mean()), "sd": sd}
            result.append({**group, "standard_error": sd / n**0.5, "coverage_90": float(inside[mask].mean())})
    return result


def _tails(residual: NDArray[np.float64]) -> dict[str, float]:
    standard = (residual - residual.mean()) / residual.std()
    return {
        "skewness": float(stats.skew(residual)),
        "excess_kurtosis": float(stats.kurtosis(residual)),
        "share_beyond_3_sd": float(np.mean(np.abs(standard) > 3)),
        "share_paying_half_or_less": float(np.mean(residual < -np.log(2))),
        "share_paying_double_or_more": float(np.mean(residual > np.log(2))),
    }


def _spread(
    estimate: NDArray[np.float64], residual: NDArray[np.float64], width: NDArray[np.floating]
) -> dict[str, float]:
    """Rank correlation of the size of residuals with the estimate and with the width of the 90 % interval."""
    size = np.abs(residual - residual.mean())
    by_estimate, by_width = stats.spearmanr(estimate, size), stats.spearmanr(width, size)
    return {
        "size_with_estimate": float(by_estimate.statistic),
        "size_with_estimate_p": float(by_estimate.pvalue),
        "size_with_width": float(by_width.statistic),
        "size_with_width_p": float(by_width.pvalue),
    }


def _group_sentences(groups: Mapping[str, Table]) -> list[str]:
    result = []
    for dimension, table in groups.items():
        if not table:
            continue
        notable = [item for item in table if abs(item["mean"]) >= max(NOTABLE, 2 * item["standard_error"])]
        if not notable:
            off = f"off by {NOTABLE:.0%} beyond two standard errors"
            result.append(f"By {dimension}, no group of at least {MIN_ROWS} rows is {off}.")
        for item in sorted(notable, key=lambda one: -abs(one["mean"]))[:3]:
            way = "more" if item["mean"] > 0 else "less"
            result.append(
                f"By {dimension}, {item['value']} pays {abs(np.expm1(item['mean'])):.1%} {way} than estimated "
                f"(geometric mean of {item['n']:,} rows, standard error {item['standard_error']:.1%})."
            )
        worst = max(table, key=lambda one: one["sd"])
        best = min(table, key=lambda one: one["sd"])
        if worst is not best:
            result.append(
                f"By {dimension}, residuals spread most in {worst['value']} (standard deviation {worst['sd']:.3f}, "
                f"coverage {worst['coverage_90']:.1%}) and least in {best['value']} "
                f"({best['sd']:.3f}, {best['coverage_90']:.1%})."
            )
    return result


def _tail_sentences(tails: Mapping[str, float]) -> list[str]:
    heavy = "heavier" if tails["excess_kurtosis"] > 0 else "lighter"
    return [
        f"{tails['share_beyond_3_sd']:.2%} of residuals lie beyond three standard deviations (0.27% in a normal "
        f"distribution); the tails are {heavy} than normal (excess kurtosis {tails['excess_kurtosis']:.2f}, skewness "
        f"{tails['skewness']:.2f}).",
        f"{tails['share_paying_half_or_less']:.2%} of rows pay half of the estimate or less, "
        f"{tails['share_paying_double_or_more']:.2%} pay double or more.",
    ]


def _spread_sentences(spread: Mapping[str, float]) -> list[str]:
    def seen(p: float) -> str:
        return "beyond chance" if p < 0.01 else "not beyond chance"

    rises = "rises" if spread["size_with_estimate"] > 0 else "falls"
    return [
        f"The size of residuals {rises} with the estimate (rank correlation {spread['size_with_estimate']:.2f}, "
        f"{seen(spread['size_with_estimate_p'])}), and goes with the width of the 90 % interval at "
        f"{spread['size_with_width']:.2f} ({seen(spread['size_with_width_p'])}): the second is what an interval is for."
    ]


def residual_figures(prediction: Prediction, postings: Postings) -> dict[str, Figure]:
    """Figures by name: residuals against the estimate, their distribution against the normal, and their mean by group."""
    index, usd = postings.row_values_usd()
    estimate = prediction.log_estimate[index]
    residual = np.log1p(usd) - estimate
    groups = residual_analysis(prediction, postings)["groups"]
    figures = {"residuals_by_estimate": _scatter(estimate, residual), "residuals_normal": _normal_plot(residual)}
    return figures | {f"residuals_by_{name.replace(' ', '_')}": _means(name, table) for name, table in groups.items()}


def _scatter(estimate: NDArray[np.float64], residual: NDArray[np.float64]) -> Figure:
    figure, axes = _blank(7, 4.5)
    axes.plot(np.expm1(estimate) / 1000, residual, ".", markersize=2, alpha=0.3, color="#0072B2")
    edges = np.unique(np.quantile(estimate, np.linspace(0, 1, BINS + 1)))
    at = np.clip(np.searchsorted(edges, estimate, side="right") - 1, 0, len(edges) - 2)
    for share, style in ((0.05, "--"), (0.5, "-"), (0.95, "--")):
        middle = [np.expm1(np.median(estimate[at == k])) / 1000 for k in range(len(edges) - 1) if (at == k).any()]
        line = [np.quantile(residual[at == k], share) for k in range(len(edges) - 1) if (at == k).any()]
        axes.plot(middle, line, style, color="#D55E00", label=f"{share:.0%} of residuals lie below")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="estimate, thousand USD", ylabel="residual of log pay", title="Residuals by estimate")
    axes.legend()
    return figure


def _normal_plot(residual: NDArray[np.float64]) -> Figure:
    figure, axes = _blank(5, 5)
    standard = np.sort((residual - residual.mean()) / residual.std())
    normal = stats.norm.ppf((np.arange(len(standard)) + 0.5) / len(standard))
    axes.plot(normal, standard, ".", markersize=3, color="#0072B2")
    axes.plot(normal[[0, -1]], normal[[0, -1]], color="black", linewidth=0.8)
    axes.set(xlabel="normal quantile", ylabel="standardised residual", title="Tails of the residuals")
    return figure


def _means(dimension: str, table: Table) -> Figure:
    figure, axes = _blank(7, 0.35 * len(table) + 1.4)
    labels = [f"{item['value']} (n = {item['n']:,})" for item in table]
    errors = [2 * item["standard_error"] for item in table]
    axes.errorbar([item["mean"] for item in table], labels, xerr=errors, fmt="o", color="#0072B2", capsize=3)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.set(xlabel="mean residual of log pay, two standard errors", title=f"Residuals by {dimension}")
    return figure
