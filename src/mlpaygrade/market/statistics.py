"""All statistics of the market, computed once for the report, the app and the bundle; and the report as one HTML page.

The page is self-contained, without scripts and without any address to load from. Charts are inline SVG in two widths; their
colours are the page's CSS variables, so they follow the reader's theme.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

import mlpaygrade
from mlpaygrade.audit.summary import arrival_order
from mlpaygrade.dataset.postings import Calendar, Postings, build_postings
from mlpaygrade.dataset.table import Table
from mlpaygrade.market.analysis import Analysis, Finding
from mlpaygrade.market.bands import bands_section
from mlpaygrade.market.distribution import distribution_section
from mlpaygrade.market.document import FORMAT, Figure, MarketDocument, Section
from mlpaygrade.market.effects import effects_section
from mlpaygrade.market.fitness import fitness_section, verdicts_section
from mlpaygrade.market.geography import geography_section
from mlpaygrade.market.inference import bootstrap_of
from mlpaygrade.market.predictability import floor_section, random_split_section
from mlpaygrade.market.remote import remote_section
from mlpaygrade.market.sample import build_sample
from mlpaygrade.market.spread import spread_section
from mlpaygrade.market.title_pay import titles_section
from mlpaygrade.market.years import title_series, years_section
from mlpaygrade.rendering.palette import REFERENCES, css_by_reader

ASKED: Final = {
    "effects": ("What moves pay", "Which features move pay most?"),
    "remote": ("Remote work", "Does remote work pay more, and for whom?"),
    "variance": ("Spread within employment type and company size", "Where does pay vary most?"),
    "target": ("The distribution of pay", "How is pay distributed, and are the highest salaries errors?"),
    "geography": ("Geography", "Which countries pay most, once little evidence counts little?"),
    "time": ("Time", "Is pay rising, or are other jobs being advertised?"),
    "bands": ("Posted bands", "How wide are advertised bands, and how much room do they leave?"),
    "titles": ("Titles", "What does a title tell about pay?"),
    "fitness": ("Bias and fitness for use", "What is this file fit for, and what should not be concluded from it?"),
    "claims": ("Claims, one by one", "Which of the published claims about this dataset hold?"),
    "leakage": (
        "What a random split would have claimed",
        "How much does the usual random split of rows flatter a model?",
    ),
    "error_budget": ("Error budget", "How much of the spread of pay could any model explain?"),
}
"""Section -> its title and its question, in order."""
STEPS: Final = 1 + len(ASKED)
"""Reading the fields, and the sections."""
Progress = Callable[[str, int, int], None]
"""Called with (what is being computed, steps done, steps in all)."""
Numbers = TypeVar("Numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatistics:
    """The document, and the numbers that its sections are made of: section -> a dataclass of its module, or None."""

    document: MarketDocument
    numbers: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """Plain JSON: the document and its numbers."""
        return {**document_json(self.document), "numbers": msgspec.to_builtins(dict(self.numbers))}


def document_json(document: MarketDocument) -> dict[str, object]:
    """A document as plain JSON; `document.read_document` reads it back."""
    content: dict[str, object] = msgspec.to_builtins(document)
    return content


def market_statistics(
    postings: Postings, *, calendar: Calendar | None = None, seed: int = 0, progress: Progress | None = None
) -> MarketStatistics:
    """Answer every question about the market from postings of any file with the dataset's columns.

    calendar: when rows arrived; without it the series in time goes by order of arrival. Equal inputs give equal output.
    """
    report = progress or (lambda *_: None)
    report("fields", 0, STEPS)
    sample = build_sample(postings)
    analysis = Analysis(
        sample=sample,
        bootstrap=bootstrap_of(sample, seed=seed),
        calendar=calendar,
        seed=seed,
        arrival=arrival_order(postings.source),
    )
    sections: list[Section] = []
    numbers: dict[str, object] = {}

    def kept(finding: Finding[Numbers]) -> Numbers | None:
        key = list(ASKED)[len(sections)]
        numbers[key] = finding.numbers
        sections.append(finding.section(key, *ASKED[key], whole=analysis.counts))
        report(key, len(sections), STEPS)
        return finding.numbers

    effects = kept(effects_section(analysis))
    remote = kept(remote_section(analysis))
    spread = kept(spread_section(analysis))
    kept(distribution_section(analysis))
    kept(geography_section(analysis))
    years = kept(years_section(analysis))
    kept(bands_section(analysis))
    kept(titles_section(analysis))
    kept(fitness_section(analysis))
    kept(verdicts_section(analysis, effects=effects, remote=remote, spread=spread))
    kept(random_split_section(analysis))
    kept(floor_section(analysis))
    report("done", STEPS, STEPS)
    document = MarketDocument(
        format=FORMAT,
        counts=analysis.counts,
        years=(int(postings.year.min()), int(postings.year.max())),
        seed=seed,
        replicates=analysis.bootstrap.replicates,
        dated=years is not None and years.dated,
        sections=tuple(sections),
        series=title_series(analysis),
    )
    return MarketStatistics(document=document, numbers=numbers)


def market_json(source: Table | Postings, *, calendar: Calendar | None = None, seed: int = 0) -> dict[str, object]:
    """The document of a table or of postings as the JSON that travels in the bundle."""
    postings = build_postings(source.frame) if isinstance(source, Table) else source
    return document_json(market_statistics(postings, calendar=calendar, seed=seed).document)


TITLE: Final = "Pay in machine learning and data: the market, told honestly"
VERDICTS: Final = {"confirmed": "confirmed", "not confirmed": "not-confirmed", "true, but": "true-but"}
"""Cells of a table that have a style of their own."""

_MARK: Final = re.compile(r'<(path|line|rect|circle)( aria-label="([^"]*)"[^>]*)/>')
_NAMESPACES: Final = re.compile(r' xmlns(:xlink)?="[^"]*"')
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The file that a report is about. sha256: of its bytes. synthetic: generated, so no pay of anybody."""

    name: str
    sha256: str
    synthetic: bool


def report_page(document: MarketDocument, *, origin: Origin, progress: Progress | None = None) -> str:
    """The whole page."""
    from jinja2 import Environment, StrictUndefined

    total, drawn = sum(len(section.figures) for section in document.sections), 0

    def drawing(figure: Figure, width: int) -> str:
        nonlocal drawn
        drawn += 1
        if progress:
            progress("drawing", drawn, 2 * total)
        return draw(figure, width=width)

    folder = Path(__file__).parent
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        folder.joinpath("page.html").read_text(encoding="utf-8")
    )
    return template.render(
        document=document,
        origin=origin,
        title=TITLE,
        style=css_by_reader() + "\n" + folder.joinpath("page.css").read_text(encoding="utf-8"),
        facts=_facts(document),
        draw=drawing,
        verdicts=VERDICTS,
        version=mlpaygrade.__version__,
    )


def draw(figure: Figure, *, width: int) -> str:
    """The figure as an SVG element `width` pixels wide."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(figure.chart.draw(width=width, palette=REFERENCES).to_dict())
    svg = _SIZE.sub(r"\1", _NAMESPACES.sub("", svg), count=1)
    return _MARK.sub(r"<\1\2><title>\3</title></\1>", svg)


def _facts(document: MarketDocument) -> tuple[tuple[str, str], ...]:
    counts, (first, last) = document.counts, document.years
    return (
        ("Rows of the file", f"{counts.rows:,}"),
        ("Postings", f"{counts.postings:,}"),
        ("Different adverts", f"{counts.adverts:,}"),
        ("Work years", str(first) if first == last else f"{first}–{last}"),
    )
