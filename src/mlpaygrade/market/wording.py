"""Numbers as a person writes them: $141K, 12 %, 1.42 times, with their intervals, in cells of tables; lists in plain English."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from mlpaygrade.market.document import COMPARED
from mlpaygrade.rendering.charts import Mark

NARROW: Final = "\N{NO-BREAK SPACE}"
DASH: Final = "—"
INTERVAL: Final = "95 % interval"
"""The heading of a column of intervals."""


def dollars(usd: float) -> str:
    """$141K; below a thousand $950; from a million $1.2M."""
    size = abs(usd)
    sign = "−" if usd < 0 else ""
    if size >= 999_500:
        return f"{sign}${size / 1e6:.1f}M"
    if size >= 9_950:
        return f"{sign}${size / 1000:,.0f}K"
    return f"{sign}${size / 1000:.1f}K" if size >= 1_000 else f"{sign}${size:.0f}"


def exact_dollars(usd: float) -> str:
    """$149,714, for figures that are checked to the digit."""
    return f"${usd:,.0f}"


def percent(share: float, *, digits: int = 0) -> str:
    """A share of 0..1 as 12 %; more digits where whole percents would hide it."""
    if digits == 0 and 0 < abs(share) < 0.0995:
        digits = 1 if abs(share) >= 0.001 else 2
    return f"{share * 100:.{digits}f}{NARROW}%".replace("-", "−")


def signed_percent(share: float, *, digits: int = 0) -> str:
    """+12 % or −3 %."""
    if digits == 0 and abs(share) < 0.0995:
        digits = 1
    text = f"{share * 100:+.{digits}f}".replace("-", "−")
    return f"{text}{NARROW}%"


def decimal(value: float, *, digits: int = 2) -> str:
    """Two digits with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def p_value(p: float) -> str:
    """A p value, never 0."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def lower_first(text: str) -> str:
    """The text to stand inside a sentence; "US" and "Data Engineer" stay as they are."""
    second = text[1:2]
    return text[:1].lower() + text[1:] if second.islower() or second == " " else text


def short(label: str) -> str:
    """A label without what it says in brackets."""
    return label.partition(" (")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with the ends of its 95 % interval. Its kinds differ in how they are written."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, low: float, high: float, *, digits: int = 4) -> Self:
        """The same rounded."""
        value, low, high = (round(float(part), digits) + 0.0 for part in (value, low, high))
        return cls(value=value, low=low, high=high)

    @staticmethod
    def write(value: float, /) -> str:
        """A figure of this kind in words."""
        return f"{value:.2f}"

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """The figure alone: +12 %."""
        return self.write(self.value)

    @property
    def ends(self) -> str:
        """+8 % to +16 %."""
        return f"{self.write(self.low)} to {self.write(self.high)}"

    @property
    def interval(self) -> str:
        """95 % interval +8 % to +16 %."""
        return f"95{NARROW}% interval {self.ends}"

    def mark(self, label: str, series: str, text: str = "") -> Mark:
        """The figure as a line of a forest."""
        said = text or f"{label}, {series.lower()}: {self.text} ({INTERVAL} {self.ends})"
        return Mark(label=label, series=series, value=self.value, low=self.low, high=self.high, text=said)


class Change(Estimate):
    """A relative change: 0.1 is 10 % more."""

    write = staticmethod(signed_percent)


class Share(Estimate):
    """A share in 0..1."""

    write = staticmethod(percent)


class Usd(Estimate):
    """An amount."""

    write = staticmethod(dollars)


def change(value: Change | None, *, reference: bool = False) -> str:
    """A change as a cell of a table."""
    return COMPARED if reference else value.text if value else DASH


def ends(estimate: Estimate | None, *, reference: bool = False) -> str:
    """An interval as a cell of a table."""
    return DASH if reference or estimate is None else estimate.ends


def or_dash(value: float | None, write: Callable[[float], str]) -> str:
    """A number as written; a dash where there is none."""
    return DASH if value is None else write(value)


def usd(value: float | None) -> str:
    """An amount; a dash where there is none."""
    return or_dash(value, dollars)


def span(amounts: Sequence[float] | None) -> str:
    """From one amount to another; a dash where there is none."""
    return DASH if amounts is None else f"{dollars(amounts[0])} to {dollars(amounts[1])}"


def postings(count: int, *, few: bool) -> str:
    """How many postings a cell has, and whether these are few."""
    return f"{count:,}" + (" (few)" if few else "")
