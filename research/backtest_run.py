"""The backtest as a run: a folder with the figures by week, their picture, and a table.

Enters: a table, settings, a calendar file. Leaves: `OUTPUT/backtest.json`, `OUTPUT/backtest.png`, text.
"""

import shutil
from pathlib import Path

from matplotlib.figure import Figure

from mlpaygrade.dataset.postings import build_postings, dated_by, read_calendar
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.forecast.bundle import write_json
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.run import work_folder
from mlpaygrade.training.settings import Settings
from research.backtest import Backtest, backtest


def run_backtest(
    table: Table, *, output: Path, settings: Settings, calendar: Path | None, first_year: int, progress: Progress
) -> Backtest:
    """Walk, and write the folder; resumes where the data and settings are the same."""
    known = known_file(table.sha256)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    dates = read_calendar(calendar) if calendar is not None else None
    postings = postings if dates is None else dated_by(postings, dates)
    basis = {
        "data": table.sha256,
        "settings": settings.to_json(),
        "first_year": first_year,
        "dated": calendar is not None,
    }
    work = work_folder(output, basis)
    result = backtest(
        postings, settings=settings, calendar=dates, first_year=first_year, work=work / "blocks", progress=progress
    )
    write_json(
        output / "backtest.json",
        {"data_sha256": table.sha256, "synthetic": table.synthetic, "settings": settings.to_json(), **result.to_json()},
    )
    backtest_figure(result).savefig(output / "backtest.png", dpi=120)
    shutil.rmtree(work)
    return result


def backtest_figure(result: Backtest) -> Figure:
    """Coverage, width, interval score and error by week, one line a variant."""
    figure = Figure(figsize=(9, 9), layout="constrained")
    panels = {
        "coverage_90": "Coverage of the 90 % interval",
        "width_90_usd": "Mean width of the 90 % interval, USD",
        "score_90_usd": "Mean interval score, USD (lower is better)",
        "mae_usd": "Mean absolute error, USD",
    }
    for axes, (name, title) in zip(figure.subplots(len(panels), sharex=True), panels.items(), strict=True):
        for (variant, weeks), colour in zip(result.weeks.items(), ("#0072B2", "#D55E00"), strict=True):
            axes.plot([item[name] for item in weeks], color=colour, label=variant, linewidth=1.2)
        if name == "coverage_90":
            axes.axhline(0.9, color="black", linewidth=0.8, linestyle="--")
            axes.legend(frameon=False)
        axes.set_title(title, loc="left", fontsize=10)
    weeks = next(iter(result.weeks.values()))
    ticks = range(0, len(weeks), max(1, len(weeks) // 8))
    axes.set_xticks(list(ticks), [weeks[k]["week"] for k in ticks], rotation=30, ha="right")
    return figure


def backtest_text(result: Backtest) -> str:
    """The pooled figures of each variant."""
    lines = [
        "Weeks dated by the calendar." if result.dated else "Weeks cut by order of arrival: no calendar was given.",
        "",
    ]
    for variant, figures in result.summary.items():
        lines.append(
            f"{variant}: {figures['rows']:,.0f} rows; 90 % intervals cover {figures['coverage_90']:.1%}, 80 % "
            f"{figures['coverage_80']:.1%}, 50 % {figures['coverage_50']:.1%}; mean 90 % width ${figures['width_90_usd']:,.0f}, "
            f"interval score ${figures['score_90_usd']:,.0f}; RMSE log {figures['rmse_log']:.4f}; "
            f"{figures['weeks_within_6_points']:.1%} of {figures['weeks']:.0f} weeks with 50 rows lie within 6 points of 90 %, "
            f"{figures['weeks_within_6_points_by_chance']:.1%} would if the same postings had come in any other order."
        )
    return "\n".join(lines)
