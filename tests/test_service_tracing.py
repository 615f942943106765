"""Spans go out only where a collector is named, and hold nothing of what was asked or of who asked."""

import json

import pytest
from starlette.testclient import TestClient

from mlpaygrade.errors import ResourceError
from mlpaygrade.service.guard import Settings
from mlpaygrade.service.web import by_environment, traced, web_app

pytest.importorskip("opentelemetry.sdk")
PATHS = {"/v1/estimate"}


def test_nothing_is_traced_where_no_collector_is_named() -> None:
    app = web_app(Settings())
    assert by_environment(app, PATHS, {}) is app
    assert by_environment(app, PATHS, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}) is app


def test_a_span_holds_no_job_no_pay_and_no_client() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "User-Agent": "whisperer", "X-API-Key": "whisperer"}
    job = {"title": "Secret Whisperer", "experience": "SE", "location": "US", "offer_usd": 123456}
    with TestClient(traced(web_app(Settings()), PATHS, provider)) as service:
        assert service.get("/v1/estimate", params=job, headers=headers).status_code == 200
        assert service.post("/v1/estimate", json={**job, "remote": "now and then"}, headers=headers).status_code == 422
        service.get("/secret-whisperer")
        service.get("/health/ready")
    finished = spans.get_finished_spans()
    assert [span.attributes["http.status_code"] for span in finished if span.attributes] == [200, 422]
    assert {format(span.context.trace_id, "032x") for span in finished} == {trace}
    said = " ".join(span.to_json() for span in finished).lower()
    assert json.loads(finished[0].to_json())["name"] == "GET /v1/estimate"
    assert not any(word in said for word in ("whisperer", "123456", "testclient"))


def test_a_named_collector_without_the_packages_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ResourceError, match=r"mlpaygrade\[otel\]"):
        by_environment(web_app(Settings()), PATHS, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"})
