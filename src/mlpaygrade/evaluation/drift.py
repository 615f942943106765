"""What a newer file holds that an older bundle has not seen, and how well the bundle still answers. Fits nothing.

The old market is known from the bundle's own evidence, so no old file is needed. What a model was not trained on is told by
the most exact of: rows of each work year that it was trained on, the day of its newest advert, its newest work year.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, cast, get_args

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import (
    Postings,
    arrived_by,
    build_postings,
    columns_of,
    decimal_year,
    read_calendar,
    row_ages,
)
from mlpaygrade.dataset.sources import calendar_path, known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import BundleError
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.evaluation.mix import Shift, shift, trained_mix
from mlpaygrade.forecast.bundle import write_json
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EXPERIENCE, LABELS, LOCATION, TITLE
from mlpaygrade.job.places import country
from mlpaygrade.job.titles import Family, family_name, title_family


def known_to(provenance: Mapping[str, Any], postings: Postings) -> NDArray[np.bool_]:
    """Which postings a model may have been trained on, bool (n,).

    provenance: of the model's bundle. The file must be a later state of the one that the model was trained on, where rows are
    counted: rows stand newest first within each work year, so the oldest ones of a year are those that were there before.
    """
    if counts := provenance.get("rows_by_year"):
        limit = np.array([int(counts.get(str(year), 0)) for year in postings.year.tolist()])
        return np.asarray(row_ages(postings.source)[postings.rows[:, 0]] <= limit)
    trained_on = known_file(str(provenance["data_sha256"]))
    newest = provenance.get("newest_day")
    if newest and trained_on and (calendar := calendar_path(trained_on)):
        return arrived_by(postings, read_calendar(calendar), trained_on.newest)
    if newest:
        return np.asarray(postings.time_years <= decimal_year(date.fromisoformat(str(newest))))
    return np.asarray(postings.year <= int(provenance["trained_through"]))


def rows_by_year(postings: Postings) -> dict[str, int]:
    """Rows of each work year, as a bundle's provenance keeps them."""
    index, _ = postings.row_values_usd()
    years, counts = np.unique(postings.year[index], return_counts=True)
    return {str(year): int(count) for year, count in zip(years.tolist(), counts.tolist(), strict=True)}


SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Values of later postings that the training data lack: how many, their share of postings, the most frequent with counts."""

    count: int
    share: float
    most_frequent: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A figure of error on the later postings, and what the bundle's own evaluation promised."""

    now: float
    promised: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """Drift of a file against a bundle. later_years: empty where the whole file is compared, which the bundle may have learnt
    from. titles: distinct ones. mix: dimension -> shift. error: metric -> figure."""

    trained_through: int
    later_years: tuple[int, ...]
    postings: int
    titles: int
    new_titles: Unseen
    new_countries: Unseen
    mix: Mapping[str, Shift]
    error: Mapping[str, Kept]

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the report."""
        return asdict(self)


def drift_report(old: Predictor, postings: Postings) -> DriftReport:
    """Drift of the postings that the bundle was not trained on against those that it was.

    Without later postings the whole file is compared, and the error there flatters.
    """
    trained_through = int(old.bundle.provenance["trained_through"])
    later = ~known_to(old.bundle.provenance, postings)
    arrived = postings.take(later) if later.any() else postings
    before, now = trained_mix(old.bundle.evidence), new_counts(arrived)
    rows = evaluate(old.predict(columns_of(arrived.jobs)), arrived)["rows"]
    promised = old.bundle.evaluation.get("rows", {})
    return DriftReport(
        trained_through=trained_through,
        later_years=tuple(sorted(set(arrived.year.tolist()))) if later.any() else (),
        postings=len(arrived),
        titles=len(now["title"]),
        new_titles=_unseen(before["title"], now["title"]),
        new_countries=_unseen(before["country"], now["country"]),
        mix={dimension: shift(before[dimension], now[dimension]) for dimension in before},
        error={
            metric: Kept(now=rows[metric], promised=promised.get(metric))
            for metric in ("rmse_log", "mae_usd", "pinball_log", "coverage_90", "bias_usd")
        },
    )


def drift_against(bundle: Path | None, table: Table, *, output: Path) -> str:
    """Drift of a file against a bundle (default: the packaged one) in words; the figures go to OUTPUT/drift.json.

    Raises BundleError for a named bundle that cannot be used. Where there is no drift to measure the text says why.
    """
    try:
        old = Predictor.load(bundle)
        provenance = old.bundle.provenance
    except BundleError as error:
        if bundle is not None:
            raise
        return f"Drift is not measured: the packaged bundle cannot be used. {error}"
    if provenance["data_sha256"] == table.sha256:
        return f"Drift is not measured: the old bundle was trained on {table.path.name} itself."
    if provenance["synthetic"] != table.synthetic:
        kinds = {True: "synthetic", False: "real"}
        knows = kinds[provenance["synthetic"]]
        return (
            f"Drift is not measured: the old bundle knows {knows} data, {table.path.name} is {kinds[table.synthetic]}."
        )
    known = known_file(table.sha256)
    report = drift_report(old, build_postings(table.frame, newest=known.newest if known else None))
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "drift.json", report.to_json())
    return drift_text(report)


def new_counts(postings: Postings) -> dict[str, Counter[str]]:
    """Postings by value of each dimension."""
    jobs = postings.jobs
    return {
        "experience": Counter(jobs[EXPERIENCE]),
        "title": Counter(jobs[TITLE]),
        "title family": Counter(jobs[TITLE].map(title_family)),
        "country": Counter(jobs[LOCATION]),
    }


def drift_text(report: DriftReport) -> str:
    """The report in sentences."""
    years = ", ".join(map(str, report.later_years))
    first = (
        f"Against the old bundle (trained through {report.trained_through}): {report.postings:,} postings of {years}."
        if years
        else f"The file holds no advert later than the old bundle's (through {report.trained_through}): all "
        f"{report.postings:,} postings are compared, and the old bundle may have learnt from them."
    )
    lines = [first]
    for kind, new in (("titles", report.new_titles), ("countries", report.new_countries)):
        named = ", ".join(f"{_named(kind, value)} ({count:,})" for value, count in new.most_frequent)
        lines.append(f"  new {kind}: {new.count:,} in {new.share:.1%} of postings" + (f": {named}" if named else ""))
    for dimension, one in report.mix.items():
        moves = ", ".join(f"{_named(dimension, value)} {was:.1%} to {now:.1%}" for value, was, now in one.largest)
        lines.append(
            f"  {dimension}: {one.reading} (total variation {one.total_variation:.3f}, PSI {one.psi:.3f}): {moves}"
        )
    error = report.error
    lines.append(
        f"  the old bundle's error on them: RMSE log {_beside(error['rmse_log'], '{:.4f}')}; MAE "
        f"{_beside(error['mae_usd'], '${:,.0f}')}; estimate minus pay, on average, {_beside(error['bias_usd'], '${:,.0f}')}; "
        f"90 % intervals cover {_beside(error['coverage_90'], '{:.1%}')}."
    )
    return "\n".join(lines)


def _beside(figure: Kept, form: str) -> str:
    """A figure now, and the one that the bundle's own evaluation promised."""
    now, promised = (
        None if value is None else form.format(value).replace("$-", "-$") for value in (figure.now, figure.promised)
    )
    return f"{now} (promised: {promised})" if promised is not None else str(now)


def _named(dimension: str, value: str) -> str:
    if dimension == "experience":
        return str(LABELS[EXPERIENCE].get(value, value))
    if dimension in ("country", "countries"):
        return country(value).name
    if dimension == "title family" and value in get_args(Family):
        return family_name(cast(Family, value))
    return value


def _unseen(before: Counter[str], now: Counter[str]) -> Unseen:
    new = Counter({value: count for value, count in now.items() if value not in before})
    return Unseen(count=len(new), share=new.total() / max(1, now.total()), most_frequent=tuple(new.most_common(SHOWN)))
