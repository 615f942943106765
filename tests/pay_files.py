"""Shapes of pay files as employers have them, with made-up contents and the truth beside them.

A shape mixes the names of columns (five languages), how levels, places, pay and currency are written, and the kind of file.
"""

import csv
import io
import random
from dataclasses import astuple, dataclass
from typing import Final

TITLES: Final = ("Data Engineer", "Data Scientist", "Data Analyst", "Machine Learning Engineer")
LEVELS: Final = ("EN", "MI", "SE", "EX")


@dataclass(frozen=True, kw_only=True)
class Market:
    """A country with its currency, a word for it, a town and pay of a year in each level."""

    code: str
    currency: str
    sign: str
    names: tuple[str, ...]
    town: str
    pay: tuple[int, ...]
    comma: bool  # decimals behind a comma


MARKETS: Final = {
    "en": Market(
        code="US",
        currency="USD",
        sign="$",
        names=("United States", "US", "USA"),
        town="Austin, TX",
        pay=(92_000, 121_500, 158_250, 215_000),
        comma=False,
    ),
    "gb": Market(
        code="GB",
        currency="GBP",
        sign="£",
        names=("United Kingdom", "UK", "England"),
        town="London",
        pay=(34_000, 51_500, 72_250, 118_000),
        comma=False,
    ),
    "de": Market(
        code="DE",
        currency="EUR",
        sign="€",
        names=("Deutschland", "Germany", "DE"),
        town="München",
        pay=(48_000, 62_500, 84_250, 128_000),
        comma=True,
    ),
    "fr": Market(
        code="FR",
        currency="EUR",
        sign="€",
        names=("France", "FR"),
        town="Lyon",
        pay=(38_000, 47_500, 64_250, 99_000),
        comma=True,
    ),
    "es": Market(
        code="ES",
        currency="EUR",
        sign="€",
        names=("España", "Spain", "ES"),
        town="Madrid",
        pay=(28_000, 39_500, 52_250, 88_000),
        comma=True,
    ),
    "pt": Market(
        code="BR",
        currency="BRL",
        sign="R$",
        names=("Brasil", "Brazil", "BR"),
        town="São Paulo",
        pay=(84_000, 132_000, 216_000, 360_000),
        comma=True,
    ),
}

HEADERS: Final = {
    "en": [
        ("Emp ID", "Position Title", "Job Level", "Work Location", "Annual Base Salary"),
        ("employee_id", "job_title", "grade", "country", "base_salary"),
        ("ID", "Role", "Band", "Office", "Current Salary"),
        ("Ref", "Job Title (HR)", "Seniority Level", "Country Name", "Base Pay per Year"),
        ("Worker ID", "Business Title", "Pay Grade", "Site", "Compensation"),
    ],
    "gb": [
        ("Staff ID", "Designation", "Grade", "Location", "Gross annual salary"),
        ("No", "Job", "Level", "Country", "Yearly pay"),
    ],
    "de": [
        ("Personalnummer", "Stellenbezeichnung", "Stufe", "Standort", "Bruttojahresgehalt"),
        ("Nr", "Position", "Karrierestufe", "Land", "Jahresgehalt brutto"),
        ("Mitarbeiternummer", "Tätigkeit", "Entgeltgruppe", "Arbeitsort", "Gehalt"),
    ],
    "fr": [
        ("Matricule", "Intitulé du poste", "Niveau", "Pays", "Salaire brut annuel"),
        ("ID", "Poste", "Niveau d'expérience", "Lieu de travail", "Salaire annuel"),
    ],
    "es": [
        ("Matrícula", "Puesto de trabajo", "Categoría", "País", "Salario bruto anual"),
        ("ID", "Cargo", "Nivel", "Ubicación", "Sueldo anual"),
    ],
    "pt": [
        ("Matrícula", "Cargo", "Nível", "País", "Salário anual"),
        ("ID", "Função", "Senioridade", "Local de trabalho", "Remuneração anual"),
    ],
}
OWN_LEVELS: Final = {
    "words": ("Entry level", "Mid level", "Senior", "Executive"),
    "short words": ("Junior", "Intermediate", "Senior", "Director"),
    "codes": LEVELS,
    "ladder": ("L3", "L4", "L5", "L8"),
    "roman": ("I", "II", "III", "VI"),
    "steps": ("Grade 1", "Grade 2", "Grade 3", "Grade 6"),
    "ranks": ("Associate", "Professional", "Principal", "Vice President"),
    "native": ("Einsteiger", "Confirmé", "Experto", "Diretor"),
    "unsaid": ("", "", "", ""),
}
KINDS: Final = (
    "comma",
    "semicolon",
    "tab",
    "pipe",
    "utf-16",
    "cp1252",
    "sep line",
    "lines above",
    "xlsx",
    "old line ends",
)
CURRENCIES: Final = ("column", "header", "sign", "code", "none")
NUMBERS: Final = ("plain", "grouped", "cents", "blank", "thousands", "monthly", "month unsaid")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One file, its rows' truth, and what a person would answer. levels, places: own word -> code."""

    name: str
    content: bytes
    truth: tuple[tuple[str, str, float], ...]  # level, country, pay of a year in the currency
    currency: str
    period: str
    levels: dict[str, str]
    country: str
    columns: dict[str, str]


