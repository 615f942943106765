"""One palette: readable on both backgrounds, and nothing that is drawn has colours of its own."""

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest

from mlpaygrade.rendering.palette import DARK, LIGHT, REFERENCES, Palette, css_by_reader, css_by_scheme

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "mlpaygrade"


def _light(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_reaches_four_and_a_half_to_one_and_marks_three(palette: Palette) -> None:
    for text, behind in product(
        (palette.ink, palette.muted, palette.accent, palette.second, palette.good), (palette.page, palette.surface)
    ):
        assert contrast(text, behind) >= 4.5, (text, behind)
    for mark, behind in product((*palette.series, palette.few), (palette.page, palette.surface)):
        assert contrast(mark, behind) >= 3, (mark, behind)
    for behind in (*palette.diverging, palette.note, palette.empty):
        assert contrast(palette.ink, behind) >= 4.5, behind


def test_every_variable_that_a_style_sheet_uses_is_defined() -> None:
    names = set(LIGHT.variables())
    assert set(DARK.variables()) == names
    assert set(REFERENCES.variables().values()) == {f"var({name})" for name in names}
    for css in (css_by_scheme(), css_by_reader()):
        assert {f"--mp-{name}" for name in re.findall(r"--mp-([a-z0-9-]+):", css)} == names
    for sheet in SOURCE.rglob("*.css"):
        # Variables that begin with --st- are Streamlit's, inside a component.
        assert {*re.findall(r"var\((--(?!st-)[a-z0-9-]+)\)", sheet.read_text(encoding="utf-8"))} <= names, sheet.name


def test_no_style_sheet_and_no_drawing_has_a_colour_of_its_own() -> None:
    drawn = [*SOURCE.rglob("*.css"), *(SOURCE / "rendering").glob("*.py"), *(SOURCE / "market").glob("*.py")]
    for path in drawn:
        if path.name != "palette.py":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\w)", path.read_text(encoding="utf-8")), path.name


def test_streamlit_is_given_the_same_accent() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert (theme["light"]["primaryColor"], theme["dark"]["primaryColor"]) == (LIGHT.accent, DARK.accent)
