"""The parts of pay as typed: figures, currency marks, periods, and words that say how the figures are meant.

Knowledge is `tables/pay_words.csv`. A text with any word that the table lacks is refused, so that nothing is read past it. A
point or a comma with three digits behind it may be a decimal mark or part the thousands ("72.000"); then both meanings are
returned, the one that the country's custom supports first. Settles nothing: `pay.read_pay` weighs the parts against one
another, or asks.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import rows
from mlpaygrade.money.currency import Period, Salaries

MAX_TEXT: Final = 80
EXAMPLES: Final = 'Type pay such as "72,000", "72k", "€6.000 a month", "85/hour" or "70-80k".'

_SALARIES: Final = re.compile(
    r"[x×*]\s?(1[234])(?![\d.,])|\b(1[234])\s?[x×*](?=\D{0,5}\d)|"
    r"\b(1[234]) ?(?:salaries|payments|pagas|monatsgehalter|gehalter|mensualites|mensilita|mois)\b"
)
_NUMERAL: Final = re.compile(r"\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d+(?:[.,'_]\d+)*")
_UP_TO: Final = frozenset({"to", "bis", "until", "till", "tot", "до"})
_REFUSED: Final = {
    "net": ("Pay here is before tax; a net figure cannot be compared", "Give the gross figure."),
    "total": ("Pay here is without bonus and shares, as adverts name it", "Give the base pay alone."),
    "top": ("An upper bound alone is no figure", "Give both ends of the range, or one figure."),
}
_SWISS_DASH: Final = re.compile(r"(?<=\d)[.,]\s?-{1,2}(?!\d)")
_SKIPPED: Final = re.compile(r"[ ()\[\];!?\"]|:(?!-)|,(?!\d)|\.(?![\d.])")
_ALIKE: Final = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "٫": ".", "٬": ",", "−": "-"}
_DIGIT_FORMS: Final = {"<super>", "<sub>", "<fraction>", "<circle>"}


@dataclass(slots=True)
class Figure:
    """One number: its numeral as typed, and what it is multiplied by (several where the word has several meanings)."""

    numeral: str
    times: tuple[int, ...] = ()


@dataclass(slots=True)
class PayParts:
    """What stands in a text. currencies: None where no mark stands, else all that the marks can mean."""

    figures: list[Figure] = field(default_factory=list)
    currencies: frozenset[str] | None = None
    currency_order: tuple[str, ...] = ()
    mark: str = ""
    period: Period | None = None
    salaries: Salaries | None = None
    lakhs: bool = False
    at_least: bool = False
    remarks: list[str] = field(default_factory=list)


def pay_parts(text: str) -> PayParts:
    """The parts of a text. Raises InputError with rule, value and remedy for what is not pay."""
    return _Reader(text).parts()


def folded(text: str) -> str:
    """Small letters without accents, plain blanks, hyphens and quotes, ASCII digits."""
    return " ".join("".join(map(_plain, unicodedata.normalize("NFKD", text))).split())


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if unicodedata.combining(char) or category == "Cf":
        return ""
    if category == "Nd":
        return str(unicodedata.digit(char))
    return {"Zs": " ", "Pd": "-"}.get(category) or _ALIKE.get(char, char.casefold())


class _Reader:
    """Walks once through a folded text."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > MAX_TEXT:
            raise self._error(f"Pay has at most {MAX_TEXT} characters", shown=f"{len(text):,}")
        if any(unicodedata.decomposition(char).split(" ")[0] in _DIGIT_FORMS for char in text):
            raise self._error("Pay is written in plain digits")
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
            raise self._error("Pay holds no control characters", shown=repr(text))
        self._folded = _SWISS_DASH.sub("", folded(text))
        self._parts = PayParts()
        self._times_before: tuple[int, ...] = ()
        self._joined = ""

    def parts(self) -> PayParts:
        folded_text = self._take_salaries(self._folded)
        if not re.search(r"\d", folded_text):
            raise self._error("Pay has at least one figure")
        for kind, value, words in self._tokens(folded_text):
            self._take(kind, value, words)
        self._check()
        return self._parts

    def _take_salaries(self, text: str) -> str:
        found = _SALARIES.search(text)
        if found is None:
            return text
        self._parts.salaries = cast(Salaries, int(found[1] or found[2] or found[3]))
        return f"{text[: found.start()]} {text[found.end() :]}"

    def _tokens(self, text: str) -> Iterator[tuple[str, str, str]]:
        """(kind, value, words) from left to right; numerals are of kind "numeral"."""
        at = 0
        while at < len(text):
            if _SKIPPED.match(text, at):
                at += 1
                continue
            if numeral := _NUMERAL.match(text, at):
                yield "numeral", numeral[0], numeral[0]
                at = numeral.end()
                continue
            words = _longest_words(text, at)
            if words is None:
                rest = text[at:].split(maxsplit=1)[0]
                raise self._error(f'Pay is a figure, its currency and its period; "{rest}" is none of these')
            yield *_words()[words], words
            at += len(words)

    def _take(self, kind: str, value: str, words: str) -> None:
        match kind:
            case "numeral":
                self._figure(value)
            case "times":
                self._times(value)
            case "lpa":
                self._times(value)
                self._period("year")
            case "times_currency":
                times, currencies = value.split(" ")
                self._times(times)
                self._currency(currencies, words)
            case "currency":
                self._currency(value, words)
            case "period":
                self._period(value)
            case "range":
                self._join(words)
            case "floor":
                self._parts.at_least = True
            case "bonus":
                self._parts.remarks.append("without bonus or shares")
            case "net" | "total" | "top":
                raise self._error(*_REFUSED[kind])

    def _join(self, words: str) -> None:
        if words == "-" and not self._parts.figures:
            raise self._error("Pay is above zero and a hyphen stands between two figures")
        if words in _UP_TO and not self._parts.figures:
            raise self._error(*_REFUSED["top"])
        self._joined = words if self._parts.figures else ""

    def _figure(self, numeral: str) -> None:
        if self._parts.figures and not self._joined:
            raise self._error('Pay is one figure, or two with "to" or a hyphen between them')
        self._parts.figures.append(Figure(numeral, self._times_before))
        self._times_before, self._joined = (), ""

    def _times(self, value: str) -> None:
        times = tuple(int(one) for one in value.split("|"))
        self._parts.lakhs |= times[0] in {100_000, 10_000_000}
        if not self._parts.figures or self._joined:
            self._times_before = times
        elif self._parts.figures[-1].times:
            raise self._error("A figure has one word for thousands or millions")
        else:
            self._parts.figures[-1].times = times

    def _currency(self, value: str, words: str) -> None:
        new = tuple(value.split("|"))
        known = self._parts.currencies
        both = frozenset(new) if known is None else known & frozenset(new)
        if not both:
            raise self._error("Pay has one currency")
        self._parts.currencies = both
        self._parts.currency_order = tuple(one for one in (self._parts.currency_order or new) if one in both)
        self._parts.mark = self._parts.mark or words

    def _period(self, value: str) -> None:
        if self._parts.period not in {None, value}:
            raise self._error("Pay has one period")
        self._parts.period = cast(Period, value)

    def _check(self) -> None:
        if len(self._parts.figures) > 2:
            raise self._error("Pay is one figure or a range of two")
        if self._joined in {"-", "to", "bis"}:
            raise self._error("A range has two ends")
        if self._times_before:
            raise self._error("Thousands or millions stand behind a figure")

    def _error(self, rule: str, remedy: str = EXAMPLES, *, shown: str | None = None) -> InputError:
        return InputError(f"{rule}; got {shown or repr(self._text)}. {remedy}")


@cache
def _words() -> Mapping[str, tuple[str, str]]:
    return {row["text"]: (row["kind"], row["value"]) for row in rows("pay_words", room="money")}


@cache
def _lengths() -> tuple[int, ...]:
    return tuple(sorted({len(words) for words in _words()}, reverse=True))


def _longest_words(text: str, at: int) -> str | None:
    """The longest entry of the table that stands at a place and does not cut a word."""
    before = text[at - 1] if at else " "
    if _letter(before) and _letter(text[at]):
        return None
    for length in _lengths():
        words = text[at : at + length]
        after = text[at + length : at + length + 1] or " "
        if words not in _words() or (_letter(words[-1]) and _letter(after)):
            continue
        if before.isdigit() and _letter(words[0]) and _words()[words][0] == "range":  # 1e5 is no range
            continue
        return words
    return None


def _letter(char: str) -> bool:
    """Whether a character belongs to a script that parts words by blanks."""
    return char.isalpha() and ord(char) < 0x1100


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
    return (float(f"{_BLANK_OR_QUOTE.sub('', found[1])}.{found[3] or 0}"),) if found else ()


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
