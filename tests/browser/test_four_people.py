"""Four people who come for an answer and have it within three inputs: at two widths, in two themes, without a barrier."""

import csv
import io
import re
from pathlib import Path

import pytest
from looking import LOOKS, OpenPage, barriers, settle
from playwright.sync_api import Page, expect

ONE, TWO = (LOOKS[0], LOOKS[3]), (LOOKS[1], LOOKS[2])


def fill(page: Page, name: str, text: str) -> None:
    box = page.get_by_role("textbox", name=re.compile(name)).first
    box.fill(text)
    box.press("Enter")
    settle(page)


def choose(page: Page, name: str, text: str) -> None:
    box = page.get_by_role("combobox", name=re.compile(name)).first
    box.click()
    box.fill(text)
    page.get_by_role("option").first.click()
    settle(page)


def arrived(page: Page, width: int) -> None:
    assert not barriers(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "theme"), ONE)
def test_a_job_seeker_in_germany_knows_what_to_ask_for(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme)
    fill(page, "Job title", "Data Engineer")
    expect(page.locator(".mp p.job")).to_contain_text("Data Engineer")
    choose(page, "Company's country", "Germany")
    expect(page.locator(".mp p.job")).to_contain_text("Germany")
    settle(page)
    fill(page, "offer", "60.000")
    expect(page.locator(".mp p.job")).to_contain_text("Data Engineer, Germany")
    expect(page.get_by_text("Understood as 60,000 euros a year")).to_be_visible()
    glance = page.locator(".mp-glance")
    expect(glance).to_have_css("display", "block" if width < 640 else "none")
    expect(glance).to_contain_text(re.compile("about €.*rough"))
    answer = page.locator(".mp-answer")
    expect(answer.locator(".large")).to_contain_text("€")
    expect(answer).to_contain_text(re.compile(r"adverts up to \w+ 20\d\d"))
    expect(answer.locator(".strength")).to_contain_text(re.compile("Strong|Fair|Rough"))
    expect(answer.locator(".strength")).to_contain_text("Rough")
    expect(page.get_by_text("€60K a year is below the middle of our estimate")).to_be_visible()
    expect(page.get_by_text("too rough to say how many jobs pay more or to name a range to ask for")).to_be_visible()
    arrived(page, width)


@pytest.mark.parametrize(("width", "theme"), TWO)
def test_a_job_seeker_in_the_united_states_sees_what_the_city_adds(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme)
    fill(page, "Job title", "Machine Learning Engineer")
    expect(page.locator(".mp p.job")).to_contain_text("Machine Learning Engineer")
    fill(page, "City or state", "San Francisco")
    expect(page.locator(".mp p.job")).to_contain_text("San Francisco")
    fill(page, "offer", "180k")
    expect(page.get_by_text(re.compile(r"United States \$\d+K, times 1\.\d\d in"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"\$180K a year is .* of 100"))).to_be_visible()
    arrived(page, width)


@pytest.mark.parametrize(("width", "theme"), ONE)
def test_a_planner_sees_the_ladder_and_what_moving_pays_and_buys(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page("?page=career&allow=experience&country=DE&level=MI&title=Data+Scientist", width=width, theme=theme)
    fill(page, "Job title", "Data Analyst")
    expect(page.locator(".mp p.job")).to_contain_text("Data Analyst")
    page.get_by_role("button", name="Move to another country").click()
    settle(page)
    ladder, changes = page.locator(".mp-ranges").nth(0), page.locator(".mp-ranges").nth(1)
    expect(ladder).to_contain_text("Senior")
    expect(changes).to_contain_text("United States")
    expect(changes).to_contain_text(re.compile(r"buys what €\d+K buys in Germany"))
    arrived(page, width)


@pytest.mark.parametrize(("width", "theme"), TWO)
def test_an_analyst_takes_away_a_picture_and_the_numbers(
    open_page: OpenPage, tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page("?page=market", width=width, theme=theme)
    choose(page, "Job titles and countries", "data engineer germany")
    page.keyboard.press("Escape")
    row = page.locator("tr", has_text="Data Engineer, Germany")
    expect(row).to_contain_text(re.compile(r"\$\d+K to \$\d+K.*20\d\d"))
    settle(page)
    for name in ("Picture (PNG)", "Numbers (CSV)"):
        with page.expect_download(timeout=60_000) as caught:
            page.get_by_role("button", name=name).first.click()
        caught.value.save_as(tmp_path / name[-4:-1])
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "CSV").read_text(encoding="utf-8-sig"))))
    german = [row for row in rows if row["Country"] == "Germany"]
    assert float(german[0]["Median, USD a year"]) > 10_000
    assert {row["Period"] for row in rows} >= {"all", "2024 H1", "2024 H2"}
    arrived(page, width)
