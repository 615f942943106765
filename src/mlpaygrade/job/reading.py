"""An advert's title -> the job it names, and what it says beside that: rank, level, remote work, employment (decision 0012).

A title is parted into segments, and in each the words of the job are set apart from what is said beside them (`title_parts`).
What a phrase means stands in `tables/title_terms.csv` (words of other languages), `title_remarks.csv` (remote, employment,
advert, gender marks) and `title_ranks.csv`. `read_title` sets aside what is no part of the job and says so; `contradictions` says
where the title and the fields disagree. Corrects no spelling (`known_titles.resolve_title` does) and asks no model.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple, cast

from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LABELS, REMOTE, Employment, Experience, Remote
from mlpaygrade.job.lookup import checked_text, fold, longest_phrases, remembered, rows, squash, with_memory
from mlpaygrade.job.places import place_kind
from mlpaygrade.job.titles import canonical_title, commonest_first, edition_titles, title_tokens, title_words

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


UNPAID: Final = "The title says unpaid: the figures are what paid jobs of this kind are advertised for."

INTERNSHIP: Final = (
    "The title names an internship: the figures are those of full-time jobs. An intern is paid less, and often by the hour or "
    "for some months; read them as pay of the first job after it."
)

_STUDENTS: Final = frozenset({"working student", "intern", "apprentice", "trainee", "graduate"})
_YOUNG: Final = ("working student", "intern", "apprentice", "trainee", "graduate", "junior")
_HIGH: Final = ("chief", "VP", "head", "director", "AVP", "distinguished", "principal", "staff", "lead", "manager")
_PRECEDENCE: Final = (*_YOUNG, *_HIGH, "V", "IV", "III", "senior", "expert", "II", "mid", "I", "associate")
"""Ranks, the one that decides over the others first."""
_NO_JOB: Final = frozenset({"Data Science", "Business Intelligence", "Data Governance", "Master Data Management"})
"""Known titles that name a field: read as the title of a longer text only where nothing in it names a job."""
_HEADS: Final = frozenset({"manager", "head", "director", "chief", "officer", "president", "vp"})
_SMALL: Final = frozenset({"of", "and", "for", "in"})
_UPPER: Final = frozenset({"ai", "bi", "it", "sql", "etl", "nlp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleReading:
    """What a title says.

    title: the job alone, spelt as the known title where `known`. level, rank, remote, employment: what the title says of
    them, None where it says nothing (or two things). unpaid: it says that nobody is paid. set_aside: what was left out of
    `title`, as typed. remarks: how it was read, in sentences.
    """

    title: str
    known: bool
    level: Experience | None = None
    rank: str | None = None
    remote: Remote | None = None
    employment: Employment | None = None
    unpaid: bool = False
    set_aside: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@with_memory
def read_title(text: str, *, known: Collection[str] | None = None) -> TitleReading:
    """Read an advert's title in English, German, French, Spanish, Portuguese or Dutch.

    known: titles that stay as they are; without, those of the public editions. Raises InputError when the text is empty, has no
    letter, holds control characters or is longer than `MAX_TEXT`.
    """
    return _read(text, edition_titles() if known is None else frozenset(known))


@remembered
def _read(text: str, known: frozenset[str]) -> TitleReading:
    cleaned = tidy(checked_text(text, what="job title"))
    parts = title_parts(cleaned)
    found = _find(cleaned, parts, known)
    rank = next(iter(_ranks(parts, found.title)), None)
    said = [remark for part in parts for remark in part.remarks]
    remote = {int(value) for kind, value in said if kind == "remote"}
    employment = {value for kind, value in said if kind == "employment"}
    if not employment and rank and rank["rank"] == "working student":
        employment = {"PT"}
    return TitleReading(
        title=found.title,
        known=found.title in known,
        level=cast(Experience, rank["level"]) if rank else None,
        rank=rank["rank"] if rank else None,
        remote=cast(Remote, min(remote)) if remote else None,
        employment=cast(Employment, employment.pop()) if len(employment) == 1 and employment != {""} else None,
        unpaid=("unpaid", "") in said,
        set_aside=found.aside,
        remarks=tuple(_remarks(cleaned, found, parts, rank)),
    )


def job_words(text: str) -> tuple[tuple[str, ...], ...]:
    """The canonical English words of each segment of a title, without what is set aside; what is in brackets comes last."""
    parts = sorted((part for part in title_parts(tidy(text)) if part.words), key=lambda part: part.bracketed)
    return tuple(title_words(" ".join(word.english for word in part.words)) for part in parts)


def contradictions(
    reading: TitleReading,
    *,
    experience: Experience | None = None,
    employment: Employment | None = None,
    remote: Remote | None = None,
) -> tuple[str, ...]:
    """Where a title and the fields that a person chose disagree, in sentences; a field of None was not chosen."""
    said = [INTERNSHIP] if reading.rank == "intern" else []
    fits = next((row["fits"] for row in rows("title_ranks") if row["rank"] == reading.rank), "")
    if reading.rank and reading.level and experience and experience not in fits.split("|"):
        level = LABELS[EXPERIENCE]
        said.append(_disagree(reading.rank, "level", level[experience], level[reading.level]))
    for column, field, says, chosen in (
        (EMPLOYMENT, "employment type", reading.employment, employment),
        (REMOTE, "remote work setting", reading.remote, remote),
    ):
        if says is not None and chosen is not None and chosen != says:
            meant = LABELS[column][says]
            said.append(_disagree(_plain(meant), field, LABELS[column][chosen], meant))
    return (*said, UNPAID) if reading.unpaid else tuple(said)


def _disagree(title_says: str, field: str, chosen: str, meant: str) -> str:
    return (
        f"The title says {title_says}, the {field} says {_plain(chosen)}: the answer goes by the {field}. "
        f"If the title is right, choose {meant}."
    )


class _Found(NamedTuple):
    title: str
    aside: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Index:
    """Known titles by their letters and by their sorted words."""

    by_letters: Mapping[str, str]
    by_words: Mapping[tuple[str, ...], str]


def _find(cleaned: str, parts: Sequence[Part], known: frozenset[str]) -> _Found:
    """The job that a title names, and what that leaves out: a known title as it stands, one that parts name, or what is left."""
    index = _index(known)
    if (title := index.by_letters.get(squash(cleaned))) is not None:
        native = any(word.language for part in parts for word in part.words)
        return _Found(canonical_title(title) if native and canonical_title(title) in known else title, ())
    student = any(row["rank"] in _STUDENTS for row in _ranks(parts))
    found = _job(parts, index, student=student) or _Found(_left(parts) or cleaned, ())
    if found.title == cleaned:
        return _Found(cleaned, ())
    return _Found(found.title, (*(typed for part in parts for typed in part.aside), *found.aside))


def _job(parts: Sequence[Part], index: _Index, *, student: bool) -> _Found | None:
    """The known title that the parts name, with the words that it leaves out. Tried from the whole to the single part.

    Never left out are words such as head or manager; and a title of one word or of a field is never taken out of a longer text.
    """
    several = sum(bool(part.words) for part in parts) > 1
    alone = {"vp"} if several else set()
    heads = {
        word.english
        for part in parts
        for word in part.words
        if word.english in _HEADS and {w.english for w in part.words} != alone
    }
    for words, rest in _candidates(parts):
        english = {word.english for word in words}
        if not heads <= english:
            continue
        title = _known(words, index, student=student)
        beside = [typed for typed in rest if not set(title_tokens(typed)) <= _soft_words()]
        if title is not None and not (rest and title in _NO_JOB) and not (beside and " " not in title):
            return _Found(title, tuple(rest))
    return None


def _candidates(parts: Sequence[Part]) -> Iterator[tuple[tuple[Word, ...], list[str]]]:
    """Words that may be the job, and what is typed beside them, best first."""
    plain = [part for part in parts if part.words and not part.bracketed]
    filled = [part for part in parts if part.words]
    groups = [plain, filled, *([part] for part in filled)]
    for without in (False, True):
        for group in groups:
            words = tuple(word for part in group for word in part.words)
            rest = [part.typed for part in filled if part not in group]
            if without:
                for bare in (_team_lead(words), _without_soft_ranks(words)):
                    if bare != words:
                        yield bare, [*rest, *dict.fromkeys(word.typed for word in words if word not in bare)]
            else:
                yield words, rest
    for part in filled:
        rest = [other.typed for other in filled if other is not part]
        for words in (part.words, _without_soft_ranks(part.words)):
            for shorter, left in _shorter(words):
                yield shorter, [*rest, left]


def _shorter(words: tuple[Word, ...]) -> Iterator[tuple[tuple[Word, ...], str]]:
    """The words before a tool, a place, a slash or "with ...", and those after tools; with what that leaves out."""
    tools, joints = _texts("tool"), _texts("with")
    for end in range(len(words) - 1, 0, -1):
        tail = words[end:]
        if words[end - 1].typed == tail[0].typed:
            continue
        typed = " ".join(word.typed for word in tail)
        if (
            tail[0].english in joints
            or tail[0].after_slash
            or place_kind(typed) in {"city", "country", "region", "state"}
            or all(word.english in tools for word in tail)
        ):
            yield words[:end], typed
    for start in range(1, len(words)):
        if all(word.english in tools for word in words[:start]) or words[start].after_slash:
            yield words[start:], " ".join(word.typed for word in words[:start])


def _known(words: Sequence[Word], index: _Index, *, student: bool) -> str | None:
    """The known title with these words; who works in a field where the words name a field and the title a student's place."""
    text = " ".join(word.english for word in words)
    if not text:
        return None
    written = " ".join(title_words(text))
    worker = _workers().get(written)
    title = index.by_letters.get(squash(text)) or index.by_words.get(tuple(sorted(title_words(text))))
    if worker and student:
        return index.by_words.get(tuple(sorted(title_words(worker))))
    return title


