"""The gate: what enters is exact and in order; what is broken is named with its column, row and remedy."""

import codecs
import csv
import io
import json
import os
import random
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlpaygrade.dataset import reader
from mlpaygrade.dataset import table as gate
from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.table import CheckReport, check_table, read_table, sidecar_path
from mlpaygrade.errors import DataError, Defect
from mlpaygrade.job import fields as schema
from mlpaygrade.job.values import read_value, repair_mojibake

GOOD = ["2024", "SE", "FT", "Data Engineer", "120000", "USD", "120000", "US", "0", "US", "M"]
Write = Callable[..., Path]


def row(**changes: str) -> list[str]:
    cells = dict(zip(schema.COLUMNS, GOOD, strict=True)) | changes
    return list(cells.values())


def text_of(rows: Sequence[Sequence[str]], *, header: Sequence[str] = schema.COLUMNS, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", delimiter=delimiter).writerows([header, *rows])
    return out.getvalue()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(content: str | bytes, name: str = "jobs.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


def only(report: CheckReport, column: str) -> Defect:
    assert [defect.column for defect in report.defects] == [column], report.defects
    return report.defects[0]


def test_rows_come_out_exact_and_in_order(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_ROWS", 7)
    dice = random.Random(4)
    rows = [
        row(
            work_year=str(dice.randint(2020, 2024)),
            job_title=dice.choice(["Data Engineer", "Café Data Analyst", "Head of Data, Europe", 'The "ML" Engineer']),
            salary=str(dice.randint(1, 10**9)),
            salary_in_usd=str(dice.randint(1_000, 800_000)),
            employee_residence=dice.choice(["NA", "US", "GB"]),
            remote_ratio=dice.choice(["0", "50", "100"]),
        )
        for _ in range(100)
    ]
    path = write(text_of(rows))
    table = read_table(path)
    assert list(table.frame.columns) == list(schema.COLUMNS)
    assert [[str(cell) for cell in line] for line in table.frame.itertuples(index=False)] == rows
    assert table.notes == ()
    assert (table.rows, table.sha256, table.synthetic) == (100, sha256_of(path), False)
    integers = {name for name in schema.COLUMNS if table.frame[name].dtype == "int64"}
    assert integers == {"work_year", "salary", "salary_in_usd", "remote_ratio"}


def test_public_file_enters_without_a_note() -> None:
    given = os.environ.get("MLPAYGRADE_DATA")
    if not given:
        pytest.skip("MLPAYGRADE_DATA does not name the public file")
    table = read_table(given)
    assert table.rows == 16_494
    assert table.notes == ()
    assert table.frame["salary_in_usd"].agg(["min", "max"]).tolist() == [15_000, 800_000]
    assert table.frame["job_title"].nunique() == 155


@pytest.mark.parametrize(
    ("column", "text", "rule", "remedy"),
    [
        ("experience_level", "XX", "one of EN (Entry level), MI (Mid level), SE (Senior)", "code or its words"),
        ("remote_ratio", "25", "one of 0 (On site), 50 (Hybrid)", "code or its words"),
        ("remote_ratio", "-50", "one of 0 (On site), 50 (Hybrid)", "code or its words"),
        ("employee_residence", "QQ", "must be a country", "two-letter code"),
        ("work_year", "24", "year from 2015", "four digits"),
        ("work_year", "2024.5", "year from 2015", "four digits"),
        ("salary_in_usd", "120,000", "whole number", "Write 120000"),
        ("salary_in_usd", "$120k", "whole number", "Write 120000"),
        ("salary_in_usd", "1.2M", "whole number", "Write 1200000"),
        ("salary_in_usd", "a lot", "whole number", "digits only"),
        ("salary_in_usd", "120000.5", "whole number", "Round"),
        ("salary_in_usd", "inf", "whole number", "digits only"),
        ("salary_in_usd", "-120000", "from 1,000 to 5,000,000", "correct"),
        ("salary_in_usd", "120", "from 1,000 to 5,000,000", "correct"),
        ("salary_in_usd", "12000000", "from 1,000 to 5,000,000", "correct"),
        ("salary", "0", "positive", "correct"),
        ("salary_currency", "", "not be empty", "Fill"),
        ("salary_in_usd", "NaN", "not be empty", "Fill"),
        ("experience_level", "NA", "not be empty", "one of EN"),
        ("company_location", "n/a", "not be empty", "Fill"),
        ("company_location", "na", "not be empty", "Namibia is NA"),
        ("job_title", "   ", "not be empty", "Fill"),
        ("job_title", "12345", "contain a letter", "words"),
        ("job_title", "Data\x00Engineer", "NUL", "UTF-8"),
        ("job_title", "Donn\ufffdes Analyst", "U+FFFD", "source"),
        ("job_title", "x" * 500, "at most", "quote"),
    ],
)
def test_bad_value_is_named_with_row_and_remedy(write: Write, column: str, text: str, rule: str, remedy: str) -> None:
    defect = only(check_table(write(text_of([GOOD, row(**{column: text}), GOOD]))), column)
    assert rule in defect.rule
    assert remedy in defect.remedy
    assert (defect.rows, defect.count) == ((2,), 1)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("experience_level", "Senior", "SE"),
        ("experience_level", "junior", "EN"),
        ("employment_type", "full-time", "FT"),
        ("remote_ratio", "100%", 100),
        ("remote_ratio", "Hybrid", 50),
        ("company_size", "Large", "L"),
        ("company_location", "UK", "GB"),
        ("employee_residence", "Germany", "DE"),
        ("employee_residence", "NA", "NA"),
        ("experience_level", " se ", "SE"),
        ("company_location", "us", "US"),
        ("salary_in_usd", "120000.0", 120_000),
        ("salary_in_usd", "1.2E+05", 120_000),
        ("work_year", "2024.00", 2024),
        ("job_title", "Analyste de DonnÃ©es", "Analyste de Données"),
        ("job_title", "Data  Engineer\u00a0", "Data Engineer"),
        ("job_title", "Ingénieur", "Ingénieur"),
        ("job_title", "São Paulo Data Lead", "São Paulo Data Lead"),
    ],
)
def test_harmless_spelling_is_read_and_said(write: Write, column: str, text: str, value: str | int) -> None:
    table = read_table(write(text_of([GOOD, row(**{column: text}), row(**{column: text})])))
    assert table.frame[column].tolist()[1:] == [value, value]
    untouched = str(value) == text or text in ("Senior", "Hybrid", "Large", "Germany")
    assert bool(table.notes) is not untouched
    if not untouched:
        assert any(note.startswith(f"{column}: ") and "2 rows (first: row 2)" in note for note in table.notes)


def test_namibia_is_a_country_but_na_is_missing_elsewhere() -> None:
    assert read_value("employee_residence", "NA").value == "NA"
    assert read_value("job_title", "NA").defect is not None


def test_mojibake_is_undone_even_twice_and_real_accents_survive() -> None:
    for word in ("Données", "Größe", "Müller—Straße", "データ"):
        once = word.encode().decode("cp1252", errors="ignore") if word == "Données" else word
        assert repair_mojibake(once) == word
    twice = "Données".encode().decode("cp1252").encode().decode("cp1252")
    assert repair_mojibake(twice) == "Données"


def test_all_defects_are_reported_at_once(write: Write) -> None:
    rows = [
        row(experience_level="Wizard"),
        GOOD,
        row(salary_in_usd="", company_location="QQ"),
        [*GOOD, "extra"],
        GOOD[:4],
    ]
    report = check_table(write(text_of(rows)))
    found = {(defect.column, defect.rows) for defect in report.defects}
    assert found == {
        ("experience_level", (1,)),
        ("salary_in_usd", (3,)),
        ("company_location", (3,)),
        ("(file)", (4,)),
        ("(file)", (5,)),
    }
    with pytest.raises(DataError, match="5 defects") as raised:
        read_table(report.path)
    assert raised.value.defects == report.defects


def test_rows_after_a_ragged_one_keep_their_numbers(write: Write) -> None:
    report = check_table(write(text_of([GOOD, GOOD[:-1], row(company_size="XL")])))
    assert [defect.rows for defect in report.defects] == [(2,), (3,)]


def test_many_bad_values_are_summed_up_and_counted(write: Write) -> None:
    rows = [row(salary_in_usd=f"{number},000") for number in range(100, 300)]
    report = check_table(write(text_of(rows)))
    assert sum(defect.count for defect in report.defects) == 200
    assert len(report.defects) == gate.VALUES_PER_RULE + 1
    assert "180 further values" in report.defects[-1].value


def test_header_defects(write: Write) -> None:
    renamed = ["Work Yearr" if name == "work_year" else name for name in schema.COLUMNS]
    assert "'Work Yearr'" in only(check_table(write(text_of([GOOD], header=renamed))), "work_year").remedy
    short = [name for name in schema.COLUMNS if name != "company_size"]
    assert "Add the column" in only(check_table(write(text_of([GOOD[:-1]], header=short))), "company_size").remedy
    twice = [*schema.COLUMNS, "job_title"]
    assert "once" in only(check_table(write(text_of([[*GOOD, "x"]], header=twice))), "job_title").rule
    headless = check_table(write(text_of([GOOD], header=GOOD)))
    assert not headless.ok
    assert "first line must hold the column names" in headless.defects[0].remedy


def test_extra_and_shuffled_columns_are_accepted_and_said(write: Write) -> None:
    order = [*reversed(schema.COLUMNS), "city"]
    table = read_table(write(text_of([[*reversed(GOOD), "Oslo"]], header=order)))
    assert [str(cell) for cell in table.frame.iloc[0]] == GOOD
    assert any("city" in note for note in table.notes)
    assert any("order" in note for note in table.notes)


def test_without_salaries_only_features_are_needed_and_kept(write: Write) -> None:
    cells = dict(zip(schema.COLUMNS, GOOD, strict=True))
    bare = write(text_of([[cells[name] for name in schema.FEATURES]], header=schema.FEATURES))
    assert list(read_table(bare, require_salary=False).frame.columns) == list(schema.FEATURES)
    assert {defect.column for defect in check_table(bare).defects} == set(schema.FORBIDDEN)
    broken_salary = write(text_of([row(salary_in_usd="secret")]))
    table = read_table(broken_salary, require_salary=False)
    assert list(table.frame.columns) == list(schema.FEATURES)
    assert any("salary_in_usd" in note for note in table.notes)


@pytest.mark.parametrize(
    ("encode", "note"),
    [
        (lambda text: text.encode(), None),
        (lambda text: codecs.BOM_UTF8 + text.encode(), "byte order mark"),
        (lambda text: text.encode("utf-16"), "UTF-16"),
        (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), "UTF-16"),
        (lambda text: text.encode("cp1252"), "Windows-1252"),
        (lambda text: text.replace("\n", "\r\n").encode(), None),
        (lambda text: text.replace("\n", "\r").encode(), None),
    ],
)
def test_encodings_and_line_ends(write: Write, encode: Callable[[str], bytes], note: str | None) -> None:
    table = read_table(write(encode(text_of([row(job_title="Données – Analyste"), GOOD]))))
    assert table.frame["job_title"].tolist() == ["Données – Analyste", "Data Engineer"]
    assert len(table.notes) == (note is not None)
    assert note is None or note in table.notes[0]


