"""All statistics of the market, computed once, for the report, the app and the bundle.

Enters: postings, perhaps a calendar of arrivals. Leaves: `MarketStatistics`, plain JSON of about 100 KB. Draws nothing, writes
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlpaygrade.audit.pairing import arrival_order
from mlpaygrade.dataset.calendar import Calendar
from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.dataset.table import Table
from mlpaygrade.market.analysis import Analysis, Section
from mlpaygrade.market.bands import bands_section
from mlpaygrade.market.claims import claims_section
from mlpaygrade.market.effects import effects_section
from mlpaygrade.market.error_budget import error_budget_section
from mlpaygrade.market.fitness import fitness_section
from mlpaygrade.market.geography import geography_section
from mlpaygrade.market.leakage import leakage_section
from mlpaygrade.market.remote import remote_section
from mlpaygrade.market.resample import bootstrap_of
from mlpaygrade.market.sample import build_sample
from mlpaygrade.market.target import target_section
from mlpaygrade.market.time_index import time_section
from mlpaygrade.market.titles import titles_section
from mlpaygrade.market.variance import variance_section

FORMAT: Final = 1
"""Raised when the JSON changes its shape."""
SECTIONS: Final[tuple[tuple[str, Callable[[Analysis], Section]], ...]] = (
    ("what moves pay", effects_section),
    ("remote work", remote_section),
    ("spread", variance_section),
    ("distribution", target_section),
    ("geography", geography_section),
    ("time", time_section),
    ("bands", bands_section),
    ("titles", titles_section),
    ("fitness", fitness_section),
    ("leakage", leakage_section),
    ("error budget", error_budget_section),
)
Progress = Callable[[str, int, int], None]
"""Called with (what is being computed, steps done, steps in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatistics:
    """The sections in their order, and what they rest on."""

    sections: tuple[Section, ...]
    counts: Mapping[str, int]
    years: tuple[int, int]
    seed: int
    replicates: int
    dated: bool

    def section(self, key: str) -> Section:
        """The section with that key."""
        return next(section for section in self.sections if section.key == key)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: counts and, in order, every section."""
        return {
            "format": FORMAT,
            "counts": dict(self.counts),
            "years": list(self.years),
            "seed": self.seed,
            "replicates": self.replicates,
            "dated": self.dated,
            "sections": [section.to_json() for section in self.sections],
        }


def market_statistics(
    postings: Postings, *, calendar: Calendar | None = None, seed: int = 0, progress: Progress | None = None
) -> MarketStatistics:
    """Answer every question about the market from postings of any file with the dataset's columns.

    calendar: when rows arrived; without it the series in time goes by order of arrival. Equal inputs give equal output.
    """
    report = progress or (lambda *_: None)
    total = len(SECTIONS) + 2
    report("reading the fields", 0, total)
    sample = build_sample(postings)
    analysis = Analysis(
        sample=sample,
        bootstrap=bootstrap_of(sample, seed=seed),
        calendar=calendar,
        seed=seed,
        arrival=arrival_order(postings.source),
    )
    found: dict[str, Section] = {}
    for done, (name, build) in enumerate(SECTIONS, start=1):
        report(name, done, total)
        section = build(analysis)
        found[section.key] = section
    report("claims", total - 1, total)
    claims = claims_section(analysis, effects=found["effects"], remote=found["remote"], variance=found["variance"])
    order = [*found]
    sections = [found[key] for key in order]
    sections.insert(order.index("leakage"), claims)
    report("done", total, total)
    return MarketStatistics(
        sections=tuple(sections),
        counts=analysis.counts,
        years=(int(postings.year.min()), int(postings.year.max())),
        seed=seed,
        replicates=analysis.bootstrap.replicates,
        dated=found["time"].figures.get("series") is not None and found["time"].figures["series"]["kind"] == "week",
    )


def market_json(source: Table | Postings, *, calendar: Calendar | None = None, seed: int = 0) -> dict[str, Any]:
    """The statistics of a table or of postings as the JSON that travels in the bundle."""
    postings = build_postings(source.frame) if isinstance(source, Table) else source
    return market_statistics(postings, calendar=calendar, seed=seed).to_json()
