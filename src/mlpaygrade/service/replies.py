"""What is answered: the documents of the one inference path with the model's tag beside them, and structs that describe them.

The structs are the contract in `/openapi.json`; tests hold every reply against them. Nothing is computed here but the conversion
of dollars a year into another currency or period.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mlpaygrade.explain.scenarios import Comparison, ScenarioList
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.client import exact_answer
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.money.terms import PayTerms

Range = tuple[int, int]
JobFields = dict[str, str | int]

SOURCE: Final = "MLPayGrade, learnt from public job adverts"


class Band(msgspec.Struct):
    """The typical advertised band, US dollars a year."""

    low: int
    high: int


class BandEnds(msgspec.Struct):
    """90 % interval of each end of the band, US dollars a year."""

    low: Range
    high: Range


class Support(msgspec.Struct):
    """The training postings that an answer rests on."""

    postings: int
    level: str
    closest_differs_in: list[str]
    closest_postings: int
    disagreement_log: float


class StrengthWord(msgspec.Struct):
    """strong, fair or rough, and why."""

    word: str
    reasons: list[str]


class Measured(msgspec.Struct):
    """What was measured for jobs like the one asked about; coverage: percent -> share that fell inside."""

    group: str
    rows: int
    adverts: int
    leans_on: str | None
    coverage: dict[str, float]
    percentile_error: float
    mean_error_log: float
    typical_error_usd: float


class Place(msgspec.Struct):
    """The town or state whose factor the figures hold."""

    name: str
    factor: float


class Model(msgspec.Struct):
    """The model that answers, and what was measured for all jobs."""

    version: str
    trained_through: int
    data_sha256: str
    synthetic: bool
    measured_coverage: dict[str, str | float | None]
    measured_band_coverage: dict[str, float]
    measured_percentile_error: float | None


class Offer(msgspec.Struct):
    """Where an offer stands. percentile: share of the figures advertised for such jobs that lie below it."""

    usd: int
    percentile: float | None


class Converted(msgspec.Struct):
    """The figures in another currency or period. said: the rate and its day."""

    currency: str
    period: str
    said: str
    estimate: float
    band: tuple[float, float]
    interval_90: tuple[float, float]


class LocalAdverts(msgspec.Struct):
    """The newest adverts of the same title and country outside the United States, held out of training.

    apart: by what share they lay above what the network alone says; moved: by what share the answer moved for it.
    """

    postings: int
    network_alone_usd: int
    apart: float
    moved: float


class AdvertsBeside(msgspec.Struct):
    """The country's own adverts nearest to the job, to hold the figure against.

    quartiles_usd: 25th, 50th and 75th percentile of the middle of their ranges. apart: by what share the country's figure lies
    above their middle; said: that in a sentence, null up to 5 %.
    """

    level: str
    postings: int
    newest_year: int | None
    quartiles_usd: tuple[int, int, int]
    apart: float
    said: str | None


class Estimate(msgspec.Struct):
    """What a job pays, US dollars a year. Figures are null where there is not enough data; `not_enough_data` then says why."""

    bundle: str
    source: str
    job: JobFields
    estimate_usd: int | None
    mean_usd: int | None
    band_usd: Band | None
    intervals_usd: dict[str, Range] | None
    band_ends_90_usd: BandEnds | None
    error_budget: dict[str, Any] | None
    support: Support
    accuracy: Measured | None
    strength: StrengthWord | None
    local_adverts: LocalAdverts | None
    adverts_beside: AdvertsBeside | None
    adverts_up_to: str
    place: Place | None
    not_enough_data: str | None
    nearest_job: JobFields | None
    model: Model
    warnings: list[str]
    notes: list[str]
    offer: Offer | None = None
    converted: Converted | None = None
    exact: dict[str, Any] | None = None


class Read(msgspec.Struct):
    """How a job is understood, in codes, by the fields' names."""

    bundle: str
    job: JobFields
    warnings: list[str]
    notes: list[str]


class Evidence(msgspec.Struct):
    """Matching postings at one level. quartiles_usd: of the middles of their bands."""

    level: str
    postings: int
    quartiles_usd: list[float] | None
    newest_year: int | None


class Explained(msgspec.Struct):
    """An estimate taken apart: base and contributions add up to it, in cents."""

    bundle: str
    job: JobFields
    base_usd: float
    contributions_usd: dict[str, float]
    factors: dict[str, float]
    factor_base_usd: float
    estimate_usd: int
    width_90_usd: int
    base_width_90_usd: float
    width_contributions_90_usd: dict[str, float]
    background: dict[str, Any]
    evidence: list[Evidence]
    model: Model
    notes: list[str]


