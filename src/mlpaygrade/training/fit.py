"""Fitting the network: pinball loss averaged over members, early stopping, resume after a kill.

Chooses no setting and sees no test posting. Same seed, machine and versions: the same weights. A checkpoint is the complete
state after a whole epoch, in one file, written at once or not at all: weights, the optimizer's variables, the states of every
random generator inside the network, the history. Batches are drawn by a generator of each epoch's own, so a training that
goes on from there is bit for bit one that was never stopped.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import KerasTensor as Tensor
from keras import ops
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.forecast.calibration import UnseenTitles
from mlpaygrade.forecast.distribution import LEVELS, Prediction, concatenate
from mlpaygrade.forecast.encode import Encoded, JobColumns, JobEncoder
from mlpaygrade.training.arrival import recency_weights
from mlpaygrade.training.network import INPUTS, build_network, serving_network
from mlpaygrade.training.settings import NetworkSettings, TrainingSettings, WideSettings
from mlpaygrade.training.wide import fit_unseen, fit_wide

History = dict[str, list[float]]


def save_checkpoint(path: Path, model: keras.Model, history: History) -> None:
    """Write the state after the epochs that the history holds."""
    arrays: dict[str, Any] = {f"variable_{k}": np.asarray(variable) for k, variable in enumerate(_variables(model))}
    with writing_bytes(path) as file:
        np.savez(file, history=np.array(json.dumps(history)), **arrays)


def load_checkpoint(path: Path, model: keras.Model) -> History:
    """Bring a model to a written state; returns its history, empty where there is no file that fits."""
    variables = _variables(model)
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays = [stored[f"variable_{k}"] for k in range(len(variables))]
            history: History = json.loads(str(stored["history"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}
    if any(array.shape != tuple(variable.shape) for array, variable in zip(arrays, variables, strict=True)):
        return {}
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return history


def _variables(model: keras.Model) -> list[Any]:
    """Everything that training changes: weights, seeds of dropout and masking, the optimizer's moments and step."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each epoch with (epoch, epochs, {"loss": ..., "val_loss": ...})."""

PREDICT_BATCH = 4096


@dataclass(frozen=True, slots=True, eq=False)
class FittedNetwork:
    """A fitted network with its encoder.

    model: the serving network (`log_quantiles`, `log_members`). unseen: what answers for titles that the postings lack.
    epochs: how many were run before training stopped. history: metric -> value of each epoch.
    """

    model: keras.Model
    encoder: JobEncoder
    unseen: UnseenTitles
    epochs: int
    history: dict[str, list[float]]

    def forecast(self, jobs: JobColumns) -> Prediction:
        """Predictions for jobs as dataset columns, those of unseen titles by their text; not calibrated."""
        encoded = self.encoder.transform(jobs)
        return self.unseen.apply(self.predict(encoded), encoded, jobs, encoder=self.encoder)

    def predict(self, encoded: Encoded) -> Prediction:
        """The network's own predictions for encoded jobs."""
        parts = []
        for start in range(0, len(encoded), PREDICT_BATCH):
            batch = encoded.take(slice(start, start + PREDICT_BATCH))
            output = self.model([getattr(batch, name) for name in INPUTS], training=False)
            parts.append(
                Prediction(ops.convert_to_numpy(output["log_quantiles"]), ops.convert_to_numpy(output["log_members"]))
            )
        return concatenate(parts)


def posting_targets(
    postings: Postings, weights: NDArray[np.float64], *, above_level: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float32]:
    """What the loss needs: float32 (n, 4) of log high, log low, paired (0 or 1), weight.

    above_level: by how much each posting's week pays above the level (`fit_wide`), taken out of its pay.
    """
    ends = (postings.high_log - above_level, postings.low_log - above_level)
    return np.column_stack([*ends, postings.paired, weights]).astype(np.float32)


