"""Makes `src/mlpaygrade/money/tables/posted_wage_growth.csv` and `purchasing_power.csv` from their public sources.

    python scripts/growth_tables.py --growth FILE --ppp FILE

growth: Indeed Hiring Lab wage tracker, CC BY 4.0. ppp: World Bank, PPP conversion factor (GDP), CC BY 4.0. The market rate beside
a purchasing power is the European Central Bank's mean of the days of that year.
"""

import argparse
import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from babel.numbers import get_territory_currencies
from currency_converter import CurrencyConverter

from mlpaygrade.job.places import country_codes

TABLES = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "money" / "tables"
GROWTH_SOURCE = "Indeed Hiring Lab wage tracker; CC BY 4.0"
PPP_SOURCE = "World Bank PA.NUS.PPP, CC BY 4.0; European Central Bank"
OLDEST_PPP = 2019
IN_ANOTHER_CURRENCY = {"PS"}
"""Countries whose factor the World Bank gives in another currency than their own."""


def growth(path: Path) -> list[dict[str, str]]:
    """Country, month and yearly growth of posted wages, oldest first."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [
            {
                "country": row["jobcountry"],
                "month": f"{dt.datetime.strptime(row['month'], '%b-%y'):%Y-%m}",
                "yearly_growth": f"{float(row['posted_wage_growth_yoy']):.5f}",
                "source": GROWTH_SOURCE,
            }
            for row in csv.DictReader(file)
            if row["posted_wage_growth_yoy"] != "NA"
        ]
    return sorted(found, key=lambda row: (row["country"], row["month"]))


def purchasing_power(path: Path) -> list[dict[str, str]]:
    """The latest factor of each country, with the market rate of that year where the bank gives one."""
    newest: dict[str, tuple[int, float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code, year = row["Country ID"], int(row["Year"])
            if code in country_codes() and row["PPP"] and year > newest.get(code, (OLDEST_PPP - 1, 0.0))[0]:
                newest[code] = (year, float(row["PPP"]))
    converter = CurrencyConverter(fallback_on_missing_rate=True, fallback_on_missing_rate_method="last_known")
    rows = []
    for code, (year, factor) in sorted(newest.items()):
        currency = (
            get_territory_currencies(code, start_date=dt.date(year, 7, 1), end_date=dt.date(year, 7, 1)) or [""]
        )[0]
        market = None if code in IN_ANOTHER_CURRENCY else market_rate(converter, currency, year)
        rows.append(
            {
                "country": code,
                "year": str(year),
                "currency": currency,
                "ppp": f"{factor:.6g}",
                "market_rate": "" if market is None else f"{market:.6g}",
                "source": PPP_SOURCE,
            }
        )
    return rows


def market_rate(converter: CurrencyConverter, currency: str, year: int) -> float | None:
    """Mean units of a currency to a US dollar over the days of a year; None where the bank gives none."""
    if currency == "USD":
        return 1.0
    if currency not in converter.currencies:
        return None
    first, last = dt.date(year, 1, 2), dt.date(year, 12, 31)
    if currency != "EUR" and (
        converter.bounds[currency].first_date > first or converter.bounds[currency].last_date < last
    ):
        return None
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return fmean(float(converter.convert(1, "USD", currency, date=day)) for day in days)


def write(name: str, rows: Sequence[Mapping[str, str]]) -> None:
    with (TABLES / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}.csv: {len(rows):,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", type=Path, required=True)
    parser.add_argument("--ppp", type=Path, required=True)
    chosen = parser.parse_args()
    write("posted_wage_growth", growth(chosen.growth))
    write("purchasing_power", purchasing_power(chosen.ppp))


if __name__ == "__main__":
    main()
