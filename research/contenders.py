"""The network and its rivals as contenders: fitted, asked and calibrated in one way.

Enters: a name and settings. Leaves: `Contender`s. Each is fitted on training postings alone; its `forecast` is conformally
calibrated on the newest windows of those postings, each predicted by a fit on what came before, as the network's is.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, rolling_origin
from mlpaygrade.errors import InputError
from mlpaygrade.forecast.calibration import groups_of
from mlpaygrade.forecast.distribution import Prediction, concatenate
from mlpaygrade.training.forecaster import Progress, fit_calibration, fit_forecaster
from mlpaygrade.training.settings import Settings
from research.rivals import RIVALS, FittedRival, Rival

if TYPE_CHECKING:
    from mlpaygrade.training.fit import FittedNetwork

NETWORK: Final = "network"
TUNED: Final = Path(__file__).with_name("tuned.toml")
"""Tuned settings of the rivals with the studies that found them; written by `tune`."""


class Fitted(Protocol):
    """A fitted contender."""

    def log_estimate(self, postings: Postings) -> NDArray[np.float64]:
        """Log1p USD, float64 (n,)."""

    def predict(self, postings: Postings) -> Prediction:
        """Uncalibrated quantiles and estimate."""


class Contender(Protocol):
    """A model with its settings."""

    @property
    def name(self) -> str:
        """Name as the command line knows it."""

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON."""

    def fit(self, train: Postings, *, quantiles: bool = True) -> Fitted:
        """Fit on training postings, uncalibrated."""

    def forecast(self, train: Postings, test: Postings, *, work: Path, progress: Progress) -> Prediction:
        """Calibrated predictions for later postings from training postings alone."""


@dataclass(frozen=True, slots=True, eq=False)
class _FittedNetwork:
    fitted: "FittedNetwork"

    def log_estimate(self, postings: Postings) -> NDArray[np.float64]:
        return self.predict(postings).log_estimate

    def predict(self, postings: Postings) -> Prediction:
        return self.fitted.forecast(postings.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkContender:
    """The network. Uncalibrated fits run all of its epochs: nothing stops them early on what they are judged by."""

    config: Settings

    @property
    def name(self) -> str:
        """Name as the command line knows it."""
        return NETWORK

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON."""
        return self.config.to_json()

    def fit(self, train: Postings, *, quantiles: bool = True) -> Fitted:
        """Fit on training postings; its quantiles come with it."""
        from mlpaygrade.training.fit import fit_network  # seconds to load, and no rival needs it

        del quantiles
        return _FittedNetwork(
            fit_network(train, network=self.config.network, training=self.config.training, wide=self.config.wide)
        )

    def forecast(self, train: Postings, test: Postings, *, work: Path, progress: Progress) -> Prediction:
        """Predictions as `train` makes them."""
        return fit_forecaster(train, settings=self.config, work=work, progress=progress).predict(test)


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalContender:
    """A rival, calibrated on the same windows as the network."""

    label: str
    rival: Rival
    config: Settings

    @property
    def name(self) -> str:
        """Name as the command line knows it."""
        return self.label

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON."""
        return {**dataclasses.asdict(self.rival), "calibration": dataclasses.asdict(self.config.calibration)}

    def fit(self, train: Postings, *, quantiles: bool = True) -> FittedRival:
        """Fit on training postings."""
        return self.rival.fit(train, quantiles=quantiles)

    def forecast(self, train: Postings, test: Postings, *, work: Path, progress: Progress) -> Prediction:
        """Calibrated predictions, made in the same steps as the network's."""
        del work
        splits = rolling_origin(train, folds=self.config.calibration.folds, window=self.config.calibration.window)
        stage = f"{self.name}: windows and final fit"
        made = []
        for k, split in enumerate(splits, start=1):
            made.append(self.fit(train.take(split.train)).predict(train.take(split.test)))
            progress(stage, k, len(splits) + 1, {})
        calibration, _ = fit_calibration(concatenate(made), train, splits, min_count=self.rival.min_count)
        fitted = self.fit(train)
        prediction = calibration.apply(fitted.predict(test), groups_of(fitted.encoder, test.jobs))
        progress(stage, len(splits) + 1, len(splits) + 1, {})
        return prediction


def tuned_rivals(path: Path = TUNED) -> dict[str, Rival]:
    """Every rival with its tuned settings; a rival that the file lacks has its defaults.

    Raises InputError where the file cannot be read or names something unknown.
    """
    return {name: read_rival(name, document) for name, document in _with_all(read_tuned(path)).items()}


def read_tuned(path: Path = TUNED) -> dict[str, Any]:
    """The file of tuned rivals: {name: {"settings": {...}, "study": {...}}}."""
    if path == TUNED and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"The tuned settings {path} cannot be read: {error}. Give a file that `tune` wrote."
        ) from error


def read_rival(name: str, document: Mapping[str, Any]) -> Rival:
    """A rival from its table in the file of tuned rivals."""
    if name not in RIVALS:
        raise InputError(f"'{name}' is no model. Known models: {', '.join([NETWORK, *RIVALS])}.")
    kind, values = RIVALS[name], dict(document.get("settings", {}))
    known = {field.name: field.default for field in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in known or type(value) is not type(known[key]):
            raise InputError(f"[{name}.settings] cannot hold {key} = {value!r}. Its settings: {known}.")
    return kind(**values)


def contender(name: str, *, settings: Settings, tuned: Mapping[str, Rival]) -> Contender:
    """The contender of a name. Raises InputError for an unknown one."""
    if name == NETWORK:
        return NetworkContender(config=settings)
    if name not in tuned:
        raise InputError(f"'{name}' is no model. Known models: {', '.join([NETWORK, *RIVALS])}.")
    return RivalContender(label=name, rival=tuned[name], config=settings)


def _with_all(document: dict[str, Any]) -> dict[str, Any]:
    return {name: {} for name in RIVALS} | document
