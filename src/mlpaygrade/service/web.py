"""The HTTP application, run by `serve`: addresses, the model that is watched, the guard before them all, spans.

There is a span for each request where the environment variables of OpenTelemetry name a collector. It holds the address of the
service, method, status and time; never a query, a body or headers, nor who asked: the instrumentation is given none of them.
"""

import asyncio
import logging
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mlpaygrade import __version__
from mlpaygrade.errors import ResourceError
from mlpaygrade.service import openapi
from mlpaygrade.service.asking import ProblemError
from mlpaygrade.service.endpoints import JSON, Endpoints
from mlpaygrade.service.guard import BATCH, Guard, Settings, read_settings
from mlpaygrade.service.meters import SHARED_FOLDER, Meters
from mlpaygrade.service.model_slot import ModelSlot
from mlpaygrade.service.tables import Inference, batch

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

DRAIN_SECONDS: Final = 30
"""Requests that are being answered have this long to end once the service is told to stop."""
BACKLOG: Final = 2_048


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT). Raises BundleError and InputError before anything listens."""
    import uvicorn

    settings = read_settings()
    ModelSlot(settings.bundle_path, public_key=settings.public_key)  # so that what cannot serve says so once, here
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-meters-") as folder:
        if workers > 1:
            os.environ.setdefault(SHARED_FOLDER, folder)
        uvicorn.run(
            "mlpaygrade.service.web:process_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )


def web_app(settings: Settings | None = None) -> ASGIApp:
    """The application of a process, with its model loaded. Raises BundleError, and InputError for a wrong setting."""
    settings = settings or read_settings()
    slot = ModelSlot(settings.bundle_path, public_key=settings.public_key)
    meters = Meters()
    endpoints = Endpoints(slot, meters, settings)
    router = Router(
        _routes(endpoints),
        redirect_slashes=False,
        default=_nothing_there,
        lifespan=partial(_watching, slot=slot, meters=meters, seconds=settings.watch_seconds),
    )
    return Guard(router, settings, meters)


def process_app() -> ASGIApp:
    """`web_app` by the environment, with its log on stderr and its spans: what a server of applications calls in each process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return by_environment(web_app(), {BATCH, *(operation.path for operation in openapi.OPERATIONS)})


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; a request's own fields stand beside the others."""
        line: dict[str, object] = {"at": self.formatTime(record), "level": record.levelname, "from": record.name}
        said = record.args if isinstance(record.args, dict) else {"said": record.getMessage()}
        return msgspec.json.encode({**line, **said}).decode()


def _routes(endpoints: Endpoints) -> list[Route]:
    inference = Inference(endpoints)

    async def batch_endpoint(request: Request) -> Response:
        return await batch(endpoints, request)

    described = msgspec.json.encode(openapi.document())

    async def openapi_endpoint(_: Request) -> Response:
        return Response(described, media_type=JSON)

    model = "/v2/models/mlpaygrade"
    return [
        Route("/v1/estimate", endpoints.estimate, methods=["GET", "POST"]),
        Route("/v1/read", endpoints.read, methods=["POST"]),
        Route("/v1/explain", endpoints.explain, methods=["POST"]),
        Route("/v1/scenarios", endpoints.scenarios, methods=["POST"]),
        Route("/v1/compare", endpoints.compare, methods=["POST"]),
        Route(BATCH, batch_endpoint, methods=["POST"]),
        Route("/v1/titles", endpoints.titles),
        Route("/v1/countries", endpoints.countries),
        Route("/v1/model", endpoints.model),
        Route("/v1/drift", endpoints.drift),
        Route("/openapi.json", openapi_endpoint),
        Route("/health/live", endpoints.live),
        Route("/health/ready", endpoints.ready),
        Route("/metrics", endpoints.metrics),
        Route("/v2", inference.server_metadata),
        Route("/v2/health/live", endpoints.live),
        Route("/v2/health/ready", endpoints.ready),
        Route(model, inference.model_metadata),
        Route(f"{model}/ready", endpoints.ready),
        Route(f"{model}/infer", inference.infer, methods=["POST"]),
        Route("/ping", endpoints.live),
        Route("/invocations", inference.invocations, methods=["POST"]),
    ]


async def _nothing_there(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ProblemError("not-found", "The addresses are listed at /openapi.json.")


@asynccontextmanager
async def _watching(_: Router, *, slot: ModelSlot, meters: Meters, seconds: int) -> AsyncIterator[None]:
    """Take up a new bundle while the application runs: soon after it lies in the folder, or at once on SIGHUP."""
    called = asyncio.Event()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # no signals outside the main thread
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, called.set)
    watch = asyncio.create_task(_watch(slot, meters, called, seconds))
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _watch(slot: ModelSlot, meters: Meters, called: asyncio.Event, seconds: int) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await called.wait()
        called.clear()
        outcome = await asyncio.to_thread(slot.refresh)
        if outcome != "same":
            meters.bundles.labels(outcome).inc()


ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAME: Final = "OTEL_SERVICE_NAME"
_WHOLE: Final = "mlpaygrade.scope"
_CONTEXT: Final = frozenset({b"traceparent", b"tracestate"})


def by_environment(app: ASGIApp, paths: Collection[str], environment: Mapping[str, str] | None = None) -> ASGIApp:
    """The application with spans sent to the collector that the environment names; itself where it names none.

    Raises ResourceError where one is named and the packages are not there.
    """
    given = os.environ if environment is None else environment
    if not any(given.get(name) for name in ENDPOINTS) or given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return app
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ResourceError(
            f"{' or '.join(ENDPOINTS)} is set, which needs packages that are not there. "
            "Run: pip install 'mlpaygrade[otel]', or unset it."
        ) from None
    named = {} if given.get(NAME) else {"service.name": "mlpaygrade"}
    provider = TracerProvider(resource=Resource.create({**named, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return traced(app, paths, provider)


def traced(app: ASGIApp, paths: Collection[str], provider: "TracerProvider") -> ASGIApp:
    """The application with a span for each request to one of the paths, all of which are its own words."""
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.metrics import NoOpMeterProvider

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope[_WHOLE], receive, send)

    spans = OpenTelemetryMiddleware(
        whole, tracer_provider=provider, meter_provider=NoOpMeterProvider(), exclude_spans=["receive", "send"]
    )

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in paths:
            await app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name in _CONTEXT]
        await spans({**scope, "query_string": b"", "client": None, "headers": headers, _WHOLE: scope}, receive, send)

    return call
