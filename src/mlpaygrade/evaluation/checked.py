"""The shipped model beside independent sources of pay: the figures that `python -m research validate` measured.

They travel as `tables/checked.json`. Their model is named in them, so that a page can say when they belong to an older one.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from mlpaygrade.errors import BundleError

SCHEMA: Final = 1
CHECKED_PATH: Final = Path(__file__).with_name("tables") / "checked.json"

Dimension = Literal["all", "country", "level", "title"]
Kind = Literal["posted", "paid", "employed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedGroup:
    """One group of a source.

    n: jobs compared; for official statistics the people employed. log_difference: median of log(ours / theirs), and log_range its
    95 % interval, None where the source gives medians. inside_90: share inside our 90 % range, None without single figures.
    """

    dimension: Dimension
    value: str
    label: str
    n: int
    log_difference: float
    inside_90: float | None
    log_range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSource:
    """One independent source: what it is, how to read the gap, and its groups. refused: jobs without an answer of the model."""

    key: str
    name: str
    kind: Kind
    when: str
    what: str
    how_to_read: str
    rows: int
    refused: int
    groups: tuple[CheckedGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All sources, and plain sentences on where our figures lie above or below what is paid."""

    model_version: str
    trained_through: str
    data_sha256: str
    sources: tuple[CheckedSource, ...]
    said: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The document as plain JSON."""
        return {"schema": SCHEMA, **asdict(self)}


@cache
def checked(path: Path = CHECKED_PATH) -> Checked:
    """Read the document. Raises BundleError where it is missing or of another schema."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise BundleError(
                f"Checks have schema {SCHEMA}; got {document['schema']}. Write them again: research validate."
            )
        return msgspec.convert(document, Checked)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"The checks {path.name} cannot be read: {error}. Write them again: research validate."
        ) from error
