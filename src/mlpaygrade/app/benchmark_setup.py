"""Parts of the Benchmark page: which column is what, what own words mean, and a range to name in an advert.

Everything stays in this session's memory; the mapping can be kept as a small file, which holds no pay and no rows.
"""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Final

import streamlit as st

from mlpaygrade.app.form import local_currency
from mlpaygrade.app.serving import download, literal, predictor, show_error
from mlpaygrade.benchmarking.appraisal import NARROWEST, USUAL_WIDTH, WIDEST, advert_range
from mlpaygrade.benchmarking.mapping import NOT_USED, Question, SheetMapping, answered, mapping_text, read_mapping
from mlpaygrade.benchmarking.proposal import SURE
from mlpaygrade.benchmarking.sheet import Sheet, Upload, headers
from mlpaygrade.errors import DataError, MLPayGradeError
from mlpaygrade.job.fields import EXPERIENCE, LABELS
from mlpaygrade.money.terms import pay_terms
from mlpaygrade.rendering import markup
from mlpaygrade.rendering.words import counted

NONE: Final = "not used"
_MAPPING: Final = "benchmark.mapping"


def remembered(digest: str) -> SheetMapping:
    """What was settled for these bytes in this session; nothing at first."""
    kept = st.session_state.get(_MAPPING)
    return kept[1] if kept is not None and kept[0] == digest else SheetMapping()


def remember(digest: str, mapping: SheetMapping) -> None:
    """Keep what was settled, for this session."""
    st.session_state[_MAPPING] = (digest, mapping)


def columns_form(upload: Upload, digest: str) -> SheetMapping:
    """The table of columns, and a mapping file to bring or to take; returns the mapping as it stands."""
    mapping = remembered(digest)
    used = {**upload.mapping().columns, **mapping.columns}
    of_column = {column: name for name, column in used.items() if column}
    sure = all(p.sure for p in upload.proposals if p.field) or bool(mapping.columns)
    with st.expander(
        f"Columns: {len(of_column)} of {counted(len(upload.proposals), 'column')} used", expanded=not sure
    ):
        st.write("Check what each column is taken for. Change it in the table where it is wrong.")
        names = headers()
        lines = [
            {
                "Your column": proposal.column,
                "First cells": " | ".join(cell[:30] for cell in proposal.sample),
                "Read as": names.get(of_column.get(proposal.column, ""), NONE),
                "How sure": _sure_words(
                    proposal.confidence, changed=of_column.get(proposal.column, "") != proposal.field
                ),
            }
            for proposal in upload.proposals
        ]
        edited = st.data_editor(
            lines,
            key=f"benchmark.columns.{digest[:12]}",
            disabled=["Your column", "First cells", "How sure"],
            column_config={
                "Read as": st.column_config.SelectboxColumn(options=[NONE, *_choices(names)], required=True)
            },
            hide_index=True,
            width="stretch",
        )
        chosen = {str(line["Your column"]): str(line["Read as"]) for line in edited}
        mapping = _with_columns(mapping, upload, chosen, names)
        _mapping_files(replace(mapping, columns={**upload.mapping().columns, **mapping.columns}), digest)
    return mapping


def questions_form(sheet: Sheet, mapping: SheetMapping, digest: str) -> bool:
    """What must be asked, with proposals; True where something is open that should be answered first."""
    if not sheet.questions:
        return False
    st.subheader(f"{counted(len(sheet.questions), 'question')} before the figures", anchor=False)
    with st.form("benchmark.questions", border=True):
        for question in sheet.questions:
            mapping = _ask(question, mapping)
        if st.form_submit_button("Use these answers", type="primary"):
            remember(digest, mapping)
            st.rerun()
    return True


