"""Whether a title belongs to the market that the data describe: data, machine learning, AI, software, analytics (decision 0012).

A published rule over the words of `tables/relevance_words.csv`, no model: core words of the field make a title answerable, an
occupation of another trade that stands first never is, words that many trades share (manager, engineer, staff) decide
nothing. Says nothing about how much is known of such a job.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from mlpaygrade.job.known_titles import resolve_title, suggest_titles
from mlpaygrade.job.lookup import longest_phrases, remembered, rows, with_memory
from mlpaygrade.job.reading import job_words, read_title
from mlpaygrade.job.titles import edition_titles, title_words

FIELD: Final = "data, machine learning, AI, software and analytics"


@dataclass(frozen=True, slots=True)
class Relevance:
    """Whether a title can be answered, why in plain words, and the nearest known title (itself where it is known).

    nearest: None where no known title is of the same kind.
    """

    answerable: bool
    reason: str
    nearest: str | None


@with_memory
def relevance(text: str, *, known: Collection[str] | None = None) -> Relevance:
    """Judge a title. known: the titles that may be named as the nearest; without, those of the public editions.

    The titles of the editions and the known ones are always answerable. Raises InputError for what is no title at all.
    """
    return _judge(text, edition_titles() if known is None else frozenset(known))


@remembered
def _judge(text: str, titles: frozenset[str]) -> Relevance:
    reading = read_title(text, known=titles | edition_titles())
    segments = job_words(text)
    found = {phrase: kind for words in segments for phrase, kind in _kinds(words)}
    other = _first(dict(_kinds(segments[0])) if segments else {}, "other")
    aside = set(title_words(reading.title)).symmetric_difference(word for words in segments for word in words)
    strange = _first(found, "core") is None and any(
        found[phrase] == "trade" and aside & {*phrase.split()} for phrase in found
    )
    if reading.known and (reading.title == text.strip() or (other is None and not strange)):
        nearest = reading.title if reading.title in titles else _similar(reading.title, titles)
        return Relevance(True, f'"{reading.title}" is a title of the public data.', nearest)
    if other is not None:
        reason = f'"{other}" is a job of another trade; only jobs in {FIELD} are known here.'
        return Relevance(False, reason, _instead(found, titles))
    core = _first(found, "core") or (_first(found, "role") if _first(found, "trade") is None else None)
    if core is not None:
        return Relevance(True, f'"{core}" belongs to {FIELD}.', _similar(reading.title, titles))
    misspelt = resolve_title(reading.title, known=titles)
    if misspelt.match == "misspelling":
        return Relevance(True, f'Read as "{misspelt.title}", a title of the public data.', misspelt.title)
    reason = f'Nothing in "{reading.title}" says {FIELD}; only such jobs are known here.'
    return Relevance(False, reason, _instead(found, titles))


def _kinds(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Phrases of the table in the words, the longest first, with their kind; every word counts once."""
    table, singular = _table(), _singular()
    for phrase in longest_phrases([singular.get(word, word) for word in words], table):
        if phrase in table:
            yield phrase, table[phrase]["kind"]
        elif phrase.startswith(_prefixes()):
            yield phrase, "core"


def _first(found: Mapping[str, str], kind: str) -> str | None:
    return next((phrase for phrase, its in found.items() if its == kind), None)


def _instead(found: Mapping[str, str], known: frozenset[str]) -> str | None:
    """The known title of the same kind as a refused one: by its occupation, or by its last general word."""
    table = _table()
    kinds = ("other",) if "other" in found.values() else ("trade", "kind") if "engineer" in found else ("kind",)
    named = [table[phrase]["nearest"] for kind in kinds for phrase in reversed(list(found)) if found[phrase] == kind]
    return next((title for titles in named for title in titles.split("|") if title in known), None)


def _similar(title: str, known: frozenset[str]) -> str | None:
    """The known title nearest in words, of those with the same last word (what one does) where there are such."""
    near = suggest_titles(title, known=known, limit=20)
    role = (title_words(title) or ("",))[-1]
    return next((other for other in near if role in title_words(other)), near[0] if near else None)


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    """Canonical words of a phrase -> its row."""
    table = {" ".join(title_words(row["text"])) or row["text"]: row for row in rows("relevance_words")}
    return {phrase: row for phrase, row in table.items() if row["kind"] != "prefix"}


@cache
def _singular() -> Mapping[str, str]:
    """Plural -> singular of every word of the table: official lists name occupations in the plural."""
    words = {word for phrase in _table() for word in phrase.split()}
    return {f"{word}s": word for word in words if f"{word}s" not in words}


@cache
def _prefixes() -> tuple[str, ...]:
    """Beginnings of compound words that name the field: "Datenqualitätsmanager"."""
    return tuple(row["text"] for row in rows("relevance_words") if row["kind"] == "prefix")
