"""Job titles as words and families, for any text, seen or not; and one title for one job.

Rows of `tables/titles.csv`, `abbreviations.csv`, `family_rules.csv` and `families.csv` (decisions 0001 and 0011). Never
fails: any text has words and a family. Titles with the same words are one title ("ML Engineer", "Machine Learning Engineer"),
spelt as the commonest of them is (the first row of `tables/titles.csv`); what has other words and is the same job stands in
`tables/synonyms.csv`. Corrects no spelling and knows no training data (`known_titles` does). Ranks stay in a title: "Lead Data
Engineer" is its own title.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, Literal, cast, get_args

from mlpaygrade.job.lookup import fold, longest_phrases, remembered, rows

Family = Literal[
    "DATA_SCIENCE", "DATA_ENGINEERING", "DATA_ANALYSIS", "MACHINE_LEARNING", "MANAGEMENT", "SPECIALIZED", "SOFTWARE", "BUSINESS"
]  # fmt: skip

FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
"""The families in use."""

_TOKEN: Final = re.compile(r"[^\W_]+(?:\+\+|#)?")


def title_family(title: str) -> Family:
    """The one family in use of a title, known or not; one that is not in use yet counts as SPECIALIZED."""
    family = market_family(title)
    return family if family in FAMILIES else "SPECIALIZED"


def market_family(title: str) -> Family:
    """One of all eight families (decision 0011): the table of titles first, else the keyword rules."""
    words = title_words(title)
    return _family_table().get(words) or _family_by_rule(words)


def family_name(family: Family) -> str:
    """The family as a person reads it, such as "Data engineering"."""
    return next(row["name"] for row in rows("families") if row["family"] == family)


@remembered
def title_words(title: str) -> tuple[str, ...]:
    """The canonical words of any text: lower case, abbreviations written out, spelling and plural folded.

    "Sr. ML Eng" -> ("senior", "machine", "learning", "engineer"). Words that carry no role ("of", "m/f/d") are dropped;
    a text without any other gives ().
    """
    singulars = vocabulary()
    words = _write_out(_whole_written_out(title_tokens(title)))
    return tuple(word[:-1] if len(word) > 3 and word[-1] == "s" and word[:-1] in singulars else word for word in words)


def title_bigrams(title: str) -> tuple[str, ...]:
    """Neighbouring pairs of a title's words, its start and end marked: "Data Lead" -> ("^ data", "data lead", "lead $")."""
    words = ("^", *title_words(title), "$")
    return tuple(f"{first} {second}" for first, second in pairwise(words)) if len(words) > 2 else ()


def title_tokens(title: str) -> tuple[str, ...]:
    """The written words of a title in lower case, in their order, nothing expanded: "ML-Ops" -> ("ml", "ops")."""
    return tuple(_TOKEN.findall(fold(title)))


def _whole_written_out(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Write out an abbreviation that is the whole title but for its rank: ("sr", "de") -> ("sr", "data", "engineer").

    Inside a longer title "de" may be anything, so it is left alone there.
    """
    core = [place for place, token in enumerate(tokens) if not all(word in ranks() for word in _write_out((token,)))]
    if len(core) != 1 or tokens[core[0]] not in phrases("whole"):
        return tokens
    return (*tokens[: core[0]], *phrases("whole")[tokens[core[0]]].split(), *tokens[core[0] + 1 :])


def _write_out(tokens: Sequence[str]) -> list[str]:
    """Replace abbreviations, spelling variants and fillers by their words, the longest phrase first."""
    table = _replaced()
    return [word for phrase in longest_phrases(tokens, table) for word in table.get(phrase, phrase).split()]


@cache
def _replaced() -> Mapping[str, str]:
    return {**dict.fromkeys(phrases("filler"), ""), **phrases("word")}


def without_rank(words: Sequence[str]) -> tuple[str, ...]:
    """`words` without those that say how senior somebody is; they belong to the experience level."""
    kinds = ranks()
    last = len(words) - 1
    drop = [
        {"rank", *(["rank-front"] if n == 0 else []), *(["rank-end"] if n == last else [])} for n in range(last + 1)
    ]
    return tuple(word for word, kind in zip(words, drop, strict=True) if kinds.get(word) not in kind) or tuple(words)


def _family_by_rule(words: Sequence[str]) -> Family:
    """The first rule of stage 1 that holds; what that leaves SPECIALIZED, the first rule of stage 2 that holds."""
    text = f" {' '.join(words)} "

    def first(stage: str) -> str | None:
        return next((rule["family"] for rule in rows("family_rules") if rule["stage"] == stage and holds(rule)), None)

    def holds(rule: Mapping[str, str]) -> bool:
        return (
            names(rule["any_of"])
            and (not rule["one_of"] or names(rule["one_of"]))
            and not (rule["none_of"] and names(rule["none_of"]))
        )

    def names(alternatives: str) -> bool:
        return any(f" {phrase} " in text for phrase in alternatives.split("|"))

    family = first("1")
    if family in {None, "SPECIALIZED"}:
        family = first("2")
    return cast(Family, family or "SPECIALIZED")


@cache
def _family_table() -> Mapping[tuple[str, ...], Family]:
    return {tuple(row["words"].split()): cast(Family, row["family"]) for row in rows("titles")}


@cache
def vocabulary() -> frozenset[str]:
    """Every canonical word of the titles in the table."""
    return frozenset(word for row in rows("titles") for word in row["words"].split())


@cache
def phrases(kind: str) -> Mapping[str, str]:
    """Abbreviations of one kind (word, whole, filler) -> the words they stand for."""
    return {row["text"]: row["words"] for row in rows("abbreviations") if row["kind"] == kind}


@cache
def ranks() -> Mapping[str, str]:
    """Words that say how senior somebody is -> where they do: rank (anywhere), rank-front, rank-end."""
    return {row["text"]: row["kind"] for row in rows("abbreviations") if row["kind"].startswith("rank")}


@cache
def edition_titles() -> frozenset[str]:
    """The titles that the public editions hold."""
    return frozenset(row["title"] for row in rows("titles") if row["source"] != "common title")


def commonest_first(titles: Collection[str]) -> list[str]:
    """Titles as common as they are in the public data, the commonest first; those that the table lacks last."""
    order = {row["title"]: place for place, row in enumerate(rows("titles"))}
    return sorted(titles, key=lambda title: (order.get(title, len(order)), title))


@remembered
def canonical_title(title: str) -> str:
    """The one spelling of a title; a title that the tables do not hold is returned with its blanks tidied."""
    return _canonical().get(_key(title)) or " ".join(title.split())


@cache
def _canonical() -> Mapping[tuple[str, ...], str]:
    """Sorted words -> the canonical title."""
    table: dict[tuple[str, ...], str] = {}
    for row in rows("titles"):
        table.setdefault(tuple(sorted(row["words"].split())), row["title"])
    for row in rows("synonyms"):
        table[_key(row["title"])] = table.get(_key(row["canonical"]), row["canonical"])
    return table


def _key(title: str) -> tuple[str, ...]:
    return tuple(sorted(title_words(title)))
