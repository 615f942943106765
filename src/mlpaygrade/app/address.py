"""The address in the browser as the state of the app: what it asks for, what it is made to say, and when it was changed by hand.

Enters: the address's parameters. Leaves: the parameters of one page, and an address that shows the present state. Knows no page's
fields.

Every page lives at the root with its name as a parameter: Streamlit's own page paths make the browser probe addresses that do not
exist whenever such a path is opened directly.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import streamlit as st

from mlpaygrade.app.serving import literal

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
