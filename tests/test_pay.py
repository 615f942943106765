"""Pay as people type it in ten places: read rightly, or asked about, never wrong."""

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal
from hypothesis import given
from hypothesis import strategies as st

from mlpaygrade.errors import InputError
from mlpaygrade.money.currency import currency_of
from mlpaygrade.money.pay import PayReading, read_pay

ASKED = "?"
REFUSED = "!"

WAYS = """
US | 72000 | 72000 USD year
US | 72,000 | 72000 USD year
US | 72.000 | 72000 USD year
US | 72k | 72000 USD year
US | $72K | 72000 USD year
US | $ 72,000.00 | 72000 USD year
US | USD 150,000.00 | 150000 USD year
US | 150000 usd | 150000 USD year
US | US$ 90k | 90000 USD year
US | $120k/yr | 120000 USD year
US | $120,000 per year | 120000 USD year
US | $120,000 annually | 120000 USD year
US | 85/h | 85 USD hour
US | 85 per hour | 85 USD hour
US | $62.50/hr | 62.5 USD hour
US | $62.50 an hour | 62.5 USD hour
US | 45-55/hr | 45 55 USD hour
US | 70-80k | 70000 80000 USD year
US | 70k–80k | 70000 80000 USD year
US | $70,000 - $80,000 | 70000 80000 USD year
US | between 70 and 80k | 70000 80000 USD year
US | 70-80,000 | 70000 80000 USD year
US | $150,000+ | 150000 USD year
US | (72,000) | 72000 USD year
US | $72,000 (gross) | 72000 USD year
US | 120k + bonus | 120000 USD year
US | 0.12m | 120000 USD year
US | $6,000/month | 6000 USD month
US | $1,500 a week | 1500 USD week
US | 45 | ?
US | 85.500 | ?
US | 6000 | ?
US | 500 | ?
US | 1.2m | ?
US | -5000 | !
US | 0 | !
US | 72k net | !
US | 60k + 5k | !
US | 80k-70k | !
US | 72,00,0 | !
US | lots | !
US | 72k per hour | !
US | up to 80k | !
US | 120k OTE | !
US | 120k total comp | !
US | 100k/120k | !
US | 72.5 | ?
US | 72.50 | 72.5 USD hour
US | 14 x 6,000 | 6000 USD month
US | $1,234,567 | ?
US | 2020-01-01 | !
US | 1e5 | !
US | $70k €80k | !
US | 72² | !
GB | £65k pa | 65000 GBP year
GB | £65,000 | 65000 GBP year
GB | 65k p.a. | 65000 GBP year
GB | £450 per day | 450 GBP day
GB | £450pd | 450 GBP day
GB | £3,500 pcm | 3500 GBP month
GB | 65,000 pounds per annum | 65000 GBP year
GB | GBP 65 000 | 65000 GBP year
GB | £60-70k | 60000 70000 GBP year
GB | 60k to 70k | 60000 70000 GBP year
GB | £0.1m | 100000 GBP year
GB | £35.50 ph | 35.5 GBP hour
GB | 35 grand | 35000 GBP year
DE | 72.000 | 72000 EUR year
DE | 72.000 € | 72000 EUR year
DE | €72 000 | 72000 EUR year
DE | 72K€ | 72000 EUR year
DE | 72 TEUR | 72000 EUR year
DE | TEUR 72 | 72000 EUR year
DE | 72 T€ | 72000 EUR year
DE | 72 Tsd. Euro | 72000 EUR year
DE | 72 tausend Euro | 72000 EUR year
DE | 150.000,00 € | 150000 EUR year
DE | 85.500 | 85500 EUR year
DE | 6.000/month | 6000 EUR month
DE | 6000 pro Monat | 6000 EUR month
DE | 6.000,50 € im Monat | 6000.5 EUR month
DE | 5.500 € brutto monatlich | 5500 EUR month
DE | 6.000 € x 13 | 6000 EUR month
DE | 70.000 bis 80.000 € | 70000 80000 EUR year
DE | 70.000 - 80.000 € im Jahr | 70000 80000 EUR year
DE | 85 €/h | 85 EUR hour
DE | 85,50 €/Std. | 85.5 EUR hour
DE | Tagessatz 800 € | 800 EUR day
DE | ca. 72k | 72000 EUR year
DE | 85,500 | ?
DE | bis 70.000 | !
DE | 13 x 5.000 € | 5000 EUR month
DE | 6000 | ?
DE | 3.200 netto | !
CH | CHF 120'000 | 120000 CHF year
CH | 120’000 CHF | 120000 CHF year
CH | CHF 120'000.– | 120000 CHF year
CH | Fr. 120'000.-- | 120000 CHF year
CH | CHF 120'000.50 | 120000.5 CHF year
CH | 120'000 | 120000 CHF year
CH | 9'500 pro Monat x 13 | 9500 CHF month
CH | 120k Franken | 120000 CHF year
CH | kCHF 120 | 120000 CHF year
FR | 45 000 € | 45000 EUR year
FR | 45 000 € brut annuel | 45000 EUR year
FR | 45 000,00 € | 45000 EUR year
FR | 45k€ | 45000 EUR year
FR | 45 K€ par an | 45000 EUR year
FR | 45-50 k€ | 45000 50000 EUR year
FR | entre 45 et 50 k€ | 45000 50000 EUR year
FR | de 45 000 à 50 000 euros | 45000 50000 EUR year
FR | 3 750 € par mois | 3750 EUR month
FR | 3750€/mois brut | 3750 EUR month
FR | TJM 550 € | 550 EUR day
FR | 550 €/jour | 550 EUR day
ES | 45.000 € brutos anuales | 45000 EUR year
ES | 45 mil euros | 45000 EUR year
ES | 80 mil | 80000 EUR year
ES | 45.000€ al año | 45000 EUR year
ES | 3.200 €/mes x 14 | 3200 EUR month
ES | 3.200 € al mes en 14 pagas | 3200 EUR month
ES | de 40 a 50 mil € | 40000 50000 EUR year
ES | entre 40.000 y 50.000 | 40000 50000 EUR year
ES | 25 €/hora | 25 EUR hour
BR | R$ 12.000/mês | 12000 BRL month
BR | R$ 12.000,00 por mês | 12000 BRL month
BR | 12 mil reais por mês | 12000 BRL month
BR | R$ 180 mil por ano | 180000 BRL year
BR | BRL 180000 | 180000 BRL year
BR | R$ 10-12 mil/mês | 10000 12000 BRL month
BR | R$ 95/hora | 95 BRL hour
BR | US$ 5.000/mês | 5000 USD month
BR | 12.000 | ?
PL | 18 000 zł miesięcznie | 18000 PLN month
PL | 18 000 zł/mies. | 18000 PLN month
PL | 18-22 tys. zł miesięcznie | 18000 22000 PLN month
PL | 18 tys. PLN / month | 18000 PLN month
PL | 150 zł/godz. | 150 PLN hour
PL | 240 000 PLN rocznie | 240000 PLN year
PL | od 18 000 do 22 000 zł na miesiąc | 18000 22000 PLN month
PL | 18000 | ?
IN | ₹ 45,00,000 | 4500000 INR year
IN | ₹45,00,000.00 | 4500000 INR year
IN | 45 LPA | 4500000 INR year
IN | 45LPA | 4500000 INR year
IN | 12 lakh | 1200000 INR year
IN | 12-15 lakhs | 1200000 1500000 INR year
IN | 12.5 LPA | 1250000 INR year
IN | 1.2 crore | 12000000 INR year
IN | Rs. 1,50,000 per month | 150000 INR month
IN | Rs 12,00,000 p.a. | 1200000 INR year
IN | INR 1200000 | 1200000 INR year
IN | Rs. 1,50,000/- per month | 150000 INR month
IN | 12L | 1200000 INR year
IN | $60k | 60000 USD year
IN | 72000 | 72000 INR month
IN | 30000 | ?
JP | ¥8,000,000 | 8000000 JPY year
JP | 800万円 | 8000000 JPY year
JP | 年収800万円 | 8000000 JPY year
JP | 600-700万円 | 6000000 7000000 JPY year
JP | 月給50万円 | 500000 JPY month
JP | 8,000,000円/年 | 8000000 JPY year
JP | ￥８，０００，０００ | 8000000 JPY year
JP | 8 million yen | 8000000 JPY year
JP | 時給3,000円 | 3000 JPY hour
JP | 300,000 | ?
JP | 600万円~800万円 | 6000000 8000000 JPY year
SE | 55 000 kr/mån | 55000 SEK month
SE | 55.000 SEK per månad | 55000 SEK month
SE | 55 tkr i månaden | 55000 SEK month
SE | 660 000 kr per år | 660000 SEK year
SE | 55000 kronor i månaden | 55000 SEK month
SE | 600 kr/timme | 600 SEK hour
CA | C$95,000 | 95000 CAD year
CA | $95,000 CAD | 95000 CAD year
CA | CA$95k | 95000 CAD year
CA | 95 000 $ | ?
CA | $95,000 | ?
AU | A$150k + super | 150000 AUD year
AU | $150k | ?
NL | € 4.500 bruto per maand | 4500 EUR month
NL | 4500 p.m. bruto | 4500 EUR month
NL | € 65.000,- | 65000 EUR year
NL | €85 per uur | 85 EUR hour
IT | RAL 45.000 € | 45000 EUR year
IT | 45 mila euro lordi annui | 45000 EUR year
IT | 2.800 € al mese per 14 mensilità | 2800 EUR month
IT | 40-45k | 40000 45000 EUR year
"""

