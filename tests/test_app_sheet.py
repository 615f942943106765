"""Uploads: two hundred bad ones with a message each, good ones in any dress, and files out that hold no formula."""

import csv
import io
import math
import random
import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.benchmarking.appraisal import Rules, ageing_factor, appraise, judge
from mlpaygrade.benchmarking.mapping import SheetMapping
from mlpaygrade.benchmarking.report import harmless, run_benchmark
from mlpaygrade.benchmarking.sheet import MAX_BYTES, MAX_ROWS, Problem, Sheet, template
from mlpaygrade.benchmarking.sheet import read_sheet as read_with
from mlpaygrade.errors import DataError
from mlpaygrade.forecast.answer import market_day
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.money.currency import usd_to

HEADER = ["Job title", "Level", "Company country", "Remote", "Company size", "Contract", "Year", "Pay USD"]
GOOD = ["Data Engineer", "Senior", "United States", "On site", "Medium", "Full time", "2024", "150000"]


@cache
def loaded() -> Predictor:
    return Predictor.load()


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return loaded()


def read_sheet(content: bytes, mapping: SheetMapping | None = None) -> Sheet:
    return read_with(content, reader=loaded().reader, mapping=mapping)


def pay_of(sheet: Sheet, row: int = 0) -> float | None:
    pay = sheet.amounts["pay_usd"][row]
    return None if math.isnan(pay) else float(pay)


