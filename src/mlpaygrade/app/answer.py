"""An answer in plain words and bars, why it is so, and the same as one page to keep.

The page to keep is a single HTML document that needs no network, prints on paper and runs no script; it says when it was made
and of which model and data.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from mlpaygrade.app.serving import sheet
from mlpaygrade.explain.explanation import LIMITS, Explanation
from mlpaygrade.explain.scenarios import Comparison, Scenario
from mlpaygrade.explain.verdict import aged_text, place_said, support_text, verdict
from mlpaygrade.explain.waterfall import comparison_waterfall, explanation_waterfall
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import SOURCES
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.forecast.remarks import COUNTED_DIFFERENTLY, apart_from_age
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.markup import Range, notes_list, range_chart, table, waterfall_html
from mlpaygrade.rendering.words import (
    SAME_PROCEDURE,
    capital,
    counted,
    country_text,
    distance_text,
    job_text,
    of_100,
    percent,
    rough_percent,
    terms_text,
    up_to_of_100,
)

_MEANING: Final = {
    "strong": "Strong: ranges made the same way held for such jobs",
    "fair": "Fair: good for orientation",
    "rough": "Rough: only a first idea",
}


def heading(estimate: Answer) -> str:
    """What was estimated, on two lines."""
    job = estimate.job
    return (
        f'<div class="mp"><p class="job">{escape(job.title)}, {escape(estimate.where)}</p>'
        f'<p class="quiet">{escape(terms_text(job))}</p></div>'
    )


def warnings(estimate: Answer) -> str:
    """What contradicts the answer, to stand beside the number."""
    return notes_list(estimate.said_first)


def figures(estimate: Answer, terms: PayTerms = DOLLARS) -> str:
    """The one large figure, what it means, and how strong it is; a point never stands without its range."""
    low, high = estimate.intervals_usd[90]
    accuracy = estimate.accuracy
    held = f" (How often that held: {of_100(accuracy.coverage[90])} of 100 when tested.)" if accuracy else ""
    return (
        '<div class="mp mp-answer">'
        f'<p class="large">{about(estimate)}<strong>{escape(terms.text(estimate.estimate_usd))}</strong> {escape(terms.per)} '
        "before tax</p>"
        f'<p class="quiet">Typical advertised pay; adverts up to {escape(estimate.age_text)}.</p>'
        f"{_apart(aged_text(estimate, terms), 'aged')}{_apart(place_said(estimate, terms), 'quiet')}"
        f"<p>9 in 10 such jobs are advertised between <strong>{escape(terms.between(low, high))}</strong>.{escape(held)}</p>"
        f"{strength_line(estimate)}<p>{escape(support_text(estimate, terms))}</p></div>"
    )


def strength_line(estimate: Answer) -> str:
    """How strong the answer is, in a word with its reason."""
    word, because = estimate.strength.word, capital("; ".join(estimate.strength.reasons))
    return (
        f'<p class="strength {word}"><strong>{_MEANING[word]}.</strong> {escape(f"{because}." if because else "")}</p>'
    )


def at_a_glance(estimate: Answer, terms: PayTerms = DOLLARS) -> str:
    """The answer on one line, for a phone to show while the form is filled in; assistive technology has the answer itself."""
    low, high = estimate.intervals_usd[90]
    return (
        f'<p class="mp-glance" aria-hidden="true">{about(estimate)}<strong>{escape(terms.text(estimate.estimate_usd))}</strong> '
        f"{escape(terms.per)}; 9 in 10: {escape(terms.range(low, high))}; {estimate.strength.word}</p>"
    )


def about(estimate: Answer) -> str:
    """A rough figure never stands as if it were known."""
    return "about " if estimate.strength.word == "rough" else ""


def other_levels(steps: Sequence[Scenario], estimate: Answer, terms: PayTerms = DOLLARS) -> str:
    """What the job pays at every level, for a reader who is unsure of it. steps: of the country, today's place and age aside."""
    here = next(step for step in steps if not step.changes)
    factor = estimate.estimate_usd / here.estimate_usd
    rough = estimate.strength.word == "rough"
    said = [
        f"{LABELS[EXPERIENCE][step.job.experience].lower()} {terms.text(step.estimate_usd * factor)}"
        + ("" if step.supported or step is here or rough else " (few adverts)")
        for step in steps
    ]
    every = f"{', '.join(said)}{'; all of them rough' if rough else ''}"
    return f'<p class="mp-quiet">Unsure of the level? Typical pay by level: {escape(every)}.</p>'


