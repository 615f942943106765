"""Jobs of other trades are refused however many general words they share; jobs of the field are answered, in six languages.

`data/relevance.csv` was written for this: other trades after occupations of O*NET-SOC (English) and ISCO-08 (other languages),
with their codes. A title falls to a part by its checksum; what is judged wrongly in the part "held_out" was never listed while
the table of words was made. One author wrote both, so titles of others will be judged somewhat worse.
"""

import csv
from pathlib import Path

import pytest

from mlpaygrade.job.lookup import rows
from mlpaygrade.job.relevance import relevance

with (Path(__file__).parent / "data" / "relevance.csv").open(encoding="utf-8") as lines:
    LABELLED = list(csv.DictReader(lines))


def share_wrong(kind: str, part: str) -> float:
    chosen = [row["title"] for row in LABELLED if (row["kind"], row["part"]) == (kind, part)]
    return sum(relevance(title).answerable != (kind == "field") for title in chosen) / len(chosen)


def test_the_list_is_large_enough() -> None:
    for kind in ("other", "field"):
        assert sum(row["kind"] == kind for row in LABELLED) >= 300
        assert len({row["language"] for row in LABELLED if row["kind"] == kind}) >= 5
    assert all(row["code"] for row in LABELLED if row["kind"] == "other")


@pytest.mark.parametrize("part", ["develop", "held_out"])
@pytest.mark.parametrize("kind", ["other", "field"])
def test_at_most_three_in_a_hundred_are_judged_wrongly(kind: str, part: str) -> None:
    assert share_wrong(kind, part) <= 0.03


def test_titles_of_the_editions_stay_answerable() -> None:
    titles = {row["title"] for row in rows("titles") if row["source"] != "common title"}
    assert [title for title in titles if not relevance(title, known={"Data Scientist"}).answerable] == []


@pytest.mark.parametrize(
    "title",
    [
        *("Staff Nurse", "Staff Accountant", "Production Technician I", "Sales and Food Preparation"),
        *(
            "Coffee Machine Technician",
            "Vision Therapist",
            "Head Chef",
            "Nurse",
            "AI Recruiter",
            "Real Estate Developer",
        ),
        *(
            "Systems Engineer - Railway",
            "Teacher of Computer Science",
            "Data Entry Clerk",
            "Opérateur de saisie de données",
        ),
    ],
)
def test_general_words_and_single_core_words_save_no_other_trade(title: str) -> None:
    judged = relevance(title)
    assert not judged.answerable
    assert judged.reason[0] in '"N'


@pytest.mark.parametrize(
    ("title", "nearest"),
    [
        ("Datenanalyst (m/w/d)", "Data Analyst"),
        ("Senior Data Scientist @ Google", "Data Scientist"),
        ("Machne Lerning Engneer", "Machine Learning Engineer"),
        ("Softwarequalitätsingenieur", None),
    ],
)
def test_a_job_of_the_field_names_itself_or_the_nearest(title: str, nearest: str | None) -> None:
    judged = relevance(title)
    assert judged.answerable
    assert nearest is None or judged.nearest == nearest


@pytest.mark.parametrize(
    ("title", "nearest"),
    [
        *(("Budget Analyst", "Data Analyst"), ("Staff Accountant", "Finance Data Analyst"), ("Staff Nurse", None)),
        *(("Food Scientist", "Research Scientist"), ("Graphic Designer", None)),
    ],
)
def test_a_refusal_names_a_job_of_the_same_kind_or_none(title: str, nearest: str | None) -> None:
    judged = relevance(title)
    assert not judged.answerable
    assert judged.nearest == nearest


def test_the_first_known_of_several_is_the_nearest() -> None:
    assert relevance("Staff Accountant", known={"Data Analyst"}).nearest == "Data Analyst"
    assert relevance("Staff Accountant", known={"Baker"}).nearest is None


def test_the_nearest_is_always_a_known_title() -> None:
    known = frozenset({"Data Analyst", "Data Engineer"})
    for row in LABELLED:
        assert relevance(row["title"], known=known).nearest in {*known, None}
