"""What the documentation points to is there: decisions by their numbers, links, files of the package."""

import re
from pathlib import Path

import pytest

from mlpaygrade.forecast.score import OUTPUT

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


def test_what_the_readme_tells_to_change_is_there_and_says_when_it_takes_effect() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = [(where, effect) for _, where, effect in rows if "at once" in effect or "after training" in effect]
    assert len(told) >= 10
    named = [name for where, _ in told for name in re.findall(r"`([\w/]+(?:/|\.\w+))`", where)]
    assert [name for name in named if not (ROOT / "src" / "mlpaygrade" / name).exists()] == []
    assert {"job/tables/title_ranks.csv", "job/relevance.py", "rendering/palette.py", "app/style.css"} <= set(named)


def test_every_folder_of_the_repository_stands_in_the_tree() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").partition("```text\nsrc/mlpaygrade/")[2].partition("```")[0]
    folders = ("research", "scripts", "tests", "benchmarks", "notebooks", "deploy", "requirements", "docs")
    assert [name for name in folders if f"\n{name}/  " not in tree] == []
    assert "\n  errors.py  " in tree


def test_every_file_of_the_package_has_a_phrase() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    phrases = dict(re.findall(r"^- `([^`]+)`: (.*)$", text, re.MULTILINE))
    package = ROOT / "src" / "mlpaygrade"
    for file in [*package.rglob("*.py"), *package.rglob("tables/*.csv"), *package.rglob("*.css")]:
        if file.name != "__init__.py":
            name = str(file.relative_to(package)).partition("/")[2] or file.name
            assert phrases.get(name), file


def test_every_test_that_contributors_are_sent_to_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_every_column_that_scoring_adds_is_documented_under_its_command() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.partition("## `mlpaygrade score`")[2].partition("\n## ")[0]
    kinds = {column.name: "text" if column.of is None else "whole number" for column in OUTPUT}
    assert re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", section, re.MULTILINE) == [*kinds.items()]