def _left(parts: Sequence[Part]) -> str:
    """The words that remain of a title that is not known, as typed; translated ones in English."""
    pieces = []
    for part in parts:
        if part.words and not part.aside and not any(word.language for word in part.words):
            pieces.append(part.typed)
        elif part.words:
            pieces.append(" ".join(_capital(word.english) if word.language else word.typed for word in part.words))
    joined = ", ".join(pieces)
    if not any(char.isalpha() for char in squash(joined)):
        return ""
    return canonical_title(joined.title() if joined.isupper() and len(joined) > 4 else joined)


def _capital(word: str) -> str:
    return word.upper() if word in _UPPER else word if word in _SMALL else word.capitalize()


def _ranks(parts: Sequence[Part], title: str = "") -> list[Mapping[str, str]]:
    """The ranks that the parts and the title read from them name, the one that decides first."""
    hard = [_rank_table()[text] for part in parts for text in part.ranks]
    soft = [row for part in parts for row in _soft_ranks(tuple(word.english for word in part.words))]
    soft.extend(_soft_ranks(title.lower().split()))
    return sorted([*hard, *soft], key=lambda row: _PRECEDENCE.index(row["rank"]))


def _soft_ranks(words: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The ranks that stay words of a title: lead, head, director."""
    staying = _staying_ranks()
    for phrase in longest_phrases(words, staying.keys() | _texts("keep")):
        if phrase in staying and phrase not in _texts("keep"):
            yield staying[phrase]


def _without_soft_ranks(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(word for word in words if word.english not in _soft_words())


def _team_lead(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """A tech lead or team lead as a lead."""
    if all(word.english != "lead" for word in words):
        return words
    return tuple(word for word in words if word.english not in {"team", "tech", "technical"})


def _remarks(cleaned: str, found: _Found, parts: Sequence[Part], rank: Mapping[str, str] | None) -> Iterator[str]:
    languages = dict.fromkeys(word.language for part in parts for word in part.words if word.language)
    if languages and found.title != cleaned:
        yield f'Read "{cleaned}" as {found.title} ({" and ".join(languages)}).'
    elif found.aside:
        yield f'Read "{cleaned}" as {found.title}.'
    if found.aside:
        quoted = ", ".join(f'"{text}"' for text in dict.fromkeys(found.aside))
        yield f"Set aside from the title: {quoted}."
    if rank:
        yield f'The title says {rank["rank"]}, usually the level "{LABELS[EXPERIENCE][rank["level"]]}".'
    if any(kind == "unpaid" for part in parts for kind, _ in part.remarks):
        yield UNPAID


def _plain(label: str) -> str:
    return label[0].lower() + label[1:]


@cache
def _rank_table() -> Mapping[str, Mapping[str, str]]:
    return {row["text"]: row for row in rows("title_ranks")}


@cache
def _staying_ranks() -> Mapping[str, Mapping[str, str]]:
    return {text: row for text, row in _rank_table().items() if row["stays"] != "no"}


@cache
def _soft_words() -> frozenset[str]:
    """Words of ranks that are left out where only that makes a title known: lead, staff, principal."""
    return frozenset(word for text, row in _rank_table().items() if row["stays"] == "soft" for word in text.split())


@cache
def _texts(kind: str) -> frozenset[str]:
    """The texts of one kind of remark."""
    return frozenset(row["text"] for row in rows("title_remarks") if row["kind"] == kind)


@cache
def _workers() -> Mapping[str, str]:
    return {row["text"]: row["english"] for row in rows("title_terms") if row["language"] == "field"}


@lru_cache(maxsize=8)
def _index(known: frozenset[str]) -> _Index:
    titles = commonest_first(known)
    by_words: dict[tuple[str, ...], str] = {}
    for title in titles:
        canonical = canonical_title(title)
        chosen = canonical if canonical in known else title
        by_words.setdefault(tuple(sorted(title_words(title))), chosen)
    for row in rows("synonyms"):
        if row["canonical"] in known:
            by_words.setdefault(tuple(sorted(title_words(row["title"]))), row["canonical"])
    return _Index(by_letters={squash(title): title for title in reversed(titles)}, by_words=by_words)
