"""A training that is killed and started again gives bit for bit the network of one that was never stopped."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training import fit as checkpoints
from mlpaygrade.training.fit import FittedNetwork, fit_network
from mlpaygrade.training.settings import NetworkSettings, TrainingSettings

SMALL = NetworkSettings(members=2, hidden=(8,))
EPOCHS = 3


class KilledError(BaseException):
    """What a kill looks like from inside: nothing catches it."""


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=3, n_postings=300).generate())


def fit(
    postings: Postings, path: Path | None, *, kill_after: int = EPOCHS, seed: int = 0
) -> tuple[FittedNetwork, list[int]]:
    epochs: list[int] = []

    def progress(epoch: int, *_: object) -> None:
        epochs.append(epoch)
        if epoch == kill_after < EPOCHS:
            raise KilledError

    past, future = postings.take(np.arange(250)), postings.take(np.arange(250, len(postings)))
    training = TrainingSettings(seed=seed, epochs=EPOCHS, batch_size=50)  # whole batches: another shape is traced anew
    return fit_network(past, future, network=SMALL, training=training, checkpoint=path, progress=progress), epochs


def weights(fitted: FittedNetwork) -> list[bytes]:
    return [np.asarray(weight).tobytes() for weight in fitted.model.get_weights()]


TRACED: list[str] = []
"""Calls of a training step from Python: TensorFlow makes one for each time that it traces the step."""


@pytest.fixture(scope="module")
def straight(postings: Postings) -> FittedNetwork:
    step = keras.Model.train_step

    def spy(model: keras.Model, batch: object) -> object:
        TRACED.append(model.name)
        return step(model, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "train_step", spy)
        return fit(postings, None)[0]


def test_a_training_step_is_traced_once(straight: FittedNetwork) -> None:
    assert TRACED == ["pay"]


def test_another_seed_gives_another_network(postings: Postings, straight: FittedNetwork) -> None:
    other, _ = fit(postings, None, seed=1)
    assert weights(other) != weights(straight)


def test_a_killed_training_goes_on_as_if_it_had_never_been_stopped(
    postings: Postings, straight: FittedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the same seed gives the same network, too."""
    state = tmp_path / "state"
    with pytest.raises(KilledError):
        fit(postings, state, kill_after=1)

    real = np.savez

    def cut(file: object, **arrays: np.ndarray) -> None:
        real(file, history=arrays["history"])  # type: ignore[arg-type]
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.np, "savez", cut)
        with pytest.raises(KilledError):
            fit(postings, state)  # while the second epoch's checkpoint is written
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"], (
        "half a checkpoint stayed, or the whole one went"
    )
    resumed, epochs = fit(postings, state)
    assert epochs == [2, 3], "finished epochs were run again"
    assert weights(resumed) == weights(straight)
    assert resumed.history == straight.history
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04", b"rubbish" * 100])
def test_a_checkpoint_that_cannot_be_read_or_fits_no_more_counts_as_none(damage: bytes | None, tmp_path: Path) -> None:
    def model(width: int) -> keras.Model:
        made = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(width)])
        made.compile("adam", loss="mse")
        return made

    path = tmp_path / "state.npz"
    checkpoints.save_checkpoint(path, model(3), {"loss": [1.0]})
    assert checkpoints.load_checkpoint(path, model(3)) == {"loss": [1.0]}
    assert checkpoints.load_checkpoint(path, model(4)) == {}
    path.unlink() if damage is None else path.write_bytes(damage)
    assert checkpoints.load_checkpoint(path, model(3)) == {}
