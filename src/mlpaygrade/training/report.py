"""What `train`, `evaluate` and `refresh` print: a run's report, and what a refresh found and did. Computes nothing."""

from collections.abc import Iterable, Mapping
from typing import Final

from mlpaygrade.rendering.words import of_100, off_text
from mlpaygrade.training.steps import Result

COLUMNS: Final = {
    "rows": ("n", "{:,}"),
    "RMSE log": ("rmse_log", "{:.4f}"),
    "MAE": ("mae_usd", "${:,.0f}"),
    "median AE": ("median_ae_usd", "${:,.0f}"),
    "R2": ("r2_usd", "{:.3f}"),
    "50 %": ("coverage_50", "{:.1%}"),
    "80 %": ("coverage_80", "{:.1%}"),
    "90 %": ("coverage_90", "{:.1%}"),
    "width 90 %": ("width_90_usd", "${:,.0f}"),
    "pinball": ("pinball_log", "{:.4f}"),
}
"""Heading -> metric, and how it is written."""


def report_text(report: Result) -> str:
    """The protocol, the figures of the network and of ridge, and every slice."""
    if "network" not in report:
        only = "There is no later work year to test on; the report holds validation figures only."
        return f"{only}\n{_validation(report)}"
    lines = [f"Protocol: {report['protocol']}.", "", _line("", COLUMNS), _figures("Network", report["network"]["rows"])]
    if "ridge" in report:
        lines.append(_figures("Ridge", report["ridge"]["rows"]))
    dimension = None
    for item in report["network"]["slices"]:
        if item["dimension"] != dimension:
            dimension = item["dimension"]
            lines += ["", dimension]
        lines.append(_figures(f"  {item['value']}", item))
    lines += _words(report["network"].get("words", {}))
    postings = report["network"]["postings"]
    if postings["n"]:
        lines += [
            "",
            f"Middles of the {postings['n']:,} postings with both ends: RMSE log {postings['rmse_log']:.4f}, "
            f"MAE ${postings['mae_usd']:,.0f}; both ends inside the 90 % band interval: {postings['band_coverage_90']:.1%}.",
        ]
    if "validation" in report:
        lines += ["", _validation(report)]
    return "\n".join(lines)


def _words(words: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How answers did by the word for their strength."""
    lines = [
        f"  {word:<8}{one['n']:>8,} figures of {one['adverts']:,} adverts: {off_text(one['mean_error_log'])}, mean distance "
        f"{one['mae_log']:.3f} log; ranges of 50 and 90 of 100 held {of_100(one['coverage_50'])} and {of_100(one['coverage_90'])}"
        for word, one in words.items()
    ]
    return ["", "By the word for an answer's strength:", *lines] if lines else []


def _validation(report: Result) -> str:
    rows = report["validation"]["rows"]
    return (
        f"Validation inside the training years ({rows['n']:,} rows, rolling origin): RMSE log {rows['rmse_log']:.4f}, "
        f"MAE ${rows['mae_usd']:,.0f}, pinball {rows['pinball_log']:.4f}."
    )


def _figures(name: str, figures: Mapping[str, float]) -> str:
    return _line(name, (form.format(figures[one]) if one in figures else "" for one, form in COLUMNS.values()))


def _line(name: str, cells: Iterable[str]) -> str:
    return f"{name:<28}" + "".join(f"{cell:>12}" for cell in cells)


ROWS: Final = (
    ("rmse_log", "Error of log pay (RMSE)", "{:.4f}"),
    ("mae_usd", "Mean error", "${:,.0f}"),
    ("pinball_log", "Error of the ranges (pinball)", "{:.5f}"),
    ("bias_usd", "Estimate minus pay, on average", "${:,.0f}"),
    ("coverage_90", "Fell inside the range of nine in ten", "{:.1%}"),
    ("width_90_usd", "Mean width of that range", "${:,.0f}"),
)


def refresh_text(steps: Mapping[str, Result]) -> str:
    """The story as Markdown. steps: results by name; those that were not needed are missing."""
    compared = steps.get("compare")
    parts = [_data(steps), _news(steps)]
    if compared is None:
        withheld = steps["drift"].get("withheld")
        parts.append(f"**Not promoted**: {withheld}. Nothing was trained; the served model stays.")
    else:
        parts += [_comparison(compared), _verdict(steps, compared)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _data(steps: Mapping[str, Result]) -> str:
    checked, audit = steps["check"], steps["audit"]
    newest = f", the newest of {audit['newest_day']}" if audit["newest_day"] else ""
    kind = " SYNTHETIC" if checked["synthetic"] else ""
    hashed = f"sha256 `{checked['sha256'][:12]}`"
    lines = [f"# Refresh with the{kind} {steps['fetch']['name']}", ""]
    lines.append(f"{checked['rows']:,} rows{newest}; {hashed}. Order: {audit['arrival']['why']}.")
    return "\n".join([*lines, *(f"- {note}" for note in checked["notes"])])


def _news(steps: Mapping[str, Result]) -> str:
    champion, drift = steps["champion"], steps["drift"]
    if champion["bundle"] is None:
        return "No model served before."
    provenance = champion["provenance"]
    known = provenance["newest_day"] or provenance["trained_through"]
    lines = [f"The served model knew adverts up to {known}; {drift['new']:,} adverts are new to it."]
    if "text" in drift:
        lines += ["", "```text", drift["text"], "```"]
    return "\n".join(lines)


def _comparison(compared: Result) -> str:
    if "differences" not in compared:
        return ""
    lines = [
        f"Both models on {compared['rows']:,} figures of {compared['adverts']:,} adverts that neither was trained on "
        f"(the new one: {compared['protocol']}):",
        "",
        "| | served | new | new minus served, 95 % interval |",
        "|---|---|---|---|",
    ]
    for metric, name, form in ROWS:
        old, new = (form.format(compared[one][metric]).replace("$-", "-$") for one in ("champion", "challenger"))
        found = compared["differences"].get(metric)
        spread = "" if found is None else " to ".join(f"{found[end]:+,.5g}" for end in ("low", "high"))
        lines.append(f"| {name} | {old} | {new} | {spread} |")
    return "\n".join(lines)


def _verdict(steps: Mapping[str, Result], compared: Result) -> str:
    if not compared["promoted"]:
        return f"**Not promoted**: {compared['reason']}. The served model stays."
    trained, promoted = steps["train"], steps.get("promote")
    lines = [f"**Promoted**: {compared['reason']}."]
    if promoted is not None:
        newest = trained["newest_day"] or trained["trained_through"]
        lines.append(
            f"{promoted['served']} now holds a model with the same settings, trained on all {trained['postings']:,} adverts "
            f"of the file, up to {newest}."
        )
    if "documentation" in steps:
        lines.append(f"Documentation written again: {', '.join(steps['documentation']['files'])}.")
    return " ".join(lines)
