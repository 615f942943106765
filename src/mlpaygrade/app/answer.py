"""An estimate in words and bars: the parts that pages, comparisons and documents to keep are made of.

Enters: an `Answer`, and an offer if there is one. Leaves: markup. Draws nothing, asks the model nothing.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from mlpaygrade.app.charts import Range, facts, notes_list, range_chart, table
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.error_budget import SOURCES
from mlpaygrade.forecast.evidence import Cell, Closest
from mlpaygrade.rendering.words import (
    at_most_of_100,
    counted,
    distance_text,
    dollar_range,
    dollars,
    job_text,
    percent,
    place_text,
    position,
    rough_percent,
    terms_text,
)


def heading(estimate: Answer) -> str:
    """What was estimated, on two lines."""
    job = estimate.job
    return (
        f'<div class="mp"><p class="job">{escape(job.title)}, {escape(place_text(job))}</p>'
        f'<p class="quiet">{escape(terms_text(job))}</p></div>'
    )


def figures(estimate: Answer) -> str:
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
            ("90 % range of single figures", dollar_range(low, high), caught(estimate.model, 90)),
        ]
    )


def caught(model: Mapping[str, Any], level: int) -> str:
    """What a range caught when it was tested; a stated share never stands without it."""
    measured = model["measured_coverage"]
    return f"{percent(measured[str(level)])} fell inside when tested" if str(level) in measured else "not tested"


def ranges(estimate: Answer, *, offer_usd: float | None = None) -> str:
    """Band and intervals as bars, each interval with the share that it caught when it was tested."""
    rows = [
        Range(
            name="Typical advertised band",
            low_usd=estimate.band_low_usd,
            high_usd=estimate.band_high_usd,
            detail="low end to high end of one posting",
        )
    ]
    for level, (low, high) in sorted(estimate.intervals_usd.items()):
        name, detail = f"{level} % range of single figures", caught(estimate.model, level)
        rows.append(Range(name=name, low_usd=low, high_usd=high, detail=detail, wide=True))
    return range_chart(rows, typical_usd=estimate.estimate_usd, offer_usd=offer_usd)


def band_ends(estimate: Answer) -> str:
    """How sure each end of the advertised band is, in one sentence."""
    measured = estimate.model["measured_band_coverage"]
    parts = [
        f"its {end} end from {dollar_range(*ends)} ("
        + (f"{percent(measured[end])} fell inside when tested)" if end in measured else "not tested)")
        for end, ends in estimate.band_ends_90_usd.items()
    ]
    return f"The band of one posting, 90 % ranges: {', '.join(parts)}."


def spread(estimate: Answer) -> str:
    """What the spread of single figures is made of, as a small table; nothing where the model cannot say."""
    if (budget := estimate.error_budget) is None:
        return ""
    shares = budget.shares()
    rows = [
        [SOURCES[name].capitalize(), dollars(usd), rough_percent(shares[name])]
        for name, usd in budget.parts_usd().items()
    ]
    rows.append(["All together", dollars(budget.total_usd), "100%"])
    caption = (
        "Where the ranges come from: how far single figures stray from the typical pay (one standard deviation; the parts add up "
        "in squares, and the shares are shares of the square)."
    )
    return table(["Source", "To either side", "Share"], rows, caption=caption)


def support_line(cell: Cell) -> str:
    """What the answer rests on, in one sentence."""
    match = "for this very job" if cell.level == "same job" else f"with the {cell.level}"
    newest = f", the newest from {cell.newest_year}" if cell.newest_year else ""
    return f"Rests on {counted(cell.postings, 'posting')} in the data {match}{newest}."


def distance_line(closest: Closest) -> str:
    """How far the job lies from the data, in one sentence."""
    return f"{distance_text(closest.differs, closest.postings)}."


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
    held = [
        f"the {level} % range caught {percent(measured[str(level)])}"
        for level in (50, 80, 90)
        if str(level) in measured
    ]
    if not held or not measured.get("protocol"):
        return "This model carries no test of its ranges."
    said = f"Tested ({measured['protocol']}): {', '.join(held)} of the advertised figures."
    error = model.get("measured_percentile_error")
    if error is None:
        return said
    return f"{said} Where a figure stands among 100 advertised ones was off by {at_most_of_100(error)} of them at most."


def notes(estimate: Answer) -> str:
    """How the job was read and what limits the answer."""
    return notes_list(estimate.notes)


def position_words(estimate: Answer, usd: float) -> str:
    """Where an amount stands among the advertised figures for such a job, to follow the amount in a sentence."""
    return position(estimate.percentile(usd))


def refusal(estimate: Answer) -> str:
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
