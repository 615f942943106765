"""Fits that are made once: the cache under every stage of a comparison.

Enters: contenders, training and test postings. Leaves: predictions, from disk where the same contender with the same settings
and the same code has already been fitted on the same postings. A killed comparison therefore goes on where it stopped.
Judges nothing.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import mlpaygrade
from mlpaygrade.dataset.postings import Postings
from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.training.forecaster import Progress
from research.contenders import Contender

PACKAGE: Final = Path(mlpaygrade.__file__).parent
DRAWING: Final = ("app", "cli", "rendering")
"""Rooms that show what was computed; a fit cannot depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A prediction and how long it took when it was made."""

    prediction: Prediction
    seconds: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Workbench:
    """Where fits are made and kept.

    folder: of the cache. past, future: training postings and those of the newest work year. contenders: the network first.
    """

    folder: Path
    data_sha256: str
    past: Postings
    future: Postings
    contenders: Sequence[Contender]
    progress: Progress

    def forecast(self, contender: Contender, train: Postings, test: Postings) -> Made:
        """Calibrated predictions."""
        return self._cached(
            contender,
            train,
            test,
            kind="forecast",
            make=lambda key: contender.forecast(train, test, work=self.folder / f"{key}-work", progress=self.progress),
        )

    def estimate(self, contender: Contender, train: Postings, test: Postings) -> NDArray[np.float64]:
        """Log estimates of one uncalibrated fit, float64 (n,)."""

        def make(key: str) -> Prediction:
            del key
            estimate = contender.fit(train, quantiles=False).log_estimate(test)
            return Prediction(np.empty((len(test), 0, 0), dtype=np.float32), estimate[:, None].astype(np.float32))

        return self._cached(contender, train, test, kind="estimate", make=make).prediction.log_estimate

    def _cached(
        self, contender: Contender, train: Postings, test: Postings, *, kind: str, make: Callable[[str], Prediction]
    ) -> Made:
        key = self._key(contender, train, test, kind)
        stored = self.folder / f"{key}.npz"
        if not stored.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            started = time.monotonic()
            made = make(key)
            with writing_bytes(stored) as file:
                np.savez(
                    file, quantiles=made.log_quantiles, members=made.log_members, seconds=time.monotonic() - started
                )
        with np.load(stored) as arrays:
            return Made(prediction=Prediction(arrays["quantiles"], arrays["members"]), seconds=float(arrays["seconds"]))

    def _key(self, contender: Contender, train: Postings, test: Postings, kind: str) -> str:
        document: dict[str, Any] = {
            "kind": kind,
            "data": self.data_sha256,
            "model": contender.name,
            "settings": contender.settings,
            "code": code_hash(),
            "train": _digest(train),
            "test": _digest(test),
        }
        return f"{contender.name}-{kind}-{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]}"


def _digest(postings: Postings) -> str:
    parts = (postings.rows, postings.paired, postings.high_usd, postings.low_usd, postings.time_years)
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


@cache
def code_hash() -> str:
    """Hash of all code and tables that a fit may depend on: the whole package and the laboratory, but for what only draws."""
    files = [
        path
        for folder in (PACKAGE, Path(__file__).parent)
        for pattern in ("**/*.py", "**/tables/*.csv")
        for path in sorted(folder.glob(pattern))
        if path.relative_to(folder).parts[0] not in DRAWING
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
