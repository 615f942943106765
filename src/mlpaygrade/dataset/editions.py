"""Editions of the public dataset: states of one growing file, each known by its hash. Every other file is known by its own.

`tables/editions.csv` says where each comes from. Rows stand newest first, within each work year or in the whole file; either
way the oldest row of a year is its last.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal, cast

from mlpaygrade.errors import InputError
from mlpaygrade.job.reference import rows

Order = Literal["per year", "whole file"]

REPOSITORY: Final = "foorilla/ai-jobs-net-salaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A public file.

    rows: of the file. newer_rows: rows on top of it in the public repository's file at `commit`, whose git blob is `git_blob`.
    newest: day of its newest row, and `source` how that is known. sha256_lf, sha256_crlf: of the file with either line end.
    test_after: day after which its rows test a model trained on the earlier ones; None where its newest year does.
    calendar: name of the table in `tables/calendars` that says when its rows arrived; "" where there is none.
    """

    name: str
    rows: int
    newer_rows: int
    newest: date
    commit: str
    git_blob: str
    sha256_lf: str
    sha256_crlf: str
    order: Order
    source: str
    test_after: date | None
    calendar: str


@cache
def editions() -> tuple[Edition, ...]:
    """All editions, oldest first."""
    return tuple(
        Edition(
            name=row["name"],
            rows=int(row["rows"]),
            newer_rows=int(row["newer_rows"]),
            newest=date.fromisoformat(row["newest"]),
            commit=row["commit"],
            git_blob=row["git_blob"],
            sha256_lf=row["sha256_lf"],
            sha256_crlf=row["sha256_crlf"],
            order=cast("Order", row["order"]),
            source=row["source"],
            test_after=date.fromisoformat(row["test_after"]) if row["test_after"] else None,
            calendar=row["calendar"],
        )
        for row in rows("editions", room="dataset")
    )


def edition(name: str | None = None) -> Edition:
    """The edition of that name; the newest without one. Raises InputError for a name that is none."""
    known = {one.name: one for one in editions()}
    if name is None:
        return editions()[-1]
    if name not in known:
        raise InputError(f"--edition must be one of {', '.join(known)}; got {name!r}. Leave it out for the newest.")
    return known[name]


def calendar_path(edition: Edition) -> Path | None:
    """The table that says when the edition's rows arrived; None where there is none."""
    if not edition.calendar:
        return None
    return Path(str(resources.files("mlpaygrade.dataset") / "tables" / "calendars" / edition.calendar))


def known_file(sha256: str) -> Edition | None:
    """The edition with this hash, whatever its line ends."""
    return next((one for one in editions() if sha256 in (one.sha256_lf, one.sha256_crlf)), None)


def data_name(sha256: str) -> str:
    """What to call a file: its edition, or the first digits of its hash."""
    known = known_file(sha256)
    return f"edition {known.name}" if known else f"file {sha256[:12]}"
