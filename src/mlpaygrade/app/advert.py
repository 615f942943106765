"""The part of the Benchmark page that builds a range to name in an advert."""

from html import escape

import streamlit as st

from mlpaygrade.app import charts
from mlpaygrade.app.pay import local_currency
from mlpaygrade.app.serving import literal, predictor, show_error
from mlpaygrade.benchmarking.advert_range import NARROWEST, USUAL_WIDTH, WIDEST, advert_range
from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.money.terms import pay_terms


def advert_form() -> None:
    """Title, place and level in; a range, its reasons and its limits out."""
    with st.expander("Build a range for an advert", expanded=False), st.form("benchmark.advert", border=False):
        one, two, three = st.columns(3)
        title = one.text_input("Job title", key="advert.title", max_chars=100, placeholder="Data Engineer")
        where = two.text_input("Country, or US state or town", key="advert.where", max_chars=100, placeholder="Germany")
        level = three.selectbox(
            "Level", list(LABELS[EXPERIENCE]), format_func=_level_words, index=2, key="advert.level"
        )
        widest = st.slider(
            "High end at most so many times the low end", NARROWEST, WIDEST, USUAL_WIDTH, 0.05, key="advert.widest"
        )
        asked = st.form_submit_button("Build the range")
        if asked and title and where:
            try:
                _show(title, where, str(level), widest)
            except MLPayGradeError as error:
                show_error(error)


def _show(title: str, where: str, level: str, widest: float) -> None:
    read = predictor().read_job(title=title, location=where, experience=level)
    answer = predictor().answer(read)
    found = advert_range(answer, widest=widest, terms=pay_terms(local_currency(read.job.location)))
    st.html(f'<p class="large"><strong>{escape(found.text)}</strong></p>' + charts.notes_list([*found.reasons]))
    st.caption(literal(" ".join(found.limits)))


def _level_words(code: str | int) -> str:
    return LABELS[EXPERIENCE][code]
