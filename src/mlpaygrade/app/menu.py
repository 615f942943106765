"""The menu, and the page that it or the address names.

Enters: the address in the browser. Leaves: that page. Pages are imported when they are first opened, so that the first of them
comes up fast.
"""

from importlib import import_module
from pathlib import Path
from typing import Final

import streamlit as st

from mlpaygrade.app import address
from mlpaygrade.app.idle import IDLE, session_id
from mlpaygrade.app.serving import fenced
from mlpaygrade.app.style import apply_style

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
        address.tell()


def _turn_to() -> str:
    """The page to draw: the menu's, unless the address was changed by hand and the menu was not."""
    asked = address.asked_page()
    chosen: str | None = st.session_state.get(MENU)
    by_hand = address.changed_by_hand() and chosen == st.session_state.get(DRAWN)
    if chosen is None or by_hand:
        st.session_state[MENU] = asked if asked in PAGES else FIRST
    return str(st.session_state[MENU])


def _remark_unknown_page() -> None:
    asked = address.asked_page()
    if asked is not None and asked not in PAGES:
        address.remark([f'There is no page "{asked[:40]}"; {FIRST} is shown.'])
