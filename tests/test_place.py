"""A factor for a US place: the right area or a question, within its error, fitted on postings that have a place."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade.errors import InputError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.money.place import place_factor, place_names
from research.external import Observed, answers, level_of, plain_title
from research.place import measure_place, place_text, write_fit

BAY = "San Francisco-Oakland-Fremont, CA"
VALLEY = "San Jose-Sunnyvale-Santa Clara, CA"
NEW_YORK = "New York-Newark-Jersey City, NY-NJ"
COLUMNS_OF_PAY = ["job_country", "salary_year_avg", "salary_hour_avg", "company_name"]
CAPITAL = "Washington-Arlington-Alexandria, DC-VA-MD-WV"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("San Francisco", BAY),
        ("san francisco, ca", BAY),
        ("SF Bay Area", BAY),
        ("San Francisco, California, United States", BAY),
        ("Hybrid - San Francisco, CA 94105", BAY),
        (BAY, BAY),
        ("Menlo Park, CA", BAY),
        ("Mountain View, CA", VALLEY),
        ("Silicon Valley", VALLEY),
        ("San Jose, CA   (+7 others)", VALLEY),
        ("New York", NEW_YORK),
        ("NYC", NEW_YORK),
        ("Brooklyn, NY", NEW_YORK),
        ("Jersey City, NJ", NEW_YORK),
        ("Washington, DC", CAPITAL),
        ("McLean, VA", CAPITAL),
        ("Tampa, FL", "Tampa-St. Petersburg-Clearwater, FL"),
        ("Tampa FL", "Tampa-St. Petersburg-Clearwater, FL"),
        ("Saint Paul, MN", "Minneapolis-St. Paul-Bloomington, MN-WI"),
        ("Plano, TX", "Dallas-Fort Worth-Arlington, TX"),
        ("Winston-Salem, NC", "Winston-Salem, NC"),
        ("Kansas City", "Kansas City, MO-KS"),
        ("Portland", "Portland-Vancouver-Hillsboro, OR-WA"),
        ("Honolulu", "Urban Honolulu, HI"),
        ("California", "California"),
        ("CA", "California"),
        ("IN", "Indiana"),
        ("Georgia", "Georgia"),
        ("New York State", "New York State"),
        ("WA", "Washington State"),
        ("Annapolis Junction, MD", "Maryland"),
    ],
)
def test_a_place_is_read_as_its_official_area(text: str, name: str) -> None:
    factor = place_factor(text)
    assert factor is not None
    assert factor.name == name
    assert (factor.read_as is None) == (text.casefold() == name.casefold())


@pytest.mark.parametrize("text", ["Remote", "Anywhere", "remote - California", "United States", "USA", "", "  "])
def test_remote_work_and_the_whole_country_take_no_factor(text: str) -> None:
    assert place_factor(text) is None


def test_a_remote_job_takes_none_wherever_its_firm_is() -> None:
    assert place_factor("San Francisco", remote_ratio=100) is None
    assert place_factor("San Francisco", remote_ratio=50) is not None


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Springfield", "Springfield, MO; Springfield, MA"),
        ("Aurora", "Aurora, CO; Aurora, IL"),
        ("Washington", "Washington, DC; or WA"),
        ("LA", "Los Angeles, CA; or Louisiana"),
        ("Sna Francisco", "Did you mean San Francisco, CA"),
        ("Munich, Germany", "Give a town and its state"),
        ("x" * 200, "Give a town and its state"),
    ],
)
def test_what_can_be_several_places_or_none_is_asked(text: str, remedy: str) -> None:
    with pytest.raises(InputError, match=remedy):
        place_factor(text)


def test_a_factor_lies_in_its_range_and_says_what_it_rests_on() -> None:
    bay, tampa = place_factor("San Francisco"), place_factor("Tampa, FL")
    assert bay is not None
    assert tampa is not None
    assert tampa.factor < 1 < bay.low < bay.factor < bay.high
    assert math.log(bay.high / bay.factor) == pytest.approx(1.645 * bay.log_error)
    assert bay.official_count > 50_000
    assert "Bureau of Labor Statistics, May 2025" in bay.source


def test_every_listed_place_has_its_factor() -> None:
    factors = [place_factor(name) for name in place_names()]
    assert len(factors) > 400
    assert all(one is not None and 0.5 < one.low < one.factor < one.high < 1.5 for one in factors)
    assert tuple(one.name for one in factors if one and one.read_as is None) == place_names()


@pytest.mark.parametrize(
    ("title", "level", "plain"),
    [
        ("Senior Data Scientist, Search", "SE", "Data Scientist"),
        ("Data Engineer", "MI", "Data Engineer"),
        ("Jr. Data Analyst", "EN", "Data Analyst"),
        ("Sr. Data Engineer (Remote)", "SE", "Data Engineer"),
    ],
)
def test_titles_of_other_sources_give_level_and_title(title: str, level: str, plain: str) -> None:
    assert (level_of(title), plain_title(title)) == (level, plain)


def test_a_planted_effect_of_place_is_found_and_written(tmp_path: Path) -> None:
    """Pay is the model's estimate times exp(0.5 (log ratio - 0.1)), with noise and a level of its own."""
    predictor, rng = Predictor.load(), np.random.default_rng(1)
    towns = ["San Jose, CA", "Tampa, FL", "New York, NY", "Wichita, KS", "Seattle, WA", "Remote", "Nowhere"]
    given = answers(
        predictor, [Observed(title="Data Engineer", experience="MI", country="US", year=2023, remote=False, usd=1.0)]
    )
    typical = float(np.expm1(given.log_typical[0]))
    path = tmp_path / "postings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["job_title_short", "job_title", "job_location", "job_work_from_home", *COLUMNS_OF_PAY])
        for number in range(700):
            town = towns[number % len(towns)]
            usd = typical * math.exp(0.1 + _planted(town) + rng.normal(0, 0.1))
            writer.writerow(
                ["Data Engineer"] * 2 + [town, "False", "United States", f"{usd:.0f}", "", f"firm {number % 99}"]
            )
    trial = measure_place(path, predictor=predictor)
    assert trial.postings == 500
    assert trial.areas == 5
    assert trial.fit.slope == pytest.approx(0.5, abs=0.06)
    assert trial.change < -0.1
    assert sum(band.postings for band in trial.bands) == trial.postings
    assert trial.debiased[1] == pytest.approx(0.1, abs=0.01)
    assert f"({trial.change:+.1%};" in place_text(trial)
    write_fit(trial.fit, tmp_path / "fit.csv")
    assert f"slope,{trial.fit.slope:.4f}," in (tmp_path / "fit.csv").read_text(encoding="utf-8")


def _planted(town: str) -> float:
    from mlpaygrade.money.place import log_ratio_of

    found = log_ratio_of(town)
    return 0.0 if found is None else 0.5 * (found[0] - 0.1)
