"""What surrounds every page: menu, address, the one predictor, the fence against errors, the style sheet, the end of an upload.

The menu or the address names a page, which is imported when it is first opened. The address holds what a page asks for and
what it was made to say; no page's fields are known here. Every page lives at the root with its name as a parameter:
Streamlit's own page paths make the browser probe addresses that do not exist whenever such a path is opened directly.

An upload is forgotten after 15 minutes without use, though its page stays open: one timer of the process wakes when the
oldest is due. Forgetting empties a session on the server: its state, files, tables and downloads. What the browser shows
stays there.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit import net_util
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

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


def follows_address(key: str, drawn: str) -> bool:
    """Whether a widget takes its value from the address: at first, and where that was changed by hand and the widget was not.

    key: the widget's. drawn: where its value is kept as it was last drawn.
    """
    return key not in st.session_state or (changed_by_hand() and st.session_state[key] == st.session_state.get(drawn))


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


LIMIT_SECONDS: Final = 15 * 60


class Idle:
    """The sessions that hold an upload. Safe to call from any thread."""

    def __init__(self, forget: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """forget: empties the session of an id. clock: seconds."""
        self._forget, self._clock = forget, clock
        self._used: dict[str, float] = {}
        self._forgotten: set[str] = set()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def hold(self, session: str) -> None:
        """A session holds an upload, and is used now."""
        with self._lock:
            self._used[session] = self._clock()
            self._forgotten.discard(session)
            self._wake_later()

    def use(self, session: str) -> None:
        """A session is used now, whatever page it shows; others that are due are forgotten."""
        with self._lock:
            if session in self._used:
                self._used[session] = self._clock()
        self.sweep()

    def sweep(self) -> None:
        """Forget what was held for too long without use."""
        with self._lock:
            due = [session for session, used in self._used.items() if self._clock() - used >= LIMIT_SECONDS]
            for session in due:
                del self._used[session]
                self._forgotten.add(session)
            self._wake_later()
        for session in due:
            self._forget(session)

    def was_forgotten(self, session: str) -> bool:
        """Whether a session's upload was forgotten; said once."""
        with self._lock:
            said = session in self._forgotten
            self._forgotten.discard(session)
            return said

    def _wake_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._used:
            due = min(self._used.values()) + LIMIT_SECONDS - self._clock()
            self._timer = threading.Timer(max(due, 1.0), self.sweep)
            self._timer.daemon = True
            self._timer.start()


def forget_session(session_id: str) -> None:
    """Empty a session of everything that came from an upload."""
    if not exists():
        return
    runtime = get_instance()
    runtime.uploaded_file_mgr.remove_session_files(session_id)
    runtime.media_file_mgr.clear_session_refs(session_id)
    runtime.media_file_mgr.remove_orphaned_files()
    runtime.dataframe_source_mgr.clear_all_for_session(session_id)
    session = runtime.get_app_session(session_id)
    if session is not None:
        session.session_state.clear()
        session._client_state.Clear()
        session._fragment_storage.clear()
        session.clear_session_caches()


IDLE: Final = Idle(forget_session)
"""The sessions of this process."""


def session_id() -> str:
    """The session whose page is being drawn; "" where there is none."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id


PAGES: Final = {
    "estimate": ":material/payments: Estimate",
    "compare": ":material/compare_arrows: Compare",
    "career": ":material/stairs: Career",
    "benchmark": ":material/table_chart: Benchmark",
    "market": ":material/query_stats: Market",
    "model": ":material/fact_check: Model",
}
"""Module and name in the address -> label, in the order of the menu; the first one opens by default."""

FIRST_PAGE: Final = next(iter(PAGES))
MENU: Final = "menu"
DRAWN: Final = "menu.drawn"


def main() -> None:
    """Draw the menu and the page that it or the address names."""
    IDLE.use(session_id())
    name = _turn_to()
    st.set_page_config(
        page_title=f"{PAGES[name].split()[-1]} - MLPayGrade",
        page_icon=str(Path(__file__).with_name("icon.svg")),
        layout="wide",
    )
    st.html(f"<style>{sheet()}</style>")
    st.segmented_control(
        "Pages",
        list(PAGES),
        format_func=lambda page: PAGES[page],
        key=MENU,
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    asked = st.query_params.get(PAGE)
    if asked is not None and asked not in PAGES:
        remark([f'There is no page "{asked[:40]}"; {FIRST_PAGE} is shown.'])
    st.session_state[DRAWN] = name
    notices = st.container()
    fenced(name, lambda: import_module(f"mlpaygrade.app.{name}").page())
    with notices:
        tell()


def _turn_to() -> str:
    """The page to draw: the menu's, unless the address was changed by hand and the menu was not."""
    if follows_address(MENU, DRAWN):
        asked = st.query_params.get(PAGE)
        st.session_state[MENU] = asked if asked in PAGES else FIRST_PAGE
    return str(st.session_state[MENU])


def look_nothing_up() -> None:
    """Keep Streamlit from asking another host for the machine's own address whenever a page of a foreign origin connects.

    Such a connection is then refused without a look-up. An address of one's own goes into `server.corsAllowedOrigins`.
    """
    net_util.get_external_ip = lambda: None
