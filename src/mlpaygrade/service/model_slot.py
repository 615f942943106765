"""The one model of a serving process: loaded whole, replaced whole while serving, kept where the new one is damaged."""

import hashlib
import logging
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlpaygrade import __version__
from mlpaygrade.errors import BundleError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.forecast.bundle import MANIFEST, Bundle, bundled_path
from mlpaygrade.forecast.predictor import Predictor

_LOG = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""What changes when the manifest of a bundle is replaced: its inode, size and time."""

_ASKED: Final = {"title": "Data Scientist", "experience": "SE", "location": "US"}
"""The job that a new model must answer before it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model in use. tag: names package and bundle, so that equal tags give equal answers."""

    predictor: Predictor
    tag: str
    stamp: Stamp


class ModelSlot:
    """Holds the model. `current` may be read from any thread; a request reads it once and keeps it."""

    def __init__(self, folder: Path | None, *, public_key: str = "") -> None:
        """Load the model of a folder (None: the one in the package), signed with a key where one is named. Raises BundleError."""
        self._public_key = public_key or None
        self._folder = bundled_path() if folder is None else folder
        self._loading = threading.Lock()
        self._refused: str = ""
        self.current = self._load()

    def refresh(self) -> str:
        """Take up what lies in the folder now: "same", "loaded", or "refused", and then the old one stays."""
        with self._loading:
            try:
                if _stamp(self._folder) == self.current.stamp:
                    return "same"
                self.current = self._load()
            except BundleError as error:
                if str(error) != self._refused:
                    self._refused = str(error)
                    _LOG.warning("The new bundle is refused and the old one kept: %s", error)
                    return "refused"
                return "same"
        self._refused = ""
        _LOG.info("The bundle %s serves from now on", self.current.tag)
        return "loaded"

    def _load(self) -> Served:
        try:
            stamp = _stamp(self._folder)
            predictor = Predictor.load(self._folder, public_key=self._public_key)
            _try_out(predictor)
        except BundleError:
            raise
        except Exception as error:  # a forged part can fail in any library that reads it
            raise BundleError(f"The bundle in {self._folder} cannot be used: {error}") from error
        return Served(predictor=predictor, tag=tag_of(predictor.bundle), stamp=stamp)


def tag_of(bundle: Bundle) -> str:
    """The name of package and bundle: equal tags, equal answers."""
    files = bundle.manifest.files
    parts = ",".join(f"{name}:{files[name].sha256}" for name in sorted(files))
    return f"{__version__}-{hashlib.sha256(parts.encode()).hexdigest()[:16]}"


def _try_out(predictor: Predictor) -> None:
    """Read every part, so that nothing of the folder is needed later, and answer one job. Raises BundleError."""
    bundle = predictor.bundle
    _ = (bundle.encoder, bundle.calibration, bundle.abstention, bundle.evidence, bundle.background, bundle.evaluation)
    _ = (predictor.model, predictor.reader)
    answer = predictor.answer(predictor.read_job(**_ASKED))
    if answer.not_enough_data is None:
        explain(predictor, answer)
    figures = (answer.estimate_usd, answer.band_low_usd, answer.band_high_usd, *answer.intervals_usd[90])
    if not all(math.isfinite(usd) and usd > 0 for usd in figures):
        raise BundleError(f"The bundle in {bundle.path} gives figures that are no amounts of money.")


def _stamp(folder: Path) -> Stamp:
    try:
        found = (folder / MANIFEST).stat()
    except OSError as error:
        raise BundleError(f"There is no bundle in {folder}: {MANIFEST} cannot be read.") from error
    return found.st_ino, found.st_size, found.st_mtime_ns
