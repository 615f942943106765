"""What money buys in another country: purchasing power beside market exchange.

Factors are the World Bank's for the whole economy (`tables/purchasing_power.csv`), one for a country and year: rents in a
capital differ far more. Beside each stands the European Central Bank's mean market rate of the same year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import rows
from mlpaygrade.job.places import country as country_named

SOURCE: Final = "World Bank, purchasing power parities (CC BY 4.0); European Central Bank, mean rate of the year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ppp:
    """Purchasing power of a country's money.

    factor: units of `currency` that buy what one dollar buys in the United States. price_level: prices as a share of those in the
    United States at market exchange (0.5: half as dear); None where the market rate is not known. year: of both.
    """

    country: str
    factor: float
    currency: str
    year: int
    price_level: float | None
    source: str = SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesCompared:
    """Pay in one country beside what buys the same in another; US dollars a year at market exchange.

    amount_usd: the pay there. same_living_usd: pay in the other country that buys as much. ratio: same_living_usd / amount_usd.
    """

    amount_usd: float
    same_living_usd: float
    ratio: float
    from_country: str
    to_country: str
    years: tuple[int, int]
    source: str = SOURCE

    @property
    def said(self) -> str:
        """The comparison in words: "$100K (Germany) buys as much as $132K (United States), at prices of 2024"."""
        names = [country_named(code).name for code in (self.from_country, self.to_country)]
        amounts = [f"${usd / 1000:,.0f}K" for usd in (self.amount_usd, self.same_living_usd)]
        years = " and ".join(str(year) for year in dict.fromkeys(self.years))
        return f"{amounts[0]} ({names[0]}) buys as much as {amounts[1]} ({names[1]}), at prices of {years}"


def purchasing_power(country: str) -> Ppp:
    """The latest purchasing power of a country, ISO 3166-1 alpha-2. Raises InputError where none is known."""
    found = _table().get(country)
    if found is None:
        name = country_named(country).name
        raise InputError(
            f"Purchasing power is known for most countries of the World Bank; got {country} ({name}). "
            "Compare at market exchange."
        )
    return found


def compare_places(amount_usd: float, from_country: str, to_country: str) -> PlacesCompared:
    """What pay of `amount_usd` in one country equals in another by purchasing power.

    Raises InputError where either country's purchasing power or market rate is not known.
    """
    levels = {}
    for code in (from_country, to_country):
        power = purchasing_power(code)
        if power.price_level is None:
            raise InputError(
                f"Prices are compared where the European Central Bank quotes the currency; got {code} ({power.currency}). "
                "Compare at market exchange."
            )
        levels[code] = power.price_level
    ratio = levels[to_country] / levels[from_country]
    return PlacesCompared(
        amount_usd=amount_usd,
        same_living_usd=amount_usd * ratio,
        ratio=ratio,
        from_country=from_country,
        to_country=to_country,
        years=(purchasing_power(from_country).year, purchasing_power(to_country).year),
    )


@cache
def _table() -> Mapping[str, Ppp]:
    return {
        row["country"]: Ppp(
            country=row["country"],
            factor=float(row["ppp"]),
            currency=row["currency"],
            year=int(row["year"]),
            price_level=float(row["ppp"]) / float(row["market_rate"]) if row["market_rate"] else None,
        )
        for row in rows("purchasing_power", room="money")
    }
