"""The model beside other sources: planted gaps are found, said in words, written and read back."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade.errors import BundleError
from mlpaygrade.evaluation.checked import CHECKED_PATH, Checked, CheckedGroup, CheckedSource, checked
from mlpaygrade.forecast.predictor import Predictor
from research.external import Observed, answers, board_figures, postings_2023, startup_bands
from research.validate import _median_range, _said, checked_page, validate, write

POSTING = [
    "job_title_short",
    "job_title",
    "job_location",
    "job_work_from_home",
    "job_country",
    "salary_year_avg",
    "salary_hour_avg",
    "company_name",
]
BAND = [
    "company",
    "title",
    "location",
    "country",
    "remote",
    "employment",
    "currency",
    "salary_min",
    "salary_max",
    "published_at",
]
GAPS = {"US": 0.0, "DE": 0.2, "FR": -0.1}
"""Country -> log of ours over theirs, planted in the survey."""


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory, predictor: Predictor) -> Checked:
    folder = tmp_path_factory.mktemp("external")
    jobs = [
        Observed(title="Data Engineer", experience="SE", country=country, year=2025, remote=False, usd=1.0)
        for country in GAPS
    ]
    typical = np.expm1(answers(predictor, jobs).log_typical)
    surveyed = [
        [usd * math.exp(-gap), 9, "", "", "", "Data engineer", country, "SE"]
        for (country, gap), usd in zip(GAPS.items(), typical, strict=True)
        for _ in range(40)
    ]
    _write(
        folder / "survey-2025.csv",
        ["salary", "YearsCode", "Country", "EdLevel", "PrimaryLanguage", "PrimaryRole", "iso", "lvl"],
        surveyed,
    )
    posting = [
        "Senior Data Engineer",
        "Senior Data Engineer",
        "Tampa, FL",
        "False",
        "United States",
        f"{typical[0]:.0f}",
        "",
        "A",
    ]
    _write(folder / "postings-2023.csv", POSTING, [posting] * 25)
    band = ["A", "Senior Data Engineer", "X", "US", "False", "FullTime", "USD", 1e5, 2e5, "2025-10-01"]
    _write(folder / "startup-bands-2025-10.csv", BAND, [band] * 25)
    nation = [["152051", "Data Scientists", "N", "0000000", "National", 1000, 100_000, 1]]
    _write(
        folder / "oews-2025-05.csv",
        ["soc", "occupation", "areatype", "area_code", "area", "employment", "a_p50", "wage_prse"],
        [*nation, ["152051", "Data Scientists", "N", "0000000", "National", 900, 200_000, 1]],
    )
    return validate(folder, predictor=predictor)


def _group(document: Checked, source: str, dimension: str, value: str) -> CheckedGroup:
    (groups,) = [one.groups for one in document.sources if one.key == source]
    (found,) = [group for group in groups if (group.dimension, group.value) == (dimension, value)]
    return found


@pytest.mark.parametrize(("country", "gap"), GAPS.items())
def test_a_planted_gap_is_found(document: Checked, country: str, gap: float) -> None:
    group = _group(document, "survey_2025", "country", country)
    assert group.n == 40
    assert group.log_difference == pytest.approx(gap, abs=1e-3)
    assert group.inside_90 == 1


def test_gaps_are_said_in_words(document: Checked) -> None:
    survey = [sentence for sentence in document.said if sentence.startswith("A survey of developers")]
    assert survey == [
        f"A survey of developers, 2025: {said}."
        for said in (
            "our figures lie above what people there say they earn in Germany +22% (+22% to +22%, 40 jobs)",
            "our figures lie below what people there say they earn in France -10% (-10% to -10%, 40 jobs)",
            "they agree within 5% in United States +0% (+0% to +0%, 40 jobs)",
        )
    ]


def test_a_gap_that_chance_explains_is_no_claim() -> None:
    def source(*groups: CheckedGroup) -> CheckedSource:
        return CheckedSource(
            key="x", name="X", kind="posted", when="", what="", how_to_read="", rows=1, refused=0, groups=groups
        )

    def group(label: str, gap: float, low: float, high: float) -> CheckedGroup:
        return CheckedGroup(
            dimension="country",
            value=label,
            label=label,
            n=41,
            log_difference=gap,
            inside_90=0.9,
            log_range=(low, high),
        )

    said = list(
        _said([source(group("A", 0.04, -0.14, 0.23), group("B", 0.3, 0.1, 0.4), group("C", 0.01, -0.02, 0.03))])
    )
    assert "too few jobs" in next(one for one in said if "A +4%" in one)
    assert "lie above" in next(one for one in said if "B +35%" in one)
    assert "agree within" in next(one for one in said if "C +1%" in one)


def test_the_interval_of_a_median_holds_it() -> None:
    rng = np.random.default_rng(0)
    held = [low <= 0 <= high for low, high in (_median_range(rng.normal(size=31)) for _ in range(400))]
    assert 0.92 < np.mean(held) <= 1


def test_official_medians_are_those_of_all_industries(document: Checked, predictor: Predictor) -> None:
    job = Observed(title="Data Scientist", experience="MI", country="US", year=2025, remote=False, usd=1.0)
    senior = Observed(title="Data Scientist", experience="SE", country="US", year=2025, remote=False, usd=1.0)
    middle = answers(predictor, [job, senior]).log_typical.mean()
    group = _group(document, "oews_2025", "title", "Data Scientist")
    assert group.n == 1000
    assert group.log_difference == pytest.approx(middle - math.log1p(100_000), abs=1e-3)


def test_the_page_and_the_table_hold_the_same(document: Checked, tmp_path: Path) -> None:
    write(document, tmp_path / "checked.md", table=tmp_path / "tables" / "checked.json")
    assert checked(tmp_path / "tables" / "checked.json") == document
    page = (tmp_path / "checked.md").read_text(encoding="utf-8")
    assert page == checked_page(document)
    assert "| Germany | 40 | +22% (+22% to +22%) | 100 ± 6 of 100 |" in page
    assert all(source.how_to_read in page for source in document.sources)


def test_the_table_that_ships_is_the_page_that_is_read() -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "checked.md"
    assert checked_page(checked()) == page.read_text(encoding="utf-8")
    assert {source.kind for source in checked().sources} == {"posted", "paid", "employed"}


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"schema": 99})])
def test_a_broken_table_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "checked.json").write_text(content, encoding="utf-8")
    with pytest.raises(BundleError, match="research validate"):
        checked(tmp_path / "checked.json")
    assert CHECKED_PATH.name == "checked.json"


def test_postings_of_the_search_engine_are_read_where_they_are(tmp_path: Path) -> None:
    base = ["Data Engineer", "Data Engineer", "Tampa, FL", "False", "Sudan", "100000", "", "A"]
    rows = [
        base,
        [*base[:2], "Khartoum", *base[3:]],
        [*base[:2], "Berlin, Germany", "False", "Germany", "81234", "", "B"],
        [*base[:2], "Berlin, Germany", "False", "Germany", "", "50", "C"],
        [*base[:2], "Tampa, FL", "True", "United States", "", "50", "D"],
        [*base[:2], "Tampa, FL", "True", "United States", "5", "", "E"],
    ]
    _write(tmp_path / "p.csv", POSTING, rows)
    found = [(job.country, job.usd, job.remote, job.employer) for job in postings_2023(tmp_path / "p.csv")]
    assert found == [("US", 100_000, False, "A"), ("DE", 81_234, False, "B"), ("US", 104_000, True, "D")]


def test_figures_of_a_job_board_stand_in_many_countries() -> None:
    rows = [{"salary_year_avg": "89100", "job_country": f"Country {n}"} for n in range(10)]
    assert board_figures([*rows, {"salary_year_avg": "70000", "job_country": "Germany"}]) == {"89100"}


def test_bands_are_in_dollars_of_their_day(tmp_path: Path) -> None:
    rows = [
        ["A", "Data Engineer", "Berlin", "Germany", "False", "FullTime", "EUR", 70_000, 90_000, "2025-10-01"],
        ["B", "Data Engineer", "Berlin", "Germany", "False", "Intern", "EUR", 70_000, 90_000, "2025-10-01"],
    ]
    _write(tmp_path / "b.csv", BAND, rows)
    (job,) = startup_bands(tmp_path / "b.csv")
    assert (job.country, job.experience, job.year) == ("DE", "MI", 2025)
    assert job.usd == pytest.approx(math.sqrt(70_000 * 90_000) * 1.17, rel=0.02)
