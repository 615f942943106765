"""Which column of an employer's file is probably what, and which level an own grade is. A person confirms both.

A confidence in [0, 1] goes with each column: 1 the public dataset's or the template's name; about 0.9 a name that means the
field (`dataset/tables/column_names.csv`); 0.6 to 0.85 a name that holds such a name, raised or lowered by the contents; below
that contents alone. Two columns that fit a field equally well are said, and the first is proposed. Grades (L1-L9, I-V,
Principal, years of experience): a word goes by what it means in a title (`job/tables/title_ranks.csv`), a ladder by its
number, from `LADDERS`, years by `YEARS`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from mlpaygrade.dataset.columns import mappable, names_of, plain
from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import (
    CURRENCY,
    EMPLOYMENT,
    EXPERIENCE,
    LOCATION,
    REMOTE,
    RESIDENCE,
    SALARY,
    SIZE,
    TARGET,
    TITLE,
)
from mlpaygrade.job.places import read_place
from mlpaygrade.job.reading import read_title
from mlpaygrade.job.relevance import relevance
from mlpaygrade.job.values import is_missing, read_value
from mlpaygrade.money.currency import rated_currencies

YEARS: Final = ((2.0, "EN"), (5.0, "MI"), (float("inf"), "SE"))
"""Fewer years than this -> level. Years alone make nobody an executive."""

LONG_FROM: Final = 3
"""A ladder that begins no lower than here (L3 is where some begin) is a long one, and so is one of more than five steps."""
LADDERS: Final[Mapping[bool, Mapping[int, str]]] = {
    False: {1: "EN", 2: "MI", 3: "SE", 4: "SE", 5: "SE", 6: "EX"},
    True: {1: "EN", 2: "EN", 3: "EN", 4: "MI", 5: "SE", 6: "SE", 7: "SE", 8: "EX", 9: "EX", 10: "EX"},
}
"""Whether a ladder is a long one -> its step -> level."""

_ROMAN: Final = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}
_STEP: Final = re.compile(r"(?P<ladder>[a-z]{0,12}?)[\s\-_.]*(?P<step>\d{1,2}|[ivx]{1,4})", re.IGNORECASE)
_SPAN: Final = re.compile(
    r"[<>≥~]?\s*(\d{1,2}(?:[.,]\d)?)\s*(?:[-–]|to|bis|à|a)?\s*(\d{1,2})?\s*\+?\s*(?:[a-zäöüñãç.]+\s*)*"
)
_YEAR_WORDS: Final = re.compile(
    r"y(ea)?rs?|jahre?|ans|ann[eé]es|a[ñn]os|anos|erfahrung|experienc|yoe|antig|anciennet", re.I
)


def propose_levels(texts: Sequence[str], header: str = "") -> dict[str, str]:
    """Own words that are no level -> the level proposed, "" where nothing is. header: the column's name."""
    unread = [text for text in texts if text.strip() and read_value(EXPERIENCE, text).defect is not None]
    years = (
        bool(_YEAR_WORDS.search(header)) and sum(bool(_SPAN.fullmatch(text.strip())) for text in texts) > len(texts) / 2
    )
    steps = {text: _step(text) for text in unread}
    known = [step for step in steps.values() if step is not None]
    long = max(known, default=0) > 5 or min(known, default=0) >= LONG_FROM
    ladder = LADDERS[long]
    return {text: _by_years(text, said=years) or ladder.get(steps[text] or 0) or _by_word(text) for text in unread}


def reads_as_levels(texts: Sequence[str], header: str = "") -> float:
    """The share of texts that are levels, or for which one is proposed."""
    proposed = propose_levels(texts, header)
    return sum(proposed.get(text, "read") != "" for text in texts) / max(len(texts), 1)


def _by_years(text: str, *, said: bool) -> str:
    found = _SPAN.fullmatch(text.strip())
    if not found or not (said or _YEAR_WORDS.search(text)):
        return ""
    low = float(found[1].replace(",", "."))
    years = (low + float(found[2])) / 2 if found[2] else low
    return next(level for below, level in YEARS if years < below)


def _step(text: str) -> int | None:
    found = _STEP.fullmatch(text.strip())
    if not found or _by_word(found["ladder"]):
        return None
    return _ROMAN.get(found["step"].upper()) or (int(found["step"]) if found["step"].isdigit() else None)


