"""How a model ages: month by month through an edition, a model refreshed every month, every quarter, never.

At the end of every month one network is fitted on what had arrived, calibrated on what the networks of earlier months made of
the months after theirs, and asked about every later month. So each pair of model and month is a prediction of the future, and
the same adverts are answered by a fresh model and by old ones. Chooses no setting.
"""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Calendar, Postings, Split, build_postings, dated_by, read_calendar
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.errors import DataError
from mlpaygrade.evaluation.leakage import check_split, check_time
from mlpaygrade.evaluation.metrics import interval_metrics, point_metrics
from mlpaygrade.forecast.bundle import write_json
from mlpaygrade.forecast.calibration import Calibration, Truth, groups_of
from mlpaygrade.forecast.distribution import Prediction, concatenate
from mlpaygrade.training.fit import fit_network
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.run import work_folder
from mlpaygrade.training.settings import Settings

SCHEMA: Final = 1
BURN_IN: Final = 3
"""Months before the first model that is judged; their networks' predictions calibrate it."""
POLICIES: Final[Mapping[str, int]] = {"monthly": 1, "quarterly": 3, "never": 10_000}
"""How often a model is refreshed: name -> months."""
SHOWN: Final = ("rmse_log", "mae_usd", "bias_usd", "pinball_log", "coverage_90", "width_90_usd")
MIN_ROWS: Final = 100
"""Rows of a month with which it is walked through."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What one month's network says of later postings: raw predictions, and the groups that they are calibrated in."""

    raw: Prediction
    groups: NDArray[np.int64]
    first: int

    def of(self, span: NDArray[np.int64]) -> tuple[Prediction, NDArray[np.int64]]:
        """Its answers for a span of later postings, positions (n,)."""
        return self.raw.take(span - self.first), self.groups[span - self.first]


def run_ageing(
    table: Table,
    *,
    output: Path,
    settings: Settings,
    calendar: Path | None,
    months: int,
    epochs: int | None,
    progress: Progress,
) -> dict[str, Any]:
    """Walk, and write OUTPUT/ageing.json; resumes where data and settings are the same.

    months: how many are walked through, the newest ones. epochs: of each network (default: the settings').
    """
    known = known_file(table.sha256)
    postings = build_postings(table.frame, newest=known.newest if known else None)
    dates = None if calendar is None else read_calendar(calendar)
    full = settings.training.epochs
    used = dataclasses.replace(settings, training=dataclasses.replace(settings.training, epochs=epochs or full))
    basis = {"data": table.sha256, "settings": used.to_json(), "months": months, "dated": dates is not None}
    work = work_folder(output, basis)
    walked = walk(postings, settings=used, calendar=dates, months=months, work=work / "months", progress=progress)
    document = {
        "schema": SCHEMA,
        "data_sha256": table.sha256,
        "synthetic": table.synthetic,
        "epochs": used.training.epochs,
        "epochs_of_the_served_model": full,
        "dated": dates is not None,
        **walked,
    }
    write_json(output / "ageing.json", document)
    shutil.rmtree(work)
    return document


def walk(
    postings: Postings,
    *,
    settings: Settings,
    calendar: Calendar | None,
    months: int,
    work: Path,
    progress: Progress,
) -> dict[str, Any]:
    """{"months", "policies": {name: figures}, "by_month": {name: [figures]}, "by_age": [figures of old and fresh model]}.

    work: folder of what each month's network said; what is found there is used again (the caller vouches for data and settings).
    Raises DataError where the postings hold too few months.
    """
    dated = postings if calendar is None else dated_by(postings, calendar)
    month = np.floor(np.maximum.accumulate(dated.time_years) * 12 + 1e-6).astype(np.int64)
    spans = _spans(dated, month, months + BURN_IN)
    work.mkdir(parents=True, exist_ok=True)
    asked = []
    for k, span in enumerate(spans):
        asked.append(_ask(dated, int(span[0]), settings=settings, stored=work / f"{k}.npz"))
        progress("ageing: months", k + 1, len(spans), {})
    figures: dict[tuple[int, int], dict[str, float]] = {}
    for model in range(BURN_IN, len(spans)):
        calibration = _calibrated(dated, asked, spans, model)
        for at in range(model, len(spans)):
            raw, groups = asked[model].of(spans[at])
            figures[model, at] = _figures(calibration.apply(raw, groups), dated.take(spans[at]))
    names = [_month_name(int(month[span[0]])) for span in spans]
    return _tables(figures, names)