CASES = [tuple(part.strip() for part in line.split(" | ")) for line in WAYS.strip().splitlines()]

LOCALES = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "pt_BR", "it_IT", "pl_PL", "en_IN", "ja_JP", "sv_SE", "de_CH"]


def _short(reading: PayReading) -> str:
    if reading.low is None or reading.high is None:
        return ASKED
    figures = [reading.low] if reading.low == reading.high else [reading.low, reading.high]
    return f"{' '.join(f'{figure:g}' for figure in figures)} {reading.currency} {reading.period}"


def test_there_are_150_ways_in_ten_places() -> None:
    assert len(CASES) >= 150
    assert len({country for country, _, _ in CASES}) >= 10


@pytest.mark.parametrize(("country", "text", "expected"), CASES)
def test_each_way_is_read_or_asked(country: str, text: str, expected: str) -> None:
    if expected == REFUSED:
        with pytest.raises(InputError, match=r"; got .*\. \S"):
            read_pay(text, country=country)
        return
    figures = [f"{float(word):g}" if word[:1].isdigit() else word for word in expected.split()]
    assert _short(read_pay(text, country=country)) == " ".join(figures)


@pytest.mark.parametrize(("country", "text", "expected"), [case for case in CASES if case[2] == ASKED])
def test_every_option_of_a_question_is_read_in_the_end(country: str, text: str, expected: str) -> None:
    options = read_pay(text, country=country).options
    assert options
    assert all(read_pay(option, country=country).question is None for option in options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("€72 000", "72,000 euros a year"),
        ("6.000 x 14 €", "6,000 euros a month, paid 14 times a year"),
        ("$120k + bonus", "120,000 US dollars a year, without bonus or shares"),
        ("from 72k", "72,000 a year or more"),
        ("62.50/h", "62.5 an hour"),
    ],
)
def test_what_was_understood_is_said(text: str, words: str) -> None:
    assert read_pay(text).understood == words


