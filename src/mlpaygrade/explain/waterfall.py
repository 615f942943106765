"""An explanation as a picture: from the typical posting to this job's estimate, one step a field.

Enters: an `Explanation`. Leaves: SVG text, which needs nothing but this module, or PNG bytes, which need matplotlib. Follows the
reader's light or dark setting where it stands by itself; its title and description say in words what it shows.
"""

import io
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import InputError, ResourceError
from mlpaygrade.explain.explanation import Contribution, Explanation, background_sentence, signed_dollars

WIDTH: Final = 760
ROW: Final = 34
LABELS_END: Final = 270
BARS_END: Final = 650
NEGLIGIBLE: Final = 0.5
"""Contributions below this many dollars are drawn as no step."""

LIGHT: Final = {
    "text": "#1c2326",
    "quiet": "#55636a",
    "up": "#0b6b6b",
    "down": "#9a4a00",
    "level": "#55636a",
    "paper": "#ffffff",
}
DARK: Final = {
    "text": "#eef2f3",
    "quiet": "#a9b6bc",
    "up": "#4fb8ad",
    "down": "#f0a860",
    "level": "#a9b6bc",
    "paper": "#14191b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the picture: from `start_usd` to `end_usd`. kind: level (begins at the axis' left end), up or down."""

    label: str
    amount: str
    start_usd: float
    end_usd: float
    kind: str


def steps(explanation: Explanation) -> tuple[Step, ...]:
    """The rows, top to bottom: the typical posting, the contributions with the largest first, the estimate."""
    level = explanation.base_usd
    rows = [Step(label="Average posting", amount=f"${level:,.0f}", start_usd=level, end_usd=level, kind="level")]
    for part in explanation.ranked():
        rows.append(
            Step(
                label=step_label(part),
                amount=signed_dollars(part.usd),
                start_usd=level,
                end_usd=level + part.usd,
                kind="up" if part.usd >= 0 else "down",
            )
        )
        level += part.usd
    level = explanation.estimate_usd
    rows.append(
        Step(label="This job's estimate", amount=f"${level:,.0f}", start_usd=level, end_usd=level, kind="level")
    )
    return tuple(rows)


def step_label(part: Contribution) -> str:
    """A contribution's row in words: Experience level: Senior."""
    return f"{part.label[0].upper()}{part.label[1:]}: {part.value}"


def description(explanation: Explanation) -> str:
    """The picture in words, for those who do not see it."""
    parts = "; ".join(f"{step_label(part)} {signed_dollars(part.usd)}" for part in explanation.ranked())
    return f"{background_sentence(explanation)} Then: {parts}. Together: ${explanation.estimate_usd:,.0f}."


def waterfall_svg(explanation: Explanation, *, identity: str = "waterfall") -> str:
    """The picture as one SVG element. identity: prefix of its ids, for pages with several pictures."""
    rows = steps(explanation)
    low, high = _range(rows)
    height = ROW * (len(rows) + 1) + 18

    def x(usd: float) -> float:
        return LABELS_END + (usd - low) / (high - low) * (BARS_END - LABELS_END)

    body = [f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>']
    for n, row in enumerate(rows):
        top = 10 + ROW * n
        middle = top + ROW / 2
        start, end = sorted((x(low) if row.kind == "level" else x(row.start_usd), x(row.end_usd)))
        body.append(
            f'<text class="{"strong" if row.kind == "level" else "label"}" x="{LABELS_END - 12}" y="{middle + 4.5:.1f}" '
            f'text-anchor="end">{escape(_shortened(row.label))}</text>'
        )
        if row.kind == "level" or abs(row.end_usd - row.start_usd) >= NEGLIGIBLE:
            body.append(
                f'<rect class="{row.kind}" x="{start:.1f}" y="{top + 6}" width="{max(end - start, 1.5):.1f}" '
                f'height="{ROW - 12}" rx="3"/>'
            )
        if n + 1 < len(rows):
            at = x(row.end_usd)
            body.append(f'<path class="link" d="M{at:.1f} {top + ROW - 6:.1f}V{top + ROW + 6:.1f}"/>')
        body.append(
            f'<text class="amount{" strong" if row.kind == "level" else ""}" x="{max(end, x(row.end_usd)) + 8:.1f}" '
            f'y="{middle + 4.5:.1f}">{escape(row.amount)}</text>'
        )
    axis = 10 + ROW * len(rows) + 18
    body.append(f'<text class="quiet" x="{LABELS_END}" y="{axis}">${low / 1000:,.0f}K</text>')
    body.append(
        f'<text class="quiet" x="{BARS_END}" y="{axis}" text-anchor="end">${high / 1000:,.0f}K; the axis does not begin at zero'
        "</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-text" class="{identity}" '
        f'style="width:100%;max-width:{WIDTH}px;height:auto">'
        f'<title id="{identity}-title">Why ${explanation.estimate_usd:,.0f}</title>'
        f'<desc id="{identity}-text">{escape(description(explanation))}</desc>'
        f"<style>{_style(identity)}</style>" + "".join(body) + "</svg>"
    )


def waterfall_png(explanation: Explanation) -> bytes:
    """The same picture as PNG bytes. Raises ResourceError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ResourceError(
            "A PNG needs matplotlib, which this environment lacks. Ask for .svg, or: pip install 'mlpaygrade[train]'."
        ) from error
    rows = steps(explanation)
    low, high = _range(rows)
    figure = Figure(figsize=(9, 0.42 * len(rows) + 1.0), layout="constrained")
    axes = figure.subplots()
    for n, row in enumerate(rows):
        start = low if row.kind == "level" else row.start_usd
        axes.barh(n, row.end_usd - start, left=start, color=LIGHT[row.kind], height=0.65)
        axes.annotate(row.amount, (max(start, row.end_usd), n), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [_shortened(row.label) for row in rows])
    axes.set_xlim(low, high + 0.12 * (high - low))
    axes.xaxis.set_major_formatter(lambda usd, _: f"${usd / 1000:,.0f}K")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"Why ${explanation.estimate_usd:,.0f} (the axis does not begin at zero)", loc="left")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()


def write_waterfall(explanation: Explanation, path: Path) -> None:
    """Write the picture, whole or not at all; its kind follows from the suffix.

    Raises InputError for any other suffix than .svg or .png, ResourceError where it cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise InputError(f"A waterfall must be named *.svg or *.png; got '{path.name}'.")
    content = waterfall_svg(explanation).encode() if kind == ".svg" else waterfall_png(explanation)
    write_file(path, content)


def _range(rows: tuple[Step, ...]) -> tuple[float, float]:
    """Ends of the axis in USD: all steps, with room to the left so that both levels show as bars."""
    ends = [usd for row in rows for usd in (row.start_usd, row.end_usd)]
    low, high = min(ends), max(ends)
    span = max(high - low, 1000.0)
    return max(0.0, low - 0.25 * span), low + span


def _shortened(label: str, *, longest: int = 40) -> str:
    return label if len(label) <= longest else label[: longest - 1] + "…"


def _style(identity: str) -> str:
    def colours(palette: dict[str, str]) -> str:
        return "".join(f"--wf-{name}:{value};" for name, value in palette.items())

    of = f".{identity}"
    return (
        f"{of}{{{colours(LIGHT)}font:14px system-ui,sans-serif}}"
        f"@media (prefers-color-scheme:dark){{{of}{{{colours(DARK)}}}}}"
        f"{of} text{{fill:var(--wf-text)}}{of} .quiet{{fill:var(--wf-quiet);font-size:12px}}"
        f"{of} .strong{{font-weight:600}}{of} .amount{{font-variant-numeric:tabular-nums}}"
        f"{of} .up{{fill:var(--wf-up)}}{of} .down{{fill:var(--wf-down)}}{of} .level{{fill:var(--wf-level)}}"
        f"{of} .paper{{fill:var(--wf-paper)}}"
        f"{of} .link{{stroke:var(--wf-quiet);stroke-width:1}}"
    )
