"""The shipped model against independent sources of pay, by country, level and title.

Writes `docs/checked.md` and the JSON that travels in the package. To run again when a new model ships:
`python -m research validate --external FOLDER --write docs/checked.md`.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.evaluation.checked import CHECKED_PATH, Checked, CheckedGroup, CheckedSource, Dimension, Kind
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EXPERIENCE, LABELS, Experience
from mlpaygrade.job.places import country
from research.external import Observed, answers, log_pay, postings_2023, startup_bands, survey

FEWEST: Final = 20
"""A group is shown with at least this many jobs."""
MOST_TITLES: Final = 12
CLEAR: Final = 0.05
"""A median log difference beyond this is said in words."""
FEWEST_SAID: Final = 30

OCCUPATIONS: Final = {
    "152051": ("Data Scientist", "Data Scientists"),
    "151252": ("Software Engineer", "Software Developers"),
    "151243": ("Data Architect", "Database Architects"),
    "151242": ("Database Administrator", "Database Administrators"),
    "152041": ("Statistician", "Statisticians"),
    "152031": ("Operations Research Analyst", "Operations Research Analysts"),
    "151221": ("Research Scientist", "Computer and Information Research Scientists"),
    "151211": ("Systems Analyst", "Computer Systems Analysts"),
}
"""Occupation of the official statistics -> the title that is asked, and its official name."""
USUAL_LEVELS: Final[tuple[Experience, ...]] = ("MI", "SE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    file: str
    key: str
    name: str
    kind: Kind
    when: str
    what: str
    how_to_read: str
    read: Callable[[Path], Iterator[Observed]]


def _yearly_postings(path: Path) -> Iterator[Observed]:
    return (job for job in postings_2023(path) if job.yearly)


SOURCES: Final = (
    _Description(
        file="postings-2023.csv",
        key="postings_2023",
        name="Postings found through a search engine, 2023",
        kind="posted",
        when="2023",
        what="Adverts of data jobs that name pay, of any site (dataset data_jobs, Apache-2.0). One figure each, usually the "
        "middle of a band; yearly pay only, and abroad without figures that a job board names in ten countries or more.",
        how_to_read="The same kind of figure as ours, from other adverts. Asked as of 2023, a year that the model "
        "was trained on: no test of a forecast. Employers who publish pay are not all employers, there "
        "as here. Abroad the adverts are few, many of them of employers from the United States.",
        read=_yearly_postings,
    ),
    _Description(
        file="startup-bands-2025-10.csv",
        key="startups_2025",
        name="Bands that startups post, autumn 2025",
        kind="posted",
        when="2025-10",
        what="Full-time bands on the career pages of startups; the middle of each band, in dollars at the rate of its day.",
        how_to_read="Startups with money pay more for the same title than the market as a whole; ours should lie below.",
        read=startup_bands,
    ),
    _Description(
        file="survey-2025.csv",
        key="survey_2025",
        name="A survey of developers, 2025",
        kind="paid",
        when="2025",
        what="What 1,401 data and AI people say that they earn; level by years of experience, so roughly.",
        how_to_read="What people have, not what is offered to the next one: long-held jobs pay less than new adverts, and "
        "employers who publish pay tend to pay more. Who answers is not everyone.",
        read=survey,
    ),
)


def validate(folder: Path, *, predictor: Predictor | None = None) -> Checked:
    """The model against every source in a folder. Files are those of `SOURCES` and the official statistics of May 2025."""
    predictor = predictor or Predictor.load()
    sources = [
        _official(predictor, folder / "oews-2025-05.csv"),
        *(_checked(predictor, folder, one) for one in SOURCES),
    ]
    provenance = predictor.bundle.provenance
    return Checked(
        model_version=str(provenance["version"]),
        trained_through=str(provenance["trained_through"]),
        data_sha256=str(provenance["data_sha256"]),
        sources=tuple(sources),
        said=tuple(_said(sources)),
    )


def write(document: Checked, page: Path, *, table: Path = CHECKED_PATH) -> None:
    """Write the page and the JSON that travels in the package."""
    page.write_text(checked_page(document), encoding="utf-8")
    table.parent.mkdir(exist_ok=True)
    table.write_text(json.dumps(document.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def checked_page(document: Checked) -> str:
    """`docs/checked.md`."""
    lines = [
        "# Checked against others",
        "",
        "Written by `python -m research validate`; no figure is typed by hand. "
        f"Model {document.model_version}, adverts to {document.trained_through}, data `{document.data_sha256[:12]}`.",
        "",
        "Our figures are what employers advertise who publish pay. That is not what everyone earns.",
        "",
        "**Gap**: how far our typical pay lies above (+) or below (-) theirs, for the middle one of the jobs compared. "
        "**Inside**: how many of their figures lie in our 90 % range; 90 of 100 would be right if they measured the same. Both "
        "with their 95 % interval, jobs taken as independent, so that one employer's many adverts make it too narrow.",
        "",
        *(f"- {sentence}" for sentence in document.said),
    ]
    for source in document.sources:
        lines += ["", *_section(source)]
    return "\n".join(lines) + "\n"


def _section(source: CheckedSource) -> list[str]:
    kinds = {"posted": "advertised pay", "paid": "pay that people report", "employed": "pay of people employed"}
    counted = f"{source.rows:,} jobs" if source.kind != "employed" else f"{source.rows:,} people"
    refused = f"; {source.refused:,} more whose title we give no answer for" if source.refused else ""
    lines = [
        f"## {source.name}",
        "",
        f"{kinds[source.kind].capitalize()}, {source.when}; {counted}{refused}. {source.what}",
        "",
        f"How to read the gap: {source.how_to_read}",
    ]
    for dimension in ("all", "country", "level", "title"):
        groups = [group for group in source.groups if group.dimension == dimension]
        if groups:
            count = "people employed" if source.kind == "employed" else "jobs"
            inside = [] if source.kind == "employed" else ["inside"]
            header = [dimension, count, "gap", *inside]
            lines += ["", f"| {' | '.join(header)} |", "|---" * len(header) + "|", *map(_row, groups)]
    return lines


def _row(group: CheckedGroup) -> str:
    inside = "" if group.inside_90 is None else f" {100 * group.inside_90:.0f} ± {_points(group)} of 100 |"
    between = "" if group.log_range is None else f" ({_gap(group.log_range[0])} to {_gap(group.log_range[1])})"
    return f"| {group.label} | {group.n:,} | {_gap(group.log_difference)}{between} |{inside}"


def _points(group: CheckedGroup) -> str:
    """Half of the 95 % interval (Agresti and Coull) of the share inside, in points of 100."""
    inside = ((group.inside_90 or 0.0) * group.n + 2) / (group.n + 4)
    return f"{196 * math.sqrt(inside * (1 - inside) / (group.n + 4)):.0f}"


def _gap(log_difference: float) -> str:
    return f"{math.expm1(log_difference):+.0%}"


def _checked(predictor: Predictor, folder: Path, described: _Description) -> CheckedSource:
    jobs = list(described.read(folder / described.file))
    given = answers(predictor, jobs)
    pay = log_pay(jobs)
    difference = given.log_typical - pay
    inside = (given.log_low <= pay) & (pay <= given.log_high)
    groups = list(
        _groups(
            [job for job, kept in zip(jobs, given.answered, strict=True) if kept],
            difference[given.answered],
            inside[given.answered],
        )
    )
    return CheckedSource(
        key=described.key,
        name=described.name,
        kind=described.kind,
        when=described.when,
        what=described.what,
        how_to_read=described.how_to_read,
        rows=int(given.answered.sum()),
        refused=int((~given.answered).sum()),
        groups=tuple(groups),
    )


def _groups(
    jobs: Sequence[Observed], difference: NDArray[np.float64], inside: NDArray[np.bool_]
) -> Iterator[CheckedGroup]:
    """All, then countries and titles with the most jobs first, levels in their order."""
    levels = list(LABELS[EXPERIENCE])
    keys: Mapping[Dimension, list[str]] = {
        "all": ["all"] * len(jobs),
        "country": [job.country for job in jobs],
        "level": [job.experience for job in jobs],
        "title": [job.title for job in jobs],
    }
    for dimension, values in keys.items():
        array = np.array(values)
        counts = {str(value): int(count) for value, count in zip(*np.unique(array, return_counts=True), strict=True)}
        kept = sorted((v for v, count in counts.items() if count >= FEWEST), key=lambda value: (-counts[value], value))
        if dimension == "level":
            kept.sort(key=levels.index)
        for value in kept[: MOST_TITLES if dimension == "title" else None]:
            mask = array == value
            yield CheckedGroup(
                dimension=dimension,
                value=value,
                label=_label(dimension, value),
                n=counts[value],
                log_difference=round(float(np.median(difference[mask])), 4),
                log_range=_median_range(difference[mask]),
                inside_90=round(float(inside[mask].mean()), 4),
            )


def _median_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of a median, from the order of n values (binomial)."""
    ordered, reach = np.sort(values), 0.98 * math.sqrt(len(values))
    middle = (len(values) - 1) / 2
    ends = (max(0, math.floor(middle - reach)), min(len(values) - 1, math.ceil(middle + reach)))
    low, high = (round(float(ordered[end]), 4) for end in ends)
    return low, high


