"""Jobs that the reader keeps in this browser: name and address of each. The server keeps none.

The address of the page says all of a job: form, place, offer, currency. The browser's script (`saved.js`) keeps, lists, opens and
removes; opening one asks for its address, as every link does.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

NAME = "mlpaygrade.saved"


@cache
def _component() -> "ComponentRenderer":
    """The script with its style, registered once."""
    script, style = (Path(__file__).with_name(f"saved.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(NAME, html='<div class="saved"></div>', css=style, js=script)


def saved_jobs(*, suggested: str) -> None:
    """Draw the list, and a field to save what the page shows. suggested: a name for it."""
    with st.expander("Saved jobs on this device"):
        _component()(key="saved", data={"suggested": suggested})
