"""What stands before every endpoint: settings, keys, allowances, limits, counters, one log line a request.

Settings are environment variables: `MLPAYGRADE_` and the setting's name in capitals. A request is let in while its key has
one left and owes no rows. The rows of its file are taken as they are answered, so a file may go into debt, which the key's
next requests wait for; each process keeps its own account. The log says when, what address of the service, how long, with
what status. It holds no query, body, title or pay.
"""

import asyncio
import hmac
import logging
import math
import os
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlpaygrade.errors import InputError
from mlpaygrade.service.asking import ProblemError, problem_of
from mlpaygrade.service.meters import Meters

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


PREFIX: Final = "MLPAYGRADE_"
BATCH: Final = "/v1/batch"
"""The address whose requests are files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and choices of one service.

    bundle: folder of the bundle; "" for the one in the package. public_key: file of the key that it must be signed with; "" where
    none is asked for. api_keys: separated by commas; "" where none is asked for.
    body_bytes: of one request; batch_bytes, batch_rows: of one file. receive_seconds: to receive a request. concurrency: requests
    worked on at once by one process; more are told to come back. heavy: those among them that run beside the event loop.
    key_requests, key_rows: that one key may ask for in a minute, in each process; 0 is no limit.
    watch_seconds: how often the bundle's folder is looked at. public_metrics: 1 shows counters to other machines without
    a key.
    """

    bundle: str = ""
    public_key: str = ""
    api_keys: str = ""
    body_bytes: int = 256 * 1024
    batch_bytes: int = 64 * 1024 * 1024
    batch_rows: int = 1_000_000
    receive_seconds: int = 30
    concurrency: int = 256
    heavy: int = 4
    key_requests: int = 0
    key_rows: int = 0
    watch_seconds: int = 2
    public_metrics: int = 0

    @property
    def bundle_path(self) -> Path | None:
        """Folder of the bundle; None for the one in the package."""
        return Path(self.bundle) if self.bundle else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that open the service; none where it is open to all."""
        return tuple(key.strip() for key in self.api_keys.split(",") if key.strip())


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from environment variables (default: the process's). Raises InputError for a limit that is no whole number."""
    given = os.environ if environment is None else environment
    values: dict[str, str | int] = {}
    for setting in fields(Settings):
        text = given.get(f"{PREFIX}{setting.name.upper()}", "").strip()
        if not text:
            continue
        if setting.type is str:
            values[setting.name] = text
        elif text.isascii() and text.isdigit() and int(text) > 0:
            values[setting.name] = int(text)
        else:
            raise InputError(
                f"{PREFIX}{setting.name.upper()} must be a whole number above 0; got {text!r}. Correct it or leave it out."
            )
    return Settings(**values)  # type: ignore[arg-type]


_LOG = logging.getLogger("mlpaygrade.requests")
_TROUBLE = logging.getLogger(__name__)

OPEN: Final = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
"""Answered without a key and at any load."""


COUNTED: Final = frozenset({"/metrics", "/v1/drift"})
"""What has been asked, in counters; not for everyone."""
NEAR: Final = ("127.0.0.1", "::1", "::ffff:127.0.0.1")

