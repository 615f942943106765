"""Section 9: what the file is fit for, and what should not be concluded from it: a line for every bias, with its measure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mlpaygrade.job.fields import COLUMNS, CURRENCY, YEAR
from mlpaygrade.market import wording
from mlpaygrade.market.analysis import Analysis, Finding, figure
from mlpaygrade.market.document import Figure
from mlpaygrade.market.sample import MIN_CELL, FieldKey
from mlpaygrade.rendering.charts import Bars, Mark
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
        n=analysis.counts,
        figures=[_figure(lines)],
        not_to_conclude=_not_to_conclude(analysis),
    )


def _figure(lines: tuple[Risk, ...]) -> Figure:
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
