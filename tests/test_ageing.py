"""Ageing and purchasing power: chained from what is published, nothing beyond the last month, every figure with its date."""

import csv
from pathlib import Path

import pytest

import mlpaygrade.money
from mlpaygrade.errors import InputError
from mlpaygrade.money.ageing import NOT_THESE_JOBS, ageing_countries, ageing_factor
from mlpaygrade.money.currency import price_level, same_living_usd

TABLES = Path(mlpaygrade.money.__file__).parent / "tables"


def _growth(country: str, month: str) -> float:
    with (TABLES / "posted_wage_growth.csv").open(encoding="utf-8", newline="") as file:
        found = [
            float(r["yearly_growth"]) for r in csv.DictReader(file) if (r["country"], r["month"]) == (country, month)
        ]
    (growth,) = found
    return growth


def test_whole_years_are_chained_from_the_published_growth() -> None:
    ageing = ageing_factor("DE", "2022-04", "2024-04")
    assert ageing.factor == pytest.approx((1 + _growth("DE", "2023-04")) * (1 + _growth("DE", "2024-04")))
    assert (ageing.from_month, ageing.last_month, ageing.country) == ("2022-04", "2024-04", "DE")


def test_part_of_a_year_counts_its_part() -> None:
    ageing = ageing_factor("US", "2024-04", "2024-10")
    assert ageing.factor == pytest.approx((1 + _growth("US", "2024-10")) ** 0.5)


def test_no_time_no_growth() -> None:
    assert ageing_factor("US", "2024-04", "2024-04").factor == 1


def test_nothing_is_added_beyond_the_last_month_and_that_is_said() -> None:
    reached, beyond = ageing_factor("US", "2024-04", "2026-04"), ageing_factor("US", "2024-04", "2031-01")
    assert beyond.factor == reached.factor
    assert beyond.last_month == "2026-04"
    assert beyond.warning.startswith("Nothing is known after April 2026")
    assert reached.warning == NOT_THESE_JOBS
    assert ageing_factor("US", "2027-01", "2028-01").factor == 1


def test_a_euro_country_without_a_series_has_the_euro_areas_and_says_so() -> None:
    ageing = ageing_factor("AT", "2023-04", "2024-04")
    assert ageing.factor == pytest.approx(1 + _growth("EA", "2024-04"))
    assert "euro area's growth" in ageing.warning


@pytest.mark.parametrize(
    ("country", "start", "end", "rule"),
    [
        ("PL", "2024-04", "2025-04", "is known for CA, DE"),
        ("US", "2010-04", "2025-04", "is known from 2018-01; got 2010-04"),
        ("US", "2025-04", "2024-04", "goes forward in time"),
        ("US", "April", "2024-04", "written YYYY-MM; got 'April'"),
        ("US", "2024-13", "2025-04", "written YYYY-MM"),
    ],
)
def test_what_cannot_be_aged_is_refused(country: str, start: str, end: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        ageing_factor(country, start, end)


def test_every_country_with_a_series_reaches_every_month() -> None:
    assert len(ageing_countries()) == 10
    for country in ageing_countries():
        for month in range(1, 13):
            assert 0.8 < ageing_factor(country, f"2019-{month:02d}", "2025-07").factor < 1.6


@pytest.mark.parametrize("table", ["posted_wage_growth", "purchasing_power", "us_areas", "us_cities", "currencies"])
def test_every_row_names_its_source(table: str) -> None:
    with (TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["source"] for row in csv.DictReader(file))


def test_places_are_compared_by_what_pay_buys() -> None:
    assert 0.6 < price_level("DE") < 0.95
    assert price_level("US") == 1
    there = same_living_usd(100_000, "DE", "US")
    assert 110_000 < there < 160_000
    assert same_living_usd(there, "US", "DE") == pytest.approx(100_000)
    assert same_living_usd(100_000, "FR", "FR") == pytest.approx(100_000)


@pytest.mark.parametrize(
    ("country", "rule"), [("UA", "quotes the currency; got UA"), ("AQ", "got AQ"), ("PS", "got PS")]
)
def test_places_whose_prices_are_unknown_are_refused(country: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        same_living_usd(100_000, country, "US")
