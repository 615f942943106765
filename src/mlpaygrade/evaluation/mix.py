"""Of what kinds jobs are, and how far two mixes of kinds lie apart: what training held, and what is asked or has arrived since.

The old market is known from the bundle's own evidence, so no old file is needed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mlpaygrade.forecast.evidence import Evidence

STABLE, SHIFTED = 0.1, 0.25
"""Customary readings of the population stability index: below the first stable, above the second a shift."""
PSEUDO_SHARE: Final = 1e-4
"""Share that a value absent on one side counts as, so that the index stays finite."""

_EVIDENCE: Final[Mapping[str, tuple[str, int]]] = {
    "experience": ("same level, any title and country", 0),
    "title": ("same title and level, any country", 0),
    "title family": ("same title family and level, any country", 0),
    "country": ("same title, level and country", 2),
}
"""Dimension -> level of the bundle's evidence, and the position of the value in its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far two mixes lie apart.

    total_variation: share of postings that would have to move, 0 to 1. psi: population stability index. largest: the values
    whose share moved most, with their share before and now.
    """

    total_variation: float
    psi: float
    reading: Literal["stable", "moving", "shifted"]
    largest: tuple[tuple[str, float, float], ...]


def trained_mix(evidence: Evidence) -> dict[str, Counter[str]]:
    """Training postings by value of each dimension."""
    result: dict[str, Counter[str]] = {}
    for dimension, (level, position) in _EVIDENCE.items():
        result[dimension] = Counter()
        for key, cell in evidence.cells[level].items():
            result[dimension][key.split("|")[position]] += int(cell[0])
    return result


def shift(before: Counter[str], now: Counter[str]) -> Shift:
    """How far the mixes before and now lie apart."""
    values = sorted({*before, *now})
    p = np.array([before[value] for value in values]) / max(1, before.total())
    q = np.array([now[value] for value in values]) / max(1, now.total())
    p_safe, q_safe = np.maximum(p, PSEUDO_SHARE), np.maximum(q, PSEUDO_SHARE)
    psi = float(np.sum((q_safe - p_safe) * np.log(q_safe / p_safe)))
    order = np.argsort(-np.abs(q - p))[:3]
    return Shift(
        total_variation=float(np.abs(p - q).sum() / 2),
        psi=psi,
        reading="stable" if psi < STABLE else "moving" if psi < SHIFTED else "shifted",
        largest=tuple((values[i], float(p[i]), float(q[i])) for i in order),
    )
