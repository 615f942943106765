"""Pictures of a run for the tracking server: the training curve, coverage and error by slice.

Enters: a run's report. Leaves: matplotlib figures. Computes nothing.
"""

from collections.abc import Mapping

from matplotlib.figure import Figure

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
        errors = [item["rmse_log"] for item in slices]
        figures["rmse_log"] = _bars(
            labels, errors, title="RMSE of log pay", target=report["network"]["rows"]["rmse_log"]
        )
    return figures


def _curve(history: Mapping[str, list[float]]) -> Figure:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in history.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", ylabel="loss", title="Training of the final network")
    axes.legend()
    return figure


def _bars(labels: list[str], values: list[float], *, title: str, target: float) -> Figure:
    figure = Figure(figsize=(8, 0.3 * len(labels) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh(labels, values, color="#0072B2")
    axes.axvline(target, color="#D55E00", linestyle="--")
    axes.set_title(title)
    axes.invert_yaxis()
    return figure
