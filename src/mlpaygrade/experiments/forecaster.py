"""A fitted, calibrated network from training postings alone.

Enters: training postings and settings. Leaves: `Forecaster`. The newest windows of the training postings, each predicted by a
network fitted on what came before it, stop the training, calibrate the intervals and give the validation figures; then one
network is fitted on all training postings. Sees no test posting. A killed run resumes from its work folder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlpaygrade.data.postings import Postings
from mlpaygrade.data.split import rolling_origin
from mlpaygrade.distribution import Prediction, concatenate
from mlpaygrade.evaluation.conformal import Calibration
from mlpaygrade.evaluation.metrics import evaluate
from mlpaygrade.experiments.settings import Settings
from mlpaygrade.models.training import FittedNetwork, fit_network

Progress = Callable[[str, int, int, dict[str, float]], None]
"""Called with (stage, epoch, epochs, losses)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Forecaster:
    """A network with its calibration.

    validation: figures on the held-out windows, uncalibrated, pooled. epochs: how long the final network was trained.
    """

    fitted: FittedNetwork
    calibration: Calibration
    validation: dict[str, Any]
    epochs: int

    def predict(self, postings: Postings) -> Prediction:
        """Calibrated predictions for postings, as serving makes them: the year is known, the day is not."""
        return self.calibration.apply(self.fitted.predict(self.fitted.encoder.transform(postings.jobs)))


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
        stored = work / f"{name}-window-{k}.npz"
        if not stored.exists():
            test = postings.take(split.test)
            fitted = fit_network(
                postings.take(split.train),
                test,
                network=settings.network,
                training=settings.training,
                checkpoint=work / f"{name}-window-{k}-checkpoint",
                progress=_at(progress, stage),
            )
            made = fitted.predict(fitted.encoder.transform(test.jobs))
            temporary = stored.with_suffix(".partial.npz")
            np.savez(temporary, quantiles=made.log_quantiles, members=made.log_members, epoch=fitted.best_epoch)
            temporary.replace(stored)
        with np.load(stored) as arrays:
            predictions.append(Prediction(arrays["quantiles"], arrays["members"]))
            epochs.append(int(arrays["epoch"]))
    held_out = postings.take(np.concatenate([split.test for split in splits]))
    pooled = concatenate(predictions)
    calibration = Calibration.fit(pooled, low_log=held_out.low_log, high_log=held_out.high_log, paired=held_out.paired)
    best = round(float(np.median(epochs)))
    fitted = fit_network(
        postings,
        network=settings.network,
        training=settings.training,
        epochs=best,
        checkpoint=work / f"{name}-final-checkpoint",
        progress=_at(progress, f"{name}: final fit"),
    )
    return Forecaster(
        fitted=fitted,
        calibration=calibration,
        validation={**evaluate(pooled, held_out), "best_epochs": epochs},
        epochs=best,
    )


def _at(progress: Progress, stage: str) -> Callable[[int, int, dict[str, float]], None]:
    return lambda epoch, epochs, losses: progress(stage, epoch, epochs, losses)
