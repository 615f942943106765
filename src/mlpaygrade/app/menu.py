"""The menu, and the page that it or the address names. Pages are imported when they are first opened."""

from importlib import import_module
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit import net_util

from mlpaygrade.app import serving
from mlpaygrade.app.idle import IDLE, session_id
from mlpaygrade.app.serving import apply_style, fenced

PAGES: Final = {
    "estimate": ":material/payments: Estimate",
    "compare": ":material/compare_arrows: Compare",
    "career": ":material/stairs: Career",
    "benchmark": ":material/table_chart: Benchmark",
    "market": ":material/query_stats: Market",
    "model": ":material/fact_check: Model",
}
"""Module and name in the address -> label, in the order of the menu; the first one opens by default."""

FIRST: Final = next(iter(PAGES))
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
    apply_style()
    st.segmented_control(
        "Pages",
        list(PAGES),
        format_func=lambda page: PAGES[page],
        key=MENU,
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    _remark_unknown_page()
    st.session_state[DRAWN] = name
    notices = st.container()
    fenced(name, lambda: import_module(f"mlpaygrade.app.{name}").page())
    with notices:
        serving.tell()


def _turn_to() -> str:
    """The page to draw: the menu's, unless the address was changed by hand and the menu was not."""
    asked = serving.asked_page()
    chosen: str | None = st.session_state.get(MENU)
    by_hand = serving.changed_by_hand() and chosen == st.session_state.get(DRAWN)
    if chosen is None or by_hand:
        st.session_state[MENU] = asked if asked in PAGES else FIRST
    return str(st.session_state[MENU])


def _remark_unknown_page() -> None:
    asked = serving.asked_page()
    if asked is not None and asked not in PAGES:
        serving.remark([f'There is no page "{asked[:40]}"; {FIRST} is shown.'])


def look_nothing_up() -> None:
    """Keep Streamlit from asking another host for the machine's own address whenever a page of a foreign origin connects.

    Such a connection is then refused without a look-up. An address of one's own goes into `server.corsAllowedOrigins`.
    """
    net_util.get_external_ip = _unknown


def _unknown() -> None:
    return None
