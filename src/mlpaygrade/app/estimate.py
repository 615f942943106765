"""The page of a person who asks what a job pays, and whether an offer is a good one.

Jobs can be saved in this browser, by name and address; the server keeps none. The browser's script (`saved.js`) keeps, lists,
opens and removes; opening one asks for its address, as every link does.
"""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mlpaygrade.app import answer, serving
from mlpaygrade.app.form import (
    answered,
    first_job,
    job_form,
    job_parameters,
    linked_offer,
    offer_field,
    pay_parameters,
    read_parameters,
    standing,
    start_terms,
    terms_form,
)
from mlpaygrade.app.serving import download, explanation, literal, predictor, show_error
from mlpaygrade.errors import InputError
from mlpaygrade.explain.scenarios import ladder, what_if
from mlpaygrade.explain.verdict import reasons, verdict
from mlpaygrade.forecast.answer import Answer, place_of
from mlpaygrade.job.fields import Job
from mlpaygrade.job.places import country
from mlpaygrade.money.place import PlaceFactor
from mlpaygrade.money.terms import PayTerms

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


NAME = "mlpaygrade.saved"


@cache
def _component() -> "ComponentRenderer":
    """The script with its style, registered once."""
    script, style = (Path(__file__).with_name(f"saved.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(NAME, html='<div class="saved"></div>', css=style, js=script)


def saved_jobs(*, suggested: str) -> None:
    """Draw the list, and a field to save what the page shows. suggested: a name for it."""
    with st.expander("Saved jobs on this device"):
        _component()(key="saved", data={"suggested": suggested})


FORM = "estimate"
TODAY = "estimate.today"
_TODAY = (
    "A scenario: the figures stand at the date of their newest advert; this carries them on by the growth of pay in adverts of "
    "all occupations in the country. Pay in adverts of data jobs hardly moved in 2024 and 2025."
)
WHAT = "MLPayGrade says what employers advertise for jobs with data and AI, worked out from public job adverts of many countries."
PLACES = "US"
"""The country whose towns and states have a factor."""


def page() -> None:
    """Draw the page."""
    st.title("What does a job pay?", anchor=False)
    st.write(WHAT)
    left, right = st.columns([2, 3], gap="large")
    with left:
        job = job_form(FORM, start=_start())
        place = _place(job)
        terms = terms_form(job.location)
        offer = offer_field(f"{FORM}.offer", job.location, terms)
        today = st.toggle("Age pay to today", key=TODAY, persist_state="session", help=_TODAY)
        saved_jobs(suggested=", ".join(filter(None, [job.title.strip(), country(job.location).name])))
        glance = st.container(key="glance")
    more = {"place": st.session_state.get(f"{FORM}.place"), "today": "yes" if today else None}
    said = {name: text for name, text in more.items() if text}
    serving.keep(FORM, job_parameters(job) | pay_parameters(terms, offer) | said)
    with right:
        before = answered(FORM, job, terms)
        if before is not None:
            whole = _aged(before) if today else before
            estimate = whole if place is None else whole.at_place(place)
            glance.html(answer.at_a_glance(estimate, terms))
            _answer(estimate, before, terms, offer.usd)


def _start() -> Job:
    """What the form shows first: what it held before, else what the address says. Problems of the address are told once."""
    if (before := standing(FORM)) is not None:
        return before
    parameters = serving.parameters(FORM, first=True)
    found = read_parameters(parameters, default=first_job(predictor()))
    serving.remark([*found.problems, *start_terms(parameters, country=found.job.location)])
    if "offer" in parameters:
        st.session_state.setdefault(f"{FORM}.offer", linked_offer(parameters, "offer"))
    st.session_state.setdefault(TODAY, parameters.get("today") == "yes")
    if "place" in parameters:
        st.session_state.setdefault(f"{FORM}.place", parameters["place"][:100])
    return found.job


def _place(job: Job) -> PlaceFactor | None:
    """The town or state within the United States, where one is named."""
    if job.location != PLACES:
        return None
    text = st.text_input(
        "City or state (optional)",
        key=f"{FORM}.place",
        max_chars=100,
        placeholder="for example San Francisco, or Texas",
        persist_state="session",
    )
    if not text or not text.strip():
        return None
    try:
        return place_of(job, text)
    except InputError as error:
        show_error(error)
        return None


def _answer(estimate: Answer, country: Answer, terms: PayTerms, offer_usd: float | None) -> None:
    """The answer, and behind it that of the country, as it is without place and ageing."""
    st.html(answer.heading(estimate) + answer.warnings(estimate) + answer.figures(estimate, terms))
    if offer_usd is not None:
        _verdict(estimate, terms, offer_usd)
    st.html(answer.other_levels(ladder(predictor(), country.job), estimate, terms))
    st.html(answer.ranges(estimate, terms, offer_usd=offer_usd) + answer.notes(estimate))
    _more(estimate, country, terms, offer_usd)


def _aged(country: Answer) -> Answer:
    """The answer carried to this month; as it is, with a message, where growth is not known for its country."""
    try:
        return country.aged_to(f"{datetime.now(UTC):%Y-%m}")
    except InputError as error:
        show_error(error)
        return country


def _verdict(estimate: Answer, terms: PayTerms, offer_usd: float) -> None:
    said = verdict(estimate, offer_usd).sentences(terms)
    st.subheader("Your offer", anchor=False)
    st.write(literal(" ".join(said)))
    if letter := reasons(estimate, terms):
        with st.expander("Words to copy into a letter"):
            st.code(letter, language=None, wrap_lines=True)


def _more(estimate: Answer, country: Answer, terms: PayTerms, offer_usd: float | None) -> None:
    """What stands closed until it is opened: why, the adverts, the method, a page to keep."""
    cells = predictor().bundle.evidence.matching(estimate.job.fields())
    explained = explanation(country)
    if explained is not None:
        with st.expander("Why this figure"):
            st.html(answer.contributions(explained, estimate, terms))
            if country.job.location != PLACES:
                at_home = what_if(predictor(), country.job, location=PLACES, residence=PLACES)
                st.html(answer.beside_the_us(country, at_home, terms))
    with st.expander("The adverts behind it"):
        st.html(answer.evidence_table(cells, terms))
    with st.expander("Method, and what it does not know"):
        st.html(answer.method(estimate, terms))
        _limits(estimate)
    download(
        "Download this page to keep",
        lambda: answer.document(
            estimate,
            cells,
            made=datetime.now(UTC),
            terms=terms,
            explanation=explained,
            offer_usd=offer_usd,
        ).encode(),
        "estimate.html",
    )


def _limits(estimate: Answer) -> None:
    st.markdown(
        f"- The model is version {literal(str(estimate.model['version']))}: a neural network trained on adverts up to "
        f"{literal(estimate.newest_advert)}.\n"
        "- It knows the title, level, countries, company size, place of work, contract and year. It knows nothing of skills, "
        "the employer, equity, bonuses or negotiation, and these move pay within the range.\n"
        "- Most adverts are from the United States and of full-time work.\n"
        "- Figures are what employers who publish pay advertise, not what people earn. Do not set one person's pay by them."
    )
