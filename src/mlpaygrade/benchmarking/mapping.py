"""What a person decided about a file of their own: which column is what, what own words mean, what holds for every row.

A `SheetMapping` is kept as a small TOML file that the command line takes and the page gives; JSON of the same shape is read
too. It holds names of columns and own grades, no pay and no rows. What cannot be known is a `Question`, asked once for a
column or an own word before anything is computed; it carries its proposal, so that a person who agrees answers with one press.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from mlpaygrade.dataset.columns import mappable, match_columns, plain, shown
from mlpaygrade.errors import DataError, Defect, InputError
from mlpaygrade.job.fields import LABELS, LOCATION, label_of
from mlpaygrade.job.places import country
from mlpaygrade.job.values import COUNTRY_COLUMNS, read_value
from mlpaygrade.money.currency import Period, usd_to

LOCAL: Final = "LOCAL"
"""As the currency of a file: each row is in the currency of its company's country."""
NOT_USED: Final = ""
"""As the name of a column: the file has no such column. As the code of an own word: it says nothing."""
_VERSION: Final = 1
_TABLES: Final = ("columns", "values", "defaults", "pay")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetMapping:
    """columns: field -> name of the column, NOT_USED for none. values: field -> own word -> code, NOT_USED for nothing.

    defaults: field -> code of rows that do not say it. currency (ISO 4217 or LOCAL) and period: of pay that names none.
    full_time_hours: hours a week of full-time work, where a column gives hours.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    period: Period | None = None
    full_time_hours: float | None = None

    def with_value(self, name: str, word: str, code: str) -> "SheetMapping":
        """The same with the meaning of one more own word."""
        return replace(self, values={**self.values, name: {**self.values.get(name, {}), word: code}})

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """field -> place in a header: as the mapping says, else by the names of `dataset.columns`.

        Raises DataError for a column that is named and not there, and where that of titles is missing.
        """
        of_name = {folded(name): place for place, name in enumerate(header)}
        named = {name: column for name, column in self.columns.items() if column}
        defects = [
            Defect(
                column=name,
                rule=f"the mapping names the column {shown(column)!r}, which must be there",
                value=f"columns {', '.join(map(shown, header[:15]))}",
                remedy="Correct the mapping, or give the file that it was made for.",
            )
            for name, column in named.items()
            if folded(column) not in of_name
        ]
        if defects:
            raise DataError("The columns that the mapping names are not there.", defects=defects)
        places = {name: of_name[folded(column)] for name, column in named.items()}
        free = [name for name in mappable() if name not in self.columns]
        known = match_columns(header, wanted=free, required=[]).places
        return places | {name: place for name, place in known.items() if place not in places.values()}

    def meant(self, name: str, texts: Sequence[str]) -> list[str]:
        """What each text of a column stands for: the person's code, or itself."""
        own = {folded(word): code for word, code in self.values.get(name, {}).items()}
        found = [own.get(folded(text), text) if text.strip() else text for text in texts] if own else list(texts)
        return ["Namibia" if text == "NA" and name in COUNTRY_COLUMNS and own else text for text in found]


def folded(text: str) -> str:
    """An own word as it is compared."""
    return " ".join(text.split()).casefold()


def mapping_text(mapping: SheetMapping, remarks: Iterable[str] = ()) -> str:
    """The mapping as TOML. remarks: lines of comment above it."""
    lines = [f"# {shown(remark, 300)}" for remark in remarks]
    lines += [f"version = {_VERSION}", "", "[columns]", *_pairs(mapping.columns)]
    for name, words in mapping.values.items():
        lines += ["", f"[values.{name}]", *_pairs(words)]
    if mapping.defaults:
        lines += ["", "[defaults]", *_pairs(mapping.defaults)]
    pay = {"currency": mapping.currency, "period": mapping.period, "full_time_hours": mapping.full_time_hours}
    if any(value is not None for value in pay.values()):
        lines += ["", "[pay]", *_pairs({name: value for name, value in pay.items() if value is not None})]
    return "\n".join(lines) + "\n"


def read_mapping(source: Path | str) -> SheetMapping:
    """Read a mapping from a file, or from its text. Raises DataError with every rule that it breaks."""
    name = str(source) if isinstance(source, Path) else "The mapping"
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source
        document: Any = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except OSError as error:
        raise _refusal(name, "must be readable", str(error.strerror or error)) from error
    except (ValueError, RecursionError) as error:
        raise _refusal(name, "must be TOML or JSON", str(error)[:200]) from error
    if not isinstance(document, dict) or document.pop("version", _VERSION) != _VERSION:
        raise _refusal(name, f"must be a mapping of version {_VERSION}", "another document")
    defects = [*_shape_defects(document)] or [*_content_defects(document)]
    if defects:
        raise DataError(f"{shown(name, 200)} is no mapping that can be used.", defects=defects)
    pay = document.get("pay", {})
    return SheetMapping(
        columns=document.get("columns", {}),
        values=document.get("values", {}),
        defaults=document.get("defaults", {}),
        currency=pay.get("currency"),
        period=cast(Period | None, pay.get("period")),
        full_time_hours=pay.get("full_time_hours"),
    )


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [
        f"{_quoted(name)} = {_quoted(value) if isinstance(value, str) else value}" for name, value in values.items()
    ]


