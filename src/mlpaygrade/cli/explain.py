"""`mlpaygrade explain` and `mlpaygrade scenarios`: why this number, and what would change it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import JobWords

if TYPE_CHECKING:
    from mlpaygrade.explain.explanation import Explanation
    from mlpaygrade.explain.scenarios import Scenario


@click.command
@options.takes_job
@click.option("--waterfall", type=Path, metavar="FILE", help="Draw the contributions into a .svg or .png file.")
@options.bundle
@options.as_json
def explain(job: JobWords, *, waterfall: Path | None, bundle: Path | None, json: bool) -> None:
    """Say why a job pays what it does: contributions of its fields in dollars that add up to the estimate."""
    from mlpaygrade.explain.explanation import explain as explain_job
    from mlpaygrade.explain.waterfall import write_waterfall

    predictor = options.load_predictor(bundle)
    read = predictor.read_job(**job)
    explanation = explain_job(predictor, read)
    if waterfall is not None:
        write_waterfall(explanation, waterfall)
        options.say(f"The waterfall is {waterfall}.")
    if json:
        options.print_json(explanation.to_json())
    else:
        print(explanation_text(explanation))


@click.command(context_settings={"allow_extra_args": True})
@options.takes_job
@click.option(
    "--allow",
    multiple=True,
    metavar="FIELD ...",
    help="What may change: title, experience, location, remote, size, employment, residence (default: all but residence).",
)
@click.option("--changes", type=click.IntRange(1, 2), default=2, metavar="N", help="Fields changed at once, at most.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=15,
    metavar="N",
    help="Scenarios in the table; JSON has them all.",
)
@options.bundle
@options.as_json
@click.pass_context
def scenarios(
    context: click.Context,
    job: JobWords,
    *,
    allow: tuple[str, ...],
    changes: int,
    limit: int,
    bundle: Path | None,
    json: bool,
) -> None:
    """Say what would change the estimate: one or two fields changed, the largest gain first, supported jobs only."""
    from mlpaygrade.explain.scenarios import read_allowed
    from mlpaygrade.explain.scenarios import scenarios as find

    if context.args and not allow:
        raise InputError(f"Got the unexpected argument '{context.args[0]}'. Fields to change follow --allow.")
    allowed = read_allowed([*allow, *context.args] if allow else None)
    predictor = options.load_predictor(bundle)
    read = predictor.read_job(**job)
    found = find(predictor, read, allow=allowed, max_changes=changes)
    for note in [*read.notes, *found.notes]:
        options.say(f"Note: {note}")
    if json:
        options.print_json([scenario.to_json() for scenario in found.scenarios])
        return
    from mlpaygrade.rendering.words import job_text

    print(f"{job_text(found.job)}: ${found.estimate_usd:,.0f}\n")
    print(scenarios_text(found.scenarios[:limit]))
    if len(found.scenarios) > limit:
        print(f"  and {len(found.scenarios) - limit:,} more (--limit)")


def explanation_text(explanation: "Explanation") -> str:
    """The contributions as a table, with what they are measured against and what stands behind them."""
    from mlpaygrade.explain.explanation import LIMITS, background_sentence, signed_dollars, width_sentence
    from mlpaygrade.rendering.words import job_text

    lines = [job_text(explanation.job), "", f"  {'Average posting':<58}{f'${explanation.base_usd:,.0f}':>12}"]
    lines += [
        f"  {part.label + ': ' + part.value:<58}{signed_dollars(part.usd):>12}   x{part.factor:.2f}"
        for part in explanation.ranked()
    ]
    lines += [f"  {'This job':<58}{f'${explanation.estimate_usd:,.0f}':>12}", "", background_sentence(explanation)]
    lines += [width_sentence(explanation), LIMITS, "", "Postings behind it (quartiles of the band's middle):"]
    for cell in explanation.evidence:
        figures = "too few to say more"
        if cell.quartiles_usd is not None:
            low, middle, high = cell.quartiles_usd
            figures = f"${low:,.0f} / ${middle:,.0f} / ${high:,.0f}, newest {cell.newest_year}"
        lines.append(f"  {cell.level:<44}{cell.postings:>6,}   {figures}")
    lines += [f"Note: {note}" for note in explanation.notes]
    return "\n".join(lines)


def scenarios_text(found: "tuple[Scenario, ...]") -> str:
    """Scenarios as a table."""
    from mlpaygrade.explain.explanation import signed_dollars
    from mlpaygrade.explain.scenarios import WORDING

    if not found:
        return "  No change of these fields leads to a job that enough postings support."
    lines = [f"  {'Estimate':>10}  {'Difference':>11}  {'90 % interval':<25} Postings  Change ({WORDING})"]
    for scenario in found:
        low, high = (signed_dollars(end) for end in scenario.difference.interval_90_usd)
        lines.append(
            f"  {f'${scenario.estimate_usd:,.0f}':>10}  {signed_dollars(scenario.difference.usd):>11}  {f'{low} to {high}':<25} "
            f"{scenario.support.postings:>8,}  {scenario.text}"
        )
    return "\n".join(lines)
