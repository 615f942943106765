"""A fitted, calibrated network from training postings alone.

Enters: training postings and settings. Leaves: `Forecaster`. The newest windows of the training postings, each predicted by a
network fitted on what came before it, stop the training, calibrate the intervals and give the validation figures; then one
network is fitted on all training postings. Sees no test posting. A killed run resumes from its work folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.dataset.split import Split, rolling_origin
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.evaluation.leakage import check_split, check_time
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.forecast.calibration import INTERVALS, Calibration, Truth
from mlpaygrade.forecast.distribution import Prediction, concatenate
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.forecast.groups import calibration_groups, groups_of
from mlpaygrade.forecast.local import LocalPay
from mlpaygrade.forecast.refusal import AbstentionRule, choose_limit, disagreement, log_interval_score
from mlpaygrade.training.fit import FittedNetwork, fit_network
from mlpaygrade.training.local import fit_local
from mlpaygrade.training.settings import Settings

Progress = Callable[[str, int, int, dict[str, float]], None]
"""Called with (stage, epoch, epochs, losses)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Forecaster:
    """A network with its calibration.

    local: moves towards local adverts. validation: figures on the held-out windows, uncalibrated, pooled. epochs: how long the
    final network was trained. held_out: the windows' postings; raw: what they were predicted as, each window moved by what those
    before it say; groups: what they were calibrated as.
    """

    fitted: FittedNetwork
    local: LocalPay
    calibration: Calibration
    abstention: AbstentionRule
    held_out: Postings
    raw: Prediction
    groups: NDArray[np.int64]
    validation: dict[str, object]
    epochs: int

    def predict(self, postings: Postings) -> Prediction:
        """Calibrated predictions for postings, as serving makes them: the year is known, the day is not."""
        encoder = self.fitted.encoder
        encoded = encoder.transform(postings.jobs)
        raw = self.local.apply(self.fitted.predict(encoded), postings.jobs)
        return self.calibration.apply(raw, calibration_groups(encoded))


def fit_forecaster(
    postings: Postings, *, settings: Settings, work: Path, progress: Progress, name: str = "network"
) -> Forecaster:
    """Fit and calibrate on training postings.

    work: folder for checkpoints; held-out predictions found there are used again (the caller vouches that they belong to
    the same data and settings).
    """
    work.mkdir(parents=True, exist_ok=True)
    splits = rolling_origin(postings, folds=settings.calibration.folds, window=settings.calibration.window)
    predictions, epochs = [], []
    for k, split in enumerate(splits, start=1):
        stage = f"{name}: window {k} of {len(splits)}"
        check_split(postings, split)
        check_time(postings, split)
        stored = work / f"{name}-window-{k}.npz"
        if not stored.exists():
            test = postings.take(split.test)
            fitted = fit_network(
                postings.take(split.train),
                test,
                network=settings.network,
                training=settings.training,
                wide=settings.wide,
                checkpoint=work / f"{name}-window-{k}-checkpoint",
                progress=_at(progress, stage),
            )
            made = fitted.predict(fitted.encoder.transform(test.jobs))
            with writing_bytes(stored) as file:
                np.savez(file, quantiles=made.log_quantiles, members=made.log_members, epochs=fitted.epochs)
        with np.load(stored) as arrays:
            predictions.append(Prediction(arrays["quantiles"], arrays["members"]))
            epochs.append(int(arrays["epochs"]))
    held_out = postings.take(np.concatenate([split.test for split in splits]))
    local, moved = fit_local(
        [(made, postings.take(split.test)) for made, split in zip(predictions, splits, strict=True)]
    )
    pooled = concatenate(moved)
    calibration, groups = fit_calibration(pooled, postings, splits, min_count=settings.training.min_count)
    length = round(float(np.median(epochs)))
    fitted = fit_network(
        postings,
        network=settings.network,
        training=settings.training,
        wide=settings.wide,
        epochs=length,
        checkpoint=work / f"{name}-final-checkpoint",
        progress=_at(progress, f"{name}: final fit"),
    )
    return Forecaster(
        fitted=fitted,
        local=local,
        calibration=calibration,
        abstention=fit_abstention(calibration.apply(pooled, groups), held_out),
        held_out=held_out,
        raw=pooled,
        groups=groups,
        validation={**evaluate(pooled, held_out), "epochs": epochs},
        epochs=length,
    )


def fit_calibration(
    prediction: Prediction, postings: Postings, windows: Sequence[Split], *, min_count: int
) -> tuple[Calibration, NDArray[np.int64]]:
    """Calibrate on held-out windows: what each was predicted as by a model of what came before it.

    prediction: for the windows' test postings, window after window. A job is novel where its window's training postings
    lack its title or country. Returns the groups of those postings too.
    """
    groups = [
        groups_of(
            JobEncoder.fit(postings.take(window.train).jobs, min_count=min_count), postings.take(window.test).jobs
        )
        for window in windows
    ]
    held_out = postings.take(np.concatenate([window.test for window in windows]))
    found = np.concatenate(groups)
    return Calibration.fit(prediction, Truth.of(held_out, found)), found


def fit_abstention(prediction: Prediction, held_out: Postings) -> AbstentionRule:
    """The rule of refusal that calibrated predictions of held-out postings lead to."""
    rows, usd = held_out.row_values_usd()
    low, high = INTERVALS[90]
    quantiles = prediction.quantiles("any")[rows]
    score = log_interval_score(np.log1p(usd), quantiles[:, low], quantiles[:, high])
    return choose_limit(disagreement(prediction)[rows], score)


def _at(progress: Progress, stage: str) -> Callable[[int, int, dict[str, float]], None]:
    return lambda epoch, epochs, losses: progress(stage, epoch, epochs, losses)
