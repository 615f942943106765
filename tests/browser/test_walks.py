"""What four kinds of people do in the app, in a real browser, at two widths and in two themes.

The job seeker types with errors, checks an offer and keeps the page; the person with two offers compares; the planner chooses
what may change; the employer uploads good and bad files and reads back what comes out; the analyst reads the card.
"""

import csv
import io
import re
from pathlib import Path

import pytest
from looking import LOOKS, OpenPage, barriers, screens, settle, sideways
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

PAGES = ("estimate", "compare", "career", "benchmark", "market", "model")


def type_title(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Job title").first
    box.fill(text)
    box.press("Enter")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_job_seeker_types_with_errors_checks_an_offer_and_keeps_the_page(
    open_page: OpenPage, tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    type_title(page, "Snr Machne Lerning Enginer")
    expect(page.locator(".mp p.job")).to_contain_text("Machine Learning Engineer")
    expect(page.locator(".mp-notes")).to_contain_text("taking it for a misspelling")
    offer = page.get_by_role("textbox", name=re.compile("offer"))
    offer.fill("150k")
    offer.press("Enter")
    expect(page.get_by_text("Understood as 150,000 US dollars a year")).to_be_visible()
    expect(page.locator(".mp-key").first).to_contain_text("Your figure, $150K")
    expect(page.get_by_text(re.compile(r"of 100 figures advertised for such jobs lie above it"))).to_be_visible()
    settle(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download this page").click()
    kept = tmp_path / "kept.html"
    caught.value.save_as(kept)
    alone = page.context.new_page()
    alone.goto(kept.as_uri())
    expect(alone.locator("h1")).to_have_text("What this job pays")
    for text in ("Machine Learning Engineer", "9 in 10 such jobs", "$150K", "SHA-256"):
        assert text in alone.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_link_shows_the_same_answer_to_somebody_else(open_page: OpenPage) -> None:
    page = open_page()
    type_title(page, "Data Analyst")
    page.get_by_role("radio", name="Entry level").click()
    expect(page.locator(".mp p.quiet").first).to_contain_text("entry level")
    settle(page)
    page.wait_for_function("() => location.search.includes('experience=EN')")
    answer = page.locator(".mp-answer .large").all_inner_texts()
    other = open_page(page.url.rsplit("/", 1)[1])
    expect(other.locator(".mp p.job")).to_contain_text("Data Analyst")
    assert other.locator(".mp-answer .large").all_inner_texts() == answer


def test_going_back_shows_what_was_there_before(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("radio", name="Executive").click()
    expect(page.locator(".mp p.quiet").first).to_contain_text("executive")
    page.wait_for_function("() => location.search.includes('experience=EX')")
    page.go_back()
    expect(page.locator(".mp p.quiet").first).to_contain_text("senior")
    settle(page)
    assert "experience=SE" in page.url


def test_what_was_entered_survives_a_visit_to_another_page(open_page: OpenPage) -> None:
    page = open_page()
    type_title(page, "Data Architect")
    expect(page.locator(".mp p.job")).to_contain_text("Data Architect")
    page.get_by_role("radio", name="Model").click()
    expect(page.locator("h1")).to_contain_text("trust")
    page.get_by_role("radio", name="Estimate").click()
    expect(page.locator(".mp p.job")).to_contain_text("Data Architect")


def test_a_job_is_saved_in_the_browser_opened_again_and_removed(open_page: OpenPage) -> None:
    page = open_page("?page=estimate&title=Data+Analyst&country=DE&offer=60k&currency=EUR")
    page.get_by_text("Saved jobs on this device").click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_value("Data Analyst, Germany")
    expect(page.get_by_text("The list is kept in this browser, not by us")).to_be_visible()
    name.fill("The offer from <b>Berlin</b>")
    page.get_by_role("button", name="Save this job").click()
    expect(page.get_by_role("status").filter(has_text="Saved as")).to_be_visible()
    type_title(page, "Data Architect")
    expect(page.locator(".mp p.job")).to_contain_text("Data Architect")
    page.get_by_role("link", name="The offer from <b>Berlin</b>").click()
    expect(page.locator(".mp p.job")).to_contain_text("Data Analyst, Germany")
    expect(page.get_by_role("textbox", name=re.compile("offer"))).to_have_value("60k")
    settle(page)
    page.get_by_text("Saved jobs on this device").click()
    page.get_by_role("button", name="Remove The offer").click()
    expect(page.get_by_role("link", name="The offer")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('mlpaygrade.saved')") == "[]"


def test_what_another_page_left_in_the_browser_is_never_opened(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate(
        "localStorage.setItem('mlpaygrade.saved', JSON.stringify(["
        "{name: 'bad', address: 'javascript:alert(1)'}, {name: 'good', address: '?page=estimate&title=Data+Analyst'}, 7]))"
    )
    page.get_by_text("Saved jobs on this device").click()
    expect(page.get_by_role("link", name="good")).to_be_visible()
    expect(page.get_by_role("link", name="bad")).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (390, "light")])
def test_a_person_with_three_offers_compares_them(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page("?page=compare", width=width, theme=theme)
    page.get_by_role("radio", name="3", exact=True).click()
    expect(page.get_by_role("heading", name="Job C against Job B")).to_be_visible()
    offer = page.get_by_role("textbox", name="Offer for Job A")
    offer.fill("140,000")
    offer.press("Enter")
    expect(page.get_by_text(re.compile("\\$140K a year is"))).to_be_visible()
    assert page.get_by_text(re.compile("of 100 pairs of adverts")).count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_a_planner_chooses_what_may_change(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page("?page=career&title=Data+Analyst&level=MI&country=US&allow=experience", width=width, theme=theme)
    expect(page.get_by_role("heading", name="The ladder")).to_be_visible()
    changes = page.locator(".mp-ranges").nth(1)
    expect(changes).to_contain_text("Senior")
    assert "Engineer" not in changes.inner_text()
    page.get_by_role("button", name="Job title", exact=True).click()
    expect(changes).to_contain_text("Engineer")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


ROWS = """Reference,Job title,Level,Company country,Pay USD
=HYPERLINK("http://x"),Data Engineer,Senior,United States,150000
B-2,Data Analyst,Junior,Deutschland,52000
B-3,Data Scientist,Guru,US,120000
B-4,Prompt Wizard,EX,NA,"120,000"
"""


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_an_employer_uploads_rows_and_reads_the_files_back(
    open_page: OpenPage, tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page("?page=benchmark", width=width, theme=theme)
    page.locator("input[type=file]").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    expect(page.get_by_text("question before the figures")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Use these answers").click()
    expect(page.locator(".mp-facts")).to_contain_text("2 of 4")
    page.get_by_text("1 problem in the rows").click()
    problems = page.locator("table", has_text="What to do")
    expect(problems).to_contain_text("since the title does not say it")
    settle(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Rows (CSV)").click()
    caught.value.save_as(tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"))))
    assert [row["Row"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0]["Reference"].startswith("'=")
    assert float(rows[0]["Compa-ratio"]) == pytest.approx(150000 / float(rows[0]["Typical market pay USD"]), abs=0.001)
    assert rows[1]["Company country"] == "Germany"
    assert rows[2]["Typical market pay USD"] == ""
    assert "not answered" in rows[2]["Flags"]
    with page.expect_download() as caught:
        page.get_by_role("button", name="Workbook (XLSX)").click()
    caught.value.save_as(tmp_path / "out.xlsx")
    book = load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Summary", "Rows", "Problems", "Method", "Mapping"]
    assert book["Rows"]["B2"].data_type == "s"
    audit = {row[0]: row[1] for row in book["Method"].iter_rows(values_only=True) if row[0]}
    assert re.fullmatch("[0-9a-f]{64}", str(audit["Data: SHA-256"]))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"  \n", "nothing to read"),
        ("book.csv", b"PK\x03\x04" + b"\0" * 200, "ZIP archive"),
        ("other.csv", b"a,b\n1,2\n", "Job title"),
        ("quote.csv", b'Job title,Level,Company country\n"Data,SE,US\n', "quote"),
    ],
)
def test_a_bad_upload_gets_a_message_of_its_own(open_page: OpenPage, name: str, content: bytes, message: str) -> None:
    page = open_page("?page=benchmark")
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    expect(page.get_by_role("alert")).to_contain_text(message)


def test_an_employer_pastes_rows_from_a_spreadsheet(open_page: OpenPage) -> None:
    page = open_page("?page=benchmark")
    page.get_by_role("tab", name="Paste rows").click()
    box = page.get_by_role("textbox", name=re.compile("Rows copied"))
    box.fill("title\tlevel\tcountry\tpay\nBI Analyst\tMid\tUK\t£61000\n")
    box.press("Control+Enter")
    expect(page.locator(".mp-facts")).to_contain_text("1 of 1")


def test_a_hostile_address_gets_a_message(open_page: OpenPage) -> None:
    page = open_page("?page=%3Cscript%3Ealert(1)%3C/script%3E&level=XX&title=" + "a" * 3000)
    alerts = page.get_by_role("alert").all_inner_texts()
    assert any("There is no page" in text for text in alerts)
    assert page.locator("script", has_text="alert(1)").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_no_serious_barrier_for_assistive_technology(open_page: OpenPage, name: str) -> None:
    page = open_page(f"?page={name}&title=Data+Wizard")
    assert screens(page) <= 2.5
    page.locator("summary").evaluate_all("parts => parts.forEach(part => part.click())")
    expect(page.locator("details:not([open])")).to_have_count(0)
    for width, theme in LOOKS if name == PAGES[0] else (LOOKS[0], LOOKS[-1]):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        settle(page)
        assert not barriers(page), (width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not sideways(page), (width, theme)


def test_a_level_is_chosen_and_the_rest_reached_with_the_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page()
    focused = (
        "() => (document.activeElement?.getAttribute('aria-label') || document.activeElement?.innerText || '').trim()"
    )
    settle(page)
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focused))
        if reached[-1] == "Entry level" and reached.count("Entry level") == 1:
            page.keyboard.press("Space")
            expect(page.locator(".mp p.quiet").first).to_contain_text("entry level")
            settle(page)
    for name in ("Job title", "Company's country", "More about the job", "Your pay or offer", "Download this page"):
        assert any(name in text for text in reached), name


def test_a_job_that_nobody_posts_gets_no_figure(open_page: OpenPage) -> None:
    page = open_page("?title=Budget+Analyst")
    expect(page.get_by_text("There is not enough data for this job")).to_be_visible()
    assert page.locator(".mp-answer").count() == 0
    page.get_by_role("button", name="Take the nearest job").click()
    expect(page.locator(".mp-answer .large").first).to_contain_text("$")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_an_analyst_filters_postings_and_takes_the_series_away(
    open_page: OpenPage, tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page("?page=market&question=postings&level=EN&country=US", width=width, theme=theme)
    first = page.locator("table", has_text="Level").locator("tbody tr").first
    expect(first).to_contain_text("Entry level")
    expect(first).to_contain_text("United States")
    settle(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Numbers (CSV)").last.click()
    caught.value.save_as(tmp_path / "series.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "series.csv").read_text(encoding="utf-8-sig"))))
    assert {row["Level"] for row in rows} == {"Entry level"}
    assert {row["Country"] for row in rows} == {"United States"}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_sessions_do_not_see_each_other(open_page: OpenPage) -> None:
    one, two = open_page("?page=benchmark"), open_page("?page=benchmark")
    one.locator("input[type=file]").set_input_files(
        {"name": "staff.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    expect(one.get_by_text("question before the figures")).to_be_visible()
    two.get_by_role("radio", name="Estimate").click()
    expect(two.locator("h1")).to_contain_text("What does a job pay")
    two.get_by_role("radio", name="Benchmark").click()
    expect(two.locator("h1")).to_contain_text("Your pay against the market")
    expect(two.get_by_text("before the figures")).to_have_count(0)
