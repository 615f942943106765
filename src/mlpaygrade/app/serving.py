"""The one predictor of the process, and the fence around every page.

Enters: the bundle in the package, or the folder that MLPAYGRADE_BUNDLE names. Leaves: a predictor shared by all sessions, and
pages that show a message where anything goes wrong. Holds nothing of any session.
"""

import logging
import os
from collections.abc import Callable

import streamlit as st

from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.explain.explanation import Explanation, explain
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.signature import KEY_VARIABLE

BACKGROUND = "background.json"
BUNDLE_VARIABLE = "MLPAYGRADE_BUNDLE"

_LOG = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def predictor() -> Predictor:
    """The predictor, opened once per process. Raises BundleError."""
    return Predictor.load(os.environ.get(BUNDLE_VARIABLE) or None, public_key=os.environ.get(KEY_VARIABLE) or None)


def explanation(estimate: Answer) -> Explanation | None:
    """The estimate taken apart; None where the bundle has nothing to compare with."""
    return explain(predictor(), estimate) if predictor().bundle.has(BACKGROUND) else None


def fenced(name: str, page: Callable[[], None]) -> None:
    """Draw a page and turn every error into a message: the product's own as they stand, others as an apology and a log entry."""
    try:
        page()
    except MLPayGradeError as error:
        show_error(error)
    except Exception:
        _LOG.exception("The page %s failed", name)
        st.error(
            "This page met an error that it has no words for. Reload the page to start again; if it comes back, please report it "
            "with the address of the page.",
            icon=":material/error:",
        )


def show_error(error: MLPayGradeError) -> None:
    """An error as a message, its text shown literally."""
    st.error(literal(str(error)), icon=":material/error:")


def literal(text: str) -> str:
    """Text with everything escaped that Markdown would read as markup."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>()#+-.!|$~:&" else char for char in text)
    return escaped.replace("\n", "  \n")
