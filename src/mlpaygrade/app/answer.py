"""An estimate in words and bars: the parts that pages, comparisons and documents to keep are made of.

Enters: an `Estimate`, and an offer if there is one. Leaves: markup. Draws nothing, asks the model nothing.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from mlpaygrade.app.charts import Range, facts, notes_list, range_chart, table
from mlpaygrade.distribution import LEVELS, TARGETS
from mlpaygrade.evidence import Cell
from mlpaygrade.predictor import Estimate, percentile
from mlpaygrade.words import counted, dollar_range, dollars, job_text, percent, place_text, terms_text

PLAIN_INTERVAL: Mapping[int, str] = {
    50: "Half of advertised figures",
    80: "8 in 10 advertised figures",
    90: "9 in 10 advertised figures",
}


def heading(estimate: Estimate) -> str:
    """What was estimated, on two lines."""
    job = estimate.job
    return (
        f'<div class="mp"><p class="job">{escape(job.title)}, {escape(place_text(job))}</p>'
        f'<p class="quiet">{escape(terms_text(job))}</p></div>'
    )


def figures(estimate: Estimate) -> str:
    """The answer as three figures of one size: a point never stands without its range."""
    low, high = estimate.intervals_usd[90]
    return facts(
        [
            ("Typical pay", dollars(estimate.estimate_usd), "US dollars a year before tax"),
            (
                "Typical advertised band",
                dollar_range(estimate.band_low_usd, estimate.band_high_usd),
                "from the low to the high end of one posting",
            ),
            ("9 in 10 advertised figures", dollar_range(low, high), "lie in this range for such a job"),
        ]
    )


def ranges(estimate: Estimate, *, offer_usd: float | None = None) -> str:
    """Band and intervals as bars, each interval with the share that it caught when it was tested."""
    coverage = estimate.model["measured_coverage"]
    rows = [
        Range(
            name="Typical advertised band",
            low_usd=estimate.band_low_usd,
            high_usd=estimate.band_high_usd,
            detail="low end to high end of one posting",
        )
    ]
    for level, (low, high) in sorted(estimate.intervals_usd.items()):
        caught = f"{percent(coverage[str(level)])} fell inside when tested" if str(level) in coverage else "not tested"
        rows.append(
            Range(
                name=PLAIN_INTERVAL.get(level, f"{level} in 100"), low_usd=low, high_usd=high, detail=caught, wide=True
            )
        )
    return range_chart(rows, typical_usd=estimate.estimate_usd, offer_usd=offer_usd)


def support_line(cell: Cell) -> str:
    """What the answer rests on, in one sentence."""
    match = "for this very job" if cell.level == "same job" else f"with the {cell.level}"
    newest = f", the newest from {cell.newest_year}" if cell.newest_year else ""
    return f"Rests on {counted(cell.postings, 'posting')} in the data {match}{newest}."


def evidence_table(cells: list[Cell]) -> str:
    """The matching postings from the closest to the broadest match."""
    rows = []
    for cell in cells:
        quartiles = cell.quartiles_usd
        rows.append(
            [
                cell.level.capitalize(),
                f"{cell.postings:,}",
                dollar_range(quartiles[0], quartiles[2]) if quartiles else "too few",
                dollars(quartiles[1]) if quartiles else "too few",
                str(cell.newest_year) if cell.newest_year else "none",
            ]
        )
    return table(
        ["Postings that agree in", "Postings", "Middle half", "Median", "Newest"],
        rows,
        caption="Postings in the training data, by how closely they match. Each counts with the middle of its band.",
    )


def quality_line(model: Mapping[str, Any]) -> str:
    """How the model was tested and what share of figures its ranges caught."""
    measured = model["measured_coverage"]
    caught = [
        f"the {level} % range caught {percent(measured[str(level)])}"
        for level in (50, 80, 90)
        if str(level) in measured
    ]
    if not caught or not measured.get("protocol"):
        return "This model carries no test of its ranges."
    return f"Tested ({measured['protocol']}): {', '.join(caught)} of the advertised figures."


def notes(estimate: Estimate) -> str:
    """How the job was read and what limits the answer."""
    return notes_list(estimate.notes)


def position_words(estimate: Estimate, usd: float) -> str:
    """Where an amount stands among the advertised figures for such a job, to follow the amount in a sentence."""
    share = percentile(estimate.log_quantiles[TARGETS.index("any")], usd)
    if share <= LEVELS[0]:
        return "lies below at least 99 of 100 advertised figures for such a job"
    if share >= LEVELS[-1]:
        return "lies above at least 99 of 100 advertised figures for such a job"
    return f"lies above about {round(100 * share)} of 100 advertised figures for such a job"


def refusal(estimate: Estimate) -> str:
    """Why there is no figure, what the data do hold, and which job comes nearest that can be answered."""
    reason = str(estimate.not_enough_data).removeprefix("not enough data: ")
    lines = [
        "<strong>There is not enough data for this job to give a figure worth having.</strong>",
        f"{escape(reason[:1].upper() + reason[1:])}.",
        f"The closest match in the data: {counted(estimate.support.postings, 'posting')} with the {estimate.support.level}.",
    ]
    if estimate.nearest is not None:
        lines.append(f"The nearest job that can be answered: <strong>{escape(job_text(estimate.nearest))}</strong>.")
    return f'<div class="mp">{"".join(f"<p>{line}</p>" for line in lines)}</div>'
