"""A span for each request, for those who collect them by OpenTelemetry: only where its environment variables name a collector.

A span holds the address of the service, method, status and time. It never holds a query, a body or headers, nor who asked: the
instrumentation is given none of them.
"""

import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from mlpaygrade import __version__
from mlpaygrade.errors import ResourceError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

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
