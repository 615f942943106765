"""The rule book for single values: what each column may hold, how a value is read, what is wrong with it.

Knows no rows: `dataset.table` and scoring ask here about distinct texts. Repaired and said: surrounding or repeated white
space, letter case of codes, plain words for codes ("Senior", "100 %"), names of countries, whole numbers written as decimals,
accents written apart, text that was UTF-8 and had been decoded as Windows-1252. Everything else that breaks a rule is a defect:
nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from typing import Final

from mlpaygrade.errors import Defect, InputError
from mlpaygrade.job import fields as schema
from mlpaygrade.job.lookup import MAX_TEXT, rows
from mlpaygrade.job.places import country_codes, looks_like_us_states, read_place

MISSING_WORDS: Final = frozenset({"", "nan", "none", "null", "n/a", "#n/a", "<na>", "nat", "-", "--", "?", "na"})
"""Lower-case spellings of "no value". In a country column `NA` is Namibia and therefore not among them."""

ADVISED: Final = 1_000
"""So many different bad texts of a column get advice of their own; a column with more is not misspelt but another one."""
COUNTRY_REMEDY: Final = "Look the code up in ISO 3166-1, for example US, GB, DE or IN."

MAX_LOCAL_SALARY: Final = 10**12
"""Salaries in local currency above this are refused as absurd."""

INTEGER_COLUMNS: Final = (schema.YEAR, schema.REMOTE, schema.SALARY, schema.TARGET)
COUNTRY_COLUMNS: Final = (schema.RESIDENCE, schema.LOCATION)

_DIGITS_ONLY: Final = "Write digits only, such as 120000."
_PLAIN_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_POINTED_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+", re.ASCII)
"""85.500 is eighty-five thousand to many and eighty-five and a half to others; it is asked, never taken for either."""
_MONEY_MARKS: Final = re.compile(
    r"^[\s$€£¥₹]*(?:usd|eur|gbp)?\s*([0-9][0-9,_'\s.]*?)\s*(k|m)?\s*(?:usd|eur|gbp)?\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the text of one cell was read.

    `value` is what enters (str, or int for `INTEGER_COLUMNS`), None exactly when `defect` is set. `notes` say what was
    repaired, empty where the text was taken as it stood. `defect` carries no rows; `table` adds them.
    """

    value: str | int | None
    notes: tuple[str, ...] = ()
    defect: Defect | None = None


def read_value(column: str, text: str) -> Reading:
    """Read the text of one cell of one of `schema.COLUMNS`; pure, never raises for bad text."""
    if column not in schema.COLUMNS:
        raise KeyError(f"no rule for column {column!r}")
    return _read(column, text, _RULES[column])


def read_values(column: str, texts: Sequence[str]) -> list[Reading]:
    """The readings of many texts of one column.

    Countries are read as their column shows them: CA is California among US states, and NA is Namibia only among other codes of
    countries. Only the first `ADVISED` bad ones get advice that takes a search.
    """
    if column not in COUNTRY_COLUMNS:
        return [read_value(column, text) for text in texts]
    states = looks_like_us_states(texts)
    codes = any(text.strip() in country_codes() and text.strip() != "NA" for text in texts)
    readings: list[Reading] = []
    bad = 0
    for text in texts:
        rule = partial(_read_country, states=states, codes=codes, suggest=bad < ADVISED)
        readings.append(_read(column, text, rule))
        bad += readings[-1].defect is not None
    return readings


def _read(column: str, text: str, rule: Callable[[str, str], Reading]) -> Reading:
    cleaned, notes = clean_text(text)
    if is_missing(column, cleaned):
        codes = ", ".join(map(str, schema.LABELS.get(column, ())))
        hint = f"It must be one of {codes}." if codes else ""
        if column in COUNTRY_COLUMNS and cleaned.lower() == "na":
            hint = "Namibia is NA, in capitals."
        remedy = f"Fill the value in, or remove the row yourself. {hint}".strip()
        return _defect(column, "must not be empty", text, remedy)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in cleaned):
        remedy = "The file is damaged or not plain text; export it again as UTF-8 CSV."
        return _defect(column, "must not contain NUL or other control characters", text, remedy)
    reading = rule(column, cleaned)
    if reading.defect is not None:
        return reading
    return Reading(value=reading.value, notes=(*notes, *reading.notes))


