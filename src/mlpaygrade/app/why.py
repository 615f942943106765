"""Why a figure is what it is, in words and bars, as markup for the app's pages."""

from html import escape

from mlpaygrade.explain.explanation import LIMITS, Explanation
from mlpaygrade.explain.scenarios import Comparison
from mlpaygrade.explain.waterfall import comparison_waterfall, explanation_waterfall
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.waterfall import waterfall_html


def contributions(explanation: Explanation, terms: PayTerms = DOLLARS) -> str:
    """The waterfall from the typical posting to this job, with what it is measured against."""
    said = f"<p class=quiet>{escape(LIMITS)}</p>"
    return f'{waterfall_html(explanation_waterfall(explanation), terms)}<div class="mp">{said}</div>'


def drivers(comparison: Comparison, first_name: str, second_name: str, terms: PayTerms = DOLLARS) -> str:
    """The waterfall from one job to another; nothing where they do not differ."""
    drawn = comparison_waterfall(comparison, first_name, second_name)
    return waterfall_html(drawn, terms) if drawn else ""
