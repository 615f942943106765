"""Exchange rates, currencies, pay periods: figures with their date, clear refusals, light at start-up."""

import datetime as dt
import subprocess
import sys
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.errors import InputError
from mlpaygrade.money.currency import (
    PERIODS,
    Period,
    Salaries,
    currency_of,
    format_money,
    from_yearly,
    rated_currencies,
    to_yearly,
    usd_to,
    usual_salaries,
)


def test_a_dollar_is_a_dollar_without_a_date() -> None:
    assert (usd_to("usd").value, usd_to("USD").day, usd_to("USD").said) == (1.0, None, "in US dollars, not converted")


def test_the_newest_rate_has_its_date_and_says_its_source() -> None:
    rate = usd_to("EUR")
    assert rate.day is not None
    assert 0.5 < rate.value < 1.5
    assert rate.to_usd(rate.from_usd(100)) == pytest.approx(100)
    assert f"European Central Bank, {rate.day.day} {rate.day:%B %Y}" in rate.said


def test_the_rate_of_a_past_day_is_the_banks() -> None:
    # The bank's reference rate of 26 April 2024 was 1.0714 US dollars to a euro; the 28th was a Sunday.
    rate = usd_to("EUR", dt.date(2024, 4, 28))
    assert rate.value == pytest.approx(1 / 1.0714)
    assert rate.day == dt.date(2024, 4, 26)


def test_a_day_to_come_has_the_newest_rate_and_its_date() -> None:
    assert usd_to("GBP", dt.date(2100, 1, 1)).day == usd_to("GBP").day


@pytest.mark.parametrize(
    ("currency", "day", "rule"),
    [
        ("UAH", None, "gives no rate of it; got UAH"),
        ("RUB", None, "end on 2022-03-01; got RUB"),
        ("RUB", dt.date(2024, 1, 1), "end on 2022-03-01"),
        ("EUR", dt.date(1990, 1, 1), "begin on 1999-01-04"),
        ("XYZ", None, "three-letter code of ISO 4217; got 'XYZ'"),
    ],
)
def test_what_the_bank_does_not_quote_is_refused(currency: str, day: dt.date | None, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        usd_to(currency, day)


def test_a_currency_that_ended_has_its_old_rates() -> None:
    assert usd_to("RUB", dt.date(2021, 6, 1)).day == dt.date(2021, 6, 1)
    assert "RUB" not in rated_currencies()
    assert {"USD", "EUR", "INR"} <= set(rated_currencies())


@pytest.mark.parametrize(
    ("country", "currency"), [("DE", "EUR"), ("US", "USD"), ("GB", "GBP"), ("CH", "CHF"), ("HR", "EUR"), ("XK", "EUR")]
)
def test_a_country_has_its_currency(country: str, currency: str) -> None:
    assert currency_of(country) == currency


@pytest.mark.parametrize("country", ["", "UK", "Germany", "D1"])
def test_a_currency_of_no_country_is_refused(country: str) -> None:
    with pytest.raises(InputError, match="two-letter code"):
        currency_of(country)


@pytest.mark.parametrize(
    ("amount", "currency", "compact", "written"),
    [
        (72_000, "EUR", False, "€72,000"),
        (72_000, "EUR", True, "€72K"),
        (12_345.67, "BRL", False, "R$12,346"),
        (62.5, "USD", False, "$62.50"),
        (62.5, "GBP", True, "£62.50"),
        (9_500, "USD", True, "$9,500"),
        (8_000_000, "JPY", True, "¥8M"),
        (1_234_567, "USD", True, "$1.2M"),
        (999_600, "USD", True, "$1M"),
        (-72_000, "USD", True, "-$72K"),
    ],
)
def test_money_is_written_as_a_person_writes_it(amount: float, currency: str, compact: bool, written: str) -> None:
    assert format_money(amount, currency, compact=compact) == written


def test_money_of_no_currency_is_refused() -> None:
    with pytest.raises(InputError, match="ISO 4217"):
        format_money(1, "EURO")


@pytest.mark.parametrize(
    ("amount", "period", "yearly"),
    [
        (72_000, "year", 72_000),
        (6_000, "month", 72_000),
        (1_000, "week", 52_000),
        (400, "day", 104_000),
        (50, "hour", 104_000),
    ],
)
def test_pay_of_a_year(amount: float, period: Period, yearly: float) -> None:
    assert to_yearly(amount, period) == yearly


def test_contracts_differ() -> None:
    assert to_yearly(6_000, "month", salaries=14) == 84_000
    assert to_yearly(70_000, "year", salaries=14) == 70_000


@given(amount=st.floats(1, 1e6), period=st.sampled_from(PERIODS), salaries=st.sampled_from(typing.get_args(Salaries)))
def test_back_from_a_year_is_where_it_began(amount: float, period: Period, salaries: Salaries) -> None:
    assert from_yearly(to_yearly(amount, period, salaries=salaries), period, salaries=salaries) == pytest.approx(amount)


def test_contracts_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="got 15"):
        to_yearly(100, "month", salaries=15)
    with pytest.raises(InputError, match="got 'decade'"):
        to_yearly(100, "decade")


def test_usual_salaries_are_said_and_twelve_where_nothing_is_known() -> None:
    assert usual_salaries("AT").counts == (14,)
    assert usual_salaries("DE").counts == (12, 13)
    assert usual_salaries("US").counts == (12,)


def test_an_answer_in_dollars_loads_neither_rates_nor_customs() -> None:
    statement = (
        "import mlpaygrade.money.pay, mlpaygrade.money.currency, mlpaygrade.money.currency, mlpaygrade.money.currency, sys\n"
        "print(*{'babel', 'currency_converter', 'pandas', 'scipy', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
