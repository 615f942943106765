"""The model's card: how far to trust it, what others measured, what it is for and what not; every number from the bundle."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from math import expm1
from pathlib import Path
from typing import Any, Final

import streamlit as st

from mlpaygrade.app import serving
from mlpaygrade.app.serving import literal, predictor
from mlpaygrade.evaluation.checked import CheckedGroup, CheckedSource, checked
from mlpaygrade.forecast.accuracy import ALL, COUNTRY_GROUP, ENOUGH_ADVERTS, accuracy_of
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.forecast.evidence import ENOUGH, SAME_JOB, Cell
from mlpaygrade.forecast.strength import strength
from mlpaygrade.job.titles import FAMILIES, family_name
from mlpaygrade.rendering import markup
from mlpaygrade.rendering.words import capital, counted, dollars, group_text, of_100, off_text, percent, up_to_of_100

CHANGELOG: Final = Path(__file__).resolve().parents[3] / "CHANGELOG.md"
IMPORTANCE: Final = "importance.json"
COMPARISON: Final = "comparison.json"
BACKTEST: Final = "backtest.json"
MARKET: Final = "market.json"
INTERVALS: Final = (50, 80, 90)


def page() -> None:
    """Draw the page: first what it means, then where it comes from, then the tables."""
    st.title("How far to trust the figures", anchor=False)
    serving.keep("model", {})
    bundle = predictor().bundle
    st.write(
        "A neural network has read public adverts of jobs in data, machine learning, AI and software, and says what employers "
        "who publish pay advertise for such a job. It was tested on adverts that came later than all it had read."
    )
    st.html(markup.facts(_data_facts(bundle.provenance)))
    _meaning(bundle)
    _others(bundle)
    _use()
    with st.expander("Method: how the model was tested, all tables"):
        _tables(bundle)
    _provenance(bundle.provenance)
    _changes()


def _meaning(bundle: Bundle) -> None:
    """How far answers can be relied on, by where and at what level the job is: the rule of strength applied to each group."""
    st.header("How strong its answers are", anchor=False)
    groups = bundle.evaluation.get("groups", {})
    lines = []
    for name, found in groups.items():
        by_country = COUNTRY_GROUP in {part.split("=")[0] for part in name.split("|")}
        if not (by_country or name == ALL) or found.get("adverts", 0) < ENOUGH_ADVERTS:
            continue
        word = strength(accuracy_of(groups, name), Cell(level=SAME_JOB, postings=ENOUGH), None).word
        side = "about right" if abs(found["mean_error_log"]) < 0.01 else off_text(found["mean_error_log"])
        held = f"{of_100(found['coverage_90'])} of 100"
        tested = (f"{found[unit]:,}" for unit in ("n", "adverts"))
        lines.append([capital(group_text(name)), word, held, side, *tested])
    if ALL in groups and lines:
        st.html(f'<div class="mp"><p>{escape(_in_short(groups[ALL]))}</p></div>')
    if not lines:
        st.warning("This bundle carries no test: nothing can be said about how well it does.", icon=":material/rule:")
        return
    caption = (
        "What was found on later adverts. An answer has at best the word of its group; a title that did worse, few "
        "adverts of its kind, or adverts that say something else, make it weaker."
    )
    st.html(
        markup.table(
            ["Jobs", "At best", "In the 9-in-10 range", "On the whole", "Figures tested", "Adverts"],
            lines,
            caption=caption,
        )
    )


def _in_short(found: Mapping[str, float]) -> str:
    """What the test means for a reader, in one paragraph."""
    return (
        f"Of 100 later figures {of_100(found['coverage_90'])} fell inside the range that was to hold 90. Take a figure "
        "that is called strong as a sound guide to what employers advertise, a fair one for orientation, and a rough one as a "
        "first idea that needs other sources. The table says what to expect where."
    )


def _others(bundle: Bundle) -> None:
    """What other people measured: in short, and source by source."""
    found = checked()
    st.header("Beside what others measured", anchor=False)
    if found.data_sha256 != bundle.provenance["data_sha256"]:
        st.caption("These checks were made with an earlier model.")
    if gaps := [_gap(source) for source in found.sources if any(group.dimension == "all" for group in source.groups)]:
        st.write(
            literal(
                f"In short: over all jobs compared, our figures lie {', '.join(gaps)}. So take them to judge what an employer "
                "offers, and not as what people in such jobs earn. In single countries the gaps are wider."
            )
        )
    with st.expander("Source by source, country by country"):
        for source in found.sources:
            compared = "People employed" if source.kind == "employed" else "Jobs compared"
            shown = [group for group in source.groups if group.dimension == "country" or source.kind == "employed"]
            lines = [[group.label, _above(group.log_difference), _likely(group), f"{group.n:,}"] for group in shown]
            head = ["Jobs", "Our figures", "Very likely between", compared]
            st.html(markup.table(head, lines, caption=f"{source.name}. {source.how_to_read}"))


def _gap(source: CheckedSource) -> str:
    """How our figures lie beside all jobs of a source."""
    every = next(group for group in source.groups if group.dimension == "all")
    whose = source.name[:1].lower() + source.name[1:].replace(", ", " (") + ")"
    return f"{_above(every.log_difference)} {whose}"


def _above(log_difference: float) -> str:
    share = expm1(log_difference)
    return f"{abs(share):.0%} {'above' if share > 0 else 'below'}"


def _likely(group: CheckedGroup) -> str:
    return (
        "a median, no range"
        if group.log_range is None
        else " and ".join(f"{expm1(end):+.0%}" for end in group.log_range)
    )


def _tables(bundle: Bundle) -> None:
    evaluation = bundle.evaluation
    rows = evaluation.get("rows", {})
    if not rows:
        return
    st.write(literal(f"Protocol: {evaluation.get('protocol')}. {counted(int(rows['n']), 'figure')} tested."))
    st.html(markup.facts(_accuracy_facts(rows, evaluation.get("postings", {}))))
    _coverage(rows, evaluation.get("postings", {}))
    _rivals(bundle)
    _walk(bundle)
    _error_budget(bundle)
    _slices(evaluation.get("slices", []))
    _importance()


def _data_facts(provenance: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    newest = provenance.get("newest_day")
    return [
        ("Adverts it learned from", f"{provenance['postings']:,}", f"rebuilt from {provenance['rows']:,} rows"),
        ("With both ends of a range", percent(provenance["paired_share"]), "two neighbouring rows that fit together"),
        (
            "Newest advert",
            str(newest or provenance["trained_through"]),
            "synthetic data" if provenance["synthetic"] else "public dataset",
        ),
    ]


def _accuracy_facts(rows: Mapping[str, float], postings: Mapping[str, float]) -> list[tuple[str, str, str]]:
    items = [
        ("Half of figures lie within", dollars(rows["median_ae_usd"]), "of the typical pay it gave"),
        ("Mean distance", dollars(rows["mae_usd"]), f"log error {rows['rmse_log']:.3f}, R² {rows['r2_usd']:.2f}"),
    ]
    if "mae_usd" in postings:
        items.append(
            (
                "Mean distance, middle of bands",
                dollars(postings["mae_usd"]),
                f"log error {postings['rmse_log']:.3f}, R² {postings['r2_usd']:.2f}",
            )
        )
    return items


def _coverage(rows: Mapping[str, float], postings: Mapping[str, float]) -> None:
    """The three questions: one figure, the ends of a band, and where a figure stands."""
    lines = [
        [f"{level} in 100 should lie inside", percent(rows[f"coverage_{level}"]), dollars(rows[f"width_{level}_usd"])]
        for level in INTERVALS
        if f"coverage_{level}" in rows
    ]
    lines += [
        [f"90 in 100 {end} ends of bands should", percent(postings[f"{end}_coverage_90"]), ""]
        for end in ("low", "high")
        if f"{end}_coverage_90" in postings
    ]
    if lines:
        head = ["Range", "Did lie inside", "Mean width"]
        st.html(markup.table(head, lines, caption="Do the ranges hold what they state?"))
    if "pit_deviation" in rows:
        off = up_to_of_100(rows["pit_deviation"])
        st.write(literal(f"Where a figure stands among 100 advertised ones was off {off} of them at most."))


Figures = Mapping[str, Any]
Column = tuple[str, str, Callable[[Any], str]]
"""A column of figures: its heading, the figure's name, how it is written."""
COUNT: Final = "{:,.0f}".format
HELD: Final[tuple[Column, ...]] = tuple((f"{level} % held", f"coverage_{level}", percent) for level in INTERVALS)