def _by_word(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return read_title(f"{text[:60]} Data Engineer").level or ""
    except InputError:
        return ""


USED: Final = 0.5
"""A proposal of at least this confidence is used."""
SURE: Final = 0.7
"""One below this is asked about where it decides the answer."""
SAMPLE: Final = 40
"""So many different cells of a column are looked at."""
PAY_FIELDS: Final = (SALARY, TARGET)

_RIVAL: Final = 0.05
_GENERIC: Final = frozenset(
    {"id", "no", "nr", "key", "row", "ref", "min", "max", "von", "bis", "etc", "place", "local"}
)
"""Names too short to be looked for within longer ones."""
_NOT_PAY: Final = re.compile(
    r"\b(bonus|total|target|variable|equity|stock|ote|increase|old|previous|prior|last|raise|merit|midpoint|median|market|"
    r"budget|commission|benefits|grade|band|date|code|id|review|ratio)\b"
)
_NOT_IN: Final[Mapping[str, re.Pattern[str]]] = {
    TITLE: re.compile(r"\b(code|family|id|date|number|group|start|count)\b"),
    EXPERIENCE: re.compile(r"\b(education|english|language|clearance|code|id|date)\b"),
    LOCATION: re.compile(r"\b(birth|nationality|citizenship|id|date)\b"),
    **dict.fromkeys(PAY_FIELDS, _NOT_PAY),
}
"""Words that make a longer name another thing: "Total compensation" is not the base pay."""
_MONEY: Final = re.compile(
    r"\s*[^\d\s]{0,4}\s*\d[\d.,'\s\u00a0\u202f]{2,}\s*[^\d]{0,12}|\s*[^\d\s]{0,4}\s*\d+([.,]\d)?\s*k.{0,6}", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a column is taken for. field: "" for none. sample: first cells. rival: another column that fits as well."""

    place: int
    column: str
    field: str
    confidence: float
    why: str
    sample: tuple[str, ...]
    rival: str = ""

    @property
    def sure(self) -> bool:
        """Whether nothing needs to be asked."""
        return self.confidence >= SURE and not self.rival


@dataclass(frozen=True, slots=True)
class _Fit:
    score: float
    place: int
    field: str
    why: str


def propose_columns(
    header: Sequence[str], cells: Sequence[Sequence[str]], *, known: frozenset[str]
) -> tuple[Proposal, ...]:
    """One proposal for each column. cells: the first different texts of each column. known: titles of the model."""
    columns = [_Column(name, cells[place][:SAMPLE], known) for place, name in enumerate(header)]
    fits = [fit for place, column in enumerate(columns) for fit in _by_name(place, column)]
    taken = _assigned(fits, {})
    taken = _assigned([fit for place, column in enumerate(columns) for fit in _by_content(place, column, taken)], taken)
    of_place = {fit.place: fit for fit in taken.values()}
    proposals = [_proposal(place, column, of_place.get(place), cells[place]) for place, column in enumerate(columns)]
    return tuple(_with_rival(proposal, proposals, fits) for proposal in proposals)


class _Column:
    """One column: its name as compared, and how its cells read, worked out when asked for."""

    def __init__(self, name: str, texts: Sequence[str], known: frozenset[str]) -> None:
        self.name, self.plain, self.known = name, plain(name), known
        self.texts = [text for text in texts if text.strip() and not is_missing(LOCATION, text.strip())]
        self._shares: dict[str, float] = {}

    def share(self, field: str) -> float | None:
        """The share of cells that read as a field; None where there is no test, or no cell."""
        if field not in _TESTS or not self.texts:
            return None
        if field not in self._shares:
            self._shares[field] = _TESTS[field](self)
        return self._shares[field]


def _by_name(place: int, column: _Column) -> list[_Fit]:
    fits = []
    for field, names in _names().items():
        named = column.plain in names
        score = names[column.plain] if named else _within(column.plain, field, names)
        if not score:
            continue
        why, share = "by its name" if named else "by part of its name", column.share(field)
        if share is not None and share < 0.2 and field != TITLE:
            score, why = min(score, 0.9) - 0.4, f"{why}, though its cells do not read so"
        elif share is not None and not named:
            score, why = score + 0.2 * (share - 0.5), f"{why} and {share:.0%} of its cells"
        fits.append(_Fit(score, place, field, why))
    return fits


def _within(name: str, field: str, names: Mapping[str, float]) -> float:
    """The score of the longest known name within a longer one; 0 for none."""
    if field in _NOT_IN and _NOT_IN[field].search(name):
        return 0.0
    inside = [known for known in names if known not in _GENERIC and f" {known} " in f" {name} "]
    return max((0.65 + 0.05 * min(len(known.split()), 3) for known in inside), default=0.0)


def _by_content(place: int, column: _Column, taken: Mapping[str, _Fit]) -> list[_Fit]:
    if any(fit.place == place for fit in taken.values()):
        return []
    fits = []
    for field, weight in ((LOCATION, 0.8), (TITLE, 0.75), (EXPERIENCE, 0.65), (CURRENCY, 0.75), (SALARY, 0.6)):
        pay_there = field == SALARY and (TARGET in taken or _NOT_PAY.search(column.plain))
        if field in taken or pay_there:
            continue
        share = column.share(field)
        if share is not None and share >= 0.75:
            fits.append(_Fit(weight * share, place, field, f"{share:.0%} of its cells read so"))
    return fits


def _assigned(fits: Sequence[_Fit], taken: Mapping[str, _Fit]) -> dict[str, _Fit]:
    """Fields and columns in pairs, the best first; each once."""
    assigned = dict(taken)
    for fit in sorted(fits, key=lambda fit: (-fit.score, fit.place)):
        if fit.field not in assigned and fit.place not in {other.place for other in assigned.values()}:
            assigned[fit.field] = fit
    return assigned


def _proposal(place: int, column: _Column, fit: _Fit | None, cells: Sequence[str]) -> Proposal:
    used = fit if fit and fit.score >= USED else _Fit(0.0, place, "", "not known")
    score, sample = round(min(used.score, 1.0), 2), tuple(cells[:3])
    return Proposal(place=place, column=column.name, field=used.field, confidence=score, why=used.why, sample=sample)


def _with_rival(proposal: Proposal, proposals: Sequence[Proposal], fits: Sequence[_Fit]) -> Proposal:
    """The proposal of pay with the other column that has as good a name; for other fields the order of names decides."""
    if proposal.field != SALARY:
        return proposal
    unused = {other.place for other in proposals if not other.field}
    least = proposal.confidence - _RIVAL
    rivals = [fit.place for fit in fits if fit.field == SALARY and fit.place in unused and fit.score > least]
    return replace(proposal, rival=proposals[rivals[0]].column) if rivals else proposal


@cache
def _names() -> Mapping[str, Mapping[str, float]]:
    """Field -> plain name -> score: the dataset's name and the template's header 1, an alias the less the later its group."""
    return {
        field: {
            name: 1.0 if tier < 2 else 0.97 - 0.01 * tier for tier, way in enumerate(names_of(field)) for name in way
        }
        for field in mappable()
    }


def _share(reads: Callable[[str], object]) -> Callable[[_Column], float]:
    return lambda column: sum(map(bool, map(reads, column.texts))) / len(column.texts)


def _is_place(text: str) -> bool:
    if not re.search(r"[^\W\d]", text):
        return False
    try:
        place = read_place(text, states=False, codes=True, suggest=False)
    except InputError:
        return False
    return place.code is not None or place.kind == "ambiguous"


def _is_title(text: str, known: frozenset[str]) -> bool:
    if not re.search(r"[^\W\d]{4}", text):
        return False
    try:
        return relevance(text, known=known).answerable
    except InputError:
        return False


_TESTS: Final[Mapping[str, Callable[[_Column], float]]] = {
    TITLE: lambda column: _share(lambda text: _is_title(text, column.known))(column),
    **dict.fromkeys((LOCATION, RESIDENCE), _share(_is_place)),
    EXPERIENCE: lambda column: reads_as_levels(column.texts, column.name),
    REMOTE: _share(lambda text: read_value(REMOTE, text).defect is None),
    SIZE: _share(lambda text: read_value(SIZE, text).defect is None),
    EMPLOYMENT: _share(lambda text: read_value(EMPLOYMENT, text).defect is None),
    CURRENCY: _share(lambda text: text.strip().upper() in {*rated_currencies(), "$", "€", "£", "US$", "¥", "₹"}),
    **dict.fromkeys((*PAY_FIELDS, "band_low_usd", "band_high_usd"), _share(_MONEY.match)),
}
