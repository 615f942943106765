"""How the browser tests look at a page: widths and themes, and when a page counts as drawn."""

from collections.abc import Callable

from playwright.sync_api import Page

LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]

OpenPage = Callable[..., Page]


def settle(page: Page) -> None:
    """Wait until the page has been drawn to its end."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
        " && !document.querySelector('[data-stale=true]')"
    )
