"""What a request is told when it cannot be answered: RFC 9457 problem documents that name every defect at once."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mlpaygrade.errors import BundleError, DataError, Defect, MLPayGradeError, printable

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


class DefectDocument(msgspec.Struct, frozen=True, kw_only=True):
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
    nearest_job: dict[str, str | int] | None = None


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
            defects=[_document(defect) for defect in self.defects],
            nearest_job=None if self.nearest_job is None else dict(self.nearest_job),
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


def _document(defect: Defect) -> DefectDocument:
    return DefectDocument(
        field=_shown(defect.column),
        rule=_shown(defect.rule),
        value=_shown(defect.value),
        remedy=_shown(defect.remedy),
    )


def _shown(text: str, longest: int = LONGEST) -> str:
    """Text that may be printed, without halves of characters, not longer than is worth reading."""
    whole = printable(text.encode("utf-8", "replace").decode("utf-8"))
    return whole if len(whole) <= longest else whole[: longest - 3] + "..."
