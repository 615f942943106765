"""The form that describes one job in plain words, in whose money a page speaks, the reader's own pay, and all of it in a link.

What was chosen is remembered for the session under the form's name, so that leaving a page loses nothing. Whatever in a link
cannot be used gives a message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import streamlit as st

from mlpaygrade.app import answer, serving
from mlpaygrade.app.serving import literal, predictor, show_error
from mlpaygrade.errors import InputError, MLPayGradeError
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import (
    BY_COLUMN,
    BY_NAME,
    EXPERIENCE,
    FIELDS,
    LEVELS_AND_YEARS,
    LOCATION,
    RESIDENCE,
    TITLE,
    Experience,
    Field,
    Job,
    job_of,
)
from mlpaygrade.job.known_titles import suggest_titles
from mlpaygrade.job.lookup import MAX_TEXT
from mlpaygrade.job.places import country, country_codes
from mlpaygrade.job.reading import read_title
from mlpaygrade.job.values import read_value
from mlpaygrade.money.currency import DOLLAR, Period, Salaries, currency_of, rated_currencies, usual_salaries
from mlpaygrade.money.pay import read_pay
from mlpaygrade.money.terms import PayTerms, pay_terms

_SEPARATOR: Final = "|"
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FromAddress:
    """What a link asks for, and what in it could not be used."""

    job: Job
    problems: tuple[str, ...] = ()


def first_job(predictor: Predictor, **given: object) -> Job:
    """The job that a form shows first, with the given values in place of the registry's."""
    values = {field.name: given.get(field.name, field.start) for field in FIELDS}
    values["residence"] = given.get("residence", values["location"])
    values["year"] = given.get("year", predictor.bundle.encoder.newest_year)
    return job_of({BY_NAME[name].column: value for name, value in values.items()})


def job_parameters(job: Job) -> dict[str, str]:
    """A job as parameters of a link, all of it said, so that a link means the same tomorrow."""
    return {field.name: str(getattr(job, field.name)) for field in FIELDS}


def packed(job: Job) -> str:
    """A job as one parameter."""
    return _SEPARATOR.join(job_parameters(job).values())


def read_parameters(parameters: Mapping[str, str], *, default: Job) -> FromAddress:
    """A job from the parameters of a link; what is missing stays as in `default`, what is wrong is told."""
    values: dict[str, object] = {**default.fields()}
    problems = []
    for field in FIELDS:
        text = next((parameters[name] for name in _named(field.column) if parameters.get(name)), None)
        if text is None or (field.kind == "year" and text == "0"):
            continue
        reading = read_value(field.column, text)
        if reading.defect is not None:
            defect = reading.defect
            problems.append(
                f'The {field.label} in this link {defect.rule}; got "{text[:_SHOWN]}". What was there before is shown.'
            )
            continue
        values[field.column] = reading.value
        if field.column == LOCATION:
            values[RESIDENCE] = reading.value
    if "title" in parameters and not any(name in parameters for name in _named(EXPERIENCE)):
        values[EXPERIENCE] = title_level(str(values[TITLE])) or values[EXPERIENCE]
    return FromAddress(job=job_of(values), problems=tuple(problems))


def title_level(title: str) -> Experience | None:
    """The level that a title says, None where it says none or is no title."""
    try:
        return read_title(title).level
    except InputError:
        return None


def _named(column: str) -> tuple[str, ...]:
    field = BY_COLUMN[column]
    return (field.name, *field.also)


def read_packed(text: str, *, default: Job) -> FromAddress:
    """A job from one parameter, as `packed` writes it."""
    parts = text.rsplit(_SEPARATOR, len(FIELDS) - 1)
    if len(parts) != len(FIELDS):
        rule = f'A job in this link has {len(FIELDS)} parts separated by "|"'
        problem = f'{rule}; got {len(parts)} in "{text[:60]}". The default is shown.'
        return FromAddress(job=default, problems=(problem,))
    return read_parameters(dict(zip(BY_NAME, parts, strict=True)), default=default)