def _spans(postings: Postings, month: NDArray[np.int64], wanted: int) -> list[NDArray[np.int64]]:
    """Positions of the newest `wanted` months with enough rows, oldest first. Raises DataError without postings before them."""
    index, _ = postings.row_values_usd()
    rows = np.bincount(index, minlength=len(postings))
    spans = [np.flatnonzero(month == value) for value in np.unique(month)]
    spans = [span for span in spans if rows[span].sum() >= MIN_ROWS][-wanted:]
    if len(spans) <= BURN_IN + 1 or not spans[0][0]:
        raise DataError(
            f"Ageing needs more than {BURN_IN + 1} months of {MIN_ROWS} rows with adverts before them; got {len(spans)}. "
            "Give more data, or fewer --months."
        )
    return spans


def _ask(postings: Postings, first: int, *, settings: Settings, stored: Path) -> _Asked:
    """A network of the postings before position `first`, asked about all from there on; from `stored` where it stands."""
    if not stored.exists():
        split = Split(name=f"from {first}", train=np.arange(first), test=np.arange(first, len(postings)))
        check_split(postings, split)
        check_time(postings, split)
        past, jobs = postings.take(split.train), postings.take(split.test).jobs
        fitted = fit_network(past, network=settings.network, training=settings.training, wide=settings.wide)
        made = fitted.forecast(jobs)
        groups = groups_of(fitted.encoder, jobs)
        with writing_bytes(stored) as file:
            np.savez(file, quantiles=made.log_quantiles, members=made.log_members, groups=groups)
    with np.load(stored) as arrays:
        return _Asked(Prediction(arrays["quantiles"], arrays["members"]), arrays["groups"], first)


def _calibrated(
    postings: Postings, asked: Sequence[_Asked], spans: Sequence[NDArray[np.int64]], model: int
) -> Calibration:
    """Calibrate on the months before a model's own, each answered by its own month's network: what was the future then."""
    earlier = range(model - BURN_IN, model)
    parts = [asked[k].of(spans[k]) for k in earlier]
    truth = postings.take(np.concatenate([spans[k] for k in earlier]))
    groups = np.concatenate([found for _, found in parts])
    return Calibration.fit(concatenate([raw for raw, _ in parts]), Truth.of(truth, groups))


def _figures(prediction: Prediction, postings: Postings) -> dict[str, float]:
    index, usd = postings.row_values_usd()
    truth = np.log1p(usd)
    found = {
        **point_metrics(truth, prediction.log_estimate[index]),
        **interval_metrics(truth, prediction.quantiles("any")[index]),
    }
    return {"rows": float(len(usd)), **{name: found[name] for name in SHOWN}}


def _tables(figures: Mapping[tuple[int, int], Mapping[str, float]], names: Sequence[str]) -> dict[str, Any]:
    """The figures of every (model, month) by policy and by age. A model's first month is that after its training."""
    walked = range(BURN_IN, len(names))
    by_month = {
        policy: [{"month": names[at], **figures[BURN_IN + (at - BURN_IN) // every * every, at]} for at in walked]
        for policy, every in POLICIES.items()
    }
    by_age = []
    for age in range(len(walked)):
        pairs = [(model, model + age) for model in walked if model + age < len(names)]
        old, fresh = pooled([figures[pair] for pair in pairs]), pooled([figures[at, at] for _, at in pairs])
        by_age.append({"months_behind": age, "pairs": len(pairs), "old": old, "fresh": fresh})
    return {
        "months": [names[at] for at in walked],
        "policies": {policy: pooled(months) for policy, months in by_month.items()},
        "by_month": by_month,
        "by_age": by_age,
    }


def pooled(parts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Figures of several months as one: means by row, of squares for the root mean square."""
    rows = np.array([part["rows"] for part in parts])

    def mean(name: str) -> float:
        values = np.array([part[name] for part in parts])
        if name.startswith("rmse"):
            return float(np.sqrt(np.average(values**2, weights=rows)))
        return float(np.average(values, weights=rows))

    return {"rows": float(rows.sum()), **{name: round(mean(name), 5) for name in SHOWN}}


def _month_name(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02d}"


def ageing_text(document: Mapping[str, Any]) -> str:
    """The policies and the ages in a few lines."""
    lines = [
        f"{len(document['months'])} months, {document['months'][0]} to {document['months'][-1]}; {document['epochs']} epochs "
        f"(the served model: {document['epochs_of_the_served_model']})."
    ]
    lines += [f"refreshed {name}: {_line(one)}" for name, one in document["policies"].items()]
    lines += [
        f"{one['months_behind']} months behind: {_line(one['old'])}; fresh: {_line(one['fresh'])}"
        for one in document["by_age"]
    ]
    return "\n".join(lines)


def _line(one: Mapping[str, float]) -> str:
    return (
        f"RMSE log {one['rmse_log']:.4f}, 90 % ranges cover {one['coverage_90']:.1%}, width ${one['width_90_usd']:,.0f} "
        f"({one['rows']:,.0f} rows)"
    )
