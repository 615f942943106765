"""One training run: from a table to a run folder with a report and a bundle.

Enters: a validated table, settings, an output folder. Leaves: `OUTPUT/report.json`, `OUTPUT/bundle/`, residual plots in
`OUTPUT/figures/`. The test years are opened once, to report. Stopping at any moment leaves the old bundle usable; starting
again with the same data and settings resumes.

Ridge regression on one-hot fields: the sanity check beside the network.

Enters: encoded training rows. Leaves: log estimates. Point estimates only.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import OneHotEncoder

import mlpaygrade
from mlpaygrade.dataset.postings import Postings, Split
from mlpaygrade.dataset.sources import known_file
from mlpaygrade.dataset.table import Table
from mlpaygrade.errors import InputError
from mlpaygrade.evaluation.drift import rows_by_year
from mlpaygrade.evaluation.leakage import (
    LeakageError,
    check_calibration,
    check_encoder,
    check_features,
    check_split,
    check_time,
    encoded_columns,
)
from mlpaygrade.evaluation.metrics import point_metrics
from mlpaygrade.forecast.background import choose_background
from mlpaygrade.forecast.bundle import Bundle, load_bundle, write_bundle, write_json
from mlpaygrade.forecast.calibration import LOCAL, UNSEEN
from mlpaygrade.forecast.encode import Encoded, JobEncoder
from mlpaygrade.forecast.evidence import count_cells
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.refusal import AbstentionRule
from mlpaygrade.market.statistics import market_json
from mlpaygrade.training.arrival import Division, calendar_of, divide, recency_weights, training_side
from mlpaygrade.training.export import export_onnx
from mlpaygrade.training.figures import MIN_ROWS, residual_analysis, residual_figures
from mlpaygrade.training.forecaster import Forecaster, Progress, fit_abstention, fit_forecaster
from mlpaygrade.training.importance import measure_importance
from mlpaygrade.training.measure import tested
from mlpaygrade.training.settings import Settings
from mlpaygrade.training.steps import Result


def fit_predict_ridge(
    train: Postings, test: Postings, *, half_life_years: float, min_count: int = 2, alpha: float = 3.0
) -> NDArray[np.float64]:
    """Fit on every training row with the network's encoding and recency weights; log estimates float64 (n_test,)."""
    encoder = JobEncoder.fit(train.jobs, min_count=min_count)
    one_hot = OneHotEncoder(handle_unknown="ignore")

    def matrix(encoded: Encoded) -> NDArray[np.int32]:
        return encoded.categorical

    index, usd = train.row_values_usd()
    weights = recency_weights(train.time_years, half_life_years=half_life_years)
    features = one_hot.fit_transform(matrix(encoder.transform(train.jobs)))
    model = Ridge(alpha=alpha).fit(features[index], np.log1p(usd), sample_weight=weights[index])
    return np.asarray(model.predict(one_hot.transform(matrix(encoder.transform(test.jobs)))), dtype=np.float64)


LIBRARIES: Final = ("numpy", "pandas", "tensorflow-cpu", "keras", "scikit-learn", "onnx", "tf2onnx", "onnxruntime")
PARITY_JOBS: Final = 2_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Run:
    """A finished run: its folder, its report (also in report.json) and its bundle."""

    folder: Path
    report: dict[str, Any]
    bundle: Bundle


def train(
    table: Table,
    *,
    output: Path,
    settings: Settings,
    through: int | None = None,
    division: Division | None = None,
    progress: Progress,
) -> Run:
    """Train, evaluate on later postings where there are any, and write the bundle.

    through: last work year to train on; the bundle is that network. Without it the bundle is a network with the same settings
    trained on every posting, and the one that was evaluated stands in OUTPUT/judged. division: the table's postings with the
    split that evaluates (default: `arrival.divide`).
    """
    started = time.monotonic()
    division = division or divide(table, through=through)
    postings, split = division.postings, division.split
    if split is not None:
        check_split(postings, split)
        check_time(postings, split)
    past = division.past
    fingerprint = {
        "data": table.sha256,
        "settings": settings.to_json(),
        "through": through,
        "protocol": division.protocol,
    }
    work = work_folder(output, fingerprint)

    name = "training side" if split is not None else "all"
    forecaster = fit_forecaster(past, settings=settings, work=work, progress=progress, name=name)
    report = {
        "protocol": None,
        **_provenance(table, postings, settings),
        "validation": forecaster.validation,
    }
    _refuse_leaks(postings, forecaster, past=past, split=split, settings=settings)
    shutil.rmtree(output / "figures", ignore_errors=True)
    if split is not None:
        report |= {"protocol": division.protocol}
        report |= _temporal_report(postings, split, forecaster, settings=settings, output=output)
    if through is None and len(past) < len(postings):
        judged, _ = _network_parts(forecaster, past, report=report, settings=settings)
        write_bundle(output / "judged", judged, provenance=_bundle_provenance(table, past, settings, whole=False))
        forecaster = fit_forecaster(postings, settings=settings, work=work, progress=progress, name="all")
        past = postings
        _refuse_leaks(postings, forecaster, past=past, split=None, settings=settings)
    report["epochs"] = forecaster.epochs
    report["training_history"] = forecaster.fitted.history

    parts, report["export_difference"] = _network_parts(forecaster, past, report=report, settings=settings)
    parts["market.json"] = market_json(past, calendar=calendar_of(table))
    provenance = _bundle_provenance(table, past, settings, whole=through is None)
    draft = Predictor(write_bundle(work / "draft", parts, provenance=provenance))
    importance = measure_importance(draft, past, measured_on="training postings").to_json()
    report["importance"] = importance
    report["seconds"] = round(time.monotonic() - started, 1)
    bundle = write_bundle(output / "bundle", {**parts, "importance.json": importance}, provenance=provenance)
    write_json(output / "report.json", report)
    shutil.rmtree(work)
    return Run(folder=output, report=report, bundle=bundle)