def _apart(said: str, kind: str) -> str:
    """What changed a figure, in a paragraph of its own; nothing where nothing did."""
    return f'<p class="{kind}">{escape(said)}</p>' if said else ""


def caught(estimate: Answer, level: int) -> str:
    """What a range caught when it was tested on such jobs; a stated share never stands without it."""
    if estimate.accuracy is None:
        return "not tested"
    return f"{percent(estimate.accuracy.coverage[level])} fell inside when tested"


def ranges(estimate: Answer, terms: PayTerms = DOLLARS, *, offer_usd: float | None = None) -> str:
    """Band and intervals as bars, each interval with the share that it caught when it was tested."""
    rows = [
        Range(
            name="One advert's range",
            ends_usd=(estimate.band_low_usd, estimate.band_high_usd),
            detail="its low and its high end, typically",
        )
    ]
    for level, ends in sorted(estimate.intervals_usd.items()):
        name, detail = f"{_of_ten(level)} such jobs", caught(estimate, level)
        rows.append(Range(name=name, ends_usd=ends, detail=detail, wide=True))
    return range_chart(rows, terms, typical_usd=estimate.estimate_usd, offer_usd=offer_usd)


def _of_ten(level: int) -> str:
    return "Half of" if level == 50 else f"{level // 10} in 10"


def method(estimate: Answer, terms: PayTerms = DOLLARS) -> str:
    """The fine print: both ends of the band, how it was tested, what makes the ranges wide, how the money was converted."""
    ends = ", ".join(f"its {end} end between {terms.between(*usd)}" for end, usd in estimate.band_ends_90_usd.items())
    lines = [f"9 in 10 adverts of such jobs name {ends}.", quality_line(estimate)]
    lines.append(f"{distance_text(estimate.closest.differs, estimate.closest.postings)}.")
    if estimate.apart:
        lines.append(COUNTED_DIFFERENTLY)
    if terms.said:
        lines.append(f"Converted: {terms.said}.")
    lines += [f"Age: {note}" for note in apart_from_age(estimate.notes)[1]]
    return f'<div class="mp">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div>' + spread(estimate, terms)


def spread(estimate: Answer, terms: PayTerms = DOLLARS) -> str:
    """What the spread of single figures is made of, as a small table; nothing where the model cannot say."""
    if (budget := estimate.error_budget) is None:
        return ""
    shares = budget.shares()
    rows = [
        [SOURCES[name].capitalize(), terms.text(usd), rough_percent(shares[name])]
        for name, usd in budget.parts_usd().items()
    ]
    rows.append(["All together", terms.text(budget.total_usd), "100%"])
    caption = (
        "Where the ranges come from: how far single figures stray from the typical pay (one standard deviation; the parts add up "
        "in squares, and the shares are shares of the square)."
    )
    return table(["Source", "To either side", "Share"], rows, caption=caption)


def evidence_table(cells: list[Cell], terms: PayTerms = DOLLARS) -> str:
    """The matching adverts from the closest to the broadest match."""
    rows = []
    for cell in cells:
        pay = ["too few", "too few"]
        if cell.quartiles_usd:
            low, middle, high = cell.quartiles_usd
            pay = [terms.range(low, high), terms.text(middle)]
        rows.append([cell.level.capitalize(), f"{cell.postings:,}", *pay, str(cell.newest_year or "none")])
    return table(
        ["Adverts that agree in", "Adverts", "Middle half", "Middle", "Newest"],
        rows,
        caption="Adverts in the data, by how closely they match. Each counts with the middle of its range.",
    )


def quality_line(estimate: Answer) -> str:
    """How the ranges were tested for such jobs, and what share of figures they caught."""
    accuracy, protocol = estimate.accuracy, estimate.model["measured_coverage"].get("protocol")
    if accuracy is None or not protocol:
        return "This model carries no test of its ranges for such jobs."
    held = ", ".join(
        f"the {_of_ten(level).lower()} range caught {percent(share)}" for level, share in accuracy.coverage.items()
    )
    return (
        f"Tested ({SAME_PROCEDURE} {protocol}), on {accuracy.tested}: {held}. Where a figure stands among 100 advertised ones "
        f"was off {up_to_of_100(accuracy.percentile_error)} of them over the whole group."
    )