SAFE_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-cache"))


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, settings: Settings, meters: Meters) -> None:
        self._app = app
        self._settings = settings
        self._meters = meters
        self._keys = {
            key.encode(): Allowance(Bucket(settings.key_requests), Bucket(settings.key_rows)) for key in settings.keys
        }
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings)
        scope["app"] = self  # so that Starlette raises what it would otherwise answer itself
        self._running += 1
        self._meters.running.inc()
        try:
            self._admit(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = 499
        except Exception as error:
            await self._tell(error, scope, exchange)
        finally:
            self._running -= 1
            self._meters.running.dec()
            self._count(scope, exchange)

    def _admit(self, scope: Scope) -> None:
        """Raises ProblemError where a request is not let in."""
        if scope["path"] in OPEN:
            return
        if self._keys:
            self._admit_key(scope)
        if scope["path"] in COUNTED and not (self._keys or self._settings.public_metrics or _is_near(scope)):
            raise ProblemError(
                "unauthorized",
                "Counters are for this machine, or for a key: set MLPAYGRADE_API_KEYS or MLPAYGRADE_PUBLIC_METRICS=1.",
            )
        if self._running > self._settings.concurrency:
            raise ProblemError("busy", "Ask again in a second.", headers={"Retry-After": "1"})

    def _admit_key(self, scope: Scope) -> None:
        given = _header(scope, b"x-api-key") or _header(scope, b"authorization").removeprefix(b"Bearer ")
        allowance = next((one for key, one in self._keys.items() if hmac.compare_digest(given, key)), None)
        if allowance is None:
            headers = {"WWW-Authenticate": "Bearer"}
            raise ProblemError("unauthorized", "Give a key: Authorization: Bearer KEY.", headers=headers)
        if wait := allowance.admit():
            raise ProblemError("too-many", f"Ask again in {wait} seconds.", headers={"Retry-After": str(wait)})
        scope[ROWS] = allowance.rows

    async def _tell(self, error: Exception, scope: Scope, exchange: "_Exchange") -> None:
        problem = problem_of(error)
        if problem.kind == "unexpected":
            _TROUBLE.error("Request %s failed: %s", exchange.number, _where(error))
        if exchange.status == 0:
            await problem.response()(scope, exchange.receive, exchange.send)
        else:  # a reply that has begun can only be cut off
            exchange.status = 500
            raise ConnectionAbortedError("The reply was cut off.") from None

    def _count(self, scope: Scope, exchange: "_Exchange") -> None:
        endpoint = getattr(scope.get("endpoint"), "__name__", "none")
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
        seconds = time.perf_counter() - exchange.started
        self._meters.requests.labels(endpoint, method, exchange.status).inc()
        self._meters.seconds.labels(endpoint).observe(seconds)
        if _LOG.isEnabledFor(logging.INFO):
            line = {
                "request": exchange.number,
                "endpoint": endpoint,
                "method": method,
                "status": exchange.status,
                "ms": round(1000 * seconds, 2),
                "bytes_in": exchange.received,
            }
            # made by hand, which searches for no caller
            _LOG.handle(_LOG.makeRecord(_LOG.name, logging.INFO, __name__, 0, "%r", (line,), None))


def _is_near(scope: Scope) -> bool:
    """Whether a request comes from this machine; a proxy on it passes for near, so it must not publish the counters."""
    client = scope.get("client")
    return client is None or client[0] in NEAR


class _Exchange:
    """One request and its reply as they pass, with limits on what arrives."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self.number = uuid.uuid4().hex[:16]
        self.started = time.perf_counter()
        self.status = 0
        self.received = 0
        self._receive, self._send = receive, send
        self._limit = settings.batch_bytes if scope["path"] == BATCH else settings.body_bytes
        self._seconds = settings.receive_seconds
        self._complete = False
        self._declared = _header(scope, b"content-length")

    async def receive(self) -> Message:
        """The next part of the request. Raises ProblemError where it is too large or too slow."""
        if self._complete:
            return await self._receive()
        if self._declared.isdigit() and int(self._declared) > self._limit:
            self._too_large()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            said = f"A part must arrive within {self._seconds} seconds. Send it again."
            raise ProblemError("too-slow", said) from None
        self.received += len(message.get("body", b""))
        if self.received > self._limit:
            self._too_large()
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """The next part of the reply."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            given = {name for name, _ in headers}
            added = [(name, value) for name, value in SAFE_HEADERS if name not in given]
            message = {**message, "headers": [*headers, *added, (b"x-request-id", self.number.encode())]}
        await self._send(message)

    def _too_large(self) -> None:
        raise ProblemError("too-large", f"At most {self._limit:,} bytes are taken here. Send less at a time.")


def _header(scope: Scope, name: bytes) -> bytes:
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")


def _where(error: Exception) -> str:
    """Class and place of an error, without its text, which may hold a title or a pay."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return f"{type(error).__name__} in " + " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
