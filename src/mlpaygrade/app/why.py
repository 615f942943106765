"""Why a figure is what it is, in words and bars, as markup for the app's pages."""

from html import escape

from mlpaygrade.explain.explanation import LIMITS, Explanation
from mlpaygrade.explain.scenarios import Comparison, Scenario
from mlpaygrade.explain.waterfall import comparison_waterfall, explanation_waterfall
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.job.taxonomy import country
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.waterfall_drawing import waterfall_html
from mlpaygrade.rendering.words import with_article


def contributions(explanation: Explanation, answer: Answer, terms: PayTerms = DOLLARS) -> str:
    """The waterfall from the typical posting to this job, with what it is measured against."""
    said = f"<p class=quiet>{escape(LIMITS)}</p>"
    return f'{waterfall_html(explanation_waterfall(explanation, answer), terms)}<div class="mp">{said}</div>'


def beside_the_us(answer: Answer, at_home: Scenario, terms: PayTerms = DOLLARS) -> str:
    """The same job in the United States, and why the bars name another figure for the country."""
    share = answer.estimate_usd / at_home.estimate_usd - 1
    name = with_article(country(answer.job.location).name)
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
