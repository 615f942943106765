"""Mapping of columns and own words, the questions that are asked, the summary, the commands and the range for an advert."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from mlpaygrade.benchmarking.appraisal import Rules, advert_range, appraise, judge
from mlpaygrade.benchmarking.mapping import SheetMapping, accepted, mapping_text, read_mapping
from mlpaygrade.benchmarking.proposal import propose_columns, propose_levels
from mlpaygrade.benchmarking.report import run_benchmark
from mlpaygrade.benchmarking.sheet import read_sheet
from mlpaygrade.benchmarking.summary import cost_sentence, raised_by, summarise
from mlpaygrade.cli import app
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.money.terms import pay_terms

OWN = "Position;Grade;Office;Gehalt;Abteilung\nData Engineer;L3;Berlin;55.000;A\nData Engineer;L5;München;95.000;B\n"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def test_columns_are_proposed_from_names_and_from_contents(predictor: Predictor) -> None:
    cells = [["Ann"], ["Data Engineer"], ["Senior", "Mid"], ["Germany"], ["85,000"], ["10%"]]
    named = propose_columns(
        ["Name", "Stelle", "Niveau", "País", "Base salary", "Bonus target"], cells, known=predictor.known_titles
    )
    assert [p.field for p in named] == ["", "job_title", "experience_level", "company_location", "salary", ""]
    assert all(p.sure for p in named if p.field)
    blind = propose_columns(["A", "B", "C", "D", "E", "F"], cells, known=predictor.known_titles)
    assert [p.field for p in blind] == ["", "job_title", "experience_level", "company_location", "salary", ""]
    assert not blind[2].sure
    twins = propose_columns(["Annual salary", "Base pay"], [["85,000"], ["80,000"]], known=predictor.known_titles)
    assert (twins[0].field, twins[0].rival) == ("salary", "Base pay")


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ("L3 L4 L5 L8", "EN MI SE EX"),
        ("I II III IV", "EN MI SE SE"),
        ("Associate Principal Director", "EN SE "),
        ("Guru Wizard", " "),
    ],
)
def test_own_grades_get_a_proposed_level(words: str, levels: str) -> None:
    texts = words.split()
    found = propose_levels(texts)
    assert [found.get(text, "") for text in texts] == levels.split(" ")


def test_years_of_experience_get_a_proposed_level() -> None:
    found = propose_levels(["0", "3 years", "10+ yrs", "4-6"], "Years of experience")
    assert list(found.values()) == ["EN", "MI", "SE", "SE"]


def test_own_words_are_asked_once_and_answers_are_remembered(predictor: Predictor, tmp_path: Path) -> None:
    asked = read_sheet(OWN.encode(), reader=predictor.reader)
    assert [(q.kind, q.field) for q in asked.questions] == [("values", "experience_level"), ("currency", "salary")]
    assert [word.text for word in asked.questions[0].words] == ["L3", "L5"]
    mapping = accepted(asked.mapping, asked.questions)
    path = tmp_path / "m.toml"
    path.write_text(mapping_text(mapping), encoding="utf-8")
    again = read_sheet(OWN.encode(), reader=predictor.reader, mapping=read_mapping(path))
    assert not again.questions
    assert not again.problems
    assert [again.value("experience_level", row) for row in range(2)] == ["EN", "SE"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns]\nwages = 'Pay'", "fields are"),
        ("[values.experience_level]\nL3 = 'XX'", "must be one of EN"),
        ("[pay]\ncurrency = 'DOUBLOON'", "currency"),
        ("[pay]\nperiod = 'fortnight'", "must be one of year"),
        ("[other]\na = 1", "a mapping has the parts"),
        ("columns = 3", "must be a table"),
        ("[columns]\njob_title = 3", "must be a text"),
        ("= 1", "TOML or JSON"),
        ("version = 9", "version 1"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_rule(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_mapping(text)


def test_a_mapping_that_names_a_column_that_is_not_there_is_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="names the column 'Lohn'"):
        read_sheet(OWN.encode(), reader=predictor.reader, mapping=SheetMapping(columns={"salary": "Lohn"}))


def test_part_time_pay_is_raised_to_full_time(predictor: Predictor) -> None:
    head = "Job title,Level,Country,Pay USD"
    shares = read_sheet(
        f"{head},FTE\nData Engineer,Senior,US,80000,0.8\nData Engineer,Senior,US,80000,80 %\n"
        "Data Engineer,Senior,US,80000,\nData Engineer,Senior,US,80000,often\n".encode(),
        reader=predictor.reader,
    )
    assert shares.amounts["pay_usd"][:3].tolist() == [100_000, 100_000, 80_000]
    assert [problem.row for problem in shares.problems] == [4]
    hours = f"{head},Weekly hours\nData Engineer,Senior,US,80000,20\nData Engineer,Senior,US,80000,40\n".encode()
    asked = read_sheet(hours, reader=predictor.reader)
    assert [q.kind for q in asked.questions] == ["hours"]
    told = read_sheet(hours, reader=predictor.reader, mapping=accepted(asked.mapping, asked.questions))
    assert told.amounts["pay_usd"].tolist() == [160_000, 80_000]


def test_the_summary_adds_up(predictor: Predictor) -> None:
    text = "Job title,Level,Country,Department,Pay USD\n" + "".join(
        f"Data Engineer,Senior,US,{'AB'[n % 2]},{60_000 + 20_000 * n}\n" for n in range(10)
    )
    rules = Rules(until=date(2024, 1, 1), percentile=0.5)
    frame = judge(appraise(read_sheet(text.encode(), reader=predictor.reader), predictor), predictor, rules)
    summary = summarise(frame)
    assert summary.below + summary.near + summary.above == summary.paid == 10
    assert summary.cost_usd == pytest.approx((frame["target"] - frame["pay"]).clip(lower=0).sum())
    assert summary.furthest[0].pay_usd == 60_000
    assert sum(group.cost_usd for group in summary.groups["department"]) == pytest.approx(summary.cost_usd)
    assert set(summary.groups) == {"department"}
    all_of_it = raised_by(frame, summary.cost_usd)
    assert (all_of_it.people, all_of_it.left) == (summary.behind, 0)
    assert raised_by(frame, summary.furthest[0].cost_usd).people == 1
    assert raised_by(frame, 0).people == 0
    assert "middle of the market" in cost_sentence(summary, rules)
    market = appraise(read_sheet(text.encode(), reader=predictor.reader), predictor)
    higher = judge(market, predictor, Rules(until=date(2024, 1, 1), percentile=0.75))
    assert (higher["target"] > frame["target"]).all()


def test_files_speak_the_readers_currency_in_numbers(predictor: Predictor) -> None:
    terms = pay_terms("EUR")
    text = b"Job title,Level,Country,Pay USD,Reference\nData Engineer,Senior,US,150000,secret-key\n"
    found = run_benchmark(text, predictor=predictor, terms=terms)
    row = next(csv.DictReader(io.StringIO(found.content(".csv").decode("utf-8-sig"))))
    assert float(row["Pay EUR"]) == round(150_000 * terms.rate.value)
    book = load_workbook(io.BytesIO(found.content(".xlsx")))
    cells = {cell.value: book["Rows"].cell(2, cell.column) for cell in book["Rows"][1]}
    assert (cells["Pay EUR"].data_type, cells["Compa-ratio"].data_type) == ("n", "n")
    page = found.content(".html").decode()
    assert "<script" not in page
    assert "secret-key" not in page


def test_benchmark_asks_through_a_mapping_file_and_then_writes(tmp_path: Path) -> None:
    source, out, mapping = tmp_path / "pay.csv", tmp_path / "out.xlsx", tmp_path / "m.toml"
    source.write_text(OWN, encoding="utf-8")
    command = ["benchmark", str(source), "--output", str(out), "--mapping", str(mapping), "--currency", "EUR"]
    first = CliRunner().invoke(app, command)
    assert isinstance(first.exception, DataError)
    assert not out.exists()
    assert '"L3" = "EN"' in mapping.read_text(encoding="utf-8")
    second = CliRunner().invoke(app, command)
    assert second.exception is None, second.output
    assert load_workbook(out).sheetnames == ["Summary", "Rows", "Problems", "Method", "Mapping"]
    scored = CliRunner().invoke(
        app, ["score", str(source), "--output", str(tmp_path / "s.csv"), "--mapping", str(mapping)]
    )
    assert scored.exception is None, scored.output


def test_score_needs_title_and_country_only_and_says_the_defaults_once(tmp_path: Path) -> None:
    source = tmp_path / "jobs.csv"
    source.write_text("title,country\nSenior Data Engineer,US\nJunior Data Analyst,DE\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["score", str(source), "--output", str(tmp_path / "s.csv")])
    assert done.exception is None, done.output
    assert done.stderr.count("every row is read as on site") == 1
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["estimate_usd"] for row in rows)
    assert not any("not given; read as" in row["reason"] for row in rows)


@pytest.mark.parametrize("widest", [1.1, 1.35, 2.0])
def test_an_advert_range_is_no_wider_than_wanted_and_gives_its_reasons(predictor: Predictor, widest: float) -> None:
    answer = predictor.answer(predictor.read_job(title="Data Engineer", experience="SE", location="US"))
    found = advert_range(answer, widest=widest)
    assert found.low <= found.high <= widest * found.low
    assert answer.newest_advert in " ".join(found.reasons)
    assert "equal value" in " ".join(found.limits)


def test_an_advert_range_is_refused_where_there_is_no_answer(predictor: Predictor) -> None:
    plumber = predictor.answer(predictor.read_job(title="Plumber", experience="SE", location="US"))
    with pytest.raises(InputError, match="no estimate to build on"):
        advert_range(plumber)
    engineer = predictor.answer(predictor.read_job(title="Data Engineer", experience="SE", location="US"))
    with pytest.raises(InputError, match="high end is"):
        advert_range(engineer, widest=5)
