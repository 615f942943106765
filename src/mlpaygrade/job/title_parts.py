"""The parts of an advert's title: its segments, and in each the words of the job, set apart from what is said beside them.

Text in, `Part`s out. What a phrase means stands in `tables/title_terms.csv` (words of other languages), `title_remarks.csv`
(remote, employment, advert, gender marks) and `title_ranks.csv`. Decides nothing about the whole title; `reading` does.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from mlpaygrade.job.lookup import fold, rows
from mlpaygrade.job.places import place_kind
from mlpaygrade.job.titles import title_tokens

_LONGEST: Final = 5
_TOKEN: Final = re.compile(r"[^\W_]+(?:\+\+|#)?")
_BREAK: Final = re.compile(r"[()\[\]{}]|\s[-–—|:/]+\s|[|;,•·]|\s[-–—](?=\S)|(?<=\S)[-–—]\s|//+|:\s")
_GENDER: Final = re.compile(
    r"\(?(?<![\w])[mwdfhxvi](?:\s?[/|]\s?(?:[mwdfhxvi*]|gn|div\.?|divers|all)){1,3}(?![\w])\*?\)?", re.IGNORECASE
)
_ENDING: Final = re.compile(
    r"(?<=\w\w\w)(?:/-?|[:*_·.]|\()(?:innen|in|euse|se|trice|rice|ne|e|a|o|r|er|frau)\)?(?![\w])", re.IGNORECASE
)
"""Second forms of a noun: "Entwickler:in", "Ingénieur(e)", "Científico/a"."""
_EMPLOYER: Final = re.compile(r"(?:^|\s)(?:@\s*|(?:at|bei|chez|bij)\s+)\S.*$")
_MONEY_OR_NUMBER: Final = re.compile(
    r"(?:up to|ab|bis|from)?\s*[$€£]\s?\d[\d.,]*\s?[kK]?(?:\s?[-–]\s?[$€£]?\d[\d.,]*\s?[kK]?)?"
    r"(?:\s?/?\s?(?:YR|yr|hr|year|hour|h))?"
    r"|\b(?:19|20)\d\d\b|#?\b(?:REF|ref|req|REQ|ID|id)?[-#:]?\d{4,}\w*\b|\b[A-Z]{1,3}\d{3,}\w*\b"
    r"|\b\d{2,3}\s?%?\s?[-–]\s?\d{2,3}\s?%|\b\d{2,3}\s?%(?!\s*(?i:remot|t[eé]l[eé]|home))"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the job as typed, in English lower case, and whether it was translated (language) or joined by a slash."""

    typed: str
    english: str
    language: str = ""
    after_slash: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of a title. ranks: texts of `title_ranks.csv`; remarks: (kind, value); aside: what was set aside, as typed."""

    words: tuple[Word, ...]
    ranks: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...]
    aside: tuple[str, ...]
    typed: str
    bracketed: bool


@dataclass(frozen=True, slots=True)
class _Token:
    folded: str
    start: int
    end: int


def title_parts(text: str) -> tuple[Part, ...]:
    """The segments of a tidied title, in order; what marks genders, money and reference numbers is set aside in the first."""
    aside: list[str] = []
    bare = text
    for pattern in (_GENDER, _MONEY_OR_NUMBER):
        aside.extend(found.group().strip() for found in pattern.finditer(bare))
        bare = pattern.sub(" ", bare)
    bare = _ENDING.sub("", bare)
    parts = [_part(segment, bracketed) for segment, bracketed in _segments(bare)]
    parts = [part for part in parts if part.typed]
    marks = Part((), (), (), tuple(aside), "", True)
    return (*_places_aside(parts), marks) if aside else tuple(_places_aside(parts))


def is_internship(title: str) -> bool:
    """Whether a title, as typed or as read, names an internship in one of the languages that are read.

    >>> is_internship("Machine Learning Intern"), is_internship("Praktikum Data Science"), is_internship("Internal Auditor")
    (True, True, False)
    """
    interns = {row["text"] for row in rows("title_ranks") if row["rank"] == "intern"}
    return any(rank in interns for part in title_parts(tidy(title)) for rank in part.ranks)


def _segments(text: str) -> Iterator[tuple[str, bool]]:
    depth = start = 0
    for found in _BREAK.finditer(text):
        yield text[start : found.start()].strip(), depth > 0
        depth = max(0, depth + sum((mark in "([{") - (mark in ")]}") for mark in found.group()))
        start = found.end()
    yield text[start:].strip(), depth > 0


def _part(segment: str, bracketed: bool) -> Part:
    employer = _EMPLOYER.search(segment)
    aside = [employer.group().strip()] if employer else []
    body = segment[: employer.start()] if employer else segment
    tokens = [_Token(fold(found.group()), found.start(), found.end()) for found in _TOKEN.finditer(body)]
    words: list[Word] = []
    ranks: list[str] = []
    remarks: list[tuple[str, str]] = []
    place = 0
    while place < len(tokens):
        kind, value, length = _longest(tokens, place)
        first, last = tokens[place], tokens[place + length - 1]
        typed = body[first.start : last.end]
        slash = place > 0 and "/" in body[tokens[place - 1].end : first.start]
        if kind == "rank":
            ranks.append(value)
            aside.append(typed)
        elif kind in {"remote", "employment", "unpaid", "gender", "advert"}:
            remarks.append((kind, value))
            aside.append(typed)
        elif kind == "term":
            english, _, language = value.partition("|")
            words.extend(Word(typed, word, language, slash) for word in english.split())
        else:
            words.extend(
                Word(body[token.start : token.end], token.folded, "", slash and token is first)
                for token in tokens[place : place + length]
            )
        place += length
    return Part(tuple(words), tuple(ranks), tuple(remarks), tuple(aside), segment, bracketed)


def _longest(tokens: Sequence[_Token], place: int) -> tuple[str, str, int]:
    """Kind, value and number of tokens of the longest phrase of the tables that starts here; ("", "", 1) where none does."""
    for length in range(min(_LONGEST, len(tokens) - place), 0, -1):
        phrase = " ".join(token.folded for token in tokens[place : place + length])
        found = phrase_table().get(phrase)
        if found is None:
            continue
        kind, value, where = found
        at_front = place == 0 and length < len(tokens)
        at_end = place + length == len(tokens) and (place > 0 or not phrase.isdigit())
        if where == "any" or (where == "front" and at_front) or (where == "end" and at_end):
            return kind, value, length
    return "", "", 1


def _places_aside(parts: Sequence[Part]) -> Iterator[Part]:
    """The parts, those that name a place emptied; a code such as MA counts only after a place."""
    before = False
    for number, part in enumerate(parts):
        kind = place_kind(part.typed) if number else None  # the first part is the job; the tables of places take 30 ms
        code = len(part.typed) == 2 and part.typed.upper() not in {"US", "UK", "EU"}
        before = number > 0 and kind is not None and (before or not code)
        yield Part((), part.ranks, part.remarks, (part.typed,), part.typed, part.bracketed) if before else part


@cache
def phrase_table() -> Mapping[str, tuple[str, str, str]]:
    """Folded phrase -> kind, value, where it counts (any, front, end). Ranks and remarks go before words of other languages."""
    terms = [row for row in rows("title_terms") if row["language"] != "field"]
    remarks = [row for row in rows("title_remarks") if row["kind"] not in {"tool", "with"}]
    ranks = [row for row in rows("title_ranks") if row["stays"] == "no"]
    return (
        {_key(row["text"]): ("term", f"{row['english']}|{row['language']}", "any") for row in terms}
        | {_key(row["text"]): (row["kind"], row["value"], "any") for row in remarks}
        | {_key(row["text"]): ("rank", row["text"], row["place"]) for row in ranks}
    )


def tidy(text: str) -> str:
    """A title in composed Unicode with its blanks tidied."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _key(text: str) -> str:
    return " ".join(title_tokens(text))
