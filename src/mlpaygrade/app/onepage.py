"""One page to keep: an estimate as a single HTML document that needs no network and prints on paper.

Enters: an estimate, its explanation, an offer. Leaves: HTML. It holds the same parts as the page on screen, says when it was made
and of which model and data, and runs no script.
"""

from datetime import datetime
from html import escape

from mlpaygrade.app import answer, why
from mlpaygrade.app.style import sheet
from mlpaygrade.explain.explanation import Explanation
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.rendering.words import dollars, job_text

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 54rem; margin: 1.5rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem; }} h2 {{ font-size: 1.1rem; margin: 1rem 0 .25rem; }}
@media print {{ :root {{ color-scheme: light; }} body {{ font-size: 12px; margin: 0; }} * {{ print-color-adjust: exact; }} }}
{sheet}</style></head><body><main>
<h1>What this job pays</h1>
{body}
</main></body></html>
"""


def document(
    estimate: Answer,
    cells: list[Cell],
    *,
    made: datetime,
    explanation: Explanation | None = None,
    offer_usd: float | None = None,
) -> str:
    """The document. cells: matching postings. made: when, in UTC."""
    parts = [answer.heading(estimate), answer.notes(estimate), answer.figures(estimate)]
    if offer_usd:
        parts.append(
            f"<p><strong>{dollars(offer_usd)}</strong> {escape(answer.position_words(estimate, offer_usd))}.</p>"
        )
    said = (
        answer.band_ends(estimate),
        f"{answer.support_line(estimate.support)} {answer.distance_line(estimate.closest)}",
    )
    parts += [answer.ranges(estimate, offer_usd=offer_usd), *(f"<p>{escape(line)}</p>" for line in said)]
    parts.append(answer.spread(estimate))
    if explanation is not None:
        parts.append("<h2>Why this figure</h2>" + why.contributions(explanation))
    parts.append("<h2>The postings behind it</h2>" + answer.evidence_table(cells))
    model = estimate.model
    synthetic = " Trained on SYNTHETIC data: these figures say nothing about real pay." if model["synthetic"] else ""
    lines = [
        answer.quality_line(model),
        "Figures are what employers advertise, in US dollars a year before tax. The model knows nothing of skills, employer, "
        "city, bonuses or equity. Not to be used for setting one person's pay.",
        f"Made {made:%Y-%m-%d %H:%M} UTC by MLPayGrade, model {model['version']}, postings up to {model['trained_through']}, "
        f"data SHA-256 {model['data_sha256']}.{synthetic}",
    ]
    parts.append("<h2>How good this is</h2>" + "".join(f'<p class="mp-quiet">{escape(line)}</p>' for line in lines))
    return _FRAME.format(title=escape(f"MLPayGrade: {job_text(estimate.job)}"), sheet=sheet(), body="\n".join(parts))
