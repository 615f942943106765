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
from mlpaygrade.training.fit import TrainingSettings
from mlpaygrade.training.network import NetworkSettings
from mlpaygrade.training.wide import WideSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")


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
