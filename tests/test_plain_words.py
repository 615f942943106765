"""Nobody needs statistics to read a page: words of the trade stand only under "Method"."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpaygrade import Predictor
from mlpaygrade.cli.predict import estimate_text
from mlpaygrade.errors import InputError

MAIN = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "app" / "main.py"
METHOD = ("Method", "How the model")
TRADE = re.compile(
    r"\b(intervals?|percentiles?|quantiles?|quartiles?|median|standard deviations?|variance|log|coverage|conformal|shapley|"
    r"jackknife|shrunken|calibrat\w+|PIT|RMSE|MAE|R2|bootstrap|residuals?|posterior|regression|geometric mean|p-value)\b",
    re.IGNORECASE,
)
"""Words that may stand only under Method."""


def texts(node: Any) -> Iterator[str]:
    """Every text of a block that does not stand under Method."""
    label = getattr(node, "label", "") or ""
    if node.type == "expander" and label.startswith(METHOD):
        return
    yield str(label)
    value = getattr(node, "value", None)
    yield value if isinstance(value, str) else ""
    if node.type == "html":
        yield re.sub(r"<style>.*?</style>|<[^>]*>", " ", str(node.proto.body), flags=re.DOTALL)
    for child in getattr(node, "children", {}).values():
        yield from texts(child)


@pytest.mark.parametrize(
    "parameters",
    [
        {"page": "estimate", "offer": "150000", "place": "San Francisco"},
        {"page": "estimate", "country": "DE", "title": "Junior Data Scientist", "offer": "72.000", "currency": "EUR"},
        {"page": "estimate", "title": "Staff Nurse"},
        {"page": "compare"},
        {"page": "career", "country": "DE", "allow": "title,location,residence"},
    ],
)
def test_pages_of_people_who_ask_use_plain_words(parameters: dict[str, str]) -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    said = unescape(" ".join(texts(app.main)))
    assert len(said) > 500
    assert not TRADE.findall(said)


def test_the_terminal_keeps_them_under_method() -> None:
    predictor = Predictor.load()
    answer = predictor.answer(predictor.read_job(title="Data Scientist", experience="SE", location="US"))
    before, method = estimate_text(answer, offer_usd=150_000).split("  Method\n")
    assert not TRADE.findall(before)
    assert TRADE.findall(method)


def test_errors_do_not_use_them() -> None:
    with pytest.raises(InputError) as raised:
        Predictor.load().read_job(title="Data Scientist", experience="Guru", location="US")
    assert not TRADE.findall(str(raised.value))
