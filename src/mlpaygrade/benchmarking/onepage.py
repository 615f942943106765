"""One page for a manager: the summary as a single HTML document that needs no network, runs no script and prints on paper.

It holds no row's own key; people are named by title and row.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from mlpaygrade.benchmarking.appraisal import Rules
from mlpaygrade.benchmarking.summary import GROUPS, Summary, cost_sentence, group_table, percentile_words
from mlpaygrade.money.terms import DOLLARS, PayTerms
from mlpaygrade.rendering.palette import css_by_scheme

_STYLE: Final = """:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 54rem; margin: 1.5rem auto; padding: 0 1rem;
  color: var(--mp-ink); background: var(--mp-surface); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 1.2rem 0 .25rem; }
.large { font-size: 2.4rem; font-weight: 700; line-height: 1.1; } .quiet { color: var(--mp-muted); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--mp-line); }
th:first-child, td:first-child { text-align: left; }
@media print { :root { color-scheme: light; } body { font-size: 11px; margin: 0; } }"""


def document(
    summary: Summary,
    rules: Rules,
    method: Sequence[tuple[str, str]],
    *,
    made: datetime,
    adverts_up_to: str,
    terms: PayTerms = DOLLARS,
) -> str:
    """The document. made: when, in UTC. adverts_up_to: the month of the newest advert in words."""
    parts = ["<h1>Our pay against the market</h1>"]
    if summary.compa_ratio is not None:
        parts.append(
            f'<p class="large">{escape(summary.headline[0].upper() + summary.headline[1:])}</p>'
            f'<p class="quiet">median pay over typical market pay: {summary.compa_ratio:.2f}</p>'
        )
    parts += [f"<p>{escape(text)}</p>" for text in (summary.sentence, cost_sentence(summary, rules, terms)) if text]
    parts.append(f"<p>{escape(strength_sentence(summary))} Adverts up to {escape(adverts_up_to)}.</p>")
    if summary.furthest:
        head = ["Job title", "Row", "Country", "Pay", percentile_words(rules).capitalize(), "Lacks", "Strength"]
        lines = [
            [
                b.title,
                f"{b.row:,}",
                b.country,
                terms.text(b.pay_usd),
                terms.text(b.target_usd),
                terms.text(b.cost_usd),
                b.strength,
            ]
            for b in summary.furthest
        ]
        parts.append("<h2>Furthest below the market</h2>" + _table(head, lines))
    for name, groups in summary.groups.items():
        head = [GROUPS[name], "Rows", "Median pay over market", "More than 10% below", "Cost to bring up"]
        parts.append(f"<h2>By {GROUPS[name].lower()}</h2>" + _table(head, group_table(groups, terms)))
    told = "; ".join(f"{name}: {text}" for name, text in method)
    parts.append(f'<h2>Method</h2><p class="quiet">{escape(told)}</p>')
    parts.append(f'<p class="quiet">Made {made:%Y-%m-%d %H:%M} UTC by MLPayGrade. {escape(terms.said)}</p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Our pay against the market</title>'
        f"<style>{css_by_scheme()}{_STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def strength_sentence(summary: Summary) -> str:
    """How far the figures can be relied on."""
    parts = [f"{count:,} {word}" for word, count in summary.strengths.items() if count]
    return f"Strength of the market figures: {', '.join(parts)}." if parts else "No row has a market figure."


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
