"""What every page shares: the one predictor of the process, the fence against errors, the address as state, the style sheet.

Nothing of a session is kept here. The address holds what a page asks for and what it was made to say; no page's fields are
known. Every page lives at the root with its name as a parameter: Streamlit's own page paths make the browser probe addresses
that do not exist whenever such a path is opened directly.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.explain.explanation import Explanation, explain
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.bundle import KEY_VARIABLE
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.rendering.palette import DARK, LIGHT, Palette, css_by_scheme

BACKGROUND = "background.json"
BUNDLE_VARIABLE = "MLPAYGRADE_BUNDLE"

KINDS: Final = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Files that pages hand out, by the ending of their names."""

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


def download(
    label: str,
    content: bytes | Callable[[], bytes],
    file: str,
    *,
    place: DeltaGenerator | None = None,
    wide: bool = False,
) -> None:
    """A button that hands out a file, whose kind its name says; what it holds is made when it is asked for."""
    (place or st).download_button(
        label,
        content,
        f"mlpaygrade-{file}",
        KINDS[Path(file).suffix],
        key=f"download.{file}",
        icon=":material/download:",
        width="stretch" if wide else "content",
        on_click="ignore",
    )


def literal(text: str) -> str:
    """Text with everything escaped that Markdown would read as markup."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>()#+-.!|$~:&" else char for char in text)
    return escaped.replace("\n", "  \n")


PAGE: Final = "page"
_KEPT: Final = "address.kept"
_PROBLEMS: Final = "address.problems"


def asked_page() -> str | None:
    """The page that the address names."""
    return st.query_params.get(PAGE)


def parameters(page: str, *, first: bool = False) -> dict[str, str]:
    """What the address says to a page; nothing where it speaks of another one. first: the page that opens where none is named."""
    given = st.query_params.to_dict()
    named = given.pop(PAGE, None)
    return given if named == page or (named is None and first) else {}


def changed_by_hand() -> bool:
    """Whether the address is another than the app last wrote: the reader went back, forward, or edited it.

    A run that a widget starts before the browser has shown the last address looks the same; a caller therefore also checks that
    no widget was changed.
    """
    kept = st.session_state.get(_KEPT)
    return kept is not None and st.query_params.to_dict() != kept


def keep(page: str, given: Mapping[str, str]) -> None:
    """Make the address say the present state."""
    wanted = {PAGE: page, **given}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
    if st.session_state.get(_KEPT, wanted) != wanted:
        st.session_state.pop(_PROBLEMS, None)
    st.session_state[_KEPT] = wanted


def remark(problems: Iterable[str]) -> None:
    """Note what in the address could not be used; `tell` shows it until the reader changes something."""
    told: list[str] = st.session_state.setdefault(_PROBLEMS, [])
    told += [problem for problem in problems if problem not in told]


def tell() -> None:
    """Show what was noted. A run that nobody asked for, as browsers start them, must not wipe it away."""
    for problem in st.session_state.get(_PROBLEMS, ()):
        st.warning(literal(problem), icon=":material/link_off:")


def palette() -> Palette:
    """The colours of charts in the reader's theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


@cache
def sheet() -> str:
    """The style sheet."""
    return css_by_scheme() + Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def apply_style() -> None:
    """Put the sheet on the page."""
    st.html(f"<style>{sheet()}</style>")
