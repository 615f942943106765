"""The page of a person who plans: the ladder, and what the changes that they allow would pay."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Final

import streamlit as st

from mlpaygrade.app import answer, serving
from mlpaygrade.app.form import (
    answered,
    first_job,
    job_form,
    job_parameters,
    pay_parameters,
    read_parameters,
    remembered,
    standing,
    start_terms,
    terms_form,
)
from mlpaygrade.app.serving import predictor
from mlpaygrade.errors import InputError
from mlpaygrade.explain.scenarios import Scenario, across, ladder, scenarios
from mlpaygrade.explain.verdict import support_text
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.job.fields import CHANGEABLE, EXPERIENCE, LABELS, LOCATION, RESIDENCE, TITLE, Job
from mlpaygrade.money.currency import same_living_usd
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering.markup import Range, bars_key, notes_list, quiet, range_chart
from mlpaygrade.rendering.words import counted, country_text, value_text

FORM: Final = "career"
MOVE: Final = "move"
"""Moving to another country: work and home in one step."""
CHANGES: Final = {
    field.name: field.change or field.heading for field in CHANGEABLE if field.name not in ("location", "residence")
} | {MOVE: "Move to another country", "location": "Company abroad, home as now"}
"""Names of what may be changed, in plain words."""
START: Final = ("title", "experience", "remote", "size")
SHOWN: Final = 10


def page() -> None:
    """Draw the page."""
    st.title("What would pay more?", anchor=False)
    st.write("Start from the job you have, choose what you would change, and see what the market pays for the result.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        job = job_form(FORM, start=_start())
        terms = terms_form(job.location)
        allowed = st.pills(
            "I would change",
            list(CHANGES),
            format_func=lambda name: CHANGES[name],
            selection_mode="multi",
            key=f"{FORM}.allow",
            persist_state="session",
            wrap=True,
        )
        most = st.segmented_control(
            "At the same time, at most",
            [1, 2],
            format_func=lambda n: counted(n, "thing"),
            key=f"{FORM}.most",
            persist_state="session",
            required=True,
        )
        if MOVE in allowed:
            st.caption("A move, with work and home together, counts as one thing.")
    serving.keep(
        FORM, job_parameters(job) | pay_parameters(terms) | {"allow": ",".join(allowed), "most": str(most or 1)}
    )
    with right:
        estimate = answered(FORM, job, terms)
        if estimate is not None:
            _answer(estimate, list(allowed), most or 1, terms)


def _start() -> Job:
    if (before := standing(FORM)) is not None:
        return before
    parameters = serving.parameters(FORM)
    found = read_parameters(parameters, default=remembered("estimate") or first_job(predictor()))
    problems = list(found.problems)
    wanted = [name for name in parameters.get("allow", ",".join(START)).split(",") if name]
    if "residence" in wanted:
        wanted = [MOVE, *(name for name in wanted if name not in ("location", "residence"))]
    if wrong := [name for name in wanted if name not in CHANGES]:
        problems.append(
            f'Changes in this link must be among {", ".join(CHANGES)}; got "{wrong[0][:40]}". It was left out.'
        )
    st.session_state.setdefault(f"{FORM}.allow", [name for name in CHANGES if name in wanted])
    most = parameters.get("most", "1")
    if most not in ("1", "2"):
        problems.append(f'The number of changes in this link must be 1 or 2; got "{most[:40]}". One is shown.')
        most = "1"
    st.session_state.setdefault(f"{FORM}.most", int(most))
    serving.remark([*problems, *start_terms(parameters, country=found.job.location)])
    return found.job


def _answer(estimate: Answer, allowed: list[str], most: int, terms: PayTerms) -> None:
    low, high = estimate.intervals_usd[90]
    st.html(answer.heading(estimate) + answer.warnings(estimate))
    st.html(
        f'<div class="mp mp-answer"><p>The job you have: typical pay {answer.about(estimate)}'
        f"<strong>{escape(terms.text(estimate.estimate_usd))}"
        f"</strong> {terms.per}, in adverts up to {escape(estimate.newest_advert)}; 9 in 10 such jobs are advertised between "
        f"<strong>{escape(terms.between(low, high))}</strong>.</p>{answer.strength_line(estimate)}"
        f"<p>{escape(support_text(estimate, terms))}</p></div>"
    )
    st.header("The ladder", anchor=False)
    st.html(_ladder(ladder(predictor(), estimate.job), estimate, terms))
    st.header("What the changes you allow would pay", anchor=False)
    if allowed:
        _changes(estimate, allowed, most, terms)
    else:
        st.info("Choose at least one thing that you would change.", icon=":material/checklist:")
    st.caption(
        "What the market pays differently for such jobs is associated with the change, not promised by it: people who hold "
        "those jobs differ in more than these fields. Differences come with the range in which they very likely lie."
    )


def _ladder(steps: tuple[Scenario, ...], estimate: Answer, terms: PayTerms) -> str:
    rows = [
        Range(
            name=LABELS[EXPERIENCE][step.job.experience],
            amount=terms.text(step.estimate_usd),
            detail=_paired(step, terms) + ("" if step.supported else "; few adverts"),
            ends_usd=step.interval_90_usd,
            middle_usd=step.estimate_usd,
            wide=not step.supported,
        )
        for step in steps
    ]
    chart = range_chart(rows, terms, label="Range of nine in ten such jobs at each level")
    held = answer.caught(estimate, 90)
    key = bars_key("enough adverts", "few adverts: a rough idea") if any(row.wide for row in rows) else ""
    said = quiet(f"In figures and as the mark: typical pay. Bars: 9 in 10 such jobs ({held}).")
    return chart + key + said + notes_list(_out_of_order(steps))


def _out_of_order(steps: Sequence[Scenario]) -> list[str]:
    """A sentence for each level that stands below the one before it."""
    said = []
    for before, after in pairwise(steps):
        if after.estimate_usd < before.estimate_usd:
            one, other = (LABELS[EXPERIENCE][step.job.experience] for step in (after, before))
            why = (
                "the adverts of the two levels differ in more than the level"
                if before.supported and after.supported
                else "few adverts say what these levels pay, so the order of the two is not known"
            )
            said.append(f"{one} stands below {other} here: {why}.")
    return said


def _changes(estimate: Answer, allowed: list[str], most: int, terms: PayTerms) -> None:
    """One table of gains and losses; what few adverts support stands in it, marked."""
    job = estimate.job
    if MOVE in allowed:
        allowed = [*(name for name in allowed if name not in (MOVE, "location")), "location", "residence"]
    found = scenarios(predictor(), job, allow=allowed, max_changes=most)
    thin = [
        one
        for field in allowed
        if field != "residence" or "location" not in allowed
        for one in across(predictor(), job, field)
        if one.changes and not one.supported
    ]
    every = sorted([*found.scenarios, *thin], key=lambda one: -one.difference.usd)
    clear = [one for one in every if _is_clear(one)]
    gains = [one for one in clear if one.difference.usd > 0]
    losses = [one for one in clear if one.difference.usd <= 0][::-1]
    unsure = sorted((one for one in every if not _is_clear(one)), key=lambda one: -one.difference.interval_90_usd[0])
    if estimate.strength.word == "rough":
        st.html(quiet("What the job you have pays is only a rough idea, so these differences are too."))
    if not gains:
        st.info("No change of these clearly pays more.", icon=":material/info:")
    groups = {"clearly pay more": gains, "are too uncertain to say": unsure, "clearly pay less": losses}
    for name, rows in groups.items():
        if not rows:
            continue
        many = counted(len(rows), "change")
        caption = f"{many} {name if len(rows) > 1 else name.replace('pay', 'pays').replace('are', 'is')}"
        caption += f"; the first {SHOWN}" if len(rows) > SHOWN else ""
        why = " Few adverts, or a difference that may also be none." if rows is unsure else ""
        drawn = quiet(f"{caption}.{why}") + _change_rows(rows[:SHOWN], job, terms, label=caption)
        if rows is gains:
            st.html(drawn)
        else:
            with st.expander(f"Changes that {name}", expanded=rows is unsure and not gains):
                st.html(drawn)
    if apart := [note for note in found.notes if "another country" in note]:
        st.html(notes_list(apart))


def _is_clear(one: Scenario) -> bool:
    """Whether the sign of the difference is beyond doubt and enough adverts stand behind it."""
    return one.supported and one.difference.clear


def _change_rows(found: Sequence[Scenario], job: Job, terms: PayTerms, *, label: str) -> str:
    """Changes as bars, each with its difference, the adverts behind it, and for a move what that pay would buy at home."""
    rows = []
    for one in found:
        behind = counted(one.support.postings, "advert") if one.supported else "few adverts"
        bought = f"; {_at_home(one, job, terms)}" if one.job.location != job.location else ""
        rows.append(
            Range(
                name=_name(one),
                amount=terms.text(one.estimate_usd),
                detail=f"{_paired(one, terms)}; {behind}{bought}",
                ends_usd=one.interval_90_usd,
                middle_usd=one.estimate_usd,
                wide=not _is_clear(one),
            )
        )
    return range_chart(rows, terms, label=label)


def _name(one: Scenario) -> str:
    """What changes, as one says it: "Move to the United States as Engineering Manager; Executive"."""
    after = {change.field: change.after for change in one.changes}
    where, title = country_text(one.job.location), after.get(TITLE)
    parts = []
    if RESIDENCE in after:
        parts.append(f"Move to {where}" + (f" as {title}" if title else ""))
    elif title:
        parts.append(str(title))
    if LOCATION in after and RESIDENCE not in after:
        parts.append(f"Company in {where}")
    rest = (field for field in after if field not in (TITLE, LOCATION, RESIDENCE))
    return "; ".join([*parts, *(value_text(field, after[field]) for field in rest)])


def _at_home(one: Scenario, job: Job, terms: PayTerms) -> str:
    """What pay in another country would buy at home, by purchasing power, and whether that is more than the job as it is pays."""
    before_usd = one.estimate_usd - one.difference.usd
    at_home = country_text(job.location)
    try:
        same = same_living_usd(one.estimate_usd, one.job.location, job.location)
    except InputError:
        return f"prices there and in {at_home} are not compared"
    more = "more" if same > before_usd else "less"
    return f"buys what {terms.text(same)} buys in {at_home}, {more} than now"


def _paired(one: Scenario, terms: PayTerms) -> str:
    if not one.changes:
        return "the job as it is"
    low, high = one.difference.interval_90_usd
    return f"{terms.signed(one.difference.usd)} (very likely {terms.signed(low)} to {terms.signed(high)})"
