"""Why a figure is what it is, in words and bars.

Enters: an `Explanation` or a `Comparison`. Leaves: markup. Asks the model nothing.
"""

from html import escape

from mlpaygrade.app.charts import Step, waterfall
from mlpaygrade.explain.explanation import (
    LIMITS,
    PLAYERS,
    Explanation,
    background_sentence,
    player_label,
    player_value,
    width_sentence,
)
from mlpaygrade.explain.scenarios import Comparison

NEGLIGIBLE_USD = 500


def contributions(explanation: Explanation) -> str:
    """The waterfall from the typical posting to this job, with what it is measured against."""
    ranked = explanation.ranked()
    shown = [part for part in ranked if abs(part.usd) >= NEGLIGIBLE_USD] or list(ranked[:1])
    steps = [Step(name=part.label.capitalize(), detail=part.value, usd=part.usd) for part in shown]
    if rest := [part for part in ranked if part not in shown]:
        names = ", ".join(part.label for part in rest)
        steps.append(Step(name="The rest", detail=names, usd=sum(part.usd for part in rest)))
    chart = waterfall(
        ("Average of typical postings", explanation.base_usd),
        steps,
        ("This job, typical pay", explanation.estimate_usd),
        label="What each field adds to the figure or takes from it",
    )
    lines = (background_sentence(explanation), width_sentence(explanation), LIMITS)
    return chart + f'<div class="mp">{"".join(f"<p class=quiet>{escape(line)}</p>" for line in lines)}</div>'


def drivers(comparison: Comparison, first_name: str, second_name: str) -> str:
    """The waterfall from one job to another; fields that move less than can be shown are left out."""
    one, two = comparison.first.job, comparison.second.job
    steps = [
        Step(
            name=player_label(player).capitalize(),
            detail=f"{player_value(player, one)} to {player_value(player, two)}",
            usd=comparison.drivers_usd[player],
        )
        for player in PLAYERS
        if player_value(player, one) != player_value(player, two)
    ]
    if not steps:
        return ""
    return waterfall(
        (first_name, comparison.first.estimate_usd),
        sorted(steps, key=lambda step: -abs(step.usd)),
        (second_name, comparison.second.estimate_usd),
        label=f"What sets {second_name} apart from {first_name}",
    )