def test_a_currency_that_can_be_several_is_asked_first() -> None:
    reading = read_pay("72000 kr")
    assert reading.question == (
        '"72000 kr": do you mean Swedish kronor, Norwegian kroner, Danish kroner or Icelandic krónur?'
    )
    assert reading.options[0] == "72000 kr SEK"
    assert "SEK 72000 per month" in read_pay(reading.options[0]).options


def test_what_is_chosen_beside_the_text_settles_it_and_the_text_counts_more() -> None:
    assert _short(read_pay("6000", country="DE", period="month")) == "6000 EUR month"
    assert _short(read_pay("$95,000", country="CA", currency="CAD")) == "95000 CAD year"
    assert _short(read_pay("85/h", country="DE", period="year")) == "85 EUR hour"
    assert _short(read_pay("£70k", country="DE", currency="EUR")) == "70000 GBP year"


def test_a_figure_that_contradicts_the_chosen_period_is_asked() -> None:
    reading = read_pay("45", country="DE", period="year")
    assert reading.options == ("EUR 45 per hour", "EUR 45000 per year")
    with pytest.raises(InputError, match="do you mean 45 euros an hour or 45,000 euros a year"):
        _ = reading.middle


@pytest.mark.parametrize("text", ["", " ", "x" * 81, "72\x00000", "𝟕𝟐" + "k" * 90])
def test_absurd_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="got"):
        read_pay(text)


@given(text=st.text(max_size=40))
def test_any_text_is_read_asked_or_refused(text: str) -> None:
    try:
        reading = read_pay(text)
    except InputError:
        return
    assert (reading.question is None) == (reading.low is not None)
    assert reading.low is None or 0 < reading.low <= (reading.high or 0)


@given(
    locale=st.sampled_from(LOCALES),
    amount=st.integers(1_000, 3_500_000),
    cents=st.sampled_from([0.0, 0.5, 0.25]),
    style=st.sampled_from(["own", "usd", "bare"]),
)
def test_what_babel_writes_is_read_back_or_asked(locale: str, amount: int, cents: float, style: str) -> None:
    country = str(Locale.parse(locale).territory)
    currency = "USD" if style == "usd" else currency_of(country)
    value = amount + (0.0 if currency == "JPY" else cents)
    bare = format_decimal(value, locale=locale)
    text = bare if style == "bare" else format_currency(value, currency, locale=locale)
    try:
        reading = read_pay(text, country=country)
    except InputError:
        assert currency in {"JPY", "INR", "SEK", "PLN"}  # too little for a job of any period
        return
    assert reading.low is None or (reading.low, reading.currency) == (pytest.approx(value), currency)


@given(
    amount=st.integers(32_000, 600_000), locale=st.sampled_from(["en_US", "en_GB", "de_DE", "fr_FR", "it_IT", "de_CH"])
)
def test_a_usual_yearly_amount_is_never_asked(amount: int, locale: str) -> None:
    country = str(Locale.parse(locale).territory)
    reading = read_pay(format_currency(amount, currency_of(country), locale=locale), country=country)
    assert (reading.low, reading.period) == (amount, "year")
