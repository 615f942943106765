"""No text claims more than was measured: whatever states a share of figures says the share that the bundle's test found.

House spelling makes that checkable: `90 %` names a range, `90.2%` is something measured or computed, and plain words such as
"9 in 10" are claims. Each is held against the bundle that the text was made from: the shipped one, and one whose test went badly.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpaygrade import Predictor
from mlpaygrade.app import answer
from mlpaygrade.cli.predict import estimate_text
from mlpaygrade.explain.verdict import verdict
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
from mlpaygrade.forecast.calibration import INTERVALS
from mlpaygrade.rendering.words import rough_percent

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "src" / "mlpaygrade" / "app" / "main.py"
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
SHARE = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)%")
NAMED = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?) %(?= (?:range|interval|held)|[ ,:;)]*$)", re.MULTILINE)
PLAIN = re.compile(
    r"\b(?P<n>\d+|nine|eight|half|all|every)\b(?: (?:times )?(?:in|out of|of) (?P<of>ten|10|100|a hundred))?"
    r"(?: of)?(?: single| advertised| all)* (?:figures|offers|salaries)",
    re.IGNORECASE,
)
PERCENTILE = re.compile(r"about \d+ of 100 figures advertised for such jobs lie above it")
"""Where an amount stands is the answer itself, not a claim about ranges."""
HELD = re.compile(r"(\d+) of 100 when tested")
WORDS = {"nine": 9.0, "eight": 8.0, "half": 0.5, "all": 1.0, "every": 1.0, "ten": 10.0, "a hundred": 100.0}
SLACK = 0.01
"""A claim in plain words is a round number: it may exceed what was measured by a point."""
JOBS: tuple[dict[str, Any], ...] = (
    {"title": "Data Scientist", "experience": "SE", "location": "US", "remote": 100},
    {"title": "AI Engineer", "experience": "MI", "location": "DE"},
    {"title": "Head of Data", "experience": "EX", "location": "Chad", "size": "M"},
    {"title": "Underwater Basket Weaver", "experience": "EX", "location": "India", "size": "S"},
)
"""Common, less common, hardly supported, and refused."""


def plain_claims(text: str) -> Iterator[float]:
    """Shares of figures that are claimed in plain words, in [0, 1]."""
    for found in PLAIN.finditer(PERCENTILE.sub("", text)):
        n, of = (part and part.lower() for part in (found["n"], found["of"]))
        number = WORDS.get(n) or float(n)
        if of is not None:
            yield number / (WORDS.get(of) or float(of))
        elif n in ("half", "all", "every"):
            yield number


def overclaims(text: str, measured: dict[float, float], *, computed: frozenset[str] = frozenset()) -> list[str]:
    """What a text says that was not measured. measured: stated share -> measured one. computed: other shares that it may show."""
    known = {f"{share:.1%}" for share in measured.values()} | computed
    wrong = [f"{share}% was not measured" for share in SHARE.findall(text) if f"{share}%" not in known]
    for level in map(float, NAMED.findall(text)):
        if level / 100 not in measured:
            wrong.append(f"no range of {level:g} % was tested")
        elif f"{measured[level / 100]:.1%}" not in text:
            wrong.append(f"the range of {level:g} % stands without what it held")
    for claim in plain_claims(text):
        best = max((found for stated, found in measured.items() if stated <= claim + 1e-9), default=0.0)
        if claim > best + SLACK:
            wrong.append(f"{claim:.0%} of figures is claimed, {best:.1%} was measured")
    return wrong


def measured_for(estimate: Answer) -> dict[float, float]:
    """What the answer's own group held: stated share -> measured one."""
    assert estimate.accuracy is not None
    return {percent / 100: share for percent, share in estimate.accuracy.coverage.items()}


def shares_of(estimate: Answer) -> frozenset[str]:
    """Shares that an answer computes itself: of its error budget, in its warnings, strength and refusal, the cost of age."""
    assert estimate.error_budget is not None
    budget = {rough_percent(share).removeprefix("<") for share in estimate.error_budget.shares().values()}
    ages = [
        note for note in estimate.notes if note.startswith("age: ")
    ]  # held against its figures in test_model_ageing.py
    said = " ".join(
        [
            *ages,
            *estimate.warnings,
            estimate.apart or "",
            *([] if estimate.not_enough_data else verdict(estimate, 150_000).sentences()[:1]),
            *estimate.strength.reasons,
            estimate.not_enough_data or "",
        ]
    )
    return frozenset(budget | set(re.findall(r"[0-9]+%", said)) | {"100%"})


def texts_of(estimate: Answer) -> dict[str, str]:
    """Every text that an answer is shown as; a refused one has only the terminal's."""
    texts = {"terminal": estimate_text(estimate, offer_usd=None if estimate.not_enough_data else 150_000)}
    if estimate.not_enough_data is not None:
        return texts
    markup = {
        "figures": answer.figures(estimate),
        "ranges": answer.ranges(estimate),
        "method": answer.method(estimate),
        "page to keep": answer.document(estimate, [], made=datetime.now(UTC), offer_usd=150_000).split("<main>")[1],
    }
    # Of a bar only the text is a claim, not the place where it is drawn.
    plain = {name: unescape(re.sub(r"<[^>]*>", "\n", text)) for name, text in markup.items()}
    return texts | plain | {"quality": answer.quality_line(estimate)}


