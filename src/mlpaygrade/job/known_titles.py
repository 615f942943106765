"""Which of the titles that a model knows a text means, and which ones are near to it.

Never reads a text as something else without a note that says so.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from math import log, sqrt
from typing import Final, Literal, TypeVar

from mlpaygrade.job.lookup import MAX_TEXT, checked_text, remembered, squash, with_memory
from mlpaygrade.job.reading import read_title
from mlpaygrade.job.titles import (
    Family,
    commonest_first,
    family_name,
    phrases,
    ranks,
    title_family,
    title_tokens,
    title_words,
    vocabulary,
    without_rank,
)

Match = Literal["exact", "case", "alias", "read", "misspelling", "unseen"]

_SUGGESTIONS: Final = 5
_SAME_FAMILY: Final = 0.15
"""What sharing the family adds to the cosine of shared words when known titles are ranked."""
_MOST_SLIPS: Final = 3
"""At most so many words of a title may be misspelt, each with at most so many candidates."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleMatch:
    """How a text was read as a job title.

    `title` is spelled like the known title whenever `known`; otherwise it is the text with its blanks tidied. `note` is
    None only for an exact title.
    """

    title: str
    known: bool
    match: Match
    family: Family
    note: str | None


@with_memory
def resolve_title(text: str, *, known: Collection[str]) -> TitleMatch:
    """Read a text as one of the `known` titles, or as a title nobody has seen; the note says which and how.

    Tried in this order: the exact title; the same letters in other case, spacing or punctuation; the same words once
    abbreviations, spelling and order are folded; the same without rank words ("Senior"); the job that is left when
    `read_title` sets aside what an advert says beside it; a slight misspelling of any of these. Whatever is left is unseen
    and keeps its own words. Where several known titles fit equally, the one that shares most written tokens wins, then the
    commonest in the public data.

    Raises InputError when the text is empty, has no letter, holds control characters or is longer than `MAX_TEXT`.
    """
    if text in known:
        return TitleMatch(title=text, known=True, match="exact", family=title_family(text), note=None)
    cleaned = checked_text(text, what="job title")
    index = _index(frozenset(known))
    title, match, note = _find(cleaned, index, frozenset(known))
    return TitleMatch(title=title, known=match != "unseen", match=match, family=title_family(title), note=note)


@with_memory
def suggest_titles(text: str, *, known: Collection[str], limit: int = _SUGGESTIONS) -> tuple[str, ...]:
    """At most `limit` known titles near to a text that may be half typed, best first; never raises.

    An empty text gives the commonest titles; a text that has nothing in common with any known title gives none.
    """
    return tuple(islice(_ranked(text[:MAX_TEXT], _index(frozenset(known))), limit))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Index:
    """The known titles, commonest first, by everything that a text is looked up by. Compared and hashed by identity."""

    by_letters: Mapping[str, Sequence[str]]
    by_words: Mapping[tuple[str, ...], Sequence[str]]
    by_word: Mapping[str, Sequence[str]]
    by_family: Mapping[str, Sequence[str]]
    weights: Mapping[str, float]
    norms: Mapping[str, float]
    place: Mapping[str, int]
    spellings: frozenset[str]


@lru_cache(maxsize=8)
def _index(known: frozenset[str]) -> _Index:
    titles = commonest_first(known)
    words = {title: title_words(title) for title in titles}
    by_word = _grouped((word, title) for title in titles for word in sorted(set(words[title])))
    weights = {word: log(1 + len(titles) / len(having)) for word, having in by_word.items()}
    return _Index(
        by_letters=_grouped((squash(title), title) for title in titles),
        by_words=_grouped((tuple(sorted(words[title])), title) for title in titles),
        by_word=by_word,
        by_family=_grouped((title_family(title), title) for title in titles),
        weights=weights,
        norms={t: sqrt(sum(weights[word] ** 2 for word in sorted(set(words[t])))) for t in titles},
        place={title: place for place, title in enumerate(titles)},
        spellings=vocabulary() | weights.keys() | phrases("word").keys() | ranks().keys(),
    )


def _grouped(pairs: Iterator[tuple[Key, str]]) -> Mapping[Key, Sequence[str]]:
    groups: dict[Key, list[str]] = {}
    for key, title in pairs:
        groups.setdefault(key, []).append(title)
    return groups


