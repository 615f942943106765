"""The page of a person with two or three jobs or offers to choose from.

Enters: two or three forms, the address. Leaves: the page; the address says what it shows. Computes nothing itself.
"""

from html import escape
from itertools import combinations
from typing import Final

import streamlit as st

from mlpaygrade.app import answer, serving
from mlpaygrade.app.form import (
    Offer,
    answered,
    first_job,
    job_form,
    linked_offer,
    offer_field,
    packed,
    pay_parameters,
    read_packed,
    remembered,
    standing,
    start_terms,
    terms_form,
)
from mlpaygrade.app.serving import predictor
from mlpaygrade.explain.scenarios import Comparison, compare
from mlpaygrade.explain.verdict import support_text, verdict
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.job.fields import Job
from mlpaygrade.money.terms import PayTerms
from mlpaygrade.rendering.markup import Range, notes_list, quiet, range_chart
from mlpaygrade.rendering.words import place_text

NAMES: Final = ("Job A", "Job B", "Job C")
STARTS: Final = (
    {"title": "Data Scientist", "location": "US"},
    {"title": "Machine Learning Engineer", "location": "US"},
    {"title": "Data Engineer", "location": "GB"},
)
COUNT: Final = "compare.count"
NOT_A_PROMISE: Final = (
    "Differences are between what the market advertises for the jobs as described; they are not what one person gains by "
    "changing. Adverts are taken as independent once the fields are known."
)


def page() -> None:
    """Draw the page."""
    st.title("Which job pays more?", anchor=False)
    st.write("Describe two or three jobs, and add what you were offered where you know it.")
    starts = _starts()
    count = st.segmented_control("How many jobs", [2, 3], key=COUNT, required=True, persist_state="session") or 2
    terms = terms_form(starts[0].location)
    jobs: list[Job] = []
    offers: list[Offer] = []
    for n, column in enumerate(st.columns(count, gap="large")):
        with column:
            st.header(NAMES[n], anchor=False)
            jobs.append(job_form(_form(n), start=starts[n]))
            label = f"Offer for {NAMES[n]} (optional)"
            offers.append(offer_field(f"{_form(n)}.offer", jobs[n].location, terms, label=label))
    wanted = {f"job{n + 1}": packed(job) for n, job in enumerate(jobs)}
    wanted |= {f"offer{n + 1}": offer.text for n, offer in enumerate(offers) if offer.text}
    serving.keep("compare", wanted | pay_parameters(terms))
    _answer(jobs, offers, terms)


def _form(n: int) -> str:
    return f"compare{n + 1}"


def _starts() -> list[Job]:
    parameters = serving.parameters("compare")
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
        if f"offer{n + 1}" in parameters:
            st.session_state.setdefault(f"{_form(n)}.offer", linked_offer(parameters, f"offer{n + 1}"))
    st.session_state.setdefault(COUNT, 3 if "job3" in parameters else 2)
    serving.remark([*problems, *start_terms(parameters, country=starts[0].location)])
    return starts


def _answer(jobs: list[Job], offers: list[Offer], terms: PayTerms) -> None:
    found = [answered(_form(n), job, terms, label=NAMES[n]) for n, job in enumerate(jobs)]
    estimates = [one for one in found if one is not None]
    if len(estimates) < len(jobs):
        return
    pairs = [
        (compare(predictor(), estimates[first], estimates[second]), (NAMES[first], NAMES[second]))
        for first, second in combinations(range(len(estimates)), 2)
    ]
    for comparison, names in pairs:
        _verdict(comparison, names, terms)
    st.header("Side by side", anchor=False)
    st.html(range_chart(_ranges(estimates), terms, label="Ranges of the jobs") + _lines(estimates, offers, terms))
    said = [
        f"{name}: {note}"
        for name, one in zip(NAMES, estimates, strict=False)
        for note in (*one.said_first, *answer.read_notes(one))
    ]
    st.html(notes_list(said) + quiet(f"Adverts up to {estimates[0].age_text}. {NOT_A_PROMISE}"))
    with st.expander("What makes the difference"):
        for comparison, (first_name, second_name) in pairs:
            drawn = answer.drivers(comparison, first_name, second_name, terms)
            st.html(f'<div class="mp"><p><strong>{second_name} against {first_name}</strong></p></div>{drawn}')


def _ranges(estimates: list[Answer]) -> list[Range]:
    rows = []
    for name, one in zip(NAMES, estimates, strict=False):
        rows.append(
            Range(
                name=f"{name}: one advert's range",
                detail=f"{one.job.title}, {place_text(one.job)}",
                ends_usd=(one.band_low_usd, one.band_high_usd),
                middle_usd=one.estimate_usd,
            )
        )
        rows.append(
            Range(
                name=f"{name}: 9 in 10 such jobs",
                detail=answer.caught(one, 90),
                ends_usd=one.intervals_usd[90],
                wide=True,
                middle_usd=one.estimate_usd,
            )
        )
    return rows


def _lines(estimates: list[Answer], offers: list[Offer], terms: PayTerms) -> str:
    lines = []
    for name, one, offer in zip(NAMES, estimates, offers, strict=False):
        said = f"<strong>{name}</strong>: typical pay {escape(terms.text(one.estimate_usd))} {terms.per} ({one.strength.word}). "
        said += escape(support_text(one, terms))
        if offer.usd:
            said += f" {escape(verdict(one, offer.usd).sentences(terms)[0])}"
        lines.append(f"<p>{said}</p>")
    return f'<div class="mp">{"".join(lines)}</div>'


def _verdict(comparison: Comparison, names: tuple[str, str], terms: PayTerms) -> None:
    """Which of two pays more, and how sure that is."""
    first, second = names
    difference = comparison.difference
    chance = comparison.probability_second_pays_more
    better, share = (second, chance) if chance >= 0.5 else (first, 1 - chance)
    st.header(f"{second} against {first}", anchor=False)
    low, high = difference.interval_90_usd
    doubt = (
        ""
        if difference.clear
        else " It may also be the other way round: the difference is within the model's own doubt."
    )
    st.html(
        f'<div class="mp"><p><strong>{better} pays more in {round(100 * share)} of 100 pairs of adverts.</strong> Typical pay '
        f"differs by <strong>{escape(terms.signed(difference.usd))}</strong> {terms.per} (very likely between "
        f"{escape(terms.signed(low))} and {escape(terms.signed(high))}).{doubt}</p></div>"
    )
