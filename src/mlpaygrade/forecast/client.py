"""A predictor behind an address: the same `Answer`s from a service that `mlpaygrade serve` runs, through the standard library.

Figures travel unrounded, so that an answer from there equals one from here. Needs msgspec, which serving needs as well.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.errors import Defect, FetchError, InputError, MLPayGradeError
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import Job, JobWords

SECONDS: Final = 30.0
LONGEST_REPLY: Final = 8 * 1024 * 1024


class RemotePredictor:
    """Answers questions about pay from a service. Safe to share between threads."""

    def __init__(self, url: str, *, key: str | None = None, seconds: float = SECONDS) -> None:
        """url: where the service is. key: for one that asks for keys. seconds: to wait for a reply."""
        if not url.startswith(("http://", "https://")):
            raise InputError(f"A service's address begins with http:// or https://; got {url!r}. Give it in full.")
        self._url = url.rstrip("/")
        self._key = key
        self._seconds = seconds

    @cached_property
    def model(self) -> Mapping[str, object]:
        """Version, data and measured coverage of the model that the service has now."""
        return cast(Mapping[str, object], self._ask("/v1/model")["model"])

    def read_job(self, **words: Unpack[JobWords]) -> ReadJob:
        """Read a job given in words or codes. Raises InputError with rule, value and remedy, FetchError without a service."""
        import msgspec

        reply = self._ask("/v1/read", {name: value for name, value in words.items() if value is not None})
        return msgspec.convert({name: reply[name] for name in ("job", "warnings", "notes")}, ReadJob)

    def answer(self, job: Job | ReadJob) -> Answer:
        """What one job pays, as `Predictor.answer`. Raises FetchError without a service."""
        read = job if isinstance(job, ReadJob) else ReadJob(job=job)
        reply = self._ask("/v1/estimate", {**read.job.words(), "codes": True, "exact": True})
        answer = answer_of(reply["exact"])
        return answer.with_reading(read)

    def suggest_titles(self, text: str) -> tuple[str, ...]:
        """Known titles near to a text that may be half typed."""
        from urllib.parse import quote

        return tuple(self._ask(f"/v1/titles?q={quote(text)}")["titles"])

    def _ask(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The JSON reply to a GET, or to a POST of a body."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as reply:
                return json.loads(reply.read(LONGEST_REPLY))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.read(LONGEST_REPLY), error.code) from None
        except (OSError, ValueError) as error:
            raise FetchError(f"The service at {self._url} gives no answer ({error}). Check the address.") from error


def exact_answer(answer: Answer) -> dict[str, object]:
    """An answer as plain JSON with nothing rounded; `answer_of` reads it."""
    import msgspec

    return cast(dict[str, object], msgspec.to_builtins(answer, str_keys=True, enc_hook=_plain))


def answer_of(document: Mapping[str, object]) -> Answer:
    """The answer that `exact_answer` described."""
    import msgspec

    return msgspec.convert(document, Answer, strict=False, dec_hook=_array)


def _refusal(body: bytes, status: int) -> MLPayGradeError:
    """The error that a problem document describes."""
    try:
        document = json.loads(body)
        detail, found = str(document["detail"]), document.get("defects", [])
        defects = [
            Defect(column=one["field"], rule=one["rule"], value=one["value"], remedy=one["remedy"]) for one in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return FetchError(f"The service answered with status {status} and nothing that says why.")
    return InputError(detail, defects=defects) if status == 422 else FetchError(detail)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no plain form of {type(value).__name__}")


def _array(kind: object, value: Iterable[float]) -> NDArray[np.float32]:
    del kind
    return np.array(value, dtype=np.float32)
