"""The report: one page that needs nothing else, and the command that writes it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlpaygrade.cli import app, main
from mlpaygrade.dataset.postings import build_postings
from mlpaygrade.market.document import MarketDocument, read_document
from mlpaygrade.market.statistics import Origin, draw, market_statistics, report_page
from mlpaygrade.testing.synthetic import SyntheticMarket

ORIGIN = Origin(name="<market>.csv", sha256="ab" * 32, synthetic=False)


@pytest.fixture(scope="module")
def document(synthetic_report: Path) -> MarketDocument:
    return read_document(json.loads((synthetic_report / "document.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def page(document: MarketDocument) -> str:
    return report_page(document, origin=ORIGIN)


class _Outline(HTMLParser):
    """Tags that stand open, ids, and where links lead."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.tags.add(tag)
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.links += [str(found[name]) for name in ("href", "src", "xlink:href") if found.get(name)]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()


@pytest.fixture(scope="module")
def outline(page: str) -> _Outline:
    outline = _Outline()
    outline.feed(page)
    return outline


def test_the_page_is_well_formed_and_its_links_lead_somewhere(outline: _Outline) -> None:
    assert outline.open == []
    assert len(set(outline.ids)) == len(outline.ids)
    for link in outline.links:
        assert link == "data:," or link[1:] in outline.ids, link


def test_the_page_asks_nothing_of_anybody(page: str, outline: _Outline) -> None:
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import", page)
    assert not outline.tags & {"script", "img", "iframe", "object"}
    assert len(page.encode()) < 5_000_000


def test_the_page_says_everything_that_the_statistics_say(page: str, document: MarketDocument) -> None:
    from html import unescape

    said = unescape(page)
    for section in document.sections:
        assert f'id="{section.key}"' in page
        for text in (section.answer, section.effect, section.uncertainty, *section.cannot, *section.not_to_conclude):
            assert text in said


def test_a_name_cannot_write_markup(page: str) -> None:
    assert "<market>" not in page
    assert "&lt;market&gt;.csv" in page


def test_synthetic_data_is_called_so(page: str, synthetic_report: Path) -> None:
    assert "Synthetic data." in (synthetic_report / "report.html").read_text(encoding="utf-8")
    assert "Synthetic data." not in page


@pytest.mark.parametrize("width", [800, 344])
def test_every_chart_has_marks_and_follows_the_theme(document: MarketDocument, width: int) -> None:
    for section in document.sections:
        for figure in section.figures:
            svg = draw(figure, width=width)
            assert len(re.findall(r"<title>[^<]+</title>", svg)) >= 1, figure.key
            assert "var(--mp-ink)" in svg
            assert not re.search(r"#[0-9a-f]{6}", svg), figure.key
            assert "NaN" not in svg, figure.key
            box = re.search(r'viewBox="0 0 (\d+)', svg)
            assert box is not None
            assert int(box[1]) <= width + 1, figure.key


def test_a_section_without_data_says_so() -> None:
    tiny = market_statistics(build_postings(SyntheticMarket(seed=1, n_postings=8).generate())).document
    page = report_page(tiny, origin=ORIGIN)
    lacking = [section for section in tiny.sections if section.missing]
    assert len(lacking) >= 3
    assert page.count('class="missing"') == len(lacking)


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["market", *arguments], catch_exceptions=True)


def test_the_command_writes_a_page_and_prints_json(tmp_path: Path) -> None:
    data = SyntheticMarket(seed=9, n_postings=400).write(tmp_path / "synthetic.csv")
    output = tmp_path / "new folder" / "report.html"
    done = _run("--data", str(data), "--output", str(output), "--json", "--seed", "3")
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed["seed"] == 3
    assert len(printed["sections"]) == 12
    page = output.read_text(encoding="utf-8")
    assert "Synthetic data." in page
    assert "seed 3" in page
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--data", "DATA"), 2, "--output"),
        (("--data", "DATA", "--json", "--calendar", "DATA"), 3, "snapshot_date"),
        (("--data", "DATA", "--json", "--calendar", "nowhere.csv"), 3, "nowhere.csv"),
        (("--data", "DATA", "--output", "DATA/report.html"), 6, "cannot be written"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    data = SyntheticMarket(seed=9, n_postings=60).write(tmp_path / "synthetic.csv")
    given = ["mlpaygrade", "market", *(part.replace("DATA", str(data)) for part in arguments)]
    monkeypatch.setattr("sys.argv", given)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_the_calendar_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = SyntheticMarket(seed=9, n_postings=900).write(tmp_path / "synthetic.csv")
    calendar = tmp_path / "calendar.csv"
    lines = "".join(f"2024-01-{7 * week:02},{100 * week}\n" for week in range(1, 5))
    calendar.write_text("snapshot_date,rows_2024\n" + lines, encoding="utf-8")
    monkeypatch.setenv("MLPAYGRADE_CALENDAR", str(calendar))
    done = _run("--data", str(data), "--json")
    assert json.loads(done.stdout)["dated"] is True