class ScenarioSupport(msgspec.Struct):
    """The training postings that a scenario rests on."""

    postings: int
    level: str


class ScenarioReply(msgspec.Struct):
    """A changed job and its difference, US dollars a year: associated with the change, not promised by it."""

    changes: JobFields
    estimate_usd: int
    difference_usd: int
    difference_90_usd: Range
    support: ScenarioSupport
    supported: bool
    interval_90_usd: Range
    text: str
    wording: str


class Scenarios(msgspec.Struct):
    """Supported changes of a job, the largest gain first. found: how many there are, `limit` of which are given."""

    bundle: str
    job: JobFields
    estimate_usd: int
    allowed: list[str]
    considered: int
    found: int
    scenarios: list[ScenarioReply]
    model: Model
    warnings: list[str]
    notes: list[str]


class Compared(msgspec.Struct):
    """Two jobs side by side; difference: second less first, US dollars a year."""

    bundle: str
    first: Estimate
    second: Estimate
    estimates_usd: Range
    difference_usd: int
    difference_90_usd: Range
    probability_second_pays_more: float
    drivers_usd: dict[str, float]
    wording: str


class Titles(msgspec.Struct):
    """Known titles near to a text."""

    bundle: str
    titles: list[str]


class CountryReply(msgspec.Struct):
    """A country. known: whether the training data hold enough of it to be told apart."""

    code: str
    name: str
    continent: str
    known: bool


class Countries(msgspec.Struct):
    """Every country that a job can be in."""

    bundle: str
    countries: list[CountryReply]


class ModelReply(msgspec.Struct):
    """The model that answers."""

    bundle: str
    adverts_up_to: str
    titles: int
    countries: int
    model: Model


class Rows(msgspec.Struct):
    """A row of a batch: the row as given, and with it these columns. Figures are missing where `reason` begins "not answered"."""

    estimate_usd: int | None
    band_low_usd: int | None
    band_high_usd: int | None
    lower_90_usd: int | None
    upper_90_usd: int | None
    support: int | None
    reason: str


def estimate_reply(
    answer: Answer,
    tag: str,
    *,
    document: Mapping[str, object] | None = None,
    offer_usd: float | None = None,
    terms: PayTerms | None = None,
    exact: bool = False,
) -> dict[str, object]:
    """`Estimate` of an answer. document: its plain JSON where that is known; strength, warnings and notes are the answer's."""
    answered = answer.not_enough_data is None
    said: dict[str, object] = {"warnings": list(answer.warnings), "notes": list(answer.notes)}
    if answered:
        said["strength"] = answer.strength.to_json()
    reply: dict[str, object] = {"bundle": tag, "source": SOURCE, **(document or answer.to_json()), **said}
    if offer_usd is not None:
        percentile = round(answer.percentile(offer_usd), 3) if answered else None
        reply["offer"] = {"usd": round(offer_usd), "percentile": percentile}
    if terms is not None and answered:
        reply["converted"] = _converted(answer, terms)
    if exact:
        reply["exact"] = exact_answer(answer)
    return reply


def scenarios_reply(
    found: ScenarioList, read: ReadJob, tag: str, *, limit: int, model: Mapping[str, object]
) -> dict[str, object]:
    """`Scenarios` of a list, its first `limit`."""
    return {
        "bundle": tag,
        "job": found.job.fields(),
        "estimate_usd": round(found.estimate_usd),
        "allowed": list(found.allowed),
        "considered": found.considered,
        "found": len(found.scenarios),
        "scenarios": [scenario.to_json() for scenario in found.scenarios[:limit]],
        "model": dict(model),
        "warnings": list(read.warnings),
        "notes": [*read.notes, *found.notes],
    }


def comparison_reply(comparison: Comparison, tag: str) -> dict[str, object]:
    """`Compared` of a comparison."""
    first, second = (estimate_reply(answer, tag) for answer in (comparison.first, comparison.second))
    return {"bundle": tag, "first": first, "second": second, **comparison.to_json()}


def _converted(answer: Answer, terms: PayTerms) -> dict[str, object]:
    low, high = answer.intervals_usd[90]
    return {
        "currency": terms.currency,
        "period": terms.period,
        "said": terms.said,
        "estimate": round(terms.of_usd(answer.estimate_usd), 2),
        "band": [round(terms.of_usd(usd), 2) for usd in (answer.band_low_usd, answer.band_high_usd)],
        "interval_90": [round(terms.of_usd(usd), 2) for usd in (low, high)],
    }