def test_bytes_undefined_in_windows_1252_do_not_stop_the_reader(write: Write) -> None:
    report = check_table(write(text_of([row(job_title="@")]).encode().replace(b"@", b"Data \x81 \xe9")))
    assert "control characters" in only(report, "job_title").rule


def test_a_broken_byte_beyond_the_first_chunk_is_still_noticed(write: Write) -> None:
    body = text_of([GOOD] * 25_000).encode() + text_of([row(job_title="@")]).encode().split(b"\n")[1] + b"\n"
    table = read_table(write(body.replace(b"@", b"Donn\xe9es")))
    assert table.frame["job_title"].iloc[-1] == "Données"
    assert "Windows-1252" in table.notes[0]


@pytest.mark.parametrize(("delimiter", "said"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
def test_other_separators_are_accepted_and_said(write: Write, delimiter: str, said: str) -> None:
    table = read_table(write(text_of([GOOD], delimiter=delimiter)))
    assert [str(cell) for cell in table.frame.iloc[0]] == GOOD
    assert said in table.notes[0]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "not be empty"),
        (text_of([]).encode(), "at least one data row"),
        (b"PK\x03\x04rest", "text file"),
        (b"\x1f\x8b\x08rest", "text file"),
        (text_of([GOOD]).encode("utf-16-le"), "text file"),
        (codecs.BOM_UTF16_LE + text_of([GOOD]).encode("utf-16-le")[:-1], "valid UTF-16"),
    ],
)
def test_files_that_are_no_table_are_refused(write: Write, content: bytes, rule: str) -> None:
    assert rule in only(check_table(write(content)), "(file)").rule


