"""Steps of a long run: the result of each is written whole, with the hash of what it was made from, and is not made twice.

Knows nothing of what the steps do.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from mlpaygrade.forecast.bundle import write_json

Result = Mapping[str, Any]
"""Plain JSON."""

ROOMS: Final = ("audit", "dataset", "evaluation", "forecast", "job", "market", "training")
"""Rooms of the package whose code and tables a trained model and its figures may depend on."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one run. folder: of the run; results stand in FOLDER/steps. say: told what is being done.

    results: of the steps that were asked for, by name.
    """

    folder: Path
    say: Callable[[str], None]
    results: dict[str, Result] = field(default_factory=dict)

    def once(
        self,
        name: str,
        do: Callable[[], Result],
        *,
        inputs: object,
        stands: Callable[[Result], bool] = lambda _: True,
    ) -> Result:
        """The result of a step: the one that stands, where it was made from the same inputs, else what `do` returns.

        inputs: plain JSON. stands: whether what the result speaks of, a file or a bundle, is still there.
        """
        made_from = digest({"step": name, "inputs": inputs})
        found = self._found(name, made_from)
        if found is not None and stands(found):
            self.say(f"{name}: done before")
        else:
            self.say(f"{name} ...")
            found = json.loads(json.dumps(do()))  # the same whether it was made now or is read later
            (self.folder / "steps").mkdir(parents=True, exist_ok=True)
            write_json(self._file(name), {"inputs": made_from, "result": found})
            self.say(f"{name}: done")
        self.results[name] = found
        return found

    def before(self, name: str) -> Result | None:
        """The result that stands of a step, whatever it was made from; None without one."""
        try:
            result: Result = json.loads(self._file(name).read_bytes())["result"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return result

    def _found(self, name: str, made_from: str) -> Result | None:
        try:
            document = json.loads(self._file(name).read_bytes())
            return document["result"] if document["inputs"] == made_from else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _file(self, name: str) -> Path:
        return self.folder / "steps" / f"{name.replace(' ', '-')}.json"


def digest(document: object) -> str:
    """Hash of plain JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@cache
def package_digest() -> str:
    """Hash of the code and tables of `ROOMS`."""
    package = Path(str(resources.files("mlpaygrade")))
    files = [
        path for room in ROOMS for pattern in ("*.py", "tables/**/*.csv") for path in (package / room).glob(pattern)
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()
