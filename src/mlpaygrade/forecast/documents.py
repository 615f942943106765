"""What every JSON part of a bundle must look like, as types that are checked when it is opened.

Numbers are finite (JSON knows no NaN, and 1e999 is refused), years are years, shares lie between 0 and 1, quartiles are in order.
A part that no type describes need only be JSON. Says nothing of whether the figures are true.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.distribution import MEDIAN, TARGETS
from mlpaygrade.forecast.evidence import COUNT_LEVELS
from mlpaygrade.forecast.groups import DIMENSIONS, GROUPS, with_places
from mlpaygrade.job import taxonomy
from mlpaygrade.job.fields import FEATURES, FIELDS, FIRST_YEAR, LABELS, LAST_YEAR, LOCATION, RESIDENCE

Count = Annotated[int, Meta(ge=0, le=10**9)]
Year = Annotated[int, Meta(ge=FIRST_YEAR, le=LAST_YEAR)]
Share = Annotated[float, Meta(ge=0, le=1)]
Usd = Annotated[float, Meta(ge=0, le=1e9)]
Figure = Annotated[float, Meta(ge=-1e12, le=1e12)]
Text = Annotated[str, Meta(max_length=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
LogWidth = Annotated[float, Meta(ge=-5, le=5)]
Widening = Annotated[
    list[Annotated[list[LogWidth], Meta(min_length=MEDIAN, max_length=MEDIAN)]],
    Meta(min_length=len(TARGETS), max_length=len(TARGETS)),
]
Figures = dict[str, Figure | None]


class Provenance(Struct):
    """Where a bundle comes from; more may stand beside it."""

    version: Name
    data_sha256: Digest
    synthetic: bool
    rows: Count
    postings: Count
    trained_through: Year
    seed: int
    newest_day: Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")] | None = None


class Part(Struct):
    """One file of a bundle: its name in the folder, hash and size."""

    path: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+-[0-9a-f]{12}\.(json|onnx)$", max_length=100)]
    sha256: Digest
    bytes: Count


class EncoderDocument(Struct):
    """`encoder.json`."""

    titles: Annotated[list[Name], Meta(min_length=1)]
    countries: list[Annotated[str, Meta(pattern="^[A-Z]{2}$")]]
    words: list[Name]
    oldest_year: Year
    newest_year: Year


class CalibrationDocument(Struct):
    """`calibration.json`."""

    widening: Widening
    group_widening: dict[str, list[Widening]]
    postings: Annotated[int, Meta(ge=1)]


class AbstentionDocument(Struct):
    """`abstention.json`."""

    limit: Annotated[float, Meta(gt=0, le=10)]
    curve: dict[str, Figure]


class BackgroundDocument(Struct):
    """`background.json`."""

    jobs: dict[str, list[str | int]]
    weights: Annotated[list[Annotated[float, Meta(gt=0, le=1)]], Meta(min_length=1)]
    postings: Count
    first_year: Year
    last_year: Year
    abroad: dict[Annotated[str, Meta(pattern=r"^[A-Z]{2}\|[A-Z]{2}$")], Count]


class GroupDocument(Struct):
    """What was measured for one group of jobs."""

    n: Annotated[int, Meta(ge=1, le=10**9)]
    coverage_50: Share
    coverage_80: Share
    coverage_90: Share
    pit_deviation: Share
    mean_error_log: LogWidth
    mae_usd: Usd
    adverts: Count = 0


class SliceDocument(Struct):
    """One row of the coverage ledger."""

    dimension: Name
    value: Text
    n: Count


class EvaluationDocument(Struct):
    """`evaluation.json`."""

    protocol: Text | None
    rows: Figures = {}
    postings: Figures = {}
    slices: list[SliceDocument] = []
    groups: dict[str, GroupDocument] = {}
    words: dict[str, GroupDocument] = {}
    stated: dict[str, dict[str, Figure]] = {}


class SegmentDocument(Struct):
    """How far the fields move the figures of one segment."""

    n: Count
    mean_abs_usd: dict[str, Usd]


class ImportanceDocument(Struct):
    """`importance.json`, as far as the page of the model shows it."""

    players: dict[str, Text]
    measured_on: Text
    base_usd: Usd
    segments: dict[str, SegmentDocument]


class RivalDocument(Struct):
    """One model of `comparison.json`."""

    rows: Figures


class ComparisonDocument(Struct):
    """`comparison.json`, as far as it is shown."""

    protocol: Text
    models: dict[str, RivalDocument]


class WeekDocument(Struct):
    """One week of `backtest.json`."""

    week: Name
    rows: Count


class BacktestDocument(Struct):
    """`backtest.json`, as far as it is shown."""

    summary: dict[str, Figures]
    weeks: Annotated[dict[str, list[WeekDocument]], Meta(min_length=1)]


class AgeFigures(Struct):
    """What a model was worth over some months."""

    rows: Figure
    rmse_log: Annotated[float, Meta(gt=0, le=10)]
    coverage_90: Share
    width_90_usd: Usd


class AgeDocument(Struct):
    """A model so many months behind, and a fresh one on the same adverts."""

    months_behind: Count
    old: AgeFigures
    fresh: AgeFigures


class AgeingDocument(Struct):
    """`ageing.json`, as far as it is shown."""

    months: Annotated[list[Name], Meta(min_length=1)]
    epochs: Count
    epochs_of_the_served_model: Count
    policies: dict[str, AgeFigures]
    by_age: Annotated[list[AgeDocument], Meta(min_length=1)]


class LocalDocument(Struct):
    """`local.json`: postings, how far they lay from the network, and the move, by country and title."""

    measured: dict[str, Annotated[float, Meta(ge=0, le=1e6)] | None]
    moves: dict[Annotated[str, Meta(pattern=r"^[A-Z]{2}\|.+$", max_length=210)], tuple[Count, LogWidth, LogWidth]]


CellDocument = Annotated[list[Annotated[float, Meta(ge=-5, le=1e9)]], Meta(min_length=2, max_length=7)]

_TYPES: Final[Mapping[str, Any]] = {
    "encoder.json": EncoderDocument,
    "calibration.json": CalibrationDocument,
    "local.json": LocalDocument,
    "abstention.json": AbstentionDocument,
    "evidence.json": dict[str, dict[str, CellDocument]],
    "background.json": BackgroundDocument,
    "evaluation.json": EvaluationDocument,
    "importance.json": ImportanceDocument,
    "comparison.json": ComparisonDocument,
    "backtest.json": BacktestDocument,
    "ageing.json": AgeingDocument,
}

AGAIN: Final = "Train it again, or reinstall the package for the bundled one."


def check_document(name: str, content: bytes) -> None:
    """Check one JSON part against its type and its own rules. Raises BundleError with what is wrong."""
    try:
        document = msgspec.json.decode(content, type=_TYPES.get(name, Any))
        if wrong := _RULES.get(name, _right)(document):
            raise BundleError(_damaged(name, wrong))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(_damaged(name, str(error))) from error


def _damaged(name: str, wrong: str) -> str:
    return f"The bundle's {name.rsplit('.', 1)[0]} is damaged ({wrong[:300]}). {AGAIN}"


def _right(_: object) -> str | None:
    return None


def _encoder(document: EncoderDocument) -> str | None:
    for name, values in (("titles", document.titles), ("countries", document.countries), ("words", document.words)):
        if sorted(set(values)) != values:
            return f"its {name} must be sorted, each once"
    if document.oldest_year > document.newest_year:
        return f"its oldest year {document.oldest_year} lies after its newest {document.newest_year}"
    return None


def _calibration(document: CalibrationDocument) -> str | None:
    found = {name: len(groups) for name, groups in with_places(document.group_widening).items()}
    wanted = dict(zip(DIMENSIONS, GROUPS, strict=True))
    return None if found == wanted else f"its groups must be {wanted}; got {str(found)[:200]}"


def _evidence(document: Mapping[str, Mapping[str, list[float]]]) -> str | None:
    if missing := [level for level in COUNT_LEVELS if level not in document]:
        return f"it lacks the level '{missing[0]}'"
    for level, keys in COUNT_LEVELS.items():
        if not document[level]:
            return f"the level '{level}' is empty"
        for key, cell in document[level].items():
            if key.count("|") < len(keys) - 1:
                return f"'{key[:80]}' must name {len(keys)} values"
            if wrong := _cell(cell):
                return f"'{key[:80]}' {wrong}"
    return None


def _cell(cell: Sequence[float]) -> str | None:
    """What is wrong with the numbers of one cell of the evidence (`evidence.Evidence`), to follow its name."""
    count, year = cell[:2]
    if len(cell) not in (2, 5, 7) or count < 1 or count % 1 or not FIRST_YEAR <= year <= LAST_YEAR or year % 1:
        return "must hold a count and a year, then three quartiles or none, then a distance and its error or none"
    if len(cell) > 2 and not 0 < cell[2] <= cell[3] <= cell[4]:
        return "must have quartiles above zero and in order"
    if len(cell) == 7 and not (abs(cell[5]) <= 5 and 0 <= cell[6] <= 5):
        return "must lie within 5 log dollars of the model, with an error of 0 to 5"
    return None


def _background(document: BackgroundDocument) -> str | None:
    if set(document.jobs) != set(FEATURES) or {len(values) for values in document.jobs.values()} != {
        len(document.weights)
    }:
        return "its columns must be the fields of a job, as long as its weights"
    if document.first_year > document.last_year:
        return "its first year lies after its last"
    for field in FIELDS:
        values = document.jobs[field.column]
        known = LABELS.get(field.column)
        if known is not None and not set(values) <= set(known):
            return f"{field.column} holds a value that is none of {', '.join(map(str, known))}"
    places = [str(code) for column in (LOCATION, RESIDENCE) for code in document.jobs[column]]
    return next((f"'{code[:20]}' is no country" for code in places if code not in taxonomy.country_codes()), None)


def _evaluation(document: EvaluationDocument) -> str | None:
    for figures in (document.rows, document.postings):
        for name, value in figures.items():
            if ("coverage" in name or name == "pit_deviation") and value is not None and not 0 <= value <= 1:
                return f"{name} must be a share; got {value:g}"
    return None


_RULES: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "encoder.json": _encoder,
    "calibration.json": _calibration,
    "evidence.json": _evidence,
    "background.json": _background,
    "evaluation.json": _evaluation,
}
