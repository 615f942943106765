"""One configuration file makes one run: every setting, its default, and a reader that refuses what it does not know.

Enters: a TOML file or nothing. Leaves: frozen `Settings`. Decides nothing about data.
"""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlpaygrade.errors import InputError
from mlpaygrade.training.fit import TrainingSettings
from mlpaygrade.training.network import NetworkSettings
from mlpaygrade.training.wide import WideSettings

T = TypeVar("T")


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

    def to_json(self) -> dict[str, Any]:
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
    tables = {table.name: table.default_factory for table in dataclasses.fields(Settings)}
    _refuse_unknown(document, tables, where=str(path))
    return Settings(**{name: _read_table(tables[name], values, name) for name, values in document.items()})


def _read_table(kind: Any, values: Any, name: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"[{name}] must be a table; got {values!r}.")
    defaults = kind()
    known = {item.name: getattr(defaults, item.name) for item in dataclasses.fields(kind)}
    _refuse_unknown(values, known, where=f"[{name}]")
    return kind(**{key: _converted(value, known[key], f"[{name}] {key}") for key, value in values.items()})


def _converted(value: Any, default: Any, where: str) -> Any:
    if isinstance(default, tuple):
        if isinstance(value, list) and value and all(type(item) is type(default[0]) for item in value):
            return tuple(value)
    elif type(value) is type(default):
        return value
    elif isinstance(default, float) and type(value) is int:
        return float(value)
    raise InputError(f"{where} must be of the kind {default!r}; got {value!r}.")


def _refuse_unknown(given: dict[str, Any], known: dict[str, Any], *, where: str) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise InputError(f"{where} has the unknown key '{unknown[0]}'. Known keys: {', '.join(known)}.")
