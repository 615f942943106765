"""The one reader: what Python's `csv` reads, and a clear refusal of everything that cannot be trusted."""

import csv
import io
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mlpaygrade.dataset import reader
from mlpaygrade.dataset.columns import match_columns
from mlpaygrade.dataset.reader import Limits, open_rows
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import COLUMNS, FEATURES

HEADER = ["job_title", "experience_level", "company_location", "note"]
PIECES = ["Data", "#", '"', "'", ",", ";", "\t", "|", "\n", "\r\n", "\r", " ", "é", "ü", "=1+1", "0", "", "NA", "sep=;"]


def rows_of(source: bytes | Path, **options: Limits) -> list[list[str]]:
    return [row for block in open_rows(source, **options).blocks() for row in block.rows]


def generated(dice: random.Random) -> tuple[bytes, list[list[str]] | None]:
    """A file, and its rows as Python's `csv` reads them; None where it refuses them."""
    delimiter = dice.choice([",", ";", "\t", "|"])
    ends = dice.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]])
    encoding = dice.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    text = io.StringIO(newline="")
    quoting = dice.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writers = [csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting) for end in ends]
    writers[0].writerow(HEADER)
    for _ in range(dice.randrange(1, 8)):
        if dice.random() < 0.1:
            text.write(dice.choice(["\n", "\r\n", "  " + ends[0]]))
        width = len(HEADER) if dice.random() < 0.9 else dice.randrange(1, 7)
        dice.choice(writers).writerow(["".join(dice.choices(PIECES, k=dice.randrange(4))) for _ in range(width)])
    written = text.getvalue()
    if dice.random() < 0.3:
        hole = dice.randrange(len(delimiter.join(HEADER)) + 14, len(written) + 20)
        written = written[:hole] + written[hole + 1 :]
    content = written.encode(encoding)
    try:
        records = list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True))[1:]
    except csv.Error:
        return content, None
    return content, [row for row in records if row and not (len(row) == 1 and not row[0].strip())]


def test_two_thousand_generated_files_are_read_as_python_reads_them() -> None:
    dice = random.Random(17)
    refused = 0
    for number in range(2_000):
        content, expected = generated(dice)
        if expected is None:
            refused += 1
            with pytest.raises(DataError):
                rows_of(content)
        else:
            assert rows_of(content) == expected, (number, content)
    assert 20 < refused < 1_000


def test_blocks_number_their_rows_and_name_the_lines_of_ragged_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_ROWS", 2)
    blocks = list(open_rows(b'job_title,note\n#a,"x\ny"\n\nb\nc,z\nd,1,2\n').blocks())
    assert [(block.first, block.blank, dict(block.ragged)) for block in blocks] == [
        (1, 1, {1: 5}),
        (3, 0, {1: 7}),
        (5, 0, {}),
    ][: len(blocks)]
    assert [row for block in blocks for row in block.rows] == [["#a", "x\ny"], ["b"], ["c", "z"], ["d", "1", "2"]]


@pytest.mark.parametrize(
    ("above", "note"),
    [
        ("", None),
        ("\n\r\n  \n", None),
        (",,\n", None),
        ("sep=;\n", "separator"),
        ('"sep=;"\r\n', "separator"),
        ("# made by HR\n", "1 row above"),
        ("made by HR\nfor us\n", "2 rows above"),
        ("Salaries of 2024\n\n", "above"),
    ],
)
def test_the_header_is_found_below_what_stands_above_it(above: str, note: str | None) -> None:
    delimiter = ";" if "sep" in above else ","
    lines = [HEADER, ["# one", "SE", "US", "x"], ["two", "SE", "US", "y"]]
    rows = open_rows((above + "".join(delimiter.join(line) + "\n" for line in lines)).encode())
    assert list(rows.header) == HEADER
    assert [row for block in rows.blocks() for row in block.rows] == lines[1:]
    assert (note is None and not [n for n in rows.notes if "separated" not in n]) or note in " ".join(rows.notes)


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("job_title,experience_level,job_title", "once"),
        ("job_title,note,Note", "once"),
        ("job_title, Job Title ,note", "once"),
        ("job_title,,company_location", r"must have a name.*none in column 2\b"),
        ("job_title,,,company_location", r"none in columns 2, 3\b"),
        ("job_title,  ,company_location", "must have a name"),
        ("job_title,a\x1b[31m,company_location", "text file"),
    ],
)
def test_a_header_that_could_name_the_wrong_column_is_refused(header: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        open_rows((header + "\na,b,c\n").encode())
    assert "\x1b" not in str(caught.value)


def test_utf_16_without_its_mark_is_refused_as_what_it_is() -> None:
    with pytest.raises(DataError, match="many NUL bytes"):
        open_rows((",".join(HEADER) + "\n").encode("utf-16-le"))


def test_a_row_index_without_a_name_is_left_alone() -> None:
    rows = open_rows(b",job_title,company_location,\n0,Data Engineer,US,\n")
    matched = match_columns(rows.header, wanted=["job_title"], required=["job_title"])
    assert matched.places == {"job_title": 1}
    assert matched.unused == ("", "company_location", "")


def test_columns_are_matched_by_name_then_header_then_alias() -> None:
    def places(*header: str) -> dict[str, int]:
        return dict(match_columns(header, wanted=COLUMNS, required=()).places)

    assert places("pay", "salary usd", "salary_in_usd") == {"salary": 0, "salary_in_usd": 2}
    assert places("title", "Job title")["job_title"] == 1
    assert places("Position", "Seniority level", "COUNTRY") == {
        "job_title": 0,
        "experience_level": 1,
        "company_location": 2,
    }
    assert places("Location", "Country")["company_location"] == 1
    assert places("Location")["company_location"] == 0
    twice = match_columns(["title", "role"], wanted=FEATURES, required=())
    assert "one column" in twice.defects[0].rule
    assert "job_title" not in twice.places


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "pay[2].csv").write_text("job_title,note\nright,1\n")
    (tmp_path / "pay2.csv").write_text("job_title,note\nwrong,1\n")
    assert rows_of(tmp_path / "pay[2].csv") == [["right", "1"]]
    with pytest.raises(DataError, match="must exist"):
        open_rows(tmp_path / "pay*.csv")


