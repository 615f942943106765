"""The comparison as a markdown text, drawn from compare.json alone.

Enters: the result of a comparison. Leaves: text. Computes nothing and rounds once, here.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from mlpaygrade.evaluation.metrics import DRAWS
from research.rivals import LABELS

Key = TypeVar("Key", bound=Hashable)
BY_WEEK: Final = "all, by week"
"""The part of the differences that claims rest on: adverts of one week come in bursts from few employers."""

METRICS: Final = {
    "rmse_log": ("RMSE log", "{:+.4f}"),
    "mae_usd": ("MAE", "{:+,.0f}"),
    "pinball_log": ("pinball", "{:+.5f}"),
    "score_90_usd": ("interval score", "{:+,.0f}"),
}


def compare_text(result: Mapping[str, Any]) -> str:
    """The stages that are there, the main table first."""
    lines = ["# The network and its rivals", "", f"Protocol: {result['protocol']}.", ""]
    if result["synthetic"]:
        lines += ["The data is SYNTHETIC: nothing here is about real pay.", ""]
    for name, stage in result["stages"].items():
        lines += [*PARTS[name](stage), ""]
    return "\n".join(lines)


def _main(stage: Mapping[str, Any]) -> list[str]:
    models = stage["models"]
    header: tuple[str, ...] = (
        "model",
        "RMSE log",
        "MAE",
        "R2",
        "pinball",
        "score 90 %",
        "coverage 90 %",
        "width 90 %",
        "middles RMSE",
        "middles MAE",
        "seconds",
    )
    rows: list[tuple[str, ...]] = []
    for name, one in models.items():
        row, posting = one["rows"], one["postings"]
        rows.append(
            (
                LABELS[name],
                f"{row['rmse_log']:.4f}",
                f"${row['mae_usd']:,.0f}",
                f"{row['r2_usd']:.3f}",
                f"{row['pinball_log']:.5f}",
                f"${row['score_90_usd']:,.0f}",
                f"{row['coverage_90']:.1%}",
                f"${row['width_90_usd']:,.0f}",
                f"{posting['rmse_log']:.4f}" if posting["n"] else "",
                f"${posting['mae_usd']:,.0f}" if posting["n"] else "",
                f"{one['seconds']:.0f}",
            )
        )
    lines = ["## The test", "", *_table(header, rows)]
    groups = list(next(iter(models.values()))["groups"])
    if groups:
        count = {group: next(iter(models.values()))["groups"][group]["n"] for group in groups}
        header = ("RMSE log", *(f"{group} (n = {count[group]:,})" for group in groups))
        rows = [
            (LABELS[name], *(f"{one['groups'][g]['rmse_log']:.4f}" for g in groups)) for name, one in models.items()
        ]
        lines += ["", "### Groups", "", *_table(header, rows)]
    if stage["differences"]:
        parts = list(next(iter(stage["differences"].values())))
        lines += ["", "### Network minus rival, 95 % interval of a paired bootstrap", "", *verdict(stage), ""]
        lines += [
            "Drawn by posting unless a table says by what else. Below zero the network is better: + marks an interval that lies "
            "below zero, and - one that lies above. Fits are those of one seed; no interval knows another.",
        ]
        for part in parts:
            lines += ["", f"{part}:", "", *_differences({n: d[part] for n, d in stage["differences"].items()})]
    for residuals in stage["residuals"].values():
        lines += ["", "### Residuals of the network", "", *(f"- {sentence}" for sentence in residuals["sentences"])]
    return lines


def _differences(by_rival: Mapping[str, Mapping[str, Any]]) -> list[str]:
    metrics = [metric for metric in METRICS if metric in next(iter(by_rival.values()))]
    rows = [
        (f"against {LABELS[name]}", *(_difference(metric, found[metric]) for metric in metrics))
        for name, found in by_rival.items()
    ]
    return _table(("difference", *(METRICS[metric][0] for metric in metrics)), rows)


def _difference(metric: str, one: Mapping[str, Any]) -> str:
    form = METRICS[metric][1].format
    mark = " (+)" if one["high"] < 0 else " (-)" if one["low"] > 0 else ""
    return f"{form(one['difference'])} [{form(one['low'])}, {form(one['high'])}]{mark}"


def verdict(stage: Mapping[str, Any]) -> list[str]:
    """Which rivals the network beats and loses to, by metric, with sizes: drawn by week, corrected for all comparisons (Holm)."""
    found = {
        (metric, rival): parts[BY_WEEK][metric]
        for rival, parts in stage["differences"].items()
        for metric in METRICS
        if BY_WEEK in parts
    }
    clear = holm({key: one["better"] for key, one in found.items()})
    said = []
    for metric, (name, _) in METRICS.items():
        mine = {rival: one for (of, rival), one in found.items() if of == metric}
        parts = {
            "smaller than that of": [r for r, one in mine.items() if (metric, r) in clear and one["difference"] < 0],
            "larger than that of": [r for r, one in mine.items() if (metric, r) in clear and one["difference"] > 0],
            "not to be told from that of": [r for r in mine if (metric, r) not in clear],
        }
        listed = [
            f"{words} {', '.join(f'{LABELS[r]} ({_size(mine[r])})' for r in rivals)}"
            for words, rivals in parts.items()
            if rivals
        ]
        said += [f"- The network's {name} is {'; '.join(listed)}."] if mine else []
    weeks = "Drawn by week of arrival, and corrected for all comparisons of this table (Holm, 5 %):"
    return [weeks, "", *said] if said else []


def _size(one: Mapping[str, float]) -> str:
    return f"{one['first'] / one['second'] - 1:+.1%}"


def holm(better: Mapping[Key, float]) -> set[Key]:
    """Which of several differences are clear at 5 % together (Holm 1979). better: share of draws in which the first is better."""
    values = {key: max(2 * min(share, 1 - share), 1 / DRAWS) for key, share in better.items()}
    clear: set[Key] = set()
    for place, key in enumerate(sorted(values, key=lambda key: values[key])):
        if values[key] > 0.05 / (len(values) - place):
            break
        clear.add(key)
    return clear


def _seeds(stage: Mapping[str, Any]) -> list[str]:
    if not stage:
        return []
    spread = stage["rows"]
    lines = [f"## {len(stage['runs'])} seeds of the network", ""]
    rows = [
        (
            str(run["seed"]),
            f"{run['rows']['rmse_log']:.4f}",
            f"${run['rows']['mae_usd']:,.0f}",
            f"{run['rows']['r2_usd']:.3f}",
            f"{run['rows']['pinball_log']:.5f}",
        )
        for run in stage["runs"]
    ]
    rows.append(
        (
            "mean ± sd",
            f"{spread['rmse_log']['mean']:.4f} ± {spread['rmse_log']['sd']:.4f}",
            f"${spread['mae_usd']['mean']:,.0f} ± {spread['mae_usd']['sd']:,.0f}",
            f"{spread['r2_usd']['mean']:.3f} ± {spread['r2_usd']['sd']:.3f}",
            f"{spread['pinball_log']['mean']:.5f} ± {spread['pinball_log']['sd']:.5f}",
        )
    )
    return [*lines, *_table(("seed", "RMSE log", "MAE", "R2", "pinball"), rows)]


def _titles(stage: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            LABELS[name],
            f"{stage['seen'][name]['rmse_log']:.4f}",
            f"{one['rmse_log']:.4f}",
            f"{stage['penalty'][name]:+.1%}",
        )
        for name, one in stage["hidden"].items()
    ]
    return [
        "## Titles held out",
        "",
        f"{stage['postings']:,} later postings of {stage['titles']} titles, five folds over the titles; "
        "single uncalibrated fits.",
        "",
        *_table(("model", "title seen", "title held out", "penalty"), rows),
        *_optional_differences(stage),
    ]


def _geography(stage: Mapping[str, Any]) -> list[str]:
    lines = ["## Other markets"]
    for direction, found in stage.items():
        rows = [
            (LABELS[name], f"{one['rmse_log']:.4f}", f"{found['trained on both'][name]['rmse_log']:.4f}")
            for name, one in found["across"].items()
        ]
        lines += ["", f"{direction} ({found['postings']:,} postings):", ""]
        lines += [*_table(("model", "RMSE log across", "trained on both"), rows), *_optional_differences(found)]
    return lines


def _models(title: str) -> Callable[[Mapping[str, Any]], list[str]]:
    def part(stage: Mapping[str, Any]) -> list[str]:
        return [f"## {title}", "", *_errors(stage["models"]), *_optional_differences(stage)]

    return part


def _random(stage: Mapping[str, Any]) -> list[str]:
    share = stage["test rows with an exact twin in training"]
    return [
        "## What a random split would have claimed",
        "",
        f"{share:.1%} of the {stage['rows']:,} test rows have an exact twin among the training rows.",
        "",
        *_errors(stage["models"]),
        "",
        "The same fits on test rows without a twin:",
        "",
        *_errors(stage["models on rows without a twin"]),
    ]


def _errors(models: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows = [
        (LABELS[name], f"{one['rmse_log']:.4f}", f"${one['mae_usd']:,.0f}", f"{one['r2_usd']:.3f}")
        for name, one in models.items()
    ]
    return _table(("model", "RMSE log", "MAE", "R2"), rows)


def _learning(stage: Mapping[str, Any]) -> list[str]:
    lines = ["## How the error falls with data"]
    for name, found in stage.items():
        points = ", ".join(f"{p['postings']:,}: {p['rmse_log']:.4f}" for p in found["points"])
        expected = found["expected"]
        lines += [
            "",
            f"{LABELS[name]}, RMSE log by training postings: {points}. The fitted curve expects "
            + ", ".join(f"{value:.4f} with {factor}" for factor, value in expected.items())
            + f", and never less than {found['curve']['floor'] ** 0.5:.4f}.",
        ]
    return lines


def _optional_differences(stage: Mapping[str, Any]) -> list[str]:
    return ["", *_differences(stage["differences"])] if stage.get("differences") else []


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


PARTS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "main": _main,
    "seeds": _seeds,
    "titles": _titles,
    "geography": _geography,
    "monthly": _models("Month by month through the newest year"),
    "learning": _learning,
    "stratified": _models("Stratified folds over all years"),
    "random": _random,
    "weekly": _models("Week by week through the newest year"),
}
