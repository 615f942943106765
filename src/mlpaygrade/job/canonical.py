"""One title for one job: "ML Engineer" and "Machine Learning Engineer" are the same to whoever counts or encodes titles.

Titles with the same words are one title, spelt as the commonest of them is (the first row of `tables/titles.csv`); what
has other words and is the same job stands in `tables/synonyms.csv`. Corrects no spelling and knows no training data
(`taxonomy` does). Ranks stay in a title: "Lead Data Engineer" is its own title.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from mlpaygrade.job.memory import remembered
from mlpaygrade.job.reference import rows
from mlpaygrade.job.titles import title_words


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
    return MappingProxyType(table)


def _key(title: str) -> tuple[str, ...]:
    return tuple(sorted(title_words(title)))