def test_a_huge_field_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("w") as file:
        file.write("job_title,note\nx,")
        for _ in range(40):
            file.write("y" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(DataError, match="row 1"):
        rows_of(path)
    assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    tracemalloc.stop()
    for body in ('x,"' + "y\n" * 3_000_000, 'x,"' + '","y\n' * 2_000_000):
        with pytest.raises(DataError, match=r"not closed|must have at most"):
            rows_of(("job_title,note\n" + body).encode())


def test_limits_of_rows_columns_and_bytes_are_kept() -> None:
    text = b"job_title,note\n" + b"a,b\n" * 11
    assert len(rows_of(text, limits=Limits(rows=11))) == 11
    with pytest.raises(DataError, match="At most 10 rows"):
        rows_of(text, limits=Limits(rows=10))
    with pytest.raises(DataError, match="at most 1 columns"):
        open_rows(text, limits=Limits(columns=1))
    with pytest.raises(DataError, match="At most"):
        open_rows(text, limits=Limits(content_bytes=10))


def excel(rows: list[list[object]], *, names: tuple[str, ...] = ("Pay",), last: tuple[int, int] | None = None) -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        for name in names:
            sheet = book.add_worksheet(name)
            if name == names[-1]:
                for n, row in enumerate(rows):
                    sheet.write_row(n, 0, row)
                if last is not None:
                    sheet.write(*last, "x")
    return content.getvalue()


def parquet(rows: list[list[object]]) -> bytes:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    content = io.BytesIO()
    columns = zip(*rows[1:], strict=True)
    write_table(pa.table(dict(zip(map(str, rows[0]), map(list, columns), strict=True))), content)
    return content.getvalue()


@pytest.mark.parametrize("made", [excel, parquet])
def test_workbooks_and_parquet_are_rows_of_the_same_reader(made: Callable[..., bytes], tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Job title", "Pay USD", "Ratio"],
        ['Café, "data"\n', 150_000, 0.5],
        ["Two", 90_000, 1.0],
    ]
    path = tmp_path / "any.bin"
    path.write_bytes(made(rows))
    for source in (path, path.read_bytes()):
        read = open_rows(source)
        assert read.header == ("Job title", "Pay USD", "Ratio")
        assert rows_of(source) == [['Café, "data"\n', "150000", "0.5"], ["Two", "90000", "1"]]
        assert read.sha256 == reader.sha256_of(path)


def test_the_sheet_with_a_table_is_taken_and_said() -> None:
    content = excel([["Job title", "Pay USD"], ["a", 1]], names=("Cover", "Pay"))
    rows = open_rows(content)
    assert any("'Pay'" in note for note in rows.notes)
    assert any("'Cover'" in note for note in rows.notes)
    with pytest.raises(DataError, match="no sheet 'Other'"):
        open_rows(content, sheet="Other")


def test_workbooks_that_fill_memory_are_refused() -> None:
    table: list[list[object]] = [["Job title", "Pay USD"], ["a", 1]]
    with pytest.raises(DataError, match=r"memory|columns"):
        open_rows(excel(table, last=(1_048_575, 16_383)))
    with pytest.raises(DataError, match="16,384 columns"):
        open_rows(excel(table, last=(5, 16_383)))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"<x/>")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(600):
                part.write(b" " * 2**20)
    with pytest.raises(DataError, match="unpacks to"):
        open_rows(bomb.getvalue())
    with pytest.raises(DataError, match="damaged"):
        open_rows(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)


def test_of_two_lines_of_names_the_first_is_the_header() -> None:
    names = "job_title,company_location\n"
    rows = open_rows(f"Report\n{names}{names}a,US\n".encode())
    assert next(row for block in rows.blocks() for row in block.rows) == ["job_title", "company_location"]


@pytest.mark.parametrize(
    ("text", "said"), [('"\n', "must begin with a line of column names"), (",,\n", "must not be empty")]
)
def test_a_file_without_names_is_refused_by_what_it_lacks(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_rows(text.encode())


@pytest.mark.parametrize(("cells", "whole"), [(40, True), (44, False)])
def test_a_row_over_many_lines_has_a_limit(cells: int, whole: bool) -> None:
    names = ["job_title", "company_location", *(f"n{n}" for n in range(cells - 2))]
    row = ",".join([f'"{"x" * 99_998}\n"'] * cells)
    rows = open_rows(f"{','.join(names)}\n{row}\n".encode())
    try:
        assert sum(len(block.rows) for block in rows.blocks()) == 1
    except DataError:
        assert not whole
    else:
        assert whole