@keras.saving.register_keras_serializable("mlpaygrade")
def posting_pinball(targets: Tensor, quantiles: Tensor) -> Tensor:
    """Mean pinball loss of a batch of postings.

    targets: (B, 4) as `posting_targets`. quantiles: (B, M, 3, 23). The low and high heads learn from paired postings,
    the head of any row from every row. Loss of each member, then the mean: not the loss of the ensemble's mean.
    """
    high, low, paired, weight = (targets[:, i][:, None, None] for i in range(4))

    def pinball(value: Tensor, predicted: Tensor) -> Tensor:
        error = value - predicted
        return ops.mean(ops.maximum(LEVELS * error, (LEVELS - 1) * error), axis=-1, keepdims=True)

    low_head, high_head, any_head = (quantiles[:, :, i] for i in range(3))
    of_ends = paired * (pinball(low, low_head) + pinball(high, high_head))
    of_rows = pinball(high, any_head) + paired * pinball(low, any_head)
    return ops.mean((of_ends + of_rows) * weight)


def fit_network(
    postings: Postings,
    validation: Postings | None = None,
    *,
    network: NetworkSettings,
    training: TrainingSettings,
    wide: WideSettings | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> FittedNetwork:
    """Fit the network on postings.

    validation: later postings for early stopping; without them all `epochs` are run (default: the settings'). The
        learning rate falls to its end over the epochs of this fit, so a shorter one is no half-finished longer one.
    wide: settings of the wide linear part (default: theirs).
    checkpoint: path without ending of the file that lets a killed run go on after the last whole epoch, as if it had never been
        stopped; removed when done.
    """
    keras.utils.clear_session()  # layer names count up within a process; they are part of the exported bytes
    keras.utils.set_random_seed(training.seed)
    encoder = JobEncoder.fit(postings.jobs, min_count=training.min_count)
    weights = recency_weights(postings.time_years, half_life_years=training.half_life_years)
    encoded = encoder.transform(postings.jobs)
    wide = wide or WideSettings()
    wide_weights = recency_weights(postings.time_years, half_life_years=wide.half_life_years)
    wide_part, above_level = fit_wide(encoder, encoded, postings, wide_weights, penalty=wide.penalty)
    index, row_usd = postings.row_values_usd()
    log_rows = np.log1p(row_usd)
    start = np.quantile(log_rows - above_level[index], LEVELS.astype(np.float64))
    model = build_network(network, encoder, start=start)
    last = epochs or training.epochs
    total = last * -(-len(postings) // training.batch_size)
    warm_up = max(1, round(training.warm_up * total))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm_up), alpha=0.02, warmup_target=training.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=training.weight_decay, clipnorm=1.0)
    optimizer.build(model.trainable_variables)  # variables made within the first step would have it traced twice
    model.compile(optimizer, loss=posting_pinball, jit_compile=False)

    state = checkpoint and checkpoint.with_name(f"{checkpoint.name}.npz")
    history = load_checkpoint(state, model) if state else {}
    inputs, targets = _inputs(encoded), posting_targets(postings, weights, above_level=above_level)
    held_out: dict[str, object] = {}
    if validation is not None:
        known = (_inputs(encoder.transform(validation.jobs)), posting_targets(validation, np.ones(len(validation))))
        held_out = {"validation_data": known, "validation_batch_size": PREDICT_BATCH}
    for epoch in range(len(history.get("loss", [])), last):
        if _has_stalled(history, patience=training.patience):
            break
        order = np.random.default_rng((training.seed, epoch)).permutation(len(postings))
        shuffled = {name: values[order] for name, values in inputs.items()}
        made = model.fit(
            shuffled, targets[order], batch_size=training.batch_size, shuffle=False, verbose=0, **held_out
        ).history
        history = {name: [*history.get(name, []), float(value)] for name, (value,) in made.items()}
        if state:
            save_checkpoint(state, model, history)
        if progress is not None:
            progress(epoch + 1, last, {name: values[-1] for name, values in history.items()})
    if state:
        state.unlink(missing_ok=True)
    return FittedNetwork(
        model=serving_network(
            model,
            encoder,
            wide_part,
            share=network.wide_share,
            lowest=float(log_rows.min()),
            highest=float(log_rows.max()),
        ),
        encoder=encoder,
        unseen=fit_unseen(encoder, encoded, postings),
        epochs=len(history["loss"]),
        history=history,
    )


def _has_stalled(history: dict[str, list[float]], *, patience: int) -> bool:
    """Whether the validation loss has had no new best for `patience` epochs."""
    losses = history.get("val_loss", [])
    return len(losses) > patience and int(np.argmin(losses)) < len(losses) - patience


def _inputs(encoded: Encoded) -> dict[str, NDArray[np.int32] | NDArray[np.float32]]:
    return {name: getattr(encoded, name) for name in INPUTS}
