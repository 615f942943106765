"""In whose money a page speaks, and the reader's own pay: the widgets, and their parameters in a link."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import streamlit as st

from mlpaygrade.app.serving import literal
from mlpaygrade.errors import InputError
from mlpaygrade.money.currency import DOLLAR, Period, Salaries, currency_of, rated_currencies, usual_salaries
from mlpaygrade.money.pay import PayReading, read_pay
from mlpaygrade.money.terms import PayTerms, pay_terms

PERIODS: Final[Mapping[Period, str]] = {"year": "Year", "month": "Month", "hour": "Hour"}
LONGEST: Final = 60
_CHOSEN: Final = "pay.currency"
_PERIOD: Final = "pay.period"
_SALARIES: Final = "pay.salaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The reader's pay as understood. text: as typed. usd: a year, None where nothing usable was typed."""

    text: str = ""
    usd: float | None = None


def local_currency(country: str) -> str:
    """The currency of a country where the bank quotes it, else dollars."""
    try:
        code = currency_of(country)
    except InputError:
        return DOLLAR
    return code if code in rated_currencies() else DOLLAR


def terms_form(country: str) -> PayTerms:
    """Currency and period, the same on every page. The country's currency until the reader chooses another."""
    local = local_currency(country)
    chosen = st.session_state.get(_CHOSEN)
    first = list(dict.fromkeys([local, DOLLAR, "EUR", "GBP"]))
    codes = [*first, *(code for code in rated_currencies() if code not in first)]
    left, right = st.columns(2)
    with left:
        currency = st.selectbox(
            "Currency",
            codes,
            index=codes.index(chosen) if chosen in codes else 0,
            key=f"pay.currency.{local}.{chosen}",
            on_change=_choose,
            args=(f"pay.currency.{local}.{chosen}",),
        )
    with right:
        period = st.segmented_control(
            "Pay for a",
            list(PERIODS),
            default=st.session_state.get(_PERIOD, "year"),
            format_func=PERIODS.__getitem__,
            required=True,
            key="pay.period.widget",
            width="stretch",
        )
    st.session_state[_PERIOD] = period
    salaries: Salaries = 12
    if period == "month" and len(usual_salaries(country).counts) > 1:
        salaries = cast(
            Salaries,
            st.segmented_control(
                "Salaries a year",
                [12, 13, 14],
                default=st.session_state.get(_SALARIES, 12),
                required=True,
                key="pay.salaries.widget",
                help=usual_salaries(country).why,
            ),
        )
        st.session_state[_SALARIES] = salaries
    return pay_terms(currency, cast(Period, period), salaries)


def _choose(key: str) -> None:
    st.session_state[_CHOSEN] = st.session_state[key]


def start_terms(parameters: Mapping[str, str], *, country: str) -> list[str]:
    """Take the terms from a link, once; returns what in it could not be used.

    The currency of the link's own country is no choice: it gives way to another country's.
    """
    problems = []
    if (currency := parameters.get("currency", "").upper()) and _CHOSEN not in st.session_state:
        if currency == local_currency(country):
            pass
        elif currency in rated_currencies():
            st.session_state[_CHOSEN] = currency
        else:
            problems.append(f'The currency in this link must be one with a rate, such as USD; got "{currency[:20]}".')
    if (period := parameters.get("period")) and _PERIOD not in st.session_state:
        if period in PERIODS:
            st.session_state[_PERIOD] = period
        else:
            problems.append(f'The period in this link must be year, month or hour; got "{period[:20]}".')
    return problems


def parameters_of(terms: PayTerms, offer: Offer | None = None) -> dict[str, str]:
    """Terms and offer as parameters of a link."""
    said = {"currency": terms.currency, "period": terms.period}
    return said | ({"offer": offer.text} if offer and offer.text else {})


def linked_offer(parameters: Mapping[str, str], name: str) -> str:
    """The text of an offer in a link. Bare digits in a link that names no currency are dollars a year, as they were before."""
    text = parameters[name][:LONGEST]
    return f"USD {text} a year" if text.isascii() and text.isdigit() and "currency" not in parameters else text


def offer_field(key: str, country: str, terms: PayTerms, *, label: str = "Your pay or offer (optional)") -> Offer:
    """The reader's pay, read as people type it; what was understood is shown, what is ambiguous is asked."""
    text = (
        st.text_input(
            label,
            key=key,
            max_chars=LONGEST,
            placeholder="72.000, 72k, 6.000/month, 85 an hour, 70-80k",
            persist_state="session",
        )
        or ""
    ).strip()
    if not text:
        return Offer()
    try:
        reading = read_offer(text, country, terms)
    except InputError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return Offer(text=text)
    if reading.question is not None:
        st.pills(
            literal(reading.question), reading.options, key=f"{key}.meant", on_change=_take, args=(key,), wrap=True
        )
        return Offer(text=text)
    st.caption(literal(f"Understood as {reading.understood}."))
    return Offer(text=text, usd=terms.usd_of(reading))


def read_offer(text: str, country: str, terms: PayTerms) -> PayReading:
    """Read pay in the page's terms; words in the text count more. Raises InputError."""
    return read_pay(text, country=country, currency=terms.currency, period=terms.period)


def _take(key: str) -> None:
    chosen: Any = st.session_state.get(f"{key}.meant")
    if chosen:
        st.session_state[key] = chosen