def with_evaluation(folder: Path, changes: dict[str, Any]) -> Predictor:
    """The shipped network in a bundle whose test says something else."""
    shipped = load_bundle()
    parts: dict[str, Any] = dict(shipped.parts)
    evaluation = {**json.loads(parts["evaluation.json"]), **changes}
    made = write_bundle(folder / "bundle", parts | {"evaluation.json": evaluation}, provenance=shipped.provenance)
    return Predictor(made)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A bundle whose test went badly."""
    measured = {"coverage_50": 0.312, "coverage_80": 0.587, "coverage_90": 0.711, "pit_deviation": 0.234}
    groups = {"all": {"n": 1234, **measured, "mean_error_log": 0.2, "mae_usd": 60_000.0}}
    return with_evaluation(tmp_path_factory.mktemp("bad"), {"groups": groups})


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("kind", ["shipped", "bad"])
def test_an_answer_states_what_was_measured_for_such_jobs(kind: str, job: dict[str, Any], bad: Predictor) -> None:
    predictor = bad if kind == "bad" else Predictor.load()
    estimate = predictor.answer(predictor.read_job(**job))
    assert estimate.accuracy is not None
    measured = measured_for(estimate)
    off = f"off by up to about {math.ceil(round(100 * estimate.accuracy.percentile_error, 6))} "
    texts = texts_of(estimate)
    for name, text in texts.items():
        assert not overclaims(text, measured, computed=shares_of(estimate)), name
        assert set(HELD.findall(text)) <= {f"{round(100 * share)}" for share in measured.values()}, name
    if estimate.not_enough_data is not None:
        assert off not in texts["terminal"]
        return
    assert off in texts["terminal"]
    assert off in texts["quality"]
    assert f"{round(100 * measured[0.9])} of 100 when tested" in texts["figures"]
    if kind == "bad":
        assert estimate.strength.word == "rough"
        assert "Rough" in texts["figures"]


def test_a_bundle_without_a_test_claims_nothing(tmp_path: Path) -> None:
    untested = with_evaluation(tmp_path, {"groups": {}})
    estimate = untested.answer(untested.read_job(**JOBS[0]))
    assert estimate.strength.word == "rough"
    for name, text in texts_of(estimate).items():
        assert not SHARE.search(re.sub(r"\d+%(?= |\n)", "", text)), name
        assert not HELD.search(text), name
    assert "not tested" in texts_of(estimate)["terminal"]
    assert "not tested" in texts_of(estimate)["ranges"]


@pytest.mark.parametrize("page", ["estimate", "compare", "career"])
def test_what_pages_say_of_ranges_was_measured(page: str) -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["page"] = page
    app.run()
    shown = [*(element.value for element in app.markdown), *(element.value for element in app.caption)]
    shown += [re.sub(r"<[^>]*>", "\n", str(element.proto.body)) for element in app.get("html")]
    text = unescape("\n".join(shown)).replace("\\", "")
    groups = Predictor.load().bundle.evaluation["groups"].values()
    held = {f"{group[f'coverage_{percent}']:.1%}" for group in groups for percent in INTERVALS}
    said = re.findall(r"([\d.]+%) fell inside when tested", text)
    assert said
    assert set(said) <= held
    assert HELD.findall(text) or page != "estimate"


def test_the_readme_types_no_share_by_hand_and_its_first_answer_is_the_bundles() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    by_hand = GENERATED.sub("", text)
    shipped = Predictor.load()
    measured = measured_for(shipped.answer(shipped.read_job(title="Data Scientist", experience="SE", location="US")))
    assert not SHARE.search(by_hand)
    assert not overclaims(by_hand, measured)
    answered = re.findall(r"(\d+) % interval .*held ([\d.]+%) when tested", text)
    assert {(percent, f"{measured[percent / 100]:.1%}") for percent in INTERVALS} == {(int(n), s) for n, s in answered}


@pytest.mark.parametrize(
    "text",
    [
        "9 in 10 advertised figures lie in this range",
        "Half of figures lie within",
        "nine out of ten offers lie in here",
        "99 of 100 figures",
        "holds all figures",
        "90 % interval $1K to $2K",
        "95 % interval $1K to $2K (71.1% fell inside when tested)",
        "The range caught 90.2% of figures",
    ],
)
def test_an_overclaim_is_found(text: str) -> None:
    assert overclaims(text, {0.5: 0.312, 0.8: 0.587, 0.9: 0.711})


@pytest.mark.parametrize(
    "text",
    ["9 in 10 advertised figures lie in this range", "90 % interval: 90.2% fell inside when tested", "12 figures"],
)
def test_an_honest_text_passes(text: str) -> None:
    assert not overclaims(text, {0.5: 0.495, 0.8: 0.795, 0.9: 0.902})
