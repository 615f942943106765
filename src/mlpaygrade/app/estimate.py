"""The page of a person who asks what a job pays.

Enters: the form, the offer, the address. Leaves: the page; the address says what it shows. Computes nothing itself.
"""

import streamlit as st

from mlpaygrade.app import answer
from mlpaygrade.app.choice import Choice, read_figure, read_parameters
from mlpaygrade.app.form import job_form, remembered
from mlpaygrade.app.serving import literal, predictor, show_error
from mlpaygrade.distribution import TARGETS
from mlpaygrade.predictor import Estimate, percentile
from mlpaygrade.schema import InputError, MLPayGradeError
from mlpaygrade.words import dollars

FORM = "estimate"


def page() -> None:
    """Draw the page."""
    st.title("What does a job pay?", anchor=False)
    st.write("Pay of jobs in machine learning, data and AI, as advertised, with how sure that is.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        start = _start()
        choice = job_form(FORM, start=start)
        offer = st.number_input(
            "Your pay or offer (optional)",
            min_value=1,
            max_value=5_000_000,
            step=1_000,
            key=f"{FORM}.offer",
            value=None,
            placeholder="US dollars a year before tax",
        )
    _keep_address(choice, offer)
    with right:
        _answer(choice, offer)


def _start() -> Choice:
    """What the form shows first: what it held before, else what the address says. Problems of the address are told once."""
    if (before := remembered(FORM)) is not None:
        return before
    parameters = st.query_params.to_dict()
    found = read_parameters(parameters, default=Choice())
    problems = list(found.problems)
    if "offer" in parameters:
        try:
            st.session_state.setdefault(f"{FORM}.offer", read_figure(parameters["offer"]))
        except InputError as error:
            problems.append(str(error))
    for problem in problems:
        st.warning(literal(problem), icon=":material/link_off:")
    return found.choice


def _keep_address(choice: Choice, offer: int | None) -> None:
    wanted = choice.parameters() | ({"offer": str(offer)} if offer else {})
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _answer(choice: Choice, offer: int | None) -> None:
    if not choice.title.strip():
        st.info("Type a job title to see what it pays.", icon=":material/edit:")
        return
    try:
        estimate = predictor().estimate(choice.read(predictor()))
    except MLPayGradeError as error:
        show_error(error)
        return
    if estimate.model["synthetic"]:
        st.warning(
            "This model was trained on synthetic data: its figures say nothing about real pay.",
            icon=":material/science:",
        )
    st.html(answer.heading(estimate) + answer.notes(estimate) + answer.figures(estimate))
    if offer:
        st.html(_offer_line(estimate, offer))
    st.html(answer.ranges(estimate, offer_usd=offer))
    st.html(f'<div class="mp"><p>{answer.support_line(estimate.support)}</p></div>')
    with st.expander("The adverts behind it"):
        st.html(answer.evidence_table(predictor().bundle.evidence.matching(estimate.job.fields())))
    with st.expander("How good is this, and what does it not know?"):
        _quality(estimate)


def _offer_line(estimate: Estimate, offer: int) -> str:
    share = percentile(estimate.log_quantiles[TARGETS.index("any")], offer)
    if share <= 0.01:
        where = "lies below at least 99 of 100 advertised figures"
    elif share >= 0.99:
        where = "lies above at least 99 of 100 advertised figures"
    else:
        where = f"lies above about {round(100 * share)} of 100 advertised figures"
    return f'<div class="mp"><p><strong>{dollars(offer)}</strong> {where} for such a job.</p></div>'


def _quality(estimate: Estimate) -> None:
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
        f"- The model is version {literal(str(model['version']))}: a neural network trained on adverts up to "
        f"{model['trained_through']}.\n"
        "- It knows the title, level, countries, company size, place of work, contract and year. It knows nothing of skills, "
        "the employer, the city, equity, bonuses or negotiation, and these move pay within the range.\n"
        "- Most adverts are from the United States and of full-time work. Elsewhere the ranges are less reliable.\n"
        "- Figures are what employers advertise, not what people earn. Do not set one person's pay by them."
    )