def clean_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without mojibake, surrounding and repeated white space, and what of that was done."""
    if text.isascii() and text == text.strip() and "  " not in text and text.isprintable():
        return text, ()
    notes = []
    for repair, note in _REPAIRS:
        repaired = repair(text)
        if repaired != text:
            notes.append(note)
        text = repaired
    return text, tuple(notes)


def repair_mojibake(text: str) -> str:
    """Undo UTF-8 decoded as Windows-1252 (`DonnÃ©es` -> `Données`), up to three times over; else the text unchanged."""
    for _ in range(3):
        if text.isascii():
            return text
        raw = bytearray()
        for character in text:
            try:
                raw += character.encode("cp1252")
            except UnicodeEncodeError:
                if ord(character) > 0xFF:
                    return text
                raw.append(ord(character))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return text
    return text


def is_missing(column: str, cleaned: str) -> bool:
    """Whether cleaned text says "no value" in this column."""
    if cleaned == "NA" and column in COUNTRY_COLUMNS:
        return False
    return cleaned.lower() in MISSING_WORDS


_REPAIRS: Final[Sequence[tuple[Callable[[str], str], str]]] = (
    (repair_mojibake, "UTF-8 that had been decoded as Windows-1252 repaired"),
    (lambda text: text.strip(" \t\r\n\f\v\u00a0\u200b\ufeff"), "surrounding white space removed"),
    (lambda text: " ".join(text.split()), "inner white space reduced to single spaces"),
    (partial(unicodedata.normalize, "NFC"), "accents composed (Unicode NFC)"),
)


@cache
def plain_words() -> Mapping[tuple[str, str], str]:
    """(column, lower-case plain word) -> code, from `tables/plain_words.csv`."""
    return {(row["column"], row["word"]): row["code"] for row in rows("plain_words")}


def _read_code(column: str, cleaned: str) -> Reading:
    codes = {str(code): code for code in schema.LABELS[column]}
    if cleaned in codes:
        return Reading(value=codes[cleaned])
    if cleaned.upper() in codes:
        return Reading(value=codes[cleaned.upper()], notes=("letter case of the code corrected",))
    if (number := _whole_number(column, cleaned)).value in schema.LABELS[column]:
        return number
    if (code := _in_words(column, cleaned)) is not None:
        label = schema.label_of(column, code)
        same = label.casefold() == cleaned.casefold()
        return Reading(value=code, notes=() if same else (f"{cleaned!r} read as {label}",))
    choices = ", ".join(f"{code} ({schema.label_of(column, code)})" for code in schema.LABELS[column])
    return _defect(column, f"must be one of {choices}", cleaned, "Write the code or its words.")


def _in_words(column: str, cleaned: str) -> schema.Code | None:
    """The code that plain words name, where they name exactly one."""
    folded = " ".join(cleaned.casefold().replace("-", " ").split())
    for code, label in schema.LABELS[column].items():
        if folded in (label.casefold(), schema.label_of(column, code).casefold(), f"{code}%", f"{code} %"):
            return code
    word = plain_words().get((column, folded))
    return next((code for code in schema.LABELS[column] if str(code) == word), None)


def _read_year(column: str, cleaned: str) -> Reading:
    reading = _whole_number(column, cleaned)
    rule = f"must be a year from {schema.FIRST_YEAR} to {schema.LAST_YEAR}"
    if not isinstance(reading.value, int) or not schema.FIRST_YEAR <= reading.value <= schema.LAST_YEAR:
        return _defect(column, rule, cleaned, "Write the year in four digits, such as 2024.")
    return reading


def _read_title(column: str, cleaned: str) -> Reading:
    if len(cleaned) > MAX_TEXT:
        remedy = "Check for a missing quote or a shifted column, or shorten the title."
        return _defect(column, f"must be at most {MAX_TEXT} characters", cleaned[:60] + "...", remedy)
    if not any(character.isalpha() for character in cleaned):
        return _defect(column, "must contain a letter", cleaned, "Write the title in words; check for shifted columns.")
    if "\ufffd" in cleaned:
        remedy = "The character was lost before this file was written; correct it at the source or by hand."
        return _defect(column, "must not contain the replacement character U+FFFD", cleaned, remedy)
    return Reading(value=cleaned)


def _read_country(
    column: str, cleaned: str, *, states: bool = False, codes: bool = True, suggest: bool = True
) -> Reading:
    if not states and cleaned in country_codes() and (codes or cleaned != "NA"):
        return Reading(value=cleaned)
    if not states and cleaned.upper() in country_codes() and cleaned != "NA":
        return Reading(value=cleaned.upper(), notes=("letter case of the code corrected",))
    rule = "must be a country"
    try:
        place = read_place(cleaned, states=states, codes=codes, suggest=suggest)
    except InputError:
        return _defect(column, rule, cleaned, COUNTRY_REMEDY)
    if place.code is None:
        return _defect(column, rule, cleaned, place.note or COUNTRY_REMEDY)
    return Reading(value=place.code, notes=tuple(filter(None, [place.note])))


def _read_salary(column: str, cleaned: str) -> Reading:
    low, high = (schema.MIN_SALARY_USD, schema.MAX_SALARY_USD) if column == schema.TARGET else (1, MAX_LOCAL_SALARY)
    if _POINTED_THOUSANDS.fullmatch(cleaned):
        digits = cleaned.replace(".", "")
        remedy = f"Write {digits} if the point separates thousands; write the figure in full if it is a decimal point."
        return _defect(column, "must be a whole number in plain digits", cleaned, remedy)
    reading = _whole_number(column, cleaned)
    if reading.defect is not None:
        return reading
    if isinstance(reading.value, int) and low <= reading.value <= high:
        return reading
    if column == schema.TARGET:
        rule, unit = f"must lie from {low:,} to {high:,}", "US dollars"
    else:
        rule, unit = f"must be positive and at most {high:,}", schema.CURRENCY
    remedy = f"The column holds one year's gross pay in {unit}; correct the value or remove the row yourself."
    return _defect(column, rule, cleaned, remedy)


def _whole_number(column: str, cleaned: str) -> Reading:
    if _PLAIN_INTEGER.fullmatch(cleaned):
        return Reading(value=int(cleaned))
    rule = "must be a whole number in plain digits"
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**18:
        return _defect(column, rule, cleaned, _number_remedy(cleaned))
    if number != number.to_integral_value():
        return _defect(column, rule, cleaned, f"Round it, for example to {round(number)}.")
    return Reading(value=int(number), notes=("decimal notation read as a whole number",))


def _number_remedy(cleaned: str) -> str:
    """What to write instead of `120,000` or `$120k`; the pattern is for advice only and never changes a value."""
    found = _MONEY_MARKS.match(cleaned)
    if found is None:
        return _DIGITS_ONLY
    digits, scale = found[1].strip(), {"k": 1_000, "m": 1_000_000}.get((found[2] or "").lower(), 1)
    if re.fullmatch(r"[0-9]{1,3}(?:[,._' ][0-9]{3})+", digits):
        digits = re.sub(r"[^0-9]", "", digits)
    with suppress(InvalidOperation):
        number = Decimal(digits) * scale
        if number == number.to_integral_value():
            return f"Write {int(number)}: digits only, no separators, signs or letters."
    return _DIGITS_ONLY


def _defect(column: str, rule: str, text: str, remedy: str) -> Reading:
    return Reading(value=None, defect=Defect(column=column, rule=rule, value=repr(text), remedy=remedy))


_KINDS: Final[Mapping[schema.Kind, Callable[[str, str], Reading]]] = {
    "title": _read_title,
    "code": _read_code,
    "country": _read_country,
    "year": _read_year,
}
_RULES: Final[Mapping[str, Callable[[str, str], Reading]]] = {
    **{field.column: _KINDS[field.kind] for field in schema.FIELDS},
    schema.SALARY: _read_salary,
    schema.CURRENCY: lambda _, cleaned: Reading(value=cleaned),
    schema.TARGET: _read_salary,
}
