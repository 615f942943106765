"""A place gives the country that is meant, or none and the reason; a country is never guessed from a misspelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.benchmarking.sheet import read_sheet
from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import LOCATION
from mlpaygrade.job.lookup import rows
from mlpaygrade.job.places import country, country_codes, looks_like_us_states, read_place
from mlpaygrade.job.values import read_values


@pytest.mark.parametrize("text", ["N/A", "#N/A", "n/a", "na", "-", "none", "null", "", "  ", "NULL", "not specified"])
def test_a_mark_for_nothing_is_missing_and_never_namibia(text: str) -> None:
    for states in (False, True):
        reading = read_place(text, states=states)
        assert (reading.code, reading.kind) == (None, "missing")


def test_na_in_capitals_is_asked_about_unless_it_stands_in_a_column_of_codes() -> None:
    asked = read_place("NA")
    assert (asked.code, asked.kind, asked.suggestions) == (None, "ambiguous", ("NA",))
    assert read_place("NA", codes=True).code == "NA"
    assert read_place("Namibia").code == "NA"
    assert read_place("NA", states=True, codes=True).kind == "missing"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("UK", "GB"), ("us", "US"), ("U.S.A.", "US"), ("Deutschland", "DE"), ("España", "ES"), ("Österreich", "AT")),
        *(("Türkiye", "TR"), ("Viet Nam", "VN"), ("Korea, Republic of", "KR"), ("Iran, Islamic Republic of", "IR")),
        *(("Congo, Democratic Republic of the", "CD"), ("cote d'ivoire", "CI"), ("Brasil", "BR"), ("日本", "JP")),
        *(("Pays-Bas", "NL"), ("Polska", "PL"), ("Estados Unidos", "US"), ("Zuid-Afrika", "ZA"), ("Ελλάδα", "GR")),
    ],
)
def test_names_in_other_languages_and_official_names_are_read_with_a_note(text: str, code: str) -> None:
    reading = read_place(text)
    assert (reading.code, reading.kind) == (code, "country")
    assert reading.note is not None
    assert country(code).name in reading.note


@pytest.mark.parametrize(
    ("text", "code", "kind", "place"),
    [
        ("Bavaria", "DE", "state", "Bavaria"),
        ("Bayern", "DE", "state", "Bavaria"),
        ("California", "US", "state", "California"),
        ("NY", "US", "state", "New York"),
        ("US-CA", "US", "state", "California"),
        ("München", "DE", "city", "Munich"),
        ("NYC", "US", "city", "New York City"),
        ("San Francisco, CA", "US", "city", "San Francisco"),
        ("Toronto, CA", "CA", "city", "Toronto"),
        ("Berlin, DE", "DE", "city", "Berlin"),
        ("Atlanta, Georgia", "US", "city", "Atlanta"),
        ("Tbilisi, Georgia", "GE", "city", "Tbilisi"),
        ("Paris, TX", "US", "city", "Paris"),
        ("Cambridge, MA", "US", "city", "Cambridge"),
        ("Remote - US", "US", "country", None),
        ("Remote (Germany)", "DE", "country", None),
        ("US-Remote", "US", "country", None),
        ("India Remote", "IN", "country", None),
        ("San Francisco Office", "US", "city", "San Francisco"),
        ("San Francisco or Palo Alto, CA", "US", "city", "San Francisco"),
        ("Thousand Oaks, CA", "US", "state", "California"),
    ],
)
def test_a_state_or_city_gives_its_country_with_a_remark(text: str, code: str, kind: str, place: str | None) -> None:
    reading = read_place(text)
    assert (reading.code, reading.kind, reading.place) == (code, kind, place)
    assert reading.note is not None
    assert country(code).name in reading.note


@pytest.mark.parametrize("text", ["EMEA", "Europe", "APAC", "DACH", "Latin America", "Worldwide", "EU", "Remote, EMEA"])
def test_a_region_is_refused_in_words(text: str) -> None:
    reading = read_place(text)
    assert (reading.code, reading.kind) == (None, "region")
    assert reading.note is not None
    assert "not one country" in reading.note


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Cambridge", {"GB", "US"}),
        ("Georgia", {"GE", "US"}),
        ("Georgetown, DE", {"DE", "US"}),
        ("Kiryat Gat, IL", {"IL", "US"}),
        ("Remote - US & Canada", {"US", "CA"}),
        ("Germany / Austria", {"DE", "AT"}),
        ("Birmingham", {"GB", "US"}),
    ],
)
def test_what_may_be_in_two_countries_is_asked(text: str, codes: set[str]) -> None:
    reading = read_place(text)
    assert (reading.code, reading.kind, set(reading.suggestions)) == (None, "ambiguous", codes)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        *(("Germny", "DE"), ("Phillipines", "PH"), ("Swizerland", "CH"), ("Untied States", "US"), ("Nigera", "NG")),
        *(("Austrlia", "AU"), ("Congo", "CD"), ("Londonn", "GB"), ("Atlantis", None), ("XX", None)),
    ],
)
def test_a_misspelling_is_asked_about_and_never_guessed(text: str, first: str | None) -> None:
    reading = read_place(text)
    assert (reading.code, reading.kind) == (None, "unknown")
    assert reading.note is not None
    assert first is None or reading.suggestions[0] == first


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["CA", "GA", "IL", "MA", "NY"], True),
        (["CA", "DE", "NY"], True),
        (["California", "Texas", "N/A"], True),
        (["CA", "NY", "TX", "US", "Remote"], True),
        (["US", "CA"], False),
        (["CA", "DE"], False),
        (["CA", "IN", "DE", "IL"], False),
        (["US", "CA", "DE", "IN", "GB", "NY"], False),
        (["Georgia"], False),
        (["N/A", ""], False),
        ([], False),
    ],
)
def test_a_column_of_us_states_is_told_from_one_of_countries(values: list[str], expected: bool) -> None:
    assert looks_like_us_states(values) is expected


def test_a_code_that_is_both_is_a_state_in_a_column_of_states() -> None:
    for code, name in {
        "CA": "California",
        "GA": "Georgia",
        "IL": "Illinois",
        "IN": "Indiana",
        "DE": "Delaware",
    }.items():
        reading = read_place(code, states=True)
        assert (reading.code, reading.kind, reading.place) == ("US", "state", name)
        assert read_place(code).code == code


def test_a_town_before_a_state_is_in_that_state_where_the_column_holds_states() -> None:
    assert read_place("Georgetown, DE", states=True).code == "US"
    note = read_place("Thousand Oaks, CA").note
    assert note is not None
    assert "Write Canada if that is meant" in note


def test_the_names_of_the_tables_are_read_as_what_they_are() -> None:
    for row in rows("country_names"):
        assert read_place(row["name"]).code == row["code"], row
    for row in rows("places"):
        if row["kind"] in {"city", "state", "us_state"} and read_place(row["name"]).kind != "ambiguous":
            assert read_place(row["name"]).code == row["country"], row


@given(st.text(max_size=120))
def test_places_are_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        reading = read_place(text)
    except MLPayGradeError:
        return
    assert reading.code is None or reading.code in country_codes()
    assert set(reading.suggestions) <= country_codes()
    assert reading.code is not None or reading.note


def test_a_column_of_us_states_is_read_as_states_and_na_only_among_codes_as_namibia() -> None:
    assert [reading.value for reading in read_values(LOCATION, ["CA", "GA", "IL", "MA", "NY"])] == ["US"] * 5
    assert [reading.value for reading in read_values(LOCATION, ["CA", "DE", "NA"])] == ["CA", "DE", "NA"]
    alone = read_values(LOCATION, ["NA", "Germany"])
    assert [reading.value for reading in alone] == [None, "DE"]
    assert alone[0].defect is not None
    assert "Namibia" in alone[0].defect.remedy


def test_a_sheet_reads_its_places_by_their_column() -> None:
    reader = Predictor.load().reader
    content = b"Job title,Level,Location\nData Scientist,Senior,CA\nData Engineer,Senior,GA\nData Analyst,Senior,NY\n"
    states = read_sheet(content, reader=reader)
    assert [states.value(LOCATION, row) for row in range(3)] == ["US", "US", "US"]
    assert any("California" in remark for remark in states.said(0))
    content = b"Job title,Level,Company country\nData Scientist,Senior,N/A\nData Engineer,Senior,#N/A\n"
    missing = read_sheet(content, reader=reader)
    assert [missing.value(LOCATION, row) for row in range(2)] == [None, None]
