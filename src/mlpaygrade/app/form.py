"""The form that describes one job in plain words, the same on every page.

Enters: the choice to start from. Leaves: the choice as it stands, and how its title may have been meant. What was chosen is
remembered for the session under the form's name, so that leaving a page loses nothing.
"""

from dataclasses import fields
from typing import Any, Final

import streamlit as st

from mlpaygrade.app import address
from mlpaygrade.app.choice import Choice
from mlpaygrade.app.serving import predictor
from mlpaygrade.data import taxonomy
from mlpaygrade.predictor import Estimate
from mlpaygrade.schema import EMPLOYMENT, EXPERIENCE, LABELS, REMOTE, SIZE

FIRST_MENU_YEAR: Final = 2020
SUGGESTED: Final = 4
_CHOICES: Final = "choices"


def remembered(name: str) -> Choice | None:
    """What the form of that name held when it was last drawn in this session."""
    choices: dict[str, Choice] = st.session_state.setdefault(_CHOICES, {})
    return choices.get(name)


def standing(name: str) -> Choice | None:
    """What the form is to show again; None where it starts from the address: at first, and where that was changed by hand."""
    before = remembered(name)
    if before is None or not address.changed_by_hand():
        return before
    keys = {f"{name}.{field.name}": getattr(before, field.name) for field in fields(Choice)}
    if any(st.session_state.get(key, value) != value for key, value in keys.items()):
        return before
    for key in [key for key in st.session_state if str(key).startswith(f"{name}.")]:
        del st.session_state[key]
    return None


def job_form(name: str, *, start: Choice) -> Choice:
    """Draw the form and return what is chosen in it."""
    for field in fields(Choice):
        st.session_state.setdefault(f"{name}.{field.name}", getattr(start, field.name))
    title = _title_field(name)
    level = _one_of(EXPERIENCE, "Experience level", key=f"{name}.level", help_text=_LEVEL_HELP)
    country = st.selectbox(
        "Company's country", _countries(), format_func=_country_name, key=f"{name}.country", filter_mode="fuzzy"
    )
    remote = _one_of(REMOTE, "Where the work is done", key=f"{name}.remote")
    with st.expander("More about the job", expanded=False):
        size = _menu(SIZE, "Company size", key=f"{name}.size")
        contract = _menu(EMPLOYMENT, "Contract", key=f"{name}.contract")
        home = st.selectbox("Employee lives in", ["", *_countries()], format_func=_home_name, key=f"{name}.home")
        newest = predictor().bundle.encoder.newest_year
        years = [0, *range(newest - 1, FIRST_MENU_YEAR - 1, -1)]
        if st.session_state[f"{name}.year"] not in years:
            years.append(st.session_state[f"{name}.year"])
        year = st.selectbox(
            "Pay level of",
            years,
            format_func=lambda y: f"{newest}, the newest" if y == 0 else str(y),
            key=f"{name}.year",
        )
    choice = Choice(
        title=title,
        level=level,
        country=country,
        home=home or "",
        remote=remote,
        size=size,
        contract=contract,
        year=year,
    )
    st.session_state.setdefault(_CHOICES, {})[name] = choice
    return choice


def _title_field(name: str) -> str:
    key = f"{name}.title"
    text = st.text_input(
        "Job title",
        key=key,
        max_chars=taxonomy.MAX_TEXT,
        live="200ms",
        placeholder="for example Data Engineer, or MLE",
        help="As in a posting. Abbreviations and slips of the keyboard are understood, and how a title was read is always said.",
    )
    known = predictor().known_titles
    if text not in known:
        near = taxonomy.suggest_titles(text or "", known=known, limit=SUGGESTED)
        if near:
            st.pills(
                "Known titles like it" if text and text.strip() else "Common titles",
                near,
                key=f"{key}.near",
                on_change=_take_suggestion,
                args=(key,),
                wrap=True,
            )
    return text or ""


def offer_nearest(name: str, estimate: Estimate) -> None:
    """A button that puts the nearest job that can be answered into the form; nothing where there is none."""
    if estimate.nearest is not None:
        choice = Choice.of(estimate.nearest)
        st.button(
            "Take the nearest job",
            key=f"{name}.nearest",
            icon=":material/near_me:",
            on_click=_take,
            args=(name, choice),
        )


def _take(name: str, choice: Choice) -> None:
    newest = predictor().bundle.encoder.newest_year
    for field in fields(Choice):
        value = getattr(choice, field.name)
        st.session_state[f"{name}.{field.name}"] = 0 if field.name == "year" and value >= newest else value


def _take_suggestion(key: str) -> None:
    chosen = st.session_state.get(f"{key}.near")
    if chosen:
        st.session_state[key] = chosen


def _one_of(column: str, label: str, *, key: str, help_text: str | None = None) -> Any:
    labels = LABELS[column]
    return st.segmented_control(
        label,
        list(labels),
        format_func=lambda code: labels[code],
        key=key,
        required=True,
        help=help_text,
        width="stretch",
    )


def _menu(column: str, label: str, *, key: str) -> Any:
    labels = LABELS[column]
    return st.selectbox(label, list(labels), format_func=lambda code: labels[code], key=key)


def _country_name(code: str) -> str:
    return taxonomy.country(code).name


def _home_name(code: str) -> str:
    return _country_name(code) if code else "the company's country"


@st.cache_data(show_spinner=False)
def _countries() -> list[str]:
    return sorted(taxonomy.country_codes(), key=_country_name)


_LEVEL_HELP: Final = (
    "Entry level: first job or junior. Mid level: works alone on known tasks. Senior: expert, leads work. "
    "Executive: director and above."
)
