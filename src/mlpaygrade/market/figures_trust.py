"""Figures of fitness for use, claims, leakage and the error budget.

Enters: the figures of a section's JSON. Leaves: `Figure`s. Computes no statistic.
"""

from functools import partial
from typing import Final

from mlpaygrade.market import wording
from mlpaygrade.market.figure import Figure, Json
from mlpaygrade.rendering import charts


def fitness_figures(figures: Json) -> list[Figure]:
    """Figures of the section on fitness."""
    lines = figures["lines"]
    rows = [
        {"label": line["risk"], "value": line["share"], "text": line["measure"]}
        for line in lines
        if line["share"] is not None
    ]
    return [
        Figure(
            key="fitness-shares",
            title="Share of rows in the largest group (for time: in the last two years)",
            alt="Bars: how much of the file the largest group of each kind holds.",
            columns=("Risk", "Measured", "So"),
            rows=tuple((line["risk"], line["measure"], line["so"]) for line in lines),
            draw=partial(charts.bars, rows, axis=charts.PERCENT, x_title="share of rows"),
        )
    ]


_VERDICT_COLOURS: Final = {"confirmed": 0, "true, but": 4, "not confirmed": 1, "cannot be judged": 3}


def claims_figures(figures: Json) -> list[Figure]:
    """Figures of the section on claims."""
    tally = {verdict: n for verdict, n in figures["tally"].items() if n}
    rows = [
        {"label": "Claims", "series": verdict.capitalize(), "value": n, "text": f"{verdict}: {n}"}
        for verdict, n in tally.items()
    ]
    return [
        Figure(
            key="claims-tally",
            title="Verdicts",
            alt=f"Stacked bar: {wording.listed([f'{n} {verdict}' for verdict, n in tally.items()])}.",
            columns=("Claim", "Claimed", "Verdict", "Measured"),
            rows=tuple(
                (
                    claim["claim"],
                    claim["claimed"],
                    claim["verdict"],
                    ". ".join(part for part in (claim["measured"], claim["remark"]) if part),
                )
                for claim in figures["claims"]
            ),
            draw=partial(
                charts.stacked, rows, axis=charts.COUNT, colours=[_VERDICT_COLOURS[verdict] for verdict in tally]
            ),
        )
    ]


def leakage_figures(figures: Json) -> list[Figure]:
    """Figures of the section on random splits."""
    rows = [
        {
            "label": line["name"],
            "series": "R²",
            "value": line["r2"],
            "low": line["r2_range"][0],
            "high": line["r2_range"][1],
            "text": f"{line['name']}: R² {line['r2']:.2f}",
        }
        for line in figures["protocols"]
    ]
    return [
        Figure(
            key="leakage-protocols",
            title="R² of the same table of means under three ways of testing (lines: range over folds)",
            alt="Points: R² under a random split of rows, of adverts, and in time.",
            columns=("Protocol", "R² in dollars", "Mean absolute error", "Root mean square, log pay"),
            rows=tuple(
                (
                    line["name"],
                    f"{line['r2']:.3f}".replace("-", "−"),
                    wording.exact_dollars(line["mae_usd"]),
                    f"{line['rmse_log']:.4f}",
                )
                for line in figures["protocols"]
            ),
            draw=partial(charts.forest, rows, axis=charts.PLAIN, x_title="R² in dollars", zero=None, step=34),
        )
    ]


PART_NAMES: Final = {
    "band": "The posted band itself",
    "unexplained": "Between postings of identical jobs",
    "between": "Between different jobs",
}


def error_budget_figures(figures: Json) -> list[Figure]:
    """Figures of the section on error budget."""
    ways = (("Copies counted", figures["counted"]), ("Each advert once", figures["distinct"]))
    rows = [
        {
            "label": way,
            "series": PART_NAMES[part["name"]],
            "value": part["share"],
            "text": f"{way}, {PART_NAMES[part['name']].lower()}: {wording.percent(part['share'])}",
        }
        for way, budget in ways
        for part in budget["parts"]
    ]
    return [
        Figure(
            key="error-budget",
            title=f"Where the variance of log pay of the rows of {figures['year']} lies",
            alt="Two stacked bars: the band itself, between identical jobs, between different jobs.",
            columns=("Counting", "Part", "Share", "95 % interval"),
            rows=tuple(
                (
                    way,
                    PART_NAMES[part["name"]],
                    wording.percent(part["share"]),
                    f"{wording.percent(part['interval'][0])} to {wording.percent(part['interval'][1])}",
                )
                for way, budget in ways
                for part in budget["parts"]
            ),
            draw=partial(charts.stacked, rows, axis=charts.PERCENT),
        )
    ]
