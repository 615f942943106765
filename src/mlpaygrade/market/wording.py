"""Numbers as a person writes them: $141K, 12 %, 1.42 times, and lists in plain English."""

from collections.abc import Sequence

NARROW = "\N{NO-BREAK SPACE}"


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
