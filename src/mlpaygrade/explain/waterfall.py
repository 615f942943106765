"""What a waterfall shows: why a job pays what it does, and what sets two jobs apart."""

from pathlib import Path
from typing import Final

from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError
from mlpaygrade.explain.explanation import (
    PLAYERS,
    Explanation,
    background_sentence,
    player_label,
    player_value,
    signed_dollars,
)
from mlpaygrade.explain.scenarios import Comparison
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.rendering.markup import Step, Waterfall, waterfall_png, waterfall_svg

NEGLIGIBLE_USD: Final = 500
"""Contributions below this are drawn as one step."""


def explanation_waterfall(explanation: Explanation, answer: Answer | None = None) -> Waterfall:
    """From the average of typical postings to the job's estimate: contributions with the largest first, small ones as one.

    answer: the job's answer with its place and ageing, which follow as steps of their own; without it, the country's figure.
    """
    ranked = explanation.ranked()
    shown = [part for part in ranked if abs(part.usd) >= NEGLIGIBLE_USD] or list(ranked[:1])
    steps = [Step(name=part.label.capitalize(), detail=part.value, usd=part.usd) for part in shown]
    if rest := [part for part in ranked if part not in shown]:
        names = ", ".join(part.label for part in rest)
        steps.append(Step(name="The rest", detail=names, usd=sum(part.usd for part in rest)))
    moves = _moves(answer) if answer else []
    last_usd = explanation.estimate_usd + sum(step.usd for step in moves)
    said = [f"{part.label.capitalize()}: {part.value} {signed_dollars(part.usd)}" for part in ranked]
    parts = "; ".join([*said, *(f"{step.name}: {step.detail} {signed_dollars(step.usd)}" for step in moves)])
    return Waterfall(
        title=f"Why ${last_usd:,.0f}: what each field adds to the figure or takes from it",
        said=f"{background_sentence(explanation)} Then: {parts}. Together: ${last_usd:,.0f}.",
        first_name="Average of typical postings",
        first_usd=explanation.base_usd,
        steps=(*steps, *moves),
        last_name="This job, typical pay",
        last_usd=last_usd,
    )


def _moves(answer: Answer) -> list[Step]:
    """What the place and ageing add to the country's figure, in the order in which they multiply it."""
    aged, place, steps = answer.aged, answer.place, []
    here_usd = answer.estimate_usd / (place.factor if place else 1.0)
    if aged is not None:
        detail = f"to {aged.last_month}, times {aged.factor:.3f}"
        steps.append(Step(name="Ageing", detail=detail, usd=here_usd - here_usd / aged.factor))
    if place is not None:
        detail = f"times {place.factor:.2f}, official wages"
        steps.append(Step(name=place.name, detail=detail, usd=answer.estimate_usd - here_usd))
    return steps


def comparison_waterfall(comparison: Comparison, first_name: str, second_name: str) -> Waterfall | None:
    """From one job to another by the fields in which they differ, the largest first; None where they do not."""
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
        return None
    steps.sort(key=lambda step: -abs(step.usd))
    said = "; ".join(f"{step.name}: {step.detail} {signed_dollars(step.usd)}" for step in steps)
    return Waterfall(
        title=f"What sets {second_name} apart from {first_name}",
        said=f"{said}.",
        first_name=first_name,
        first_usd=comparison.first.estimate_usd,
        steps=tuple(steps),
        last_name=second_name,
        last_usd=comparison.second.estimate_usd,
    )


def write_waterfall(explanation: Explanation, path: Path) -> None:
    """Write the picture, whole or not at all; its kind follows from the suffix.

    Raises InputError for any other suffix than .svg or .png, ResourceError where it cannot be drawn or written.
    """
    drawn = explanation_waterfall(explanation)
    if path.suffix.lower() == ".svg":
        write_file(path, waterfall_svg(drawn).encode())
    elif path.suffix.lower() == ".png":
        write_file(path, waterfall_png(drawn))
    else:
        raise InputError(f"A waterfall must be named *.svg or *.png; got '{path.name}'.")
