"""What the documentation points to is there: decisions by their numbers, links, files of the package."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = [page.name[:4] for page in (ROOT / "docs" / "decisions").glob("*.md")]


def test_every_decision_has_its_own_number_and_every_reference_finds_one() -> None:
    assert len(set(DECISIONS)) == len(DECISIONS), sorted(DECISIONS)
    texts = [*PAGES, *(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.csv")]
    named = {n for text in texts for n in re.findall(r"\bdecisions? (00\d\d)\b", text.read_text(encoding="utf-8"))}
    assert named <= set(DECISIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
