"""The app's style sheet, for its pages and for the documents that they hand out.

Enters: `style.css` beside this module. Leaves: the sheet as text. Colours follow the reader's theme.
"""

from functools import cache
from pathlib import Path

import streamlit as st


@cache
def sheet() -> str:
    """The style sheet."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def apply_style() -> None:
    """Put the sheet on the page."""
    st.html(f"<style>{sheet()}</style>")
