"""How the browser tests look at a page: widths and themes, and when a page counts as drawn."""

from collections.abc import Callable
from importlib import resources

from playwright.sync_api import Page

LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]

OpenPage = Callable[..., Page]


def settle(page: Page) -> None:
    """Wait until the page has been drawn to its end."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
        " && !document.querySelector('[data-stale=true]')"
    )


def barriers(page: Page) -> list[str]:
    """What stands in the way of assistive technology, as far as it is serious, when the page has come to rest."""
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    grave: list[str] = []
    for _ in range(3):
        # What is about to be replaced is shown pale, and a style sheet that is replaced is away for a moment.
        page.wait_for_function("!document.querySelector('[data-stale=true], [data-testid=stStatusWidget]')")
        page.wait_for_timeout(500)
        found = page.evaluate("async () => (await axe.run()).violations")
        grave = [
            f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in found if it["impact"] in ("serious", "critical")
        ]
        if not grave:
            break
    return grave


def sideways(page: Page) -> list[str]:
    """What on the page scrolls sideways, by its label."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stMain] *')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && e.clientWidth > 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))"
        ".map(e => e.getAttribute('aria-label') || e.className)"
    )
    return found


def screens(page: Page) -> float:
    """How many screens of 900 pixels the page is tall."""
    return float(
        page.locator("[data-testid=stMainBlockContainer]").evaluate("e => e.getBoundingClientRect().height") / 900
    )
