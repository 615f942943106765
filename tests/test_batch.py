"""Scoring a file: every row keeps its place, no salary is used, wrong rows say why."""

import csv
from pathlib import Path

import pytest

from mlpaygrade import Predictor
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast.score import ADDED, score_file
from mlpaygrade.job.fields import FEATURES

HEADER = list(FEATURES)
GOOD = ["2024", "SE", "FT", "Data Scientist", "US", "0", "US", "M"]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def write(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_figures_are_those_of_predict_and_rows_keep_their_order(predictor: Predictor, tmp_path: Path) -> None:
    rows = [
        GOOD,
        [*GOOD[:3], "Data Analyst", *GOOD[4:]],
        GOOD,
        ["2030", "EN", "FT", "Data Pipeline Wizard", "DE", "100", "DE", "L"],
    ]
    summary = score_file(write(tmp_path / "in.csv", rows), tmp_path / "out.csv", predictor=predictor)
    assert (summary.rows, summary.unanswered, summary.distinct_jobs) == (4, 0, 3)
    out = read(tmp_path / "out.csv")
    assert [[row[column] for column in HEADER] for row in out] == rows
    estimate = predictor.answer(
        predictor.read_job(title="Data Scientist", experience="SE", location="US", remote=0, size="M", year=2024)
    )
    assert int(out[0]["estimate_usd"]) == round(estimate.estimate_usd)
    assert int(out[0]["lower_90_usd"]) == round(estimate.intervals_usd[90][0])
    assert out[0] == out[2]
    assert out[0]["reason"] == ""
    assert "Data Pipeline Wizard" in out[3]["reason"]
    assert "2030" in out[3]["reason"]


def test_a_wrong_row_keeps_its_place_with_a_reason(predictor: Predictor, tmp_path: Path) -> None:
    wrong = [["2024", "Wizard", *GOOD[2:]], [*GOOD[:6], "ZZ", "M"], ["24", *GOOD[1:]], [*GOOD[:3], "", *GOOD[4:]]]
    summary = score_file(write(tmp_path / "in.csv", [GOOD, *wrong, GOOD]), tmp_path / "out.csv", predictor=predictor)
    assert (summary.rows, summary.unanswered) == (6, 4)
    out = read(tmp_path / "out.csv")
    assert out[0]["estimate_usd"]
    assert out[5]["estimate_usd"]
    for row, column in zip(out[1:5], ["experience level", "company's country", "year", "job title"], strict=True):
        assert all(row[name] == "" for name in ADDED if name != "reason")
        assert column in row["reason"]


def test_salaries_pass_through_and_change_nothing(predictor: Predictor, tmp_path: Path) -> None:
    header = [*HEADER, "salary_in_usd", "remark"]
    source = write(tmp_path / "in.csv", [[*GOOD, "1", 'a, "b"'], [*GOOD, "900000", "=1+1"]], header)
    score_file(source, tmp_path / "out.csv", predictor=predictor)
    first, second = read(tmp_path / "out.csv")
    assert (first["salary_in_usd"], second["salary_in_usd"]) == ("1", "900000")
    assert first["remark"] == 'a, "b"'
    assert first["estimate_usd"] == second["estimate_usd"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(predictor: Predictor, tmp_path: Path, encoding: str) -> None:
    text = ",".join(HEADER) + "\n" + ",".join([*GOOD[:3], "Analyste de données", *GOOD[4:]]) + "\n"
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor=predictor)
    assert read(tmp_path / "out.csv")[0]["job_title"] == "Analyste de données"


def test_nothing_is_written_where_the_file_is_no_table_of_jobs(predictor: Predictor, tmp_path: Path) -> None:
    cases = {
        "missing": ",".join(HEADER[1:]) + "\n",
        "empty": ",".join(HEADER) + "\n",
        "ragged": ",".join(HEADER) + "\n" + ",".join(GOOD) + "\n" + ",".join(GOOD) + ",extra\n",
        "taken": ",".join([*HEADER, "estimate_usd"]) + "\n" + ",".join([*GOOD, "1"]) + "\n",
    }
    for name, text in cases.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        with pytest.raises(DataError):
            score_file(path, tmp_path / "out.csv", predictor=predictor)
        assert not (tmp_path / "out.csv").exists(), name
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(cases)


def test_the_source_is_never_overwritten(predictor: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", [GOOD])
    with pytest.raises(InputError, match="another file"):
        score_file(path, path, predictor=predictor)
    assert read(path)[0]["job_title"] == "Data Scientist"


@pytest.mark.parametrize("name", ["job", "_row", "id", "f0", "value", 'say "hi"', "; DROP TABLE x"])
def test_no_name_of_a_column_collides(predictor: Predictor, tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "in.csv", [["A-1", *GOOD], ["A-2", *GOOD]], [name, *HEADER])
    assert score_file(source, tmp_path / "out.csv", predictor=predictor).unanswered == 0
    assert [row[name] for row in read(tmp_path / "out.csv")] == ["A-1", "A-2"]


def test_a_row_that_begins_with_a_hash_is_a_row(predictor: Predictor, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [["#1", *GOOD], ["2", *GOOD], ["# 3", *GOOD]], ["id", *HEADER])
    assert score_file(source, tmp_path / "out.csv", predictor=predictor).rows == 3
    assert [row["id"] for row in read(tmp_path / "out.csv")] == ["#1", "2", "# 3"]


def test_a_pattern_in_the_name_reads_that_very_file(predictor: Predictor, tmp_path: Path) -> None:
    write(tmp_path / "pay2.csv", [GOOD] * 3)
    source = write(tmp_path / "pay[2].csv", [GOOD])
    assert score_file(source, tmp_path / "out*.csv", predictor=predictor).rows == 1
    assert len(read(tmp_path / "out*.csv")) == 1


def test_kinds_of_unanswered_rows_are_counted_and_bounded(predictor: Predictor, tmp_path: Path) -> None:
    rows = [[*GOOD[:6], f"Land {n} x", "M"] for n in range(1_200)] + [GOOD]
    summary = score_file(write(tmp_path / "in.csv", rows), tmp_path / "out.csv", predictor=predictor)
    assert (summary.rows, summary.unanswered) == (1_201, 1_200)
    assert sum(summary.reasons.values()) == 1_200
    assert len(summary.reasons) == 21
    assert all("company's country" in row["reason"] for row in read(tmp_path / "out.csv")[:-1])


def test_a_kind_of_unanswered_rows_is_its_reason_without_remarks(predictor: Predictor, tmp_path: Path) -> None:
    nurse = [*GOOD]
    nurse[HEADER.index("job_title")] = "Staff Nurse"
    unsaid = [*nurse]
    unsaid[HEADER.index("company_size")] = ""
    summary = score_file(write(tmp_path / "in.csv", [nurse, unsaid]), tmp_path / "out.csv", predictor=predictor)
    ((kind, rows),) = summary.reasons.items()
    assert rows == 2
    assert kind.startswith("not enough data: ")
    assert [row["reason"].startswith(f"not answered: {kind}") for row in read(tmp_path / "out.csv")] == [True, True]


def test_a_file_that_changes_while_it_is_read_gives_no_output(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "in.csv", [GOOD, GOOD])

    def meanwhile(unit: str, done: int, total: int) -> None:
        write(source, [GOOD, GOOD, GOOD])

    with pytest.raises(DataError, match="changed while it was read"):
        score_file(source, tmp_path / "out.csv", predictor=predictor, progress=meanwhile)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]


def test_a_workbook_is_scored_like_the_same_rows_as_text(predictor: Predictor, tmp_path: Path) -> None:
    import xlsxwriter

    rows = [[*GOOD, "007"], ["2024", "MI", "FT", "Data Engineer", "DE", "50", "DE", "L", "#1"]]
    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        sheet = book.add_worksheet()
        for n, row in enumerate([[*HEADER, "id"], *rows]):
            sheet.write_row(n, 0, row)
    score_file(tmp_path / "in.xlsx", tmp_path / "book.csv", predictor=predictor)
    score_file(write(tmp_path / "in.csv", rows, [*HEADER, "id"]), tmp_path / "text.csv", predictor=predictor)
    assert (tmp_path / "book.csv").read_bytes() == (tmp_path / "text.csv").read_bytes()


def jobs_table():  # type: ignore[no-untyped-def]
    """Rows of several types, with values that are missing."""
    pa = pytest.importorskip("pyarrow")
    columns = {
        "id": pa.array([7, 8, 9, 10], pa.int16()),
        "job_title": pa.array(["Data Scientist", None, "Data Engineer", "Data Scientist"]).dictionary_encode(),
        "experience_level": ["SE"] * 4,
        "company_location": ["US", "US", "DE", "US"],
        "remote_ratio": [0.0, 100.0, None, 0.0],
        "work_year": pa.array([2024, 2024, None, 2024], pa.int64()),
        "tags": [["a"], [], None, ["b", "c"]],
    }
    return pa.table(columns).replace_schema_metadata({"kept": "yes"})


def test_parquet_keeps_types_and_answers_as_text_does(predictor: Predictor, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = jobs_table()
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=3, compression="zstd")
    summary = score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", predictor=predictor)
    assert (summary.rows, summary.unanswered, summary.distinct_jobs) == (4, 1, 3)
    out = parquet.read_table(tmp_path / "out.parquet")
    assert out.select(table.column_names).equals(table)
    assert out.schema.metadata == table.schema.metadata
    assert parquet.read_metadata(tmp_path / "out.parquet").row_group(0).column(0).compression == "ZSTD"
    text = [["2024", "Data Scientist", "SE", "US", "0"], ["2024", "", "SE", "US", "100"]]
    text += [["", "Data Engineer", "SE", "DE", ""], text[0]]
    header = ["work_year", "job_title", "experience_level", "company_location", "remote_ratio"]
    score_file(write(tmp_path / "in.csv", text, header), tmp_path / "out.csv", predictor=predictor)
    as_text = [{name: row[name] for name in ADDED} for row in read(tmp_path / "out.csv")]
    as_typed = [{k: "" if v is None else str(v) for k, v in row.items()} for row in out.select(ADDED).to_pylist()]
    assert as_typed == as_text


@pytest.mark.parametrize("fault", ["no rows", "damaged", "nested title", "name twice", "csv"])
def test_a_parquet_file_that_cannot_be_scored_says_why(predictor: Predictor, tmp_path: Path, fault: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    source, table = tmp_path / "in.parquet", jobs_table()
    if fault == "no rows":
        table = table.slice(0, 0)
    elif fault == "nested title":
        table = table.drop_columns("job_title").rename_columns(
            [name.replace("tags", "job_title") for name in table.column_names if name != "job_title"]
        )
    elif fault == "name twice":
        table = table.rename_columns(["work_year", *table.column_names[1:]])
    parquet.write_table(table, source)
    if fault == "damaged":
        source.write_bytes(source.read_bytes()[:200] + bytes(100) + source.read_bytes()[300:])
    if fault == "csv":
        source = write(tmp_path / "in.csv", [GOOD])
    with pytest.raises(InputError if fault == "csv" else DataError):
        score_file(source, tmp_path / "out.parquet", predictor=predictor)
    assert not (tmp_path / "out.parquet").exists()


def test_forgetting_jobs_changes_no_answer(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [[*GOOD[:3], title, *GOOD[4:]] for title in ("Data Scientist", "Data Analyst", "Wizard") * 20]
    source = write(tmp_path / "in.csv", rows)
    kept = score_file(source, tmp_path / "kept.csv", predictor=predictor)
    monkeypatch.setattr("mlpaygrade.forecast.score.KEPT", 2)
    monkeypatch.setattr("mlpaygrade.dataset.lines.PIECE_BYTES", 100)
    forgot = score_file(source, tmp_path / "forgot.csv", predictor=predictor)
    assert (tmp_path / "kept.csv").read_bytes() == (tmp_path / "forgot.csv").read_bytes()
    assert (kept.rows, kept.unanswered, kept.reasons) == (forgot.rows, forgot.unanswered, forgot.reasons)
    assert (kept.distinct_jobs, forgot.distinct_jobs > 3) == (3, True)
