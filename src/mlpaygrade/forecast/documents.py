"""What every part of a bundle must look like, checked when it is opened: JSON by types, the network by its wire format.

Numbers are finite (JSON knows no NaN, and 1e999 is refused), years are years, shares lie between 0 and 1, quartiles are in
order. A part that no type describes need only be JSON. Says nothing of whether the figures are true.

A network's tensors may name a file of their own, which ONNX Runtime would read beside the working folder; subgraphs and
functions may loop for ever. A network of this project has neither, so both are refused, by the wire format of Protocol
Buffers (https://protobuf.dev/programming-guides/encoding, field numbers from onnx.proto3), before ONNX Runtime opens it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.calibration import DIMENSIONS, GROUPS, with_places
from mlpaygrade.forecast.distribution import MEDIAN, TARGETS
from mlpaygrade.forecast.evidence import COUNT_LEVELS
from mlpaygrade.job.fields import EXPERIENCE, FEATURES, FIELDS, FIRST_YEAR, LABELS, LAST_YEAR, LOCATION, RESIDENCE
from mlpaygrade.job.places import country_codes

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
_LEVELS: Final = len(LABELS[EXPERIENCE])


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


class UnseenDocument(Struct):
    """`unseen.json`: coefficients in log dollars by field, word and piece of a title."""

    level: Annotated[float, Meta(ge=0, le=25)]
    fields: dict[Annotated[str, Meta(pattern=r"^[a-z_]+(\|[a-z_]+)?$", max_length=60)], list[LogWidth]]
    words: list[LogWidth]
    grams: dict[Name, LogWidth]
    bigrams: dict[Name, LogWidth]
    by_level: dict[Name, Annotated[list[LogWidth], Meta(min_length=_LEVELS, max_length=_LEVELS)]]


CellDocument = Annotated[list[Annotated[float, Meta(ge=-5, le=1e9)]], Meta(min_length=2, max_length=7)]

_TYPES: Final[Mapping[str, Any]] = {
    "encoder.json": EncoderDocument,
    "calibration.json": CalibrationDocument,
    "local.json": LocalDocument,
    "unseen.json": UnseenDocument,
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
    return next((f"'{code[:20]}' is no country" for code in places if code not in country_codes()), None)


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


_MODEL: Final = {7: "graph"}
_GRAPH: Final = {1: "node", 5: "tensor"}
_NODE: Final = {5: "attribute"}
_ATTRIBUTE: Final = {5: "tensor", 10: "tensor"}
_INSIDE: Final = {"model": _MODEL, "graph": _GRAPH, "node": _NODE, "attribute": _ATTRIBUTE, "tensor": {}}
_REFUSED: Final = {
    "model": {20: "training information", 25: "functions"},
    "graph": {15: "sparse tensors"},
    "node": {},
    "attribute": {6: "a subgraph", 11: "subgraphs", 22: "a sparse tensor", 23: "sparse tensors"},
    "tensor": {13: "a tensor in another file", 14: "a tensor in another file"},
}


def check_network(content: bytes) -> None:
    """Raises BundleError where the bytes are no ONNX model that stands alone."""
    try:
        graphs = _check(memoryview(content), "model")
    except (IndexError, ValueError) as error:
        raise BundleError(f"The bundle's network is damaged (it is no ONNX model). {AGAIN}") from error
    if graphs != 1:
        raise BundleError(f"The bundle's network is damaged (it holds {graphs} graphs, not one). {AGAIN}")


def _check(message: memoryview, kind: str) -> int:
    """Go through one message and what it holds; returns how many parts of interest it has."""
    if kind == "tensor":
        _check_weights(message)
    inside, refused, found = _INSIDE[kind], _REFUSED[kind], 0
    for number, value in _fields(message):
        if number in refused and value != 0:
            raise BundleError(f"The bundle's network holds {refused[number]}, which none of this project does. {AGAIN}")
        if number in inside and isinstance(value, memoryview):
            _check(value, inside[number])
            found += 1
    return found


def _check_weights(tensor: memoryview) -> None:
    """Raises BundleError where a tensor of 32-bit floats holds NaN or infinity: the network's limits would hide it."""
    fields = list(_fields(tensor))
    if (2, 1) not in fields:
        return
    stored = [value for number, value in fields if number in (4, 9) and isinstance(value, memoryview)]
    if not all(np.isfinite(np.frombuffer(value, dtype="<f4")).all() for value in stored):
        raise BundleError(f"The bundle's network is damaged (a weight is no number). {AGAIN}")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field. Raises ValueError or IndexError where the bytes are no message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire == 2:
            size, position = _varint(message, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if number == 0 or position + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A variable-length integer and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("an integer of more than ten bytes")
