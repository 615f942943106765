"""The form that describes one job in plain words, the same on every page.

Enters: the choice to start from. Leaves: the choice as it stands, and how its title may have been meant. What was chosen is
remembered for the session under the form's name, so that leaving a page loses nothing.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final

import streamlit as st

from mlpaygrade.app import address
from mlpaygrade.app.choice import Choice
from mlpaygrade.app.serving import predictor
from mlpaygrade.forecast.predictor import Estimate
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LABELS, REMOTE, SIZE

FIRST_MENU_YEAR: Final = 2020
SUGGESTED: Final = 4
_CHOICES: Final = "form.choices"
_STARTS: Final = "form.starts"
_GENERATIONS: Final = "form.generations"


def remembered(name: str) -> Choice | None:
    """What the form of that name held when it was last drawn in this session."""
    choices: dict[str, Choice] = st.session_state.setdefault(_CHOICES, {})
    return choices.get(name)


def standing(name: str) -> Choice | None:
    """What the form is to show again; None where it starts from the address: at first, and where that was changed by hand."""
    before = remembered(name)
    if before is None or not address.changed_by_hand():
        return before
    keys = {_key(name, field.name): getattr(before, field.name) for field in fields(Choice)}
    if any(st.session_state.get(key, value) != value for key, value in keys.items()):
        return before
    for key in [key for key in st.session_state if str(key).startswith(f"{name}.")]:
        del st.session_state[key]
    _renew(name, None)
    return None


def _renew(name: str, choice: Choice | None) -> None:
    """Let the form start afresh, with new widgets: one that is given another value can be overtaken by an older run."""
    st.session_state[_GENERATIONS] = {**_generations(), name: _generations().get(name, 0) + 1}
    starts: dict[str, Choice] = st.session_state.setdefault(_STARTS, {})
    if choice is None:
        starts.pop(name, None)
    else:
        starts[name] = choice


def _generations() -> dict[str, int]:
    found: dict[str, int] = st.session_state.get(_GENERATIONS, {})
    return found


def _key(name: str, field: str) -> str:
    generation = _generations().get(name, 0)
    return f"{name}.{field}.{generation}" if generation else f"{name}.{field}"


def job_form(name: str, *, start: Choice) -> Choice:
    """Draw the form and return what is chosen in it. start: what it shows when it is drawn first."""
    start = st.session_state.setdefault(_STARTS, {}).setdefault(name, start)
    title = _title_field(name, start.title)
    level = _one_of(name, EXPERIENCE, "Experience level", field="level", start=start, help_text=_LEVEL_HELP)
    country = _menu(name, "Company's country", _countries(), field="country", start=start, words=_country_name)
    remote = _one_of(name, REMOTE, "Where the work is done", field="remote", start=start)
    with st.expander("More about the job", expanded=False):
        size = _menu(
            name, "Company size", list(LABELS[SIZE]), field="size", start=start, words=LABELS[SIZE].__getitem__
        )
        contract = _menu(
            name,
            "Contract",
            list(LABELS[EMPLOYMENT]),
            field="contract",
            start=start,
            words=LABELS[EMPLOYMENT].__getitem__,
        )
        home = _menu(name, "Employee lives in", ["", *_countries()], field="home", start=start, words=_home_name)
        newest = predictor().bundle.encoder.newest_year
        years = list(dict.fromkeys([0, *range(newest - 1, FIRST_MENU_YEAR - 1, -1), start.year]))
        year = _menu(
            name,
            "Pay level of",
            years,
            field="year",
            start=start,
            words=lambda y: f"{newest}, the newest" if y == 0 else str(y),
        )
    choice = Choice(
        title=title, level=level, country=country, home=home, remote=remote, size=size, contract=contract, year=year
    )
    st.session_state.setdefault(_CHOICES, {})[name] = choice
    return choice


def _title_field(name: str, start: str) -> str:
    key = _key(name, "title")
    text = st.text_input(
        "Job title",
        value=start,
        key=key,
        max_chars=taxonomy.MAX_TEXT,
        live="200ms",
        placeholder="for example Data Engineer, or MLE",
        help="As in a posting. Abbreviations and slips of the keyboard are understood, and how a title was read is always said.",
        persist_state="session",
    )
    known = predictor().known_titles
    if text not in known:
        near = taxonomy.suggest_titles(text or "", known=known, limit=SUGGESTED)
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
    _renew(name, replace(choice, year=0) if choice.year >= newest else choice)


def _take_suggestion(name: str) -> None:
    chosen = st.session_state.get(f"{name}.title.near")
    before = remembered(name)
    if chosen and before is not None:
        _renew(name, replace(before, title=chosen))


def _one_of(name: str, column: str, label: str, *, field: str, start: Choice, help_text: str | None = None) -> Any:
    labels = LABELS[column]
    return st.segmented_control(
        label,
        list(labels),
        default=getattr(start, field),
        format_func=lambda code: labels[code],
        key=_key(name, field),
        required=True,
        help=help_text,
        width="stretch",
        wrap=True,
        persist_state="session",
    )


def _menu(name: str, label: str, options: list[Any], *, field: str, start: Choice, words: Callable[[Any], str]) -> Any:
    return st.selectbox(
        label,
        options,
        index=options.index(getattr(start, field)),
        format_func=words,
        key=_key(name, field),
        persist_state="session",
    )


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