def test_missing_path_and_directory_are_refused(tmp_path: Path) -> None:
    assert "data fetch" in only(check_table(tmp_path / "none.csv"), "(file)").remedy
    assert "file" in only(check_table(tmp_path), "(file)").rule


def test_unterminated_quote_names_the_row_where_it_opens(write: Write) -> None:
    lines = text_of([GOOD] * 5).splitlines()
    lines[3] = lines[3].replace("Data Engineer", '"Data Engineer')
    defect = only(check_table(write("\n".join(lines) + "\n")), "(file)")
    assert defect.rows == (3,)
    assert "not checked" in defect.remedy


def test_blank_lines_are_counted(write: Write) -> None:
    lines = text_of([GOOD] * 2).splitlines()
    table = read_table(write("\n\n".join(lines) + "\n"))
    assert table.rows == 2
    assert table.notes == ("2 blank lines ignored",)


def test_sidecar_marks_generated_data_only_for_the_same_content(write: Write) -> None:
    path = write(text_of([GOOD]))
    sidecar = sidecar_path(path)
    sidecar.write_text(json.dumps({"synthetic": True, "sha256": sha256_of(path)}))
    table = read_table(path)
    assert table.synthetic
    assert any("SYNTHETIC" in note for note in table.notes)
    write(text_of([GOOD, GOOD]))
    edited = read_table(path)
    assert not edited.synthetic
    assert any("another content" in note for note in edited.notes)


def test_memory_does_not_grow_with_the_text(write: Write) -> None:
    path = write(text_of([GOOD] * 60_000))
    read_table(path)  # imports pandas and fills caches
    tracemalloc.start()
    table = read_table(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.rows == 60_000
    assert peak < 60_000 * 300