def _find(cleaned: str, index: _Index, known: frozenset[str]) -> tuple[str, Match, str]:
    """The title to use, how it matched, and the note."""
    letters = index.by_letters.get(squash(cleaned))
    if letters:
        return letters[0], "case", f'Read "{cleaned}" as {letters[0]}.'
    found = _same_words(cleaned, index)
    if found:
        return found[0], "alias", f'Read "{cleaned}" as {found[0]}{found[1]}.'
    reading = read_title(cleaned, known=known)
    if reading.known:
        return reading.title, "read", " ".join(reading.remarks)
    for corrected in _corrections(cleaned, index):
        letters = index.by_letters.get(squash(corrected))
        found = (letters[0], "") if letters else _same_words(corrected, index)
        if found:
            return found[0], "misspelling", f'Read "{cleaned}" as {found[0]}, taking it for a misspelling{found[1]}.'
    how = f'it is judged by its words and its family, "{family_name(title_family(cleaned))}".'
    return cleaned, "unseen", f'"{cleaned}" is not among the {len(index.place):,} known titles; {how}'


def _same_words(text: str, index: _Index) -> tuple[str, str] | None:
    """The known title with the same words, and what the note adds: nothing, or that a rank was set aside.

    A rank is set aside only where the family stays the same: "Data Science Lead" is no "Data Science".
    """
    words = title_words(text)
    if not words:
        return None
    tokens = set(title_tokens(text))

    def best(candidates: Sequence[str]) -> str:
        return min(candidates, key=lambda title: (-len(tokens & set(title_tokens(title))), index.place[title]))

    if same := index.by_words.get(tuple(sorted(words))):
        return best(same), ""
    bare = without_rank(words)
    same = index.by_words.get(tuple(sorted(bare)))
    if not same or title_family(text) != title_family(same[0]):
        return None
    rank = " ".join(word for word in words if word not in bare)
    return best(same), f'; "{rank}" is read as a level, not as part of the job'


def _corrections(text: str, index: _Index) -> Iterator[str]:
    """The text with its unknown words replaced by words that are a slip of the keyboard away, nearest first."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    tokens = title_tokens(text)
    choices = [_near_words(token, index) for token in tokens]
    if 0 < sum(choice != (token,) for token, choice in zip(tokens, choices, strict=True)) <= _MOST_SLIPS:
        for combination in product(*choices):
            yield " ".join(combination)
    letters = squash(text)
    if len(letters) >= 8 and any(token not in index.spellings for token in tokens):
        for glued, _, _ in process.extract(letters, index.by_letters.keys(), scorer=OSA.distance, score_cutoff=1):
            if len(tokens) < len(title_tokens(index.by_letters[glued][0])):
                yield index.by_letters[glued][0]


@remembered
def _near_words(token: str, index: _Index) -> tuple[str, ...]:
    """Known spellings that `token` may be a slip of, nearest first; the token itself if it is known or like none.

    One slip in words of four to seven letters, two in longer ones; in words of four a letter may be missing, doubled or
    swapped but not replaced ("lean" is not "lead").
    """
    if token in index.spellings or token.rstrip("s") in index.spellings or not token.isalpha():
        return (token,)
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found = process.extract(token, index.spellings, scorer=OSA.distance, score_cutoff=2, limit=None)
    near = [
        (distance, word)
        for word, distance, _ in found
        if len(word) >= 4
        and distance <= (2 if min(len(word), len(token)) >= 8 else 1)
        and (len(word) > 4 or len(token) != 4 or sorted(token) == sorted(word))
    ]
    return tuple(word for _, word in sorted(near)[:_MOST_SLIPS]) or (token,)


def _ranked(text: str, index: _Index) -> Iterator[str]:
    """Known titles, nearest first: cosine of the words (rare ones count more), then the family, then how common."""
    if not text.strip():
        return iter(index.place)
    words = set(title_words(text))
    for token in title_tokens(text):
        if token not in index.spellings:
            words.update(_near_words(token, index))
            words.update(word for word in index.weights if len(token) >= 2 and word.startswith(token))
    score: dict[str, float] = {}
    for word in sorted(words & index.weights.keys()):
        for title in index.by_word[word]:
            score[title] = score.get(title, 0.0) + index.weights[word] ** 2 / index.norms[title]
    family = title_family(text)
    if family != "SPECIALIZED":
        norm = sqrt(sum(index.weights.get(word, log(1 + len(index.place))) ** 2 for word in sorted(words)))
        for title in index.by_family.get(family, ()):
            score[title] = score.get(title, 0.0) + _SAME_FAMILY * norm
    return iter(sorted(score, key=lambda title: (-score[title], index.place[title])))
