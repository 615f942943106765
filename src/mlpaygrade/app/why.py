"""Why a figure is what it is, in words and bars, as markup for the app's pages."""

from html import escape

from mlpaygrade.explain.explanation import LIMITS, Explanation, background_sentence, width_sentence
from mlpaygrade.explain.scenarios import Comparison
from mlpaygrade.explain.waterfall import comparison_waterfall, explanation_waterfall
from mlpaygrade.rendering.waterfall import waterfall_html


def contributions(explanation: Explanation) -> str:
    """The waterfall from the typical posting to this job, with what it is measured against."""
    lines = (background_sentence(explanation), width_sentence(explanation), LIMITS)
    said = "".join(f"<p class=quiet>{escape(line)}</p>" for line in lines)
    return f'{waterfall_html(explanation_waterfall(explanation))}<div class="mp">{said}</div>'


def drivers(comparison: Comparison, first_name: str, second_name: str) -> str:
    """The waterfall from one job to another; nothing where they do not differ."""
    drawn = comparison_waterfall(comparison, first_name, second_name)
    return waterfall_html(drawn) if drawn else ""