def _label(dimension: Dimension, value: str) -> str:
    if dimension == "country":
        return country(value).name
    return str(LABELS[EXPERIENCE][value]) if dimension == "level" else value


def _official(predictor: Predictor, path: Path) -> CheckedSource:
    """The nation's official medians beside our typical pay, the middle of mid level and senior."""
    medians, employed = _national(path)
    codes = [soc for soc in OCCUPATIONS if soc in medians]
    jobs = [
        Observed(title=OCCUPATIONS[soc][0], experience=level, country="US", year=2025, remote=False, usd=medians[soc])
        for soc in codes
        for level in USUAL_LEVELS
    ]
    given = answers(predictor, jobs)
    difference = (given.log_typical - log_pay(jobs)).reshape(len(codes), len(USUAL_LEVELS)).mean(axis=1)
    answered = np.atleast_1d(given.answered.reshape(len(codes), len(USUAL_LEVELS)).all(axis=1))
    groups = [
        CheckedGroup(
            dimension="title",
            value=OCCUPATIONS[soc][0],
            label=f"{OCCUPATIONS[soc][1]} (asked as {OCCUPATIONS[soc][0]})",
            n=employed[soc],
            log_difference=round(float(one), 4),
            inside_90=None,
        )
        for soc, one, kept in zip(codes, difference, answered, strict=True)
        if kept
    ]
    return CheckedSource(
        key="oews_2025",
        name="Official statistics of the United States, May 2025",
        kind="employed",
        when="2025-05",
        what="Median yearly wage of everyone employed in an occupation (Bureau of Labor Statistics, public domain), beside the "
        "middle of our mid-level and senior figures.",
        how_to_read="Everyone employed, of all levels and of employers who publish no pay, without bonus; adverts name what the "
        "next one is offered, and the titles here are only near to the occupations.",
        rows=sum(group.n for group in groups),
        refused=int((~answered).sum()),
        groups=tuple(groups),
    )


