"""Tools for assistants: the predictor's figures, typed, each with range, strength, date and source."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("mcp")
from mcp import Client

from mlpaygrade import Predictor, __version__
from mlpaygrade.explain.explanation import explain
from mlpaygrade.service.assistants import assistant_server

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))["answers"]
JOB = {"title": "Data Scientist", "experience": "senior", "location": "US"}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def apart(talk: Callable[[], Any]) -> Any:
    """Run a conversation in a thread of its own: where a browser test ran before, the main thread keeps an event loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, talk).result()


def called(predictor: Predictor, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The results of tools, through the protocol, in one conversation."""

    async def talk() -> list[Any]:
        async with Client(assistant_server(predictor)) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    found: list[Any] = apart(talk)
    return found


def test_tools_only_read_and_say_what_they_give(predictor: Predictor) -> None:
    async def listed() -> Any:
        async with Client(assistant_server(predictor)) as client:
            return (await client.list_tools()).tools

    tools = apart(listed)
    assert {tool.name for tool in tools} == {"estimate", "explain", "compare", "titles", "model"}
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert tool.output_schema
        assert tool.description


def test_the_other_tools_say_what_the_predictor_says(predictor: Predictor) -> None:
    other = {**JOB, "title": "Machine Learning Engineer"}
    why, difference, titles, model = called(
        predictor,
        ("explain", {"job": JOB}),
        ("compare", {"first": JOB, "second": other}),
        ("titles", {"text": "machine l"}),
        ("model", {}),
    )
    document = explain(predictor, predictor.read_job(**JOB)).to_json()
    parts = sorted(part["usd"] for part in why.structured_content["parts"])
    assert parts == sorted(document["contributions_usd"].values())
    one, two = (difference.structured_content[name]["estimate_usd"] for name in ("first", "second"))
    assert abs(difference.structured_content["difference_usd"] - (two - one)) <= 1
    assert titles.structured_content["titles"][0] == "Machine Learning Engineer"
    assert model.structured_content["version"] == predictor.model["version"]


def test_a_wrong_job_is_an_error_in_the_products_words(predictor: Predictor) -> None:
    (wrong, refused) = called(
        predictor,
        ("estimate", {"job": {**JOB, "experience": "senor"}}),
        ("explain", {"job": {**JOB, "title": "Nurse"}}),
    )
    assert wrong.is_error
    assert "experience level must be one of" in wrong.content[0].text
    assert "not enough data" in refused.content[0].text


def test_the_registry_entry_names_this_version() -> None:
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert entry["version"] == __version__
    (package,) = entry["packages"]
    assert package["identifier"] == "mlpaygrade"
    assert package["version"] == __version__
    assert package["transport"] == {"type": "stdio"}
