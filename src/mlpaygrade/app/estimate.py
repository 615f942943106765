"""The page of a person who asks what a job pays.

Enters: the form, the offer, the address. Leaves: the page; the address says what it shows. Computes nothing itself.
"""

from datetime import UTC, datetime

import streamlit as st

from mlpaygrade.app import address, answer, onepage, why
from mlpaygrade.app.choice import MAX_FIGURE_USD, first_job, parameters_of, read_figure, read_parameters
from mlpaygrade.app.form import job_form, offer_nearest, standing
from mlpaygrade.app.serving import explanation, literal, predictor, show_error
from mlpaygrade.errors import InputError, MLPayGradeError
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.job.fields import Job
from mlpaygrade.rendering.words import dollars

FORM = "estimate"


def page() -> None:
    """Draw the page."""
    st.title("What does a job pay?", anchor=False)
    st.write("Pay of jobs in machine learning, data and AI, as advertised, with how sure that is.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        start = _start()
        job = job_form(FORM, start=start)
        offer = st.number_input(
            "Your pay or offer (optional)",
            min_value=1,
            max_value=MAX_FIGURE_USD,
            step=1_000,
            key=f"{FORM}.offer",
            value=None,
            placeholder="US dollars a year before tax",
            persist_state="session",
        )
    _keep_address(job, offer)
    with right:
        _answer(job, offer)


def _start() -> Job:
    """What the form shows first: what it held before, else what the address says. Problems of the address are told once."""
    if (before := standing(FORM)) is not None:
        return before
    parameters = address.parameters(FORM, first=True)
    found = read_parameters(parameters, default=first_job(predictor()))
    problems = list(found.problems)
    if "offer" in parameters:
        try:
            st.session_state.setdefault(f"{FORM}.offer", read_figure(parameters["offer"]))
        except InputError as error:
            problems.append(str(error))
    address.remark(problems)
    return found.job


def _keep_address(job: Job, offer: int | None) -> None:
    address.keep(FORM, parameters_of(job) | ({"offer": str(offer)} if offer else {}))


def _answer(job: Job, offer: int | None) -> None:
    if not job.title.strip():
        st.info("Type a job title to see what it pays.", icon=":material/edit:")
        return
    try:
        estimate = predictor().answer(predictor().read_job(**job.words()))
    except MLPayGradeError as error:
        show_error(error)
        return
    cells = predictor().bundle.evidence.matching(estimate.job.fields())
    if estimate.not_enough_data is not None:
        st.html(answer.heading(estimate) + answer.refusal(estimate))
        offer_nearest(FORM, estimate)
        st.html(answer.evidence_table(cells))
        return
    st.html(answer.heading(estimate) + answer.notes(estimate) + answer.figures(estimate))
    if offer:
        st.html(
            f'<div class="mp"><p><strong>{dollars(offer)}</strong> {answer.position_words(estimate, offer)}.</p></div>'
        )
    st.html(answer.ranges(estimate, offer_usd=offer))
    st.html(
        f'<div class="mp"><p>{answer.band_ends(estimate)}</p>'
        f"<p>{answer.support_line(estimate.support)} {answer.distance_line(estimate.closest)}</p></div>"
        + answer.spread(estimate)
    )
    explained = explanation(estimate)
    if explained is not None:
        st.header("Why this figure", anchor=False)
        st.html(why.contributions(explained))
    with st.expander("The postings behind it"):
        st.html(answer.evidence_table(cells))
    with st.expander("How good is this, and what does it not know?"):
        _quality(estimate)
    st.download_button(
        "Download this page to keep",
        lambda: onepage.document(
            estimate, cells, made=datetime.now(UTC), explanation=explained, offer_usd=offer
        ).encode(),
        "mlpaygrade-estimate.html",
        "text/html",
        icon=":material/download:",
        on_click="ignore",
    )


def _quality(estimate: Answer) -> None:
    model = estimate.model
    rows = predictor().bundle.evaluation.get("rows", {})
    st.write(literal(answer.quality_line(model)))
    if "median_ae_usd" in rows and "mae_usd" in rows:
        st.write(
            literal(
                f"In that test half of all single figures lay within {dollars(rows['median_ae_usd'])} of the typical pay; "
                f"the mean distance was {dollars(rows['mae_usd'])}."
            )
        )
    st.markdown(
        f"- The model is version {literal(str(model['version']))}: a neural network trained on postings up to "
        f"{model['trained_through']}.\n"
        "- It knows the title, level, countries, company size, place of work, contract and year. It knows nothing of skills, "
        "the employer, the city, equity, bonuses or negotiation, and these move pay within the range.\n"
        "- Most postings are from the United States and of full-time work. Elsewhere the ranges are less reliable.\n"
        "- Figures are what employers advertise, not what people earn. Do not set one person's pay by them."
    )
