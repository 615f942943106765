"""One configuration file makes one run: every setting, its default, and a reader that refuses what it does not know.

Enters: a TOML file or nothing. Leaves: frozen `Settings`. Decides nothing about data.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlpaygrade.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Shape of the network.

    members: size of the ensemble. share_weights: whether members scale one set of weights instead of having their own.
    hidden: units of each layer. *_dim: embedding sizes. id_mask, word_mask: share of title and country ids, and of a title's
    words, hidden in training, so that unseen values degrade gently. use_*: parts that ablation can drop.
    wide_share: how much of the estimate comes from the wide linear part (`wide`), the rest from the deep one.
    """

    members: int = 16
    share_weights: bool = False
    hidden: tuple[int, ...] = (64, 64)
    title_dim: int = 32
    country_dim: int = 16
    code_dim: int = 4
    embedding_scale: float = 0.3
    dropout: float = 0.15
    id_mask: float = 0.05
    word_mask: float = 0.3
    use_words: bool = True
    use_family: bool = True
    use_hierarchy: bool = True
    use_year: bool = True
    use_interactions: bool = True
    wide_share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How the network is fitted.

    half_life_years: age at which a posting weighs half. patience: epochs without a better validation loss before
    stopping (with validation postings only; a guard for longer trainings, which the default never needs). The weights are those
    of the last epoch, not of the best: the same postings calibrate, and a pick among epochs would flatter them.
    """

    seed: int = 0
    epochs: int = 16
    patience: int = 16
    batch_size: int = 256
    learning_rate: float = 4e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-3
    half_life_years: float = 2.0
    min_count: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WideSettings:
    """How the wide linear part is fitted.

    penalty: on squared coefficients, those of the weeks too. half_life_years: age at which a posting weighs half.
    """

    penalty: float = 30.0
    half_life_years: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """Held-out windows that stop training, calibrate intervals and choose settings.

    folds: windows, the newest ones in order of arrival. window: share of the training postings in each.
    """

    folds: int = 3
    window: float = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one run."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    wide: WideSettings = field(default_factory=WideSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the settings."""
        return dataclasses.asdict(self)


def read_settings(path: Path | None) -> Settings:
    """Settings from a TOML file with tables [network], [training], [wide] and [calibration]; defaults without one.

    Raises InputError for a missing file, bad TOML, an unknown key or a value of the wrong type.
    """
    if path is None:
        return Settings()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"The configuration {path} cannot be read ({error.strerror}). Give an existing file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The configuration {path} is not TOML: {error}.") from error
    return _changed(Settings(), document, where=str(path))


def _changed(defaults: D, given: Mapping[str, object], *, where: str) -> D:
    """The same dataclass with the values given, each of its default's kind."""
    known = {item.name: getattr(defaults, item.name) for item in dataclasses.fields(defaults)}
    if unknown := sorted(set(given) - set(known)):
        raise InputError(f"{where} has the unknown key '{unknown[0]}'. Known keys: {', '.join(known)}.")
    return dataclasses.replace(
        defaults, **{name: _value(value, known[name], name, where) for name, value in given.items()}
    )


def _value(value: object, default: object, name: str, where: str) -> object:
    if dataclasses.is_dataclass(default) and not isinstance(default, type):
        if not isinstance(value, dict):
            raise InputError(f"[{name}] must be a table; got {value!r}.")
        return _changed(default, value, where=f"[{name}]")
    if isinstance(default, tuple):
        if isinstance(value, list) and value and all(type(item) is type(default[0]) for item in value):
            return tuple(value)
    elif type(value) is type(default):
        return value
    elif isinstance(default, float) and type(value) is int:
        return float(value)
    raise InputError(f"{where} {name} must be of the kind {default!r}; got {value!r}.")
