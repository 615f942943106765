"""Public files whose newest day is known from their source's history.

Enters: a file's hash. Leaves: the day its newest row arrived, or None. The file alone tells order, not dates.
"""

import csv
from dataclasses import dataclass
from datetime import date
from importlib import resources


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A public file: what it is, the day of its newest row, and how that is known."""

    name: str
    newest: date
    source: str


def known_file(sha256: str) -> KnownFile | None:
    """The known file with this hash."""
    text = (resources.files("mlpaygrade.dataset") / "tables" / "known_files.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        if row["sha256"] == sha256:
            return KnownFile(row["name"], date.fromisoformat(row["newest"]), row["source"])
    return None
