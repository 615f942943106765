"""Section 10: what is claimed of the public file, one by one, and what the raw figure leaves out.

The claims and their measurement are those that `mlpaygrade data audit` prints; here a claim that holds of the rows is set beside
what remains of it for alike jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mlpaygrade.audit.claims import ClaimResult, judge_claims
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.effects import Effects
from mlpaygrade.market.remote import Remote
from mlpaygrade.market.spread import Spread
from mlpaygrade.rendering.charts import Mark, Stacked

Verdict = Literal["confirmed", "true, but", "not confirmed", "cannot be judged"]
COLOURS: Final[Mapping[Verdict, int]] = {"confirmed": 0, "true, but": 4, "not confirmed": 1, "cannot be judged": 3}
"""The verdicts in their order, and their place among the colours. "true, but": it holds of the raw rows and not, or not surely,
of alike jobs."""
CLAIMED_ROWS: Final = 16_494
"""The claims were made of a file of so many rows."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a claim looks like once more is known. misleads: what the claim suggests does not surely hold of alike jobs."""

    text: str
    misleads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim with its verdict, in words."""

    key: str
    claim: str
    claimed: str
    measured: str
    verdict: Verdict
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """All claims."""

    claims: tuple[Judged, ...]

    def count(self, verdict: Verdict) -> int:
        """How many claims have that verdict."""
        return sum(claim.verdict == verdict for claim in self.claims)


def verdicts_section(
    analysis: Analysis, *, effects: Effects | None, remote: Remote | None, spread: Spread | None
) -> Finding[Verdicts]:
    """Judge every claim on the rows, and add context where the other sections have some."""
    contexts = _contexts(effects, remote, spread)
    claims = tuple(_judged(result, contexts.get(result.id)) for result in judge_claims(analysis.sample.rows))
    found = Verdicts(claims=claims)
    confirmed, misleading = found.count("confirmed"), found.count("true, but")
    unjudged = f"; {unknown} cannot be judged" if (unknown := found.count("cannot be judged")) else ""
    return Finding(
        numbers=found,
        answer=f"Of {len(claims)} claims {confirmed} are confirmed, {misleading} are true of the rows but mislead, and "
        f"{found.count('not confirmed')} are not confirmed{unjudged}.",
        effect=f"{wording.percent((confirmed + misleading) / len(claims))} of the claims hold to the precision in which they "
        "were made.",
        uncertainty="Claims are about the rows of the file itself, so they hold or not; none of the measured figures carries "
        "sampling error.",
        cannot=(
            *_about_the_file(len(analysis.sample.rows)),
            "A claim that holds of the rows need not hold of the market: rows are band ends and copies.",
        ),
        n=analysis.counts,
        figures=[_figure(found)],
    )


def _judged(result: ClaimResult, context: Context | None) -> Judged:
    verdict: Verdict = "cannot be judged"
    if result.verdict == "holds":
        verdict = "true, but" if context is not None and context.misleads else "confirmed"
    elif result.verdict == "fails":
        verdict = "not confirmed"
    return Judged(
        key=result.id,
        claim=result.claim,
        claimed=result.claimed_text if result.unit == "text" else result.claimed_text.replace("-", "−"),
        measured=_measured(result),
        verdict=verdict,
        remark=" ".join(filter(None, (result.remark, context.text if context else ""))),
    )


def _measured(result: ClaimResult) -> str:
    """The measured value to the digit."""
    if result.measured is None:
        return "no such rows"
    if isinstance(result.measured, str):
        return result.measured_text
    if result.unit == "usd":
        return wording.exact_dollars(result.measured)
    if result.unit == "percent":
        return wording.percent(result.measured / 100, digits=2)
    return f"{result.measured:,.0f}" if result.unit == "count" else wording.decimal(result.measured)


def _about_the_file(rows: int) -> tuple[str, ...]:
    if rows == CLAIMED_ROWS:
        return ()
    return (
        f"The claims were made of a file of {CLAIMED_ROWS:,} rows; this one has {rows:,}, so a difference need not be an error.",
    )


def _contexts(effects: Effects | None, remote: Remote | None, spread: Spread | None) -> dict[str, Context]:
    """Claim -> its context, for those of which the other sections know more."""
    found = {
        "significance": _significance(effects) if effects else None,
        "medium-pays-most": _sizes(effects) if effects else None,
        "most-stable": _more_stable(spread) if spread else None,
        "mid-on-site": _on_remote(remote, "MI", suggested=-1) if remote else None,
        "senior-on-site": _on_remote(remote, "SE", suggested=-1) if remote else None,
        "executive-gain": _on_remote(remote, "EX", suggested=1) if remote else None,
    }
    return {key: context for key, context in found.items() if context is not None}


def _significance(effects: Effects) -> Context | None:
    beside = [(feature.beside.value, feature.name) for feature in effects.features if feature.beside]
    if not beside:
        return None
    largest = max(max(feature.kruskal_p, feature.welch_p) for feature in effects.features)
    share, name = min(beside, key=lambda pair: pair[0])
    return Context(
        f"With each advert counted once and Holm's correction the largest p is {wording.p_value(largest)}; yet "
        f"{wording.lower_first(name)} alone explains {wording.percent(share)} of the variance that no other field does.",
        misleads=True,
    )


def _sizes(effects: Effects) -> Context | None:
    """Other company sizes against the medium one, adjusted."""
    lines = next((feature.lines for feature in effects.features if feature.key == "size"), ())
    if not any(line.reference and line.label.startswith("Medium") for line in lines):
        return None
    others = [(wording.short(line.label), line.adjusted) for line in lines if not line.reference and line.adjusted]
    if not others:
        return None
    said = [f"{wording.lower_first(label)} {change.text} ({change.interval})" for label, change in others]
    return Context(
        f"For alike jobs, against medium companies: {wording.listed(said)}.",
        misleads=any(change.high >= 0 for _, change in others),
    )


def _on_remote(remote: Remote, level: str, *, suggested: int) -> Context | None:
    """Fully remote against on site for alike jobs of a level. suggested: the sign that the claim suggests."""
    label = LABELS[EXPERIENCE][level]
    cell = next((cell for cell in remote.by_level if (cell.group, cell.way) == (label, "Fully remote")), None)
    if cell is None or cell.adjusted is None or cell.reference:
        return None
    clear = cell.adjusted.value * suggested > 0 and cell.clear
    verdict = "clear" if clear else f"not clear of zero among {remote.comparisons} comparisons"
    return Context(
        f"Fully remote against on site for alike jobs: {cell.adjusted.text} ({cell.adjusted.interval}), {verdict}.",
        misleads=not clear,
    )


def _more_stable(spread: Spread) -> Context | None:
    """Cells whose rows deviate less than those of full time at small companies."""
    cells = [(cell.row_deviation_usd, cell) for cell in spread.cells if cell.row_deviation_usd is not None]
    own = next((usd for usd, cell in cells if (cell.employment, cell.size) == ("Full time", "Small")), None)
    if own is None:
        return None
    lower = [
        f"{wording.lower_first(cell.employment)} at {cell.size.lower()} companies" for usd, cell in cells if usd < own
    ]
    return Context(f"Its deviation is {wording.exact_dollars(own)}; lower: {wording.listed(lower)}.")


def _figure(found: Verdicts) -> Figure:
    tally = {verdict: n for verdict in COLOURS if (n := found.count(verdict))}
    marks = tuple(
        Mark(label="Claims", series=verdict.capitalize(), value=n, text=f"{verdict}: {n}")
        for verdict, n in tally.items()
    )
    return figure(
        "claims-tally",
        "Verdicts",
        f"Stacked bar: {wording.listed([f'{n} {verdict}' for verdict, n in tally.items()])}.",
        Stacked(marks=marks, axis="count", colours=tuple(COLOURS[verdict] for verdict in tally)),
        found.claims,
        ("Claim", lambda claim: claim.claim),
        ("Claimed", lambda claim: claim.claimed),
        ("Verdict", lambda claim: claim.verdict),
        ("Measured", lambda claim: ". ".join(filter(None, (claim.measured, claim.remark)))),
        open_table=True,
    )
