"""Numerals as people write them: what "72.000", "120'000.50" or "45,00,000" can mean.

A point or a comma with three digits behind it may be a decimal mark or part the thousands; then both meanings are
returned, the one that the country's custom supports first, and the caller decides or asks.
"""

import re
from functools import cache
from typing import Final

MIXED_CUSTOM: Final = frozenset({"CA", "CH", "BE", "LU", "ZA", "IN", "LI", "CY", "MT", "PR"})
"""Countries in which both customs are common, so that the country settles nothing."""

_BLANK_OR_QUOTE: Final = re.compile(r"[ '_]")


def meanings(numeral: str, *, country: str | None = None) -> tuple[float, ...]:
    """What a numeral can mean, likeliest first; empty where it is no number.

    numeral: digits with points, commas, apostrophes, underscores or blanks in it. country: ISO 3166-1 alpha-2.
    """
    if _BLANK_OR_QUOTE.search(numeral):
        return _with_blanks(numeral)
    points, commas = numeral.count("."), numeral.count(",")
    if points and commas:
        return _with_both(numeral)
    if points + commas == 0:
        return (float(numeral),)
    mark = "." if points else ","
    if points + commas > 1:
        whole = _grouped(numeral, mark)
        return () if whole is None else (whole,)
    return _with_one(numeral, mark, country)


def _with_blanks(numeral: str) -> tuple[float, ...]:
    """120'000.50, 1 234 567,80: blanks and apostrophes part thousands, a point or comma is the decimal mark."""
    found = re.fullmatch(r"(\d{1,3}(?:([ '_])\d{3})(?:\2\d{3})*)(?:[.,](\d{1,2}))?", numeral)
    if not found:
        return ()
    return (float(f"{_BLANK_OR_QUOTE.sub('', found[1])}.{found[3] or 0}"),)


def _with_both(numeral: str) -> tuple[float, ...]:
    """150.000,00 and 1,234.50: the last mark is the decimal one. With three digits behind it, it may be a slip for thousands."""
    last = max(".,", key=numeral.rfind)
    whole, _, decimals = numeral.rpartition(last)
    other = "," if last == "." else "."
    value = _grouped(whole, other)
    if value is None or last in whole:
        return ()
    exact = value + float(f"0.{decimals}")
    return (exact, value * 1000 + float(decimals)) if len(decimals) == 3 else (exact,)


def _with_one(numeral: str, mark: str, country: str | None) -> tuple[float, ...]:
    whole, _, after = numeral.partition(mark)
    exact = float(f"{whole}.{after}")
    if len(after) != 3 or len(whole) > 3 or whole.startswith("0"):
        return (exact,) if len(after) <= 4 else ()
    thousands = float(whole + after)
    if after == "000":  # nobody writes three zeros behind a decimal mark
        return (thousands,)
    if country is not None and (custom := decimal_mark(country)) is not None:
        return (exact, thousands) if custom == mark else (thousands,)
    return (thousands, exact) if mark == "." else (thousands,)


def _grouped(text: str, mark: str) -> float | None:
    """The whole number whose digits are parted by `mark` in threes, or (comma only) as in India; None where they are not."""
    pattern = rf"\d{{1,3}}(?:\{mark}\d{{3}})*"
    if mark == ",":
        pattern += r"|\d{1,2}(?:,\d{2})*,\d{3}"
    return float(text.replace(mark, "")) if re.fullmatch(pattern, text) else None


@cache
def decimal_mark(country: str) -> str | None:
    """The decimal mark of a country's main language; None where customs are mixed or unknown."""
    from babel import Locale, UnknownLocaleError

    if country in MIXED_CUSTOM:
        return None
    try:
        symbols = Locale.parse(f"und_{country}").number_symbols
    except (UnknownLocaleError, ValueError):
        return None
    mark = symbols.get("latn", symbols).get("decimal", None)
    return mark if mark in {".", ","} else None
