"""Titles as adverts write them, in six languages: the job and the level are read rightly in at least 90 of 100.

`data/real_titles.csv` holds 130, written after the forms of real adverts. The 30 of the part "held_out" (the lowest checksums)
were not looked at while tables and rules were made; 29 of them were right when first measured.
"""

import csv
from pathlib import Path

import pytest

from mlpaygrade.job.reading import read_title
from mlpaygrade.job.titles import canonical_title

with (Path(__file__).parent / "data" / "real_titles.csv").open(encoding="utf-8") as lines:
    TITLES = list(csv.DictReader(lines))


def right(row: dict[str, str]) -> bool:
    reading = read_title(row["text"])
    return canonical_title(reading.title) == canonical_title(row["title"]) and (reading.level or "") == row["level"]


def test_the_list_is_as_large_as_said() -> None:
    assert sum(row["part"] == "develop" for row in TITLES) == 100
    assert sum(row["part"] == "held_out" for row in TITLES) == 30
    assert {row["language"] for row in TITLES} == {"en", "de", "fr", "es", "pt", "nl"}


@pytest.mark.parametrize("part", ["develop", "held_out"])
def test_at_least_ninety_in_a_hundred_are_read_rightly(part: str) -> None:
    chosen = [row for row in TITLES if row["part"] == part]
    assert sum(map(right, chosen)) >= 0.9 * len(chosen)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt", "nl"])
def test_no_language_falls_far_behind(language: str) -> None:
    chosen = [row for row in TITLES if row["language"] == language]
    assert sum(map(right, chosen)) >= 0.8 * len(chosen)