def _table(first: str, lines: Iterable[tuple[str, Figures]], *columns: Column, caption: str) -> str:
    """A row for each named set of figures; what was not measured is said to be so. first: the heading of the names."""
    rows = [
        [name, *(write(figures[key]) if figures.get(key) is not None else "not measured" for _, key, write in columns)]
        for name, figures in lines
    ]
    return markup.table([first, *(heading for heading, _, _ in columns)], rows, caption=caption)


def _rivals(bundle: Bundle) -> None:
    """The network and its rivals on one test, and whether the difference is beyond chance."""
    if not bundle.has(COMPARISON):
        return
    found = bundle.json(COMPARISON)

    def against(name: str) -> str:
        parts: Figures = found.get("differences", {}).get(name) or {}
        one = parts["all"].get("rmse_log") if "all" in parts else None
        return f"{one['difference']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})" if one else ""

    with st.expander("Against rivals"):
        st.html(
            _table(
                "Model",
                [(_capital(name), {**one["rows"], "against": against(name)}) for name, one in found["models"].items()],
                ("Log error", "rmse_log", "{:.4f}".format),
                ("Mean distance", "mae_usd", dollars),
                ("R²", "r2_usd", "{:.3f}".format),
                ("90 % held", "coverage_90", percent),
                ("Mean width", "width_90_usd", dollars),
                ("This model's log error minus its (95 %)", "against", str),
                caption=f"Against rivals on the same data ({found['protocol']}); below zero this model is better",
            )
        )


