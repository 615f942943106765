"""What a title says beside its job is set aside and said; what a person chose is held against it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LABELS
from mlpaygrade.job.lookup import rows, squash
from mlpaygrade.job.reading import contradictions, read_title
from mlpaygrade.job.titles import edition_titles


@pytest.mark.parametrize("title", sorted(edition_titles() - {"Analista de Datos"}))
def test_a_title_of_the_editions_stays_that_title(title: str) -> None:
    reading = read_title(title)
    assert squash(reading.title) == squash(title)
    assert reading.known
    assert reading.set_aside == ()


@pytest.mark.parametrize(
    ("title", "level", "rank"),
    [
        *(
            ("Lead Data Scientist", "SE", "lead"),
            ("Staff Data Scientist", "SE", "staff"),
            ("Head of Data", "EX", "head"),
        ),
        *(("Principal Data Engineer", "SE", "principal"), ("Director of Data Science", "EX", "director")),
        *(("Data Science Manager", "SE", "manager"), ("Chief Data Officer", "EX", "chief"), ("VP of Data", "EX", "VP")),
        *(("Product Manager", None, None), ("Data Manager", None, None), ("Member of Technical Staff", None, None)),
        *(("Associate", None, None), ("Research Associate", None, None), ("Data Scientist", None, None)),
    ],
)
def test_the_rank_of_a_known_title_is_read_and_stays_in_it(title: str, level: str | None, rank: str | None) -> None:
    reading = read_title(title)
    assert (reading.level, reading.rank) == (level, rank)


@pytest.mark.parametrize(
    ("text", "level", "rank"),
    [
        *(("Data Analyst Intern", "EN", "intern"), ("Jr. Data Analyst", "EN", "junior"), ("Data Analyst I", "EN", "I")),
        *(("Data Analyst II", "MI", "II"), ("Data Analyst III", "SE", "III"), ("Data Analyst IV", "SE", "IV")),
        *(
            ("Sr. Data Analyst", "SE", "senior"),
            ("Data Analyst, Senior", "SE", "senior"),
            ("Associate Data Analyst", "EN", "associate"),
        ),
        *(("Werkstudent Data Analyst", "EN", "working student"), ("Stagiaire Data Analyst", "EN", "intern")),
        *(
            ("Becario Data Analyst", "EN", "intern"),
            ("Data Analyst Pleno", "MI", "mid"),
            ("Medior Data Analyst", "MI", "mid"),
        ),
        *(("Data Analyst (Sênior)", "SE", "senior"), ("Graduate Data Analyst", "EN", "graduate")),
    ],
)
def test_a_level_word_is_set_aside_and_read(text: str, level: str, rank: str) -> None:
    reading = read_title(text)
    assert (reading.title, reading.level, reading.rank) == ("Data Analyst", level, rank)
    assert len(reading.set_aside) == 1
    assert any(f"The title says {rank}" in remark for remark in reading.remarks)


@pytest.mark.parametrize(
    ("text", "remote", "employment", "aside"),
    [
        ("Data Engineer (Remote)", 100, None, ("Remote",)),
        ("Data Engineer - hybrid", 50, None, ("hybrid",)),
        ("Data Engineer, 50% remote", 50, None, ("50% remote",)),
        ("Data Engineer (vor Ort)", 0, None, ("vor Ort",)),
        ("Part-time Data Engineer", None, "PT", ("Part-time",)),
        ("Data Engineer in Teilzeit", None, "PT", ("Teilzeit",)),
        ("Freelance Data Engineer", None, "FL", ("Freelance",)),
        ("Data Engineer - CDD", None, "CT", ("CDD",)),
        ("Data Engineer Vollzeit", None, "FT", ("Vollzeit",)),
        ("Data Engineer @ Google", None, None, ("@ Google",)),
        ("Data Engineer at Google", None, None, ("at Google",)),
        ("Data Engineer - Berlin", None, None, ("Berlin",)),
        ("Data Engineer, Boston, MA", None, None, ("Boston", "MA")),
        ("Data Engineer (m/w/d)", None, None, ("(m/w/d)",)),
        ("Data Engineer H/F", None, None, ("H/F",)),
        ("Data Engineer, Growth", None, None, ("Growth",)),
        ("Data Engineer with Databricks", None, None, ("Databricks",)),
    ],
)
def test_what_is_said_beside_the_job_is_set_aside(
    text: str, remote: int | None, employment: str | None, aside: tuple[str, ...]
) -> None:
    reading = read_title(text)
    assert (reading.title, reading.remote, reading.employment) == ("Data Engineer", remote, employment)
    assert reading.set_aside == aside
    assert any("Set aside from the title" in remark for remark in reading.remarks)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        *(
            ("Datenanalyst", "Data Analyst"),
            ("Datenwissenschaftler", "Data Scientist"),
            ("ingénieur données", "Data Engineer"),
        ),
        *(
            ("analista de datos", "Data Analyst"),
            ("cientista de dados", "Data Scientist"),
            ("Hoofd Data", "Head of Data"),
        ),
        *(("Jefe de Datos", "Head of Data"), ("Leiter Data Science", "Head of Data Science")),
    ],
)
def test_native_words_give_the_english_title_and_that_is_said(text: str, title: str) -> None:
    reading = read_title(text)
    assert reading.title == title
    assert reading.remarks[0].startswith(f'Read "{text}" as {title} (')


@pytest.mark.parametrize(
    "text",
    [
        "Head of Marketing - Data",
        "Manager, Store Operations",
        "Remote Sensing Scientist",
        "Director, Data Science & AI",
    ],
)
def test_a_head_of_something_else_and_a_word_that_looks_like_a_remark_stay(text: str) -> None:
    reading = read_title(text)
    assert not reading.known
    assert reading.title.split(maxsplit=1)[0].strip(",") == text.split(maxsplit=1)[0].strip(",")


@pytest.mark.parametrize(
    ("text", "experience", "employment", "said"),
    [
        ("Unpaid Data Science Intern", "SE", "FT", ["intern", "senior", "unpaid"]),
        ("Junior Data Scientist", "EX", "FT", ["junior", "executive"]),
        ("Freelance Data Scientist", "SE", "FT", ["freelance", "full time"]),
        ("Part-time Data Analyst", "SE", "FT", ["part time", "full time"]),
        ("Chief Data Officer", "EN", "FT", ["chief", "entry level"]),
        ("Senior Data Scientist", "SE", "FT", []),
        ("Lead Data Scientist", "MI", "FT", []),
        ("Data Scientist", "EX", "CT", []),
    ],
)
def test_contradictions_are_said_and_nothing_else(text: str, experience: str, employment: str, said: list[str]) -> None:
    sentences = contradictions(read_title(text), experience=experience, employment=employment, remote=0)  # type: ignore[arg-type]
    assert bool(sentences) is bool(said)
    for word in said:
        assert word in " ".join(sentences)


def test_what_was_not_chosen_contradicts_nothing() -> None:
    assert contradictions(read_title("Junior Data Scientist (Remote)")) == ()
    assert "fully remote" in contradictions(read_title("Data Scientist (Remote)"), remote=0)[0]


def test_a_title_of_one_word_is_taken_out_of_ranks_but_of_nothing_else() -> None:
    assert read_title("Staff Engineer").title == "Engineer"
    assert not read_title("Engineer, Locomotives").known
    assert not read_title("Data Science Lead", known={"Data Science"}).known


def test_the_caller_says_which_titles_are_known() -> None:
    assert read_title("Senior Baker", known={"Baker"}).title == "Baker"
    assert not read_title("Senior Data Engineer", known={"Baker"}).known


def test_the_tables_speak_of_levels_and_codes_that_exist() -> None:
    for row in rows("title_ranks"):
        assert {row["level"], *row["fits"].split("|")} <= LABELS[EXPERIENCE].keys()
        assert row["level"] in row["fits"].split("|")
        assert (row["place"], row["stays"]) in {(p, s) for p in ("any", "front", "end") for s in ("no", "soft", "yes")}
    for row in rows("title_remarks"):
        assert row["kind"] != "employment" or row["value"] in {"", *LABELS[EMPLOYMENT]}
        assert row["kind"] != "remote" or row["value"] in {"0", "50", "100"}


@given(st.text(max_size=110))
def test_any_title_is_read_or_refused_with_input_error(text: str) -> None:
    try:
        reading = read_title(text)
    except InputError:
        return
    assert reading.title.strip()
    assert read_title(reading.title).title == reading.title
