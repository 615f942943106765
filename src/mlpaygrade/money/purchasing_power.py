"""What money buys in another country: purchasing power beside market exchange.

Factors are the World Bank's for the whole economy (`tables/purchasing_power.csv`), one for a country and year: rents in a
capital differ far more. Beside each stands the European Central Bank's mean market rate of the same year.
"""

from collections.abc import Mapping
from functools import cache

from mlpaygrade.errors import InputError
from mlpaygrade.job.lookup import rows
from mlpaygrade.job.places import country as country_named


def price_level(country: str) -> float:
    """Prices as a share of those in the United States at market exchange (0.5: half as dear). country: ISO 3166-1 alpha-2.

    Raises InputError where the country's purchasing power or its market rate is not known.
    """
    row = _table().get(country)
    if row is None:
        name = country_named(country).name
        raise InputError(
            f"Purchasing power is known for most countries of the World Bank; got {country} ({name}). "
            "Compare at market exchange."
        )
    if not row["market_rate"]:
        raise InputError(
            f"Prices are compared where the European Central Bank quotes the currency; got {country} ({row['currency']}). "
            "Compare at market exchange."
        )
    return float(row["ppp"]) / float(row["market_rate"])


def same_living_usd(amount_usd: float, from_country: str, to_country: str) -> float:
    """Pay in one country that buys as much as `amount_usd` in another, US dollars a year. Raises InputError as `price_level`."""
    return amount_usd / price_level(from_country) * price_level(to_country)


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return {row["country"]: row for row in rows("purchasing_power", room="money")}
