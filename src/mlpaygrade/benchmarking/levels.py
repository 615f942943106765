"""Own grades -> the levels of adverts, as proposals that a person confirms: L1-L9, I-V, Principal, years of experience.

Employers' ladders differ, so nothing here is taken without being asked. The rules: a word goes by what it means in a title
(`job/tables/title_ranks.csv`); a ladder by its number, from `LADDERS`; years by `YEARS`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from mlpaygrade.errors import InputError
from mlpaygrade.job.fields import EXPERIENCE
from mlpaygrade.job.reading import read_title
from mlpaygrade.job.values import read_value

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
    return {text: _by_years(text, said=years) or _by_step(steps[text], long=long) or _by_word(text) for text in unread}


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


def _by_step(step: int | None, *, long: bool) -> str:
    return "" if step is None else LADDERS[long].get(step, "")


def _by_word(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return read_title(f"{text[:60]} Data Engineer").level or ""
    except InputError:
        return ""