def _national(path: Path) -> tuple[dict[str, float], dict[str, int]]:
    """Occupation -> median wage and employment in the nation, all industries (the larger of two rows)."""
    medians: dict[str, float] = {}
    employed: dict[str, int] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["areatype"] == "N" and int(row["employment"]) > employed.get(row["soc"], 0):
                employed[row["soc"]], medians[row["soc"]] = int(row["employment"]), float(row["a_p50"])
    return medians, employed


def _said(sources: Sequence[CheckedSource]) -> Iterator[str]:
    """Where our figures lie apart from what is paid or posted, in plain words, largest gap first."""
    for source in sources:
        groups = [group for group in source.groups if group.dimension == "country" and group.n >= FEWEST_SAID]
        ranges = [(group, *(group.log_range or (group.log_difference,) * 2)) for group in groups]
        above = sorted(
            (g for g, low, _ in ranges if low > 0 and g.log_difference > CLEAR), key=lambda g: -g.log_difference
        )
        below = sorted(
            (g for g, _, high in ranges if high < 0 and g.log_difference < -CLEAR), key=lambda g: g.log_difference
        )
        close = [group for group, low, high in ranges if low >= -CLEAR and high <= CLEAR]
        open_ones = [group for group in groups if group not in (*above, *below, *close)]
        who = {
            "posted": "these adverts offer",
            "paid": "people there say they earn",
            "employed": "people there are paid",
        }
        for sign, found in (("above", above), ("below", below)):
            if found:
                yield f"{source.name}: our figures lie {sign} what {who[source.kind]} in {'; '.join(map(_named, found))}."
        if close:
            yield f"{source.name}: they agree within {CLEAR:.0%} in {'; '.join(map(_named, close))}."
        if open_ones:
            yield f"{source.name}: too few jobs, or too small a gap, to say in {'; '.join(map(_named, open_ones))}."
        yield from _said_of_official(source)


def _named(group: CheckedGroup) -> str:
    low, high = group.log_range or (group.log_difference, group.log_difference)
    return f"{group.label} {_gap(group.log_difference)} ({_gap(low)} to {_gap(high)}, {group.n:,} jobs)"


def _said_of_official(source: CheckedSource) -> Iterator[str]:
    if source.kind == "employed":
        listed = ", ".join(f"{group.value} {_gap(group.log_difference)}" for group in source.groups)
        yield f"{source.name}: our figures beside the median of all who are employed: {listed}."
