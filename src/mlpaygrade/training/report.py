"""A run's report as plain text: the table that `train` and `evaluate` print.

Enters: the report of a run. Leaves: text. Computes nothing.
"""

from collections.abc import Mapping

from mlpaygrade.rendering.words import of_100, off_text
from mlpaygrade.training.steps import Result

COLUMNS = ("rows", "RMSE log", "MAE", "median AE", "R2", "50 %", "80 %", "90 %", "width 90 %", "pinball")


def report_text(report: Result) -> str:
    """The protocol, the figures of the network and of ridge, and every slice."""
    if "network" not in report:
        return "There is no later work year to test on; the report holds validation figures only.\n" + _validation(
            report
        )
    lines = [
        f"Protocol: {report['protocol']}.",
        "",
        _line("", COLUMNS),
        _line("Network", _cells(report["network"]["rows"])),
    ]
    if "ridge" in report:
        lines.append(_line("Ridge", _cells(report["ridge"]["rows"])))
    dimension = None
    for item in report["network"]["slices"]:
        if item["dimension"] != dimension:
            dimension = item["dimension"]
            lines += ["", dimension]
        lines.append(_line(f"  {item['value']}", _cells(item)))
    lines += _words(report["network"].get("words", {}))
    postings = report["network"]["postings"]
    if postings["n"]:
        lines += [
            "",
            f"Middles of the {postings['n']:,} postings with both ends: RMSE log {postings['rmse_log']:.4f}, "
            f"MAE ${postings['mae_usd']:,.0f}; both ends inside the 90 % band interval: {postings['band_coverage_90']:.1%}.",
        ]
    if "validation" in report:
        lines += ["", _validation(report)]
    return "\n".join(lines)


def _words(words: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How answers did by the word for their strength."""
    lines = [
        f"  {word:<8}{one['n']:>8,} figures of {one['adverts']:,} adverts: {off_text(one['mean_error_log'])}, mean distance "
        f"{one['mae_log']:.3f} log; ranges of 50 and 90 of 100 held {of_100(one['coverage_50'])} and {of_100(one['coverage_90'])}"
        for word, one in words.items()
    ]
    return ["", "By the word for an answer's strength:", *lines] if lines else []


def _validation(report: Result) -> str:
    rows = report["validation"]["rows"]
    return (
        f"Validation inside the training years ({rows['n']:,} rows, rolling origin): RMSE log {rows['rmse_log']:.4f}, "
        f"MAE ${rows['mae_usd']:,.0f}, pinball {rows['pinball_log']:.4f}."
    )


def _cells(figures: Mapping[str, float]) -> tuple[str, ...]:
    def show(name: str, form: str) -> str:
        return form.format(figures[name]) if name in figures else ""

    return (
        show("n", "{:,}"),
        show("rmse_log", "{:.4f}"),
        show("mae_usd", "${:,.0f}"),
        show("median_ae_usd", "${:,.0f}"),
        show("r2_usd", "{:.3f}"),
        show("coverage_50", "{:.1%}"),
        show("coverage_80", "{:.1%}"),
        show("coverage_90", "{:.1%}"),
        show("width_90_usd", "${:,.0f}"),
        show("pinball_log", "{:.4f}"),
    )


def _line(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:<28}" + "".join(f"{cell:>12}" for cell in cells)
