"""Rows of the package's tables, text made comparable with them, and a memory for typed texts that lasts for one call.

Every cell of a table stays a string, so that the country code NA is not taken for a missing value. `@remembered` keeps
results while a `remembering()` is open in the same thread, and nothing otherwise: nothing of an upload stays in the process.
Tables, which hold no user's text, are kept by `functools.cache` where they are read.
"""

import csv
import functools
import io
import unicodedata
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from mlpaygrade.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

MAX_TEXT: Final = 100
"""A title or a country longer than this many characters is refused."""


@cache
def rows(table: str, *, room: str = "job") -> tuple[dict[str, str], ...]:
    """The rows of `<room>/tables/<table>.csv` in this package, read once."""
    # Not importlib.resources: it costs a cold start 10 ms, and the bundle needs the package as real files anyway.
    path = Path(__file__).parents[1] / room / "tables" / f"{table}.csv"
    header, *lines = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
    return tuple(dict(zip(header, line, strict=True)) for line in lines)  # a third of the time that DictReader takes


def records(table: str, kind: type[R], *, room: str = "job") -> tuple[R, ...]:
    """The rows of a table as dataclasses, whose types say how cells are read; an empty cell is left to its default."""
    import msgspec

    given = [{name: cell for name, cell in row.items() if cell} for row in rows(table, room=room)]
    return msgspec.convert(given, tuple[kind, ...], strict=False)  # type: ignore[valid-type]


def fold(text: str) -> str:
    """`text` without case and accents: "Côte d'Ivoire" -> "cote d'ivoire". Every case of a text folds alike ("ı" as "I" does)."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).upper()).casefold()
    return "".join(char for char in letters if not unicodedata.combining(char))


def squash(text: str) -> str:
    """The letters and digits of folded `text`: "Côte d'Ivoire" -> "cotedivoire"."""
    return "".join(filter(str.isalnum, fold(text)))


def longest_phrases(words: Sequence[str], known: Container[str]) -> Iterator[str]:
    """The words from left to right as the longest known phrases, of three words at most; other words stand by themselves."""
    start = 0
    while start < len(words):
        ends = range(min(start + 3, len(words)), start + 1, -1)
        end = next((end for end in ends if " ".join(words[start:end]) in known), start + 1)
        yield " ".join(words[start:end])
        start = end


def checked_text(text: str, *, what: str) -> str:
    """`text` with its blanks tidied. Raises InputError when no `what` could be read from it."""
    if len(text) > MAX_TEXT:
        raise InputError(f"A {what} has at most {MAX_TEXT} characters; got {len(text):,}. Give the {what} alone.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in text):
        raise InputError(f"A {what} holds no control characters; got {text!r}. Type it again as plain text.")
    if not any(char.isalpha() for char in squash(text)):
        raise InputError(f"A {what} has at least one letter; got {text!r}. Give a {what} in words.")
    return " ".join(text.split())


_KEPT: Final[ContextVar[dict[Hashable, Any] | None]] = ContextVar("kept", default=None)
_NOTHING: Final = object()


@contextmanager
def remembering() -> Iterator[None]:
    """While it is open, functions that are `remembered` work each argument out once; an inner one shares the outer's memory."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """A function of hashable arguments whose results are kept as long as a `remembering` is open."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        kept = _KEPT.get()
        if kept is None:
            return function(*args, **kwargs)
        key = (function, args, tuple(kwargs.items())) if kwargs else (function, args)
        found = kept.get(key, _NOTHING)
        if found is _NOTHING:
            found = kept[key] = function(*args, **kwargs)
        return cast(R, found)

    return call


def with_memory(function: Callable[P, R]) -> Callable[P, R]:
    """A function during which `remembering` is open."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with remembering():
            return function(*args, **kwargs)

    return call
