"""The colours of everything that is drawn: app, charts, market report, waterfall, one-page document.

One palette for light and one for dark surroundings. Text reaches a contrast of 4.5 to 1 and marks 3 to 1 on both backgrounds
(WCAG AA). The series are Okabe and Ito's (2008), darkened on white until they reach it; where series meet, shapes differ too.
"""

from dataclasses import dataclass, fields
from typing import Final

import msgspec

NAMES: Final = "mp"
"""Every colour is a CSS variable of this prefix: --mp-ink, --mp-series-0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by their part.

    ink, muted: text and quieter text. page, surface: behind everything, behind a chart. grid, line: lines that only divide.
    accent, second: the two colours of the product, up and down in a waterfall. good, note: a confirmed claim, behind a note.
    empty, few: no data, too little of it. series: kinds of marks. diverging: five classes of a map, low to high.
    """

    ink: str
    muted: str
    page: str
    surface: str
    grid: str
    line: str
    accent: str
    second: str
    soft: str
    good: str
    note: str
    empty: str
    few: str
    series: tuple[str, ...]
    diverging: tuple[str, ...]

    def variables(self) -> dict[str, str]:
        """CSS variable -> colour."""
        found: dict[str, str] = {}
        for part in fields(self):
            value: str | tuple[str, ...] = getattr(self, part.name)
            if isinstance(value, str):
                found[f"--{NAMES}-{part.name}"] = value
            else:
                found |= {f"--{NAMES}-{part.name}-{place}": colour for place, colour in enumerate(value)}
        return found


LIGHT: Final = Palette(
    ink="#1f2328",
    muted="#59636e",
    page="#f6f7f9",
    surface="#ffffff",
    grid="#e4e7eb",
    line="#d8dde3",
    accent="#0b6b6b",
    second="#9a4a00",
    soft="#0b6b6b26",
    good="#00674b",
    note="#fff4e5",
    empty="#eceff2",
    few="#868f98",
    series=("#0072b2", "#b84a00", "#00875f", "#b75a90", "#b97d00"),
    diverging=("#e0741f", "#f0a35e", "#f6dcb8", "#a6cfe8", "#3f97cc"),
)
DARK: Final = Palette(
    ink="#e6edf3",
    muted="#9aa5b1",
    page="#0d1116",
    surface="#14191f",
    grid="#2a3139",
    line="#2c343d",
    accent="#3aa99c",
    second="#f0a860",
    soft="#3aa99c38",
    good="#5fd1a8",
    note="#2a2113",
    empty="#1f262d",
    few="#6b7580",
    series=("#56b4e9", "#e69f00", "#2fbf95", "#e29bc4", "#f0e442"),
    diverging=("#a34800", "#7d5127", "#5f5648", "#2f5f80", "#1a6ea8"),
)
REFERENCES: Final = msgspec.convert(
    {
        part.name: f"var(--{NAMES}-{part.name})"
        if isinstance(value := getattr(LIGHT, part.name), str)
        else [f"var(--{NAMES}-{part.name}-{place})" for place in range(len(value))]
        for part in fields(Palette)
    },
    Palette,
)
"""The variables themselves, for pictures inside a page that defines them."""


def css_by_scheme() -> str:
    """The variables for a page whose own switch decides between light and dark (`color-scheme`)."""
    dark = DARK.variables()
    pairs = "".join(f"{name}:light-dark({colour},{dark[name]});" for name, colour in LIGHT.variables().items())
    return f":root{{{pairs}}}"


def css_by_reader(selector: str = ":root") -> str:
    """The variables for a document that follows the reader's setting, and is light on paper."""
    light, dark = ("".join(f"{k}:{v};" for k, v in p.variables().items()) for p in (LIGHT, DARK))
    return (
        f"{selector}{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{{selector}{{{dark}}}}}"
        f"@media print{{{selector}{{color-scheme:light;{light}}}}}"
    )