def _ask(question: Question, mapping: SheetMapping) -> SheetMapping:
    key = f"benchmark.ask.{question.kind}.{question.field}"
    if question.kind != "values":
        options = list(question.options)
        index = options.index(question.proposed) if question.proposed in options else None
        answer = st.selectbox(
            _label(f"{question.text} ({counted(question.rows, 'row')})"),
            options,
            index=index,
            format_func=lambda code: question.options[code] if question.kind != "hours" else f"{code} hours a week",
            key=key,
            placeholder="Choose",
        )
        return mapping if answer is None else answered(mapping, question, answer)
    st.write(literal(question.text))
    labels = list(dict.fromkeys(question.options.values()))
    edited = st.data_editor(
        [
            {"Your word": word.text, "Rows": word.rows, "Means": question.options[word.proposed or NOT_USED]}
            for word in question.words
        ],
        key=key,
        disabled=["Your word", "Rows"],
        column_config={"Means": st.column_config.SelectboxColumn(options=labels, required=True)},
        hide_index=True,
    )
    of_label = {label: code for code, label in question.options.items()}
    for line in edited:
        mapping = mapping.with_value(question.field, str(line["Your word"]), of_label[str(line["Means"])])
    return mapping


def _label(text: str) -> str:
    """A text as the label of a widget, without what Markdown would read as markup: a screen reader would say the escapes."""
    return "".join(" " if char in "\\`*_[]<>#|$~:" else char for char in text)


def _with_columns(
    mapping: SheetMapping, upload: Upload, chosen: Mapping[str, str], names: Mapping[str, str]
) -> SheetMapping:
    """The mapping with the columns of the table; untouched proposals stay proposals, so that what is not sure is asked."""
    of_name = {label: field for field, label in names.items() if field in _fields(names)}
    wanted = {of_name[label]: column for column, label in chosen.items() if label in of_name}
    proposed = upload.mapping().columns
    repeated = [label for label in set(chosen.values()) - {NONE} if list(chosen.values()).count(label) > 1]
    if repeated:
        st.error(literal(f"Only one column can be {repeated[0]}. Set the others to '{NONE}'."), icon=":material/error:")
        return mapping
    changes = {field: column for field, column in wanted.items() if proposed.get(field) != column}
    changes |= {field: NOT_USED for field in proposed if field not in wanted}
    kept = {field: column for field, column in mapping.columns.items() if wanted.get(field, NOT_USED) == column}
    return replace(mapping, columns={**kept, **changes})


def _fields(names: Mapping[str, str]) -> list[str]:
    """Fields that a column can be; those of amounts under another name are left out."""
    return [field for field in names if field != "pay_usd"]


def _choices(names: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(names[field] for field in _fields(names)))


def _sure_words(confidence: float, *, changed: bool) -> str:
    if changed:
        return "your choice"
    if not confidence:
        return ""
    word = "certain" if confidence >= 0.9 else "likely" if confidence >= SURE else "a guess"
    return f"{word} ({confidence:.0%})"


def _mapping_files(mapping: SheetMapping, digest: str) -> None:
    left, right = st.columns(2)
    download("Keep this mapping as a file", lambda: mapping_text(mapping).encode(), "mapping.toml", place=left)
    brought = right.file_uploader("Use a mapping kept before", type=["toml", "json"], key="benchmark.brought")
    if brought is None or st.session_state.get("benchmark.taken") == (digest, brought.file_id):
        return
    st.session_state["benchmark.taken"] = (digest, brought.file_id)
    try:
        remember(digest, read_mapping(brought.getvalue().decode("utf-8-sig", errors="replace")))
    except DataError as error:
        show_error(error)
        return
    st.session_state.pop(f"benchmark.columns.{digest[:12]}", None)
    st.rerun()


def advert_form() -> None:
    """Title, place and level in; a range, its reasons and its limits out."""
    with st.expander("Build a range for an advert", expanded=False), st.form("benchmark.advert", border=False):
        one, two, three = st.columns(3)
        title = one.text_input("Job title", key="advert.title", max_chars=100, placeholder="Data Engineer")
        where = two.text_input("Country, or US state or town", key="advert.where", max_chars=100, placeholder="Germany")
        level = three.selectbox(
            "Level", list(LABELS[EXPERIENCE]), format_func=LABELS[EXPERIENCE].__getitem__, index=2, key="advert.level"
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
    st.html(f'<p class="large"><strong>{escape(found.text)}</strong></p>' + markup.notes_list([*found.reasons]))
    st.caption(literal(" ".join(found.limits)))
