"""A memory for texts that people type, which lasts for one call: nothing of an upload stays in the process afterwards.

`@remembered` keeps results while a `remembering()` is open in the same thread, and nothing otherwise. Tables of the package,
which hold no user's text, are kept by `functools.cache` where they are read.
"""

import functools
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

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
