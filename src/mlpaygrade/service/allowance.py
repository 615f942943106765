"""What one key may ask for in a minute: requests, and rows of files and tables; buckets that fill up again evenly.

A request is let in while its key has one left and owes no rows. The rows of its file are taken as they are answered, so a file
may go into debt, which the key's next requests wait for. Each process keeps its own account.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

MINUTE: Final = 60.0
ROWS: Final = "mlpaygrade.rows"
"""Where a request's scope holds the bucket of rows of its key."""


@dataclass(slots=True)
class Bucket:
    """So many a minute, at most a minute's worth at once; 0: no limit. left: may be below nothing."""

    a_minute: int
    clock: Callable[[], float] = time.monotonic
    left: float = field(init=False)
    filled: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = float(self.a_minute)
        self.filled = self.clock()

    def wait(self, least: float) -> int:
        """Whole seconds until `least` are left; 0 where they are."""
        if not self.a_minute:
            return 0
        now = self.clock()
        rate = self.a_minute / MINUTE
        self.left = min(self.a_minute, self.left + (now - self.filled) * rate)
        self.filled = now
        return max(0, math.ceil((least - self.left) / rate))

    def take(self, number: int) -> None:
        """Take what was asked for."""
        self.left -= number


@dataclass(slots=True)
class Allowance:
    """The two buckets of one key."""

    requests: Bucket
    rows: Bucket

    def admit(self) -> int:
        """Let one request in (0), or say after how many seconds it may come again."""
        wait = max(self.requests.wait(1), self.rows.wait(0))
        if not wait:
            self.requests.take(1)
        return wait


def charge(scope: Mapping[str, object], rows: int) -> None:
    """Take the rows of a table from what the request's key may ask for; without keys nothing is taken."""
    bucket = scope.get(ROWS)
    if isinstance(bucket, Bucket):
        bucket.take(rows)
