"""The page of a person who plans: the ladder, and what the changes that they allow would pay."""

from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

from mlpaygrade.app import address, answer, pay
from mlpaygrade.app.charts import Range, notes_list, range_chart
from mlpaygrade.app.choice import first_job, parameters_of, read_parameters
from mlpaygrade.app.form import job_form, offer_nearest, remembered, standing
from mlpaygrade.app.pay import start_terms, terms_form
from mlpaygrade.app.serving import predictor, show_error
from mlpaygrade.errors import InputError, MLPayGradeError
from mlpaygrade.explain.scenarios import Scenario, across, ladder, scenarios
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import CHANGEABLE, EXPERIENCE, LABELS, Job
from mlpaygrade.money.purchasing_power import compare_places
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering.words import counted, value_text

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
    address.keep(
        FORM, parameters_of(job) | pay.parameters_of(terms) | {"allow": ",".join(allowed), "most": str(most or 1)}
    )
    with right:
        if not job.title.strip():
            st.info("Type a job title to see its ladder.", icon=":material/edit:")
            return
        try:
            read = predictor().read_job(**job.words())
            _answer(read, list(allowed), most or 1, terms)
        except MLPayGradeError as error:
            show_error(error)


def _start() -> Job:
    if (before := standing(FORM)) is not None:
        return before
    parameters = address.parameters(FORM)
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
    address.remark([*problems, *start_terms(parameters, country=found.job.location)])
    return found.job


def _answer(read: ReadJob, allowed: list[str], most: int, terms: PayTerms) -> None:
    estimate = predictor().answer(read)
    if estimate.not_enough_data is not None:
        st.html(answer.heading(estimate) + answer.refusal(estimate))
        offer_nearest(FORM, estimate)
        return
    low, high = estimate.intervals_usd[90]
    st.html(answer.heading(estimate) + answer.warnings(estimate))
    st.html(
        f'<div class="mp"><p>Today: typical pay <strong>{escape(terms.text(estimate.estimate_usd))}</strong> {terms.per}; '
        f"9 in 10 such jobs are advertised between <strong>{escape(terms.between(low, high))}</strong>.</p></div>"
    )
    st.header("The ladder", anchor=False)
    st.html(_ladder(ladder(predictor(), read), estimate, terms))
    st.header("What the changes you allow would pay", anchor=False)
    if allowed:
        _changes(read, allowed, most, terms)
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
            detail=_difference(step, terms) + ("" if step.supported else "; few adverts, a rough idea"),
            low_usd=step.interval_90_usd[0],
            high_usd=step.interval_90_usd[1],
            middle_usd=step.estimate_usd,
            wide=not step.supported,
        )
        for step in steps
    ]
    chart = range_chart(rows, terms, label="Range of nine in ten such jobs at each level")
    held = answer.caught(estimate, 90)
    return chart + f'<p class="mp-quiet">Bars hold 9 in 10 such jobs ({held}); the mark is the typical pay.</p>'


def _difference(step: Scenario, terms: PayTerms) -> str:
    if not step.changes:
        return f"the job as it is, typical {terms.text(step.estimate_usd)}"
    return f"typical {terms.text(step.estimate_usd)}: {_paired(step, terms)}"


def _changes(read: ReadJob, allowed: list[str], most: int, terms: PayTerms) -> None:
    """One table of gains and losses; what few adverts support stands in it, marked."""
    if MOVE in allowed:
        allowed = [*(name for name in allowed if name not in (MOVE, "location")), "location", "residence"]
    found = scenarios(predictor(), read, allow=allowed, max_changes=most)
    thin = [
        one
        for field in allowed
        if field != "residence" or "location" not in allowed
        for one in across(predictor(), read, field)
        if one.changes and not one.supported
    ]
    every = sorted([*found.scenarios, *thin], key=lambda one: -one.difference.usd)
    gains = [one for one in every if one.difference.usd > 0]
    losses = [one for one in every if one.difference.usd <= 0][::-1]
    if not gains:
        st.info("No change of these pays more.", icon=":material/info:")
    for name, rows in (("pay more", gains), ("pay less", losses)):
        if not rows:
            continue
        caption = f"{counted(len(rows), 'change')} {name}" + (f"; the first {SHOWN}" if len(rows) > SHOWN else "")
        drawn = f'<p class="mp-quiet">{caption}.</p>' + _change_rows(rows[:SHOWN], read.job, terms, label=caption)
        if rows is gains:
            st.html(drawn)
        else:
            with st.expander(f"Changes that {name}"):
                st.html(drawn)
    if apart := [note for note in found.notes if "another country" in note]:
        st.html(notes_list(apart))


def _change_rows(found: Sequence[Scenario], job: Job, terms: PayTerms, *, label: str) -> str:
    """Changes as bars, each with its difference, the adverts behind it, and for a move what that pay would buy at home."""
    rows = []
    for one in found:
        low, high = one.interval_90_usd
        behind = counted(one.support.postings, "advert") if one.supported else "few adverts, a rough idea"
        bought = f"; buys {_at_home(one, job, terms)} at home" if one.job.location != job.location else ""
        rows.append(
            Range(
                name="; ".join(value_text(change.field, change.after) for change in one.changes),
                detail=f"typical {terms.text(one.estimate_usd)}: {_paired(one, terms)}; {behind}{bought}",
                low_usd=low,
                high_usd=high,
                middle_usd=one.estimate_usd,
                wide=not one.supported,
            )
        )
    return range_chart(rows, terms, label=label)


def _at_home(one: Scenario, job: Job, terms: PayTerms) -> str:
    """What pay in another country buys at home, by purchasing power; "what is not known" where prices are not compared."""
    try:
        return terms.text(compare_places(one.estimate_usd, one.job.location, job.location).same_living_usd)
    except InputError:
        return "what is not known"


def _paired(one: Scenario, terms: PayTerms) -> str:
    if not one.changes:
        return "as it is"
    low, high = one.difference.interval_90_usd
    return f"{terms.signed(one.difference.usd)} ({terms.range(low, high)})"
