"""Schemathesis over the whole of /openapi.json: asked by the schema and against it, every reply held against the schema."""

import os

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from mlpaygrade.service.guard import Settings
from mlpaygrade.service.tables import NDJSON, PARQUET
from mlpaygrade.service.web import web_app

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
"""Requests of each kind for each operation; `benchmarks/service_hostile.py` asks for more."""


@schemathesis.serializer(NDJSON, PARQUET)
def as_text(ctx: schemathesis.SerializationContext, value: object) -> bytes:
    return str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_asgi("/openapi.json", web_app(Settings(public_metrics=1)))


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_every_reply_is_as_the_schema_says(case: schemathesis.Case) -> None:
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # no schema can say what a title or a country is
