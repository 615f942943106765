"""What a refresh found and did, in plain words, from the results of its steps.

Computes nothing.
"""

from collections.abc import Mapping
from typing import Final

from mlpaygrade.training.steps import Result

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
        parts.append(
            f"**Not promoted**: {steps['drift'].get('withheld')}. Nothing was trained; the served model stays."
        )
    else:
        parts += [_comparison(compared), _verdict(steps, compared)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _data(steps: Mapping[str, Result]) -> str:
    checked, audit = steps["check"], steps["audit"]
    newest = f", the newest of {audit['newest_day']}" if audit["newest_day"] else ""
    kind = " SYNTHETIC" if checked["synthetic"] else ""
    lines = [f"# Refresh with the{kind} {steps['fetch']['name']}", ""]
    lines.append(
        f"{checked['rows']:,} rows{newest}; sha256 `{checked['sha256'][:12]}`. Order: {audit['arrival']['why']}."
    )
    lines += [f"- {note}" for note in checked["notes"]]
    return "\n".join(lines)


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
