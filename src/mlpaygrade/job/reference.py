"""Rows of the reference tables, and the two ways in which free text is made comparable with them.

Enters: the name of a table in a folder `tables/` of the package, or text. Leaves: rows as dictionaries of strings, folded text.
Does not know what the tables mean; every cell stays a string, so that the country code NA is not taken for a missing value.
"""

import csv
import io
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from mlpaygrade.errors import InputError

MAX_TEXT: Final = 100
"""A title or a country longer than this many characters is refused."""


@cache
def rows(table: str, *, room: str = "job") -> tuple[dict[str, str], ...]:
    """The rows of `<room>/tables/<table>.csv` in this package, read once."""
    # Not importlib.resources: it costs a cold start 10 ms, and the bundle needs the package as real files anyway.
    path = Path(__file__).parents[1] / room / "tables" / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def fold(text: str) -> str:
    """`text` without case and accents: "Côte d'Ivoire" -> "cote d'ivoire". Every case of a text folds alike ("ı" as "I" does)."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).upper()).casefold()
    return "".join(char for char in letters if not unicodedata.combining(char))


def squash(text: str) -> str:
    """The letters and digits of folded `text`: "Côte d'Ivoire" -> "cotedivoire"."""
    return "".join(filter(str.isalnum, fold(text)))


def checked_text(text: str, *, what: str) -> str:
    """`text` with its blanks tidied. Raises InputError when no `what` could be read from it."""
    if len(text) > MAX_TEXT:
        raise InputError(f"A {what} has at most {MAX_TEXT} characters; got {len(text):,}. Give the {what} alone.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in text):
        raise InputError(f"A {what} holds no control characters; got {text!r}. Type it again as plain text.")
    if not any(char.isalpha() for char in squash(text)):
        raise InputError(f"A {what} has at least one letter; got {text!r}. Give a {what} in words.")
    return " ".join(text.split())
