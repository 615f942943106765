"""What the file is fit for (section 9), and which of the claims made of it hold (section 10).

Every bias has a line with its measure. The claims and their measurement are those that `mlpaygrade data audit` prints; here a
claim that holds of the rows is set beside what remains of it for alike jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mlpaygrade.audit.claims import ClaimResult, judge_claims
from mlpaygrade.job.fields import COLUMNS, CURRENCY, EXPERIENCE, LABELS, YEAR
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.effects import Effects
from mlpaygrade.market.remote import Remote
from mlpaygrade.market.sample import MIN_CELL, FieldKey
from mlpaygrade.market.spread import Spread
from mlpaygrade.rendering.charts import Bars, Mark, Stacked
from mlpaygrade.rendering.words import counted

ABSENT: Final = (
    "sex or gender, age, ethnicity, disability, education, years of experience, industry, hours and bonus and equity"
)
"""What pay is often related to and the dataset's columns do not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A bias. measure: how large it is. so: what follows. share: of rows in the largest group, None where that says nothing."""

    risk: str
    measure: str
    so: str
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """The biases of the file."""

    lines: tuple[Risk, ...]


def fitness_section(analysis: Analysis) -> Finding[Fitness]:
    """The biases of the file, measured."""
    copies = float(analysis.sample.rows[list(COLUMNS)].duplicated().mean())
    paired = float(analysis.sample.postings.paired.mean())
    lines = (
        _temporal(analysis),
        _concentration(analysis, "country", risk="Geography"),
        _concentration(analysis, "employment", risk="Employment type"),
        _concentration(analysis, "size", risk="Company size"),
        _currency(analysis),
        Risk(
            risk="Copies",
            measure=f"{wording.percent(copies, digits=1)} of rows repeat an earlier one exactly.",
            so="Reposts look like evidence; intervals here count each advert once.",
        ),
        Risk(
            risk="Unit",
            measure=f"{wording.percent(paired, digits=1)} of postings are two neighbouring rows, the two ends of one band.",
            so="A row is not a person; counting rows counts most adverts twice.",
        ),
        Risk(
            risk="Missing attributes",
            measure=f"No column for {ABSENT}.",
            so="No statement about fairness between people is possible.",
        ),
    )
    share, top = max(((line.share, line.risk.lower()) for line in lines if line.share is not None), key=lambda p: p[0])
    largest = f"{wording.percent(share, digits=1)} of rows in one group"
    return Finding(
        numbers=Fitness(lines=lines),
        answer="It tells what adverts like these offer, not what people are paid, and little about groups that hardly occur: "
        f"the strongest imbalance is {top}, {largest}.",
        effect=f"{largest} ({top}).",
        uncertainty="Counts of the file itself, so without sampling error; how the file was collected is not known in full.",
        cannot=(
            "A fair-pay audit is impossible: the file holds no protected attribute, and leaving one out "
            "does not remove its influence.",
            "Pay of an advert is not pay received.",
        ),
        figures=[_risks_figure(lines)],
        not_to_conclude=_not_to_conclude(analysis),
    )


def _risks_figure(lines: tuple[Risk, ...]) -> Figure:
    marks = [Mark(label=line.risk, value=line.share, text=line.measure) for line in lines if line.share is not None]
    return figure(
        "fitness-shares",
        "Share of rows in the largest group (for time: in the last two years)",
        "Bars: how much of the file the largest group of each kind holds.",
        Bars(marks=tuple(marks), axis="percent", x_title="share of rows"),
        lines,
        ("Risk", lambda line: line.risk),
        ("Measured", lambda line: line.measure),
        ("So", lambda line: line.so),
        open_table=True,
    )


def _temporal(analysis: Analysis) -> Risk:
    counts = analysis.sample.rows[YEAR].value_counts(normalize=True).sort_index()
    years = [int(year) for year in counts.index]
    share = float(counts.iloc[-2:].sum())
    shown = "–".join(map(str, years[-2:]))
    scarce = [str(year) for year in years if counts[year] < 0.02]
    so = f"{wording.listed(scarce)} say little: under 2{wording.NARROW}% of rows each."
    measure = f"{wording.percent(share)} of rows are from {shown}."
    return Risk(risk="Time", measure=measure, so=so if scarce else "No year is scarce.", share=round(share, 4))


def _concentration(analysis: Analysis, key: FieldKey, *, risk: str) -> Risk:
    """How much of the file one group holds, and how many groups are too small to judge."""
    field = analysis.sample.fields[key]
    index, _ = analysis.sample.postings.row_values_usd()
    rows = np.bincount(field.codes[index], minlength=len(field.keys))
    top = int(rows.argmax())
    share = float(rows[top] / rows.sum())
    few = int((field.counts() < MIN_CELL).sum())
    so = (
        f"{few} of {len(field.keys)} groups have fewer than {MIN_CELL} postings."
        if few
        else f"Every one of its {len(field.keys)} groups has at least {MIN_CELL} postings."
    )
    measure = f"{wording.short(field.labels[top])}: {wording.percent(share, digits=1)} of rows."
    return Risk(risk=risk, measure=measure, so=so, share=round(share, 4))


def _currency(analysis: Analysis) -> Risk:
    counts = analysis.sample.rows[CURRENCY].value_counts(normalize=True)
    share, others = float(counts.iloc[0]), counted(len(counts) - 1, "other currency", "other currencies")
    so = f"{others} came in at some exchange rate; the rate and its day are not in the file."
    name = "US dollars" if counts.index[0] == "USD" else str(counts.index[0])
    return Risk(
        risk="Currency",
        measure=f"{name}: {wording.percent(share, digits=1)} of rows.",
        so=so if len(counts) > 1 else "No exchange rate is involved.",
        share=round(share, 4),
    )


def _not_to_conclude(analysis: Analysis) -> list[str]:
    sample = analysis.sample
    country = sample.fields["country"]
    few = int((country.counts() < MIN_CELL).sum())
    lines = [
        "What a given person earns or should earn: the file holds adverts, and the eight fields leave most of the reasons out.",
        "That changing the title, the country or the way of working would change a person's pay by the differences shown here.",
        "Whether pay is fair between groups of people.",
    ]
    if few:
        lines.append(f"A ranking of countries that includes the {few} of fewer than {MIN_CELL} postings.")
    employment = sample.fields["employment"]
    counts = zip(employment.labels, employment.counts(), strict=True)
    scarce = [label.lower() for label, n in counts if n < 0.01 * len(sample)]
    if scarce:
        lines.append(f"Much about {wording.listed(scarce)} work: each is under 1{wording.NARROW}% of postings.")
    return lines


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
        figures=[_verdicts_figure(found)],
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


def _verdicts_figure(found: Verdicts) -> Figure:
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