def _quoted(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _shape_defects(document: Mapping[str, object]) -> Iterable[Defect]:
    for name, table in document.items():
        if name not in _TABLES:
            yield _defect(name, f"a mapping has the parts {', '.join(_TABLES)}", repr(name), "Remove or rename it.")
        elif not isinstance(table, dict):
            yield _defect(name, "must be a table", repr(table)[:60], f"Write [{name}] and its lines below it.")
    tables = [document.get(name) for name in ("columns", "defaults")]
    nested = document.get("values")
    tables += list(nested.values()) if isinstance(nested, dict) else []
    for table in tables:
        for key, value in table.items() if isinstance(table, dict) else [("values", table)]:
            if table is not None and not isinstance(value, str):
                yield _defect(str(key), "must be a text", repr(value)[:60], "Put it in quotes.")


def _content_defects(document: Mapping[str, Any]) -> Iterable[Defect]:
    known = mappable()
    for part in ("columns", "values", "defaults"):
        for name in document.get(part, {}):
            if name not in known:
                yield _defect(part, f"fields are {', '.join(known)}", repr(name)[:60], "Give one of these.")
    given = [(name, code) for name, words in document.get("values", {}).items() for code in words.values()]
    for name, code in [*given, *document.get("defaults", {}).items()]:
        if name in (*LABELS, LOCATION) and code != NOT_USED and read_value(name, code).defect is not None:
            allowed = ", ".join(map(str, LABELS[name])) if name in LABELS else "a country's two-letter code"
            yield _defect(name, f"must be one of {allowed}, or empty", repr(code)[:60], "Correct it.")
    yield from _pay_defects(document.get("pay", {}))


def _pay_defects(pay: Mapping[str, object]) -> Iterable[Defect]:
    currency, period, hours = pay.get("currency"), pay.get("period"), pay.get("full_time_hours")
    if currency not in (None, LOCAL):
        try:
            usd_to(str(currency))
        except InputError as error:
            yield _defect("pay.currency", "must be a currency with a rate, or LOCAL", repr(currency)[:60], str(error))
    if period is not None and period not in get_args(Period):
        yield _defect("pay.period", f"must be one of {', '.join(get_args(Period))}", repr(period)[:60], "Correct it.")
    if hours is not None and not (isinstance(hours, int | float) and 20 <= hours <= 60):
        yield _defect("pay.full_time_hours", "must lie from 20 to 60", repr(hours)[:60], "Give hours a week.")


def _defect(column: str, rule: str, value: str, remedy: str) -> Defect:
    return Defect(column=plain(column).replace(" ", "_") or column, rule=rule, value=value, remedy=remedy)


def _refusal(name: str, rule: str, value: str) -> DataError:
    remedy = "Start from the file that `mlpaygrade benchmark --mapping NEW.toml` or the Benchmark page writes."
    defect = Defect(column="(file)", rule=rule, value=value, remedy=remedy)
    return DataError(f"{shown(name, 200)} is no mapping that can be used.", defects=[defect])


Kind = Literal["column", "values", "default", "currency", "period", "hours"]

MOST_SHOWN: Final = 8
"""So many answers are listed on a line."""
MOST_WORDS: Final = 60
"""A column with more own words than this is not one of grades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """An own word of a column, in how many rows it stands, and the code proposed for it ("" for none)."""

    text: str
    rows: int
    proposed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. text: as it is asked. rows: that it concerns. words: of kind "values".

    options: answer -> how it reads; in values, of each word. proposed: the answer that is proposed, "" where none is.
    """

    kind: Kind
    field: str
    text: str
    rows: int
    options: dict[str, str]
    proposed: str = ""
    words: tuple[Word, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The question in lines for a terminal or a comment: what is asked, each word, what may be answered."""
        asked = [f"{self.text} ({self.rows:,} row{'s' if self.rows != 1 else ''})"]
        asked += [
            f"  {word.text!r} in {word.rows:,}: {self.options.get(word.proposed, 'nothing proposed')}"
            for word in self.words
        ]
        if self.proposed:
            asked.append(f"  Proposed: {self.proposed} ({self.options.get(self.proposed, self.proposed)})")
        shown = list(self.options.items())[:MOST_SHOWN]
        choices = ", ".join(f"{code or chr(34) * 2} ({words})" for code, words in shown)
        return [*asked, f"  Possible: {choices}{', ...' if len(self.options) > MOST_SHOWN else ''}"]


def answered(mapping: SheetMapping, question: Question, answer: str) -> SheetMapping:
    """The mapping with one answer."""
    if question.kind == "column":
        return replace(mapping, columns={**mapping.columns, question.field: answer})
    if question.kind == "default":
        return replace(mapping, defaults={**mapping.defaults, question.field: answer})
    if question.kind == "currency":
        return replace(mapping, currency=answer or None)
    if question.kind == "period":
        return replace(mapping, period=cast(Period, answer) if answer else None)
    if question.kind == "hours":
        return replace(mapping, full_time_hours=float(answer) if answer else None)
    raise ValueError(f"own words are answered one by one: {question.field}")


def accepted(mapping: SheetMapping, questions: Sequence[Question]) -> SheetMapping:
    """The mapping with every proposal taken; a word without one is taken to say nothing."""
    for question in questions:
        if question.kind == "values":
            for word in question.words:
                mapping = mapping.with_value(question.field, word.text, word.proposed)
        elif question.proposed:
            mapping = answered(mapping, question, question.proposed)
    return mapping


def level_options(field: str) -> dict[str, str]:
    """The codes of a closed set in words, and that a word says nothing."""
    return {str(code): label_of(field, code) for code in LABELS[field]} | {NOT_USED: "leave open"}


def country_options(codes: Sequence[str]) -> dict[str, str]:
    """Countries in words."""
    return {code: country(code).name for code in codes}


def default_question(field: str, name: str, *, rows: int, proposed: str, codes: Sequence[str] = ()) -> Question:
    """What holds for rows that do not say it."""
    options = country_options(codes) if field == LOCATION else level_options(field)
    text = f"The {name} is not said in some rows. Which holds for them?"
    return Question(kind="default", field=field, text=text, rows=rows, options=options, proposed=proposed)
