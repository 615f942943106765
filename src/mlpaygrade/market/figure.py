"""What a figure of the market is, and how its numbers read.

Enters: numbers of a section's JSON. Leaves: `Figure`, and its cells and rows in words. Knows no section.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mlpaygrade.market import wording
from mlpaygrade.rendering.charts import Drawing
from mlpaygrade.rendering.palette import Palette

Json = Mapping[str, Any]

MOST_LINES: Final = 24
"""At most so many lines in one chart; the table has them all."""


class Draw(Protocol):
    """Draws a chart that fits a total width in pixels."""

    def __call__(self, *, width: int, palette: Palette) -> Drawing:
        """The chart."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Figure:
    """One chart. alt: what it shows, in words. columns, rows: the same numbers as a table, already in plain writing."""

    key: str
    title: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    draw: Draw


def change_text(effect: Json | None) -> str:
    """A relative change in words; a dash where there is none."""
    return wording.signed_percent(effect["change"]) if effect else "—"


def ends_text(effect: Json | None) -> str:
    """Its 95 % interval in words."""
    return f"{wording.signed_percent(effect['low'])} to {wording.signed_percent(effect['high'])}" if effect else "—"


def change_row(label: str, series: str, effect: Json) -> dict[str, Any]:
    """A row of a forest."""
    text = f"{label}, {series.lower()}: {change_text(effect)} (95 % interval {ends_text(effect)})"
    return {
        "label": label,
        "series": series,
        "value": effect["change"],
        "low": effect["low"],
        "high": effect["high"],
        "text": text,
    }


def usd_text(value: float | None) -> str:
    """An amount; a dash where there is none."""
    return "—" if value is None else wording.dollars(value)


def span_text(ends: Sequence[float] | None) -> str:
    """From one amount to another; a dash where there is none."""
    return "—" if ends is None else f"{wording.dollars(ends[0])} to {wording.dollars(ends[1])}"
