"""A figure's table as numbers for a file: one number a column, its unit in the column's name, nothing where there is none.

Reads what `wording` writes. A column that holds anything else stays as text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mlpaygrade.market.document import COMPARED

Cell = str | float | None
_N: Final = r"([+−±-]?\s?\$?[\d,]+(?:\.\d+)?[KM]?(?:\s?%)?)"
_FORMS: Final = {
    ("",): re.compile(rf"(?:< )?{_N}(?: \(few\))?"),
    (" low", " high"): re.compile(rf"{_N} to {_N}"),
    ("", " low", " high"): re.compile(rf"{_N} \({_N} to {_N}\)"),
    ("", ", of"): re.compile(rf"{_N} of {_N}"),
    ("", ", of what"): re.compile(rf"{_N} \((.+)\)"),
}
"""Endings of the columns that a cell becomes -> how such cells are written."""
_NOTHING: Final = ("—", "", COMPARED)
_SCALE: Final = {"K": 1e3, "M": 1e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericTable:
    """A table whose cells are numbers, text or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def numeric_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> NumericTable:
    """The table with every column of numbers as numbers; a range becomes two columns."""
    names: list[str] = []
    parts: list[list[Cell]] = []
    before = ""
    for at, column in enumerate(columns):
        cells = [row[at] for row in rows]
        ends, unit, values = _column(cells)
        whose = f"{before}, {column}" if "interval" in column and before else column
        names += [f"{whose}{end}{unit if end != ', of what' else ''}" for end in ends]
        parts += [list(part) for part in zip(*values, strict=True)]
        before = column if "interval" not in column else before
    return NumericTable(columns=tuple(names), rows=tuple(zip(*parts, strict=True)) if rows else ())


def _column(cells: Sequence[str]) -> tuple[tuple[str, ...], str, list[tuple[Cell, ...]]]:
    """Endings, unit and values of a column: by the first form that all its cells have, else as text."""
    said = [cell for cell in cells if cell not in _NOTHING]
    for ends, form in _FORMS.items():
        found = [form.fullmatch(cell) for cell in said]
        units = {unit for match in found if match for unit in map(_unit, match.groups()[: _numbers(ends)])}
        if not said or None in found or len(units) > 1:
            continue
        (unit,) = units
        below = " (0.001: at most)" if any(cell.startswith("<") for cell in said) else ""
        read = {cell: _values(match.groups(), ends) for cell, match in zip(said, found, strict=True) if match}
        return ends, unit + below, [read.get(cell, (None,) * len(ends)) for cell in cells]
    return ("",), "", [(cell if cell not in _NOTHING else None,) for cell in cells]


def _numbers(ends: tuple[str, ...]) -> int:
    return sum(end != ", of what" for end in ends)


def _values(groups: Sequence[str], ends: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(text if end == ", of what" else _number(text) for text, end in zip(groups, ends, strict=True))


def _unit(text: str) -> str:
    return ", USD" if "$" in text else ", %" if text.endswith("%") else ""


def _number(text: str) -> float:
    bare = re.sub(r"[^\d.]", "", text)
    value = round(float(bare) * _SCALE.get(text[-1], 1), 6) * (-1 if text[0] in "−-" else 1)
    return int(value) if value.is_integer() else value
