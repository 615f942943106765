"""Currencies: which one a country uses, what they are called, how an amount is written.

Names and customs are those of the Unicode CLDR, through babel; loaded when first asked for.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mlpaygrade.errors import InputError
from mlpaygrade.job.reference import rows

if TYPE_CHECKING:
    from babel import Locale

COMPACT_FROM: Final = 10_000
"""Smaller amounts are written in full in compact style too."""


def currency_of(country: str) -> str:
    """ISO 4217 code of a country's currency today. country: ISO 3166-1 alpha-2. Raises InputError where none is known."""
    from babel.numbers import get_territory_currencies

    found = get_territory_currencies(country) if len(country) == 2 and country.isalpha() else []
    if not found:
        raise InputError(
            f"A country is an ISO 3166-1 two-letter code in capitals, such as US or DE; got {country!r}. "
            "Give such a code, or name the currency."
        )
    return str(found[0])


def checked_currency(currency: str) -> str:
    """The ISO 4217 code, in capitals. Raises InputError for what is none."""
    from babel.core import get_global

    code = currency.strip().upper()
    if code not in get_global("all_currencies"):
        raise InputError(
            f"A currency is a three-letter code of ISO 4217; got {currency!r}. Give one such as USD, EUR or GBP."
        )
    return code


def currency_name(currency: str, amount: float = 2) -> str:
    """The currency's English name for an amount: 1 -> "euro", 2 -> "euros"."""
    from babel.numbers import get_currency_name

    name = get_currency_name(currency, count=amount, locale="en")
    return name[:1].lower() + name[1:] if name.startswith("Euro") else name


def format_money(amount: float, currency: str, *, locale: str = "en", compact: bool = False) -> str:
    """An amount in whole units as a person writes it: "€72,000", "72.000 €" (locale "de"), compact "€72K".

    locale: a language, or a language and country ("pt_BR"). compact: thousands as K, millions as M, in English only; an hour's
    pay keeps its cents below 1,000. Raises InputError for an unknown currency or locale.
    """
    from babel import Locale, UnknownLocaleError
    from babel.numbers import format_currency

    code = checked_currency(currency)
    try:
        spoken = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise InputError(
            f"A locale is a language, or language and country, such as en or pt_BR; got {locale!r}. Give one of these."
        ) from error
    if compact and spoken.language == "en" and abs(amount) >= COMPACT_FROM:
        size, letter = (1_000_000, "M") if abs(amount) >= 999_500 else (1_000, "K")
        short = amount / size
        digits = "¤#,##0.0" if letter == "M" and short % 1 and abs(short) < 100 else "¤#,##0"
        return (
            str(format_currency(short, code, digits, locale=spoken, currency_digits=False)).removesuffix(".0") + letter
        )
    whole = abs(amount) >= 1_000 or float(amount).is_integer()
    return str(format_currency(amount, code, _pattern(spoken, whole=whole), locale=spoken, currency_digits=False))


def _pattern(locale: "Locale", *, whole: bool) -> str:
    """The locale's pattern for money with no decimals, or two."""
    pattern = str(locale.currency_formats["standard"].pattern)
    return pattern.replace(".00", "") if whole else pattern


@cache
def currency_scales() -> Mapping[str, tuple[float, float]]:
    """Currency -> units to a US dollar (order of magnitude), and the USD from which a bare figure is surely a year's pay."""
    return MappingProxyType(
        {row["code"]: (float(row["per_usd"]), float(row["year_from_usd"])) for row in rows("currencies", room="money")}
    )
