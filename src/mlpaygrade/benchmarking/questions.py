"""What cannot be known of an employer's file and is asked before anything is computed, once for a column or an own word.

A `Question` carries its proposal, so that a person who agrees answers it with one press, and the command line can write it into
a mapping to look through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from mlpaygrade.benchmarking.mapping import LOCAL, NOT_USED, SheetMapping
from mlpaygrade.job.fields import LABELS, LOCATION, label_of
from mlpaygrade.job.taxonomy import country
from mlpaygrade.money.currency import currency_name
from mlpaygrade.money.period import Period

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


def column_question(field: str, name: str, columns: Sequence[str], *, proposed: str, rows: int, why: str) -> Question:
    """Which column holds a field. columns: that may; the file may have none."""
    options = {column: column for column in columns} | {NOT_USED: "none of them"}
    text = f"Which column holds the {name}? {why}"
    return Question(kind="column", field=field, text=text, rows=rows, options=options, proposed=proposed)


def default_question(field: str, name: str, *, rows: int, proposed: str, codes: Sequence[str] = ()) -> Question:
    """What holds for rows that do not say it."""
    options = country_options(codes) if field == LOCATION else level_options(field)
    text = f"The {name} is not said in some rows. Which holds for them?"
    return Question(kind="default", field=field, text=text, rows=rows, options=options, proposed=proposed)


def currency_question(*, rows: int, codes: Sequence[str], several: bool) -> Question:
    """In which currency pay is that names none. several: rows of several countries have such pay."""
    local = {LOCAL: "each in the currency of its country"}
    options = {**(local if several else {}), **{code: currency_name(code) for code in codes}}
    text = "Pay names no currency. In which one is it?"
    own = LOCAL if several else codes[0]
    return Question(kind="currency", field="salary", text=text, rows=rows, options=options, proposed=own)


def period_question(*, rows: int) -> Question:
    """Of which period pay is that may be of several."""
    options = {"year": "a year", "month": "a month", "week": "a week", "day": "a day", "hour": "an hour"}
    text = "Some amounts may be pay of a year or of a shorter time. Which are they?"
    return Question(kind="period", field="salary", text=text, rows=rows, options=options)


def hours_question(*, rows: int, proposed: str) -> Question:
    """How many hours a week are full time."""
    options = dict.fromkeys(("35", "37.5", "38", "38.5", "39", "40", "42"), "hours a week") | {proposed: "hours a week"}
    text = "A column gives hours a week. How many are full time? Part-time pay is raised to it."
    return Question(kind="hours", field="hours", text=text, rows=rows, options=options, proposed=proposed)