def as_text(rows: list[list[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", errors="surrogatepass")


def with_cell(column: int, value: str) -> bytes:
    row = list(GOOD)
    row[column] = value
    return as_text([HEADER, row])


BAD_CELLS = {
    0: ["", "   ", "12345", "\x00", "a\x07b", "?", "x" * 101, "x" * 5_000, "\ufffd data", "---", "\U0010fffe!!"],
    1: ["Guru", "", "SENIORR", "7", "senior; DROP TABLE", "=1+1", "\u202e", "EXX", "null", "EN MI"],
    2: ["Atlantis", "", "USAX", "🇺🇸", "1", "Earth", "<b>US</b>", "../../etc", "-", "Nowhereland"],
    3: ["maybe", "33", "1e400", "NaN%", "-50", "remote?", "0x32", "²", "5O", "100.5"],
    4: ["XXL", "huge", "51-", "0", "S M", "{{7*7}}", "%s%n", "١", "ML", "size"],
    5: ["FTE?", "slave", "1099x", "C", "FT;PT", "$(id)", "`ls`", "FT\x01", "fulltimes", "unpaid"],
    6: ["1800", "3000", "20 24", "2024.5", "MMXXIV", "-2024", "9" * 40, "1e9", "2o24", "next"],
    7: [
        "0",
        "-5",
        "1e309",
        "inf",
        "12 345 678 901",
        "999",
        "5000001",
        "0x1F",
        "1.5",
        "=A1*2",
    ],
}


def structural(chance: random.Random) -> list[bytes]:
    """Uploads that are no table of jobs."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.csv", "x")
    good = as_text([HEADER, GOOD])
    made = [
        b"",
        b"\n\n\n",
        b",,,\n,,,\n",
        b"\x00" * 500,
        archive.getvalue(),
        b"\x1f\x8b" + chance.randbytes(200),
        b"PAR1" + chance.randbytes(200),
        b"%PDF-1.7\n" + chance.randbytes(200),
        b"SQLite format 3\0" + chance.randbytes(100),
        b"\xff\xfe" + b"\x00\xd8" * 30,
        b"\xef\xbb\xbf",
        good.replace(b"Job title", b"Person").replace(b"Data Engineer", b"Ann Other"),
        as_text([HEADER]),
        as_text([[*HEADER, "Level"], [*GOOD, "Senior"]]),
        as_text([HEADER, GOOD[:3]]),
        as_text([HEADER, [*GOOD, "extra"]]),
        as_text([GOOD, GOOD]),
        b'Job title,Level,Company country\n"Data Engineer,Senior,US\n',
        b'Job title,Level,Company country\n"Data" Engineer,Senior,US\n',
        b"Job title,Level,Company country\n" + b"a" * 200_000 + b",SE,US\n",
        b"," * 100_000,
        b"Job title,Level,Company country\n" + b"Data Engineer,SE,US\n" * (MAX_ROWS + 1),
        b"x" * (MAX_BYTES + 1),
        b"[1, 2, 3]",
        b'{"Job title": "Data Engineer"}',
        b"<html><body>not found</body></html>",
        "Prénom;Nom\nZoé;Müller\n".encode("latin-1"),
        good.replace(b"\n", b"\x00\n"),
        chance.randbytes(3_000),
        chance.randbytes(50_000),
    ]
    lines = ([b"Name", b"Level", b"Land"], [b"Ann Other", b"SE", b"DE"])
    made += [b"\n".join(mark.join(line) for line in lines) for mark in (b"\t", b";", b"|", b":", b" ")]
    return made + [chance.randbytes(size) for size in range(10, 800, 9)]


def bad_uploads() -> list[bytes]:
    chance = random.Random(20)
    cells = [with_cell(column, value) for column, values in BAD_CELLS.items() for value in values]
    return (cells + structural(chance))[:200]


UPLOADS = bad_uploads()


def test_there_are_two_hundred_different_bad_uploads() -> None:
    assert len(UPLOADS) == 200
    assert len(set(UPLOADS)) == 200


@pytest.mark.parametrize("number", range(len(UPLOADS)))
def test_a_bad_upload_gets_a_clear_message(number: int) -> None:
    try:
        sheet = read_sheet(UPLOADS[number])
    except DataError as error:
        messages = [str(error)]
    else:
        messages = [*map(str, sheet.problems), *(question.text for question in sheet.questions)]
    assert messages, UPLOADS[number][:80]
    for message in messages:
        assert len(message) > 25
        assert message.rstrip().endswith((".", "?", ":", ".csv")) or "." in message
        assert not re.search(r"Traceback|/tmp|Exception|Error\b|object at 0x|None", message), message


@given(st.binary(max_size=2_000))
def test_no_bytes_whatever_break_the_reader(content: bytes) -> None:
    try:
        sheet = read_sheet(content)
    except DataError:
        return
    assert len(sheet.job) == len(sheet.remarks) == len(sheet)


@given(st.lists(st.lists(st.text(max_size=30), min_size=8, max_size=8), max_size=5))
def test_no_cells_whatever_break_the_answers(cells: list[list[str]]) -> None:
    model = loaded()
    try:
        sheet = read_sheet(as_text([HEADER, GOOD, *cells]))
    except DataError:
        return
    frame = judge(appraise(sheet, model), model, Rules(until=date(2026, 1, 1)))
    assert frame["typical"].iloc[0] > 0
    assert len(frame) == len(sheet)
    found = run_benchmark(as_text([HEADER, GOOD, *cells]), predictor=model)
    for kind in (".csv", ".html", ".xlsx"):
        assert found.content(kind)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_same_rows_in_another_dress_are_the_same(delimiter: str, encoding: str) -> None:
    rows = [HEADER, ["Data Engineer", "Senior", "Côte d'Ivoire", "Hybrid", "Large", "Contract", "2023", "90000"]]
    dressed = as_text(rows, delimiter).decode().encode(encoding)
    one, other = read_sheet(dressed), read_sheet(as_text(rows))
    assert {name: one.value(name, 0) for name in FEATURES} == {name: other.value(name, 0) for name in FEATURES}
    assert pay_of(one) == pay_of(other) == 90_000
    assert not one.problems


def test_the_template_is_a_good_upload(predictor: Predictor) -> None:
    sheet = read_sheet(template().encode())
    assert not sheet.problems
    assert appraise(sheet, predictor).frame["typical"].notna().all()


def test_every_row_keeps_its_place_and_a_bad_one_gets_no_figure(predictor: Predictor) -> None:
    rows = [HEADER, GOOD, ["Data Engineer", "Guru", *GOOD[2:]], GOOD]
    market = appraise(read_sheet(as_text(rows)), predictor).frame
    assert list(market["row"]) == [1, 2, 3]
    assert market["typical"].notna().tolist() == [True, False, True]
    assert "'Guru'" in market["remarks"].iloc[1]


def test_a_row_without_enough_data_gets_no_figure_and_the_reason(predictor: Predictor) -> None:
    frame = judge(
        appraise(read_sheet(as_text([HEADER, ["Plumber", *GOOD[1:]], GOOD])), predictor),
        predictor,
        Rules(until=date(2024, 6, 1)),
    )
    assert frame["typical"].notna().tolist() == [False, True]
    assert "not enough data" in frame["remarks"].iloc[0]
    assert frame["flags"].iloc[0] == "not answered"


def test_ratios_follow_their_definitions(predictor: Predictor) -> None:
    frame = judge(appraise(read_sheet(as_text([HEADER, GOOD])), predictor), predictor, Rules(until=date(2024, 1, 1)))
    row = frame.iloc[0]
    assert row["compa_ratio"] == pytest.approx(150_000 / row["typical"], abs=0.001)
    assert row["penetration"] == pytest.approx((150_000 - row["low"]) / (row["high"] - row["low"]), abs=0.001)
    assert row["lower_90"] < row["low"] < row["typical"] < row["high"] < row["upper_90"]


def test_ageing_multiplies_market_figures_and_nothing_else(predictor: Predictor) -> None:
    market = appraise(read_sheet(as_text([HEADER, GOOD])), predictor)
    until = market_day(predictor.bundle, 2024) + timedelta(days=731)
    plain = judge(market, predictor, Rules(until=until)).iloc[0]
    aged = judge(market, predictor, Rules(until=until, yearly_rate=0.05)).iloc[0]
    factor = ageing_factor(predictor, Rules(until=until, yearly_rate=0.05), year=2024)
    assert factor == pytest.approx(1.05**2, rel=1e-3)
    for name in ("typical", "low", "high", "lower_90", "upper_90"):
        assert aged[name] == pytest.approx(plain[name] * factor, abs=2)
    assert aged["pay"] == plain["pay"]
    assert aged["compa_ratio"] < plain["compa_ratio"]


def test_flags_speak_of_the_employers_own_figures_and_strength_of_the_data(predictor: Predictor) -> None:
    text = (
        "title,level,country,band low,band high\nData Engineer,SE,US,100000,150000\nData Engineer,SE,US,50000,150000\n"
        "Data Engineer,SE,Bhutan,,\nJunior Data Engineer,SE,US,,\n"
    )
    frame = judge(appraise(read_sheet(text.encode()), predictor), predictor, Rules(until=date(2024, 6, 1)))
    assert frame["flags"].tolist() == ["", "own band too wide", "", "title and fields disagree"]
    assert frame["strength"].iloc[2] == "rough"
    assert "few such jobs" in frame["why"].iloc[2]


def test_a_clean_file_shows_hardly_any_flags(predictor: Predictor) -> None:
    titles = sorted(predictor.known_titles)[::2][:200]
    found = run_benchmark(as_text([HEADER, *([title, *GOOD[1:7], ""] for title in titles)]), predictor=predictor)
    assert found.summary.answered == len(titles)
    assert found.summary.flagged <= 0.05 * len(titles) + sum(found.frame["disagrees"])


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    '=HYPERLINK("http://x","y")',
    "|calc",
    "%0A=1",
    "\u3000=1",
    "\u200b=1",
    "\u00a0\u00a0@x",
    "\ufe66=1",
    "\u2212 1",
    "Data;=1+1",
    "Data,\t=1",
    "Data\n=1",
    "Data; \uff1d1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_made_harmless(text: str) -> None:
    made = harmless(text)
    assert made != text
    for part in re.split(r"[;,\t|\r\n]", made):
        assert unicodedata.normalize("NFKC", part.strip("\u200b \u00a0\u3000"))[:1] not in set("=+-@|%\u2212")


@pytest.mark.parametrize(
    "text", ["Data Engineer", "A-1", "C++ Developer", "50%", "Engineer, Data; Senior", "R&D - Berlin", ""]
)
def test_other_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


def test_no_cell_of_an_export_is_a_formula(predictor: Predictor) -> None:
    from openpyxl import load_workbook

    rows = [["Reference", *HEADER], *([formula, *GOOD] for formula in FORMULAS)]
    rows += [["ref", "=Data Engineer", *GOOD[1:]], ["x", "Data Engineer", "=SE()", *GOOD[2:]]]
    found = run_benchmark(as_text(rows), predictor=predictor)
    bad = Problem(row=1, column="=x", rule="r", value="=cmd|' /C calc'!A0", remedy="m")
    sheet = replace(
        found.sheet, problems=(*found.sheet.problems, bad), mapping=SheetMapping(columns={"job_title": "=a"})
    )
    found = replace(found, sheet=sheet, method=(("=a", "=b"),))
    starts = ("=", "+", "@", "\t", "\r")
    for row in csv.reader(io.StringIO(found.content(".csv").decode("utf-8-sig"), newline="")):
        assert not any(cell.startswith(starts) for cell in row)
    book = load_workbook(io.BytesIO(found.content(".xlsx")))
    assert book.sheetnames == ["Summary", "Rows", "Problems", "Method", "Mapping"]
    for page in book.worksheets:
        for line in page.iter_rows():
            for cell in line:
                assert cell.data_type != "f"
                assert not (isinstance(cell.value, str) and cell.value.startswith(starts))


def test_an_upload_of_ten_thousand_rows_is_read_in_order(predictor: Predictor) -> None:
    chance = random.Random(1)
    titles = sorted(predictor.known_titles)
    body = [
        [chance.choice(titles), "SE", "US", "0", "M", "FT", "2024", str(chance.randrange(50_000, 300_000))]
        for _ in range(10_000)
    ]
    shares: list[float] = []
    read: Callable[[float], object] = shares.append
    market = appraise(read_sheet(as_text([HEADER, *body])), predictor, progress=read)
    assert list(market.frame["title"]) == [row[0] for row in body]
    assert shares[-1] == 1.0


def one_row(header: list[str], row: list[str]) -> Sheet:
    return read_sheet(as_text([header, row]))


def test_pay_in_another_currency_is_converted_and_said(predictor: Predictor) -> None:
    header = ["Position", "Seniority level", "Country", "Pay", "Salary currency"]
    for pay, currency in (
        ("85000", "EUR"),
        ("85.000", "eur"),
        ("85 000", "€"),
        ("€85,000", "USD"),
        ("7083,33 a month", "EUR"),
    ):
        euro = one_row(header, ["Data Scientist", "Senior", "Germany", pay, currency])
        assert pay_of(euro) == pytest.approx(usd_to("EUR").to_usd(85_000), rel=1e-4), pay
        assert any("European Central Bank" in note for note in euro.notes)
        assert appraise(euro, predictor).frame["pay"].iloc[0] == pay_of(euro)
    dollars = one_row(header, ["Data Scientist", "Senior", "Germany", "85000", "usd"])
    assert (pay_of(dollars), dollars.remarks[0]) == (85_000, "")
    for currency in ("", "XXQ"):
        asked = one_row(header, ["Data Scientist", "Senior", "Germany", "85000", currency])
        assert pay_of(asked) is None
        assert asked.problems[0].column == "Pay"


def test_a_column_in_dollars_stands_beside_one_in_another_currency() -> None:
    header = ["job_title", "experience_level", "company_location", "salary", "salary_currency", "salary_in_usd"]
    sheet = one_row(header, ["Data Scientist", "SE", "DE", "78.000", "EUR", "84000"])
    assert pay_of(sheet) == 84_000
    assert not sheet.problems


def test_pay_that_names_no_currency_is_dollars_in_the_united_states_only() -> None:
    header = ["title", "level", "country", "Annual Salary", "minimum"]
    assert pay_of(one_row(header, [*GOOD[:3], "150000", "90k"])) == 150_000
    abroad = one_row(header, ["Data Engineer", "Senior", "Germany", "90000", ""])
    assert pay_of(abroad) is None
    assert "must name its currency" in abroad.problems[0].rule
    assert pay_of(one_row(header, ["Data Engineer", "Senior", "Germany", "90000 $", ""])) == 90_000


@pytest.mark.parametrize(
    ("text", "usd"), [("85.500", 85_500), ("120,000", 120_000), ("$120k", 120_000), ("120.000,00", 120_000)]
)
def test_pay_is_read_as_people_write_it_and_said_where_it_is_not_plain(text: str, usd: int) -> None:
    sheet = one_row([*HEADER[:3], "Pay USD"], [*GOOD[:3], text])
    assert pay_of(sheet) == usd
    assert bool(sheet.remarks[0]) == (text != "120,000")


def test_what_pay_may_mean_is_asked() -> None:
    sheet = one_row([*HEADER[:3], "Pay", "Currency"], ["Data Engineer", "Senior", "Germany", "5000", "EUR"])
    assert pay_of(sheet) is None
    assert "5,000 euros a month" in sheet.problems[0].rule
    monthly = one_row([*HEADER[:3], "Band low USD", "Pay USD"], [*GOOD[:3], "", "10000 per month"])
    assert pay_of(monthly) == 120_000


def test_a_missing_country_is_no_country() -> None:
    for text in ("N/A", "#N/A", "n/a", "-", ""):
        sheet = one_row(HEADER[:3], ["Data Scientist", "Senior", text])
        assert sheet.value("company_location", 0) is None
        assert "must not be empty" in sheet.problems[0].rule
    assert "Namibia" in one_row(HEADER[:3], ["Data Scientist", "Senior", "NA"]).problems[0].remedy
    codes = read_sheet(as_text([HEADER[:3], ["Data Scientist", "Senior", "NA"], ["Data Scientist", "Senior", "DE"]]))
    assert codes.value("company_location", 0) == "NA"


def test_a_column_of_states_is_the_united_states() -> None:
    rows = [[*GOOD[:2], state] for state in ("CA", "GA", "IL", "MA", "NY")]
    sheet = read_sheet(as_text([["Job title", "Level", "Location"], *rows]))
    assert {sheet.value("company_location", row) for row in range(5)} == {"US"}
    assert all(sheet.said(row) for row in range(5))
