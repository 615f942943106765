"""Section 10: what is claimed of the public file, one by one, and what the raw figure leaves out.

Enters: an analysis and the sections on effects and remote work. Leaves: a section. The claims, their measurement and whether they
hold are those of `data.claims`, which `mlpaygrade data audit` prints too; here a claim that holds of the rows is set beside what
remains of it for alike jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlpaygrade.audit.claims import ClaimResult, judge_claims
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Section
from mlpaygrade.market.remote import ALPHA

CLAIMED_ROWS: Final = 16_494
"""The claims were made of a file of so many rows."""
VERDICTS: Final[Mapping[str, str]] = {
    "holds": "confirmed",
    "fails": "not confirmed",
    "cannot be told": "cannot be judged",
}
MISLEADS: Final = "true, but"
"""The verdict on a claim that holds of the raw rows and not, or not surely, of alike jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a claim looks like once more is known. misleads: what the claim suggests does not surely hold of alike jobs."""

    text: str
    misleads: bool = False


def claims_section(analysis: Analysis, *, effects: Section, remote: Section, variance: Section) -> Section:
    """Judge every claim on the rows, and add context where the other sections have some."""
    contexts = _contexts(effects, remote, variance)
    lines = [_line(result, contexts.get(result.id)) for result in judge_claims(analysis.sample.rows)]
    verdicts = ("confirmed", MISLEADS, "not confirmed", "cannot be judged")
    tally = {verdict: sum(line["verdict"] == verdict for line in lines) for verdict in verdicts}
    unjudged = f"; {tally['cannot be judged']} cannot be judged" if tally["cannot be judged"] else ""
    holding = (tally["confirmed"] + tally[MISLEADS]) / len(lines)
    return Section(
        key="claims",
        title="Claims, one by one",
        question="Which of the published claims about this dataset hold?",
        answer=(
            f"Of {len(lines)} claims {tally['confirmed']} are confirmed, {tally[MISLEADS]} are true of the rows but mislead, and "
            f"{tally['not confirmed']} are not confirmed{unjudged}."
        ),
        effect=f"{wording.percent(holding)} of the claims hold to the precision in which they were made.",
        uncertainty=(
            "Claims are about the rows of the file itself, so they hold or not; none of the measured figures carries "
            "sampling error."
        ),
        cannot=(
            *_about_the_file(len(analysis.sample.rows)),
            "A claim that holds of the rows need not hold of the market: rows are band ends and copies.",
        ),
        n=analysis.counts,
        figures={"claims": lines, "tally": tally},
    )


def _line(result: ClaimResult, context: Context | None) -> dict[str, Any]:
    verdict = VERDICTS[result.verdict]
    if context is not None and context.misleads and verdict == "confirmed":
        verdict = MISLEADS
    return {
        "key": result.id,
        "claim": result.claim,
        "claimed": result.claimed_text.replace("-", "−") if result.unit != "text" else result.claimed_text,
        "measured": _measured(result),
        "verdict": verdict,
        "remark": " ".join(part for part in (result.remark, context.text if context else "") if part),
    }


def _measured(result: ClaimResult) -> str:
    """The measured value to the digit."""
    if result.measured is None:
        return "no such rows"
    if isinstance(result.measured, str):
        return result.measured
    if result.unit == "usd":
        return wording.exact_dollars(result.measured)
    if result.unit == "percent":
        return wording.percent(result.measured / 100, digits=2)
    return f"{result.measured:,.0f}" if result.unit == "count" else f"{result.measured:.2f}".replace("-", "−")


def _about_the_file(rows: int) -> tuple[str, ...]:
    if rows == CLAIMED_ROWS:
        return ()
    return (
        f"The claims were made of a file of {CLAIMED_ROWS:,} rows; this one has {rows:,}, so a difference need not be an error.",
    )


def _contexts(effects: Section, remote: Section, variance: Section) -> dict[str, Context]:
    """Claim -> its context, for those of which the other sections know more."""
    found: dict[str, Context | None] = {
        "significance": _significance(effects),
        "medium-pays-most": _sizes(effects),
        "most-stable": _more_stable(variance),
        "mid-on-site": _remote(remote, "MI", suggested=-1),
        "senior-on-site": _remote(remote, "SE", suggested=-1),
        "executive-gain": _remote(remote, "EX", suggested=1),
    }
    return {key: context for key, context in found.items() if context is not None}


def _significance(effects: Section) -> Context | None:
    tested = [feature for feature in effects.figures["features"] if feature["tested"]]
    beside = [feature for feature in tested if feature["beside"]]
    if not beside:
        return None
    largest = max(max(feature["kruskal_p"], feature["welch_p"]) for feature in tested)
    least = min(beside, key=lambda feature: feature["beside"]["share"])
    return Context(
        text=f"With each advert counted once and Holm's correction the largest p is {wording.p_value(largest)}; yet "
        f"{wording.lower_first(least['name'])} alone explains {wording.percent(least['beside']['share'])} of the variance that "
        "no other field does.",
        misleads=True,
    )


def _sizes(effects: Section) -> Context | None:
    """Other company sizes against the medium one, adjusted."""
    feature = next((f for f in effects.figures["features"] if f["key"] == "size" and f["tested"]), None)
    if feature is None:
        return None
    reference = next(line for line in feature["list"] if line["reference"])
    if not reference["label"].startswith("Medium"):
        return None
    others = [line for line in feature["list"] if not line["reference"] and line["adjusted"]]
    if not others:
        return None
    said = [f"{wording.lower_first(line['label'].split(' (')[0])} {_effect(line['adjusted'])}" for line in others]
    unclear = any(line["adjusted"]["high"] >= 0 for line in others)
    return Context(text=f"For alike jobs, against medium companies: {wording.listed(said)}.", misleads=unclear)


def _remote(remote: Section, level: str, *, suggested: int) -> Context | None:
    """Fully remote against on site for alike jobs of a level. suggested: the sign that the claim suggests."""
    label = LABELS[EXPERIENCE][level]
    cells = [cell for cell in remote.figures["by_level"] if cell["group"] == label and cell["way"] == "Fully remote"]
    if not cells or cells[0]["adjusted"] is None or cells[0]["reference"]:
        return None
    adjusted = cells[0]["adjusted"]
    clear = adjusted["change"] * suggested > 0 and cells[0]["p_holm"] < ALPHA
    verdict = "clear" if clear else f"not clear of zero among {remote.figures['comparisons']} comparisons"
    return Context(
        text=f"Fully remote against on site for alike jobs: {_effect(adjusted)}, {verdict}.", misleads=not clear
    )


def _more_stable(variance: Section) -> Context | None:
    """Cells whose rows deviate less than those of full time at small companies."""
    cells = [cell for cell in variance.figures["cells"] if cell["row_deviation_usd"] is not None]
    own = [cell for cell in cells if cell["employment"] == "Full time" and cell["size"] == "Small"]
    if not own:
        return None
    lower = [
        f"{wording.lower_first(cell['employment'])} at {cell['size'].lower()} companies"
        for cell in cells
        if cell["row_deviation_usd"] < own[0]["row_deviation_usd"]
    ]
    value = wording.exact_dollars(own[0]["row_deviation_usd"])
    return Context(text=f"Its deviation is {value}; lower: {wording.listed(lower)}.")


def _effect(adjusted: Mapping[str, float]) -> str:
    ends = wording.interval(wording.signed_percent(adjusted["low"]), wording.signed_percent(adjusted["high"]))
    return f"{wording.signed_percent(adjusted['change'])} ({ends})"