def _walk(bundle: Bundle) -> None:
    """How the ranges did week by week, each week judged by what was known before it.

    Single weeks are told as older postings count in the model that is shown: all alike.
    """
    if not bundle.has(BACKTEST):
        return
    found = bundle.json(BACKTEST)
    name, weeks = next(iter(found["weeks"].items()))
    with st.expander("Week by week"):
        st.html(
            _table(
                "Weighing of older postings",
                [(_capital(name), one) for name, one in found["summary"].items()],
                ("Figures", "rows", COUNT),
                *HELD,
                ("Weeks within 6 points of 90 %", "weeks_within_6_points", percent),
                ("The same, had they come in any order", "weeks_within_6_points_by_chance", percent),
                caption="Each week answered with what was known before it",
            )
        )
        caption = f"Every week to the day given ({name.replace('_', ' ')}); few figures make a week's share uncertain"
        lines = [(str(week["week"]), week) for week in weeks]
        st.html(_table("Week", lines, ("Figures", "rows", COUNT), *HELD, caption=caption))


def _error_budget(bundle: Bundle) -> None:
    """What part of the error no model could avoid, where the market statistics have measured it."""
    if not bundle.has(MARKET):
        return
    section = next((item for item in bundle.json(MARKET)["sections"] if item["key"] == "error_budget"), None)
    if section is None or section["missing"]:
        return
    with st.expander("How good could any model be?"):
        st.write(literal(f"{section['answer']} {section['effect'] or ''}".strip()))
        st.caption(literal(" ".join(section["cannot"])))


def _slices(slices: Sequence[Figures]) -> None:
    if not slices:
        return
    with st.expander("Where it is better and worse"):
        st.caption(
            "A bias below zero means that figures were higher than the model said. Groups with too few figures "
            "to judge are left out."
        )
        for dimension in dict.fromkeys(str(item["dimension"]) for item in slices):
            st.html(
                _table(
                    dimension.capitalize(),
                    [(_plain(str(item["value"])), item) for item in slices if item["dimension"] == dimension],
                    ("Figures", "n", COUNT),
                    ("Mean distance", "mae_usd", dollars),
                    ("Bias", "bias_usd", dollars),
                    *HELD,
                    caption=f"By {dimension}",
                )
            )


def _importance() -> None:
    """How far each field moves the figure on average, where the bundle has measured it."""
    bundle = predictor().bundle
    if not bundle.has(IMPORTANCE):
        return
    found = bundle.json(IMPORTANCE)
    with st.expander("What moves its figures"):
        st.html(
            _table(
                "Jobs",
                [(name, {**segment["mean_abs_usd"], "n": segment["n"]}) for name, segment in found["segments"].items()],
                ("Measured", "n", COUNT),
                *((label.capitalize(), player, dollars) for player, label in found["players"].items()),
                caption=f"Mean size of each field's contribution, measured on {found['measured_on']}",
            )
        )


def _use() -> None:
    st.header("What it is for, and what not", anchor=False)
    st.markdown(
        "- **For** judging an offer, preparing a negotiation, setting the band of a posting, seeing what the market pays for "
        "a kind of job, and how sure that is.\n"
        "- **Not for** setting one person's pay: it knows nothing of skills, performance, employer, equity or bonuses.\n"
        "- **Not for** auditing pay by gender, age or origin: the data hold no such field.\n"
        "- **Not for** jobs outside data, machine learning and AI, or for countries with a handful of adverts: the answer says "
        "how many it rests on.\n"
        "- A difference between two jobs is what the market advertises differently, no promise of what one person gains by "
        "changing."
    )


def _provenance(provenance: Mapping[str, Any]) -> None:
    with st.expander("Where it comes from"):
        libraries = ", ".join(f"{name} {version}" for name, version in provenance.get("libraries", {}).items())
        lines = [
            ["Version", str(provenance["version"])],
            ["Trained on work years up to", str(provenance["trained_through"])],
            ["SHA-256 of the data file", str(provenance["data_sha256"])],
            ["Commit of the code", str(provenance.get("commit") or "not known")],
            ["Seed", str(provenance.get("seed", "not known"))],
            ["Libraries", libraries or "not known"],
        ]
        st.html(markup.table(["What", "Value"], lines, caption="Provenance of this bundle", words=True))


def _changes() -> None:
    with st.expander("What changed between versions"):
        try:
            text = CHANGELOG.read_text(encoding="utf-8")
        except OSError:
            st.write(
                "The list of changes is in CHANGELOG.md of the project's source; this installation does not carry it."
            )
            return
        st.markdown("\n".join(f"##{line}" if line.startswith("#") else line for line in text.splitlines()))


def _plain(value: str) -> str:
    return next((family_name(family) for family in FAMILIES if family == value), value)


def _capital(name: str) -> str:
    return name.replace("_", " ").capitalize()
