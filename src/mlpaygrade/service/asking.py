"""What may be asked: a struct for each kind of request, made from the registry of fields, and how requests are read by them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta, defstruct
from starlette.requests import Request

from mlpaygrade.errors import Defect, InputError
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import CHANGEABLE, FIELDS, Field, JobWords
from mlpaygrade.money.period import Period
from mlpaygrade.service.problem import ProblemError

_EXAMPLES: Final[Mapping[str, object]] = {"title": "Data Scientist", "experience": "SE", "location": "US", "year": 2024}

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=200)]

_OPTIONS: Final[Mapping[str, tuple[object, object, str]]] = {
    "offer_usd": (
        float | None,
        None,
        "A yearly pay in US dollars: the reply says what share of the figures advertised for such jobs lie below it.",
    ),
    "currency": (Text | None, None, "ISO 4217: the reply repeats the figures in it, with the rate and its day."),
    "period": (Period, "year", "Of the pay in `currency`."),
    "place": (
        Text | None,
        None,
        "A town, metropolitan area or state of the United States: figures are then those of the place.",
    ),
    "exact": (bool, False, "Give the answer unrounded as well, with its whole distribution."),
    "codes": (
        bool,
        False,
        "The job is in codes as a reply gave it: it is not read again, and refused where it would have to be.",
    ),
}


def _field(field: Field) -> tuple[str, object, object]:
    codes = f" One of {', '.join(map(str, field.labels))}, or its words." if field.labels else ""
    example = _EXAMPLES.get(field.name, field.default)
    meta = Meta(
        description=f"{field.heading}: {field.hint}.{codes}",
        extra_json_schema={} if example is None else {"examples": [example]},
    )
    return field.name, Annotated[str | int | None, meta], None


def _option(name: str) -> tuple[str, object, object]:
    kind, default, description = _OPTIONS[name]
    return name, Annotated[kind, Meta(description=description)], default


def _ask(name: str, *options: tuple[str, object, object]) -> type[msgspec.Struct]:
    fields = [*map(_field, FIELDS), *options]
    return defstruct(name, fields, kw_only=True, frozen=True, forbid_unknown_fields=True, module=__name__)


JobAsked: Final = _ask("JobAsked")
EstimateAsked: Final = _ask("EstimateAsked", *map(_option, _OPTIONS))
ScenariosAsked: Final = _ask(
    "ScenariosAsked",
    (
        "allow",
        Annotated[
            list[str] | None,
            Meta(
                description=f"Fields that may change, of {', '.join(f.name for f in CHANGEABLE)}; all but residence without it."
            ),
        ],
        None,
    ),
    ("max_changes", Annotated[int, Meta(ge=1, le=2, description="Fields changed at once, at most.")], 2),
    ("limit", Annotated[int, Meta(ge=1, le=1000, description="Scenarios in the reply, at most.")], 50),
)
CompareAsked: Final = defstruct(
    "CompareAsked",
    [("first", JobAsked), ("second", JobAsked)],
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
    module=__name__,
)
TitlesAsked: Final = defstruct(
    "TitlesAsked",
    [("q", Annotated[Text, Meta(description="The commonest titles without it.", examples=["data sci"])], "")],
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
    module=__name__,
)

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
