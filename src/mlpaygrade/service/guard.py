"""What stands before every endpoint: keys, limits, problems, counters and one log line a request.

The log says when, what address of the service, how long, with what status. It holds no query, body, title or pay.
"""

import asyncio
import hmac
import logging
import time
import traceback
import uuid
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlpaygrade.service.allowance import ROWS, Allowance, Bucket
from mlpaygrade.service.meters import Meters
from mlpaygrade.service.problem import ProblemError, problem_of
from mlpaygrade.service.settings import BATCH, Settings

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
            _LOG.handle(
                _LOG.makeRecord(_LOG.name, logging.INFO, __name__, 0, "%r", (line,), None)
            )  # no search for the caller


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
            raise ProblemError(
                "too-slow", f"A part must arrive within {self._seconds} seconds. Send it again."
            ) from None
        self.received += len(message.get("body", b""))
        if self.received > self._limit:
            self._too_large()
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """The next part of the reply."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name for name, _ in message["headers"]}
            added = [(name, value) for name, value in SAFE_HEADERS if name not in given]
            message = {
                **message,
                "headers": [*message["headers"], *added, (b"x-request-id", self.number.encode())],
            }
        await self._send(message)

    def _too_large(self) -> None:
        raise ProblemError("too-large", f"At most {self._limit:,} bytes are taken here. Send less at a time.")


def _header(scope: Scope, name: bytes) -> bytes:
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")


def _where(error: Exception) -> str:
    """Class and place of an error, without its text, which may hold a title or a pay."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return f"{type(error).__name__} in " + " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
