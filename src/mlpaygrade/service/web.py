"""The HTTP application: addresses, the model that is watched, and the guard before them all."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mlpaygrade.service import openapi
from mlpaygrade.service.asking import ProblemError
from mlpaygrade.service.batch import batch
from mlpaygrade.service.endpoints import JSON, Endpoints
from mlpaygrade.service.guard import BATCH, Guard, Settings, read_settings
from mlpaygrade.service.inference import Inference
from mlpaygrade.service.meters import Meters
from mlpaygrade.service.model_slot import ModelSlot
from mlpaygrade.service.tracing import by_environment


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