def finished_run(folder: Path) -> Run:
    """The run that `train` left in a folder. Raises InputError where it left none."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} holds no finished run. Give a folder that `mlpaygrade train --output` filled."
        ) from error
    return Run(folder=folder, report=report, bundle=load_bundle(folder / "bundle"))


def _network_parts(
    forecaster: Forecaster, past: Postings, *, report: Result, settings: Settings
) -> tuple[dict[str, object], float]:
    """The parts that every bundle has, and by how much the exported network differs from the trained one at most."""
    sample = past.take(np.random.default_rng(settings.training.seed).integers(len(past), size=PARITY_JOBS))
    encoder = forecaster.fitted.encoder
    network, difference = export_onnx(forecaster.fitted, encoder.transform(sample.jobs))
    return {
        "network.onnx": network,
        "encoder.json": encoder,
        LOCAL: forecaster.local.to_json(),
        UNSEEN: forecaster.fitted.unseen.to_json(),
        "calibration.json": forecaster.calibration.to_json(),
        "abstention.json": forecaster.abstention,
        "evidence.json": count_cells(past, log_estimate=forecaster.predict(past).log_estimate).cells,
        "background.json": choose_background(past),
        "evaluation.json": {"protocol": report["protocol"], **report.get("network", {})},
    }, difference


def _bundle_provenance(table: Table, past: Postings, settings: Settings, *, whole: bool) -> dict[str, object]:
    """Where a bundle comes from. whole: its network knows every posting of the table."""
    return {
        **_provenance(table, past, settings),
        "trained_through": int(past.year.max()),
        "newest_day": _newest_day(table) if whole else None,
        "rows_by_year": rows_by_year(past),
    }


def _temporal_report(
    postings: Postings, split: Split, forecaster: Forecaster, *, settings: Settings, output: Path
) -> dict[str, Any]:
    """Figures on the test side of a split by time; the residual plots go to OUTPUT/figures."""
    past, future = training_side(postings, split), postings.take(split.test)
    index, usd = future.row_values_usd()
    ridge = fit_predict_ridge(past, future, half_life_years=settings.training.half_life_years)
    prediction = forecaster.predict(future)
    residuals = None
    if len(index) >= MIN_ROWS:
        residuals = residual_analysis(prediction, future)
        (output / "figures").mkdir(parents=True)
        for name, figure in residual_figures(prediction, future).items():
            figure.savefig(output / "figures" / f"{name}.png")
    return {
        "network": tested(prediction, past, future),
        "ridge": {"rows": point_metrics(np.log1p(usd), ridge[index])},
        "residuals": residuals,
    }


def _refuse_leaks(
    postings: Postings, forecaster: Forecaster, *, past: Postings, split: Split | None, settings: Settings
) -> None:
    """Raises LeakageError where the shipped network, its encoder or its calibration saw what it must not."""
    encoder = forecaster.fitted.encoder
    check_encoder(encoder, past.jobs, min_count=settings.training.min_count)
    check_features(encoded_columns(encoder.transform(past.jobs)), past)
    check_calibration(
        forecaster.calibration,
        forecaster.raw,
        forecaster.held_out,
        groups=forecaster.groups,
        train=past,
        test=None if split is None else postings.take(split.test),
    )
    if forecaster.abstention != _abstention_again(forecaster):
        raise LeakageError(
            "The limit of refusal must be what held-out training postings make of it",
            value=f"a limit of {forecaster.abstention.limit:.4f} log dollars",
            remedy="Choose it on those postings, and change nothing after looking at the test.",
        )


def _abstention_again(forecaster: Forecaster) -> AbstentionRule:
    """The limit of refusal that a forecaster's own held-out postings lead to."""
    return fit_abstention(forecaster.calibration.apply(forecaster.raw, forecaster.groups), forecaster.held_out)


def _provenance(table: Table, postings: Postings, settings: Settings) -> dict[str, object]:
    return {
        "version": mlpaygrade.__version__,
        "data_sha256": table.sha256,
        "synthetic": table.synthetic,
        "rows": int((postings.rows >= 0).sum()),
        "postings": len(postings),
        "paired_share": float(postings.paired.mean()),
        "seed": settings.training.seed,
        "settings": settings.to_json(),
        "commit": _commit(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def _newest_day(table: Table) -> str | None:
    known = known_file(table.sha256)
    return str(known.newest) if known else None


def _commit() -> str | None:
    """Commit of the source tree, None outside one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def work_folder(output: Path, fingerprint: Mapping[str, object]) -> Path:
    """Folder of checkpoints: kept from a killed run with the same data and settings, emptied otherwise."""
    work = output / "work"
    marker = work / "fingerprint.json"
    try:
        same = json.loads(marker.read_text()) == json.loads(json.dumps(fingerprint))
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_json(marker, fingerprint)
    return work
