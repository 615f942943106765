"""The market report in a real browser: themes, widths, and charts that show something."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

VIEWS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
BACKGROUND = {"light": (255, 255, 255), "dark": (20, 25, 31)}


@pytest.fixture(scope="module")
def report(synthetic_report: Path) -> Path:
    return synthetic_report / "report.html"


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def view(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[tuple[Page, int, str]]:
    """The report at one width and theme; complaints and requests fail the test."""
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url != report.as_uri() else None)
    page.goto(report.as_uri())
    yield page, width, theme
    context.close()
    assert [text for text in complaints if not text.startswith("data:")] == []


def test_every_chart_shows_marks_in_its_theme(view: tuple[Page, int, str]) -> None:
    page, width, theme = view
    shown = page.locator("figure .desk:visible" if width > 640 else "figure .phone:visible")
    boxes = shown.evaluate_all(
        "charts => charts.map(chart => chart.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"
    )
    assert len(boxes) == page.locator("figure").count() >= 15
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    for place, box in enumerate(boxes):
        chart = picture.crop(tuple(round(edge) for edge in box))
        colours = {colour: count for count, colour in chart.getcolors(maxcolors=10**7)}
        total = sum(colours.values())
        assert max(colours, key=lambda colour: colours[colour]) == BACKGROUND[theme]
        vivid = sum(count for (r, g, b), count in colours.items() if max(r, g, b) - min(r, g, b) > 60)
        assert vivid > max(40, total / 4_000), f"chart {place} is empty"


def test_nothing_is_wider_than_the_screen(view: tuple[Page, int, str]) -> None:
    page, width, _ = view
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_labels_stay_inside_their_charts_and_are_large_enough(view: tuple[Page, int, str]) -> None:
    page, width, _ = view
    kind = "desk" if width > 640 else "phone"
    outside, smallest = page.evaluate(
        """kind => {
            const outside = []; let smallest = 99;
            for (const svg of document.querySelectorAll(`figure .${kind} svg`)) {
                const box = svg.getBoundingClientRect();
                for (const text of svg.querySelectorAll('text')) {
                    if (!text.textContent) continue;
                    const own = text.getBoundingClientRect();
                    if (own.left < box.left - 2 || own.right > box.right + 2)
                        outside.push(`${svg.closest('figure').id}: ${text.textContent}`);
                    const scale = box.width / svg.viewBox.baseVal.width;
                    smallest = Math.min(smallest, parseFloat(getComputedStyle(text).fontSize) * scale);
                }
            }
            return [outside, smallest];
        }""",
        kind,
    )
    assert outside == []
    assert smallest >= (9 if kind == "desk" else 10)


def test_the_page_prints(report: Path, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("figure .desk svg").first.is_visible()
    assert len(page.pdf(format="A4")) > 50_000
    context.close()
