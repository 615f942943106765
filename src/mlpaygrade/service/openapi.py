"""The service described in OpenAPI 3.1, from the registry of fields and the structs of requests and replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mlpaygrade import __version__
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.service import replies
from mlpaygrade.service.asking import (
    MEDIA_TYPE,
    TITLES,
    CompareAsked,
    EstimateAsked,
    JobAsked,
    ProblemDocument,
    ScenariosAsked,
    TitlesAsked,
)
from mlpaygrade.service.meters import DriftReply
from mlpaygrade.service.tables import KINDS, InferAsked, InvocationAsked

JSON: Final = "application/json"
JOB: Final[Mapping[str, object]] = {"title": "Data Scientist", "experience": "senior", "location": "US"}
"""The example that every request shows."""

_TABLE: Final = {
    "job_title": "Data Scientist",
    "experience_level": "SE",
    "employment_type": "FT",
    "employee_residence": "US",
    "remote_ratio": "0",
    "company_location": "US",
}
_TENSORS: Final = [{"name": c, "shape": [1], "datatype": "BYTES", "data": [v]} for c, v in _TABLE.items()]
_OFFERED: Final = {**JOB, "offer_usd": 180_000, "currency": "EUR"}
_ALLOWED: Final = {**JOB, "allow": ["experience", "remote"]}
_TWO: Final = {"first": JOB, "second": {**JOB, "title": "Machine Learning Engineer"}}
_TROUBLE: Final = ("malformed", "unauthorized", "invalid-request", "too-slow", "too-large", "too-many")


@dataclass(frozen=True, slots=True)
class Operation:
    """One address and method. asked: struct of the body, or of the query of a GET. reply: struct of the reply."""

    method: str
    path: str
    summary: str
    reply: type[msgspec.Struct] | None = None
    asked: type[msgspec.Struct] | None = None
    example: Mapping[str, object] | None = None
    refusals: tuple[str, ...] = _TROUBLE


OPERATIONS: Final = (
    Operation("get", "/v1/estimate", "What a job pays", replies.Estimate, EstimateAsked, JOB),
    Operation("post", "/v1/estimate", "What a job pays", replies.Estimate, EstimateAsked, _OFFERED),
    Operation("post", "/v1/read", "How a job is understood, in codes", replies.Read, JobAsked, JOB),
    Operation("post", "/v1/explain", "Why a job pays what it does", replies.Explained, JobAsked, JOB),
    Operation("post", "/v1/scenarios", "What would change the figure", replies.Scenarios, ScenariosAsked, _ALLOWED),
    Operation("post", "/v1/compare", "Two jobs side by side", replies.Compared, CompareAsked, _TWO),
    Operation("get", "/v1/titles", "Known titles near to a text", replies.Titles, TitlesAsked, {"q": "data sci"}),
    Operation("get", "/v1/countries", "Every country that a job can be in", replies.Countries, refusals=()),
    Operation("get", "/v1/model", "The model that answers", replies.ModelReply, refusals=()),
    Operation(
        "get",
        "/v1/drift",
        "What is asked beside what the model learnt",
        DriftReply,
        refusals=("unauthorized", "too-many"),
    ),
    Operation(
        "post",
        "/v2/models/mlpaygrade/infer",
        "Open Inference Protocol v2: answer tensors",
        asked=InferAsked,
        example={"inputs": _TENSORS},
    ),
    Operation(
        "post",
        "/invocations",
        "Answer a table as MLflow's servers take it",
        asked=InvocationAsked,
        example={"dataframe_records": [_TABLE]},
    ),
)

Refs = dict[type, object]
"""What stands for a struct where it is used."""


def document() -> dict[str, object]:
    """The whole document, plain JSON."""
    structs = {one for operation in OPERATIONS for one in (operation.reply, operation.asked) if one is not None}
    ordered = sorted(structs | {ProblemDocument, replies.Rows}, key=lambda struct: struct.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    refs: Refs = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, refs, components)
    paths["/v1/batch"] = {"post": _batch(refs)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MLPayGrade",
            "version": __version__,
            "description": "What a job in machine learning and data pays, how sure that is, and why. Figures are US dollars a "
            "year as advertised, with the day of the newest advert, measured coverage and strength beside them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _described(operation: Operation, refs: Refs, components: Mapping[str, Any]) -> dict[str, object]:
    name = operation.path.strip("/").replace("/", "_")
    found: dict[str, object] = {
        "operationId": f"{operation.method}_{name}",
        "summary": operation.summary,
        "responses": {"200": _answer(operation, refs), **_refusals(operation.refusals, refs)},
    }
    if operation.asked is None:
        return found
    if operation.method == "get":
        properties = components[operation.asked.__name__]["properties"]
        found["parameters"] = [
            {"name": name, "in": "query", "schema": schema, **_example(operation.example, name)}
            for name, schema in properties.items()
        ]
        return found
    content = {"schema": refs[operation.asked], "examples": {"one": {"value": operation.example}}}
    found["requestBody"] = {"required": True, "content": {JSON: content}}
    return found


def _example(example: Mapping[str, object] | None, name: str) -> dict[str, object]:
    return {"example": example[name]} if example and name in example else {}


def _answer(operation: Operation, refs: Refs) -> dict[str, object]:
    schema: object = {"type": "object"} if operation.reply is None else refs[operation.reply]
    etag = {"description": "Package and bundle that answered.", "schema": {"type": "string"}}
    return {"description": operation.summary, "headers": {"ETag": etag}, "content": {JSON: {"schema": schema}}}


def _refusals(kinds: tuple[str, ...], refs: Refs) -> dict[str, object]:
    content = {MEDIA_TYPE: {"schema": refs[ProblemDocument]}}
    return {str(TITLES[kind][0]): {"description": TITLES[kind][1], "content": content} for kind in kinds}


def _batch(refs: Refs) -> dict[str, object]:
    columns = f"Columns {', '.join(FEATURES)}, or their aliases; others pass through."
    file = {kind: {"schema": {"description": columns, "contentMediaType": kind}} for kind in KINDS}
    return {
        "operationId": "post_v1_batch",
        "summary": "Many jobs: the same rows in the same order, with estimates beside them",
        "requestBody": {"required": True, "content": file},
        "responses": {
            "200": {"description": "The rows with the columns of the schema Rows", "content": file},
            **_refusals((*_TROUBLE, "media-type"), refs),
        },
    }
