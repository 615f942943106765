"""Which column of a file is which field: by the dataset's name, else by the header of the template, else by an alias.

Names are compared without case, accents and punctuation. `tables/column_names.csv` holds all of them, for every command.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from mlpaygrade.errors import Defect, printable
from mlpaygrade.job.fields import BY_COLUMN
from mlpaygrade.job.lookup import fold, rows

SHOWN: Final = 12
"""So many names are listed; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """places: field -> place in a row. unused: names of the other columns. read_as, defects: what to say of the header."""

    places: Mapping[str, int]
    unused: tuple[str, ...]
    read_as: tuple[str, ...]
    defects: tuple[Defect, ...]

    def unused_note(self) -> tuple[str, ...]:
        """What to say of columns that are not used; nothing where all are."""
        count = len(self.unused)
        listed = ", ".join(shown(name) or "(no name)" for name in self.unused[:SHOWN])
        more = f" and {count - SHOWN:,} more" if count > SHOWN else ""
        return (f"{count:,} column{'s' if count != 1 else ''} not used: {listed}{more}",) if count else ()


def match_columns(header: Sequence[str], *, wanted: Sequence[str], required: Sequence[str]) -> Columns:
    """Find `wanted` fields in a header that holds no name twice; of `required` ones, a missing one is a defect."""
    names = [plain(name) for name in header]
    places: dict[str, int] = {}
    read_as: list[str] = []
    defects: list[Defect] = []
    for column in wanted:
        hits = ([n for n, name in enumerate(names) if name in way] for way in names_of(column))
        found = next(filter(None, hits), [])
        if len(found) > 1:
            value = " and ".join(f"{shown(header[n])!r} (column {n + 1})" for n in found)
            remedy = f"Name one of them {column}, or remove all but one."
            defects.append(Defect(column=column, rule="must be one column", value=value, remedy=remedy))
        elif found:
            places[column] = found[0]
            if header[found[0]] != column:
                read_as.append(f"column {shown(header[found[0]])!r} read as {column}")
        elif column in required:
            defects.append(_missing(column, header))
    unused = tuple(name for n, name in enumerate(header) if n not in places.values())
    return Columns(places=places, unused=unused, read_as=tuple(read_as), defects=tuple(defects))


def known_names(record: Sequence[str]) -> int:
    """How many fields of a record are names of columns."""
    return len({plain(cell) for cell in record[:1_000] if len(cell) <= 60} & _all_names())


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return " ".join("".join(char if char.isalnum() else " " for char in fold(name.strip("\ufeff"))).split())


def shown(text: str, longest: int = 40) -> str:
    """Text of a file or path that may be printed: without control characters, shortened."""
    short = text.strip() if len(text) <= longest else text.strip()[: longest - 3] + "..."
    return printable(" ".join(short.split()))


def mappable() -> tuple[str, ...]:
    """Every field that a column of a file may be, as the table holds them."""
    return tuple(_table())


@cache
def names_of(column: str) -> tuple[frozenset[str], ...]:
    """Ways to write a column, best first: its own name, the template's header, aliases, the registry's other names."""
    row = _table().get(column, {"header": "", "aliases": ""})
    field = BY_COLUMN.get(column)
    further = [field.heading, field.name, *field.also] if field else []
    ways = [[column], [row["header"]], *(way.split("|") for way in row["aliases"].split("/")), further]
    seen: set[str] = set()
    found = []
    for way in ways:
        names = {plain(name) for name in way if name} - seen
        seen |= names
        found.append(frozenset(names))
    return tuple(found)


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return {row["field"]: row for row in rows("column_names", room="dataset")}


@cache
def _all_names() -> frozenset[str]:
    return frozenset(name for column in (*_table(), *BY_COLUMN) for way in names_of(column) for name in way)


def _missing(column: str, header: Sequence[str]) -> Defect:
    known = known_names(header)
    folded = {plain(name): name for name in header}
    near = difflib.get_close_matches(plain(column), list(folded)[:500], n=1, cutoff=0.75)
    listed = ", ".join(shown(name) for name in header[:15]) or "an empty first line"
    if near:
        remedy = f"Did you mean {shown(folded[near[0]])!r}? Rename it to {column}."
    elif not known:
        remedy = "The first line must hold the column names; `mlpaygrade data check --help` and the template show them."
    else:
        remedy = f"Add the column {column} to the file."
    return Defect(column=column, rule="must be there as a column", value=f"columns {listed}", remedy=remedy)
