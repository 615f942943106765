"""What may be asked: a struct for each kind of request, made from the registry of fields; and what is told where it cannot be.

Problems are RFC 9457 documents that name every defect at once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta, defstruct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mlpaygrade.errors import BundleError, DataError, Defect, InputError, MLPayGradeError, printable
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import CHANGEABLE, FIELDS, Field, JobWords
from mlpaygrade.money.currency import Period

MEDIA_TYPE: Final = "application/problem+json"
_LISTED: Final = "The addresses are listed at /openapi.json."
LONGEST: Final = 300
"""Characters of a request that are repeated in a problem."""

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "invalid-request": (422, "The request breaks rules."),
    "invalid-file": (422, "The file breaks rules."),
    "not-enough-data": (422, "There is not enough data for an answer to build on."),
    "malformed": (400, "The request cannot be read."),
    "unauthorized": (401, "The request carries no valid key."),
    "not-found": (404, "There is nothing at this address."),
    "method": (405, "This address takes another method."),
    "too-slow": (408, "The request took too long to arrive."),
    "too-large": (413, "The request is larger than this service takes."),
    "media-type": (415, "The request is of a kind that this address does not take."),
    "too-many": (429, "The key has asked for as much as it may in a minute."),
    "busy": (503, "The service has as much to do as it takes on."),
    "no-model": (503, "The model cannot be used."),
    "unexpected": (500, "The service met an error that it has no words for."),
}
"""Kind of problem -> status and title."""


class DefectDocument(msgspec.Struct, frozen=True):
    """One broken rule."""

    field: str
    rule: str
    value: str
    remedy: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, with every defect of the request; `nearest_job` where another job can be answered."""

    type: str
    title: str
    status: int
    detail: str
    defects: list[DefectDocument] = []
    nearest_job: Mapping[str, str | int] | None = None


class ProblemError(Exception):
    """A request that is answered with a problem document. kind: of `TITLES`."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        defects: Sequence[Defect] = (),
        nearest_job: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.defects = tuple(defects)
        self.nearest_job = nearest_job
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The problem as a response."""
        status, title = TITLES[self.kind]
        document = ProblemDocument(
            type=f"urn:mlpaygrade:problem:{self.kind}",
            title=title,
            status=status,
            detail=_shown(str(self), 20 * LONGEST),
            defects=[
                DefectDocument(*map(_shown, (defect.column, defect.rule, defect.value, defect.remedy)))
                for defect in self.defects
            ],
            nearest_job=self.nearest_job,
        )
        return Response(msgspec.json.encode(document), status, self.headers, MEDIA_TYPE)


def problem_of(error: Exception) -> ProblemError:
    """The problem that an error is to the one who asked; an unforeseen error says nothing of itself."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        known = error.status_code == 405
        kind, detail = ("method", "Use a method that the header Allow names.") if known else ("not-found", _LISTED)
        return ProblemError(kind, detail, headers=error.headers)
    if isinstance(error, BundleError):
        return ProblemError("no-model", "The model cannot be used; the operator's log says why.")
    if isinstance(error, MLPayGradeError):
        kind = "invalid-file" if isinstance(error, DataError) else "invalid-request"
        return ProblemError(kind, str(error), defects=getattr(error, "defects", ()))
    return ProblemError("unexpected", "It is in the operator's log under the number in X-Request-ID.")


def _shown(text: str, longest: int = LONGEST) -> str:
    """Text that may be printed, without halves of characters, not longer than is worth reading."""
    whole = printable(text.encode("utf-8", "replace").decode("utf-8"))
    return whole if len(whole) <= longest else whole[: longest - 3] + "..."


_EXAMPLES: Final[Mapping[str, object]] = {"title": "Data Scientist", "experience": "SE", "location": "US", "year": 2024}

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=200)]

_Described = tuple[str, object, object]
"""Name, annotated type and default of a struct's field."""


def _field(field: Field) -> _Described:
    codes = f" One of {', '.join(map(str, field.labels))}, or its words." if field.labels else ""
    example = _EXAMPLES.get(field.name, field.default)
    shown = {} if example is None else {"examples": [example]}
    meta = Meta(description=f"{field.heading}: {field.hint}.{codes}", extra_json_schema=shown)
    return field.name, Annotated[str | int | None, meta], None


def _option(
    name: str, kind: object, default: object, said: str, *, least: int | None = None, most: int | None = None
) -> _Described:
    return name, Annotated[kind, Meta(description=said, ge=least, le=most)], default


def _struct(name: str, *fields: _Described | tuple[str, object]) -> type[msgspec.Struct]:
    return defstruct(name, fields, kw_only=True, frozen=True, forbid_unknown_fields=True, module=__name__)


_JOB: Final = tuple(map(_field, FIELDS))
_CHANGEABLE: Final = ", ".join(field.name for field in CHANGEABLE)
_OFFER: Final = (
    "A yearly pay in US dollars: the reply says what share of the figures advertised for such jobs lie below it."
)
_CODES: Final = "The job is in codes as a reply gave it: it is not read again, and refused where it would have to be."
_PLACE: Final = "A town, metropolitan area or state of the United States: figures are then those of the place."
_CURRENCY: Final = "ISO 4217: the reply repeats the figures in it, with the rate and its day."
_EXACT: Final = "Give the answer unrounded as well, with its whole distribution."
_ALLOW: Final = f"Fields that may change, of {_CHANGEABLE}; all but residence without it."
_QUERY: Final = Meta(description="The commonest titles without it.", examples=["data sci"])