FIRST_MENU_YEAR: Final = 2020
SUGGESTED: Final = 4


@dataclass(slots=True)
class _State:
    """A form in this session. job: what it held when it was last drawn. start: what it shows when it is drawn first.

    generation: of its widgets.
    """

    job: Job | None = None
    start: Job | None = None
    generation: int = 0


def _state(name: str) -> _State:
    states: dict[str, _State] = st.session_state.setdefault("form.states", {})
    return states.setdefault(name, _State())


def remembered(name: str) -> Job | None:
    """What the form of that name held when it was last drawn in this session."""
    return _state(name).job


def standing(name: str) -> Job | None:
    """What the form is to show again; None where it starts from the address: at first, and where that was changed by hand."""
    before = remembered(name)
    if before is None or not serving.changed_by_hand():
        return before
    keys = {_key(name, field.name): _shown(field, before) for field in FIELDS}
    if any(st.session_state.get(key, value) != value for key, value in keys.items()):
        return before
    for key in [key for key in st.session_state if str(key).startswith(f"{name}.")]:
        del st.session_state[key]
    _renew(name, None)
    return None


def _renew(name: str, job: Job | None) -> None:
    """Let the form start afresh, with new widgets: one that is given another value can be overtaken by an older run."""
    state = _state(name)
    state.generation += 1
    state.start = job


def _key(name: str, field: str) -> str:
    generation = _state(name).generation
    return f"{name}.{field}.{generation}" if generation else f"{name}.{field}"


def job_form(name: str, *, start: Job) -> Job:
    """Draw the form and return the job that is chosen in it, its title as typed. start: what it shows when it is drawn first."""
    state = _state(name)
    state.start = start = state.start or start
    chosen = {field.name: _widget(name, field, start) for field in FIELDS if field.first}
    with st.expander("More about the job", expanded=False):
        chosen |= {field.name: _widget(name, field, start) for field in FIELDS if not field.first}
    state.job = Job(**{**chosen, "residence": chosen["residence"] or chosen["location"]})
    return state.job


def _widget(name: str, field: Field, start: Job) -> Any:
    """The field's widget by its kind; returns what is chosen."""
    if field.kind == "title":
        return _title_field(name, start.title)
    if field.column == EXPERIENCE:
        return _level(name, field, start)
    if field.labels and field.first:
        return _one_of(name, field, start)
    options, words = _options(field, start)
    return _menu(name, field, options, start, words=words)


def _options(field: Field, start: Job) -> tuple[list[Any], Callable[[Any], str]]:
    """What a menu offers, and each choice in words."""
    if field.labels:
        return list(field.labels), field.labels.__getitem__
    if field.kind == "year":
        newest = predictor().bundle.encoder.newest_year
        years = sorted({*range(FIRST_MENU_YEAR, newest + 1), start.year}, reverse=True)
        return years, lambda year: f"{year}, the newest" if year == newest else str(year)
    if field.column == RESIDENCE:
        return ["", *_countries()], lambda code: _country_name(code) if code else "the company's country"
    return _countries(), _country_name


def _title_field(name: str, start: str) -> str:
    key = _key(name, "title")
    text = st.text_input(
        "Job title",
        value=start,
        key=key,
        max_chars=MAX_TEXT,
        live="200ms",
        placeholder="for example Data Engineer, or MLE",
        help="As in a posting. Abbreviations and slips of the keyboard are understood, and how a title was read is always said.",
        persist_state="session",
    )
    known = predictor().known_titles
    if text not in known:
        near = suggest_titles(text or "", known=known, limit=SUGGESTED)
        if near:
            st.pills(
                "Known titles like it" if text and text.strip() else "Common titles",
                near,
                key=f"{name}.title.near",
                on_change=_take_suggestion,
                args=(name,),
                wrap=True,
            )
    return text or ""


