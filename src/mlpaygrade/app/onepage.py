"""One page to keep: an estimate as a single HTML document that needs no network and prints on paper.

Enters: an estimate, its explanation, an offer. Leaves: HTML. It holds the same parts as the page on screen, says when it was made
and of which model and data, and runs no script.
"""

from datetime import datetime
from html import escape

from mlpaygrade.app import answer, why
from mlpaygrade.app.style import sheet
from mlpaygrade.explain.explanation import Explanation
from mlpaygrade.explain.verdict import verdict
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.money.terms import DOLLARS, PayTerms

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
    terms: PayTerms = DOLLARS,
    explanation: Explanation | None = None,
    offer_usd: float | None = None,
) -> str:
    """The document. cells: matching adverts. made: when, in UTC."""
    parts = [answer.heading(estimate), answer.warnings(estimate), answer.figures(estimate, terms)]
    if offer_usd:
        parts.append(f"<p>{escape(' '.join(verdict(estimate, offer_usd).sentences(terms)))}</p>")
    parts += [answer.ranges(estimate, terms, offer_usd=offer_usd), answer.notes(estimate)]
    if explanation is not None:
        parts.append("<h2>Why this figure</h2>" + why.contributions(explanation, estimate, terms))
    parts.append("<h2>The adverts behind it</h2>" + answer.evidence_table(cells, terms))
    parts.append("<h2>Method</h2>" + answer.method(estimate, terms))
    model = estimate.model
    synthetic = " Trained on SYNTHETIC data: these figures say nothing about real pay." if model["synthetic"] else ""
    lines = [
        "Figures are what employers advertise, before tax. The model knows nothing of skills, employer, bonuses or equity. "
        "Not to be used for setting one person's pay.",
        f"Made {made:%Y-%m-%d %H:%M} UTC by MLPayGrade, model {model['version']}, adverts up to {estimate.newest_advert}, "
        f"data SHA-256 {model['data_sha256']}.{synthetic}",
    ]
    parts += [f'<p class="mp-quiet">{escape(line)}</p>' for line in lines]
    return _FRAME.format(title=escape(f"MLPayGrade: {estimate.job_text}"), sheet=sheet(), body="\n".join(parts))
