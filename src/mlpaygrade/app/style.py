"""The app's style sheet, for its pages and for the documents that they hand out; its colours are those of the palette."""

from functools import cache
from pathlib import Path

import streamlit as st

from mlpaygrade.rendering.palette import css_by_scheme


@cache
def sheet() -> str:
    """The style sheet."""
    return css_by_scheme() + Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def apply_style() -> None:
    """Put the sheet on the page."""
    st.html(f"<style>{sheet()}</style>")