@dataclass(frozen=True)
class _Mix:
    language: str
    level: str
    kind: str
    currency: str
    number: str
    place: str


def shapes(count: int, *, seed: int = 5) -> list[Shape]:
    """So many shapes; every way of writing occurs as often as the others."""
    chance = random.Random(seed)
    ways = [list(HEADERS), list(OWN_LEVELS), list(KINDS), list(CURRENCIES), list(NUMBERS), ["name", "town", "lacking"]]
    decks = [_deck(way, count, chance) for way in ways]
    return [_shape(n, _Mix(*mix), chance=chance) for n, mix in enumerate(zip(*decks, strict=True))]


def _deck(way: list[str], count: int, chance: random.Random) -> list[str]:
    deck = [way[n % len(way)] for n in range(count)]
    chance.shuffle(deck)
    return deck


def _shape(n: int, mix: "_Mix", *, chance: random.Random) -> Shape:
    language, level, kind, currency, number, place = astuple(mix)
    market = MARKETS[language]
    names = list(HEADERS[language][n % len(HEADERS[language])])
    pay_name = _pay_name(names[4], currency, number, market)
    name = market.names[n % len(market.names)] if place == "name" else market.town
    header = [*names[:3], *([] if place == "lacking" else [names[3]]), pay_name]
    header += ["Currency"] if currency == "column" else []
    header += ["Notes"]
    rows, truth = [], []
    for row in range(8):
        own, code = OWN_LEVELS[level][row % 4], LEVELS[row % 4]
        pay = market.pay[row % 4] + 1_200 * (row // 4)
        written = _written(pay, number, market)
        written = (
            f"{market.sign}{written}"
            if currency == "sign"
            else f"{written} {market.currency}"
            if currency == "code"
            else written
        )
        cells = [f"A-{row}", TITLES[row % 4], own, *([] if place == "lacking" else [name]), written]
        cells += [market.currency] if currency == "column" else []
        rows.append([*cells, chance.choice(["", "ok", "see file"])])
        truth.append((code if level != "unsaid" else "MI", market.code, float(pay)))
    columns = {"job_title": names[1], "experience_level": names[2], "company_location": names[3], "salary": pay_name}
    return Shape(
        name=f"{n}: {language}, {level}, {kind}, currency {currency}, {number}, place {place}",
        content=_file([header, *rows], kind),
        truth=tuple(truth),
        currency=market.currency,
        period="month" if number.startswith("month") else "year",
        levels=dict(zip(OWN_LEVELS[level], LEVELS, strict=True)),
        country=market.code,
        columns=columns,
    )


def _pay_name(name: str, currency: str, number: str, market: Market) -> str:
    if number == "monthly":
        month = {"en": "Monthly Salary", "gb": "Monthly pay", "de": "Monatsgehalt", "fr": "Salaire mensuel"}
        words = {"US": "en", "GB": "gb", "DE": "de", "FR": "fr"}
        native = {"ES": "Salario mensual", "BR": "Salário mensal"}
        name = native.get(market.code) or month[words[market.code]]
    if number == "month unsaid":
        name = {"US": "Salary", "GB": "Pay", "DE": "Gehalt", "FR": "Salaire", "ES": "Sueldo", "BR": "Remuneração"}[
            market.code
        ]
    return f"{name} ({market.currency})" if currency == "header" else name


def _written(pay: int, number: str, market: Market) -> str:
    """Pay of a year as a person of that country writes it."""
    amount = pay / 12 if number.startswith("month") else float(pay)
    if number == "thousands":
        return f"{pay / 1000:g}k".replace(".", "," if market.comma else ".")
    if number == "plain":
        return str(pay)
    text = f"{amount:,.2f}" if number in ("cents", "monthly", "month unsaid") else f"{amount:,.0f}"
    if number == "blank":
        return text.replace(",", " ")
    return text.translate(str.maketrans(",.", ".,")) if market.comma else text


def _file(rows: list[list[str]], kind: str) -> bytes:
    if kind == "xlsx":
        return _workbook(rows)
    text = io.StringIO()
    delimiter = {"semicolon": ";", "sep line": ";", "tab": "\t", "pipe": "|", "cp1252": ";"}.get(kind, ",")
    csv.writer(text, delimiter=delimiter, lineterminator="\r" if kind == "old line ends" else "\r\n").writerows(rows)
    written = text.getvalue()
    if kind == "sep line":
        written = f"sep=;\r\n{written}"
    if kind == "lines above":
        written = f"Pay review,made up\r\n\r\n{written}"
    return written.encode({"utf-16": "utf-16", "cp1252": "cp1252"}.get(kind, "utf-8"))


def _workbook(rows: list[list[str]]) -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("People")
        for n, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write(n, place, int(cell) if cell.isdigit() else cell)
    return content.getvalue()
