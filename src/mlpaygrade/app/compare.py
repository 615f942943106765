"""The page of a person with two or three jobs or offers to choose from.

Enters: two or three forms, the address. Leaves: the page; the address says what it shows. Computes nothing itself.
"""

from html import escape
from itertools import combinations
from typing import Final

import streamlit as st

from mlpaygrade.app import address, answer, why
from mlpaygrade.app.charts import Range, notes_list, range_chart
from mlpaygrade.app.choice import first_job, packed, read_figure, read_packed
from mlpaygrade.app.form import job_form, offer_nearest, remembered, standing
from mlpaygrade.app.serving import predictor, show_error
from mlpaygrade.errors import InputError, MLPayGradeError
from mlpaygrade.explain.scenarios import Comparison, compare
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.job.fields import Job
from mlpaygrade.rendering.words import dollars, percent, place_text, signed_dollars

NAMES: Final = ("Job A", "Job B", "Job C")
STARTS: Final = (
    {"title": "Data Scientist", "location": "US"},
    {"title": "Machine Learning Engineer", "location": "US"},
    {"title": "Data Engineer", "location": "GB"},
)
COUNT: Final = "compare.count"


def page() -> None:
    """Draw the page."""
    st.title("Which job pays more?", anchor=False)
    st.write("Describe two or three jobs, and add what you were offered where you know it.")
    starts = _starts()
    count = st.segmented_control("How many jobs", [2, 3], key=COUNT, required=True, persist_state="session") or 2
    jobs: list[Job] = []
    offers: list[int | None] = []
    for n, column in enumerate(st.columns(count, gap="large")):
        with column:
            st.header(NAMES[n], anchor=False)
            jobs.append(job_form(_form(n), start=starts[n]))
            offers.append(
                st.number_input(
                    f"Offer for {NAMES[n]} (optional)",
                    min_value=1,
                    max_value=5_000_000,
                    value=None,
                    step=1_000,
                    key=f"{_form(n)}.offer",
                    placeholder="US dollars a year before tax",
                    persist_state="session",
                )
            )
    _keep_address(jobs, offers)
    _answer(jobs, offers)


def _form(n: int) -> str:
    return f"compare{n + 1}"


def _starts() -> list[Job]:
    parameters = address.parameters("compare")
    starts: list[Job] = []
    problems: list[str] = []
    for n in range(len(STARTS)):
        name = f"job{n + 1}"
        if (before := standing(_form(n))) is not None:
            starts.append(before)
            continue
        start = (remembered("estimate") if n == 0 else None) or first_job(predictor(), **STARTS[n])
        found = read_packed(parameters[name], default=start) if name in parameters else None
        starts.append(found.job if found else start)
        problems += found.problems if found else ()
        try:
            if f"offer{n + 1}" in parameters:
                st.session_state.setdefault(f"{_form(n)}.offer", read_figure(parameters[f"offer{n + 1}"]))
        except InputError as error:
            problems.append(str(error))
    st.session_state.setdefault(COUNT, 3 if "job3" in parameters else 2)
    address.remark(problems)
    return starts


def _keep_address(jobs: list[Job], offers: list[int | None]) -> None:
    wanted = {f"job{n + 1}": packed(job) for n, job in enumerate(jobs)}
    wanted |= {f"offer{n + 1}": str(offer) for n, offer in enumerate(offers) if offer}
    address.keep("compare", wanted)


def _answer(jobs: list[Job], offers: list[int | None]) -> None:
    estimates: list[Answer] = []
    for name, form, job in zip(NAMES, map(_form, range(len(jobs))), jobs, strict=False):
        try:
            if not job.title.strip():
                raise InputError("Type a job title to see what it pays.")
            estimate = predictor().answer(predictor().read_job(**job.words()))
            if estimate.not_enough_data is None:
                estimates.append(estimate)
                continue
            st.html(f'<div class="mp"><p class="job">{name}</p></div>' + answer.refusal(estimate))
            offer_nearest(form, estimate)
        except MLPayGradeError as error:
            st.markdown(f"**{name}**")
            show_error(error)
    if len(estimates) < len(jobs):
        return
    if notes := [f"{name}: {note}" for name, one in zip(NAMES, estimates, strict=False) for note in one.notes]:
        st.html(notes_list(notes))
    st.header("Side by side", anchor=False)
    st.html(range_chart(_ranges(estimates), label="Bands and ranges of the jobs") + _lines(estimates, offers))
    for first, second in combinations(range(len(estimates)), 2):
        _pair(compare(predictor(), estimates[first], estimates[second]), NAMES[first], NAMES[second])
    st.caption(
        "Differences are between what the market advertises for the jobs as described; they are not what one person gains by "
        "changing. Draws are taken as independent once the fields are known."
    )


def _ranges(estimates: list[Answer]) -> list[Range]:
    rows = []
    for name, one in zip(NAMES, estimates, strict=False):
        low, high = one.intervals_usd[90]
        rows.append(
            Range(
                name=f"{name}: typical advertised band",
                detail=f"{one.job.title}, {place_text(one.job)}",
                low_usd=one.band_low_usd,
                high_usd=one.band_high_usd,
                middle_usd=one.estimate_usd,
            )
        )
        rows.append(
            Range(
                name=f"{name}: 90 % range of single figures",
                detail=answer.caught(one.model, 90),
                low_usd=low,
                high_usd=high,
                wide=True,
                middle_usd=one.estimate_usd,
            )
        )
    return rows


def _lines(estimates: list[Answer], offers: list[int | None]) -> str:
    lines = []
    for name, one, offer in zip(NAMES, estimates, offers, strict=False):
        said = f"<strong>{name}</strong>: typical pay {dollars(one.estimate_usd)}. {escape(answer.support_line(one.support))}"
        if offer:
            said += f" Your offer of {dollars(offer)} {answer.position_words(one, offer)}."
        lines.append(f"<p>{said}</p>")
    return f'<div class="mp">{"".join(lines)}</div>'


def _pair(comparison: Comparison, first: str, second: str) -> None:
    st.header(f"{second} against {first}", anchor=False)
    difference = comparison.difference
    doubt = "" if difference.clear else " The sign is within the model's doubt."
    low, high = difference.interval_90_usd
    st.html(
        '<div class="mp"><p>'
        f"A figure drawn for {second} lies above one drawn for {first} in "
        f"<strong>{percent(comparison.probability_second_pays_more)}</strong> of cases. Typical pay differs by "
        f"<strong>{signed_dollars(difference.usd)}</strong> (90 % interval of that difference: {signed_dollars(low)} to "
        f"{signed_dollars(high)}).{doubt}</p></div>" + why.drivers(comparison, first, second)
    )
