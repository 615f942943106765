"""Requests that arrive together are worked on together: a job then costs less than half of what it costs alone (decision 0016).

What is asked within one turn of the event loop becomes one call. Nothing waits for more to come, so a lone request loses nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST: Final = 64
"""So many items are worked on in one call, lest the first waits long for the last."""


class Together(Generic[Item, Result]):
    """Collects items and has them worked on. Belongs to one event loop."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """work: n items in, n results out, in the same order; an item's result does not depend on the others."""
        self._work = work
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []

    async def __call__(self, item: Item) -> Result:
        """The result of one item. Raises what work raises for it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        return await future

    def _flush(self) -> None:
        now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        try:
            results = self._work([item for item, _ in now])
        except Exception as error:
            if len(now) == 1:
                _fail(now[0][1], error)
            else:
                for one in now:
                    self._alone(one)
            return
        for (_, future), result in zip(now, results, strict=True):
            if not future.done():
                future.set_result(result)

    def _alone(self, one: tuple[Item, "asyncio.Future[Result]"]) -> None:
        """Work on one item, so that what is wrong with it is the trouble of no other."""
        item, future = one
        try:
            result = self._work([item])[0]
        except Exception as error:
            _fail(future, error)
        else:
            if not future.done():
                future.set_result(result)


def _fail(future: "asyncio.Future[Result]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