def read_notes(estimate: Answer) -> list[str]:
    """How the job was read; what the age of the model has cost stands under Method."""
    return apart_from_age(estimate.notes)[0]


def notes(estimate: Answer) -> str:
    """The same as a list."""
    return notes_list(read_notes(estimate))


def refusal(estimate: Answer) -> str:
    """Why there is no figure, what the data do hold, and which job comes nearest that can be answered."""
    reason = str(estimate.not_enough_data)
    lines = [
        "<strong>There is not enough data for this job to give a figure worth having.</strong>",
        f"{escape(capital(reason))}.",
        f"The closest match in the data: {counted(estimate.support.postings, 'advert')} with the {estimate.support.level}.",
    ]
    if estimate.nearest is not None:
        lines.append(f"The nearest job that can be answered: <strong>{escape(job_text(estimate.nearest))}</strong>.")
    return f'<div class="mp">{"".join(f"<p>{line}</p>" for line in lines)}</div>'


def contributions(explanation: Explanation, answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """The waterfall from the typical posting to this job, with what it is measured against."""
    said = f"<p class=quiet>{escape(LIMITS)}</p>"
    return f'{waterfall_html(explanation_waterfall(explanation, answer), terms)}<div class="mp">{said}</div>'


def beside_the_us(answer: Answer, at_home: Scenario, terms: PayTerms = DOLLARS) -> str:
    """The same job in the United States, and why the bars name another figure for the country."""
    share = answer.estimate_usd / at_home.estimate_usd - 1
    name = country_text(answer.job.location)
    return (
        f'<div class="mp"><p>The same job in the United States is advertised for {escape(terms.text(at_home.estimate_usd))} '
        f"{escape(terms.per)}; in {escape(name)} that is {abs(share):.0%} {'more' if share > 0 else 'less'}. The Market "
        'page asks this too ("Which countries pay most"); its table of titles puts all levels together and shows another '
        "figure. The bars above start from the average of typical adverts instead, most of them from the United "
        "States, and share what title, level and country do together; so the country's bar is another figure.</p></div>"
    )


def drivers(comparison: Comparison, first_name: str, second_name: str, terms: PayTerms = DOLLARS) -> str:
    """The waterfall from one job to another; nothing where they do not differ."""
    drawn = comparison_waterfall(comparison, first_name, second_name)
    return waterfall_html(drawn, terms) if drawn else ""


def document(
    estimate: Answer,
    cells: list[Cell],
    *,
    made: datetime,
    terms: PayTerms = DOLLARS,
    explanation: Explanation | None = None,
    offer_usd: float | None = None,
) -> str:
    """The document. cells: matching adverts. made: when, in UTC."""
    parts = [heading(estimate), warnings(estimate), figures(estimate, terms)]
    if offer_usd:
        parts.append(f"<p>{escape(' '.join(verdict(estimate, offer_usd).sentences(terms)))}</p>")
    parts += [ranges(estimate, terms, offer_usd=offer_usd), notes(estimate)]
    if explanation is not None:
        parts.append("<h2>Why this figure</h2>" + contributions(explanation, estimate, terms))
    parts.append("<h2>The adverts behind it</h2>" + evidence_table(cells, terms))
    parts.append("<h2>Method</h2>" + method(estimate, terms))
    model = estimate.model
    synthetic = " Trained on SYNTHETIC data: these figures say nothing about real pay." if model["synthetic"] else ""
    lines = [
        "Figures are what employers advertise, before tax. The model knows nothing of skills, employer, bonuses or equity. "
        "Not to be used for setting one person's pay.",
        f"Made {made:%Y-%m-%d %H:%M} UTC by MLPayGrade, model {model['version']}, adverts up to {estimate.newest_advert}, "
        f"data SHA-256 {model['data_sha256']}.{synthetic}",
    ]
    parts += [f'<p class="mp-quiet">{escape(line)}</p>' for line in lines]
    frame = Template(Path(__file__).with_name("kept.html").read_text(encoding="utf-8"))
    title = escape(f"MLPayGrade: {estimate.job_text}")
    return frame.substitute(title=title, sheet=sheet(), body="\n".join(parts))