def answered(name: str, job: Job, terms: PayTerms, *, label: str = "") -> Answer | None:
    """What the job of a form pays; None where there is no figure: then why, what the data hold and the nearest job are shown."""
    about = st.empty()
    try:
        if not job.title.strip():
            raise InputError("Type a job title to see what it pays.")
        estimate = predictor().answer(predictor().read_job(**job.words()))
    except MLPayGradeError as error:
        show_error(error)
    else:
        if estimate.not_enough_data is None:
            return estimate
        st.html(answer.heading(estimate) + answer.warnings(estimate) + answer.refusal(estimate))
        if estimate.nearest is not None:
            st.button(
                "Take the nearest job",
                key=f"{name}.nearest",
                icon=":material/near_me:",
                on_click=_renew,
                args=(name, estimate.nearest),
            )
        st.html(answer.evidence_table(predictor().bundle.evidence.matching(estimate.job.fields()), terms))
    if label:
        about.markdown(f"**{label}**")
    return None


def _take_suggestion(name: str) -> None:
    chosen = st.session_state.get(f"{name}.title.near")
    before = remembered(name)
    if chosen and before is not None:
        _renew(name, replace(before, title=chosen))


def _level(name: str, field: Field, start: Job) -> Any:
    """The level: as the title says when that was changed to one that says it, else as chosen."""
    title = st.session_state.get(_key(name, "title")) or ""
    seen = st.session_state.get(f"{name}.title.seen")
    st.session_state[f"{name}.title.seen"] = title
    says = title_level(title)
    if says is not None and seen is not None and title != seen:
        st.session_state[_key(name, field.name)] = says
    chosen = _one_of(name, field, start)
    st.caption("As the title says." if says is not None and chosen == says else f"{LEVELS_AND_YEARS}.")
    return chosen


def _one_of(name: str, field: Field, start: Job) -> Any:
    return st.segmented_control(
        field.heading,
        list(field.labels),
        default=getattr(start, field.name),
        format_func=field.labels.__getitem__,
        key=_key(name, field.name),
        required=True,
        help=_HELP.get(field.name),
        width="stretch",
        wrap=True,
        persist_state="session",
    )


def _menu(name: str, field: Field, options: list[Any], start: Job, *, words: Callable[[Any], str]) -> Any:
    return st.selectbox(
        field.heading,
        options,
        index=options.index(_shown(field, start)),
        format_func=words,
        key=_key(name, field.name),
        persist_state="session",
    )


def _shown(field: Field, job: Job) -> Any:
    """What the widget of a field shows for a job: for the employee's country "" where it is the company's."""
    return "" if field.name == "residence" and job.residence == job.location else getattr(job, field.name)


def _country_name(code: str) -> str:
    return country(code).name


@st.cache_data(show_spinner=False)
def _countries() -> list[str]:
    return sorted(country_codes(), key=_country_name)


_HELP: Final = {
    "experience": "Entry level: first job or junior. Mid level: works alone on known tasks. Senior: expert, leads work. "
    "Executive: director and above. The data behind the figures hold the level's word and no years, so nothing here was "
    "measured by years; employers differ, and at 4 years both mid and senior are common."
}


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


def pay_parameters(terms: PayTerms, offer: Offer | None = None) -> dict[str, str]:
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
        reading = read_pay(text, country=country, currency=terms.currency, period=terms.period)
    except InputError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return Offer(text=text)
    if reading.question is not None:
        st.pills(
            literal(reading.question),
            reading.options,
            key=f"{key}.meant",
            on_change=_take_meaning,
            args=(key,),
            wrap=True,
        )
        return Offer(text=text)
    st.caption(literal(f"Understood as {reading.understood}."))
    return Offer(text=text, usd=terms.usd_of(reading))


def _take_meaning(key: str) -> None:
    chosen: Any = st.session_state.get(f"{key}.meant")
    if chosen:
        st.session_state[key] = chosen
