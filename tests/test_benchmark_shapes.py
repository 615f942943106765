"""Files as employers have them reach a full answer with at most three questions, and none is read wrongly without a word."""

import math
from dataclasses import dataclass

import pytest

from mlpaygrade.benchmarking.appraisal import appraise
from mlpaygrade.benchmarking.mapping import Question, SheetMapping, answered, mapping_text, read_mapping
from mlpaygrade.benchmarking.sheet import Sheet, read_sheet
from mlpaygrade.errors import DataError
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EXPERIENCE, LOCATION
from mlpaygrade.money.currency import usd_to
from pay_files import Shape, shapes

SHAPES = shapes(90)
MOST_QUESTIONS = 3
ROUNDS = 3


@dataclass(frozen=True)
class Outcome:
    """What became of a shape. wrong: fields that were read as something else than the truth."""

    questions: int
    full: bool
    wrong: tuple[str, ...]
    missing: tuple[str, ...]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.fixture(scope="module")
def outcomes(predictor: Predictor) -> dict[str, Outcome]:
    return {shape.name: walk(shape, predictor) for shape in SHAPES}


def walk(shape: Shape, predictor: Predictor) -> Outcome:
    """Upload, answer what is asked as a person who knows the file would, and compare with the truth."""
    mapping, asked = SheetMapping(), 0
    try:
        sheet = read_sheet(shape.content, reader=predictor.reader)
        for _ in range(ROUNDS):
            for question in sheet.questions:
                mapping = answer(mapping, question, shape)
                asked += 1
            sheet = read_sheet(shape.content, reader=predictor.reader, mapping=mapping)
    except DataError as error:
        return Outcome(asked, False, (), (str(error),))
    frame = appraise(sheet, predictor).frame
    wrong, missing = compare(sheet, shape)
    return Outcome(asked, not missing and bool(frame["typical"].notna().all()), wrong, missing)


def answer(mapping: SheetMapping, question: Question, shape: Shape) -> SheetMapping:
    if question.kind == "values":
        for word in question.words:
            mapping = mapping.with_value(question.field, word.text, shape.levels.get(word.text, shape.country))
        return mapping
    truth = {
        "column": shape.columns.get(question.field, ""),
        "default": shape.country if question.field == LOCATION else "MI",
        "currency": shape.currency,
        "period": shape.period,
        "hours": "40",
    }
    return answered(mapping, question, truth[question.kind])


def compare(sheet: Sheet, shape: Shape) -> tuple[tuple[str, ...], tuple[str, ...]]:
    wrong, missing = [], []
    pay = sheet.amounts.get("pay_usd")
    for row, (level, country, yearly) in enumerate(shape.truth):
        usd = usd_to(shape.currency).to_usd(yearly)
        found = {
            "level": (sheet.value(EXPERIENCE, row), level),
            "country": (sheet.value(LOCATION, row), country),
            "pay": (None if pay is None or math.isnan(pay[row]) else float(pay[row]), pytest.approx(usd, rel=1e-3)),
        }
        wrong += [f"{name} {got}, not {true}" for name, (got, true) in found.items() if got is not None and got != true]
        missing += [name for name, (got, _) in found.items() if got is None]
    return tuple(dict.fromkeys(wrong)), tuple(dict.fromkeys(missing))


def test_ninety_five_of_a_hundred_files_reach_a_full_answer_with_three_questions(outcomes: dict[str, Outcome]) -> None:
    short = {name: it for name, it in outcomes.items() if not it.full or it.questions > MOST_QUESTIONS}
    assert len(outcomes) >= 60
    assert len(short) <= 0.05 * len(outcomes), short


def test_no_file_is_read_wrongly_without_a_word(outcomes: dict[str, Outcome]) -> None:
    assert not {name: it.wrong for name, it in outcomes.items() if it.wrong}


@pytest.mark.parametrize("number", range(0, len(SHAPES), 9))
def test_what_was_answered_is_kept_in_a_file(number: int, predictor: Predictor) -> None:
    shape = SHAPES[number]
    mapping = SheetMapping()
    for question in read_sheet(shape.content, reader=predictor.reader).questions:
        mapping = answer(mapping, question, shape)
    used = read_sheet(shape.content, reader=predictor.reader, mapping=mapping).mapping
    assert read_mapping(mapping_text(used, ["a remark"])) == used
