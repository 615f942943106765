"""The app's entry point: `streamlit run src/mlpaygrade/app/main.py`.

Enters: the address in the browser. Leaves: the page that it names. Pages are imported when they are first opened, so that the
first of them comes up fast.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st

from mlpaygrade.app.serving import fenced
from mlpaygrade.app.style import apply_style

PAGES = {
    "estimate": ("Estimate", ":material/payments:"),
}
"""Address and module -> title and icon, in the order of the menu; the first one opens by default."""


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="MLPayGrade", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    apply_style()
    pages = [
        st.Page(_page(name), title=title, icon=icon, url_path=name, default=name == next(iter(PAGES)))
        for name, (title, icon) in PAGES.items()
    ]
    st.navigation(pages, position="top" if len(pages) > 1 else "hidden").run()


def _page(name: str) -> Callable[[], None]:
    def page() -> None:
        import_module(f"mlpaygrade.app.{name}").page()

    page.__name__ = name
    return fenced(page)


if __name__ == "__main__":
    main()