JobAsked: Final = _struct("JobAsked", *_JOB)
EstimateAsked: Final = _struct(
    "EstimateAsked",
    *_JOB,
    _option("offer_usd", float | None, None, _OFFER),
    _option("currency", Text | None, None, _CURRENCY),
    _option("period", Period, "year", "Of the pay in `currency`."),
    _option("place", Text | None, None, _PLACE),
    _option("exact", bool, False, _EXACT),
    _option("codes", bool, False, _CODES),
)
ScenariosAsked: Final = _struct(
    "ScenariosAsked",
    *_JOB,
    _option("allow", list[str] | None, None, _ALLOW),
    _option("max_changes", int, 2, "Fields changed at once, at most.", least=1, most=2),
    _option("limit", int, 50, "Scenarios in the reply, at most.", least=1, most=1000),
)
CompareAsked: Final = _struct("CompareAsked", ("first", JobAsked), ("second", JobAsked))
TitlesAsked: Final = _struct("TitlesAsked", ("q", Annotated[Text, _QUERY], ""))

Reader = Callable[[JobWords], Awaitable[ReadJob | InputError]]

_NAMES: Final = frozenset(field.name for field in FIELDS)
_LISTS: Final = frozenset({"allow"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request while it is read.

    values: by the names of a struct, of its types. defects: found so far. within: the part of the request that this is.
    """

    values: dict[str, Any]
    defects: list[Defect]
    within: str = ""

    def part(self, name: str) -> "Asked":
        """A job within the request; its defects join the request's."""
        given = self.values.get(name)
        if not isinstance(given, dict):
            self.defects.append(_defect(name, "must be a JSON object", given, "Give the job's fields by their names."))
            given = {}
        found = check(given, JobAsked)
        self.defects.extend(_inside(name, defect) for defect in found.defects)
        return Asked(found.values, self.defects, name)

    async def job(self, reader: Reader) -> ReadJob | None:
        """The job of the request as it is understood; None where that has defects, which are kept for `require`."""
        words = cast(JobWords, {name: self.values.get(name) for name in _NAMES})
        wrong = {defect.column for defect in self.defects}
        read = await reader(words)
        if isinstance(read, InputError):
            found = [_inside(self.within, defect) for defect in read.defects]
            self.defects.extend(defect for defect in found if defect.column not in wrong)
            return None
        if not self.values.get("codes"):
            return read
        changed = [name for name, value in read.job.words().items() if words.get(name) != value]
        remedy = "Leave `codes` out, or give the job as a reply gave it."
        self.defects.extend(_defect(name, "must be in codes", self.values.get(name), remedy) for name in changed)
        return ReadJob(job=read.job)

    def option(self, name: str, read: Callable[[Any], T]) -> T | None:
        """What a reader makes of an option; None where it is not given, or has a defect, which is kept for `require`."""
        given = self.values.get(name)
        if given is None:
            return None
        try:
            return read(given)
        except InputError as error:
            rule, _, rest = str(error).partition("; got ")
            self.defects.append(_defect(name, rule, given, rest.partition(". ")[2]))
            return None

    def require(self, job: ReadJob | None) -> ReadJob:
        """The job, where the request has no defect. Raises ProblemError with every defect otherwise."""
        self.refuse()
        assert job is not None, "what cannot be read leaves a defect"
        return job

    def refuse(self) -> None:
        """Raises ProblemError with every defect where there is one."""
        if self.defects:
            count = len(self.defects)
            detail = f"The request breaks {count} rule{'s' if count != 1 else ''}: {'; '.join(map(str, self.defects))}"
            raise ProblemError("invalid-request", detail, defects=self.defects)


async def ask(request: Request, kind: type[msgspec.Struct]) -> Asked:
    """What a request's query or JSON body gives, by the names of a struct. Raises ProblemError for what is no request at all."""
    if request.method in ("GET", "HEAD"):
        return check(_query(request), kind, strict=False)
    given = read_json(await request.body())
    if not isinstance(given, dict):
        raise ProblemError(
            "malformed", f"The body must be a JSON object; got {type(given).__name__}. Send fields by their names."
        )
    return check(given, kind)


def read_json(body: bytes) -> Any:
    """The JSON of a body. Raises ProblemError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError("malformed", f"The body must be JSON in UTF-8 ({error}). Send a JSON object.") from None


def check(given: Mapping[str, object], kind: type[msgspec.Struct], *, strict: bool = True) -> Asked:
    """Given values by the names of a struct; those of another type than its are defects."""
    known = _fields(kind)
    values: dict[str, object] = {name: None if field.required else field.default for name, field in known.items()}
    defects = []
    for name, value in given.items():
        if name not in known:
            defects.append(_defect(str(name), f"is none of {', '.join(known)}", value, "Rename or remove it."))
        elif known[name].type is JobAsked:
            values[name] = value
        else:
            try:
                values[name] = msgspec.convert(value, known[name].type, strict=strict)
            except msgspec.ValidationError as error:
                rule = f"must have its type ({str(error).replace('`', '')})"
                defects.append(_defect(name, rule, value, "The types are in /openapi.json."))
    return Asked(values, defects)


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """A struct's fields by their names; msgspec evaluates its annotations whenever it is asked."""
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _query(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name in _LISTS:
            given.setdefault(name, []).extend(part for part in text.split(",") if part)
        elif name in given:
            raise ProblemError("malformed", f"A parameter must be there once; got {name} again. Remove one.")
        else:
            given[name] = text
    return given


def _defect(name: str, rule: str, value: object, remedy: str) -> Defect:
    return Defect(column=name, rule=rule, value=repr(value)[:100], remedy=remedy)


def _inside(within: str, defect: Defect) -> Defect:
    return replace(defect, column=f"{within}.{defect.column}") if within else defect
