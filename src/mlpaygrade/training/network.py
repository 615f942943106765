"""The network: embeddings that borrow strength, an ensemble inside one network, a wide linear part, quantiles that never cross.

Enters: `Encoded` jobs. Leaves: a Keras model of log pay quantiles for the low end, the high end and any row of a
posting. Does not train (`training`), calibrate or export.

Sources: TabM, Gorishniy et al. 2025 (many members in one network, loss averaged over members; weights of their own, or shared
ones that each member scales, as in BatchEnsemble, Wen et al. 2020); RealMLP, Holzmueller et al. 2024 (schedule, initial scale).
"""

from typing import Final

import keras
import numpy as np
from keras import KerasTensor as Tensor
from keras import layers, ops
from numpy.typing import NDArray

from mlpaygrade.forecast.distribution import LEVEL_WEIGHTS, LEVELS, MEDIAN, TARGETS
from mlpaygrade.forecast.encode import CATEGORICAL, MAX_WORDS, NUMERIC, JobEncoder
from mlpaygrade.training.settings import NetworkSettings
from mlpaygrade.training.wide import WidePart, wide_columns


@keras.saving.register_keras_serializable("mlpaygrade")
class EnsembleDense(layers.Layer):
    """Dense layer of an ensemble, each member with its own weights.

    Shape: (B, M, D) -> (B, M, units);  y_m = x_m W_m + b_m.
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        members, width = int(input_shape[1] or 0), int(input_shape[2] or 0)
        deviation = float(np.sqrt(2 / width))  # He's; the initializer of that name would count the members as inputs
        self.kernel = self.add_weight(name="kernel", shape=(members, width, self.units), initializer=_normal(deviation))
        self.bias = self.add_weight(name="bias", shape=(members, self.units), initializer="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        """Apply the layer."""
        return _by_member(inputs, self.kernel) + self.bias

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("mlpaygrade")
class SharedDense(layers.Layer):
    """Dense layer whose weight is shared by all members, each scaling its input and output.

    Shape: (B, M, D) -> (B, M, units);  y_m = ((x_m * r_m) W) * s_m + b_m.
    """

    def __init__(self, units: int, *, diverse: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units, self.diverse = units, diverse

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights; `diverse` draws the input scaling apart, as the first layer of TabM does."""
        _, members, width = input_shape
        scale = keras.initializers.RandomNormal(mean=1.0, stddev=0.5) if self.diverse else "ones"
        self.kernel = self.add_weight(name="kernel", shape=(width, self.units), initializer="he_normal")
        self.r = self.add_weight(name="r", shape=(members, width), initializer=scale)
        self.s = self.add_weight(name="s", shape=(members, self.units), initializer="ones")
        self.bias = self.add_weight(name="bias", shape=(members, self.units), initializer="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        """Apply the layer."""
        return ops.matmul(inputs * self.r, self.kernel) * self.s + self.bias

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "units": self.units, "diverse": self.diverse}


def _quantiles_of_parts() -> NDArray[np.float32]:
    steps = len(LEVELS) - 1
    upward = np.arange(steps)[:, None] < np.arange(len(LEVELS))[None, :]  # a step lies below every later level
    at_median = upward[:, MEDIAN : MEDIAN + 1]
    return np.vstack([np.ones(len(LEVELS)), upward.astype(float) - at_median]).astype(np.float32)


QUANTILES_OF_PARTS: Final = _quantiles_of_parts()
"""float32 (23, 23): a median and 22 steps between neighbouring levels, times this, are the quantiles."""


@keras.saving.register_keras_serializable("mlpaygrade")
class QuantileHead(layers.Layer):
    """Quantiles of each target by each member: a median, and positive steps away from it on both sides.

    Shape: (B, M, D) -> (B, M, len(TARGETS), len(LEVELS)), log1p USD, increasing in the last axis.
    Starts at `start`, float (len(LEVELS),): the quantiles of the training data.
    """

    def __init__(self, start: list[float], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.start = [float(value) for value in start]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one weight matrix per member."""
        members, width = int(input_shape[1] or 0), int(input_shape[2] or 0)
        start = np.asarray(self.start)
        self.centre, self.scale = start[MEDIAN], max(float(np.std(start)), 1e-3)
        steps = np.log(np.expm1(np.maximum(np.diff((start - self.centre) / self.scale), 1e-3)))
        bias = np.broadcast_to(np.concatenate([[0.0], steps]), (members, len(TARGETS), len(LEVELS)))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(members, width, len(TARGETS) * len(LEVELS)),
            initializer=_normal(0.01),
        )
        self.bias = self.add_weight(
            name="bias", shape=bias.shape, initializer=lambda _shape, dtype=None: ops.convert_to_tensor(bias, dtype)
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Apply the head."""
        raw = ops.reshape(_by_member(inputs, self.kernel), (-1, *self.bias.shape)) + self.bias
        parts = ops.concatenate([raw[..., :1], ops.softplus(raw[..., 1:])], axis=-1)
        quantiles = ops.matmul(parts, QUANTILES_OF_PARTS)
        return quantiles * self.scale + self.centre

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "start": self.start}


@keras.saving.register_keras_serializable("mlpaygrade")
class MaskIds(layers.Layer):
    """Replace a share of ids by 0 (unseen) while training. Of whatever shape, int."""

    def __init__(self, share: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.share = share
        self.generator = keras.random.SeedGenerator()

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        """Mask while training."""
        if not training or self.share == 0:
            return ids
        return ops.where(keras.random.uniform(ops.shape(ids), seed=self.generator) < self.share, 0, ids)

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable("mlpaygrade")
class WordMean(layers.Layer):
    """Mean embedding of a title's known words. Shape: (B, MAX_WORDS) int -> (B, dim)."""

    def __init__(self, words: int, dim: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.words, self.dim = words, dim
        self.embedding = layers.Embedding(words + 1, dim, embeddings_initializer=_normal(0.05))

    def call(self, ids: Tensor) -> Tensor:
        """Average over the words that are there."""
        there = ops.cast(ids > 0, "float32")[..., None]
        return ops.sum(self.embedding(ids) * there, 1) / ops.maximum(ops.sum(there, 1), 1.0)

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "words": self.words, "dim": self.dim}


@keras.saving.register_keras_serializable("mlpaygrade")
class YearOffset(layers.Layer):
    """Log pay of an earlier year against the newest one, all else equal. Shape: (B,) int -> (B, 1, 1, 1); 0 for the newest."""

    def __init__(self, years: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.years = years
        self.offset = layers.Embedding(years, 1, embeddings_initializer="zeros")

    def call(self, years_back: Tensor) -> Tensor:
        """Look the offset up."""
        earlier = ops.cast(years_back > 0, "float32")[:, None]
        return (self.offset(years_back) * earlier)[:, None, None, :]

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "years": self.years}


def _by_member(inputs: Tensor, kernel: Tensor) -> Tensor:
    """Each member's inputs times its own matrix: (B, M, D), (M, D, units) -> (B, M, units)."""
    return ops.transpose(ops.matmul(ops.transpose(inputs, (1, 0, 2)), kernel), (1, 0, 2))


def _normal(stddev: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=stddev)


INPUTS: Final = ("categorical", "words", "numeric")


def build_network(settings: NetworkSettings, encoder: JobEncoder, *, start: NDArray[np.float64]) -> keras.Model:
    """The network, untrained.

    start: float (23,), quantiles of log1p pay in the training rows, where every head begins.
    Inputs by name as in `Encoded`; output (B, M, 3, 23) log1p USD.
    """
    categorical = keras.Input((len(CATEGORICAL),), dtype="int32", name="categorical")
    words = keras.Input((MAX_WORDS,), dtype="int32", name="words")
    numeric = keras.Input((len(NUMERIC),), dtype="float32", name="numeric")
    sizes = encoder.sizes()

    def ids(column: str) -> Tensor:
        return categorical[:, CATEGORICAL.index(column)]

    def embed(column: str, dim: int) -> Tensor:
        return layers.Embedding(sizes[column], dim, embeddings_initializer=_normal(settings.embedding_scale))(
            ids(column)
        )

    def masked(column: str, dim: int) -> Tensor:
        table = layers.Embedding(sizes[column], dim, embeddings_initializer=_normal(settings.embedding_scale))
        return table(MaskIds(settings.id_mask)(ids(column)))

    title = masked("title", settings.title_dim)
    if settings.use_family:
        title += embed("title_family", settings.title_dim)
    if settings.use_words:
        title += WordMean(len(encoder.words), settings.title_dim)(MaskIds(settings.word_mask)(words))
    location = masked("location", settings.country_dim)
    residence = masked("residence", settings.country_dim)
    if settings.use_hierarchy:
        location += embed("location_continent", settings.country_dim) + embed("location_tier", settings.country_dim)
        residence += embed("residence_continent", settings.country_dim)
    codes = ["experience", "employment", "size", "remote", "abroad"]
    parts = [title, location, residence]
    if settings.use_interactions:
        codes.append("career_stage")
        parts.append(numeric)
    parts += [embed(column, settings.code_dim) for column in codes]

    x = ops.concatenate(parts, axis=-1)
    x = ops.repeat(x[:, None, :], settings.members, axis=1)
    for depth, units in enumerate(settings.hidden):
        dense = SharedDense(units, diverse=depth == 0) if settings.share_weights else EnsembleDense(units)
        x = dense(x)
        x = layers.Dropout(settings.dropout)(layers.Activation("silu")(x))
    head = QuantileHead([float(value) for value in start])(x)
    if settings.use_year:
        head += YearOffset(sizes["years_back"], name="year_offset")(ids("years_back"))
    return keras.Model([categorical, words, numeric], head, name="pay")


@keras.saving.register_keras_serializable("mlpaygrade")
class WideSum(layers.Layer):
    """The wide part's estimate: the sum of one coefficient for each field, pair of fields and word.

    blocks: (column, other column or -1, ids of the other, place in the table) as `wide_columns` counts them.
    Shape: (B, len(CATEGORICAL)) int and (B, MAX_WORDS) int -> (B, 1), log1p USD.
    """

    def __init__(self, blocks: list[tuple[int, int, int, int]], width: int, words_at: int, **kwargs: object) -> None:
        super().__init__(trainable=False, **kwargs)
        self.blocks, self.width, self.words_at = [tuple(block) for block in blocks], width, words_at

    def build(self, *_shapes: tuple[int | None, ...]) -> None:
        """Create the table, to be filled with what `fit_wide` found, and the level."""
        self.table = self.add_weight(name="table", shape=(self.width,), initializer="zeros", trainable=False)
        self.level = self.add_weight(name="level", shape=(1,), initializer="zeros", trainable=False)

    def call(self, categorical: Tensor, words: Tensor) -> Tensor:
        """Look the coefficients up and add them."""
        places = [
            categorical[:, one] + start if other < 0 else categorical[:, one] * size + categorical[:, other] + start
            for one, other, size, start in self.blocks
        ]
        there = ops.cast(words > 0, "float32")
        of_words = ops.sum(ops.take(self.table, words + self.words_at) * there, axis=1)
        of_fields = ops.sum(ops.take(self.table, ops.stack(places, axis=1)), axis=1)
        return (of_fields + of_words + self.level)[:, None]

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        return {**super().get_config(), "blocks": self.blocks, "width": self.width, "words_at": self.words_at}


@keras.saving.register_keras_serializable("mlpaygrade")
class ServingHead(layers.Layer):
    """What is exported: members averaged, moved towards the wide estimate, clamped to the log pay that training saw.

    The move is alike for every member, target and level: by `wide_share` of what the wide estimate lies above the members' mean.
    Shape: (B, M, 3, 23), (B, 1) -> log_quantiles (B, 3, 23) and log_members (B, M).
    """

    def __init__(self, lowest: float, highest: float, wide_share: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.lowest, self.highest, self.wide_share = lowest, highest, wide_share

    def call(self, quantiles: Tensor, wide: Tensor) -> dict[str, Tensor]:
        """Average the members, and integrate each member's quantiles of any row."""
        members = ops.sum(quantiles[:, :, TARGETS.index("any")] * LEVEL_WEIGHTS, axis=-1)
        move = self.wide_share * (wide - ops.mean(members, axis=1, keepdims=True))
        moved = ops.mean(quantiles, axis=1) + move[:, :, None]
        return {
            "log_quantiles": ops.clip(moved, self.lowest, self.highest),
            "log_members": ops.clip(members + move, self.lowest, self.highest),
        }

    def get_config(self) -> dict[str, object]:
        """Configuration for saving."""
        own = {"lowest": self.lowest, "highest": self.highest, "wide_share": self.wide_share}
        return {**super().get_config(), **own}


def serving_network(
    network: keras.Model, encoder: JobEncoder, wide: WidePart, *, share: float, lowest: float, highest: float
) -> keras.Model:
    """The network with its wide part and serving head: outputs log_quantiles (B, 3, 23) and log_members (B, M)."""
    sizes = encoder.sizes()
    blocks, start = [], 0
    for one, other, width in wide_columns(encoder):
        crossed = (-1, 1) if other is None else (CATEGORICAL.index(other), sizes[other])
        blocks.append((CATEGORICAL.index(one), *crossed, start))
        start += width
    layer = WideSum(blocks, len(wide.coefficients), start, name="wide")
    categorical, words, _ = network.inputs
    estimate = layer(categorical, words)
    layer.set_weights([wide.coefficients, np.array([wide.level])])
    head = ServingHead(lowest, highest, share, name="serving")
    return keras.Model(network.inputs, head(network.output, estimate), name="pay_serving")
